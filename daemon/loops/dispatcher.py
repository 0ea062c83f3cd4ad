"""Notice -> Message -> channel.

1. Claim what is due, with a lease; the caps drop what a reporter must not be sent.
2. Put each group (incident, channel, address, instant) into words, as one message, and send it. Sends run side by
   side: a slow server holds up only its own.
3. Settle in one transaction: sent, or to be tried again, or failed for good, with the fallback to the other channel.

A crash between the channel's yes and the settling sends again, under the same key and Message-ID.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from channels import DeliveryError, Message
from daemon.clock import Clock
from daemon.core.book import Book
from daemon.core.incident import Change, Incident
from daemon.core.vocabulary import ESCALATIONS, Reason
from daemon.loops import storm
from daemon.loops.caps import capped
from daemon.loops.envelope import Sender, group_key, message
from daemon.loops.fallback import fallbacks
from daemon.metrics import Metrics
from daemon.store import NoticeResult, NoticeRow, Store, StoreError, Tx
from daemon.wording import Wording, Words

log = logging.getLogger("tocsin.dispatcher")

CLAIM = 100
LEASE = 20.0  # seconds, renewed while a send runs: what a daemon that died had in hand goes out this soon
RENEW = LEASE / 4
IN_FLIGHT = 200
POLL = 1.0
BACKOFF = (5, 15, 45, 120, 300, 600)  # seconds, then the last again; ± 20 %
GIVE_UP = 24 * 3600 * 1000  # ms after which a message that nobody takes has failed


class Sends(Protocol):
    async def send(self, message: Message) -> str: ...


@dataclass
class Group:
    """Notices that are one message; those of a digest are of several incidents, the lowest of them `incident`."""

    rows: list[NoticeRow]
    incident: Incident
    others: Mapping[int, Incident] = field(default_factory=dict)  # of a digest: all its incidents
    words: Words | None = None
    message: Message | None = None
    remote_id: str = ""
    error: str = ""
    permanent: bool = False
    retry_after: float | None = None
    seconds: float = 0.0
    sent_at: int | None = None


@dataclass
class Settings:
    """What a reload may change."""

    wording: Wording
    sender: Sender
    channels: Mapping[str, Sends] = field(default_factory=dict)


class Dispatcher:
    """`step()` sends what is due and returns whether it found any; `run()` does so for ever."""

    def __init__(
        self,
        store: Store,
        book: Callable[[], Book],
        settings: Callable[[], Settings],
        clock: Clock,
        metrics: Metrics,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._book, self._settings, self._clock = store, book, settings, clock
        self._metrics, self._jitter = metrics, jitter
        self._running: set[asyncio.Task[None]] = set()
        self._finished: list[Group] = []
        self._in_hand: set[int] = set()  # rows whose lease is ours
        self._renewed = time.monotonic()
        self._wake = asyncio.Event()

    async def step(self) -> bool:
        groups = await self._claim(CLAIM)
        if not groups:
            return False
        await asyncio.gather(*(self._send(group) for group in groups))
        await self._settle(groups)
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then what is in flight is waited for and settled."""
        while not stop.is_set():
            await self._renew()
            self._store.outbox_waker.clear()
            self._wake.clear()
            await self._settle_finished()
            found = await self._start(IN_FLIGHT - len(self._running)) if len(self._running) < IN_FLIGHT else 0
            if not found and not self._finished:
                await self._wait(POLL)
        while self._running:
            await asyncio.wait(self._running, timeout=RENEW)
            await self._renew()
        await self._settle_finished()

    async def _renew(self) -> None:
        if not self._in_hand or time.monotonic() - self._renewed < RENEW:
            return
        now, ids = self._clock.now(), list(self._in_hand)
        await self._store.transact(lambda tx: tx.renew_leases(ids, now, LEASE), urgent=True)
        self._renewed = time.monotonic()

    async def _wait(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(e.wait()) for e in (self._wake, self._store.outbox_waker)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _start(self, room: int) -> int:
        groups = await self._claim(min(CLAIM, room))
        for group in groups:
            self._in_hand.update(row.id for row in group.rows)
            task = asyncio.create_task(self._send_and_tell(group))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return len(groups)

    async def _send_and_tell(self, group: Group) -> None:
        await self._send(group)
        self._finished.append(group)
        self._wake.set()

    async def _settle_finished(self) -> None:
        groups, self._finished = self._finished, []
        if not groups:
            return
        try:
            await self._settle(groups)
            self._in_hand.difference_update(row.id for group in groups for row in group.rows)
        except StoreError:
            self._finished = groups + self._finished  # sent is sent: settled when the database is back
            raise

    async def _claim(self, limit: int) -> list[Group]:
        now = self._clock.now()

        async def decide(tx: Tx) -> tuple[list[Group], list[NoticeRow]]:
            rows = await tx.claim_notices(now, limit, LEASE)
            incidents = {i.id: i for i in await self._read(tx, {r.incident_id for r in rows})}
            groups: dict[tuple[int, str, str, int], list[NoticeRow]] = {}
            dropped: list[tuple[NoticeRow, str]] = []
            for row in rows:
                incident = incidents[row.incident_id]
                if row.reporter and row.attempts == 0 and (why := await capped(tx, row, incident, now)):
                    dropped.append((row, why))
                    continue
                groups.setdefault(group_key(row), []).append(row)
            if dropped:
                await self._drop(tx, dropped, incidents, now)
            found = await storm.sort(tx, list(groups.values()), self._book().policy, now)
            if found.later:
                await storm.postpone(tx, found.later, incidents, now)
            made = [Group(rows, incidents[rows[0].incident_id]) for rows in found.now]
            for rows in found.digests:
                named = {n: incidents[n] for n in sorted({r.incident_id for r in rows})}
                made.append(Group(rows, next(iter(named.values())), named))
            return made, [row for row, _ in dropped]

        due = await self._store.next_notice()
        if due is None or due > now:
            return []
        groups, dropped = await self._store.transact(decide, urgent=True)
        for row in dropped:
            self._metrics.notification(row.channel, "capped")
            log.warning("capped incident=INC-%d reason=%s", row.incident_id, row.reason)
        return groups

    async def _read(self, tx: Tx, ids: set[int]) -> Sequence[Incident]:
        """Without locks: nothing is decided by them here, and the intake must not wait."""
        return await tx.peek(ids)

    async def _drop(
        self, tx: Tx, dropped: Sequence[tuple[NoticeRow, str]], incidents: Mapping[int, Incident], now: int
    ) -> None:
        await tx.settle_notices([NoticeResult(r.id, "dropped", 0, 0, f"capped: {why}") for r, why in dropped])
        changes = []
        for row, why in dropped:
            change = Change(incidents[row.incident_id], touched=False)
            change.log(now, "held", what=f"{row.reason} to the reporter", why=why)
            changes.append(change)
        await tx.apply(changes)

    async def _send(self, group: Group) -> None:
        """Never raises: what goes wrong is in the group."""
        settings, now = self._settings(), self._clock.now()
        first = group.rows[0]
        channel = settings.channels.get(first.channel)
        if channel is None:
            group.error, group.permanent = f"there is no channel {first.channel}", True
            return
        began = time.perf_counter()
        try:
            rows: list[Any] = sorted(group.rows, key=lambda r: list(Reason).index(r.reason))
            directory = self._book().directory
            if len(group.others) > 1:
                told = [(r, group.others[r.incident_id]) for r in rows]
                group.words = settings.wording.digest(told, directory, now)
            else:
                group.words = settings.wording.render(rows, group.incident, directory, now)
            group.message = message(rows, group.words, group.incident, settings.sender, now)
            for row in group.rows:
                if row.attempts == 0 and row.reason in ESCALATIONS:
                    self._metrics.lateness(int(row.priority), max(now - row.due_at, 0) / 1000)
            group.remote_id = await channel.send(group.message)
            group.sent_at = self._clock.now()
        except DeliveryError as error:
            group.error, group.permanent, group.retry_after = str(error), error.permanent, error.retry_after
        except Exception as error:
            log.exception("sending failed channel=%s incident=%s", first.channel, group.incident.number)
            group.error = f"{type(error).__name__}: {error}"
        group.seconds = time.perf_counter() - began

    async def _settle(self, groups: Sequence[Group]) -> None:
        now = self._clock.now()
        results = [r for g in groups for r in self._results(g, now)]
        book = self._book()

        async def decide(tx: Tx) -> None:
            await tx.settle_notices(results)
            changes = []
            for group in groups:
                change = Change(group.incident, touched=False)
                if group.sent_at is not None and group.message is not None:
                    change.log(now, "notification", **_facts(group))
                else:
                    await fallbacks(tx, change, group.rows, self._gave_up(group, now), group.error, book, now)
                if change.entries:
                    changes.append(change)
                changes += _digested(group, now)
            await tx.apply(changes)

        await self._store.transact(decide, urgent=True)
        for group in groups:
            self._count(group, now)

    def _gave_up(self, group: Group, now: int) -> bool:
        return group.permanent or now - group.rows[0].at >= GIVE_UP

    def _results(self, group: Group, now: int) -> list[NoticeResult]:
        found = []
        words, sent = group.words, group.sent_at is not None
        for number, row in enumerate(group.rows):
            attempts = row.attempts + 1
            if sent and group.message is not None and words is not None:
                found.append(
                    NoticeResult(
                        row.id,
                        "merged" if number else "sent",
                        attempts,
                        remote_id=group.remote_id,
                        message_id=group.message.message_id,
                        subject=words.subject,
                        text=words.text,
                        sent_at=group.sent_at,
                    )
                )
            else:
                state = "failed" if self._gave_up(group, now) else "pending"
                wait = group.retry_after or BACKOFF[min(row.attempts, len(BACKOFF) - 1)]
                after = now + round(wait * 1000 * (0.8 + 0.4 * self._jitter()))
                found.append(NoticeResult(row.id, state, attempts, after, group.error))
        return found

    def _count(self, group: Group, now: int) -> None:
        first = group.rows[0]
        reasons = ",".join(dict.fromkeys(str(r.reason) for r in group.rows))
        if group.sent_at is not None:
            outcome = "sent"
            self._metrics.notification(first.channel, "sent", max(group.sent_at - first.at, 0) / 1000)
            for _ in group.rows[1:]:
                self._metrics.notification(first.channel, "merged")
        else:
            outcome = "failed" if self._gave_up(group, now) else "retried"
            self._metrics.notification(first.channel, outcome)
        log.log(
            logging.INFO if outcome == "sent" else logging.WARNING,
            "notice incident=%s channel=%s person=%s reason=%s outcome=%s%s",
            *(group.incident.number, first.channel, "reporter" if first.reporter else first.person, reasons, outcome),
            f" error={group.error}" if group.error else "",
        )


def _facts(group: Group) -> dict[str, Any]:
    sent, words = group.message, group.words
    assert sent is not None
    assert words is not None
    return {
        "channel": sent.channel,
        "to": sent.to,
        "name": sent.to_name,
        "reasons": list(dict.fromkeys(str(r.reason) for r in group.rows)),
        "subject": words.subject,
        "text": words.text,
        **({"incidents": [i.number for i in group.others.values()]} if group.others else {}),
    }


def _digested(group: Group, now: int) -> list[Change]:
    """The other incidents of a digest: that it went, and where it is written."""
    changes = []
    for incident in list(group.others.values())[1:] if group.sent_at is not None else ():
        change = Change(incident, touched=False)
        what = f"{group.rows[0].channel} to {group.rows[0].name or group.rows[0].address}"
        change.log(now, "held", what=what, digest=group.incident.number)
        changes.append(change)
    return changes
