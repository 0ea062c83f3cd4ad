"""What the tests of the mailbox door share: a real store, the door over it, and a quick set of limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemon.clock import SystemClock
from daemon.core.mailboxes import Action, Place, Receipt, Retry
from daemon.doors.mailbox import MailboxDoor
from daemon.doors.mailbox_parts import Box, Desk, Limits, Password
from daemon.store import Mailboxes, Store, StoreError, opened
from parsers import Raw
from tests.peers.dovecot import PASSWORD, Dovecot

SEEN = {b"\\Seen"}
QUICK = Limits(
    connect_timeout=5,
    read_timeout=5,
    retry_delays=(0.05, 0.05, 0.05),
    back_off=(0.05, 0.4),
    login_back_off=(0.1, 0.4),
    lease=3.0,
    stop_timeout=5.0,
)


class Seen:
    """The counters, as the tests ask for them."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.polls = 0
        self.backlog = 0
        self.is_open = False

    def mailbox_poll(self, mailbox: str, seconds: float, now: int) -> None:
        self.polls += 1
        self.is_open = False

    def mailbox_messages(self, mailbox: str, outcome: str, n: int = 1) -> None:
        self.messages[outcome] += n

    def mailbox_backlog(self, mailbox: str, n: int) -> None:
        self.backlog = n

    def mailbox_failure(self, mailbox: str, reason: str, is_open: bool) -> None:
        self.failures[reason] += 1
        self.is_open = is_open


def box_of(server: Dovecot, **changes: Any) -> Box:
    plain = Box(
        name="support",
        host="127.0.0.1",
        port=server.port,
        tls="none",
        username="support",
        credentials=Password(PASSWORD),
        parser="customer_mail",
        poll=0.3,
        history="all",
    )
    return replace(plain, **changes)


class Receipts(Mailboxes):
    """`after_accept` happens between the commit of mails and what follows from it."""

    after_accept: Callable[[], object] | None = None

    async def accept(self, place: Place, mails: Sequence[tuple[Raw, Receipt]]) -> set[int]:
        new = await super().accept(place, mails)
        if self.after_accept is not None:
            await asyncio.to_thread(self.after_accept)
        return new


class Room:
    """A daemon's mailbox door, over a store. `mails()` is what was committed, oldest first."""

    def __init__(self, store: Store, limits: Limits, holder: str) -> None:
        self.store = store
        self.receipts = Receipts(store)
        self.seen = Seen()
        desk = Desk(self.receipts, store.new_id, SystemClock().now, self.seen, StoreError, holder, limits)
        self.door = MailboxDoor(desk)

    async def mails(self) -> list[Raw]:
        return await self.store.pending(20_000, 1 << 30)

    async def count(self) -> int:
        [(count,)] = await self.store.fetch("SELECT count(*) FROM inbox")
        return int(count)

    async def subjects(self) -> list[str]:
        return [subject_of(raw) for raw in await self.mails()]

    async def open_work(self) -> tuple[list[Action], list[Retry]]:
        [(mailbox, folder, uidvalidity)] = await self.store.fetch(
            "SELECT mailbox, folder, uidvalidity FROM mailbox_folders"
        )
        return await self.receipts.open_work(Place(mailbox, folder, uidvalidity))

    async def until_mails(self, count: int, seconds: float = 20.0) -> list[Raw]:
        """Waits until there are so many, and looks once more: one too many is as wrong as one too few."""
        async with asyncio.timeout(seconds):
            while await self.count() < count:
                await asyncio.sleep(0.02)
        found = await self.mails()
        assert len(found) == count
        return found

    async def until(self, true: Callable[[], Any], seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)

    async def looks(self, more: int = 2) -> None:
        """Until the door has looked so often again."""
        wanted = self.seen.polls + more
        await self.until(lambda: self.seen.polls >= wanted)


def subject_of(raw: Raw) -> str:
    line = next((x for x in raw.body.split(b"\r\n") if x.lower().startswith(b"subject:")), b"")
    return line.partition(b":")[2].strip().decode("utf-8", "replace")


@asynccontextmanager
async def room(
    url: str | Path,
    *boxes: Box,
    limits: Limits = QUICK,
    holder: str = "one",
    after_accept: Callable[[], object] | None = None,
) -> AsyncIterator[Room]:
    """The door reads `boxes` until the block ends. A path is a SQLite file's folder."""
    where = url if isinstance(url, str) else f"sqlite://{url}/t.db"
    async with opened(where, SystemClock()) as store:
        made = Room(store, limits, holder)
        made.receipts.after_accept = after_accept
        await made.door.configure(boxes)
        try:
            yield made
        finally:
            await made.door.stop()


async def all_seen(server: Dovecot, user: str, count: int) -> bool:
    flags = await asyncio.to_thread(server.flags, user)
    return len(flags) == count and all(have == SEEN for have in flags.values())


async def until_seen(server: Dovecot, user: str, count: int) -> None:
    async with asyncio.timeout(10):
        while not await all_seen(server, user, count):
            await asyncio.sleep(0.05)
