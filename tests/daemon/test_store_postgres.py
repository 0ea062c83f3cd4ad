"""Several daemons on one PostgreSQL, and a PostgreSQL that goes away and comes back."""

from __future__ import annotations

import asyncio
import time

import pytest

from daemon.clock import SystemClock, VirtualClock
from daemon.core.incident import AlertKey, Change, Incident
from daemon.store import Conflict, Store, StoreError, Tx, opened
from tests.peers.postgres import Postgres
from tests.peers.stored import NOW, incident, raw, registered

pytestmark = pytest.mark.asyncio


async def test_two_daemons_register_one_alert_key_once(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as one, opened(postgres_url, VirtualClock(NOW)) as two:

        async def register(store: Store, newest: int) -> int:
            async def decide(tx: Tx) -> int:
                keys = ["k3", "k1", "k2"] if store is one else ["k2", "k3", "k1"]
                known = await tx.alert_keys(keys)
                if known:
                    assert known["k1"].incident is not None
                    return known["k1"].incident
                await asyncio.sleep(0.02)
                [number] = await tx.numbers(1)
                new = [AlertKey(k, number, newest, "firing") for k in keys]
                await tx.apply([Change(incident(number), created=True)], keys=new)
                return number

            return await store.transact(decide)

        found = await asyncio.gather(*(register(s, n) for n in range(4) for s in (one, two)))
        assert len(set(found)) == 1
        assert len((await one.incidents())[0]) == 1


async def test_two_daemons_share_the_inbox_and_the_timers(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as one, opened(postgres_url, VirtualClock(NOW)) as two:
        rows = [raw(one) for _ in range(4)]
        await one.accept(rows)
        made = await registered(one, 4, next_at=NOW)
        held, go_on = asyncio.Event(), asyncio.Event()

        async def hold(tx: Tx) -> None:
            assert await tx.claim_inbox([r.id for r in rows[:2]]) == {r.id for r in rows[:2]}
            assert len(await tx.due([i.id for i in made[:2]], NOW)) == 2
            held.set()
            await go_on.wait()

        first = asyncio.create_task(one.transact(hold))
        await held.wait()
        claimed = await two.transact(lambda tx: tx.claim_inbox([r.id for r in rows]))
        due = await two.transact(lambda tx: tx.due([i.id for i in made], NOW))
        go_on.set()
        await first
        assert claimed == {r.id for r in rows[2:]}
        assert [i.id for i in due] == [i.id for i in made[2:]]


async def test_an_incident_is_locked_until_its_writer_is_done(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as one, opened(postgres_url, VirtualClock(NOW)) as two:
        [kept] = await registered(one)

        async def add(store: Store) -> None:
            async def decide(tx: Tx) -> None:
                found = (await tx.incidents([kept.id]))[kept.id]
                found.notes += 1
                await asyncio.sleep(0.01)
                await tx.apply([Change(found)])

            await store.transact(decide)

        await asyncio.gather(*(add(s) for _ in range(5) for s in (one, two)))
        found = await one.incident(kept.id)
        assert found is not None
        assert (found.notes, found.version) == (10, 11)
        stale = Incident(**{f: getattr(kept, f) for f in kept.__dataclass_fields__})
        with pytest.raises(Conflict):
            await two.transact(lambda tx: tx.apply([Change(stale)]))


async def test_a_deadlock_is_run_again(postgres_url: str) -> None:
    async with opened(postgres_url, VirtualClock(NOW)) as one, opened(postgres_url, VirtualClock(NOW)) as two:
        first, second = await registered(one, 2)
        both = asyncio.Barrier(2)
        runs = 0

        async def crosswise(store: Store, ids: list[int]) -> None:
            met = False

            async def decide(tx: Tx) -> None:
                nonlocal met, runs
                runs += 1
                found = await tx.incidents(ids[:1])
                if not met:
                    met = True
                    await both.wait()
                found |= await tx.incidents(ids[1:])
                for i in found.values():
                    i.notes += 1
                await tx.apply([Change(i) for i in found.values()])

            await store.transact(decide)

        await asyncio.gather(crosswise(one, [first.id, second.id]), crosswise(two, [second.id, first.id]))
        assert runs == 3
        assert [i.notes for i in (await one.incidents())[0]] == [2, 2]


async def test_two_daemons_may_start_on_one_empty_database_at_once(postgres_url: str) -> None:
    async def start() -> int:
        async with opened(postgres_url, SystemClock()) as store:
            return (await registered(store))[0].id

    assert sorted(await asyncio.gather(*(start() for _ in range(3)))) == [1, 2, 3]


async def _until_good(store: Store) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            await store.accept([raw(store, b"after")])
            return
        except StoreError:
            assert time.monotonic() < deadline, "the store did not come back"
            await asyncio.sleep(0.05)


async def test_a_postgres_that_is_killed_is_said_and_works_again_when_it_is_back(
    postgres_server: Postgres, postgres_url: str
) -> None:
    async with opened(postgres_url, SystemClock()) as store:
        await store.accept([raw(store, b"before")])
        assert len(await store.pending(10)) == 1
        postgres_server.kill()
        try:
            for _ in range(3):
                with pytest.raises(StoreError):
                    await asyncio.wait_for(store.accept([raw(store, b"lost")]), 5)
                with pytest.raises(StoreError):
                    await asyncio.wait_for(store.transact(lambda tx: tx.numbers(1)), 5)
                with pytest.raises(StoreError):
                    await asyncio.wait_for(store.pending(10), 5)
                with pytest.raises(StoreError):
                    await asyncio.wait_for(store.notices(), 5)
                with pytest.raises(StoreError):
                    await asyncio.wait_for(store.snapshot(), 5)
        finally:
            postgres_server.start()
        await _until_good(store)
        assert [r.body for r in await store.pending(10)] == [b"before", b"after"]
        assert (await store.notices()) == ([], None)
        assert (await store.snapshot()).inbox_pending == 2
        assert len(await registered(store)) == 1
        assert not store.died.done()


async def test_a_connection_that_is_cut_inside_a_transaction_is_an_error_of_its_caller_only(
    postgres_server: Postgres, postgres_url: str
) -> None:
    async with opened(postgres_url, SystemClock()) as store:

        async def decide(tx: Tx) -> None:
            await tx.apply([Change(incident(500), created=True)])
            [(pid,)] = await tx.fetch("SELECT pg_backend_pid()")
            postgres_server.sql(f"SELECT pg_terminate_backend({pid})")
            await tx.apply([Change(incident(501), created=True)])

        with pytest.raises(StoreError):
            await store.transact(decide)
        assert await store.incidents() == ([], None)
        await _until_good(store)
