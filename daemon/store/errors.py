"""The three things that can go wrong with the store, and how the drivers' errors become them.

Translation happens at the border, around each call of a driver: an OSError of the code that runs inside a
transaction is not a database that went away.
"""

from __future__ import annotations

import sqlite3

import asyncpg


class StoreError(Exception):
    """The database is away, locked, full or not ours: trying again later may help. The message is one line."""


class Conflict(Exception):
    """Somebody else wrote the incident in between; nothing was written. `incidents`: whose version did not match."""

    def __init__(self, incidents: list[int]) -> None:
        super().__init__("written by somebody else: " + ", ".join(f"INC-{n}" for n in incidents[:10]))
        self.incidents = incidents


class Unstorable(ValueError):
    """The database refuses these values, and will refuse them again: the item is to be set aside."""


class Again(Exception):
    """A deadlock or a serialisation failure: the whole transaction is to be run again."""


# primary result codes, https://www.sqlite.org/rescode.html
_SQLITE_AWAY = {
    5: "the database is locked by another program",
    6: "the database is locked",
    7: "out of memory",
    8: "the database is read-only",
    10: "disk error",
    11: "the database file is damaged",
    13: "the disk is full",
    14: "the database file cannot be opened",
    15: "the database is locked",
    26: "the file is not a database",
}
_SQLITE_REFUSED = {18, 19, 20}  # too big, constraint, mismatch

# classes and codes of https://www.postgresql.org/docs/15/errcodes-appendix.html
_PG_AGAIN = ("40001", "40P01")
_PG_AWAY = ("08", "53", "57P", "58", "25006", "25P03", "55P03", "57014", "28", "3D", "F0", "XX")
_PG_REFUSED = ("22", "23", "54")


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def from_sqlite(error: Exception) -> Exception:
    """What `error` of sqlite3 or aiosqlite means; the error itself when it is a defect of ours."""
    if isinstance(error, StoreError | Unstorable):
        return error
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _SQLITE_AWAY:
            return StoreError(_SQLITE_AWAY[code])
        if code in _SQLITE_REFUSED or isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
            return Unstorable(one_line(error))
        if "binding parameter" in str(error).lower():
            return Unstorable(one_line(error))
        if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error).lower():
            return StoreError("the database is closed")
        return error
    if isinstance(error, OverflowError | UnicodeEncodeError):
        return Unstorable(one_line(error))
    if isinstance(error, ValueError) and "onnection" in str(error):  # aiosqlite: "Connection closed"
        return StoreError("the database is closed")
    return error


def from_postgres(error: Exception) -> Exception:
    """What `error` of asyncpg means; the error itself when it is a defect of ours."""
    if isinstance(error, StoreError | Unstorable):
        return error
    if isinstance(error, asyncpg.PostgresError):
        state = str(getattr(error, "sqlstate", None) or "")
        if state in _PG_AGAIN:
            return Again(one_line(error))
        if state.startswith(_PG_AWAY):
            return StoreError(f"PostgreSQL: {one_line(error)}")
        if state.startswith(_PG_REFUSED):
            return Unstorable(one_line(error))
    elif isinstance(error, asyncpg.DataError | OverflowError | UnicodeEncodeError):
        return Unstorable(one_line(error))
    elif isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError):
        return StoreError(f"PostgreSQL is away: {one_line(error)}")
    return error
