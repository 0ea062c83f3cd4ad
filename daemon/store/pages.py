"""Lists for people, newest first, in pages. Their cost is bounded by the page, not by the history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from daemon.core.incident import Incident, parse_number
from daemon.core.vocabulary import OPEN, Status
from daemon.store.connection import Reader
from daemon.store.inbox import INBOX_COLUMNS
from daemon.store.records import InboxRow
from daemon.store.rows import INCIDENT_COLUMNS, decode
from daemon.store.session import Row

MAX_LIMIT = 1000
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
    return await reader.fetch(f"SELECT * FROM ({' UNION ALL '.join(each)}) AS parts{end}", *where.args)


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


OUTCOMES = (
    "WITH RECURSIVE seen (outcome) AS (SELECT min(outcome) FROM inbox WHERE outcome <> '' UNION ALL "
    "SELECT (SELECT min(i.outcome) FROM inbox i WHERE i.outcome <> '' AND i.outcome > seen.outcome) "
    "FROM seen WHERE seen.outcome IS NOT NULL) SELECT outcome FROM seen WHERE outcome IS NOT NULL"
)
"""The distinct outcomes, by one index seek each. An inbox row of many reports has several, joined by commas."""


_SIZE = "coalesce((SELECT size FROM raw WHERE raw.id = inbox.id), 0) AS size"


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
    rows = await newest(reader, "inbox", f"{INBOX_COLUMNS}, {_SIZE}", where, driver, outcomes, limit)
    return page([InboxRow(*row) for row in rows], limit)
