"""What may be done inside the owner's write transaction.

A transaction belongs to the coroutine that was given to `Store.transact`: no task may be started in it, and nothing
else awaited than its own methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from daemon.core.incident import AlertKey, Change, Incident, Notice
from daemon.store import apply, inbox, outbox, replies, tokens
from daemon.store.errors import Conflict
from daemon.store.records import Answer, InboxResult, NoticeResult, NoticeRow, ReplyCounts
from daemon.store.rows import INCIDENT_COLUMNS, decode, short
from daemon.store.session import Row, Session

# Keeps the readers of the timeline behind the oldest id that is not yet committed (reads.timeline_since): the rows
# that follow get ids greater than the one that is locked here.
TIMELINE_LOCK = 0x70C5 << 48
_GUARD_TIMELINE = (
    f"SELECT pg_advisory_xact_lock_shared({TIMELINE_LOCK} | CASE WHEN is_called THEN last_value ELSE 0 END) "
    "FROM timeline_id_seq"
)


class Tx:
    """One write transaction. Incidents that it returns are fresh objects; on PostgreSQL their rows are locked."""

    def __init__(self, session: Session, new_id: Callable[[], int], node: int) -> None:
        self._session = session
        self._new_id = new_id
        self._node = node
        self._bumped: list[tuple[Incident, int]] = []
        self.wakes: set[Literal["inbox", "timer", "outbox"]] = set()

    @property
    def dialect(self) -> Literal["sqlite", "postgres"]:
        return self._session.dialect

    # incidents

    async def incidents(self, ids: Iterable[int]) -> dict[int, Incident]:
        """Locked in id order."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        sql = f"SELECT {INCIDENT_COLUMNS} FROM incidents WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"
        return {row[0]: decode(row) for row in await self._session.fetch(sql, wanted)}

    async def peek(self, ids: Iterable[int]) -> list[Incident]:
        """In id order and without locks: for words and numbers, not for decisions."""
        wanted = sorted(set(ids))
        sql = f"SELECT {INCIDENT_COLUMNS} FROM incidents WHERE id = ANY($1::bigint[]) ORDER BY id"
        return [decode(row) for row in await self._session.fetch(sql, wanted)] if wanted else []

    async def due(self, ids: Iterable[int], now: int) -> list[Incident]:
        """Those still due at `now`, in id order; those that another daemon works on are left to it."""
        wanted = sorted(set(ids))
        if not wanted:
            return []
        sql = (
            f"SELECT {INCIDENT_COLUMNS} FROM incidents WHERE id = ANY($1::bigint[]) AND next_at <= $2 "
            "ORDER BY id FOR UPDATE SKIP LOCKED"
        )
        return [decode(row) for row in await self._session.fetch(sql, wanted, now)]

    async def numbers(self, n: int) -> list[int]:
        """The next `n` incident numbers. On SQLite a rollback gives them back."""
        if n <= 0:
            return []
        if self.dialect == "postgres":
            sql = "SELECT nextval('incidents_id_seq') FROM generate_series(1, $1)"
            return sorted(row[0] for row in await self._session.fetch(sql, n))
        [(last,)] = await self._session.fetch("SELECT coalesce(max(id), 0) FROM incidents")
        return list(range(last + 1, last + 1 + n))

    async def apply(
        self,
        changes: Sequence[Change],
        *,
        keys: Sequence[AlertKey] = (),
        results: Sequence[InboxResult] = (),
        messages: Sequence[tuple[str, int]] = (),
    ) -> None:
        """Writes one plan. Several changes of one incident are one row: the last state, every entry and notice.

        The version that an incident was read with is tested; Conflict names those that somebody else wrote since.
        The versions of the objects follow what was written, and go back if the transaction does.
        """
        merged = apply.folded(changes)
        if self.dialect == "postgres":
            await self._test_versions(merged)
            if any(c.entries for c in merged):
                await self._session.fetch(_GUARD_TIMELINE)
        ids = [self._new_id() for c in merged for _ in c.notices]
        if not await self._session.plan(lambda: apply.everything(merged, ids, keys, results, messages)):
            await self._test_versions(merged)
            raise Conflict([])
        for change in merged:
            if not (change.created or change.touched):
                continue
            self._bumped.append((change.incident, change.incident.version))
            change.incident.version = 1 if change.created else change.incident.version + 1
            if change.incident.next_at is not None:
                self.wakes.add("timer")
        if ids:
            self.wakes.add("outbox")

    async def _test_versions(self, changes: Sequence[Change]) -> None:
        read = {c.incident.id: c.incident.version for c in changes if c.touched and not c.created}
        if not read:
            return
        sql = "SELECT id, version FROM incidents WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"
        found: dict[int, int] = {row[0]: row[1] for row in await self._session.fetch(sql, sorted(read))}
        if wrong := [number for number, version in read.items() if found.get(number) != version]:
            raise Conflict(wrong)

    def undo(self) -> None:
        """After a rollback: the objects carry the versions that the database has."""
        for incident, version in reversed(self._bumped):
            incident.version = version
        self._bumped.clear()
        self.wakes.clear()

    # alert keys and threads

    async def alert_keys(self, keys: Iterable[str]) -> dict[str, AlertKey]:
        """The known ones of `keys`. All are locked until the end of the transaction, the unknown ones too, so that
        two daemons never register one key twice."""
        asked = {short(key): key for key in keys}
        if not asked:
            return {}
        wanted = sorted(asked)
        if self.dialect == "postgres":
            await self._session.fetch(
                "INSERT INTO alert_keys (key, incident, newest, state) "
                "SELECT k, NULL, 0, '' FROM unnest($1::text[]) WITH ORDINALITY AS t (k, place) ORDER BY place "
                "ON CONFLICT (key) DO NOTHING",
                wanted,
            )
        sql = "SELECT key, incident, newest, state FROM alert_keys WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE"
        rows = await self._session.fetch(sql, wanted)
        return {asked[r[0]]: AlertKey(asked[r[0]], *r[1:]) for r in rows if r[1] is not None or r[2]}

    async def keys_of(self, incidents: Iterable[int]) -> dict[int, list[AlertKey]]:
        sql = "SELECT key, incident, newest, state FROM alert_keys WHERE incident = ANY($1::bigint[]) ORDER BY key"
        found: dict[int, list[AlertKey]] = {}
        for row in await self._session.fetch(sql, sorted(set(incidents))):
            found.setdefault(row[1], []).append(AlertKey(*row))
        return found

    async def threads(self, message_ids: Iterable[str]) -> dict[str, list[int]]:
        """The known ones of `message_ids`, each with its incidents, oldest first."""
        asked = {short(m): m for m in message_ids if m}
        if not asked:
            return {}
        sql = "SELECT message_id, incident FROM message_ids WHERE message_id = ANY($1::text[]) ORDER BY incident"
        found: dict[str, list[int]] = {}
        for message_id, incident in await self._session.fetch(sql, sorted(asked)):
            found.setdefault(asked[message_id], []).append(incident)
        return found

    async def open_of(self, service: str, kind: str | None = None) -> list[int]:
        """Numbers of the open incidents of a service, oldest first."""
        sql = (
            "SELECT id FROM incidents WHERE service = $1 AND status IN "
            "('registered', 'assigned', 'in_progress', 'pending')"
        )
        if kind is not None:
            rows = await self._session.fetch(f"{sql} AND kind = $2 ORDER BY id", service, kind)
        else:
            rows = await self._session.fetch(f"{sql} ORDER BY id", service)
        return [row[0] for row in rows]

    # inbox

    async def claim_inbox(self, ids: Iterable[int]) -> set[int]:
        """Those still pending; those that another daemon works on are left to it."""
        return await inbox.claim(self._session, ids)

    async def reset_inbox(self, ids: Iterable[int]) -> list[int]:
        """Sets processed rows (done or failed) back to pending; their attempts stay counted. Returns the changed."""
        changed = await inbox.reset(self._session, ids)
        if changed:
            self.wakes.add("inbox")
        return changed

    # outbox

    async def claim_notices(self, now: int, limit: int, lease: float) -> list[NoticeRow]:
        """Pending ones that are due and that nobody sends, leased for `lease` seconds. `limit` may be exceeded: rows
        of one (incident, channel, address, at) come together."""
        return await outbox.claim(self._session, now, limit, lease, self._node)

    async def renew_leases(self, ids: Sequence[int], now: int, lease: float) -> None:
        """For those that are still being sent."""
        await outbox.renew(self._session, ids, now, lease, self._node)

    async def settle_notices(self, results: Sequence[NoticeResult]) -> None:
        await outbox.settle(self._session, results)
        if any(r.state == "pending" for r in results):
            self.wakes.add("outbox")

    async def add_notices(self, notices: Sequence[Notice], fallback_of: int | None = None) -> list[int]:
        """Further notices outside a Change (a fallback, a digest). Returns the ids of those that are new."""
        added = await outbox.add(self._session, notices, [self._new_id() for _ in notices], fallback_of)
        if added:
            self.wakes.add("outbox")
        return added

    async def reset_notices(self, ids: Iterable[int], now: int) -> list[int]:
        """Failed and dropped ones are to be tried again, from `now`. Returns the changed."""
        changed = await outbox.reset(self._session, ids, now)
        if changed:
            self.wakes.add("outbox")
        return changed

    async def drop_notices(self, ids: Iterable[int]) -> list[int]:
        """Pending and failed ones are not sent any more. Returns the changed."""
        return await outbox.drop(self._session, ids)

    # caps, idempotency, settings

    async def reply_counts(self, address: str, incident: int | None, subject_key: str, now: int) -> ReplyCounts:
        return await replies.counts(self._session, address, incident, subject_key, now)

    async def count_reply(self, address: str, incident: int | None, subject_key: str, now: int) -> None:
        await replies.count(self._session, address, incident, subject_key, now)

    async def answered(self, token: str, key: str, now: int) -> Answer | None:
        """What was answered to this Idempotency-Key in the last 24 hours."""
        return await tokens.answered(self._session, token, key, now)

    async def remember(self, token: str, key: str, answer: Answer) -> None:
        await tokens.remember(self._session, token, key, answer)

    async def setting(self, name: str) -> str | None:
        rows = await self._session.fetch("SELECT value FROM settings WHERE name = $1", name)
        return rows[0][0] if rows else None

    async def put_setting(self, name: str, value: str) -> None:
        sql = (
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        )
        await self._session.run(sql, [(name, value)])

    # SQL of the loops' own

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """`$1`-style SQL in both dialects; a list argument belongs to `= ANY($1::bigint[])`."""
        return await self._session.fetch(sql, *args)

    async def run(self, sql: str, rows: Sequence[Row]) -> None:
        await self._session.run(sql, rows)

    def wake(self, loop: Literal["inbox", "timer", "outbox"]) -> None:
        """After `run` put work there: the loop is woken once this is committed."""
        self.wakes.add(loop)
