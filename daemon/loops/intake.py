"""Raw -> Report -> Change, in batches (decisions 3 and 4).

1. Read what waits, oldest first; parse it, off the event loop where it is much.
2. In one transaction: claim the rows, load and lock what their reports touch, fold the reports through the core
   in order, write everything.
3. A batch that fails is replayed item by item; the item that fails alone is set aside with its traceback.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon.clock import Clock
from daemon.core import deadlines
from daemon.core.book import Book
from daemon.core.incident import Change
from daemon.core.known import Known, MailFacts, Outcome
from daemon.core.triage import triage
from daemon.loops.loading import load
from daemon.metrics import Metrics
from daemon.signing import Signer
from daemon.store import InboxResult, ReportResult, Store, StoreError, Tx, windows
from parsers import Parser, Raw, Report, Unparsable

log = logging.getLogger("tocsin.intake")

BATCH = 128  # rows read at once
REPORTS = 128  # reports a transaction: the event loop and the owner of writes are held about 20 ms by it
INLINE_BYTES = 256 << 10  # parsed on the loop; more goes to a thread
CUT = 8000  # characters of a traceback that are kept


@dataclass
class Item:
    """One inbox row on its way. `error`: why it could not be read."""

    raw: Raw
    reports: Sequence[Report] = ()
    error: str = ""
    outcome: str = ""
    facts: MailFacts = field(default_factory=MailFacts)


class Intake:
    """`step()` processes one batch and returns whether it found work."""

    def __init__(
        self,
        store: Store,
        parsers: Mapping[str, Parser],
        settings: Callable[[str], Any],
        book: Callable[[], Book],
        clock: Clock,
        metrics: Metrics,
        signer: Signer,
    ) -> None:
        self._store, self._parsers, self._settings = store, parsers, settings
        self._book, self._clock, self._metrics, self._signer = book, clock, metrics, signer

    async def step(self) -> bool:
        raws = await self._store.pending(BATCH)
        if not raws:
            return False
        if sum(len(r.body) for r in raws) <= INLINE_BYTES:
            items = [self._read(raw) for raw in raws]
        else:
            items = await asyncio.to_thread(lambda: [self._read(raw) for raw in raws])
        for part in _parts(items):
            await self._commit_part(part)
        return True

    async def _commit_part(self, items: Sequence[Item]) -> None:
        try:
            await self._commit(items)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 — one item is poison: find it, set it aside, go on
            log.warning("batch failed items=%d error=%r: replayed one by one", len(items), error)
            for item in items:
                await self._commit_alone(item)

    def _read(self, raw: Raw) -> Item:
        parser = self._parsers.get(raw.parser)
        if parser is None:
            return Item(raw, error=f"there is no parser {raw.parser!r}", outcome="unparsable")
        try:
            reports = list(parser.parse(raw, self._settings(raw.entry)))
        except Unparsable as error:
            return Item(raw, error=str(error)[:CUT], outcome="unparsable")
        except Exception:  # noqa: BLE001 — a defect of the parser: the item is set aside, counted, shown
            return Item(raw, error=traceback.format_exc()[-CUT:], outcome="failed")
        return Item(raw, reports, facts=self._facts(reports))

    def _facts(self, reports: Sequence[Report]) -> MailFacts:
        mail = next((r.mail for r in reports if r.mail), None)
        if mail is None:
            return MailFacts()
        numbers = [n for a in mail.recipients if (n := self._signer.incident_of(a)) is not None]
        return MailFacts(any(map(self._signer.is_own, mail.loop_tokens)), numbers[0] if numbers else None)

    async def _commit_alone(self, item: Item) -> None:
        try:
            await self._commit([item])
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 — set aside with its traceback; the rest goes on
            error = traceback.format_exc()[-CUT:]
            await self._commit([Item(item.raw, error=error, outcome="failed")])

    async def _commit(self, items: Sequence[Item]) -> None:
        base = self._book()

        async def decide(tx: Tx) -> tuple[dict[int, Change], list[tuple[Item, list[Outcome]]], int]:
            claimed = await tx.claim_inbox([i.raw.id for i in items])
            mine = [i for i in items if i.raw.id in claimed]
            now = self._clock.now()
            book = base.at(await windows.calendar(tx, now))
            known, done = await _decided(tx, mine, book, now)
            for change in known.changes.values():
                if change.touched or change.created:
                    deadlines.arm(change.incident, book, now)
            await tx.apply(
                list(known.changes.values()),
                keys=list(known.changed_keys.values()),
                results=[_result(i, o) for i, o in done],
                messages=known.messages,
            )
            return known.changes, done, now

        changes, done, now = await self._store.transact(decide)
        self._metrics.observe(list(changes.values()), now)
        for item, outcomes in done:
            self._count(item, outcomes, now)

    def _count(self, item: Item, outcomes: Sequence[Outcome], now: int) -> None:
        raw, seconds = item.raw, max(now - item.raw.received_at, 0) / 1000
        if item.error:
            self._metrics.signal(raw.source, raw.parser, item.outcome, seconds)
            reason = item.error.strip().splitlines()[-1]
            log.warning("set aside inbox=%d entry=%s outcome=%s reason=%s", raw.id, raw.entry, item.outcome, reason)
        for outcome in outcomes:
            self._metrics.signal(raw.source, raw.parser, outcome.outcome, seconds)
            number = f"INC-{outcome.incident}" if outcome.incident else "-"
            log.info("signal inbox=%d entry=%s outcome=%s incident=%s", raw.id, raw.entry, outcome.outcome, number)


def _parts(items: Sequence[Item]) -> Iterator[list[Item]]:
    """At most REPORTS reports a transaction, but a row is never cut: a group of alerts may be a hundred of them."""
    part: list[Item] = []
    count = 0
    for item in items:
        if part and count + len(item.reports) > REPORTS:
            yield part
            part, count = [], 0
        part.append(item)
        count += len(item.reports)
    if part:
        yield part


def _result(item: Item, outcomes: Sequence[Outcome]) -> InboxResult:
    if item.error:
        return InboxResult(item.raw.id, "failed", item.outcome, item.error)
    reports = [ReportResult(n, o.outcome, o.incident, o.key) for n, o in enumerate(outcomes)]
    kinds = list(dict.fromkeys(o.outcome for o in outcomes)) or ["unchanged"]
    return InboxResult(item.raw.id, "done", ",".join(kinds), reports=reports)


async def _decided(
    tx: Tx, items: Sequence[Item], book: Book, now: int
) -> tuple[Known, list[tuple[Item, list[Outcome]]]]:
    """Each report through the core, in order."""
    signals = [(report, item.raw, item.facts) for item in items for report in item.reports]
    known, found = await load(tx, signals, book, now)
    verdicts = iter(found)
    return known, [(i, [triage(r, i.raw, known, book, now, i.facts, next(verdicts)) for r in i.reports]) for i in items]
