"""Reads for the loops and the gauges: beside the owner, bounded by what is open or by `limit`."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.core.incident import Incident
from daemon.core.vocabulary import OPEN, FaultLevel, Kind, Priority, Status
from daemon.store.connection import Reader
from daemon.store.records import Snapshot, TimelineRow
from daemon.store.rows import INCIDENT_COLUMNS, decode, loads
from daemon.store.session import Row
from daemon.store.transaction import TIMELINE_LOCK

MAX_LIMIT = 1000
OPEN_LIST = ", ".join(f"'{s.value}'" for s in Status if s in OPEN)  # as in the partial indexes


async def due(reader: Reader, now: int, limit: int) -> list[int]:
    rows = await reader.fetch("SELECT id FROM incidents WHERE next_at <= $1 ORDER BY next_at LIMIT $2", now, limit)
    return [row[0] for row in rows]


async def next_due(reader: Reader) -> int | None:
    rows = await reader.fetch(
        "SELECT next_at FROM incidents WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1",
    )
    return rows[0][0] if rows else None


async def incident(reader: Reader, number: int) -> Incident | None:
    rows = await reader.fetch(f"SELECT {INCIDENT_COLUMNS} FROM incidents WHERE id = $1", number)
    return decode(rows[0]) if rows else None


def _timeline_row(row: Row) -> TimelineRow:
    number, incident_, at, actor, event, data = row
    return TimelineRow(number, incident_, at, actor, event, loads(data))


async def timeline(reader: Reader, number: int, after: int, limit: int) -> list[TimelineRow]:
    rows = await reader.fetch(
        "SELECT id, incident, at, actor, event, data FROM timeline WHERE incident = $1 AND id > $2 "
        "ORDER BY id LIMIT $3",
        number,
        after,
        max(1, min(limit, MAX_LIMIT)),
    )
    return [_timeline_row(row) for row in rows]


async def timeline_since(reader: Reader, dialect: str, after: int, limit: int) -> list[TimelineRow]:
    """By id. On PostgreSQL ids commit out of order: nothing from the oldest uncommitted one on is returned.

    A writer locks the last id drawn before it draws its own (transaction.py). Whatever was drawn before the first
    query is thus either visible to the last one, or above a lock that the second one sees.
    """
    upto = 2**63 - 1
    if dialect == "postgres":
        [(upto,)] = await reader.fetch("SELECT last_value FROM timeline_id_seq")
        # pg_locks shows a bigint key as two halves of 32 bits
        [(oldest,)] = await reader.fetch(
            "SELECT min(((classid::bigint << 32) | objid::bigint) - $1) FROM pg_locks WHERE locktype = 'advisory' "
            "AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND ((classid::bigint << 32) | objid::bigint) >= $1",
            TIMELINE_LOCK,
        )
        upto = upto if oldest is None else min(upto, oldest)
    rows = await reader.fetch(
        "SELECT id, incident, at, actor, event, data FROM timeline WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
        after,
        upto,
        max(1, min(limit, MAX_LIMIT)),
    )
    return [_timeline_row(row) for row in rows]


async def snapshot(reader: Reader) -> Snapshot:
    async with reader.snapshot() as session:
        [(pending, oldest)] = await session.fetch(
            "SELECT count(*), (SELECT received_at FROM inbox WHERE state = 'pending' ORDER BY id LIMIT 1) "
            "FROM inbox WHERE state = 'pending'"
        )
        counted = await session.fetch(
            "SELECT status, kind, priority, fault_level, count(*) FROM incidents "
            f"WHERE status IN ({OPEN_LIST}) GROUP BY status, kind, priority, fault_level"
        )
        channels = await session.fetch(
            "SELECT channel, count(*), min(at) FROM outbox WHERE state = 'pending' GROUP BY channel"
        )
        [(armed, next_at)] = await session.fetch(
            "SELECT count(*), min(next_at) FROM incidents WHERE next_at IS NOT NULL"
        )
    return Snapshot(
        inbox_pending=pending,
        inbox_oldest_at=oldest,
        incidents_open=_open(counted),
        faults_open=_faults(counted),
        outbox_pending={channel: n for channel, n, _ in channels},
        outbox_oldest_at={channel: at for channel, _, at in channels},
        timers_armed=armed,
        next_due_at=next_at,
    )


def _open(counted: Sequence[Row]) -> dict[tuple[Kind, Priority, Status], int]:
    found: dict[tuple[Kind, Priority, Status], int] = {}
    for status, kind, priority, _, n in counted:
        key = Kind(kind), Priority(priority), Status(status)
        found[key] = found.get(key, 0) + n
    return found


def _faults(counted: Sequence[Row]) -> dict[FaultLevel, int]:
    found: dict[FaultLevel, int] = {}
    for _, kind, _, level, n in counted:
        if kind == Kind.FAULT:
            at = FaultLevel(level) if level else FaultLevel.NONE
            found[at] = found.get(at, 0) + n
    return found


async def next_notice(reader: Reader) -> int | None:
    """On PostgreSQL a lease counts on the database's clock; close enough to know when to look again."""
    rows = await reader.fetch(
        "SELECT min(CASE WHEN lease_until > next_attempt_at THEN lease_until ELSE next_attempt_at END) "
        "FROM outbox WHERE state = 'pending'"
    )
    return rows[0][0] if rows else None


async def has_due_notices(reader: Reader, now: int) -> bool:
    """Leased ones do not count until their lease is over, on whichever clock; a guess that costs one index seek."""
    rows = await reader.fetch(
        "SELECT 1 FROM outbox WHERE state = 'pending' AND next_attempt_at <= $1 "
        "AND (lease_until IS NULL OR lease_until <= $1) LIMIT 1",
        now,
    )
    return bool(rows)
