"""One connection of either database, under one dialect of SQL.

Statements are written for PostgreSQL: `$1`, `= ANY($1::bigint[])`, `FOR UPDATE`. For SQLite they are translated
once each: `?1`, `IN (SELECT value FROM json_each(?1))`, and no row locks, because the owner is alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NoReturn, Protocol, TypeVar

import aiosqlite
import asyncpg
import orjson

from daemon.store.errors import from_postgres, from_sqlite

T = TypeVar("T")
Row = tuple[Any, ...]

_LOCKS = re.compile(r"\s+FOR (NO KEY )?UPDATE( SKIP LOCKED)?")
_ANY = re.compile(r"= ANY\(\$(\d+)(::\w+\[\])?\)")
_CAST = re.compile(r"\$(\d+)(::\w+(\[\])?)?")


@lru_cache(1000)
def for_sqlite(sql: str) -> str:
    sql = _LOCKS.sub("", sql)
    sql = _ANY.sub(r"IN (SELECT value FROM json_each(?\1))", sql)
    return _CAST.sub(r"?\1", sql)


def _raise(translated: Exception, error: Exception) -> NoReturn:
    if translated is error:
        raise error
    raise translated from error


def _arguments(args: Sequence[Any]) -> list[Any]:
    return [orjson.dumps(a).decode() if a.__class__ is list else a for a in args]


@dataclass(slots=True)
class Statement:
    """One SQL text over many rows. `expected`: how many rows it must affect in all (counted on SQLite only)."""

    sql: str
    rows: Sequence[Row]
    expected: int | None = None


class Session(Protocol):
    dialect: Literal["sqlite", "postgres"]

    async def begin(self) -> None: ...

    async def commit(self) -> None: ...

    async def rollback(self) -> None: ...

    async def fetch(self, sql: str, *args: Any) -> list[Row]: ...

    async def run(self, sql: str, rows: Sequence[Row]) -> None: ...

    async def plan(self, build: Callable[[], list[Statement]]) -> bool:
        """Builds and runs the statements, in order. False when one affected fewer rows than it expected."""

    async def close(self) -> None: ...


class SqliteSession:
    """Over an aiosqlite connection in autocommit mode; every method is one hop to its thread."""

    dialect: Literal["sqlite", "postgres"] = "sqlite"

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    async def call(self, work: Callable[[], T]) -> T:
        """`work` on the connection's own thread."""
        try:
            result: T = await self.connection._execute(work)  # type: ignore[no-untyped-call]
            return result
        except Exception as error:  # noqa: BLE001 — translated, never swallowed
            _raise(from_sqlite(error), error)

    async def begin(self) -> None:
        def work() -> None:
            if self.connection._conn.in_transaction:  # a rollback that failed
                self.connection._conn.execute("ROLLBACK")
            self.connection._conn.execute("BEGIN IMMEDIATE")

        await self.call(work)

    async def commit(self) -> None:
        await self.call(lambda: self.connection._conn.execute("COMMIT"))

    async def rollback(self) -> None:
        def work() -> None:
            if self.connection._conn.in_transaction:  # a full disk has rolled back by itself
                self.connection._conn.execute("ROLLBACK")

        await self.call(work)

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        text, values = for_sqlite(sql), _arguments(args)
        return await self.call(lambda: [tuple(r) for r in self.connection._conn.execute(text, values).fetchall()])

    async def run(self, sql: str, rows: Sequence[Row]) -> None:
        if rows:
            await self.call(lambda: self.connection._conn.executemany(for_sqlite(sql), map(_arguments, rows)))

    async def plan(self, build: Callable[[], list[Statement]]) -> bool:
        return await self.call(lambda: self.execute(build()))

    def execute(self, statements: list[Statement]) -> bool:
        """On the connection's thread only."""
        connection = self.connection._conn
        for statement in statements:
            if statement.rows:
                cursor = connection.executemany(for_sqlite(statement.sql), statement.rows)
                if statement.expected is not None and cursor.rowcount != statement.expected:
                    return False
        return True

    async def commit_of(self, build: Callable[[], list[tuple[str, list[Row]]]]) -> None:
        """A whole transaction in one hop: it is committed, or rolled back before this raises."""

        def work() -> None:
            connection = self.connection._conn
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            statements = build()
            connection.execute("BEGIN IMMEDIATE")
            try:
                for sql, rows in statements:
                    connection.executemany(for_sqlite(sql), rows)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

        await self.call(work)

    async def close(self) -> None:
        await self.connection.close()


class PostgresSession:
    """Over one asyncpg connection. A call that times out leaves a connection that nobody may use again."""

    dialect: Literal["sqlite", "postgres"] = "postgres"

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    @property
    def broken(self) -> bool:
        return bool(self.connection.is_closed())

    async def begin(self) -> None:
        await self._execute("BEGIN")

    async def commit(self) -> None:
        await self._execute("COMMIT")

    async def rollback(self) -> None:
        if not self.broken:
            await self._execute("ROLLBACK")

    async def _execute(self, sql: str) -> None:
        try:
            await self.connection.execute(sql)
        except Exception as error:  # noqa: BLE001 — translated, never swallowed
            _raise(from_postgres(error), error)

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        try:
            return [tuple(r) for r in await self.connection.fetch(sql, *args)]
        except Exception as error:  # noqa: BLE001 — translated, never swallowed
            _raise(from_postgres(error), error)

    async def run(self, sql: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        try:
            await self.connection.executemany(sql, rows)
        except Exception as error:  # noqa: BLE001 — translated, never swallowed
            _raise(from_postgres(error), error)

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        try:
            await self.connection.copy_records_to_table(table, records=rows, columns=columns)
        except Exception as error:  # noqa: BLE001 — translated, never swallowed
            _raise(from_postgres(error), error)

    async def plan(self, build: Callable[[], list[Statement]]) -> bool:
        for statement in await asyncio.to_thread(build):
            await self.run(statement.sql, statement.rows)
        return True

    async def close(self) -> None:
        await self.connection.close(timeout=5)
