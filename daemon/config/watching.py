"""`[[heartbeats]]`, which we wait for, and `[dead_man]`, who waits for ours."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from daemon.config.durations import quoted
from daemon.config.entries import Fixed
from daemon.config.scalars import Duration, EntryName, Section, Span, one_line
from daemon.config.secrets import Secret


class Heartbeat(Fixed):
    """Missed when it does not come for `every` and `grace` (seconds)."""

    name: EntryName
    every: Span
    grace: Duration = 60
    token: Secret | None = None


def _address(text: str) -> str:
    """These services put the secret into the path or the query, so both are allowed."""
    try:
        parts = urlsplit(one_line(text))
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or " " in text:
        raise ValueError(f'{quoted(text[:12])} … is no address: write "https://hc.example/ping/…"')
    return text


def _checked(secret: SecretStr) -> SecretStr:
    _address(secret.get_secret_value())
    return secret


class DeadMan(Section):
    """`url` is asked for `every` seconds, as long as timer, intake and store are well."""

    url: Annotated[Secret, AfterValidator(_checked)]
    every: Span = 60
