"""Notices: unique, leased while they are sent, settled after the yes."""

from __future__ import annotations

import asyncio

import pytest

from daemon.clock import VirtualClock
from daemon.core.incident import Notice
from daemon.core.vocabulary import Priority, Reason, Role
from daemon.store import NoticeResult, NoticeRow, Store, opened
from tests.peers.stored import NOW, notice, noticed, registered

pytestmark = pytest.mark.asyncio
MINUTE = 60_000


async def _claimed(store: Store, now: int = NOW, limit: int = 100, lease: float = 300) -> list[NoticeRow]:
    return await store.transact(lambda tx: tx.claim_notices(now, limit, lease))


async def _settled(store: Store, *results: NoticeResult) -> None:
    await store.transact(lambda tx: tx.settle_notices(results))


async def test_a_notice_comes_back_as_it_was_written(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, notice(kept.id, reporter=True, data={"since": 1, "people": ["王芳"]}, due_at=NOW - 5))
        [row] = await _claimed(store)
        assert row.key == f"{kept.id}/ladder/1/support_lead/wang/sms"
        assert (row.reason, row.role, row.priority) == (Reason.LADDER, Role.SUPPORT_LEAD, Priority.P1)
        assert (row.person, row.name, row.channel, row.address) == ("wang", "王芳", "sms", "+8613800000000")
        assert (row.at, row.due_at, row.next_attempt_at, row.reporter) == (NOW, NOW - 5, NOW, True)
        assert (row.data, row.state, row.attempts, row.fallback_of) == (
            {"since": 1, "people": ["王芳"]},
            "pending",
            0,
            None,
        )
        listed = await store.notice(row.id)
        assert listed is not None
        assert (listed.key, listed.leased_by) == (row.key, store.node)


async def test_the_same_notice_is_written_once(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, notice(kept.id), notice(kept.id, at=NOW + 1), notice(kept.id, channel="email"))
        await noticed(store, notice(kept.id))
        assert len((await store.notices())[0]) == 2
        again = await store.transact(lambda tx: tx.add_notices([notice(kept.id), notice(kept.id, epoch="2")]))
        assert len(again) == 1


async def test_a_leased_notice_is_nobody_elses_until_its_lease_is_over(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, notice(kept.id))
        assert await store.has_due_notices(NOW)
        [row] = await _claimed(store, lease=30)
        assert await _claimed(store) == []
        # PostgreSQL counts on its own clock, SQLite on ours: a lease in the past is over on both
        await store.run("UPDATE outbox SET lease_until = $1", [(NOW - 1,)])
        [again] = await _claimed(store)
        assert again.id == row.id


async def test_only_what_is_due_is_claimed_and_the_longest_due_first(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        times = {"a": NOW, "b": NOW - MINUTE, "c": NOW + 1}
        await noticed(store, *(notice(kept.id, person=p, address=p, at=at) for p, at in times.items()))
        assert [r.person for r in await _claimed(store)] == ["b", "a"]
        assert not await store.has_due_notices(NOW)
        assert await store.has_due_notices(NOW + 1)


async def test_what_goes_to_one_address_at_one_instant_is_claimed_together(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        first, second = await registered(store, 2)
        reasons = (Reason.LADDER, Reason.LEVEL, Reason.RESPONSE_OVERDUE)
        together = [notice(first.id, reason=r) for r in reasons]
        others = [notice(first.id, address="+1", person="li"), notice(first.id, at=NOW + 1, epoch="9")]
        await noticed(store, *together, *others, notice(second.id))
        rows = await _claimed(store, now=NOW + 5, limit=1)
        assert {r.reason for r in rows} == set(reasons)
        assert len(await _claimed(store, now=NOW + 5)) == 3


async def test_two_dispatchers_never_claim_the_same_notice(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as one, opened(postgres_url, VirtualClock(NOW)) as two:
        [kept] = await registered(one)
        await noticed(one, *(notice(kept.id, person=str(n), address=str(n)) for n in range(60)))
        claims = await asyncio.gather(*(_claimed(s, limit=10) for _ in range(3) for s in (one, two)))
        ids = [r.id for rows in claims for r in rows]
        assert len(ids) == len(set(ids))
        rest = await _claimed(one)
        assert len(ids) + len(rest) == 60


async def test_a_sent_notice_is_kept_with_its_words_and_its_thread(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, notice(kept.id, channel="email"))
        [row] = await _claimed(store)
        await _settled(
            store,
            NoticeResult(
                row.id,
                "sent",
                1,
                remote_id="250 queued as 1",
                message_id="n@tocsin",
                subject="一级",
                text="x\x00",
                sent_at=NOW,
            ),
        )
        found = await store.notice(row.id)
        assert found is not None
        assert (found.state, found.attempts, found.remote_id, found.message_id) == (
            "sent",
            1,
            "250 queued as 1",
            "n@tocsin",
        )
        assert (found.subject, found.text, found.sent_at, found.lease_until) == ("一级", "x�", NOW, None)
        assert await store.transact(lambda tx: tx.threads(["n@tocsin"])) == {"n@tocsin": [kept.id]}
        assert await _claimed(store, now=NOW + MINUTE) == []


async def test_a_failed_attempt_is_tried_again_when_it_says(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, notice(kept.id))
        [row] = await _claimed(store)
        await _settled(store, NoticeResult(row.id, "pending", 1, NOW + MINUTE, error="451 busy"))
        assert await store.next_notice() == NOW + MINUTE
        assert await _claimed(store, now=NOW + MINUTE - 1) == []
        [again] = await _claimed(store, now=NOW + MINUTE)
        assert (again.attempts, again.error) == (1, "451 busy")


async def test_a_dropped_notice_stays_dropped_unless_it_was_sent_after_all(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, notice(kept.id), notice(kept.id, channel="email", address="w@x"))
        rows = await _claimed(store)
        ids = [r.id for r in rows]
        assert await store.transact(lambda tx: tx.drop_notices(ids)) == sorted(ids)
        await _settled(
            store, NoticeResult(ids[0], "pending", 1, NOW, error="busy"), NoticeResult(ids[1], "sent", 1, sent_at=NOW)
        )
        states = [n.state for i in ids if (n := await store.notice(i)) is not None]
        assert states == ["dropped", "sent"]


async def test_retry_and_drop_work_from_the_states_that_allow_them(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, *(notice(kept.id, person=p, address=p) for p in "abcd"))
        a, b, c, d = (r.id for r in await _claimed(store))
        await _settled(
            store,
            NoticeResult(a, "sent", 1, sent_at=NOW),
            NoticeResult(b, "failed", 3, error="550 no such user"),
            NoticeResult(c, "dropped", 0),
        )
        later = NOW + MINUTE
        assert await store.transact(lambda tx: tx.reset_notices([a, b, c, d], later)) == [b, c]
        assert {r.id for r in await _claimed(store, now=later)} == {b, c}
        assert await store.transact(lambda tx: tx.drop_notices([a, b, c, d])) == [b, c, d]
        assert [n.id for n in (await store.notices(state="sent"))[0]] == [a]


async def test_a_fallback_names_the_notice_that_failed(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        await noticed(store, notice(kept.id))
        [row] = await _claimed(store)
        other: Notice = notice(kept.id, channel="email", address="wang@example")
        [number] = await store.transact(lambda tx: tx.add_notices([other], fallback_of=row.id))
        found = await store.notice(number)
        assert found is not None
        assert (found.fallback_of, found.channel, found.state) == (row.id, "email", "pending")


async def test_the_caps_count_by_incident_address_subject_and_over_all(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        sent = [
            ("li@x", 1, "充值", NOW - 5 * MINUTE),
            ("LI@x", 2, "充值", NOW - 2 * 60 * MINUTE),
            ("li@x", 3, "other", NOW - 20 * 60 * MINUTE),
            ("li@x", 4, "充值", NOW - 25 * 60 * MINUTE),
            ("wu@x", 1, "充值", NOW - 30_000),
        ]
        for address, number, subject, at in sent:
            await store.transact(lambda tx, a=address, n=number, s=subject, t=at: tx.count_reply(a, n, s, t))
        found = await store.transact(lambda tx: tx.reply_counts("li@X", 1, "充值", NOW))
        assert (found.per_incident, found.last_10_min, found.last_day) == (2, 1, 3)
        assert (found.same_subject_3h, found.all_last_minute) == (2, 1)
        await store.transact(lambda tx: tx.count_reply("a@b", None, "", NOW + 31 * 24 * 60 * MINUTE))
        assert await store.fetch("SELECT count(*) FROM reply_counts") == [(1,)]
