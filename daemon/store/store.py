"""The store as the rest of the daemon sees it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.sqlite.client import SqliteClient

from daemon.clock import Clock
from daemon.core.incident import Incident
from daemon.store import inbox, listings, reads, schema, tokens
from daemon.store.connection import (
    PostgresSource,
    Reader,
    SqliteSource,
    Target,
    connect_postgres,
    connect_sqlite,
    locked,
    pool,
    target,
)
from daemon.store.errors import StoreError
from daemon.store.ids import Ids
from daemon.store.inbox import RAW_COLUMNS
from daemon.store.owner import Owner, Wakers
from daemon.store.records import InboxRow, NoticeRow, Snapshot, TimelineRow, Token
from daemon.store.session import Row, Session, SqliteSession
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
                made = await asyncio.shield(asyncio.to_thread(inbox.arrival, raws, unparsable, self._folder))
            else:
                made = inbox.arrival(raws, unparsable, self._folder)
        except OSError as error:
            raise StoreError(f"a large body cannot be written: {error.strerror or error}") from error
        await self._owner.accept(made)

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

    # what the loops ask

    async def pending(self, limit: int) -> list[Raw]:
        """Of the inbox, oldest first."""
        rows = await self._reader.fetch(
            f"SELECT {RAW_COLUMNS} FROM inbox i JOIN raw r ON r.id = i.id WHERE i.state = 'pending' "
            "ORDER BY i.id LIMIT $1",
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
        return await reads.incidents(
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
        return await reads.inbox_rows(self._reader, outcome, state, cursor, limit)

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


@asynccontextmanager
async def opened(url: str, clock: Clock, *, upgrade: bool = False, exclusive: bool = True) -> AsyncIterator[Store]:
    """Opens the database of `url`, checks it, and runs the owner until the block ends and all submitted is done.

    An empty database gets its tables; one of an older version is refused, or brought up with `upgrade`. `exclusive`:
    whether this is a daemon, of which a SQLite file bears one; without it a short command may write beside it.
    Raises StoreError with one line that says what is wrong.
    """
    where = target(url)
    async with AsyncExitStack() as stack:
        if where.dialect == "sqlite" and not where.memory and exclusive:
            stack.enter_context(locked(Path(where.path)))
        open_ = _open_postgres if where.dialect == "postgres" else _open_sqlite
        source, reader, orm = await open_(where, upgrade, stack)
        node = 0 if where.memory else secrets.randbelow(256)
        store = Store(where, clock, node, source, reader, orm)
        task = asyncio.create_task(store._owner.run(), name="store owner")
        try:
            yield store
        finally:
            store._owner.stop()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # it is in `died`


async def _open_sqlite(
    where: Target, upgrade: bool, stack: AsyncExitStack
) -> tuple[SqliteSource, Reader, listings.Orm]:
    """In memory there is one connection for all; a file has one for the owner and one for the readers."""
    if not where.memory:
        session = await connect_sqlite(where.path)
        try:
            await _checked(where, session, upgrade)
        finally:
            await session.close()
    context, client = await schema.context(where)
    orm = listings.Orm(context, client)
    stack.push_async_callback(orm.close)
    await client.create_connection(with_db=True)
    connection = cast(SqliteClient, client)._connection
    assert connection is not None
    reading = SqliteSession(connection)
    if where.memory:
        await schema.migrate(where, client, context)
        return SqliteSource(reading, None), Reader(reading, None), orm
    await reading.fetch("PRAGMA query_only = ON")
    owning = await connect_sqlite(where.path)
    stack.push_async_callback(owning.close)
    return SqliteSource(owning, schema.folder_of(where.path)), Reader(reading, None), orm


async def _open_postgres(
    where: Target, upgrade: bool, stack: AsyncExitStack
) -> tuple[PostgresSource, Reader, listings.Orm]:
    session = await connect_postgres(where)
    try:
        await _checked(where, session, upgrade)
    finally:
        await session.close()
    context, client = await schema.context(where)
    reading = await pool(where)
    cast(AsyncpgDBClient, client)._pool = reading
    orm = listings.Orm(context, client)
    stack.push_async_callback(orm.close)
    source = PostgresSource(where)
    stack.push_async_callback(source.close)
    return source, Reader(None, reading), orm


async def _checked(where: Target, session: Session, upgrade: bool) -> None:
    """Raises StoreError for a damaged database and for another version's; makes the tables of an empty one."""
    if where.dialect == "sqlite":
        rows = await session.fetch("PRAGMA quick_check(1)")
        if rows != [("ok",)]:
            raise StoreError(f"{where.name} is damaged: {rows[0][0]}")
    if upgrade or not await schema.applied(session, where.dialect):
        await schema.move(where)
    if wrong := await schema.fault(session, where.dialect):
        raise StoreError(f"{where.name}: {wrong}")
