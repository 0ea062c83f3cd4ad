"""The SMTP door with good senders: what it takes, where it goes, and when it says 250."""

from __future__ import annotations

import asyncio
import shutil
import smtplib
from email.message import EmailMessage
from ipaddress import ip_network

import pytest

from daemon.doors.smtp_routes import Route
from daemon.doors.smtpd import Limits
from tests.daemon.door_room import NOW, Away, Refused, smtp_room, until

MAIL = b"From: zabbix@example\r\nSubject: PROBLEM: disk full\r\n\r\nHost: db1"


@pytest.mark.asyncio
async def test_a_mail_is_answered_250_after_it_is_committed_and_its_bytes_are_exact() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        assert (await peer.mail(MAIL)).startswith("250 2.0.0")
        (raw,) = room.inbox.raws
        assert raw.body == MAIL + b"\r\n"
        assert (raw.source, raw.entry, raw.parser) == ("smtp", "alerts", "alert_mail")
        assert (raw.mail_from, raw.recipient) == ("zabbix@example", "alerts@tocsin.example")
        assert raw.received_at == NOW
        assert raw.headers == {"x-peer": "127.0.0.1", "x-helo": "peer.example"}
        assert raw.content_type == "message/rfc822"


@pytest.mark.asyncio
async def test_nothing_is_answered_before_the_commit() -> None:
    async with smtp_room() as room:
        room.inbox.gate = asyncio.Event()
        peer = await room.peer()
        await peer.begin()
        await peer.send(MAIL + b"\r\n.\r\n")
        answer = asyncio.create_task(peer.reply())
        await room.inbox.begun.wait()
        done, _ = await asyncio.wait([answer], timeout=0.1)
        assert not done
        room.inbox.gate.set()
        assert (await answer).startswith("250")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("recipient", "entry"),
    [
        ("alerts@tocsin.example", "alerts"),
        ("ALERTS@Tocsin.Example", "alerts"),
        ("support@anything.example", "support"),
        ("support+a1b2c3@tocsin.example", "support"),
    ],
)
async def test_the_recipient_decides_the_route(recipient: str, entry: str) -> None:
    async with smtp_room() as room:
        assert (await (await room.peer()).mail(MAIL, recipient)).startswith("250")
        assert room.inbox.raws[0].entry == entry
        assert room.inbox.raws[0].recipient == recipient


@pytest.mark.asyncio
async def test_the_first_route_that_fits_decides() -> None:
    routes = [Route("db", "alerts@db.*", "alert_mail"), Route("all", "*", "customer_mail")]
    async with smtp_room(routes=routes) as room:
        peer = await room.peer()
        await peer.mail(MAIL, "alerts@db.example")
        await peer.mail(MAIL, "alerts@web.example")
        assert [raw.entry for raw in room.inbox.raws] == ["db", "all"]


@pytest.mark.asyncio
async def test_an_unknown_recipient_is_550_and_the_known_ones_still_get_the_mail() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.say("MAIL FROM:<a@example>")
        assert (await peer.say("RCPT TO:<nobody@tocsin.example>")).startswith("550 5.1.1")
        assert (await peer.say("DATA")).startswith("503")
        assert (await peer.say("RCPT TO:<support@tocsin.example>")).startswith("250")
        assert (await peer.say("DATA")).startswith("354")
        await peer.send(MAIL + b"\r\n.\r\n")
        assert (await peer.reply()).startswith("250")
        assert room.counts.messages == {"unknown_recipient": 1, "accepted": 1}


@pytest.mark.asyncio
async def test_one_mail_to_two_routes_is_two_rows_in_one_commit() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.say("MAIL FROM:<a@example>")
        for name in ("support@one.example", "alerts@one.example", "support@two.example"):
            await peer.say(f"RCPT TO:<{name}>")
        await peer.say("DATA")
        await peer.send(MAIL + b"\r\n.\r\n")
        assert (await peer.reply()).startswith("250")
        assert [(r.entry, r.recipient) for r in room.inbox.raws] == [
            ("support", "support@one.example"),
            ("alerts", "alerts@one.example"),
        ]
        assert room.inbox.commits == 1


@pytest.mark.asyncio
async def test_the_null_path_is_taken_and_kept_as_empty() -> None:
    async with smtp_room() as room:
        assert (await (await room.peer()).mail(MAIL, sender="")).startswith("250")
        assert room.inbox.raws[0].mail_from == ""


@pytest.mark.asyncio
async def test_dot_stuffing_is_taken_off_and_nothing_else() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.mail(b"..first\r\n\r\n...\r\nx.\r\n..\r\n\x00\xff\xc4\xe3\n.\nend")
        assert room.inbox.raws[0].body == b".first\r\n\r\n..\r\nx.\r\n.\r\n\x00\xff\xc4\xe3\n.\nend\r\n"


@pytest.mark.asyncio
async def test_an_empty_mail_is_a_mail() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.begin()
        await peer.send(b".\r\n")
        assert (await peer.reply()).startswith("250")
        assert room.inbox.raws[0].body == b""


@pytest.mark.asyncio
async def test_smtputf8_addresses_and_8bit_bodies_are_taken() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        for extension in ("SMTPUTF8", "8BITMIME", "PIPELINING", "SIZE 26214400"):
            assert extension in peer.ehlo
        assert (await peer.say("MAIL FROM:<王芳@例子.中国> SMTPUTF8 BODY=8BITMIME SIZE=100")).startswith("250")
        assert (await peer.say("RCPT TO:<support@例子.中国>")).startswith("250")
        await peer.say("DATA")
        await peer.send("Subject: 无法充值\r\n\r\n你好\r\n.\r\n".encode())
        assert (await peer.reply()).startswith("250")
        assert room.inbox.raws[0].mail_from == "王芳@例子.中国"


@pytest.mark.asyncio
async def test_an_address_in_raw_bytes_is_kept_without_lone_surrogates() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.send(b"MAIL FROM:<\xc4\xe3@example>\r\n")
        assert (await peer.reply()).startswith("250")
        await peer.say("RCPT TO:<support@tocsin.example>")
        await peer.say("DATA")
        await peer.send(b"x\r\n.\r\n")
        assert (await peer.reply()).startswith("250")
        room.inbox.raws[0].mail_from.encode()


@pytest.mark.asyncio
async def test_a_line_of_500_kb_is_taken() -> None:
    async with smtp_room() as room:
        body = b"Subject: x\r\n\r\n" + b"a" * 500_000
        assert (await (await room.peer()).mail(body)).startswith("250")
        assert room.inbox.raws[0].body == body + b"\r\n"


@pytest.mark.asyncio
async def test_a_mail_of_the_greatest_size_is_taken_and_one_byte_more_is_not() -> None:
    async with smtp_room(max_size=100_000) as room:
        peer = await room.peer()
        end = len(b"\r\n.\r\n")
        assert (await peer.mail(b"a" * (100_000 - end))).startswith("250")
        assert (await peer.mail(b"a" * (100_001 - end))).startswith("552")
        assert (await peer.mail(MAIL)).startswith("250")
        assert room.counts.messages == {"accepted": 2, "too_large": 1}


@pytest.mark.asyncio
async def test_pipelined_commands_and_two_mails_in_one_write_are_all_answered() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        one = b"MAIL FROM:<a@example>\r\nRCPT TO:<alerts@x>\r\nDATA\r\n%s\r\n.\r\n"
        await peer.send(one % b"first" + one % b"second" + b"QUIT\r\n")
        answers = [await peer.reply() for _ in range(9)]
        assert [a[:3] for a in answers] == ["250", "250", "354", "250"] * 2 + ["221"]
        assert [raw.body for raw in room.inbox.raws] == [b"first\r\n", b"second\r\n"]
        await until(lambda: room.counts.sessions["completed"])


@pytest.mark.asyncio
async def test_trouble_of_the_store_is_451_and_says_nothing_of_it() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        room.inbox.failure = Away("secret path /var/x is locked")
        answer = await peer.mail(MAIL)
        assert answer.startswith("451 4.3.0")
        assert "secret" not in answer
        room.inbox.failure = ZeroDivisionError("secret")
        assert (await peer.mail(MAIL)) == answer
        room.inbox.failure = None
        assert (await peer.mail(MAIL)).startswith("250")
        assert room.counts.messages == {"trouble": 2, "accepted": 1}


@pytest.mark.asyncio
async def test_a_mail_that_the_store_will_never_take_is_554_and_the_next_one_is_taken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        room.inbox.failure = Refused("value out of range")
        answer = await peer.mail(MAIL)
        assert answer.startswith("554 5.6.0")
        assert "range" not in answer
        room.inbox.failure = None
        assert (await peer.mail(MAIL)).startswith("250")
        assert room.counts.messages == {"refused": 1, "accepted": 1}
    assert any("refused door=smtp" in line and "value out of range" in line for line in caplog.messages)


@pytest.mark.asyncio
async def test_a_commit_that_hangs_ends_as_451() -> None:
    async with smtp_room(limits=Limits(commit_timeout=0.1)) as room:
        room.inbox.gate = asyncio.Event()
        assert (await (await room.peer()).mail(MAIL)).startswith("451")


@pytest.mark.asyncio
async def test_an_address_that_is_not_allowed_is_refused_at_once() -> None:
    async with smtp_room(allow=[ip_network("192.0.2.0/24")]) as room:
        peer = await room.peer()
        assert peer.greeting.startswith("554 5.7.1")
        assert await peer.reply() == ""
        assert room.counts.sessions == {"refused": 1}


@pytest.mark.asyncio
async def test_a_reload_changes_the_routes_of_open_connections() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        room.door.configure([Route("noc", "noc@*", "alert_mail")], [ip_network("127.0.0.0/8")], {})
        await peer.say("MAIL FROM:<a@example>")
        assert (await peer.say("RCPT TO:<alerts@x>")).startswith("550")
        assert (await peer.say("RCPT TO:<noc@x>")).startswith("250")


@pytest.mark.asyncio
async def test_stopping_lets_a_mail_that_is_coming_in_finish() -> None:
    async with smtp_room() as room:
        idle, busy = await room.peer(), await room.peer()
        await busy.begin()
        await busy.send(b"Subject: half")
        await until(lambda: any(s.in_data for s in room.door._sessions))
        stop = asyncio.create_task(room.door.stop(grace=10))
        assert (await idle.reply()).startswith("421")
        await busy.send(b" and half\r\n.\r\n")
        assert (await busy.reply()).startswith("250")
        assert (await busy.reply()).startswith("421")
        await stop
        assert room.inbox.raws[0].body == b"Subject: half and half\r\n"
        assert room.counts.sessions == {"stopped": 2}


@pytest.mark.asyncio
async def test_stopping_does_not_wait_for_ever() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.begin()
        await asyncio.wait_for(room.door.stop(grace=0.2), 5)
        assert (await peer.reply()).startswith("421")
        assert room.counts.messages == {"lost": 1}


@pytest.mark.asyncio
async def test_smtplib_sends_a_mail() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "li@customer.example", "support@tocsin.example", "无法充值"
    message.set_content("全部用户无法充值\n.\n..\n")

    def send(port: int) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            return client.send_message(message)

    async with smtp_room() as room:
        assert await asyncio.to_thread(send, room.port) == {}
        assert room.inbox.raws[0].body == message.as_bytes().replace(b"\n", b"\r\n")


async def _run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode("utf-8", "replace")


@pytest.mark.asyncio
@pytest.mark.skipif(not shutil.which("swaks"), reason="swaks is not installed (Debian: swaks)")
async def test_swaks_sends_a_mail() -> None:
    async with smtp_room() as room:
        server = f"127.0.0.1:{room.port}"
        code, out = await _run("swaks", "--server", server, "--to", "alerts@x.example", "--from", "<>", "--pipeline")
        assert code == 0, out
        assert room.inbox.raws[0].recipient == "alerts@x.example"
        code, out = await _run("swaks", "--server", server, "--to", "nobody@x.example", "--from", "a@example")
        assert code == 24, out  # swaks: no recipients accepted


@pytest.mark.asyncio
@pytest.mark.skipif(not shutil.which("smtp-source"), reason="smtp-source is not installed (Debian: postfix)")
async def test_postfix_smtp_source_sends_a_thousand_mails_on_ten_connections() -> None:
    async with smtp_room() as room:
        flags = ["-s", "10", "-m", "1000", "-l", "4096", "-d", "-f", "a@example", "-t", "alerts@x.example"]
        code, out = await _run("smtp-source", *flags, f"127.0.0.1:{room.port}")
        assert code == 0, out
        assert len(room.inbox.raws) == 1000
        assert len({raw.id for raw in room.inbox.raws}) == 1000
