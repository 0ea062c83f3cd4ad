"""Opening the store: the checks at the start, the connections, the owner's task, and the end of all three."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.sqlite.client import SqliteClient

from daemon.clock import Clock
from daemon.store import listings, schema
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
from daemon.store.session import Session, SqliteSession
from daemon.store.store import Store


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
