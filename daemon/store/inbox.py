"""What came in: the bytes in `raw`, what became of them in the narrow `inbox`, a row per report in `reports`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from daemon.store.rows import clean, dumps, loads, scrub
from daemon.store.session import PostgresSession, Row, Session, SqliteSession
from parsers import Raw

BIG = 256 * 1024
"""Bytes; what is larger lies in a file beside the SQLite file, so that the database stays small and quick."""

_RAW = "id, sha256, size, body, file, envelope"
INBOX_COLUMNS = "id, source, entry, parser, received_at, state, outcome, error, attempts"
_INSERT_RAW = f"INSERT INTO raw ({_RAW}) VALUES ($1, $2, $3, $4, $5, $6)"
_INSERT_INBOX = f"INSERT INTO inbox ({INBOX_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)"
# One statement is one round trip and its own transaction.
_INSERT_BOTH = (
    "WITH v AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], "
    "$7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[]) "
    "AS t (id, sha256, size, body, file, envelope, source, entry, parser, received_at, state, outcome, error)), "
    f"w AS (INSERT INTO raw ({_RAW}) SELECT id, sha256, size, body, file, envelope FROM v) "
    f"INSERT INTO inbox ({INBOX_COLUMNS}) "
    "SELECT id, source, entry, parser, received_at, state, outcome, error, 0 FROM v"
)
RAW_COLUMNS = "i.id, i.source, i.entry, i.parser, i.received_at, r.body, r.file, r.envelope"


_ENVELOPE = ("content_type", "headers", "query", "path", "mail_from", "recipient")


@dataclass(slots=True)
class Arrival:
    """One accept(): its rows (raw and inbox side by side) are committed together, its files are written already."""

    rows: list[Row]
    size: int


def arrival(raws: Sequence[Raw], unparsable: str, folder: Path | None) -> Arrival:
    """Writes and fsyncs the files of large bodies into `folder`; without one every body goes into its row.

    Raises OSError; what it wrote before is removed again.
    """
    rows: list[Row] = []
    state = ("failed", "unparsable", clean(unparsable)[:2000]) if unparsable else ("pending", "", "")
    try:
        for raw in raws:
            envelope: dict[str, Any] = {}
            for name in _ENVELOPE:
                if value := getattr(raw, name):
                    envelope[name] = value
            head = (raw.id, sha256(raw.body).hexdigest(), len(raw.body))
            file = _write(folder, raw) if folder is not None and len(raw.body) > BIG else None
            body = (raw.body if file is None else None, file, dumps(envelope))
            rows.append(scrub((*head, *body, raw.source, raw.entry, raw.parser, raw.received_at, *state)))
    except BaseException:
        discard(rows, folder)
        raise
    return Arrival(rows, sum(len(raw.body) for raw in raws))


def _write(folder: Path, raw: Raw) -> str:
    name = f"{raw.id % 256:02x}/{raw.id}"
    path = folder / name
    for directory in (folder, path.parent):
        directory.mkdir(exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(raw.body)
            file.flush()
            os.fsync(file.fileno())
        for directory in (path.parent, folder):
            _sync(directory)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
    return name


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(rows: Sequence[Row], folder: Path | None) -> None:
    """Removes the files of rows that were not committed."""
    for row in rows:
        if folder is not None and row[4] is not None:
            with suppress(OSError):
                (folder / row[4]).unlink()


async def insert(session: Session, rows: list[Row]) -> None:
    """Commits `rows` in one transaction of its own: one hop on SQLite, one round trip on PostgreSQL."""
    if isinstance(session, SqliteSession):
        await session.commit_of(
            lambda: [(_INSERT_RAW, [r[:6] for r in rows]), (_INSERT_INBOX, [(r[0], *r[6:]) for r in rows])]
        )
    elif isinstance(session, PostgresSession):
        await session.fetch(_INSERT_BOTH, *(list(column) for column in zip(*rows, strict=True)))


async def add(session: Session, rows: list[Row]) -> None:
    """Inserts `rows` in the transaction that is open."""
    if isinstance(session, PostgresSession):
        if rows:
            await session.fetch(_INSERT_BOTH, *(list(column) for column in zip(*rows, strict=True)))
        return
    await session.run(_INSERT_RAW, [r[:6] for r in rows])
    await session.run(_INSERT_INBOX, [(r[0], *r[6:]) for r in rows])


def decode(row: Row, folder: Path | None) -> Raw:
    """From a row of RAW_COLUMNS. Reads a file when the bytes lie in one; raises OSError."""
    number, source, entry, parser, received_at, body, file, envelope = row
    if body is None:
        body = (folder / file).read_bytes() if folder is not None and file else b""
    rest: dict[str, Any] = loads(envelope)
    return Raw(number, source, entry, parser, received_at, bytes(body), **rest)


async def decoded(rows: Sequence[Row], folder: Path | None) -> list[Raw]:
    if any(row[5] is None for row in rows):
        return await asyncio.to_thread(lambda: [decode(row, folder) for row in rows])
    return [decode(row, folder) for row in rows]


async def claim(session: Session, ids: Iterable[int]) -> set[int]:
    sql = "SELECT id FROM inbox WHERE id = ANY($1::bigint[]) AND state = 'pending' ORDER BY id FOR UPDATE SKIP LOCKED"
    return {row[0] for row in await session.fetch(sql, sorted(set(ids)))}


async def reset(session: Session, ids: Iterable[int]) -> list[int]:
    sql = "SELECT id FROM inbox WHERE id = ANY($1::bigint[]) AND state <> 'pending' ORDER BY id FOR UPDATE"
    rows = await session.fetch(sql, sorted(set(ids)))
    await session.run("UPDATE inbox SET state = 'pending', outcome = '', error = '' WHERE id = $1", rows)
    return [row[0] for row in rows]
