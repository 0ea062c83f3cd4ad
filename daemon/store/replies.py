"""The caps on automatic answers (MAIL 2.2d): counted in the database, so that they survive a restart."""

from __future__ import annotations

from daemon.store.records import ReplyCounts
from daemon.store.rows import clean, short
from daemon.store.session import Session

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
KEPT = 30 * DAY


async def counts(session: Session, address: str, incident: int | None, subject_key: str, now: int) -> ReplyCounts:
    who = short(address.lower())[:512]
    rows = await session.fetch(
        "SELECT (SELECT count(*) FROM reply_counts WHERE incident = $2), "
        "(SELECT count(*) FROM reply_counts WHERE address = $1 AND at > $3), "
        "(SELECT count(*) FROM reply_counts WHERE address = $1 AND at > $4), "
        "(SELECT count(*) FROM reply_counts WHERE address = $1 AND at > $5 AND subject_key = $6), "
        "(SELECT count(*) FROM reply_counts WHERE at > $7)",
        who,
        incident,
        now - 10 * MINUTE,
        now - DAY,
        now - 3 * HOUR,
        clean(subject_key),
        now - MINUTE,
    )
    return ReplyCounts(*rows[0])


async def count(session: Session, address: str, incident: int | None, subject_key: str, now: int) -> None:
    await session.run(
        "INSERT INTO reply_counts (address, incident, subject_key, at) VALUES ($1, $2, $3, $4)",
        [(short(address.lower())[:512], incident, clean(subject_key), now)],
    )
    await session.run("DELETE FROM reply_counts WHERE at < $1", [(now - KEPT,)])
