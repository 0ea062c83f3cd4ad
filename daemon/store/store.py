"""The store as the rest of the daemon sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Literal, TypeVar

from daemon.clock import Clock
from daemon.core.incident import Incident
from daemon.store import inbox, listings, pages, reads, tokens
from daemon.store.connection import PostgresSource, Reader, SqliteSource, Target
from daemon.store.errors import StoreError
from daemon.store.ids import Ids
from daemon.store.inbox import RAW_COLUMNS
from daemon.store.owner import Owner, Wakers
from daemon.store.records import InboxRow, NoticeRow, Snapshot, TimelineRow, Token
from daemon.store.session import Row
from daemon.store.transaction import Tx
from parsers import Raw

T = TypeVar("T")


class Store:
    """Writes go through the owner (`accept`, `transact`); reads run beside it and may not be used inside `transact`.

    `died` gets the exception if the owner ends by a defect. The wakers are set after a commit that put work there.
    """

    def __init__(
        self,
        where: Target,
        clock: Clock,
        node: int,
        source: SqliteSource | PostgresSource,
        reader: Reader,
        orm: listings.Orm,
    ) -> None:
        self.dialect: Literal["sqlite", "postgres"] = where.dialect
        self.node = node
        self._clock = clock
        self._reader = reader
        self._orm = orm
        self._folder = source.folder
        self._ids = Ids(clock, node)
        wakers = Wakers()
        self.inbox_waker, self.timer_waker, self.outbox_waker = wakers.inbox, wakers.timer, wakers.outbox
        self._owner = Owner(source, self._ids, node, wakers)
        self.died = self._owner.died

    def new_id(self) -> int:
        """A time-ordered 63-bit number, strictly rising in this process."""
        return self._ids()

    # writes

    async def accept(self, raws: Sequence[Raw], unparsable: str = "") -> None:
        """Returns after the commit of all of `raws`; what else waits shares it.

        `unparsable`: they are set aside with that reason. Raises StoreError when the database (or the disk for a
        large body) is away, Unstorable for a row that it refuses; then none of `raws` is kept.
        """
        if not raws:
            return
        large = any(len(raw.body) > inbox.BIG for raw in raws)
        try:
            if large:  # hashing and writing 25 MB would hold the event loop
                made = await self._prepared(raws, unparsable)
            else:
                made = inbox.arrival(raws, unparsable, self._folder)
        except OSError as error:
            raise StoreError(f"a large body cannot be written: {error.strerror or error}") from error
        await self._owner.accept(made)

    async def _prepared(self, raws: Sequence[Raw], unparsable: str) -> inbox.Arrival:
        """On a thread; the files of a caller that is cancelled meanwhile are removed again."""
        work = asyncio.ensure_future(asyncio.to_thread(inbox.arrival, raws, unparsable, self._folder))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(self._discard)
            raise

    def _discard(self, work: asyncio.Future[inbox.Arrival]) -> None:
        if work.exception() is None:
            inbox.discard(work.result().rows, self._folder)

    async def transact(self, decide: Callable[[Tx], Awaitable[T]], urgent: bool = False) -> T:
        """Runs `decide` inside the owner's write transaction and commits; an exception rolls back and is raised here.

        A caller that is cancelled does not stop it. On PostgreSQL `decide` runs again, up to 5 times, after a
        deadlock: it has no effect but through its Tx. Raises StoreError, Conflict, Unstorable.
        """
        return await self._owner.transact(decide, urgent)

    async def add_token(self, name: str, scope: str, person: str | None, digest: str) -> Token:
        """`digest`: the SHA-256 of the token as hex."""
        at = self._clock.now()

        async def decide(tx: Tx) -> Token:
            sql = "INSERT INTO tokens (name, hash, scope, person, created_at) VALUES ($1, $2, $3, $4, $5)"
            await tx.run(sql, [(name, digest, scope, person, at)])
            [(number,)] = await tx.fetch("SELECT id FROM tokens WHERE hash = $1", digest)
            return Token(number, name, scope, person, at, None)

        return await self.transact(decide)

    async def revoke_token(self, name: str) -> int:
        """Revokes every token of that name; returns how many there were."""
        at = self._clock.now()

        async def decide(tx: Tx) -> int:
            rows = await tx.fetch("SELECT id FROM tokens WHERE name = $1 AND revoked_at IS NULL", name)
            await tx.run("UPDATE tokens SET revoked_at = $2 WHERE id = $1", [(row[0], at) for row in rows])
            return len(rows)

        return await self.transact(decide)

    async def put_setting(self, name: str, value: str) -> None:
        await self.transact(lambda tx: tx.put_setting(name, value))

    async def prune(self) -> None:
        """Idempotency answers older than 24 hours."""
        before = self._clock.now() - tokens.DAY
        await self.run("DELETE FROM idempotency WHERE at <= $1", [(before,)])

    async def run(self, sql: str, rows: Sequence[Row]) -> None:
        """One `$1`-style statement over `rows`, in a transaction of its own."""
        await self.transact(lambda tx: tx.run(sql, rows))

    async def release_leases(self) -> None:
        """At the start on SQLite, where this daemon is the only one: what the last one had in hand is free at once.
        On PostgreSQL the others' leases are theirs, and run out by themselves."""
        if self.dialect == "sqlite":
            sql = "UPDATE outbox SET lease_until = NULL, leased_by = NULL WHERE state = $1 AND lease_until IS NOT NULL"
            await self.transact(lambda tx: tx.run(sql, [("pending",)]))

    # what the loops ask

    async def pending(self, limit: int, most: int = 512 << 10) -> list[Raw]:
        """Of the inbox, oldest first, at least one and no more than `most` bytes of bodies together."""
        sizes = await self._reader.fetch(
            "SELECT i.id, r.size FROM inbox i JOIN raw r ON r.id = i.id WHERE i.state = 'pending' "
            "ORDER BY i.id LIMIT $1",
            limit,
        )
        if not sizes:
            return []
        last, total = sizes[0][0], 0
        for number, size in sizes:
            total += size
            if number != sizes[0][0] and total > most:
                break
            last = number
        rows = await self._reader.fetch(
            f"SELECT {RAW_COLUMNS} FROM inbox i JOIN raw r ON r.id = i.id WHERE i.state = 'pending' AND i.id <= $1 "
            "ORDER BY i.id LIMIT $2",
            last,
            limit,
        )
        return await inbox.decoded(rows, self._folder)

    async def due(self, now: int, limit: int) -> list[int]:
        """Numbers of the incidents with next_at <= `now`, the longest due first."""
        return await reads.due(self._reader, now, limit)

    async def next_due(self) -> int | None:
        return await reads.next_due(self._reader)

    async def has_due_notices(self, now: int) -> bool:
        """Whether claiming is worth a transaction."""
        return await reads.has_due_notices(self._reader, now)

    async def next_notice(self) -> int | None:
        """When the dispatcher has something to do next: the nearest attempt, or the end of a lease."""
        return await reads.next_notice(self._reader)

    async def snapshot(self) -> Snapshot:
        """Everything the gauges need, counted over open rows only."""
        return await reads.snapshot(self._reader)

    # what people ask

    async def incident(self, number: int) -> Incident | None:
        return await reads.incident(self._reader, number)

    async def incidents(
        self,
        *,
        status: Collection[str] = (),
        priority: Collection[int] = (),
        kind: Collection[str] = (),
        service: str | None = None,
        fault_level: Collection[str] = (),
        q: str | None = None,
        since: int | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Incident], str | None]:
        """Newest first, with the cursor of the next page. Raises ValueError for a cursor that is none."""
        return await pages.incidents(
            self._reader,
            status=status,
            priority=priority,
            kind=kind,
            service=service,
            fault_level=fault_level,
            q=q,
            since=since,
            cursor=cursor,
            limit=limit,
        )

    async def timeline(self, number: int, after: int = 0, limit: int = 500) -> list[TimelineRow]:
        return await reads.timeline(self._reader, number, after, limit)

    async def timeline_since(self, after: int, limit: int) -> list[TimelineRow]:
        """Of all incidents, by id; none is skipped that is still to be committed."""
        return await reads.timeline_since(self._reader, self.dialect, after, limit)

    async def inbox(
        self, *, outcome: str | None = None, state: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[InboxRow], str | None]:
        return await pages.inbox_rows(self._reader, outcome, state, cursor, limit)

    async def inbox_row(self, number: int) -> InboxRow | None:
        return await listings.inbox_row(self._orm, self._reader, self._folder, number)

    async def notices(
        self, *, state: str | None = None, incident: int | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[NoticeRow], str | None]:
        return await listings.list_notices(self._orm, state, incident, cursor, limit)

    async def notice(self, number: int) -> NoticeRow | None:
        return await listings.notice(self._orm, number)

    async def tokens(self) -> list[Token]:
        return await listings.tokens(self._orm)

    async def token_by_hash(self, digest: str) -> Token | None:
        """Revoked ones too: `revoked_at` says so."""
        return await listings.token_by_hash(self._orm, digest)

    async def setting(self, name: str) -> str | None:
        return await listings.setting(self._orm, name)

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """A read in `$1`-style SQL in both dialects (reports); a list argument belongs to `= ANY($1::bigint[])`."""
        return await self._reader.fetch(sql, *args)
