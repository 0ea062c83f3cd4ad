"""Receipts and leases of mailboxes, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from daemon.clock import VirtualClock
from daemon.core.mailboxes import Action, FolderState, Place, Receipt, Retry
from daemon.store import Mailboxes, Store, opened
from parsers import Raw
from tests.peers.stored import NOW, raw

pytestmark = pytest.mark.asyncio
PLACE = Place("support", "客户\x00来信", 7)


def mail(store: Store, uid: int, action: str = "seen") -> tuple[Raw, Receipt]:
    return raw(store, b"mail %d" % uid, source="email"), Receipt(uid, f"{uid}@x", NOW, 6, f"{uid:064x}", action)


async def test_mail_and_receipt_are_one_commit_and_a_second_receipt_brings_no_second_mail(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        boxes = Mailboxes(store)
        assert await boxes.accept(PLACE, [mail(store, 3), mail(store, 1)]) == {1, 3}
        assert await boxes.accept(PLACE, [mail(store, 1), mail(store, 2, "")]) == {2}
        assert len(await store.pending(10)) == 3
        assert await boxes.known(PLACE, 1) == {2, 3}
        assert await boxes.open_work(PLACE) == ([Action(1, "seen"), Action(3, "seen")], [])
        await boxes.settle(PLACE, [1])
        await boxes.settle(PLACE, [3], copied=True)
        assert await boxes.open_work(PLACE) == ([Action(3, "seen", "copied")], [])
        assert store.inbox_waker.is_set()


async def test_several_that_accept_the_same_mails_at_once_bring_each_once(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as one, opened(postgres_url, VirtualClock(NOW)) as two:
        found = await asyncio.gather(
            *(Mailboxes(s).accept(PLACE, [mail(s, uid) for uid in range(first, first + 20)])
              for first in range(0, 100, 10) for s in (one, two))
        )  # fmt: skip
        taken = [uid for part in found for uid in part]
        assert sorted(taken) == list(range(110))
        assert len(await one.pending(500)) == 110


async def test_a_body_that_comes_late_takes_the_place_of_its_retry(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        boxes = Mailboxes(store)
        await boxes.postpone(PLACE, [Retry(5, 1, NOW), Retry(6, 1, NOW)])
        await boxes.postpone(PLACE, [Retry(5, 2, NOW + 5)])
        assert await boxes.open_work(PLACE) == ([], [Retry(5, 2, NOW + 5), Retry(6, 1, NOW)])
        assert await boxes.accept(PLACE, [mail(store, 5)]) == {5}
        await boxes.forget(PLACE, [5, 6])
        await boxes.postpone(PLACE, [Retry(5, 3, NOW)])
        assert await boxes.open_work(PLACE) == ([Action(5, "seen")], [])


async def test_old_receipts_are_taken_over_once_and_the_rest_is_closed(database_url: str) -> None:
    anew = Place(PLACE.mailbox, PLACE.folder, 8)
    async with opened(database_url, VirtualClock(NOW)) as store:
        boxes = Mailboxes(store)
        await boxes.put_folder(FolderState(anew, 9, NOW, True))
        await boxes.accept(PLACE, [mail(store, 1), mail(store, 2, "delete"), mail(store, 3)])
        await boxes.settle(PLACE, [1, 2])
        old = await boxes.orphans(anew)
        assert [o.receipt.uid for o in old] == [1, 2, 3]
        await boxes.adopt(anew, [(old[0], 4), (old[1], 5)])
        assert (await boxes.open_work(anew))[0] == [Action(4, "seen")], "what was deleted is not deleted again"
        await boxes.close_old(anew)
        assert await boxes.open_work(PLACE) == ([], [])
        state = await boxes.folder(PLACE.mailbox, PLACE.folder)
        assert state is not None
        assert (state.place.uidvalidity, state.resync) == (8, False)


async def test_a_lease_is_one_holders_until_it_ends_or_is_given_back(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as store:
        boxes = Mailboxes(store)
        assert await boxes.lease("m", "one", 60)
        assert await boxes.lease("m", "one", 60)
        assert not await boxes.lease("m", "two", 60)
        await boxes.release("m", "two")
        assert not await boxes.lease("m", "two", 60)
        await boxes.release("m", "one")
        assert await boxes.lease("m", "two", 0.05)
        async with asyncio.timeout(5):
            while not await boxes.lease("m", "one", 60):
                await asyncio.sleep(0.01)
