"""What comes in wrong is refused with the right code or kept and shown; it never stops what is right."""

from __future__ import annotations

import json
import smtplib
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.flood import mail, send_mail
from tests.peers import web
from tests.peers.process import wait_until
from tests.peers.tocsin import TOKEN, Daemon, alert, group

MIB = 1 << 20


def memory(tocsin: Daemon) -> int:
    """The most bytes that the daemon ever held at once."""
    status = Path(f"/proc/{tocsin.running.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_a_mail_of_40_mib_is_refused_with_552_announced_or_not(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()

    with smtplib.SMTP("127.0.0.1", tocsin.smtp_port, "client.example", timeout=60) as smtp:
        smtp.ehlo()
        assert smtp.mail("a@customer.example", [f"SIZE={40 * MIB}"])[0] == 552
        smtp.rset()
        assert smtp.mail("a@customer.example")[0] == 250
        assert smtp.rcpt("support@tocsin.example")[0] == 250
        line = b"x" * 76 + b"\r\n"
        code, _ = smtp.data(b"Subject: big\r\n\r\n" + line * (40 * MIB // len(line)))
        assert code == 552

    send_mail(tocsin.smtp_port, mail("A small one", "li@customer.example"))
    wait_until(lambda: [one["title"] for one in tocsin.incidents()] == ["A small one"], 10)
    assert memory(tocsin) < 400 * MIB


def test_a_body_over_the_limit_is_413(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon(http='max_body = "1MiB"\n')
    assert tocsin.webhook(b'{"version":"4","alerts":[' + b" " * (2 * MIB) + b"]}").status == 413
    assert tocsin.webhook(group(alert("Fine"))).status == 202


def test_a_wrong_token_a_missing_one_and_an_unknown_entry_open_nothing(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    body = group(alert("Nobody"))
    assert tocsin.webhook(body, token="wrong").status == 401
    assert web.post(f"{tocsin.url}/webhooks/prometheus", body).status == 401
    assert tocsin.webhook(body, entry="nosuch").status in (401, 404)
    assert web.get(f"{tocsin.url}/api/v1/incidents").status == 401
    assert web.get(f"{tocsin.url}/api/v1/incidents", token=TOKEN).status in (401, 403)
    assert tocsin.incidents() == []
    assert tocsin.inbox() == []


def test_truncated_json_is_kept_shown_and_replayable(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    whole = json.dumps(group(alert("Cut"))).encode()

    answer = tocsin.webhook(whole[:-40])

    assert answer.status in (202, 422), answer.text  # the door looks at the beginning only
    tocsin.settled()
    (ident,) = [row["id"] for row in tocsin.inbox()]
    assert ident in answer.text
    assert tocsin.inbox()[0]["outcome"] == "unparsable"
    listed = tocsin.cli("inbox", "list").stdout
    assert ident in listed
    assert "unparsable" in listed
    assert "Cut" in tocsin.cli("inbox", "show", ident).stdout
    tocsin.cli("inbox", "replay", ident)
    tocsin.settled()
    assert [row["outcome"] for row in tocsin.inbox()] == ["unparsable"], "it was not mended, so it stays what it is"
    assert tocsin.metric("tocsin_signals_total", outcome="unparsable") >= 1
    assert tocsin.webhook(whole).status == 202
    wait_until(lambda: len(tocsin.incidents()) == 1, 10)


def test_a_body_of_another_kind_is_422_with_the_id_under_which_it_is_kept(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    answer = tocsin.webhook(b"Subject: this is a mail\r\n\r\nof all things")
    assert answer.status == 422, answer.text
    (row,) = tocsin.inbox()
    assert row["id"] in answer.text
    assert row["outcome"] == "unparsable"


def test_replaying_what_was_understood_changes_nothing(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    ident = tocsin.webhook(group(alert("One"), alert("Two"))).json()["inbox"][0]
    wait_until(lambda: len(tocsin.incidents()) == 2, 10)

    tocsin.cli("inbox", "replay", ident)
    tocsin.settled()

    assert len(tocsin.incidents()) == 2
    assert len(tocsin.inbox()) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'{"version":"4","alerts":{}}', b'{"alerts":[1,2]}', b"\xff\xfe\x00", b"[" * 100_000],
    ids=["empty", "null", "list", "alerts-object", "alerts-numbers", "no-text", "deep"],
)
def test_a_body_that_is_no_alert_never_stops_the_next_one(daemon: Callable[..., Daemon], body: bytes) -> None:
    tocsin = daemon()
    assert tocsin.webhook(body).status in (202, 400, 422)
    assert tocsin.webhook(group(alert("Next"))).status == 202
    wait_until(lambda: [one for one in tocsin.incidents() if "Next" in one["title"]], 10)


def test_mail_that_is_no_mail_is_kept_and_the_next_one_is_read(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    odd = [
        b"\r\n",
        b"no header at all\r\n",
        b"From: \xff\xfe <x@customer.example>\r\nSubject: =?utf-8?b?////?=\r\n\r\n\x00\x80\r\n",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 5000,
    ]
    with smtplib.SMTP("127.0.0.1", tocsin.smtp_port, "client.example", timeout=30) as smtp:
        for body in odd:
            smtp.sendmail("odd@customer.example", ["support@tocsin.example"], body)
    send_mail(tocsin.smtp_port, mail("A plain one", "li@customer.example"))

    wait_until(lambda: len(tocsin.inbox()) == len(odd) + 1, 10)
    tocsin.settled()
    assert [one for one in tocsin.incidents() if one["title"] == "A plain one"]
    assert all(row["state"] in ("done", "failed") for row in tocsin.inbox())


def test_a_client_that_hangs_up_in_the_middle_of_a_mail_leaves_nothing(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    with socket.create_connection(("127.0.0.1", tocsin.smtp_port), timeout=10) as rude:
        lines = rude.makefile("rb")
        lines.readline()
        for command in (b"HELO x", b"MAIL FROM:<a@customer.example>", b"RCPT TO:<support@tocsin.example>", b"DATA"):
            rude.sendall(command + b"\r\n")
            assert lines.readline()[:1] in b"23"
        rude.sendall(b"Subject: half\r\n\r\nand then the line")

    send_mail(tocsin.smtp_port, mail("Whole", "li@customer.example"))
    wait_until(lambda: [one["title"] for one in tocsin.incidents()] == ["Whole"], 10)
    assert len(tocsin.inbox()) == 1


def test_nobody_outside_the_allowed_networks_may_relay(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    text = tocsin.config.read_text().replace('allow = ["127.0.0.0/8", "::1"]', 'allow = ["192.0.2.0/24"]')
    tocsin.config.write_text(text)
    tocsin.restart()
    with pytest.raises(smtplib.SMTPException):
        send_mail(tocsin.smtp_port, mail("Foreign", "li@customer.example"))
    assert tocsin.inbox() == []
