"""Heartbeats come in by HTTP, and what does not come is a fault through the ordinary inbox.

`POST` or `GET /heartbeats/{name}` is a beat, answered 200 when it is committed. `watch` looks every second what is
missed (`every` plus `grace` after the last beat); the next beat resolves it. It all survives a restart, and the time
in which nobody listened is not held against those who beat in vain.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import orjson
from aiohttp import web

from daemon.clock import Clock, rfc3339
from daemon.core.heartbeats import Beat, excused_until, is_missed
from daemon.doors.webhooks import JSON, _given
from parsers import Raw

if TYPE_CHECKING:
    from daemon.config import Config

log = logging.getLogger("tocsin.doors.heartbeats")

LOOK = 1.0
ALIVE = 10.0  # seconds between notes that somebody listens
DEAF = 15_000  # ms without such a note that count as nobody listening


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`every` and `grace` in seconds. Without a token anybody may send it; the config warns of it."""

    name: str
    every: float
    grace: float
    token: str = field(default="", repr=False)


def heartbeats_of(config: Config) -> list[Heartbeat]:
    return [
        Heartbeat(h.name, h.every, h.grace, h.token.get_secret_value() if h.token else "") for h in config.heartbeats
    ]


class Beats(Protocol):
    """`daemon.store.Heartbeats`."""

    async def load(self) -> dict[str, Beat]: ...
    async def begin(self, names: list[str], now: int) -> None: ...
    async def excuse(self, until: list[tuple[str, int]]) -> None: ...
    async def beat(self, name: str, now: int, recovery: Callable[[], Raw]) -> bool: ...
    async def miss(self, beat: Beat, now: int, alarm: Callable[[], Raw]) -> bool: ...
    async def alive(self, now: int) -> None: ...
    async def last_alive(self) -> int | None: ...


class Gauge(Protocol):
    def heartbeat(self, name: str, is_missed: bool) -> None: ...


class HeartbeatDoor:
    """`beats` raises `trouble` when the database is away."""

    def __init__(
        self,
        *,
        beats: Beats,
        new_id: Callable[[], int],
        clock: Clock,
        metrics: Gauge,
        trouble: type[Exception],
        heartbeats: Iterable[Heartbeat],
    ) -> None:
        self._beats, self._new_id, self._clock = beats, new_id, clock
        self._metrics, self._trouble = metrics, trouble
        self._noted = 0
        self._listening = False
        self.configure(heartbeats)

    def configure(self, heartbeats: Iterable[Heartbeat]) -> None:
        """Also at a reload."""
        self._known = {heartbeat.name: heartbeat for heartbeat in heartbeats}

    def add_to(self, app: web.Application) -> None:
        app.router.add_route("POST", "/heartbeats/{name}", self.beat)
        app.router.add_route("GET", "/heartbeats/{name}", self.beat)

    async def beat(self, request: web.Request) -> web.Response:
        """200 {"heartbeat": name} once it is committed."""
        heartbeat = self._known.get(request.match_info["name"])
        if heartbeat is None:
            return _answer(404, {"error": "there is no such heartbeat"})
        given = _given(request)
        if heartbeat.token and not (given and hmac.compare_digest(given, heartbeat.token.encode())):
            challenge = {"WWW-Authenticate": 'Bearer realm="tocsin", Basic realm="tocsin"'}
            return _answer(401, {"error": "a good token is needed"}, challenge)
        now = self._clock.now()
        try:
            back = await self._beats.beat(heartbeat.name, now, lambda: self._raw(heartbeat, "back", now, now))
        except self._trouble as error:
            log.error("not accepted door=heartbeat name=%s error=%s", heartbeat.name, error)
            return _answer(503, {"error": "the store is away"}, {"Retry-After": "5"})
        if back:
            log.info("heartbeat back name=%s", heartbeat.name)
        self._metrics.heartbeat(heartbeat.name, False)
        return _answer(200, {"heartbeat": heartbeat.name})

    async def step(self) -> list[str]:
        """One look; the names of those that are missed since this look."""
        now = self._clock.now()
        if not self._known:
            return []
        if not self._listening:
            await self._begin(now)
            self._listening = True
        beats = await self._beats.load()
        if fresh := [name for name in self._known if name not in beats]:
            await self._beats.begin(fresh, now)
        missed = []
        for beat in beats.values():
            heartbeat = self._known.get(beat.name)
            if heartbeat is None:
                continue
            late = beat.missed_at is None and is_missed(beat, heartbeat.every, heartbeat.grace, now)
            if late and await self._miss(heartbeat, beat, now):
                missed.append(beat.name)
            self._metrics.heartbeat(beat.name, late or beat.missed_at is not None)
        if now - self._noted >= ALIVE * 1000:
            await self._beats.alive(now)
            self._noted = now
        return missed

    async def watch(self, stop: asyncio.Event) -> None:
        """Until `stop`. While the database is away nobody is missed."""
        while not stop.is_set():
            try:
                await self.step()
            except self._trouble as error:
                log.warning("heartbeats not looked at error=%s", error)
            try:
                await asyncio.wait_for(stop.wait(), LOOK)
            except TimeoutError:
                continue

    async def _begin(self, now: int) -> None:
        """The first look after a start: who was to beat while nobody listened is waited for once more."""
        deaf_from = await self._beats.last_alive()
        if deaf_from is None or now - deaf_from < DEAF:
            return
        until = []
        for beat in (await self._beats.load()).values():
            if (h := self._known.get(beat.name)) is not None:
                excused = excused_until(beat, h.every, h.grace, deaf_from, now)
                if excused != beat.excused_until:
                    until.append((beat.name, excused))
        await self._beats.excuse(until)
        if until:
            log.info("heartbeats excused names=%s deaf=%.0fs", " ".join(n for n, _ in until), (now - deaf_from) / 1000)

    async def _miss(self, heartbeat: Heartbeat, beat: Beat, now: int) -> bool:
        first = await self._beats.miss(beat, now, lambda: self._raw(heartbeat, "missed", beat.last_at, now))
        if first:
            log.warning("heartbeat missed name=%s last=%s", beat.name, rfc3339(beat.last_at))
        return first

    def _raw(self, heartbeat: Heartbeat, state: str, last_at: int, now: int) -> Raw:
        body = {"heartbeat": heartbeat.name, "state": state, "last_at": rfc3339(last_at), "every": heartbeat.every}
        return Raw(
            id=self._new_id(),
            source="webhook",
            entry=heartbeat.name,
            parser="heartbeat",
            received_at=now,
            body=orjson.dumps(body),
            content_type="application/json",
            path=f"/heartbeats/{heartbeat.name}",
        )


def _answer(status: int, data: dict[str, str], headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(data), headers={**JSON, **(headers or {})})
