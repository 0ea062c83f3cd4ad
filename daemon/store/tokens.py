"""API tokens (only their hashes) and the answers to Idempotency-Keys."""

from __future__ import annotations

from daemon.store.records import Answer
from daemon.store.rows import short
from daemon.store.session import Session

DAY = 86_400_000


async def answered(session: Session, token: str, key: str, now: int) -> Answer | None:
    rows = await session.fetch(
        "SELECT request, status, answer, at FROM idempotency WHERE token = $1 AND key = $2 AND at > $3",
        token[:128],
        short(key)[:512],
        now - DAY,
    )
    return Answer(*rows[0]) if rows else None


async def remember(session: Session, token: str, key: str, answer: Answer) -> None:
    await session.run(
        "INSERT INTO idempotency (token, key, request, status, answer, at) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (token, key) DO UPDATE SET request = excluded.request, status = excluded.status, "
        "answer = excluded.answer, at = excluded.at",
        [(token[:128], short(key)[:512], answer.request, answer.status, answer.answer, answer.at)],
    )
