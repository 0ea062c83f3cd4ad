"""Secrets: a string, `{ env = "X" }`, `{ file = "P" }`, or `{ credential = "imap" }` (in $CREDENTIALS_DIRECTORY).

No message here holds a secret's value.
"""

from __future__ import annotations

import contextlib
import os
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr, ValidationInfo

from daemon.config import faults as f
from daemon.config.durations import kind

MAX_SECRET = 64 * 1024
WAYS = ("env", "file", "credential")
_HOLDERS = frozenset({"headers", "users", "params", "form", "query", "urls"})  # tables whose every value may be secret
_PATHS = frozenset({"path", "tls_cert", "tls_key", "tls_ca", "ca_file", "cert_file", "key_file"})


ABSENT = "https://absent.invalid/"
"""In the place of a secret that cannot be seen; an address, since some secrets are one."""


class Absent(ValueError):
    """The secret is well named, but it is not there or not for this user's eyes."""


@dataclass(frozen=True)
class Surroundings:
    """What a config is read in: the environment, and the folder that relative paths start from.

    `lenient`: secrets and key files that this user cannot see are no faults, and ABSENT stands in a secret's place.
    """

    env: Mapping[str, str]
    folder: Path
    lenient: bool = False

    def path(self, text: str) -> Path:
        return self.folder / Path(text).expanduser()

    def secret(self, value: object) -> str:
        """The secret's text. Raises ValueError that names the variable or file, never the value."""
        try:
            return self._secret(value)
        except Absent:
            if self.lenient:
                return ABSENT
            raise

    def _secret(self, value: object) -> str:
        if isinstance(value, str):
            if not value:
                raise ValueError("is empty")
            return value
        if not isinstance(value, dict):
            raise ValueError(f'expected text or {{ env = "NAME" }}, {{ file = "PATH" }}, got {kind(value)}')
        if len(value) != 1 or next(iter(value)) not in WAYS:
            raise ValueError("a secret's table has exactly one of the keys env, file, credential")
        ((way, name),) = value.items()
        if not isinstance(name, str) or not name or "\0" in name:
            raise ValueError(f"{way} must be the name of where the secret is, as text")
        text = self._from_env(name) if way == "env" else self._from_file(way, name)
        if not text:
            raise Absent(f"{'environment variable' if way == 'env' else way} {name} is empty")
        return text

    def _from_env(self, name: str) -> str:
        if name not in self.env:
            raise Absent(f"environment variable {name} is not set")
        return self.env[name]

    def _from_file(self, way: str, name: str) -> str:
        if way == "file":
            return read_secret_file(self.path(name))
        folder = self.env.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise Absent(f"credential {name} needs $CREDENTIALS_DIRECTORY, which systemd sets (LoadCredential=)")
        if "/" in name or name in (".", ".."):
            raise ValueError("a credential is named without a path")
        return read_secret_file(Path(folder) / name)


def read_secret_file(path: Path) -> str:
    """The file's text without its trailing line break. Raises ValueError."""
    try:
        with path.open("rb") as file:
            found = file.read(MAX_SECRET + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a path"
        raise Absent(f"file {path} cannot be read: {why}") from None
    if len(found) > MAX_SECRET:
        raise ValueError(f"file {path} is larger than 64 KiB: not a secret")
    try:
        return found.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"file {path} is not UTF-8 text") from None


def surroundings(info: ValidationInfo) -> Surroundings:
    """What the model is validated in."""
    if not isinstance(info.context, Surroundings):
        raise TypeError("the config's tables are validated with their Surroundings as the context")
    return info.context


def _resolve(value: object, info: ValidationInfo) -> SecretStr:
    return SecretStr(surroundings(info).secret(value))


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("expected a path as text")
    around = surroundings(info)
    file = around.path(value)
    try:
        there = file.is_file()
    except OSError as error:
        there = False
        if not around.lenient:
            raise ValueError(f"file {file} cannot be read: {error.strerror}") from None
    if not (there or around.lenient):
        raise ValueError(f"there is no file {file}")
    return file


Secret = Annotated[SecretStr, BeforeValidator(_resolve)]
FilePath = Annotated[Path, BeforeValidator(_path)]  # absolute, of a file that is there


def resolved(table: Any, at: f.Place, around: Surroundings, faults: f.Faults, *, paths: bool) -> Any:
    """A copy of a plug-in's table with its secret tables replaced by their text and, with `paths`, its relative
    paths made absolute. A secret that is not there is a fault, and an empty text stands in its place."""
    if isinstance(table, list):
        return [resolved(v, (*at, n), around, faults, paths=paths) for n, v in enumerate(table)]
    if not isinstance(table, dict):
        return table
    out = {}
    held = bool(at) and str(at[-1]).casefold() in _HOLDERS
    for key, value in table.items():
        place = (*at, key)
        if _names_secret(value) and (held or f.SECRET_NAMES.search(key)):
            try:
                out[key] = around.secret(value)
            except ValueError as error:
                faults.add(place, str(error))
                out[key] = ""
            continue
        if paths and key in _PATHS and isinstance(value, str) and value:
            out[key] = str(around.path(value))
            continue
        out[key] = resolved(value, place, around, faults, paths=paths)
    return out


def _names_secret(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in WAYS


def ensure_key(key: SecretStr | None, file: Path | None) -> SecretStr | None:
    """The signing key. `file` is made once, readable by its owner only, when neither is there yet; None without both.

    Raises OSError or ValueError when the file can neither be made nor read.
    """
    if key is not None or file is None:
        return key
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = randomness.token_hex(32)
    # Linked into place whole: a crash leaves no short key, and of two daemons that start at once one wins.
    scratch = file.with_name(f".{file.name}.{randomness.token_hex(4)}")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as out:
            out.write(fresh + "\n")
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(scratch, file)
    finally:
        scratch.unlink(missing_ok=True)
    return SecretStr(read_secret_file(file))
