"""Customers' mail in a mailbox becomes incidents: soon, once each, and whoever dies when."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.peers import dovecot as dovecot_peer
from tests.peers import imap_script
from tests.peers.dovecot import PASSWORD, Dovecot, letter
from tests.peers.imap_script import Talk
from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon

POLICY = "notify_limit = 1000000\n"


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    if reason := dovecot_peer.missing():
        pytest.skip(reason)
    with dovecot_peer.running() as server:
        yield server


def mailbox(port: int, more: str = "", tls: str = "none") -> str:
    return f"""
[[mailboxes]]
name = "support"
host = "127.0.0.1"
port = {port}
tls = "{tls}"
username = "support"
password = "{PASSWORD}"
import = "all"
{more}
"""


def titles(one: Daemon) -> Counter[str]:
    return Counter(incident["title"] for incident in one.incidents())


def flagged(server: Dovecot, count: int) -> bool:
    flags = server.flags()
    return len(flags) == count and all(b"\\Seen" in have for have in flags.values())


def test_a_mail_that_comes_while_we_idle_is_an_incident_within_a_second_or_so_and_answered(
    daemon: Callable[..., Daemon], dovecot: Dovecot
) -> None:
    one = daemon(extra=mailbox(dovecot.tls_port, f'tls_ca = "{dovecot.ca}"\nservice = "billing"', "implicit"))
    wait_until(lambda: one.metric("tocsin_mailbox_last_success_timestamp_seconds", mailbox="support") > 0)
    began = time.monotonic()
    dovecot.append(letter(1))
    [incident] = wait_until(one.incidents)
    assert time.monotonic() - began < 3
    assert (incident["title"], incident["source"], incident["service"]) == ("Question 1", "email", "billing")
    assert incident["reporter"]["address"] == "li@customer.example"
    wait_until(lambda: flagged(dovecot, 1))
    wait_until(lambda: one.outbox_to("li@customer.example"), what="the customer is answered")
    assert one.metric("tocsin_mailbox_messages_total", mailbox="support", outcome="accepted") == 1
    assert one.metric("tocsin_signals_total", source="email", outcome="registered") == 1
    assert PASSWORD not in one.log


@pytest.mark.timeout(180)
def test_the_daemon_killed_again_and_again_in_an_import_registers_each_mail_once(
    daemon: Callable[..., Daemon], dovecot: Dovecot
) -> None:
    count = 1500
    dovecot.fill([letter(n, 3000) for n in range(count)])
    one = daemon(start=False, policy=POLICY, extra=mailbox(dovecot.port))
    for _ in range(4):
        one.start()
        before = one.metric("tocsin_mailbox_messages_total", outcome="accepted")
        wait_until(lambda before=before: one.metric("tocsin_mailbox_messages_total") > before)  # type: ignore[misc]
        one.kill9()
    one.start()
    wait_until(lambda: flagged(dovecot, count), 60)
    one.settled(60)
    found = titles(one)
    assert len(found) == count
    assert set(found.values()) == {1}


def test_the_daemon_killed_while_it_idles_takes_what_came_meanwhile(
    daemon: Callable[..., Daemon], dovecot: Dovecot
) -> None:
    one = daemon(extra=mailbox(dovecot.port))
    dovecot.append(letter(1))
    wait_until(one.incidents)
    one.kill9()
    dovecot.append(letter(2), letter(3))
    with dovecot.client() as person:
        person.select_folder("INBOX")
        person.add_flags([2], [b"\\Seen"])
    one.start()
    wait_until(lambda: len(one.incidents()) == 3)
    assert titles(one) == {"Question 1": 1, "Question 2": 1, "Question 3": 1}
    wait_until(lambda: flagged(dovecot, 3))


def test_the_daemon_killed_between_its_commit_and_its_flag_flags_at_the_next_start_and_registers_nothing(
    daemon: Callable[..., Daemon],
) -> None:
    with imap_script.running() as server:
        server.mails = {1: letter(1), 2: letter(2)}
        stored = threading.Event()

        def hang(talk: Talk, arguments: str) -> bool:
            stored.set()
            return True

        server.answers["UID STORE"] = hang
        one = daemon(extra=mailbox(server.port))
        assert stored.wait(20)
        one.kill9()
        assert server.flags == {}
        server.answers.clear()
        one.start()
        wait_until(lambda: server.flags == {1: {"\\Seen"}, 2: {"\\Seen"}})
        wait_until(lambda: titles(one) == {"Question 1": 1, "Question 2": 1})
        assert sum("BODY.PEEK[]" in line for line in server.commands) == 1, "what is ours is not fetched again"


def test_the_same_mail_delivered_twice_is_one_incident_and_a_reply_joins_it(
    daemon: Callable[..., Daemon], dovecot: Dovecot
) -> None:
    one = daemon(extra=mailbox(dovecot.port))
    again = b"Received: from a by b; Mon, 05 Jan 2026 09:10:00 +0800\r\n" + letter(1)
    reply = letter(2, subject="Re: Question 1").replace(b"MIME", b"In-Reply-To: <1@customer.example>\r\nMIME")
    dovecot.append(letter(1), again, reply, letter(3))
    wait_until(lambda: flagged(dovecot, 4))
    one.settled()
    assert titles(one) == {"Question 1": 1, "Question 3": 1}
    outcomes = Counter(row["outcome"] for row in one.inbox())
    assert outcomes == {"registered": 2, "duplicate": 1, "joined": 1}


def test_a_reload_begins_to_read_a_mailbox_and_ends_it(daemon: Callable[..., Daemon], dovecot: Dovecot) -> None:
    one = daemon()
    dovecot.append(letter(1))
    plain = one.config.read_text("utf-8")
    one.config.write_text(plain + mailbox(dovecot.port), "utf-8")
    one.hang_up()
    wait_until(one.incidents)
    one.config.write_text(plain, "utf-8")
    one.hang_up()
    wait_until(lambda: "reloaded" in one.log.rpartition("accepted door=mailbox")[2])
    dovecot.append(letter(2))
    time.sleep(0)
    assert one.stop() == 0
    assert titles(one.start()) == {"Question 1": 1}


def test_the_daemon_stops_quickly_whatever_a_mail_server_does(daemon: Callable[..., Daemon], dovecot: Dovecot) -> None:
    one = daemon(extra=mailbox(dovecot.port))
    wait_until(lambda: one.metric("tocsin_mailbox_last_success_timestamp_seconds", mailbox="support") > 0)
    dovecot.freeze_sessions()
    began = time.monotonic()
    assert one.stop() == 0
    assert time.monotonic() - began < 5
