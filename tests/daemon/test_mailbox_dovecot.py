"""The mailbox door against a real Dovecot: each mail once, flagged only when it is ours."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.mailboxes import Place, Receipt
from daemon.doors.mailbox_parts import Password
from tests.daemon.mailbox_room import QUICK, SEEN, box_of, room, until_seen
from tests.peers import dovecot
from tests.peers.dovecot import Dovecot, letter

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def shared() -> Iterator[Dovecot]:
    if reason := dovecot.missing():
        pytest.skip(reason)
    with dovecot.running() as server:
        yield server


@pytest.fixture(scope="module")
def plain() -> Iterator[Dovecot]:
    """Without IDLE, MOVE and UIDPLUS."""
    if reason := dovecot.missing():
        pytest.skip(reason)
    with dovecot.running(extra="imap_capability = IMAP4rev1 ID ENABLE LITERAL+ NAMESPACE") as server:
        yield server


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    """A mailbox of this test's own."""
    return f"u{zlib.crc32(request.node.name.encode())}"


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
        await until_seen(shared, user, 3)
    async with room(tmp_path, box_of(shared, username=user)) as again:
        await again.looks()
        assert len(await again.mails()) == 3


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_tls_with_an_authority_of_our_own(shared: Dovecot, user: str, tmp_path: Path, tls: str) -> None:
    shared.append(letter(1), user=user)
    port = shared.tls_port if tls == "implicit" else shared.port
    box = box_of(shared, username=user, tls=tls, port=port, ca_file=shared.ca)
    async with room(tmp_path, box) as one:
        await one.until_mails(1)
        shared.append(letter(2), user=user)
        await one.until_mails(2)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_a_certificate_of_a_strange_authority_is_refused_before_the_password_is_sent(
    shared: Dovecot, user: str, tmp_path: Path, tls: str
) -> None:
    port = shared.tls_port if tls == "implicit" else shared.port
    async with room(tmp_path, box_of(shared, username=user, tls=tls, port=port)) as one:
        await one.until(lambda: one.seen.failures["connection"] >= 2)
    assert f"user=<{user}>" not in shared.log


async def test_without_idle_the_mailbox_is_polled(plain: Dovecot, user: str, tmp_path: Path) -> None:
    async with room(tmp_path, box_of(plain, username=user)) as one:
        await one.looks(1)
        plain.append(letter(1), user=user)
        await one.until_mails(1)
        await until_seen(plain, user, 1)


async def test_the_first_run_starts_from_now(shared: Dovecot, user: str, tmp_path: Path) -> None:
    shared.append(letter(1), letter(2), user=user)
    async with room(tmp_path, box_of(shared, username=user, history="now")) as one:
        await one.looks(1)
        shared.append(letter(3), user=user)
        found = await one.until_mails(1)
        assert found[0].body == letter(3)
        await one.looks()
    assert list(shared.flags(user).values()) == [set(), set(), SEEN]


async def test_history_can_be_taken_since_a_date_and_later_as_a_whole(
    shared: Dovecot, user: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    with shared.client(user) as person:
        for number, days in ((1, 400), (2, 20), (3, 0)):
            person.append("INBOX", letter(number), msg_time=now - timedelta(days=days))
    since = (now - timedelta(days=30)).date()
    async with room(tmp_path, box_of(shared, username=user, history=since)) as one:
        assert [r.body for r in await one.until_mails(2)] == [letter(2), letter(3)]
        await one.looks()
        assert len(await one.mails()) == 2
    async with room(tmp_path, box_of(shared, username=user)) as one:
        found = await one.until_mails(3)
        assert found[2].body == letter(1)
        assert found[2].headers["x-internaldate"][:4] in (str(now.year - 1), str(now.year - 2))


async def test_mail_that_a_person_read_before_us_is_taken(shared: Dovecot, user: str, tmp_path: Path) -> None:
    shared.append(letter(1), letter(2), user=user)
    with shared.client(user) as person:
        person.select_folder("INBOX")
        person.add_flags([1], [b"\\Seen", b"\\Answered"])
    async with room(tmp_path, box_of(shared, username=user)) as one:
        await one.until_mails(2)
        await one.looks()
    assert shared.flags(user) == {1: {b"\\Seen", b"\\Answered"}, 2: SEEN}


@pytest.mark.parametrize("how", ["deleted", "moved"])
async def test_mail_that_a_person_takes_away_between_our_commit_and_our_flag_needs_nothing_more(
    shared: Dovecot, user: str, tmp_path: Path, how: str
) -> None:
    def take_away() -> None:
        with shared.client(user) as person:
            person.select_folder("INBOX")
            if how == "moved":
                person.create_folder("Mine")
                person.move([2], "Mine")
            else:
                person.add_flags([2], [b"\\Deleted"])
                person.uid_expunge([2])

    shared.append(letter(1), letter(2), letter(3), user=user)
    async with room(tmp_path, box_of(shared, username=user), after_accept=take_away) as one:
        await one.until_mails(3)
        await one.looks()
        actions, retries = await one.open_work()
        assert (actions, retries) == ([], [])
        assert not one.seen.failures
    assert shared.flags(user) == {1: SEEN, 3: SEEN}


@pytest.mark.parametrize("plus", [True, False], ids=["MOVE", "COPY"])
async def test_mail_is_moved_into_a_folder_that_is_made_for_it(
    shared: Dovecot, plain: Dovecot, user: str, tmp_path: Path, plus: bool
) -> None:
    server = shared if plus else plain
    server.append(letter(1), letter(2), user=user)
    async with room(tmp_path, box_of(server, username=user, after="move:已处理/tocsin")) as one:
        await one.until_mails(2)
        await one.looks()
        server.append(letter(3), user=user)
        await one.until_mails(3)
        await one.looks()
        assert (await one.open_work())[0] == []
    assert len(server.flags(user, "已处理/tocsin")) == 3
    # Without UIDPLUS nothing is expunged: what others deleted would go with it.
    assert list(server.flags(user).values()) == ([] if plus else [{b"\\Deleted"}] * 3)


async def test_mail_is_deleted_and_what_a_person_deleted_is_not_expunged(
    shared: Dovecot, user: str, tmp_path: Path
) -> None:
    shared.append(letter(1), letter(2), user=user)
    with shared.client(user) as person:
        person.select_folder("INBOX")
        person.add_flags([1], [b"\\Deleted"])
    async with room(tmp_path, box_of(shared, username=user, after="delete", history="now")) as one:
        await one.looks(1)
        shared.append(letter(3), user=user)
        await one.until_mails(1)
        await one.looks()
    assert shared.flags(user) == {1: {b"\\Deleted"}, 2: set()}


async def test_a_folder_with_a_chinese_name_is_read(shared: Dovecot, user: str, tmp_path: Path) -> None:
    with shared.client(user) as person:
        person.create_folder("客户&来信")
        person.append("客户&来信", letter(1))
    async with room(tmp_path, box_of(shared, username=user, folder="客户&来信")) as one:
        await one.until_mails(1)
    assert shared.flags(user, "客户&来信") == {1: SEEN}


async def test_a_mail_that_is_too_large_is_registered_from_its_headers_and_never_deleted(
    shared: Dovecot, user: str, tmp_path: Path
) -> None:
    shared.append(letter(1, 200_000, subject="Huge bill"), letter(2), user=user)
    box = box_of(shared, username=user, max_size=100_000, after="delete")
    async with room(tmp_path, box) as one:
        found = {r.headers["x-uid"].rpartition(":")[2]: r.body for r in await one.until_mails(2)}
        assert b"Subject: Huge bill" in found["1"]
        assert b"more than the limit of 100000" in found["1"]
        assert len(found["1"]) < 2000
        assert found["2"] == letter(2)
        await one.looks()
    assert shared.flags(user) == {1: SEEN}


async def test_a_folder_made_anew_opens_nothing_for_what_is_ours_and_everything_for_what_is_not(
    shared: Dovecot, user: str, tmp_path: Path
) -> None:
    nameless = b"Subject: no id\r\n\r\n" + b"x" * 100
    now = datetime.now(UTC).replace(microsecond=0)
    old = [(letter(1), now), (letter(2), now), (nameless, now), (letter(2), now + timedelta(seconds=5))]
    box = box_of(shared, username=user, folder="Support", history="now")

    def make(mails: list[tuple[bytes, datetime]]) -> None:
        with shared.client(user) as person:
            if person.folder_exists("Support"):
                person.delete_folder("Support")
            person.create_folder("Support")
            for mail, when in mails:
                person.append("Support", mail, msg_time=when)

    before = (letter("before"), now - timedelta(days=3))
    make([before])
    async with room(tmp_path, box) as one:
        await one.looks(1)
        with shared.client(user) as person:
            for mail, when in old:
                person.append("Support", mail, msg_time=when)
        await one.until_mails(4)
        await one.looks()
    await asyncio.sleep(
        1.1
    )  # a Dovecot UIDVALIDITY is a time in seconds: a folder made in the same second has the same
    make([(letter(9), now + timedelta(seconds=9)), before, *reversed(old)])
    async with room(tmp_path, box) as one:
        found = await one.until_mails(5)
        assert found[4].body == letter(9)
        await one.looks()
        assert len(await one.mails()) == 5
        assert one.seen.messages["adopted"] == 4
        assert one.seen.failures["uidvalidity"] == 1
        shared.append(letter(10), user=user, folder="Support")
        await one.until_mails(6)
        await one.looks()
    flags = shared.flags(user, "Support")
    assert [uid for uid, have in flags.items() if have != SEEN] == [2], "what was there before us is left alone"


async def test_two_daemons_on_one_database_read_a_mailbox_one_at_a_time(
    shared: Dovecot, user: str, postgres_url: str
) -> None:
    shared.append(*(letter(n) for n in range(30)), user=user)
    box = box_of(shared, username=user)
    async with room(postgres_url, box, holder="one") as one:
        await one.until_mails(30)
        async with room(postgres_url, box, holder="two") as two:
            await one.looks(5)
            assert two.seen.polls == 0
            await one.door.stop()
            await two.until(lambda: two.seen.polls > 0)
            shared.append(letter(31), user=user)
            await two.until_mails(31)
            await two.looks()
    await until_seen(shared, user, 31)


async def test_a_daemon_that_dies_leaves_its_mailbox_to_another_after_the_lease(
    shared: Dovecot, user: str, postgres_url: str
) -> None:
    shared.append(letter(1), user=user)
    box = box_of(shared, username=user)
    async with room(postgres_url, limits=replace(QUICK, lease=1.0), holder="dead") as dead:
        assert await dead.receipts.lease("mailbox:support", "dead", 1.0)
        async with room(postgres_url, box, limits=replace(QUICK, lease=1.0), holder="two") as two:
            await two.until_mails(1)


async def test_two_daemons_that_both_read_take_each_mail_once(shared: Dovecot, user: str, postgres_url: str) -> None:
    """As when a lease runs out while its holder hangs: the receipts alone must do."""
    shared.append(*(letter(n) for n in range(60)), user=user)
    limits = replace(QUICK, window_mails=7)
    one_box, two_box = box_of(shared, username=user), box_of(shared, username=user)

    async def always(*_: Any) -> bool:
        return True

    async with (
        room(postgres_url, limits=limits, holder="one") as one,
        room(postgres_url, limits=limits, holder="two") as two,
    ):
        one.receipts.lease = two.receipts.lease = always  # type: ignore[method-assign]
        await asyncio.gather(one.door.configure([one_box]), two.door.configure([two_box]))
        await one.until_mails(60)
        await one.looks()
        await two.looks()
        assert len(await one.mails()) == 60
        assert len({r.body for r in await one.mails()}) == 60
        new = one.seen.messages["accepted"] + two.seen.messages["accepted"]
        assert new == 60
    await until_seen(shared, user, 60)


async def test_a_wrong_password_is_said_once_in_a_while_and_the_right_one_after_a_reload_works(
    shared: Dovecot, user: str, tmp_path: Path
) -> None:
    shared.append(letter(1), user=user)
    wrong = box_of(shared, username=user, credentials=Password("wrong"))
    async with room(tmp_path, wrong) as one:
        async with asyncio.timeout(30):
            while not one.seen.failures["login"]:
                await asyncio.sleep(0.05)
        await one.door.configure([box_of(shared, username=user)])
        await one.until_mails(1)


async def test_a_large_mail_lies_in_a_file_once_and_a_second_fetch_of_it_leaves_nothing(
    shared: Dovecot, user: str, tmp_path: Path
) -> None:
    large = letter(1, 400_000)
    shared.append(large, user=user)
    async with room(tmp_path, box_of(shared, username=user)) as one:
        [raw] = await one.until_mails(1)
        assert raw.body == large
        [(uidvalidity,)] = await one.store.fetch("SELECT uidvalidity FROM mailbox_folders")
        place = Place("support", "INBOX", uidvalidity)
        again = replace(raw, id=one.store.new_id())
        assert await one.receipts.accept(place, [(again, Receipt(1))]) == set()
        assert await one.receipts.accept(place, [(again, Receipt(2)), (replace(again, id=1), Receipt(2))]) == {2}
        assert await one.count() == 2
    files = [path for path in (tmp_path / "t.db.raw").rglob("*") if path.is_file()]
    assert len(files) == 2
