"""The one task that writes: its order, its callers, its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from daemon.clock import VirtualClock
from daemon.core.incident import Change
from daemon.store import StoreError, Tx, opened
from tests.peers.stored import NOW, incident, raw

pytestmark = pytest.mark.asyncio


async def test_a_cancelled_caller_stops_neither_its_transaction_nor_the_owner(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def decide(tx: Tx) -> None:
            begun.set()
            await go_on.wait()
            await tx.apply([Change(incident(4711), created=True)])

        caller = asyncio.create_task(store.transact(decide))
        await begun.wait()
        door = asyncio.create_task(store.accept([raw(store)]))
        for task in (caller, door):
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        go_on.set()
        await store.accept([raw(store)])
        assert await store.incident(4711) is not None
        assert len(await store.pending(10)) == 2
        assert not store.died.done()


async def test_the_timer_goes_before_arrivals_and_arrivals_before_the_rest(tmp_path: Path) -> None:
    async with opened(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)) as store:
        done: list[str] = []
        go_on = asyncio.Event()

        async def named(name: str, urgent: bool) -> None:
            async def decide(tx: Tx) -> None:
                done.append(name)

            await store.transact(decide, urgent)

        async def accepted() -> None:
            await store.accept([raw(store)])
            done.append("arrival")

        blocked = asyncio.create_task(store.transact(lambda tx: go_on.wait()))
        await asyncio.sleep(0)
        jobs = [asyncio.create_task(j) for j in (named("intake", False), accepted(), named("timer", True))]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(blocked, *jobs)
        assert done == ["timer", "arrival", "intake"] or done == ["timer", "intake", "arrival"]


async def test_what_was_submitted_before_the_end_is_done_and_later_calls_are_refused(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        jobs = [asyncio.create_task(store.accept([raw(store)])) for _ in range(5)]
        await asyncio.sleep(0)
    await asyncio.gather(*jobs)
    with pytest.raises(StoreError, match="closed"):
        await store.transact(lambda tx: tx.numbers(1))
    async with opened(database_url, VirtualClock(NOW)) as store:
        assert len(await store.pending(10)) == 5


async def test_a_defect_of_the_owner_is_told_and_nobody_waits_for_ever(tmp_path: Path) -> None:
    async with opened(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)) as store:
        store.inbox_waker = None  # type: ignore[assignment]
        store._owner._wakers.inbox = None  # type: ignore[assignment]
        answers = await asyncio.gather(
            store.accept([raw(store)]), store.transact(lambda tx: tx.numbers(1)), return_exceptions=True
        )
        assert isinstance(answers[1], StoreError)
        with pytest.raises(AttributeError):
            await store.died


async def test_ids_rise_when_the_clock_stands_still_or_goes_back() -> None:
    clock = VirtualClock(NOW)
    async with opened("sqlite://:memory:", clock) as store:
        ids = [store.new_id() for _ in range(10_000)]
        clock._now -= 60_000
        ids += [store.new_id() for _ in range(10)]
        assert ids == sorted(set(ids))
        assert ids[0] == NOW << 20
        assert max(ids) < 1 << 63
