"""Opening the database: where it is, the lock of a SQLite file, the owner's connection and the readers'."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import aiosqlite
import asyncpg

from daemon.store.errors import StoreError, from_postgres, from_sqlite
from daemon.store.session import PostgresSession, Row, Session, SqliteSession

log = logging.getLogger("tocsin.store")

MEMORY = ":memory:"
# Milliseconds as strings, as PostgreSQL wants them. A daemon that hangs must not keep its row locks for ever.
_SERVER = {
    "application_name": "tocsin",
    "statement_timeout": "30000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "60000",
    "tcp_keepalives_idle": "30",
}
CONNECT_TIMEOUT = 5.0  # seconds
LOCK_TIMEOUT = 2.0  # how long the owner waits for another program's write to a SQLite file
COMMAND_TIMEOUT = 40.0
BACK_OFF = 0.1, 5.0  # first and longest pause between attempts to connect


@dataclass(frozen=True, slots=True)
class Target:
    """A database URL, taken apart. `dsn` may hold a password."""

    dialect: Literal["sqlite", "postgres"]
    path: str = ""
    dsn: str = field(default="", repr=False)

    @property
    def memory(self) -> bool:
        return self.path == MEMORY

    @property
    def name(self) -> str:
        """For messages; without the password."""
        if self.dialect == "sqlite":
            return self.path
        parts = urlsplit(self.dsn)
        return f"{parts.scheme}://{parts.hostname or 'localhost'}{parts.path}"


def target(url: str) -> Target:
    """`sqlite://relative/path`, `sqlite:///absolute/path`, `sqlite://:memory:`, `postgres://user@host/db`."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and (path := rest.partition("?")[0]):
        return Target("sqlite", path)
    if scheme in ("postgres", "postgresql") and rest:
        return Target("postgres", dsn=url)
    raise StoreError(f"no database URL that tocsin knows: {scheme or url!r} (sqlite://file or postgres://user@host/db)")


@contextlib.contextmanager
def locked(path: Path) -> Any:
    """The lock of a SQLite file; it goes with the process. Raises StoreError when another daemon holds it."""
    name = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{name}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(handle, 20).decode("ascii", "replace").strip()
            who = f" (process {owner})" if owner.isdigit() else ""
            raise StoreError(f"{path} is in use by another tocsin{who}; {name} is locked") from error
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


async def connect_sqlite(path: str, *, readonly: bool = False) -> SqliteSession:
    """WAL, synchronous=FULL: a commit is on the disk. The log may keep 64 MB, for cutting it costs a third."""
    if not readonly:
        _made(Path(path))
    connection = aiosqlite.connect(
        f"file:{quote(path)}?mode={'ro' if readonly else 'rwc'}",
        uri=True,
        isolation_level=None,
        timeout=LOCK_TIMEOUT,
        cached_statements=512,
    )
    try:
        await connection
    except Exception as error:
        await asyncio.to_thread(connection._thread.join)  # it has a last word for this loop, which must still run
        raise _named(path, from_sqlite(error)) from error
    session = SqliteSession(connection)
    pragmas = ["query_only = ON"] if readonly else ["journal_mode = WAL", "synchronous = FULL"]
    try:
        for pragma in (
            *pragmas,
            "journal_size_limit = 67108864",
            "wal_autocheckpoint = 4000",
            "temp_store = MEMORY",
            "cache_size = -16384",
        ):
            await session.fetch(f"PRAGMA {pragma}")
    except BaseException as error:
        await session.close()
        raise _named(path, error) from error
    return session


def _made(path: Path) -> None:
    """An empty file for its owner only: SQLite itself asks for 0644, and gives -wal and -shm the modes of the file."""
    with contextlib.suppress(OSError):  # SQLite says better what is wrong with the path
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _named(path: str, error: BaseException) -> BaseException:
    return StoreError(f"{path}: {error}") if isinstance(error, StoreError) and path not in str(error) else error


async def connect_postgres(where: Target) -> PostgresSession:
    try:
        connection = await asyncpg.connect(
            where.dsn, timeout=CONNECT_TIMEOUT, command_timeout=COMMAND_TIMEOUT, server_settings=_SERVER
        )
    except Exception as error:
        raise StoreError(f"{where.name}: {from_postgres(error)}") from error
    return PostgresSession(connection)


class SqliteSource:
    """The owner's connection for good: there is nothing to come back to when a file's disk is gone."""

    def __init__(self, session: SqliteSession, folder: Path | None) -> None:
        self._session = session
        self.folder = folder

    async def session(self) -> Session:
        return self._session

    async def give_up(self, session: Session) -> None:
        return None

    async def close(self) -> None:
        await self._session.close()


class PostgresSource:
    """A connection that is made anew when it broke, with a growing pause: until then every job fails at once."""

    folder: Path | None = None

    def __init__(self, where: Target) -> None:
        self._where = where
        self._session: PostgresSession | None = None
        self._pause = 0.0
        self._not_before = 0.0

    async def session(self) -> Session:
        if self._session is not None and not self._session.broken:
            return self._session
        if time.monotonic() < self._not_before:
            raise StoreError(f"{self._where.name} is away")
        try:
            self._session = await connect_postgres(self._where)
        except StoreError:
            self._pause = min(max(self._pause * 2, BACK_OFF[0]), BACK_OFF[1])
            self._not_before = time.monotonic() + self._pause
            raise
        if self._pause:
            log.info("database is back url=%s", self._where.name)
        self._pause = 0.0
        return self._session

    async def give_up(self, session: Session) -> None:
        if session is self._session:
            log.warning("database connection dropped url=%s", self._where.name)
            self._session = None
            assert isinstance(session, PostgresSession)
            session.connection.terminate()

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None and not session.broken:
            with contextlib.suppress(Exception):
                await session.close()


class Reader:
    """Reads beside the owner. On SQLite one connection of its own (in memory: the owner's), on PostgreSQL a pool."""

    def __init__(self, session: SqliteSession | None, pool: asyncpg.Pool | None) -> None:
        self._session = session
        self._pool = pool

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        if self._session is not None:
            return await self._session.fetch(sql, *args)
        for last in (False, True):  # a connection that the server closed is noticed by its first use only
            try:
                async with self._acquired() as session:
                    return await session.fetch(sql, *args)
            except StoreError:
                if last:
                    raise
        raise AssertionError

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session]:
        """Several reads that see one state."""
        if self._session is not None:
            yield self._session
            return
        async with self._acquired() as session:
            await session.fetch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield session
            finally:
                await session.rollback()

    @contextlib.asynccontextmanager
    async def _acquired(self) -> AsyncIterator[PostgresSession]:
        assert self._pool is not None
        try:
            connection = await self._pool.acquire(timeout=CONNECT_TIMEOUT)
        except Exception as error:
            raise from_postgres(error) from error
        try:
            yield PostgresSession(connection)
        finally:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.shield(self._pool.release(connection))


async def pool(where: Target) -> asyncpg.Pool:
    try:
        return await asyncpg.create_pool(
            where.dsn,
            min_size=0,
            max_size=4,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings=_SERVER,
        )
    except Exception as error:
        raise StoreError(f"{where.name}: {from_postgres(error)}") from error
