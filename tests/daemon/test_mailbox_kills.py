"""A server that dies at the worst moment: afterwards each mail is in the inbox once, and flagged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.mailbox_room import QUICK, box_of, room, until_seen
from tests.peers import dovecot
from tests.peers.dovecot import Dovecot, letter

pytestmark = pytest.mark.asyncio


@pytest.fixture
def server() -> Iterator[Dovecot]:
    if reason := dovecot.missing():
        pytest.skip(reason)
    with dovecot.running() as server:
        yield server


async def test_killed_in_one_fetch_after_the_other(server: Dovecot, tmp_path: Path) -> None:
    server.fill([letter(n, 8000) for n in range(1200)])
    async with room(tmp_path, box_of(server), limits=replace(QUICK, window_mails=30)) as one:
        for n in range(5):
            async with asyncio.timeout(60):  # a server whose sessions die makes the next ones wait
                while await one.count() < n * 100 + 20:
                    await asyncio.sleep(0.002)
            await asyncio.to_thread(server.kill_sessions)
        found = await one.until_mails(1200, 60)
        assert len({r.body for r in found}) == 1200
        assert one.seen.failures["connection"] >= 3
        await until_seen(server, "support", 1200)


async def test_the_whole_server_killed_while_we_idle_and_started_again(server: Dovecot, tmp_path: Path) -> None:
    server.append(letter(1))
    async with room(tmp_path, box_of(server, poll=60)) as one:
        await one.until_mails(1)
        await one.looks(0)
        await asyncio.to_thread(server.kill)
        await one.until(lambda: one.seen.failures["connection"] >= 2)
        await asyncio.to_thread(server.start)
        server.append(letter(2))
        await one.until_mails(2)
        await until_seen(server, "support", 2)


async def test_killed_between_our_commit_and_our_flag(server: Dovecot, tmp_path: Path) -> None:
    server.append(*(letter(n) for n in range(20)))
    kills = []

    def kill() -> None:
        if len(kills) < 2:
            kills.append(server.kill_sessions())

    async with room(tmp_path, box_of(server), limits=replace(QUICK, window_mails=8), after_accept=kill) as one:
        found = await one.until_mails(20)
        assert len({r.body for r in found}) == 20
        await until_seen(server, "support", 20)
        await one.looks()
        assert len(await one.mails()) == 20
    assert kills == [1, 1]


async def test_we_are_killed_between_our_commit_and_our_move(server: Dovecot, tmp_path: Path) -> None:
    """What the next start finds: mails that are ours, their moves still to be done."""
    server.append(*(letter(n) for n in range(10)))
    box = box_of(server, after="move:Processed")
    async with room(tmp_path, box, after_accept=server.kill) as one:
        await one.until_mails(10)
    await asyncio.to_thread(server.start)
    assert len(server.flags()) == 10
    async with room(tmp_path, box) as again:
        await again.looks()
        assert len(await again.mails()) == 10
        assert (await again.open_work())[0] == []
    assert server.flags() == {}
    assert len(server.flags(folder="Processed")) == 10


async def test_a_server_that_freezes_is_left_and_found_again(server: Dovecot, tmp_path: Path) -> None:
    async with room(tmp_path, box_of(server), limits=replace(QUICK, read_timeout=1.0)) as one:
        await one.looks(1)
        await asyncio.to_thread(server.freeze_sessions)
        await one.until(lambda: one.seen.failures["connection"] >= 1)
        server.append(letter(1))
        await one.until_mails(1)
