"""What every command starts from: the config, the way to the daemon, and how it fails."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from daemon.clock import SystemClock

if TYPE_CHECKING:
    from daemon.client import Client
    from daemon.config import Config

HERE, SYSTEM_WIDE = Path("config.toml"), Path("/etc/tocsin/config.toml")


KEPT_KEY = "security.key"


class Failed(Exception):
    """Exit 1, its text as one line."""


class Wrong(Exception):
    """The call or the config is wrong: exit 2. `lines` are printed as they are."""

    def __init__(self, *lines: str) -> None:
        super().__init__(lines[0] if lines else "")
        self.lines = lines


def config_path(args: argparse.Namespace) -> Path:
    """`--config`, else config.toml here, else the system's. Raises Wrong when there is none."""
    if args.config:
        return Path(args.config)
    for path in (HERE, SYSTEM_WIDE):
        if path.is_file():
            return path
    raise Wrong(f"tocsin: there is no {HERE} here and no {SYSTEM_WIDE}; --config names one")


def load_config(args: argparse.Namespace, *, lenient: bool = False) -> Config:
    """Raises Wrong with every fault of the file. `lenient`: secrets need not be there, for they are not used."""
    from daemon.config import ConfigError, load

    path = config_path(args)
    try:
        return load(path, lenient=lenient)
    except ConfigError as fault:
        raise Wrong(*fault.faults) from None


def optional_config(args: argparse.Namespace) -> Config | None:
    """For commands that speak to a daemon: of the config's secrets they need its key alone, and with TOCSIN_URL and
    TOCSIN_TOKEN no config at all, though they look nicer with one."""
    free = bool(os.environ.get("TOCSIN_URL") and os.environ.get("TOCSIN_TOKEN"))
    try:
        if args.config or HERE.is_file() or SYSTEM_WIDE.is_file():
            return load_config(args, lenient=True)
    except (Wrong, OSError):
        if not free:
            raise
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "local"


def local_url(config: Config) -> str:
    """Where the daemon of this config listens, as seen from the same machine."""
    host, port = config.http.listen.host, config.http.listen.port
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1", "*": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_ours(url: str, config: Config) -> bool:
    """A token signed with our key is shown only to our own daemon: anywhere else it would be a gift."""
    known = {urlsplit(local_url(config)).netloc, urlsplit(str(config.http.public_url)).netloc}
    return urlsplit(url).netloc in known


def database_url(config: Config) -> str:
    """Of a config that was read leniently. Raises Wrong when it is a secret that this user cannot see."""
    if not config.database.url:
        raise Wrong(f"{config.path.name}: database.url: its variable, file or credential cannot be read here")
    return config.database.url


def _key(config: Config) -> str:
    """`[security] key`; without one in the config, the key that the daemon keeps in the store. "" before its start."""
    security = config.security
    if security.key is not None or security.key_file is not None or security.hidden:
        return security.key.get_secret_value() if security.key else ""

    if not config.database.url:
        return ""

    async def kept() -> str:
        from daemon.store import opened

        async with opened(config.database.url, SystemClock(), exclusive=False) as store:
            return await store.setting(KEPT_KEY) or ""

    from daemon.store import StoreError

    try:
        return asyncio.run(kept())
    except StoreError:
        return ""


def client(args: argparse.Namespace, config: Config | None) -> Client:
    """By TOCSIN_URL and TOCSIN_TOKEN, else by the config and a token signed with its key. Raises Wrong."""
    from daemon.client import Client
    from daemon.console.auth import sign_local

    url, token = os.environ.get("TOCSIN_URL", ""), os.environ.get("TOCSIN_TOKEN", "")
    if not url:
        if config is None:
            raise Wrong(f"tocsin: there is no {HERE}, no {SYSTEM_WIDE} and no TOCSIN_URL: where is the daemon?")
        url = local_url(config)
    if not token and config is not None and _is_ours(url, config) and (key := _key(config)):
        token = sign_local(key, _user(), SystemClock().now())
    if not token:
        raise Wrong(f"tocsin: {url} wants a token: set TOCSIN_TOKEN (tocsin token new NAME --scope operate)")
    try:
        return Client(url, token)
    except ValueError as fault:
        raise Wrong(f"tocsin: TOCSIN_URL: {fault}") from None


def put(text: str) -> None:
    sys.stdout.write(text + "\n")


def put_json(document: Any) -> None:
    """One document on one line; non-ASCII as it is."""
    sys.stdout.flush()
    put(orjson.dumps(document).decode())


def warn(text: str) -> None:
    sys.stderr.write(text + "\n")
