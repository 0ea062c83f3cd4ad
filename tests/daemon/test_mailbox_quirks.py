"""The mailbox door against servers that do what Dovecot cannot: quirks seen at 163.com, QQ, Exchange and others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.doors.mailbox_parts import Box, Password
from tests.daemon.mailbox_room import QUICK, room
from tests.peers import imap_script
from tests.peers.dovecot import letter
from tests.peers.imap_script import PASSWORD, Script, Talk

pytestmark = pytest.mark.asyncio
PLACEHOLDER = b"Subject: x\r\n\r\nRetrieval using the IMAP4 protocol failed for the following message:\r\n12"


@pytest.fixture
def server() -> Iterator[Script]:
    with imap_script.running() as script:
        yield script


def box_of(server: Script, **changes: object) -> Box:
    plain = Box(
        name="support",
        host="127.0.0.1",
        port=server.port,
        tls="none",
        username="support",
        credentials=Password(PASSWORD),
        parser="customer_mail",
        poll=0.2,
        history="all",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


async def test_a_server_that_wants_to_know_us_is_told_after_the_login_and_before_the_folder(
    server: Script, tmp_path: Path
) -> None:
    server.wants_id = True
    server.mails[1] = letter(1)
    async with room(tmp_path, box_of(server)) as one:
        await one.until_mails(1)
    words = [line.split()[1] for line in server.commands]
    assert words.index("LOGIN") < words.index("ID") < words.index("SELECT")
    [line] = server.said(" ID ")[:1]
    assert '"name" "tocsin" "version"' in line


async def test_what_a_server_can_do_is_asked_again_after_the_login(server: Script, tmp_path: Path) -> None:
    server.before, server.after = "IMAP4rev1", "IMAP4rev1 IDLE MOVE UIDPLUS"
    async with room(tmp_path, box_of(server, poll=30)) as one:
        await one.until(lambda: server.said("IDLE"))
        server.put(5, letter(5))
        await one.until_mails(1, 5)


async def test_a_server_without_idle_is_polled(server: Script, tmp_path: Path) -> None:
    server.after = "IMAP4rev1"
    async with room(tmp_path, box_of(server)) as one:
        await one.looks(1)
        server.put(5, letter(5))
        await one.until_mails(1)
    assert not server.said("IDLE")
    assert not server.said(" ID ")


@pytest.mark.parametrize("kind", ["left out", "empty", "placeholder"])
async def test_a_body_that_is_not_given_at_first_is_asked_for_again_and_not_flagged(
    server: Script, tmp_path: Path, kind: str
) -> None:
    server.mails = {1: letter(1), 2: letter(2)}
    vain = 2

    def fetch(talk: Talk, arguments: str) -> bool:
        nonlocal vain
        if "BODY.PEEK[]" not in arguments or not vain:
            return False
        vain -= 1
        for number, uid in enumerate(sorted(talk._set(arguments.split(maxsplit=1)[0])), 1):
            body = letter(1) if uid == 1 else {"left out": None, "empty": b"", "placeholder": PLACEHOLDER}[kind]
            if body is not None:
                talk.fetch(number, uid, "BODY.PEEK[]", body)
            else:
                talk.say(f"* {number} FETCH (UID {uid} FLAGS ())")
        talk.ok(talk.tag)
        return True

    server.answers["UID FETCH"] = fetch
    async with room(tmp_path, box_of(server)) as one:
        first = await one.until_mails(1)
        assert first[0].body == letter(1)
        found = await one.until_mails(2)
        assert found[1].body == letter(2)
        await one.until(lambda: server.flags.get(2) == {"\\Seen"})
        assert one.seen.messages["retried"] == 2


async def test_a_body_that_is_never_given_becomes_an_incident_of_its_own_with_what_is_known(
    server: Script, tmp_path: Path
) -> None:
    server.mails = {1: letter(1), 2: letter(2, subject="Bill is wrong")}

    def fetch(talk: Talk, arguments: str) -> bool:
        if "BODY.PEEK[]" not in arguments or 2 not in talk._set(arguments.split(maxsplit=1)[0]):
            return False
        talk.fetch(2, 2, "BODY.PEEK[]", PLACEHOLDER)
        if 1 in talk._set(arguments.split(maxsplit=1)[0]):
            talk.fetch(1, 1, "BODY.PEEK[]", letter(1))
        talk.ok(talk.tag)
        return True

    server.answers["UID FETCH"] = fetch
    async with room(tmp_path, box_of(server)) as one:
        found = await one.until_mails(2)
        text = found[1].body.decode()
        assert "Subject: Bill is wrong" in text
        assert "The mail server does not give the text of this mail (INBOX, UID 2)" in text
        await one.looks()
        assert len(await one.mails()) == 2
    assert server.flags == {1: {"\\Seen"}}


async def test_a_mail_whose_fetch_ends_the_connection_does_not_stop_the_others(server: Script, tmp_path: Path) -> None:
    server.mails = {uid: letter(uid) for uid in range(1, 7)}

    def fetch(talk: Talk, arguments: str) -> bool:
        if "BODY.PEEK[]" in arguments and 3 in talk._set(arguments.split(maxsplit=1)[0]):
            talk.hang_up()
            return True
        return False

    server.answers["UID FETCH"] = fetch
    async with room(tmp_path, box_of(server)) as one:
        found = await one.until_mails(6, 30)
        assert {r.body for r in found} >= {letter(uid) for uid in (1, 2, 4, 5, 6)}
    assert 3 not in server.flags


async def test_a_goodbye_while_idling_is_a_new_connection_and_loses_nothing(server: Script, tmp_path: Path) -> None:
    async with room(tmp_path, box_of(server, poll=30)) as one:
        await one.until(lambda: server.live and server.live[0].idling)
        server.mails[1] = letter(1)
        server.live[0].say("* BYE going down")
        await one.until_mails(1, 5)
    assert server.connections == 2


@pytest.mark.parametrize("when", ["with the answer to STORE", "with the consent to IDLE"])
async def test_mail_that_is_announced_beside_the_point_is_not_left_until_the_next_poll(
    server: Script, tmp_path: Path, when: str
) -> None:
    server.mails[1] = letter(1)

    def store(talk: Talk, arguments: str) -> bool:
        if 2 not in server.mails and "STORE" in when:
            server.mails[2] = letter(2)
            talk.say("* 2 EXISTS")
        return False

    def idle(talk: Talk, arguments: str) -> bool:
        if 2 in server.mails:
            return False
        server.mails[2] = letter(2)
        talk.say("+ idling\r\n* 2 EXISTS")
        talk._file.readline()
        talk.ok(talk.tag)
        return True

    server.answers |= {"UID STORE": store, "IDLE": idle}
    async with room(tmp_path, box_of(server, poll=60)) as one:
        await one.until_mails(2, 5)


async def test_a_connection_that_ends_while_idling_is_noticed_and_does_not_spin(server: Script, tmp_path: Path) -> None:
    async with room(tmp_path, box_of(server, poll=30)) as one:
        await one.until(lambda: server.live and server.live[0].idling)
        server.mails[1] = letter(1)
        server.live[0].hang_up()
        await one.until_mails(1, 5)
        assert one.seen.failures["connection"] == 1


async def test_a_server_that_hangs_is_given_up_and_asked_anew(server: Script, tmp_path: Path) -> None:
    server.mails[1] = letter(1)
    hung = []

    def fetch(talk: Talk, arguments: str) -> bool:
        if not hung:
            hung.append(talk)
            return True
        return False

    server.answers["UID FETCH"] = fetch
    async with room(tmp_path, box_of(server), limits=replace(QUICK, read_timeout=0.5)) as one:
        await one.until_mails(1)
    assert server.connections == 2


async def test_a_search_in_200_000_mails_is_asked_span_by_span(server: Script, tmp_path: Path) -> None:
    server.mails = dict.fromkeys(range(1_000_001, 1_200_001), letter(1))
    server.mails[1_200_001] = letter(2)
    async with room(tmp_path, box_of(server, history="now")) as one:
        await one.looks(1)
        assert await one.mails() == []
        server.put(1_200_002, letter(3))
        await one.until_mails(1)
        uids = await asyncio.to_thread(lambda: [line for line in server.said("SEARCH") if "50001:100000" in line])
        assert uids


async def test_a_size_that_lies_is_not_believed(server: Script, tmp_path: Path) -> None:
    server.mails = {1: letter(1, 3000), 2: letter(2)}
    server.sizes = {1: 10, 2: 0}
    async with room(tmp_path, box_of(server)) as one:
        found = await one.until_mails(2)
        assert found[0].body == letter(1, 3000)


async def test_a_body_larger_than_announced_is_not_read_without_end(server: Script, tmp_path: Path) -> None:
    server.mails = {1: letter(1, 300_000), 2: letter(2)}
    server.sizes = {1: 10}
    async with room(tmp_path, box_of(server, max_size=100_000)) as one:
        found = await one.until_mails(2, 30)
        assert letter(2) in [r.body for r in found]
        assert one.seen.messages["unreadable"] == 1


async def test_answers_beyond_the_grammar_are_a_failed_connection_not_a_dead_thread(
    server: Script, tmp_path: Path
) -> None:
    server.mails[1] = letter(1)
    nonsense = [b"* SEARCH one two", b"* 1 FETCH (UID", b"* SEARCH 1)"]

    def search(talk: Talk, arguments: str) -> bool:
        if not nonsense:
            return False
        talk.say(nonsense.pop())
        talk.ok(talk.tag)
        return True

    server.answers["UID SEARCH"] = search
    async with room(tmp_path, box_of(server)) as one:
        await one.until_mails(1)


async def test_a_flag_that_does_not_stick_is_set_again_and_then_left(server: Script, tmp_path: Path) -> None:
    server.mails[1] = letter(1)
    asked = []

    def store(talk: Talk, arguments: str) -> bool:
        asked.append(arguments)
        talk.say("* 1 FETCH (UID 1 FLAGS ())")
        talk.ok(talk.tag)
        return True

    server.answers["UID STORE"] = store
    async with room(tmp_path, box_of(server)) as one:
        await one.until_mails(1)
        await one.until(lambda: len(asked) == 3)
        await one.looks()
        assert len(asked) == 3


async def test_without_move_and_uidplus_a_mail_is_copied_once_and_nothing_is_expunged(
    server: Script, tmp_path: Path
) -> None:
    server.after = "IMAP4rev1"
    server.mails[1] = letter(1)
    copies: list[str] = []

    def copy(talk: Talk, arguments: str) -> bool:
        copies.append(arguments)
        talk.ok(talk.tag)
        return True

    broken = [True]

    def store(talk: Talk, arguments: str) -> bool:
        if broken:
            broken.clear()
            talk.hang_up()
            return True
        return False

    server.answers |= {"UID COPY": copy, "UID STORE": store}
    async with room(tmp_path, box_of(server, after="move:Processed")) as one:
        await one.until(lambda: server.flags.get(1) == {"\\Deleted"})
        await one.looks()
    assert copies == ['1 "Processed"']
    assert not server.said("EXPUNGE")


async def test_a_wrong_password_opens_the_breaker_and_is_never_said(
    server: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with room(tmp_path, box_of(server, credentials=Password("wrong-secret"))) as one:
        await one.until(lambda: one.seen.is_open)
        assert one.seen.failures["login"] >= 5
    assert "breaker=open" in caplog.text
    assert "wrong-secret" not in caplog.text


async def test_one_mailbox_that_fails_holds_up_no_other(server: Script, tmp_path: Path) -> None:
    server.mails[1] = letter(1)
    dead = box_of(server, name="dead", port=1)
    async with room(tmp_path, dead, box_of(server)) as one:
        await one.until_mails(1)
        await one.until(lambda: one.seen.failures["connection"] >= 1)
