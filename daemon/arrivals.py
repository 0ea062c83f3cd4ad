"""What the daemon fetches and waits for by itself: mailboxes, heartbeats, and its own sign of life to others."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from daemon.clock import Clock
from daemon.doors.heartbeats import HeartbeatDoor, heartbeats_of
from daemon.doors.mailbox import MailboxDoor, boxes_of
from daemon.doors.mailbox_parts import Desk, Limits
from daemon.metrics import Metrics
from daemon.store import Heartbeats, Mailboxes, Store, StoreError

if TYPE_CHECKING:
    from daemon.config import Config

log = logging.getLogger("tocsin.arrivals")

STUCK = 60_000  # ms that the oldest of the inbox may wait, and the timer may sleep, before we are not well
PING_TIMEOUT = 20.0


class Arrivals:
    """`start` on the store's loop, `configure` at a reload, `stop` while the store is still there."""

    def __init__(self, config: Config, store: Store, clock: Clock, metrics: Metrics) -> None:
        self._config, self._store, self._clock, self._metrics = config, store, clock, metrics
        holder = secrets.token_hex(8)
        self._mailboxes = MailboxDoor(
            Desk(Mailboxes(store), store.new_id, clock.now, metrics, StoreError, holder, Limits())
        )
        self._heartbeats = HeartbeatDoor(
            beats=Heartbeats(store),
            new_id=store.new_id,
            clock=clock,
            metrics=metrics,
            trouble=StoreError,
            heartbeats=heartbeats_of(config),
        )
        self._stop = asyncio.Event()
        self._count()

    def _count(self) -> None:
        config = self._config
        self._metrics.configure_inward([b.name for b in config.mailboxes], [h.name for h in config.heartbeats])

    def add_to(self, app: web.Application) -> None:
        self._heartbeats.add_to(app)

    async def start(self) -> None:
        await self._mailboxes.configure(boxes_of(self._config))

    async def configure(self, config: Config) -> None:
        self._config = config
        self._count()
        self._heartbeats.configure(heartbeats_of(config))
        await self._mailboxes.configure(boxes_of(config))

    async def stop(self) -> None:
        self._stop.set()
        await self._mailboxes.stop()

    async def run(self) -> None:
        """The heartbeats and the sign of life, until `stop`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeats.watch(self._stop), name="heartbeats")
            group.create_task(self._ping(), name="dead man")

    # the sign of life

    async def _ping(self) -> None:
        """Silence is the message: nothing goes out while anything is wrong."""
        while not self._stop.is_set():
            wanted = self._config.dead_man
            if wanted is not None:
                try:
                    if why := await self.unwell():
                        log.error("no sign of life sent reason=%s", why)
                    else:
                        await _get(wanted.url.get_secret_value())
                except StoreError as error:
                    log.error("no sign of life sent reason=database error=%s", error)
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                    log.warning("sign of life not taken error=%s", type(error).__name__)  # its address is a secret
            try:
                await asyncio.wait_for(self._stop.wait(), wanted.every if wanted else 5.0)
            except TimeoutError:
                continue

    async def unwell(self) -> str:
        """Why somebody should look at us; "" when all is well. Raises StoreError."""
        snapshot, now = await self._store.snapshot(), self._clock.now()
        if snapshot.inbox_oldest_at is not None and now - snapshot.inbox_oldest_at > STUCK:
            return "the intake does not keep up"
        if now - self._metrics.last_tick > STUCK:
            return "the timer does not tick"
        return ""


async def _get(url: str) -> None:
    timeout = aiohttp.ClientTimeout(total=PING_TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout) as client, client.get(url) as answer:
        if answer.status >= 400:
            raise aiohttp.ClientError(f"status {answer.status}")
