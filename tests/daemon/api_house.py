"""The real API over a real store, on a free port: what the tests of the console and the command line start from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from daemon.actions import Desk
from daemon.clock import VirtualClock
from daemon.console.api import add_routes
from daemon.console.auth import Scope
from daemon.console.parts import Parts
from daemon.console.tokens import make_token
from daemon.core.book import Book
from daemon.core.directory import Directory, Person, Service
from daemon.core.vocabulary import Role
from daemon.doors.http import make_app
from daemon.metrics import Metrics
from daemon.store import Store, opened

NOW = 1_767_575_000_000  # 2026-01-05T01:03:20Z
KEY = "a key of more than sixteen characters"
SECRET = "the-webhook-token-of-prometheus"

DIRECTORY = Directory(
    people=(
        Person("wang", "王芳", "wang@example", "+8613800000000", (Role.INCIDENT_MANAGER,)),
        Person("li", "李雷", "li@example", "+8613800000001", (Role.SERVICE_DESK, Role.FIRST_LINE)),
        Person("zhao", "赵敏", "zhao@example", "", (Role.SECOND_LINE, Role.SUPPORT_LEAD)),
    ),
    services=(Service("billing", core=True, aliases=("bill",), user_base=800_000), Service("portal")),
)


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        import json

        return json.loads(self.body)


@dataclass
class House:
    """`tokens` by scope; `operate` stands for 李雷, `admin` for nobody."""

    url: str
    store: Store
    clock: VirtualClock
    parts: Parts
    tokens: dict[str, str]
    session: aiohttp.ClientSession

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "operate",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`token` is a scope's name, a token itself, or None for none. `body` is sent as JSON, bytes as they are."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {self.tokens.get(token, token)}")
        data: Any = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        async with self.session.request(method, self.url + path, headers=sent, **data) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.ask("POST", path, body, **more)

    async def register(self, title: str = "无法充值", **fields: Any) -> dict[str, Any]:
        answer = await self.post("/incidents", {"title": title, **fields})
        assert answer.status == 201, answer.body
        found: dict[str, Any] = answer.json()
        return found


_empty: list[bytes] = []


async def _database(path: Path) -> None:
    """An empty database: made once, for the migrations cost more than most tests."""
    if not _empty:
        async with opened(f"sqlite://{path}", VirtualClock(NOW), upgrade=True):
            pass
        _empty.append(path.read_bytes())
    path.write_bytes(_empty[0])


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    clock = VirtualClock(NOW)
    book = Book(directory=DIRECTORY)
    await _database(folder / "tocsin.sqlite3")
    async with opened(f"sqlite://{folder}/tocsin.sqlite3", clock) as store:
        desk = Desk(store, lambda: book, clock, Metrics(CollectorRegistry()))
        parts = Parts(desk, store, clock, lambda: book, KEY, "https://tocsin.example", lambda: [SECRET])
        app = make_app(10 << 20)
        add_routes(app, parts)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        people = {"ingest": None, "operate": "li", "admin": None}
        tokens = {s: await make_token(store, clock, f"token of {s}", Scope.named(s), p) for s, p in people.items()}
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port}/api/v1"
            yield House(url, store, clock, parts, tokens, session)
        await runner.cleanup()
