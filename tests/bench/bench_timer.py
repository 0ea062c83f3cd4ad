"""100,000 open incidents armed, 50 rungs a second falling due: how late each is handed to its channel.

Floor: the same instants as bare asyncio timers (call_later) in the same process. Goal: within 100 ms (p99).
Also the timer's own query with and without 100,000 closed incidents beside, and the resident memory.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from channels import Message
from daemon.clock import SystemClock
from daemon.config import load
from daemon.core import deadlines
from daemon.core.book import Book
from daemon.core.incident import Change, Incident, Rung
from daemon.core.vocabulary import Kind, Origin, Priority, Role, Source, Status
from daemon.loops.dispatcher import Dispatcher, Settings
from daemon.loops.envelope import sender_of
from daemon.loops.timer import Timer
from daemon.metrics import Metrics
from daemon.signing import Signer
from daemon.store import Store, opened
from daemon.wording import Wording

OPEN = 100_000
RATE = 50
SECONDS = 20
CONFIG = Path(__file__).resolve().parents[2] / "config.toml"


class Probe:
    """A channel that notes when it was handed each message."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self.handed: dict[str, int] = {}

    async def send(self, message: Message) -> str:
        self.handed.setdefault(message.incident, self._clock.now())
        return ""


def incident(number: int, now: int, due: int, book: Book) -> Incident:
    made = Incident(number, f"Instance {number} down", Source.WEBHOOK, Origin.MONITORING, now, now, clock_from=now)
    made.kind, made.priority, made.accepted_at = Kind.FAULT, Priority.P1, now
    made.status = Status.IN_PROGRESS
    made.epoch = 1
    made.ladder = [Rung(Role.SUPPORT_LEAD, due, 1), Rung(Role.INCIDENT_MANAGER, due + 3_600_000, 1)]
    made.resolve_due_at = made.kind_due_at = now + 86_400_000
    made.public_note_at = now
    deadlines.arm(made, book, now)
    return made


async def fill(store: Store, made: list[Incident]) -> None:
    for start in range(0, len(made), 1000):
        part = made[start : start + 1000]
        await store.transact(lambda tx, part=part: tx.apply([Change(i, created=True) for i in part]))


async def query_ms(store: Store, now: int) -> float:
    times = []
    for _ in range(200):
        began = time.perf_counter()
        await store.due(now, 128)
        await store.next_due()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[100]


def quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(int(len(values) * q), len(values) - 1)]


async def floor(count: int) -> list[float]:
    loop, late = asyncio.get_running_loop(), []
    start = loop.time() + 0.2
    for n in range(count):
        at = start + n / RATE
        loop.call_at(at, lambda at=at: late.append((loop.time() - at) * 1000))
    await asyncio.sleep(count / RATE + 0.5)
    return late


async def main(count: int, seconds: int) -> None:
    logging.disable(logging.WARNING)
    config, clock = load(CONFIG), SystemClock()
    book, metrics = config.book(), Metrics()
    bare = await floor(RATE * 5)
    with tempfile.TemporaryDirectory() as name:
        async with opened(f"sqlite://{name}/bench.sqlite3", clock) as store:
            now = clock.now()
            far = [incident(n, now, now + 7_200_000 + n, book) for n in range(1, count + 1)]
            began = time.perf_counter()
            await fill(store, far)
            print(f"filled {count} incidents in {time.perf_counter() - began:.1f} s")
            before = await query_ms(store, now)
            closed = [incident(count + n, now, now, book) for n in range(1, count + 1)]
            for one in closed:
                one.status, one.next_at = Status.CLOSED, None
            await fill(store, closed)
            del closed, far
            after = await query_ms(store, now)
            ratio = after / before
            print(f"timer's query {before:.2f} ms, {after:.2f} ms with {count} closed incidents beside: {ratio:.2f}")
            start = clock.now() + 2000
            spread = random.Random(1)
            due = {2 * count + 1 + n: start + int((n + spread.random()) * 1000 / RATE) for n in range(RATE * seconds)}
            await fill(store, [incident(n, now, at, book) for n, at in due.items()])
            gc.collect()
            gc.freeze()  # as the daemon does at its start: this program's own lists are not what is measured
            probe = Probe(clock)
            wording = Wording(config.locale, config.timezone, config.http.public_url)
            sender = sender_of(Signer("k" * 32), "t@tocsin.example", "")
            settings = Settings(wording, sender, {"email": probe, "sms": probe})
            stop = asyncio.Event()
            timer = Timer(store, lambda: book, clock, metrics)
            dispatcher = Dispatcher(store, lambda: book, lambda: settings, clock, metrics)
            tasks = [asyncio.create_task(timer.run(stop)), asyncio.create_task(dispatcher.run(stop))]
            await asyncio.sleep(seconds + 4)
            stop.set()
            await asyncio.wait(tasks)
    late = [float(probe.handed[f"INC-{n}"] - at) for n, at in due.items() if f"INC-{n}" in probe.handed]
    print(f"floor     p50 {quantile(bare, 0.5):6.1f} ms  p99 {quantile(bare, 0.99):6.1f} ms  asyncio timers")
    print(
        f"escalated p50 {quantile(late, 0.5):6.1f} ms  p99 {quantile(late, 0.99):6.1f} ms  max {max(late):.0f} ms, "
        f"{len(late)} of {len(due)} handed over"
    )
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"resident at most {most:.0f} MB, this program's own lists included")


if __name__ == "__main__":
    given = [int(a) for a in sys.argv[1:]]
    uvloop.run(main(given[0] if given else OPEN, given[1] if len(given) > 1 else SECONDS))
