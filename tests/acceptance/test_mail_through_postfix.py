"""A customer's mail server hands us mail, and our answers go out through a real smart host."""

from __future__ import annotations

from collections.abc import Callable
from email.header import decode_header, make_header
from email.message import Message

from tests.acceptance.flood import mail
from tests.peers.postfix import Postfix
from tests.peers.process import free_port as a_free_port
from tests.peers.process import stays, wait_until
from tests.peers.tocsin import Daemon

LI = "li@customer.example"


def both(daemon: Callable[..., Daemon], postfix: Callable[[int], Postfix], **settings: str) -> tuple[Daemon, Postfix]:
    door = a_free_port()
    relay = postfix(door)
    channels = f"""
[channels.email]
host = "127.0.0.1"
port = {relay.port}
tls = "none"
from = "Tocsin <support@tocsin.example>"
reply_to = "support@tocsin.example"

[channels.sms]
provider = "file"
path = "{{outbox}}/sms.jsonl"
"""
    return daemon(smtp_port=door, channels=channels, **settings), relay


def delivered_to(relay: Postfix, address: str) -> list[Message]:
    return [message for message in relay.delivered() if message["X-Original-To"] == address]


def subject(message: Message) -> str:
    return str(make_header(decode_header(message["Subject"])))


def text(message: Message) -> str:
    part = next(p for p in message.walk() if p.get_content_type() == "text/plain")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8")


def test_a_mail_that_postfix_relays_becomes_an_incident_and_its_sender_gets_a_receipt(
    daemon: Callable[..., Daemon], postfix: Callable[[int], Postfix]
) -> None:
    tocsin, relay = both(daemon, postfix)

    relay.sendmail(mail("Where is my invoice", LI).as_bytes(), "support@tocsin.example", sender=LI)

    receipt = wait_until(lambda: delivered_to(relay, LI), 20)[0]
    desk = wait_until(lambda: delivered_to(relay, "desk@ops.example"), 20)[0]
    (incident,) = tocsin.incidents()
    assert incident["title"] == "Where is my invoice"
    assert (incident["source"], incident["origin"], incident["status"]) == ("smtp", "user", "registered")
    assert incident["reporter"]["address"] == LI
    assert incident["number"] in subject(receipt) + text(receipt)
    assert incident["number"] in subject(desk) + text(desk)
    assert receipt["In-Reply-To"] == "<Where.is.my.invoice@customer.example>"
    assert receipt["Auto-Submitted"] not in (None, "no")
    assert tocsin.metric("tocsin_signals_total", outcome="registered") == 1
    assert tocsin.metric("tocsin_notifications_total", channel="email", outcome="sent") == 2
    assert relay.queued() == 0


def test_a_reply_to_the_receipt_joins_its_incident(
    daemon: Callable[..., Daemon], postfix: Callable[[int], Postfix]
) -> None:
    tocsin, relay = both(daemon, postfix)
    relay.sendmail(mail("Parcel 7", LI).as_bytes(), "support@tocsin.example", sender=LI)
    receipt = wait_until(lambda: delivered_to(relay, LI), 20)[0]

    reply = mail("Re: " + subject(receipt), LI, text="It has arrived broken, by the way.")
    reply["In-Reply-To"] = reply["References"] = str(receipt["Message-ID"]).strip()
    relay.sendmail(reply.as_bytes(), "support@tocsin.example", sender=LI)

    wait_until(lambda: len(tocsin.inbox()) == 2, 20)
    tocsin.settled()
    (incident,) = tocsin.incidents()
    assert "joined" in {row["event"] for row in tocsin.timeline(incident["number"])}
    assert sorted(row["outcome"] for row in tocsin.inbox()) == ["joined", "registered"]


def test_a_vacation_answer_to_our_receipt_is_kept_and_never_answered(
    daemon: Callable[..., Daemon], postfix: Callable[[int], Postfix]
) -> None:
    tocsin, relay = both(daemon, postfix)
    relay.sendmail(mail("Parcel 8", LI).as_bytes(), "support@tocsin.example", sender=LI)
    receipt = wait_until(lambda: delivered_to(relay, LI), 20)[0]

    vacation = mail("Out of office", LI, text="I am away until Monday.")
    vacation["In-Reply-To"] = str(receipt["Message-ID"]).strip()
    vacation["Auto-Submitted"] = "auto-replied"
    relay.sendmail(vacation.as_bytes(), "support@tocsin.example", sender="")

    wait_until(lambda: len(tocsin.inbox()) == 2, 20)
    tocsin.settled()
    assert len(tocsin.incidents()) == 1
    stays(lambda: len(delivered_to(relay, LI)) == 1, 1.5, "one receipt, and no answer to the answer")


def test_a_smart_host_that_is_away_delays_the_receipt_and_loses_nothing(
    daemon: Callable[..., Daemon], postfix: Callable[[int], Postfix]
) -> None:
    door = a_free_port()
    tocsin = daemon(
        smtp_port=door,
        channels=f"""
[channels.email]
host = "127.0.0.1"
port = {a_free_port()}
tls = "none"
from = "Tocsin <support@tocsin.example>"
[channels.sms]
provider = "file"
path = "{{outbox}}/sms.jsonl"
""",
    )
    relay = postfix(door)
    relay.sendmail(mail("Parcel 9", LI).as_bytes(), "support@tocsin.example", sender=LI)
    wait_until(tocsin.incidents, 20)
    wait_until(lambda: tocsin.metric("tocsin_notifications_total", channel="email", outcome="retried") >= 1, 20)
    pending = tocsin.api("notifications?state=pending")["notifications"]
    assert {row["to"] for row in pending} == {LI, "desk@ops.example"}

    text_now = tocsin.config.read_text()
    port_now = tocsin.settings.channels.split("port = ")[1].split("\n")[0]
    tocsin.config.write_text(text_now.replace(f"port = {port_now}", f"port = {relay.port}"))
    tocsin.restart()
    for row in pending:
        tocsin.api(f"notifications/{row['id']}/retry", {})

    wait_until(lambda: delivered_to(relay, LI) and delivered_to(relay, "desk@ops.example"), 20)
    assert len(tocsin.incidents()) == 1
