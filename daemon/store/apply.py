"""The plan of one apply(): what the core decided, as statements in the order in which they run.

Building it is pure and takes most of the time, so it runs on the connection's thread and not on the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from daemon.core.incident import AlertKey, Change, Incident, Notice
from daemon.core.vocabulary import ESCALATIONS, Reason
from daemon.store.records import InboxResult
from daemon.store.rows import COLUMNS, INCIDENT_COLUMNS, clean, dumps, encode, scrub, short
from daemon.store.session import Row, Statement

_N = len(COLUMNS) + 1  # with `state`
INSERT_INCIDENT = f"INSERT INTO incidents ({INCIDENT_COLUMNS}) VALUES ({', '.join(f'${i + 1}' for i in range(_N))})"
_SET = ", ".join(f"{name} = ${i + 2}" for i, name in enumerate((*COLUMNS[1:], "state")))
UPDATE_INCIDENT = f"UPDATE incidents SET {_SET} WHERE id = $1 AND version = ${_N + 1}"

_ESCALATION_LIST = ", ".join(f"'{reason.value}'" for reason in (*ESCALATIONS, Reason.DEADLINE_NEAR))
STOP_NOTICES = (
    "UPDATE outbox SET state = 'dropped', lease_until = NULL, leased_by = NULL "
    f"WHERE incident_id = $1 AND state = 'pending' AND reason IN ({_ESCALATION_LIST})"
)
NOTICE_COLUMNS = (
    "id, key, incident_id, reason, role, person, name, channel, address, priority, at, due_at, epoch, reporter, data, "
    "state, attempts, next_attempt_at, lease_until, leased_by, error, remote_id, message_id, subject, text, sent_at, "
    "fallback_of"
)
INSERT_NOTICE = (
    f"INSERT INTO outbox ({NOTICE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
    "'pending', 0, $11, NULL, NULL, '', '', '', '', '', NULL, $16) ON CONFLICT (key) DO NOTHING"
)
UPSERT_KEY = (
    "INSERT INTO alert_keys (key, incident, newest, state) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO UPDATE "
    "SET incident = excluded.incident, newest = excluded.newest, state = excluded.state "
    "WHERE excluded.newest >= alert_keys.newest"
)
UPSERT_REPORT = (
    "INSERT INTO reports (inbox, idx, outcome, incident, key) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (inbox, idx) DO UPDATE "
    "SET outcome = excluded.outcome, incident = excluded.incident, key = excluded.key"
)
SETTLE_INBOX = "UPDATE inbox SET state = $2, outcome = $3, error = $4, attempts = attempts + 1 WHERE id = $1"
INSERT_MESSAGE_ID = "INSERT INTO message_ids (message_id, incident) VALUES ($1, $2) ON CONFLICT DO NOTHING"
INSERT_TIMELINE = "INSERT INTO timeline (incident, at, actor, event, data) VALUES ($1, $2, $3, $4, $5)"


def folded(changes: Sequence[Change]) -> list[Change]:
    """One Change per incident, in id order (the order of locking): the last state, every entry and notice."""
    by_id: dict[int, Change] = {}
    for change in changes:
        first = by_id.get(change.incident.id)
        if first is None:
            by_id[change.incident.id] = change
            continue
        by_id[change.incident.id] = replace(
            change if change.touched else first,
            created=first.created or change.created,
            touched=first.touched or change.touched,
            entries=first.entries + change.entries,
            notices=first.notices + change.notices,
            stop_notices=first.stop_notices or change.stop_notices,
        )
    return [by_id[number] for number in sorted(by_id)]


def notice_row(number: int, notice: Notice, fallback_of: int | None = None) -> Row:
    return scrub(
        (
            number,
            short(notice.key),
            notice.incident,
            notice.reason._value_,
            notice.role._value_ if notice.role else None,
            notice.person,
            notice.name,
            notice.channel,
            notice.address,
            int(notice.priority),
            notice.at,
            notice.due_at,
            notice.epoch,
            notice.reporter,
            dumps(notice.data) if notice.data else "{}",
            fallback_of,
        )
    )


def incidents(changes: Sequence[Change]) -> list[Statement]:
    """`changes` are folded. The version in the object is the one that was read."""
    created = [encode(c.incident, 1) for c in changes if c.created]
    known: list[Incident] = [c.incident for c in changes if c.touched and not c.created]
    updated: list[Row] = [(*encode(i, i.version + 1), i.version) for i in known]
    return [
        Statement(INSERT_INCIDENT, created),
        Statement(UPDATE_INCIDENT, updated, expected=len(updated)),
    ]


def everything(
    changes: Sequence[Change],
    notice_ids: Sequence[int],
    keys: Sequence[AlertKey],
    results: Sequence[InboxResult],
    messages: Sequence[tuple[str, int]],
) -> list[Statement]:
    """`notice_ids`: one new id for each notice of `changes`, in their order."""
    notices = [n for c in changes for n in c.notices]
    reports: list[tuple[Any, ...]] = [
        (r.inbox_id, p.index, p.outcome, p.incident, short(p.key)) for r in results for p in r.reports
    ]
    return [
        *incidents(changes),
        Statement(STOP_NOTICES, [(c.incident.id,) for c in changes if c.stop_notices]),
        Statement(INSERT_NOTICE, [notice_row(i, n) for i, n in zip(notice_ids, notices, strict=True)]),
        Statement(UPSERT_KEY, sorted((short(k.key), k.incident, k.newest, k.state) for k in keys)),
        Statement(UPSERT_REPORT, reports),
        Statement(SETTLE_INBOX, [(r.inbox_id, r.state, r.outcome, clean(r.error)[:20_000]) for r in results]),
        Statement(INSERT_MESSAGE_ID, sorted({(short(m), n) for m, n in messages if m})),
        Statement(
            INSERT_TIMELINE,
            [
                scrub((e.incident, e.at, e.actor, e.event, dumps(e.data) if e.data else "{}"))
                for c in changes
                for e in c.entries
            ],
        ),
    ]
