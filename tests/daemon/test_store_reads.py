"""What people and gauges ask of the store."""

from __future__ import annotations

import asyncio

import pytest

from daemon.clock import VirtualClock
from daemon.core.incident import Change
from daemon.core.vocabulary import FaultLevel, Kind, Priority, Status
from daemon.store import Answer, InboxResult, NoticeResult, Store, Tx, opened
from tests.peers.stored import NOW, incident, notice, noticed, raw, registered

pytestmark = pytest.mark.asyncio


async def test_incidents_are_listed_newest_first_in_pages(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        made = await registered(store, 7)
        numbers, cursor = [], None
        for expected in (3, 3, 1):
            page, cursor = await store.incidents(limit=3, cursor=cursor)
            assert len(page) == expected
            numbers += [i.id for i in page]
        assert numbers == [i.id for i in reversed(made)]
        assert cursor is None


async def _various(store: Store) -> dict[str, int]:
    kinds = {
        "open fault": {
            "kind": Kind.FAULT,
            "fault_level": FaultLevel.RED,
            "priority": Priority.P1,
            "service": "billing",
        },
        "assigned": {
            "status": Status.ASSIGNED,
            "title": "Login 100%_broken",
            "reporter_address": "li@customer.example",
        },
        "closed": {"status": Status.CLOSED, "service": "billing", "registered_at": NOW - 86_400_000},
        "pending": {"status": Status.PENDING, "kind": Kind.COMPLAINT, "priority": Priority.P3, "title": "话费 Fehler"},
    }

    async def decide(tx: Tx) -> dict[str, int]:
        numbers = await tx.numbers(len(kinds))
        made = dict(zip(kinds, numbers, strict=True))
        await tx.apply([Change(incident(made[name], **fields), created=True) for name, fields in kinds.items()])
        return made

    return await store.transact(decide)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, {"open fault", "assigned", "closed", "pending"}),
        ({"status": ["registered", "assigned"]}, {"open fault", "assigned"}),
        ({"status": [Status.CLOSED, Status.PENDING]}, {"closed", "pending"}),
        ({"priority": [1, 3]}, {"open fault", "pending"}),
        ({"priority": [1], "status": ["closed"]}, set()),
        ({"kind": ["fault", "complaint"], "priority": [3]}, {"pending"}),
        ({"service": "billing"}, {"open fault", "closed"}),
        ({"service": "billing", "status": ["closed"]}, {"closed"}),
        ({"fault_level": ["red", "black"]}, {"open fault"}),
        ({"q": "login 100%_"}, {"assigned"}),
        ({"q": "话费"}, {"pending"}),
        ({"q": "LI@CUSTOMER"}, {"assigned"}),
        ({"q": "billing", "status": ["registered"]}, {"open fault"}),
        ({"q": "%"}, {"assigned"}),
        ({"since": NOW - 1000}, {"open fault", "assigned", "pending"}),
        ({"since": NOW + 1}, set()),
    ],
    ids=str,
)
async def test_a_filter_finds_what_it_says(database_url: str, asked: dict[str, object], names: set[str]) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        made = await _various(store)
        found, _ = await store.incidents(**asked)  # type: ignore[arg-type]
        assert {i.id for i in found} == {made[n] for n in names}


async def test_an_incident_is_found_by_its_number(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        made = await registered(store, 3)
        assert [i.id for i in (await store.incidents(q=f"inc-{made[1].id}"))[0]] == [made[1].id]
        assert await store.incident(10**15) is None


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1;DROP TABLE incidents", "9" * 30, "٣"])
async def test_a_cursor_that_is_none_is_said(cursor: str) -> None:
    async with opened("sqlite://:memory:", VirtualClock(NOW)) as store:
        for list_ in (store.incidents, store.inbox, store.notices):
            with pytest.raises(ValueError, match="cursor"):
                await list_(cursor=cursor)


async def test_due_incidents_come_the_longest_due_first_and_finished_ones_never(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        assert await store.next_due() is None
        first = await registered(store, 1, next_at=NOW + 20)
        second = await registered(store, 1, next_at=NOW + 10)
        await registered(store, 1, status=Status.CLOSED)
        assert await store.next_due() == NOW + 10
        assert await store.due(NOW + 9, 10) == []
        assert await store.due(NOW + 20, 10) == [second[0].id, first[0].id]
        assert await store.due(NOW + 20, 1) == [second[0].id]
        found = await store.transact(lambda tx: tx.due([first[0].id, second[0].id], NOW + 10))
        assert [i.id for i in found] == [second[0].id]


async def test_the_gauges_count_what_is_open(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        empty = await store.snapshot()
        assert (empty.inbox_pending, empty.inbox_oldest_at, empty.timers_armed, empty.next_due_at) == (0, None, 0, None)
        made = await _various(store)
        rows = [raw(store, received_at=NOW + n) for n in range(3)]
        await store.accept(rows)
        await store.transact(lambda tx: tx.apply([], results=[InboxResult(rows[0].id, "failed", "failed", "why")]))
        await registered(store, 2, kind=Kind.FAULT, next_at=NOW + 5)
        number = made["open fault"]
        await noticed(
            store,
            notice(number, at=NOW - 7),
            notice(number, person="li"),
            notice(number, channel="email", address="w@x"),
        )
        [sms, *_] = await store.transact(lambda tx: tx.claim_notices(NOW - 7, 1, 30))
        await store.transact(lambda tx: tx.settle_notices([NoticeResult(sms.id, "sent", 1, sent_at=NOW)]))
        found = await store.snapshot()
        assert (found.inbox_pending, found.inbox_oldest_at) == (2, NOW + 1)
        assert found.incidents_open == {
            (Kind.FAULT, Priority.P1, Status.REGISTERED): 1,
            (Kind.REQUEST, Priority.P4, Status.ASSIGNED): 1,
            (Kind.COMPLAINT, Priority.P3, Status.PENDING): 1,
            (Kind.FAULT, Priority.P4, Status.REGISTERED): 2,
        }
        assert found.faults_open == {FaultLevel.RED: 1, FaultLevel.NONE: 2}
        assert (found.outbox_pending, found.outbox_oldest_at) == ({"sms": 1, "email": 1}, {"sms": NOW, "email": NOW})
        assert (found.timers_armed, found.next_due_at) == (2, NOW + 5)


async def test_the_inbox_is_listed_by_outcome_and_state(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        rows = [raw(store) for _ in range(5)]
        await store.accept(rows)
        outcomes = ("registered", "registered,joined", "joined", "failed")
        results = [
            InboxResult(r.id, "failed" if o == "failed" else "done", o) for r, o in zip(rows, outcomes, strict=False)
        ]
        await store.transact(lambda tx: tx.apply([], results=results))

        async def listed(**asked: str) -> list[int]:
            return [rows.index(next(r for r in rows if r.id == i.id)) for i in (await store.inbox(**asked))[0]]  # type: ignore[arg-type]

        assert await listed() == [4, 3, 2, 1, 0]
        assert await listed(outcome="registered") == [1, 0]
        assert await listed(outcome="joined") == [2, 1]
        assert await listed(outcome="resolved") == []
        for outcome in (None, "joined"):
            assert all(row.size > 0 for row in (await store.inbox(outcome=outcome))[0])
        assert await listed(state="pending") == [4]
        assert await listed(state="failed") == [3]
        assert await listed(state="done", outcome="joined") == [2, 1]
        page, cursor = await store.inbox(limit=2)
        page, cursor = await store.inbox(limit=2, cursor=cursor)
        assert [i.id for i in page] == [rows[2].id, rows[1].id]
        assert await store.inbox_row(5) is None


async def test_the_timeline_goes_on_where_the_reader_stopped(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        first, second = await registered(store, 2)
        rows = await store.timeline_since(0, 10)
        assert [r.incident for r in rows] == [first.id, second.id]
        assert await store.timeline_since(rows[-1].id, 10) == []
        [third] = await registered(store)
        assert [r.incident for r in await store.timeline_since(rows[-1].id, 10)] == [third.id]
        assert len(await store.timeline_since(0, 2)) == 2
        assert await store.timeline(first.id, after=rows[0].id) == []


async def test_the_timeline_never_skips_a_line_that_commits_late(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as slow, opened(postgres_url, VirtualClock(NOW)) as quick:
        written, go_on = asyncio.Event(), asyncio.Event()

        async def decide(tx: Tx) -> None:
            change = Change(incident(900), created=True)
            change.log(NOW, "registered")
            await tx.apply([change])
            written.set()
            await go_on.wait()

        before = await registered(quick)
        late = asyncio.create_task(slow.transact(decide))
        await written.wait()
        after = await registered(quick)
        seen = await quick.timeline_since(0, 10)
        go_on.set()
        await late
        assert [r.incident for r in seen] == [before[0].id]
        assert [r.incident for r in await quick.timeline_since(0, 10)] == [before[0].id, 900, after[0].id]


async def test_open_incidents_of_a_service_are_found(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        made = await _various(store)
        assert await store.transact(lambda tx: tx.open_of("billing")) == [made["open fault"]]
        assert await store.transact(lambda tx: tx.open_of("billing", "request")) == []
        [seen] = await store.transact(lambda tx: tx.peek([made["open fault"], 10**9]))
        assert seen.service == "billing"


async def test_tokens_are_found_by_their_hash_until_they_are_revoked(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        made = await store.add_token("prometheus", "ingest", None, "ab" * 32)
        assert await store.token_by_hash("ab" * 32) == made
        assert await store.token_by_hash("cd" * 32) is None
        assert await store.tokens() == [made]
        assert await store.revoke_token("prometheus") == 1
        assert await store.revoke_token("prometheus") == 0
        found = await store.token_by_hash("ab" * 32)
        assert found is not None
        assert found.revoked_at == NOW


async def test_settings_are_kept(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        assert await store.setting("key") is None
        await store.put_setting("key", "one")
        await store.transact(lambda tx: tx.put_setting("key", "two"))
        assert await store.setting("key") == "two"
        assert await store.transact(lambda tx: tx.setting("key")) == "two"


async def test_an_answer_is_remembered_for_a_day(database_url: str) -> None:
    clock = VirtualClock(NOW)
    async with opened(database_url, clock) as store:
        answer = Answer("hash", 201, '{"number":"INC-1"}', NOW)
        await store.transact(lambda tx: tx.remember("wang", "key", answer))
        assert await store.transact(lambda tx: tx.answered("wang", "key", NOW)) == answer
        assert await store.transact(lambda tx: tx.answered("li", "key", NOW)) is None
        assert await store.transact(lambda tx: tx.answered("wang", "key", NOW + 86_400_000)) is None
        clock.move_to(NOW + 86_400_000)
        await store.prune()
        assert await store.fetch("SELECT count(*) FROM idempotency") == [(0,)]


PLANS = {
    "pending inbox": "SELECT id FROM inbox WHERE state = 'pending' ORDER BY id LIMIT 10",
    "due incidents": "SELECT id FROM incidents WHERE next_at <= 5 ORDER BY next_at LIMIT 10",
    "open incidents": "SELECT status, kind, priority, fault_level, count(*) FROM incidents WHERE status IN "
    "('registered', 'assigned', 'in_progress', 'pending') GROUP BY status, kind, priority, fault_level",
    "armed timers": "SELECT count(*), min(next_at) FROM incidents WHERE next_at IS NOT NULL",
    "due notices": "SELECT id FROM outbox WHERE state = 'pending' AND next_attempt_at <= 5 AND "
    "(lease_until IS NULL OR lease_until <= 5) ORDER BY next_attempt_at, id LIMIT 10",
    "pending notices": "SELECT channel, count(*), min(at) FROM outbox WHERE state = 'pending' GROUP BY channel",
    "timeline": "SELECT id FROM timeline WHERE incident = 1 AND id > 5 ORDER BY id LIMIT 10",
    "newest of a status": "SELECT id FROM incidents WHERE status = 'closed' ORDER BY id DESC LIMIT 10",
}


@pytest.mark.parametrize("name", PLANS)
async def test_no_standing_query_walks_the_history(name: str) -> None:
    async with opened("sqlite://:memory:", VirtualClock(NOW)) as store:
        plan = " ".join(str(row[3]) for row in await store.fetch("EXPLAIN QUERY PLAN " + PLANS[name]))
        assert "USING" in plan
        assert "INDEX" in plan
        assert "PRIMARY KEY" not in plan
        if name not in ("open incidents", "pending notices"):
            assert "TEMP B-TREE" not in plan
