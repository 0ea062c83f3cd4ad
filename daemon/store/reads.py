"""Reads for the loops, the console and the gauges: beside the owner, bounded by what is open or by `limit`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from daemon.core.incident import Incident, parse_number
from daemon.core.vocabulary import OPEN, FaultLevel, Kind, Priority, Status
from daemon.store.connection import Reader
from daemon.store.inbox import INBOX_COLUMNS
from daemon.store.records import InboxRow, Snapshot, TimelineRow
from daemon.store.rows import INCIDENT_COLUMNS, decode, loads
from daemon.store.session import Row
from daemon.store.transaction import TIMELINE_LOCK

MAX_LIMIT = 1000
OPEN_LIST = ", ".join(f"'{s.value}'" for s in Status if s in OPEN)  # as in the partial indexes
SLACK = 10_000  # incidents whose number and registration may be out of order


class Where:
    """Conditions that grow together with their arguments."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.args: list[Any] = []

    def arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def add(self, condition: str, *values: Any) -> None:
        """`condition` with `{}` for each of `values`."""
        self.parts.append(condition.format(*(self.arg(v) for v in values)))

    def sql(self, *more: str) -> str:
        parts = [*more, *self.parts]
        return f" WHERE {' AND '.join(parts)}" if parts else ""


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


def _number(text: str | None) -> int | None:
    try:
        return parse_number(text) if text else None
    except ValueError:
        return None


async def incidents(
    reader: Reader,
    *,
    status: Collection[str],
    priority: Collection[int],
    kind: Collection[str],
    service: str | None,
    fault_level: Collection[str],
    q: str | None,
    since: int | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[Incident], str | None]:
    """Newest first. One filter drives (see `newest`), the others are tested on the way."""
    limit = max(1, min(limit, MAX_LIMIT))
    lists: dict[str, list[Any]] = {
        "status": [str(v) for v in status],
        "fault_level": [str(v) for v in fault_level],
        "priority": [int(v) for v in priority],
        "kind": [str(v) for v in kind],
        "service": [service] if service else [],
    }
    finished = {s.value for s in Status if s not in OPEN}
    driver = next((name for name, values in lists.items() if values and not finished & set(values)), None)
    where = Where()
    for name, values in lists.items():
        if values and name != driver:
            where.add(f"{name} IN ({', '.join('{}' for _ in values)})", *values)
    if q:
        _search(where, q)
    if since is not None:
        where.add("registered_at >= {}", since)
        where.add(
            "id >= coalesce((SELECT id FROM incidents WHERE registered_at >= {} ORDER BY registered_at LIMIT 1), 0)"
            f" - {SLACK}",
            since,
        )
    if cursor is not None:
        where.add("id < {}", read_cursor(cursor))
    rows = await newest(reader, "incidents", INCIDENT_COLUMNS, where, driver, lists[driver] if driver else (), limit)
    return page([decode(row) for row in rows], limit)


async def newest(
    reader: Reader, table: str, columns: str, where: Where, driver: str | None, values: Sequence[Any], limit: int
) -> list[Row]:
    """One row more than `limit`, by falling id. A subquery for each value of `driver` walks that value's index from
    the newest down: it touches no more rows than asked for, however long the history is."""
    end = f" ORDER BY id DESC LIMIT {limit + 1}"
    if driver is None:
        return await reader.fetch(f"SELECT {columns} FROM {table}{where.sql()}{end}", *where.args)
    each = [
        f"SELECT * FROM (SELECT {columns} FROM {table}{where.sql(f'{driver} = {where.arg(value)}')}{end}) AS part"
        for value in values
    ]
    return await reader.fetch(f"SELECT {columns} FROM ({' UNION ALL '.join(each)}) AS parts{end}", *where.args)


def _search(where: Where, q: str) -> None:
    pattern = "%" + q[:200].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").lower() + "%"
    fields = ("title", "service", "reporter_name", "reporter_address", "external_ref", "customer")
    parts = [f"lower(coalesce({name}, '')) LIKE {{0}} ESCAPE '\\'" for name in fields]
    placeholder = where.arg(pattern)
    text = " OR ".join(part.format(placeholder) for part in parts)
    if (number := _number(q.strip())) is not None:
        text += f" OR id = {where.arg(number)}"
    where.parts.append(f"({text})")


def read_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 19 and int(cursor) < 2**63):
        raise ValueError("not a cursor of this list")
    return int(cursor)


def page(found: list[Any], limit: int) -> tuple[list[Any], str | None]:
    if len(found) <= limit:
        return found, None
    return found[:limit], str(found[limit - 1].id)


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
    """By id. On PostgreSQL ids commit out of order: nothing at or above the oldest uncommitted one is returned.

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
        upto = upto if oldest is None else min(upto, oldest - 1)
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


OUTCOMES = (
    "WITH RECURSIVE seen (outcome) AS (SELECT min(outcome) FROM inbox WHERE outcome <> '' UNION ALL "
    "SELECT (SELECT min(i.outcome) FROM inbox i WHERE i.outcome <> '' AND i.outcome > seen.outcome) "
    "FROM seen WHERE seen.outcome IS NOT NULL) SELECT outcome FROM seen WHERE outcome IS NOT NULL"
)
"""The distinct outcomes, by one index seek each. An inbox row of many reports has several, joined by commas."""


async def inbox_rows(
    reader: Reader, outcome: str | None, state: str | None, cursor: str | None, limit: int
) -> tuple[list[InboxRow], str | None]:
    """Newest first."""
    limit = max(1, min(limit, MAX_LIMIT))
    where = Where()
    if state:
        where.parts.append(f"state = '{state}'" if state in ("pending", "failed") else f"state = {where.arg(state)}")
    if cursor is not None:
        where.add("id < {}", read_cursor(cursor))
    outcomes: list[str] = []
    if outcome:
        outcomes = [row[0] for row in await reader.fetch(OUTCOMES) if outcome in row[0].split(",")]
        if not outcomes:
            return [], None
        where.parts.append("outcome <> ''")
    driver = "outcome" if outcomes else None
    rows = await newest(reader, "inbox", INBOX_COLUMNS, where, driver, outcomes, limit)
    return page([InboxRow(*row) for row in rows], limit)
