"""Heartbeats: a beat, and a missed one, is one commit with the signal that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from daemon.core.heartbeats import Beat
from daemon.store import inbox
from parsers import Raw

if TYPE_CHECKING:
    from daemon.store.store import Store
    from daemon.store.transaction import Tx

ALIVE = "heartbeats.alive"


class Heartbeats:
    """All raise StoreError when the database is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> dict[str, Beat]:
        rows = await self._store.fetch("SELECT name, last_at, excused_until, missed_at FROM heartbeats")
        return {row[0]: Beat(*row) for row in rows}

    async def begin(self, names: Sequence[str], now: int) -> None:
        """Those that are new are waited for from now on."""
        sql = (
            "INSERT INTO heartbeats (name, last_at, excused_until, missed_at) VALUES ($1, $2, 0, NULL) "
            "ON CONFLICT (name) DO NOTHING"
        )
        await self._store.run(sql, [(name, now) for name in names])

    async def excuse(self, until: Sequence[tuple[str, int]]) -> None:
        await self._store.run("UPDATE heartbeats SET excused_until = $2 WHERE name = $1", list(until))

    async def beat(self, name: str, now: int, recovery: Callable[[], Raw]) -> bool:
        """It came. Whether it was missed: then `recovery()` is in the inbox with it."""

        async def decide(tx: Tx) -> bool:
            rows = await tx.fetch("SELECT missed_at FROM heartbeats WHERE name = $1 FOR UPDATE", name)
            await tx.run(
                "INSERT INTO heartbeats (name, last_at, excused_until, missed_at) VALUES ($1, $2, 0, NULL) "
                "ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at, missed_at = NULL",
                [(name, now)],
            )
            if not rows or rows[0][0] is None:
                return False
            await inbox.add(tx._session, inbox.arrival([recovery()], "", None).rows)
            tx.wake("inbox")
            return True

        return await self._store.transact(decide)

    async def miss(self, beat: Beat, now: int, alarm: Callable[[], Raw]) -> bool:
        """It did not come. False when it came meanwhile, or when another daemon was first."""

        async def decide(tx: Tx) -> bool:
            sql = "SELECT last_at, missed_at FROM heartbeats WHERE name = $1 FOR UPDATE"
            if await tx.fetch(sql, beat.name) != [(beat.last_at, None)]:
                return False
            await tx.run("UPDATE heartbeats SET missed_at = $2 WHERE name = $1", [(beat.name, now)])
            await inbox.add(tx._session, inbox.arrival([alarm()], "", None).rows)
            tx.wake("inbox")
            return True

        return await self._store.transact(decide)

    async def alive(self, now: int) -> None:
        """Somebody listens now."""
        await self._store.put_setting(ALIVE, str(now))

    async def last_alive(self) -> int | None:
        found = await self._store.setting(ALIVE)
        return int(found) if found and found.isdigit() else None
