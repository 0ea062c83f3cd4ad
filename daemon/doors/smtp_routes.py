"""Which mail goes where, and what the config says of the SMTP door."""

from __future__ import annotations

import fnmatch
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.config.sections import Smtp

PARSERS = {"alert": "alert_mail", "support": "customer_mail"}
"""`as` of a route -> the parser of its mail."""


@dataclass(frozen=True, slots=True)
class Route:
    """Mail to `to` (a glob over the address, in any case) goes to `parser`; `name` is the Raw's entry."""

    name: str
    to: str
    parser: str


class Routes:
    """The first that fits decides."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(re.compile(fnmatch.translate(route.to.casefold())), route) for route in routes]

    def find(self, recipient: str) -> Route | None:
        """`support+token@…` is also `support@…`, for our own reply addresses."""
        address = recipient.casefold()
        local, at, domain = address.rpartition("@")
        plain = local.partition("+")[0] + at + domain
        for pattern, route in self._routes:
            if pattern.match(address) or pattern.match(plain):
                return route
        return None


def routes_of(config: Smtp) -> list[Route]:
    return [Route(route.name, route.to, PARSERS[route.as_]) for route in config.routes]


def users_of(config: Smtp) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in config.users.items()}


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """For STARTTLS. Raises OSError or ssl.SSLError when the files are missing or do not fit."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context
