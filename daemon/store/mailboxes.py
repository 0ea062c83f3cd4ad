"""Receipts of mails, written in the same commit as the mail itself (MAIL 3.1), and the leases of mailboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from daemon.core.mailboxes import (
    COPIED,
    DONE,
    NOTHING,
    PENDING,
    RETRY,
    Action,
    FolderState,
    OldReceipt,
    Place,
    Receipt,
    Retry,
)
from daemon.store import inbox
from daemon.store.errors import StoreError
from daemon.store.rows import clean, scrub
from parsers import Raw

if TYPE_CHECKING:
    from daemon.store.store import Store
    from daemon.store.transaction import Tx

_PLACE = "mailbox = $1 AND folder = $2 AND uidvalidity = $3"
_NOW = "(extract(epoch FROM now()) * 1000)::bigint"
# A mail whose body could not be had has a receipt without inbox: the body, when it comes, takes its place.
_INSERT_RECEIPT = (
    "INSERT INTO mailbox_receipts (mailbox, folder, uidvalidity, uid, inbox, message_id, internaldate, size, sha256, "
    "action, state, attempts, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0) "
    "ON CONFLICT (mailbox, folder, uidvalidity, uid) DO UPDATE SET inbox = excluded.inbox, "
    "message_id = excluded.message_id, internaldate = excluded.internaldate, size = excluded.size, "
    "sha256 = excluded.sha256, action = excluded.action, state = excluded.state "
    f"WHERE mailbox_receipts.state = '{RETRY}'"
)
_INSERT_RETRY = (
    "INSERT INTO mailbox_receipts (mailbox, folder, uidvalidity, uid, inbox, message_id, internaldate, size, sha256, "
    f"action, state, attempts, next_at) VALUES ($1, $2, $3, $4, NULL, '', NULL, 0, '', '', '{RETRY}', $5, $6) "
    "ON CONFLICT (mailbox, folder, uidvalidity, uid) DO UPDATE SET attempts = excluded.attempts, "
    f"next_at = excluded.next_at WHERE mailbox_receipts.state = '{RETRY}'"
)
_TAKE_LEASE = (
    "INSERT INTO leases (name, holder, until) VALUES ($1, $2, {now} + $3) ON CONFLICT (name) DO UPDATE "
    "SET holder = excluded.holder, until = excluded.until "
    "WHERE leases.holder = excluded.holder OR leases.until <= {now}"
)


class Mailboxes:
    """Every write goes through the owner of writes. All raise StoreError when the database is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # leases

    async def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Whether `holder` has it now, for `seconds` more. A SQLite file has one daemon only, which has it always."""
        if self._store.dialect == "sqlite":
            return True

        async def decide(tx: Tx) -> bool:
            await tx.run(_TAKE_LEASE.format(now=_NOW), [(name, holder, round(seconds * 1000))])
            rows = await tx.fetch("SELECT holder FROM leases WHERE name = $1", name)
            return bool(rows) and rows[0][0] == holder

        return await self._store.transact(decide)

    async def release(self, name: str, holder: str) -> None:
        if self._store.dialect != "sqlite":
            await self._store.run("DELETE FROM leases WHERE name = $1 AND holder = $2", [(name, holder)])

    # folders

    async def folder(self, mailbox: str, folder: str) -> FolderState | None:
        rows = await self._store.fetch(
            "SELECT uidvalidity, start_uid, started_at, resync FROM mailbox_folders WHERE mailbox = $1 AND folder = $2",
            mailbox,
            clean(folder),
        )
        if not rows:
            return None
        uidvalidity, start_uid, started_at, resync = rows[0]
        return FolderState(Place(mailbox, folder, uidvalidity), start_uid, started_at, bool(resync))

    async def put_folder(self, state: FolderState) -> None:
        place = state.place
        await self._store.run(
            "INSERT INTO mailbox_folders (mailbox, folder, uidvalidity, start_uid, started_at, resync) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (mailbox, folder) DO UPDATE SET "
            "uidvalidity = excluded.uidvalidity, start_uid = excluded.start_uid, started_at = excluded.started_at, "
            "resync = excluded.resync",
            [(*_key(place), state.start_uid, state.started_at, state.resync)],
        )

    # receipts

    async def known(self, place: Place, above: int) -> set[int]:
        """UIDs above `above` that have a receipt, or wait for their body."""
        rows = await self._store.fetch(
            f"SELECT uid FROM mailbox_receipts WHERE {_PLACE} AND uid > $4", *_key(place), above
        )
        return {row[0] for row in rows}

    async def open_work(self, place: Place, limit: int = 5000) -> tuple[list[Action], list[Retry]]:
        """What is still to be done, by UID: flags, moves, deletions; and bodies that could not be had."""
        rows = await self._store.fetch(
            f"SELECT uid, action, state, attempts, next_at FROM mailbox_receipts WHERE {_PLACE} "
            f"AND state <> '{DONE}' ORDER BY uid LIMIT $4",
            *_key(place),
            limit,
        )
        actions = [Action(uid, action, state) for uid, action, state, *_ in rows if state != RETRY]
        return actions, [Retry(uid, tries, at) for uid, _, state, tries, at in rows if state == RETRY]

    async def accept(self, place: Place, mails: Sequence[tuple[Raw, Receipt]]) -> set[int]:
        """Mail and receipt in one commit; a mail that has a receipt is left out. The UIDs that were new."""
        if not mails:
            return set()
        folder = self._store._folder
        raws = [raw for raw, _ in mails]
        try:
            made = await asyncio.shield(asyncio.to_thread(inbox.arrival, raws, "", folder))
        except OSError as error:
            raise StoreError(f"a large body cannot be written: {error.strerror or error}") from error
        rows = {row[0]: row for row in made.rows}
        # In one order everywhere: two daemons that do the same wait for each other, and do not lock each other out.
        ordered = sorted(mails, key=lambda pair: pair[1].uid)
        receipts = [_receipt_row(place, raw, receipt) for raw, receipt in ordered]

        async def decide(tx: Tx) -> dict[int, int]:
            await tx.run(_INSERT_RECEIPT, receipts)
            found = await tx.fetch(
                "SELECT inbox, uid FROM mailbox_receipts WHERE inbox = ANY($1::bigint[])", sorted(rows)
            )
            ours: dict[int, int] = dict(found)
            await inbox.add(tx._session, [row for number, row in rows.items() if number in ours])
            tx.wake("inbox")
            return ours

        try:
            ours = await self._store.transact(decide)
        except BaseException:
            inbox.discard(made.rows, folder)
            raise
        inbox.discard([row for number, row in rows.items() if number not in ours], folder)
        return set(ours.values())

    async def postpone(self, place: Place, retries: Iterable[Retry]) -> None:
        """Their bodies are asked for again at `next_at`."""
        rows = [(*_key(place), r.uid, r.attempts, r.next_at) for r in sorted(retries, key=lambda r: r.uid)]
        await self._store.run(_INSERT_RETRY, rows)

    async def settle(self, place: Place, uids: Iterable[int], copied: bool = False) -> None:
        """Their actions are done (`copied`: half of a move is)."""
        open_ = f"state IN ('{PENDING}', '{COPIED}')"
        sql = f"UPDATE mailbox_receipts SET state = $5 WHERE {_PLACE} AND uid = $4 AND {open_}"
        state = COPIED if copied else DONE
        await self._store.run(sql, [(*_key(place), uid, state) for uid in sorted(uids)])

    async def forget(self, place: Place, uids: Iterable[int]) -> None:
        """They wait for no body any more: they are gone from the folder."""
        sql = f"DELETE FROM mailbox_receipts WHERE {_PLACE} AND uid = $4 AND state = '{RETRY}'"
        await self._store.run(sql, [(*_key(place), uid) for uid in sorted(uids)])

    # a folder that was made anew

    async def orphans(self, place: Place) -> list[OldReceipt]:
        """Receipts of earlier lives of the folder, the newest life first."""
        rows = await self._store.fetch(
            "SELECT id, uid, message_id, internaldate, size, sha256, action, state FROM mailbox_receipts "
            f"WHERE mailbox = $1 AND folder = $2 AND uidvalidity <> $3 AND state <> '{RETRY}' "
            "ORDER BY uidvalidity DESC, uid",
            *_key(place),
        )
        return [OldReceipt(row[0], Receipt(*row[1:7]), row[7]) for row in rows]

    async def adopt(self, place: Place, pairs: Sequence[tuple[OldReceipt, int]]) -> None:
        """The old receipts now stand for these UIDs. Flags and moves are done again; nothing is deleted twice."""
        rows = [
            (old.id, place.uidvalidity, uid, DONE if old.receipt.action in (NOTHING, "delete") else PENDING)
            if old.state == DONE
            else (old.id, place.uidvalidity, uid, PENDING)
            for old, uid in pairs
        ]

        async def decide(tx: Tx) -> None:
            taken = await tx.fetch(
                f"SELECT uid FROM mailbox_receipts WHERE {_PLACE} AND uid = ANY($4::bigint[])",
                *_key(place),
                sorted(row[2] for row in rows),
            )
            have = {row[0] for row in taken}
            await tx.run(
                "UPDATE mailbox_receipts SET uidvalidity = $2, uid = $3, state = $4 WHERE id = $1",
                [row for row in rows if row[2] not in have],
            )

        await self._store.transact(decide)

    async def close_old(self, place: Place) -> None:
        """The comparison is over: what was to be done in the folder's earlier lives cannot be done any more."""

        async def decide(tx: Tx) -> None:
            elsewhere = "mailbox = $1 AND folder = $2 AND uidvalidity <> $3"
            await tx.run(f"DELETE FROM mailbox_receipts WHERE {elsewhere} AND state = '{RETRY}'", [_key(place)])
            await tx.run(
                f"UPDATE mailbox_receipts SET state = '{DONE}' WHERE {elsewhere} AND state <> '{DONE}'", [_key(place)]
            )
            await tx.run("UPDATE mailbox_folders SET resync = $4 WHERE " + _PLACE, [(*_key(place), False)])

        await self._store.transact(decide)


def _key(place: Place) -> tuple[str, str, int]:
    return place.mailbox, clean(place.folder), place.uidvalidity


def _receipt_row(place: Place, raw: Raw, receipt: Receipt) -> tuple[object, ...]:
    return scrub(
        (
            *_key(place),
            receipt.uid,
            raw.id,
            receipt.message_id[:1000],
            receipt.internaldate,
            receipt.size,
            receipt.sha256,
            receipt.action,
            PENDING if receipt.action else DONE,
        )
    )
