"""The schema's version: tortoise's own migrations, one set for both databases."""

from __future__ import annotations

import asyncio
import contextlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext, _current_context
from tortoise.exceptions import BaseORMException
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from daemon.store import migrations
from daemon.store.connection import (
    Reader,
    Target,
    connect_postgres,
    connect_sqlite,
    locked,
    pool,
    target,
)
from daemon.store.errors import StoreError, one_line
from daemon.store.session import Session

APP = "store"
UPGRADE_LOCK = 0x70C51
LATEST = "__latest__"


@contextlib.contextmanager
def entered(context: TortoiseContext) -> Iterator[None]:
    """Makes `context` the current one for this coroutine only: tortoise's own `with` keeps one token for all."""
    token = _current_context.set(context)
    try:
        yield
    finally:
        _current_context.reset(token)


async def context(where: Target) -> tuple[TortoiseContext, BaseDBAsyncClient]:
    """Tortoise over `where`, not yet connected. The connection's name is the dialect's: tortoise caches SQL by name."""
    credentials: dict[str, Any] = {"file_path": where.path, "journal_size_limit": 67108864, "synchronous": "FULL"}
    if where.dialect == "postgres":
        credentials = {"host": "", "user": "", "database": "", "password": ""}  # the pool is ours
    backend = "sqlite" if where.dialect == "sqlite" else "asyncpg"
    made = TortoiseContext()
    with entered(made):
        await made.init(
            {
                "connections": {where.dialect: {"engine": f"tortoise.backends.{backend}", "credentials": credentials}},
                "apps": {APP: _app(where)},
            }
        )
    client = made.connections.get(where.dialect)
    return made, client


def _app(where: Target) -> dict[str, Any]:
    return {
        "models": ["daemon.store.models"],
        "migrations": "daemon.store.migrations",
        "default_connection": where.dialect,
    }


def known() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(migrations.__path__) if m.name[0] not in "_~")


async def applied(session: Session | Reader, dialect: str) -> list[str] | None:
    """Names of the migrations that were applied; None for a database without any table of ours."""
    table = (
        "SELECT to_regclass('tortoise_migrations')::text"
        if dialect == "postgres"
        else "SELECT name FROM sqlite_master WHERE name = 'tortoise_migrations'"
    )
    rows = await session.fetch(table)
    if not rows or rows[0][0] is None:
        return None
    names = await session.fetch(f"SELECT name FROM tortoise_migrations WHERE app = '{APP}' ORDER BY name")
    return [row[0] for row in names]


async def fault(session: Session | Reader, dialect: str) -> str:
    """What is wrong with the schema's version, with the way out; "" when it is ours."""
    have, want = set(await applied(session, dialect) or ()), set(known())
    if newer := have - want:
        return f"the database was made by a newer tocsin ({sorted(newer)[-1]})"
    if not have:
        return "the database is empty: tocsin db upgrade makes the tables"
    if want - have:
        return "the database is of an older tocsin: run tocsin db upgrade"
    return ""


async def migrate(where: Target, client: BaseDBAsyncClient, made: TortoiseContext, to: str = LATEST) -> None:
    with entered(made):
        try:
            await MigrationExecutor(client, {APP: _app(where)}).migrate([MigrationTarget(APP, to)])
        except BaseORMException as error:
            raise StoreError(f"{where.name}: {one_line(error)}") from error


@contextlib.asynccontextmanager
async def _migrating(where: Target) -> AsyncIterator[tuple[BaseDBAsyncClient, TortoiseContext]]:
    """A client for migrations, alone with the database."""
    made, client = await context(where)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        if where.dialect == "postgres":
            session = await connect_postgres(where)
            stack.push_async_callback(session.close)
            await session.fetch("SET lock_timeout = 0")
            await session.fetch("SET statement_timeout = 0")
            await session.fetch(f"SELECT pg_advisory_lock({UPGRADE_LOCK})")
            client._pool = await pool(where)
        else:
            await (await connect_sqlite(where.path)).close()  # says what is wrong with the file
            await client.create_connection(with_db=True)
        yield client, made


async def move(where: Target, to: str = LATEST) -> None:
    """Migrates up or down to `to` (a name, LATEST, or `__first__` for nothing at all)."""
    async with _migrating(where) as (client, made):
        await migrate(where, client, made, to)


async def upgrade(url: str) -> None:
    """Brings the schema up to this version; nothing to do is fine. No daemon may run on a SQLite file meanwhile."""
    where = target(url)
    if where.memory:
        return
    with locked(Path(where.path)) if where.dialect == "sqlite" else contextlib.nullcontext():
        async with _session(where, readonly=False) as session:
            have = set(await applied(session, where.dialect) or ())
            if newer := have - set(known()):
                raise StoreError(f"{where.name} was made by a newer tocsin ({sorted(newer)[-1]})")
        await move(where)


async def check(url: str) -> list[str]:
    """What is wrong with the database, a sentence each; changes nothing and may run beside a daemon."""
    where = target(url)
    if where.dialect == "sqlite" and not where.memory and not await asyncio.to_thread(Path(where.path).exists):
        return [f"{where.name}: there is no database yet: tocsin db upgrade makes it"]
    try:
        async with _session(where, readonly=True) as session:
            problems: list[str] = []
            if where.dialect == "sqlite":
                rows = await session.fetch("PRAGMA integrity_check")
                problems += [f"{where.name}: {row[0]}" for row in rows if row[0] != "ok"]
            if wrong := await fault(session, where.dialect):
                return [*problems, f"{where.name}: {wrong}"]
            if where.dialect == "sqlite":
                files = await session.fetch("SELECT id, file FROM raw WHERE file IS NOT NULL")
                problems += [
                    f"inbox {number}: its file {file} is missing"
                    for number, file in files
                    if not (folder_of(where.path) / file).is_file()
                ]
            return problems
    except StoreError as error:
        return [str(error)]


def folder_of(path: str) -> Path:
    """Where large bodies lie."""
    return Path(path + ".raw")


@contextlib.asynccontextmanager
async def _session(where: Target, readonly: bool) -> AsyncIterator[Session]:
    session: Session
    if where.dialect == "sqlite":
        session = await connect_sqlite(where.path, readonly=readonly)
    else:
        session = await connect_postgres(where)
    try:
        yield session
    finally:
        await session.close()
