"""Silences and maintenance windows, and what a new one or its end does to the incidents that are armed."""

from __future__ import annotations

from functools import lru_cache

from daemon.core.calendar import Calendar, Window, restored
from daemon.store.rows import dumps, loads
from daemon.store.session import Row
from daemon.store.transaction import Tx

KEPT = 90 * 86400 * 1000  # ms that a past window still takes from durations of open faults
_EMPTY = Calendar()
_SELECT = "SELECT id, kind, starts_at, ends_at, body FROM windows WHERE ends_at > $1 ORDER BY id"


async def calendar(tx: Tx, now: int) -> Calendar:
    """The present, coming and lately past windows. The same rows give the same object: it is parsed once."""
    rows = await tx.fetch(_SELECT, now - KEPT)
    return _calendar(tuple(rows)) if rows else _EMPTY


@lru_cache(8)
def _calendar(rows: tuple[Row, ...]) -> Calendar:
    return Calendar(tuple(restored(r[0], r[1], r[2], r[3], loads(r[4])) for r in rows))


async def add(tx: Tx, window: Window, now: int) -> int:
    """Returns its id."""
    row = (window.kind, window.start, window.end, dumps(window.body()))
    await tx.run("INSERT INTO windows (kind, starts_at, ends_at, body) VALUES ($1, $2, $3, $4)", [row])
    [(number,)] = await tx.fetch("SELECT max(id) FROM windows")
    await _rearm(tx, now)
    return int(number)


async def remove(tx: Tx, ident: int, kind: str, now: int) -> bool:
    """Ends it: what it still holds is due. A past one is forgotten. False where there is none of that kind."""
    rows = await tx.fetch("SELECT starts_at, ends_at FROM windows WHERE id = $1 AND kind = $2", ident, kind)
    if not rows:
        return False
    start, end = rows[0]
    if start < now < end:  # what it excluded until now stays excluded
        await tx.run("UPDATE windows SET ends_at = $2 WHERE id = $1", [(ident, now)])
        held = "state = 'pending' AND attempts = 0 AND next_attempt_at = $2"
        await tx.run(f"UPDATE outbox SET next_attempt_at = $1 WHERE {held}", [(now, end)])
        tx.wake("outbox")
    else:
        await tx.run("DELETE FROM windows WHERE id = $1", [(ident,)])
    await _rearm(tx, now)
    return True


async def _rearm(tx: Tx, now: int) -> None:
    """Every armed incident looks again at what is due (decision 11)."""
    await tx.run("UPDATE incidents SET next_at = $1 WHERE next_at IS NOT NULL AND next_at > $1", [(now,)])
    tx.wake("timer")
