"""Notices and their messages: written with the decision, leased while they are sent, settled after the yes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daemon.core.incident import Notice
from daemon.core.vocabulary import Priority, Reason, Role
from daemon.store import apply
from daemon.store.records import NoticeResult, NoticeRow
from daemon.store.rows import loads, scrub, short
from daemon.store.session import Row, Session

_COLUMNS = apply.NOTICE_COLUMNS
# Leases count on the database's clock: the daemons' may differ.
_NOW = "(extract(epoch FROM now()) * 1000)::bigint"


def decode(row: Row) -> NoticeRow:
    values = list(row)
    values[3] = Reason(values[3])
    values[4] = Role(values[4]) if values[4] else None
    values[9] = Priority(values[9])
    values[13] = bool(values[13])
    values[14] = loads(values[14])
    return NoticeRow(*values)


async def claim(session: Session, now: int, limit: int, lease: float, node: int) -> list[NoticeRow]:
    postgres = session.dialect == "postgres"
    free = f"(lease_until IS NULL OR lease_until <= {_NOW if postgres else '$1'})"
    first = await session.fetch(
        f"SELECT {_COLUMNS} FROM outbox WHERE state = 'pending' AND next_attempt_at <= $1 AND {free} "
        "ORDER BY next_attempt_at, id LIMIT $2 FOR UPDATE SKIP LOCKED",
        now,
        limit,
    )
    rows = {row[0]: row for row in first}
    if len(first) == limit:  # only then may a row's siblings have been left behind
        siblings = await session.fetch(
            f"SELECT {_COLUMNS} FROM outbox WHERE state = 'pending' AND next_attempt_at <= $1 AND {free} "
            "AND incident_id = ANY($2::bigint[]) ORDER BY id FOR UPDATE SKIP LOCKED",
            now,
            sorted({row[2] for row in first}),
        )
        groups = {_group(row) for row in first}
        rows.update((row[0], row) for row in siblings if _group(row) in groups)
    if not rows:
        return []
    clock, args = (_NOW, ()) if postgres else ("$4", (now,))
    await session.fetch(
        f"UPDATE outbox SET lease_until = {clock} + $2::bigint, leased_by = $3 WHERE id = ANY($1::bigint[])",
        list(rows),
        round(lease * 1000),
        node,
        *args,
    )
    return [decode(row) for row in rows.values()]


async def renew(session: Session, ids: Sequence[int], now: int, lease: float, node: int) -> None:
    clock, args = (_NOW, ()) if session.dialect == "postgres" else ("$4", (now,))
    await session.run(
        f"UPDATE outbox SET lease_until = {clock} + $2::bigint WHERE id = $1 AND leased_by = $3 AND state = 'pending'",
        [(number, round(lease * 1000), node, *args) for number in ids],
    )


def _group(row: Row) -> tuple[int, str, str, int]:
    return row[2], row[7], row[8], row[10]  # incident, channel, address, at


async def settle(session: Session, results: Sequence[NoticeResult]) -> None:
    """A yes counts whatever happened meanwhile; anything else only for a row that still is to be sent."""
    await session.run(
        "UPDATE outbox SET state = $2::text, attempts = $3, next_attempt_at = $4, error = $5, remote_id = $6, "
        "message_id = $7, subject = $8, text = $9, sent_at = $10, lease_until = NULL, leased_by = NULL "
        "WHERE id = $1 AND (state = 'pending' OR $2::text IN ('sent', 'merged'))",
        [
            scrub(
                (
                    r.id,
                    r.state,
                    r.attempts,
                    r.next_attempt_at,
                    r.error[:2000],
                    r.remote_id[:500],
                    r.message_id[:1000],
                    r.subject,
                    r.text,
                    r.sent_at,
                )
            )
            for r in results
        ],
    )
    await session.run(
        "INSERT INTO message_ids (message_id, incident) SELECT $2, incident_id FROM outbox WHERE id = $1 "
        "ON CONFLICT DO NOTHING",
        [(r.id, short(r.message_id)) for r in results if r.message_id],
    )


async def add(session: Session, notices: Sequence[Notice], ids: Sequence[int], fallback_of: int | None) -> list[int]:
    await session.run(
        apply.INSERT_NOTICE, [apply.notice_row(i, n, fallback_of) for i, n in zip(ids, notices, strict=True)]
    )
    rows = await session.fetch("SELECT id FROM outbox WHERE id = ANY($1::bigint[]) ORDER BY id", list(ids))
    return [row[0] for row in rows]


async def _change(session: Session, ids: Iterable[int], states: str, set_: str, *args: int) -> list[int]:
    wanted = sorted(set(ids))
    rows = await session.fetch(
        f"SELECT id FROM outbox WHERE id = ANY($1::bigint[]) AND state IN ({states}) ORDER BY id FOR UPDATE", wanted
    )
    await session.run(f"UPDATE outbox SET {set_} WHERE id = $1", [(row[0], *args) for row in rows])
    return [row[0] for row in rows]


async def reset(session: Session, ids: Iterable[int], now: int) -> list[int]:
    set_ = "state = 'pending', next_attempt_at = $2, lease_until = NULL, leased_by = NULL, error = ''"
    return await _change(session, ids, "'failed', 'dropped'", set_, now)


async def drop(session: Session, ids: Iterable[int]) -> list[int]:
    return await _change(session, ids, "'pending', 'failed'", "state = 'dropped', lease_until = NULL, leased_by = NULL")
