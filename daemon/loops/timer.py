"""What is due -> Change: rungs, breaches, warnings, levels, closings (ARCHITECTURE, walk 3).

The database is the timer: `next_at` is indexed, nothing waits in memory, so a restart loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator

from daemon.clock import Clock
from daemon.core import deadlines, timers
from daemon.core.book import Book
from daemon.core.incident import Change, Incident
from daemon.core.known import Known
from daemon.core.vocabulary import Status
from daemon.metrics import Metrics
from daemon.store import Store, Tx, windows

log = logging.getLogger("tocsin.timer")

BATCH = 128
POLL = 1.0  # seconds between looks where nothing wakes it: another daemon's incidents are due here too
ROUNDS = 8  # more would be a defect: an instant that is due and that nothing takes away
STUMBLE = 60_000  # ms after which an incident that could not be handled is tried again


class Timer:
    """`step(now)` handles one batch of due incidents and returns whether it found any."""

    def __init__(self, store: Store, book: Callable[[], Book], clock: Clock, metrics: Metrics) -> None:
        self._store, self._book, self._clock, self._metrics = store, book, clock, metrics

    async def step(self, now: int) -> bool:
        ids = await self._store.due(now, BATCH)
        self._metrics.tick(now)
        if not ids:
            return False
        base = self._book()

        async def decide(tx: Tx) -> list[Change]:
            book = base.at(await windows.calendar(tx, now))
            due = await tx.due(ids, now)
            fresh = iter(await tx.numbers(sum(i.workaround and i.status is Status.RESOLVED for i in due)))
            changes = [c for i in due for c in _on_deadline(i, fresh, book, now)]
            await tx.apply(changes)
            return changes

        changes = await self._store.transact(decide, urgent=True)
        self._metrics.observe(changes, now)
        for change in changes:
            for entry in change.entries:
                log.info("timer incident=%s event=%s %s", change.incident.number, entry.event, _facts(entry.data))
        return True

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._store.timer_waker.clear()
            if await self.step(self._clock.now()):
                continue
            due = await self._store.next_due()
            wait = POLL if due is None else min(max((due - self._clock.now()) / 1000, 0.0), POLL)
            if wait > 0:
                try:
                    await asyncio.wait_for(self._store.timer_waker.wait(), wait)
                except TimeoutError:
                    continue


def _on_deadline(incident: Incident, fresh: Iterator[int], book: Book, now: int) -> list[Change]:
    """Its change, and those of what it opened: the follow-up of a workaround that closed by itself."""
    whole = incident.copy()
    known = Known(number=lambda: next(fresh), incidents={incident.id: incident})
    try:
        for _ in range(ROUNDS):  # a level that rose may have moved a deadline into the past
            timers.on_deadline(incident, known, book, now)
            for change in known.changes.values():
                deadlines.arm(change.incident, book, now)
            if incident.next_at is None or incident.next_at > now:
                return list(known.changes.values())
        raise RuntimeError("still due after all that was due was done")
    except Exception:  # noqa: BLE001 — one incident must not stop the others' ladders: kept, said, tried again
        error = traceback.format_exc()
        log.error("timer failed incident=%s\n%s", whole.number, error)
        change = Change(whole)
        change.log(now, "held", what="timer", error=error[-2000:])
        whole.next_at = now + STUMBLE
        return [change]


def _facts(data: dict[str, object]) -> str:
    return " ".join(f"{k}={v}" for k, v in data.items() if k in ("role", "reason", "deadline", "from", "to", "late"))
