"""The store's promises about writing, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from daemon.clock import VirtualClock
from daemon.core.incident import AlertKey, Change, Incident
from daemon.core.vocabulary import Reason, Status
from daemon.store import Conflict, InboxResult, ReportResult, Tx, Unstorable, opened
from tests.peers.stored import NOW, incident, notice, noticed, raw, registered

pytestmark = pytest.mark.asyncio


async def test_what_was_accepted_is_pending_as_it_came_in(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        first = raw(
            store,
            b"\x00\xff{}",
            content_type="application/json",
            headers={"user-agent": "Alertmanager/0.25", "x-中文": "值"},
            query={"a": "b"},
            path="/webhooks/prometheus",
            mail_from="li@customer.example",
            recipient="support@example",
        )
        second = raw(store, b"")
        await store.accept([first, second])
        assert await store.pending(10) == [first, second]
        assert await store.pending(1) == [first]
        assert store.inbox_waker.is_set()


async def test_what_was_accepted_is_still_there_after_a_restart(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        kept = raw(store, b"kept")
        await store.accept([kept])
    async with opened(database_url, VirtualClock(NOW)) as store:
        assert await store.pending(10) == [kept]
        assert store.new_id() != kept.id


async def test_many_doors_at_once_are_committed_in_groups(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        raws = [raw(store, str(n).encode()) for n in range(1300)]
        await asyncio.gather(*(store.accept([r]) for r in raws))
        assert [r.id for r in await store.pending(2000)] == sorted(r.id for r in raws)


async def test_a_poison_row_fails_alone_and_the_rest_of_its_group_is_kept(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        taken = raw(store, b"first")
        await store.accept([taken])
        good = [raw(store, b"good") for _ in range(5)]
        jobs = [store.accept([r]) for r in (*good[:3], raw(store, b"same id", id=taken.id), *good[3:])]
        answers = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(a) for a in answers if a is not None] == [Unstorable]
        assert isinstance(answers[3], Unstorable)
        assert await store.pending(10) == [taken, *good]


async def test_the_rows_of_one_accept_are_kept_or_refused_together(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        taken = raw(store, b"first")
        await store.accept([taken])
        with pytest.raises(Unstorable):
            await store.accept([raw(store, b"good"), raw(store, b"same id", id=taken.id)])
        assert await store.pending(10) == [taken]


async def test_an_unparsable_body_is_set_aside_with_its_reason(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        odd = raw(store, b"<html>")
        await store.accept([odd], unparsable="no JSON at character 0")
        assert await store.pending(10) == []
        [row], _ = await store.inbox(state="failed")
        assert (row.id, row.outcome, row.error) == (odd.id, "unparsable", "no JSON at character 0")
        kept = await store.inbox_row(odd.id)
        assert kept is not None
        assert kept.raw == odd


async def test_texts_with_nul_and_lone_surrogates_are_cleaned_and_bodies_are_not(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        dirty = raw(store, b"a\x00b", headers={"subject": "a\x00\ud800"}, mail_from="a\x00@b")
        await store.accept([dirty])
        [kept] = await store.pending(1)
        assert (kept.body, kept.headers, kept.mail_from) == (b"a\x00b", {"subject": "a��"}, "a�@b")

        async def decide(tx: Tx) -> None:
            change = Change(incident(1, title="a\x00b\udfff", text="c\ud83d"), created=True)
            change.log(NOW, "note", text="d\x00\ud800")
            change.notices.append(notice(1, name="e\x00", data={"f": "\udc00"}))
            await tx.apply([change], keys=[AlertKey("k\x00", 1, 1, "firing")], messages=[("m\x00@x", 1)])

        await store.transact(decide)
        found = await store.incident(1)
        assert found is not None
        assert (found.title, found.text) == ("a�b�", "c�")
        [row] = await store.timeline(1)
        assert row.data == {"text": "d��"}
        [told], _ = await store.notices()
        assert (told.name, told.data) == ("e�", {"f": "�"})


async def test_an_exception_in_a_transaction_leaves_nothing(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:

        async def decide(tx: Tx) -> None:
            [number] = await tx.numbers(1)
            change = Change(incident(number, next_at=NOW), created=True, notices=[notice(number)])
            change.log(NOW, "registered")
            await tx.apply([change], keys=[AlertKey("k", number, 1, "firing")], messages=[("m@x", number)])
            raise LookupError("a rule that does not work")

        with pytest.raises(LookupError, match="does not work"):
            await store.transact(decide)
        assert await store.incidents() == ([], None)
        assert await store.timeline_since(0, 10) == []
        assert await store.notices() == ([], None)
        assert await store.transact(lambda tx: tx.alert_keys(["k"])) == {}
        assert not store.timer_waker.is_set()
        assert not store.outbox_waker.is_set()
        assert [i.title for i in await registered(store)] != []


async def test_one_apply_writes_all_that_was_decided(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        arrived = raw(store)
        await store.accept([arrived])

        async def decide(tx: Tx) -> Incident:
            assert await tx.claim_inbox([arrived.id]) == {arrived.id}
            [number] = await tx.numbers(1)
            change = Change(incident(number, next_at=NOW + 1), created=True, notices=[notice(number)])
            change.log(NOW, "registered", title="x")
            change.log(NOW, "graded", priority=1)
            await tx.apply(
                [change],
                keys=[AlertKey("prometheus/abc", number, arrived.id, "firing")],
                results=[
                    InboxResult(
                        arrived.id,
                        "done",
                        "registered,unchanged",
                        reports=[
                            ReportResult(0, "registered", number, "prometheus/abc"),
                            ReportResult(1, "unchanged"),
                        ],
                    )
                ],
                messages=[("a@b", number), ("a@b", number), ("c@d", number)],
            )
            return change.incident

        made = await store.transact(decide)
        assert await store.incident(made.id) == made
        assert [(r.event, r.data) for r in await store.timeline(made.id)] == [
            ("registered", {"title": "x"}),
            ("graded", {"priority": 1}),
        ]
        assert [n.key for n in (await store.notices(incident=made.id))[0]] == [notice(made.id).key]
        keys = await store.transact(lambda tx: tx.alert_keys(["prometheus/abc", "other"]))
        assert keys == {"prometheus/abc": AlertKey("prometheus/abc", made.id, arrived.id, "firing")}
        assert await store.transact(lambda tx: tx.keys_of([made.id])) == {made.id: list(keys.values())}
        assert await store.transact(lambda tx: tx.threads(["a@b", "c@d", "e@f", ""])) == {
            "a@b": [made.id],
            "c@d": [made.id],
        }
        row = await store.inbox_row(arrived.id)
        assert row is not None
        assert (row.state, row.attempts, [r.outcome for r in row.reports]) == ("done", 1, ["registered", "unchanged"])
        assert await store.pending(10) == []
        assert await store.next_due() == NOW + 1
        assert store.timer_waker.is_set()
        assert store.outbox_waker.is_set()


async def test_several_changes_of_one_incident_are_one_row_with_all_their_lines(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)

        async def decide(tx: Tx) -> None:
            found = (await tx.incidents([kept.id]))[kept.id]
            first, second, third = Change(found.copy()), Change(found.copy()), Change(found, touched=False)
            first.log(NOW, "joined")
            second.log(NOW, "joined")
            second.incident.title = "second"
            third.log(NOW, "note")
            third.incident.title = "never written"
            await tx.apply([first, second, third])

        await store.transact(decide)
        found = await store.incident(kept.id)
        assert found is not None
        assert (found.title, found.version) == ("second", 2)
        assert len(await store.timeline(kept.id)) == 4


async def test_an_untouched_change_adds_its_lines_and_leaves_the_row(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)

        async def decide(tx: Tx) -> None:
            stale = incident(kept.id, title="stale")
            change = Change(stale, touched=False, notices=[notice(kept.id)])
            change.log(NOW, "notification")
            await tx.apply([change])

        await store.transact(decide)
        assert await store.incident(kept.id) == kept
        assert len(await store.timeline(kept.id)) == 2
        assert len((await store.notices())[0]) == 1


async def test_a_stale_incident_is_a_conflict_and_nothing_of_its_plan_is_written(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)
        stale = kept.copy()

        async def write(i: Incident) -> None:
            async def decide(tx: Tx) -> None:
                change = Change(i)
                change.log(NOW, "note")
                await tx.apply([change], messages=[("m@x", i.id)])

            await store.transact(decide)

        await write(kept)
        assert kept.version == 2
        with pytest.raises(Conflict, match=f"INC-{kept.id}") as caught:
            await write(stale)
        assert caught.value.incidents == [kept.id]
        assert stale.version == 1
        assert len(await store.timeline(kept.id)) == 2
        await write(kept)
        with pytest.raises(Conflict):
            await write(incident(4711, version=3))


async def test_versions_go_back_with_the_transaction(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        [kept] = await registered(store)

        async def decide(tx: Tx) -> None:
            await tx.apply([Change(kept)])
            kept.status = Status.ASSIGNED
            await tx.apply([Change(kept)])
            assert kept.version == 3
            raise LookupError

        with pytest.raises(LookupError):
            await store.transact(decide)
        assert kept.version == 1


async def test_numbers_rise_without_gaps_on_sqlite_even_after_a_rollback(tmp_path: Path) -> None:
    async with opened(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)) as store:

        async def fails(tx: Tx) -> None:
            await tx.apply([Change(incident(n), created=True) for n in await tx.numbers(3)])
            raise LookupError

        with pytest.raises(LookupError):
            await store.transact(fails)
        assert [i.id for i in await registered(store, 2)] == [1, 2]
        assert [i.id for i in await registered(store, 2)] == [3, 4]


async def test_an_older_signal_never_overrides_a_newer_one(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        for newest, state in ((7, "resolved"), (5, "firing")):
            key = AlertKey("k", 1, newest, state)
            await store.transact(lambda tx, key=key: tx.apply([], keys=[key]))
        [kept] = (await store.transact(lambda tx: tx.alert_keys(["k"]))).values()
        assert (kept.newest, kept.state) == (7, "resolved")


async def test_keys_too_long_for_an_index_are_found_again(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        long = "键" * 4000
        await store.transact(lambda tx: tx.apply([], keys=[AlertKey(long, 1, 7, "firing")], messages=[(long, 1)]))
        assert await store.transact(lambda tx: tx.alert_keys([long])) == {long: AlertKey(long, 1, 7, "firing")}
        assert await store.transact(lambda tx: tx.threads([long])) == {long: [1]}


async def test_replaying_an_inbox_row_replaces_what_became_of_its_reports(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        arrived = raw(store)
        await store.accept([arrived])

        async def process(outcome: str) -> None:
            result = InboxResult(arrived.id, "done", outcome, reports=[ReportResult(0, outcome, 1)])
            await store.transact(lambda tx: tx.apply([], results=[result]))

        await process("registered")
        assert await store.transact(lambda tx: tx.reset_inbox([arrived.id, 5])) == [arrived.id]
        assert await store.transact(lambda tx: tx.reset_inbox([arrived.id])) == []
        assert await store.pending(10) == [arrived]
        await process("joined")
        row = await store.inbox_row(arrived.id)
        assert row is not None
        assert (row.outcome, row.attempts, [r.outcome for r in row.reports]) == ("joined", 2, ["joined"])


async def test_stopping_an_incidents_notices_drops_its_unsent_escalations_only(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        first, second = await registered(store, 2)
        await noticed(store, notice(first.id), notice(first.id, reason=Reason.REGISTERED), notice(second.id))

        async def decide(tx: Tx) -> None:
            found = await tx.incidents([first.id])
            later = notice(first.id, reason=Reason.BY_HAND)
            await tx.apply([Change(found[first.id], stop_notices=True, notices=[later])])

        await store.transact(decide)
        rows, _ = await store.notices()
        assert {(n.incident_id, n.reason): n.state for n in rows} == {
            (first.id, Reason.LADDER): "dropped",
            (first.id, Reason.REGISTERED): "pending",
            (first.id, Reason.BY_HAND): "pending",
            (second.id, Reason.LADDER): "pending",
        }
