"""What the console is made of. Book and secrets are functions: a reload changes what they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from daemon.clock import Clock
from daemon.console.auth import Attempts, Identity

if TYPE_CHECKING:
    from daemon.actions import Desk
    from daemon.core.book import Book
    from daemon.store import Store


@dataclass
class Parts:
    """`key` is `[security] key`; `secrets()` the webhooks' tokens, redacted out of whatever the inbox shows;
    `client` the address of who asks (behind trusted proxies, the one they forward for)."""

    desk: Desk
    store: Store
    clock: Clock
    book: Callable[[], Book]
    key: str = field(repr=False)
    public_url: str = ""
    secrets: Callable[[], Iterable[str]] = field(default=tuple, repr=False)
    client: Callable[[web.Request], str] = lambda request: request.remote or ""
    attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self.attempts = Attempts(self.clock)


PARTS = web.AppKey("parts", Parts)
IDENTITY = web.RequestKey("identity", Identity)
BODY = web.RequestKey("body", bytes)
SHOWN_ONCE = web.ResponseKey("shown_once", str)
"""On an answer that holds a secret: the answer without it, which is what an Idempotency-Key may keep."""


def parts_of(request: web.Request) -> Parts:
    return request.config_dict[PARTS]
