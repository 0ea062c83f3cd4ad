"""The mailbox door against a real Dovecot: each mail once, flagged only when it is ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.mailbox_room import QUICK, box_of, room, subject_of
from tests.peers import dovecot
from tests.peers.dovecot import Dovecot, letter

pytestmark = pytest.mark.asyncio
SEEN = {b"\\Seen"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Dovecot]:
    if reason := dovecot.missing():
        pytest.skip(reason)
    with dovecot.running() as server:
        yield server


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A mailbox of this test's own."""
    return f"u{abs(hash(request.node.name)) % 10**12}"


async def test_what_is_there_and_what_comes_is_taken_once_and_marked_as_seen(
    shared: Dovecot, user: str, tmp_path: Path
) -> None:
    shared.append(letter(1), letter(2), user=user)
    async with room(tmp_path, box_of(shared, username=user, poll=60)) as one:
        found = await one.until_mails(2)
        assert [(r.source, r.entry, r.parser) for r in found] == [("email", "support", "customer_mail")] * 2
        assert found[0].body == letter(1)
        await one.until(lambda: one.seen.polls == 1)
        shared.append(letter(3), user=user)
        await one.until_mails(3, 5)
        await one.until(lambda: set(map(frozenset, shared.flags(user).values())) == {frozenset(SEEN)})
    async with room(tmp_path, box_of(shared, username=user)) as again:
        await again.looks()
        assert len(await again.mails()) == 3
