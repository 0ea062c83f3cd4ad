"""Heartbeats: what does not come is told once, what comes again ends it, and a restart is nobody's fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from daemon.clock import VirtualClock
from daemon.core.heartbeats import Beat, excused_until, is_missed
from daemon.doors.heartbeats import Heartbeat, HeartbeatDoor
from daemon.store import Heartbeats, Store, StoreError, opened
from tests.peers.stored import NOW

BACKUP = Heartbeat("backup", every=60, grace=10, token="secret")


class Gauge:
    def __init__(self) -> None:
        self.missed: dict[str, bool] = {}

    def heartbeat(self, name: str, is_missed: bool) -> None:
        self.missed[name] = is_missed


def door_of(store: Store, clock: VirtualClock, gauge: Gauge) -> HeartbeatDoor:
    return HeartbeatDoor(
        beats=Heartbeats(store),
        new_id=store.new_id,
        clock=clock,
        metrics=gauge,
        trouble=StoreError,
        heartbeats=[BACKUP, Heartbeat("open", 3600, 0)],
    )


@asynccontextmanager
async def house(url: str, clock: VirtualClock) -> AsyncIterator[tuple[Store, HeartbeatDoor, TestClient, Gauge]]:
    async with opened(url, clock) as store:
        gauge = Gauge()
        door = door_of(store, clock, gauge)
        app = web.Application()
        door.add_to(app)
        async with TestClient(TestServer(app)) as client:
            yield store, door, client, gauge


async def states(store: Store) -> list[tuple[str, str]]:
    found = [orjson.loads(raw.body) for raw in await store.pending(100)]
    return [(one["heartbeat"], one["state"]) for one in found]


@pytest.mark.asyncio
async def test_a_missed_heartbeat_is_told_once_and_the_next_one_ends_it(database_url: str) -> None:
    clock = VirtualClock(NOW)
    async with house(database_url, clock) as (store, door, client, gauge):
        await door.step()
        clock.move_to(NOW + 60_000)
        answer = await client.post("/heartbeats/backup", headers={"Authorization": "Bearer secret"})
        assert (answer.status, await answer.json()) == (200, {"heartbeat": "backup"})
        clock.move_to(NOW + 130_000)
        assert await door.step() == []
        assert gauge.missed == {"backup": False, "open": False}
        clock.move_to(NOW + 130_001)
        assert await door.step() == ["backup"]
        clock.move_to(NOW + 500_000)
        assert await door.step() == []
        assert gauge.missed["backup"]
        for _ in range(2):
            assert (await client.get("/heartbeats/backup?token=secret")).status == 200
        assert not gauge.missed["backup"]
        assert await states(store) == [("backup", "missed"), ("backup", "back")]
        [first, _] = await store.pending(100)
        assert (first.source, first.entry, first.parser) == ("webhook", "backup", "heartbeat")


@pytest.mark.asyncio
async def test_a_heartbeat_has_its_own_token(tmp_path: Path) -> None:
    async with house(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)) as (_, _, client, _):
        assert (await client.post("/heartbeats/backup")).status == 401
        assert (await client.post("/heartbeats/backup", headers={"X-Tocsin-Token": "wrong"})).status == 401
        assert (await client.post("/heartbeats/open")).status == 200
        assert (await client.post("/heartbeats/nobody")).status == 404
        assert (await client.delete("/heartbeats/open")).status == 405


@pytest.mark.asyncio
async def test_a_missed_heartbeat_is_remembered_over_a_restart(database_url: str) -> None:
    clock = VirtualClock(NOW)
    async with house(database_url, clock) as (_, door, _, _):
        await door.step()
        clock.move_to(NOW + 80_000)
        assert await door.step() == ["backup"]
    clock.move_to(NOW + 90_000)
    async with house(database_url, clock) as (store, door, client, gauge):
        assert await door.step() == []
        assert gauge.missed["backup"]
        await client.post("/heartbeats/backup?token=secret")
        assert await states(store) == [("backup", "missed"), ("backup", "back")]


@pytest.mark.asyncio
async def test_who_was_to_beat_while_nobody_listened_is_waited_for_once_more(tmp_path: Path) -> None:
    clock = VirtualClock(NOW)
    url = f"sqlite://{tmp_path}/t.db"
    async with house(url, clock) as (_, door, _, _):
        await door.step()
    clock.move_to(NOW + 900_000)
    async with house(url, clock) as (_, door, _, _):
        assert await door.step() == []
        clock.move_to(NOW + 900_000 + 70_000)
        assert await door.step() == []
        clock.move_to(NOW + 900_000 + 70_001)
        assert await door.step() == ["backup"]


@pytest.mark.asyncio
async def test_two_daemons_tell_of_a_missed_heartbeat_once(postgres_url: str) -> None:
    clock = VirtualClock(NOW)
    async with house(postgres_url, clock) as (store, one, _, _), opened(postgres_url, clock) as second:
        two = door_of(second, clock, Gauge())
        await one.step()
        await two.step()
        clock.move_to(NOW + 80_000)
        assert sorted([await one.step(), await two.step()]) == [[], ["backup"]]
        assert await states(store) == [("backup", "missed")]


@pytest.mark.parametrize(
    ("beat", "deaf_from", "now", "until", "why"),
    [
        (Beat("b", 0), 40_000, 100_000, 170_000, "its beat was to come while nobody listened"),
        (Beat("b", 0), 40_000, 65_000, 135_000, "the same, and its grace is not over"),
        (Beat("b", 0), 40_000, 55_000, 0, "it was not to come yet"),
        (Beat("b", 0), 80_000, 100_000, 0, "it was missed before, while somebody listened"),
        (Beat("b", 0, 0, 75_000), 80_000, 100_000, 0, "it is missed already"),
    ],
)
def test_what_a_deaf_time_excuses(beat: Beat, deaf_from: int, now: int, until: int, why: str) -> None:
    assert excused_until(beat, 60, 10, deaf_from, now) == until, why


def test_it_is_missed_after_every_and_grace_and_not_before() -> None:
    assert [is_missed(Beat("b", 1000), 60, 10, now) for now in (71_000, 71_001)] == [False, True]
