"""The tables of the config that are one of a kind: database, http, smtp, security, log and the short ones."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, model_validator

from daemon.config.entries import Fixed
from daemon.config.scalars import (
    Address,
    DurationOrOff,
    Host,
    Listen,
    Net,
    Section,
    Size,
    Text,
    Url,
    one_line,
)
from daemon.config.secrets import ABSENT, Absent, FilePath, Secret, ensure_key, read_secret_file, surroundings

MIN_KEY = 16  # characters


def _database_url(value: object, info: ValidationInfo) -> str:
    around = surroundings(info)
    text = around.secret(value)
    if text == ABSENT:
        return ""
    scheme, colon, rest = text.partition("://")
    if not colon or scheme not in ("sqlite", "postgres", "postgresql"):
        raise ValueError('must begin with "sqlite://" or "postgres://"')
    if scheme == "sqlite":
        file, mark, options = rest.partition("?")
        if not file or "\0" in file:
            raise ValueError('names no file: write "sqlite://var/tocsin.sqlite3"')
        return text if file == ":memory:" else f"sqlite://{around.path(file)}{mark}{options}"
    try:
        parts = urlsplit(text)
        named = bool(parts.path.strip("/")) and (parts.port or 1) > 0
    except ValueError:
        named = False
    if not named:
        raise ValueError('names no database: write "postgres://user@host/database"')
    return f"postgres://{rest}"


class Database(Section):
    """`url`: sqlite://ABSOLUTE_PATH or postgres://…; it may hold a password, so it is never shown."""

    url: Annotated[str, BeforeValidator(_database_url), Field(repr=False)]


class Http(Section):
    listen: Listen = Address("127.0.0.1", 8080)
    public_url: Url = ""  # no trailing slash; made from `listen` when absent
    trusted_proxies: list[Net] = Field(default_factory=list)
    metrics_token: Secret | None = None
    max_body: Size = 10 << 20

    @model_validator(mode="after")
    def _own_url(self) -> Self:
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://{self.listen}")
        return self


def _glob(text: str) -> str:
    if any(c.isspace() for c in one_line(text)):
        raise ValueError("has a space: write a glob over the recipient, such as alerts@*")
    return text


class Route(Fixed):
    """Where mail for a recipient goes. `to` is a glob, case-folded by who compares."""

    to: Annotated[str, AfterValidator(_glob)]
    as_: Literal["alert", "support"] = Field(alias="as")
    name: Text = ""

    @model_validator(mode="after")
    def _own_name(self) -> Self:
        if not self.name:
            object.__setattr__(self, "name", self.to)
        return self


class Smtp(Section):
    """Receiving mail. `allow`: networks that may send without AUTH; `users`: name and password of the others."""

    listen: Listen = Address("127.0.0.1", 8025)
    hostname: Host = "tocsin.localdomain"
    allow: list[Net] = Field(default_factory=lambda: [ip_network("127.0.0.0/8"), ip_network("::1")])
    max_size: Size = 25 << 20
    tls_cert: FilePath | None = None
    tls_key: FilePath | None = None
    users: dict[Text, Secret] = Field(default_factory=dict)
    routes: list[Route] = Field(default_factory=list)

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: one is missing")
        if self.users and not self.tls_cert:
            raise ValueError("users can log in over TLS only: set tls_cert and tls_key")
        return self


@dataclass(frozen=True)
class Security:
    """`key` signs links and tokens; None while `key_file` is not made (`ensure`), or when neither is set.

    `hidden`: a config that was read leniently names a key that this user cannot see.
    """

    key: SecretStr | None = None
    key_file: Path | None = None
    hidden: bool = False

    def ensure(self) -> SecretStr | None:
        """The key, made once when the config names a file that is not there. Raises OSError, ValueError."""
        return ensure_key(self.key, self.key_file)


def _security(value: object, info: ValidationInfo) -> Security:
    around = surroundings(info)
    file: Path | None = None
    if isinstance(value, dict) and list(value) == ["file"] and isinstance(value["file"], str) and value["file"]:
        file = around.path(value["file"])
    try:
        if file is not None:
            return Security(_long_enough(read_secret_file(file)) if os.path.lexists(file) else None, file)
        return Security(_long_enough(replace(around, lenient=False).secret(value)))
    except Absent:
        if not around.lenient:
            raise
        return Security(None, file, hidden=True)


def _long_enough(text: str) -> SecretStr:
    if len(text) < MIN_KEY:
        raise ValueError(f"the key is shorter than {MIN_KEY} characters")
    return SecretStr(text)


class SecurityTable(Section):
    key: Annotated[Security, BeforeValidator(_security)] = Security()


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Retention(Section):
    """How long things are kept, in seconds; None keeps them for ever."""

    raw: DurationOrOff = None  # the bytes that came in
    inbox: DurationOrOff = None
    outbox: DurationOrOff = None
    incidents: DurationOrOff = None


class Recipients(Section):
    """`[bulletin]` and `[report]`: mail addresses, or ids or names of people."""

    to: list[Text] = Field(default_factory=list)
