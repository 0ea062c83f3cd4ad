"""The SMTP door with bad senders: garbage, smuggling, too much, too slow, gone midway. And STARTTLS with AUTH."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import smtplib
import socket
import ssl
import struct
import subprocess
import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from daemon.doors import smtp_session
from daemon.doors.smtp_routes import tls_context
from daemon.doors.smtpd import Limits
from tests.daemon.door_room import Peer, smtp_room, until

MAIL = b"Subject: x\r\n\r\ntext"


@pytest.mark.asyncio
@pytest.mark.parametrize("mark", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\r\n"])
async def test_only_cr_lf_dot_cr_lf_ends_a_mail_so_nothing_is_smuggled(mark: bytes) -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        smuggled = b"MAIL FROM:<evil@example>\r\nRCPT TO:<alerts@x>\r\nDATA\r\nevil\r\n"
        await peer.begin()
        await peer.send(b"Subject: x\r\n\r\nhello" + mark + smuggled + b".\r\n")
        assert (await peer.reply()).startswith("250")
        assert (await peer.say("NOOP")).startswith("250")
        (raw,) = room.inbox.raws
        # a line that begins with a dot loses it (RFC 5321 4.5.2)
        assert raw.body == b"Subject: x\r\n\r\nhello" + mark.replace(b"\r\n.", b"\r\n") + smuggled


@pytest.mark.asyncio
async def test_the_end_mark_is_found_however_it_is_cut() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        peer.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await peer.begin()
        for byte in b"..a\r\n..\r\n\r.\r\n.\r\nNOOP\r\n":
            await peer.send(bytes([byte]))
            await asyncio.sleep(0.002)
        assert (await peer.reply()).startswith("250")
        assert (await peer.reply()).startswith("250")
        assert room.inbox.raws[0].body == b".a\r\n.\r\n\r.\r\n"


@pytest.mark.asyncio
async def test_a_mail_of_40_mib_is_refused_with_552_declared_or_not() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        assert (await peer.say(f"MAIL FROM:<a@example> SIZE={40 << 20}")).startswith("552")
        await peer.begin()
        line = b"a" * 76 + b"\r\n"
        for _ in range(40):
            await peer.send(line * ((1 << 20) // len(line)))
        await peer.send(b"\r\n.\r\n")
        assert (await peer.reply()).startswith("552")
        assert (await peer.mail(MAIL)).startswith("250")
        assert len(room.inbox.raws) == 1


@pytest.mark.asyncio
async def test_a_sender_that_never_ends_is_cut_off_and_is_never_held_in_memory() -> None:
    async with smtp_room(max_size=1 << 20) as room:
        peer = await room.peer()
        await peer.begin()
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64 << 20:
                await peer.send(b"a" * 65536)
                sent += 65536
                assert room.door._in_flight <= 1 << 20
        assert sent < 64 << 20
        await until(lambda: not room.door._sessions)
        assert room.door._in_flight == 0
        assert room.counts.messages == {"too_large": 1}


@pytest.mark.asyncio
async def test_all_mails_together_are_bounded_with_452() -> None:
    limits = Limits(bytes_in_flight=1 << 20)
    async with smtp_room(limits=limits, max_size=600_000) as room:  # two of the greatest always fit: 1.2 MB
        first, second, third = [await room.peer() for _ in range(3)]
        for peer in (first, second):
            await peer.begin()
            await peer.send(b"a" * 550_000)
        await until(lambda: room.door._in_flight == 1_100_000)
        assert (await third.say("MAIL FROM:<a@example> SIZE=500000")).startswith("452")
        await third.begin()
        await third.send(b"a" * 550_000 + b"\r\n.\r\n")
        assert (await third.reply()).startswith("452")
        for peer in (first, second):
            await peer.send(b"\r\n.\r\n")
            assert (await peer.reply()).startswith("250")
        assert (await third.mail(b"a" * 550_000)).startswith("250")
        await until(lambda: room.door._in_flight == 0)


@pytest.mark.asyncio
async def test_connections_are_bounded_by_address_and_the_place_is_free_again() -> None:
    async with smtp_room(limits=Limits(connections_per_address=2)) as room:
        first, _second = await room.peer(), await room.peer()
        third = await room.peer()
        assert third.greeting.startswith("421 4.7.0")
        assert await third.reply() == ""
        first.hang_up()
        await until(lambda: len(room.door._sessions) == 1)
        assert (await (await room.peer()).mail(MAIL)).startswith("250")
        assert room.counts.sessions["too_many"] == 1


@pytest.mark.asyncio
async def test_connections_are_bounded_altogether() -> None:
    async with smtp_room(limits=Limits(connections=1)) as room:
        await room.peer()
        assert (await room.peer()).greeting.startswith("421")


@pytest.mark.asyncio
async def test_a_sender_that_says_nothing_is_told_and_closed() -> None:
    async with smtp_room(limits=Limits(command_timeout=0.1)) as room:
        peer = await room.peer()
        assert (await peer.reply()).startswith("421 4.4.2")
        assert await peer.reply() == ""
        await until(lambda: room.counts.sessions["timeout"])


@pytest.mark.asyncio
async def test_a_sender_of_bare_lf_ends_by_the_clock() -> None:
    async with smtp_room(limits=Limits(pause_timeout=0.2)) as room:
        peer = await room.peer()
        await peer.begin()
        await peer.send(b"Subject: x\n\ntext\n.\n")
        assert (await peer.reply()).startswith("421 4.4.2")
        await until(lambda: not room.door._sessions)
        assert room.inbox.raws == []
        assert room.counts.messages == {"timeout": 1}
        assert room.door._in_flight == 0


@pytest.mark.asyncio
async def test_a_sender_that_drips_ends_by_the_clock_of_the_whole_mail() -> None:
    async with smtp_room(limits=Limits(data_timeout=0.3)) as room:
        peer = await room.peer()
        await peer.begin()
        start = time.monotonic()
        answer = asyncio.create_task(peer.reply())
        while not answer.done() and time.monotonic() - start < 10:
            await peer.send(b"a")
            await asyncio.sleep(0.01)
        assert answer.result().startswith("421 4.4.2")


@pytest.mark.asyncio
async def test_a_disconnect_in_the_middle_of_a_mail_keeps_nothing() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.begin()
        await peer.send(MAIL)
        await until(lambda: room.door._in_flight)
        peer.hang_up()
        await until(lambda: not room.door._sessions)
        await until(lambda: room.door._in_flight == 0)
        assert room.inbox.raws == []
        assert room.counts.messages == {"lost": 1}


@pytest.mark.asyncio
async def test_a_disconnect_during_the_commit_neither_breaks_nor_loses() -> None:
    async with smtp_room() as room:
        room.inbox.gate = asyncio.Event()
        peer = await room.peer()
        await peer.begin()
        await peer.send(MAIL + b"\r\n.\r\n")
        await room.inbox.begun.wait()
        linger = struct.pack("ii", 1, 0)  # a reset, not a half-close
        peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        peer.hang_up()
        await until(lambda: not room.door._sessions)
        assert room.inbox.raws == []
        room.inbox.gate.set()
        await until(lambda: room.inbox.raws)
        await until(lambda: room.door._in_flight == 0)
        assert room.counts.messages == {"accepted": 1}
        assert (await (await room.peer()).mail(MAIL)).startswith("250")


@pytest.mark.asyncio
async def test_a_sender_that_half_closes_during_the_commit_still_gets_its_answer() -> None:
    async with smtp_room() as room:
        room.inbox.gate = asyncio.Event()
        peer = await room.peer()
        await peer.begin()
        await peer.send(MAIL + b"\r\n.\r\n")
        await room.inbox.begun.wait()
        peer.writer.write_eof()
        await until(lambda: any(s._half_closed for s in room.door._sessions))
        room.inbox.gate.set()
        assert (await peer.reply()).startswith("250")
        assert (await peer.reply()).startswith("221")
        assert await peer.reply() == ""


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00" * 5000 + b"\r\n",
        b"EHLO " + b"a" * 300_000 + b"\r\n",
        b"MAIL FROM:<" + b"(" * 3000 + b">\r\n",
        b"MAIL FROM:<a@example> SIZE=" + b"9" * 200 + b"\r\n",
        b'MAIL FROM:<"\\\xff"@[::1]>\r\nRCPT TO:<@a,@b:c@d>\r\nDATA\r\nAUTH PLAIN AAAA\r\nSTARTTLS\r\nVRFY \xff\r\n',
        b"HELP\r\nVRFY x\r\nEXPN x\r\nRSET x\r\nNOOP\r\n\r\n \r\n",
    ],
)
async def test_garbage_is_refused_and_the_next_sender_is_served(garbage: bytes) -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.send(garbage)
        peer.writer.write_eof()
        while answer := await peer.reply():
            assert not answer.startswith("354")
            assert "Traceback" not in answer
            assert "Error: (" not in answer
        assert room.inbox.raws == []
        assert (await (await room.peer()).mail(MAIL)).startswith("250")


@pytest.mark.asyncio
async def test_more_than_100_recipients_are_deferred() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.say("MAIL FROM:<a@example>")
        for n in range(100):
            assert (await peer.say(f"RCPT TO:<alerts@h{n}>")).startswith("250")
        assert (await peer.say("RCPT TO:<alerts@more>")).startswith("452 4.5.3")


@pytest.mark.asyncio
async def test_many_noops_end_the_session() -> None:
    async with smtp_room() as room:
        peer = await room.peer()
        await peer.send(b"NOOP\r\n" * 600)
        last = ""
        while answer := await peer.reply():
            last = answer
        assert last.startswith("421")


@pytest.mark.asyncio
async def test_a_peer_that_never_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_session, "LINGER", 0.2)
    async with smtp_room(limits=Limits(command_timeout=0.3)) as room:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", room.port))
            await until(lambda: room.door._sessions)
            (session,) = room.door._sessions
            session.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(client, b"RCPT\r\n" * 100_000))
            await until(lambda: not room.door._sessions)
            sending.cancel()
            await asyncio.wait([sending])
        assert room.counts.sessions == {"timeout": 1}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    room = tmp_path_factory.mktemp("tls")
    cert, key = room / "cert.pem", room / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key


OUTSIDE = [ip_network("192.0.2.0/24")]


@pytest.mark.asyncio
async def test_who_is_not_in_allow_may_send_after_starttls_and_auth(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    trust = ssl.create_default_context(cafile=str(cert))

    def send(port: int, password: str) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.ehlo("x")
            assert not client.has_extn("auth")
            client._host = "localhost"  # type: ignore[attr-defined]  # what the certificate is for
            client.starttls(context=trust)
            client.ehlo("x")
            client.login("zabbix", password)
            return client.sendmail("a@example", ["alerts@x"], b"a" * 200_000)

    async with smtp_room(allow=OUTSIDE, tls=tls_context(cert, key), users={"zabbix": "geheim"}) as room:
        assert await asyncio.to_thread(send, room.port, "geheim") == {}
        assert len(room.inbox.raws[0].body) == 200_002
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            await asyncio.to_thread(send, room.port, "wrong")
        assert caught.value.smtp_code == 535


@pytest.mark.asyncio
async def test_without_auth_mail_is_530_and_auth_without_tls_is_538(certificate: tuple[Path, Path]) -> None:
    async with smtp_room(allow=OUTSIDE, tls=tls_context(*certificate), users={"zabbix": "geheim"}) as room:
        peer = await room.peer()
        assert "STARTTLS" in peer.ehlo
        assert (await peer.say("MAIL FROM:<a@example>")).startswith("530")
        assert (await peer.say("AUTH PLAIN AHphYmJpeABnZWhlaW0=")).startswith("538")


@pytest.mark.asyncio
async def test_what_is_sent_before_the_handshake_is_thrown_away(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    async with smtp_room(tls=tls_context(cert, key)) as room:
        peer = await room.peer()
        await peer.send(b"STARTTLS\r\nMAIL FROM:<evil@example>\r\n")
        assert (await peer.reply()).startswith("220")
        trust = ssl.create_default_context(cafile=str(cert))
        transport = await asyncio.get_running_loop().start_tls(
            peer.writer.transport,
            peer.writer.transport.get_protocol(),
            trust,
            server_hostname="localhost",
        )
        peer.writer._transport = transport  # type: ignore[attr-defined]
        secure = Peer(peer.reader, peer.writer)
        assert (await secure.say("EHLO x")).startswith("250")
        assert (await secure.say("RCPT TO:<alerts@x>")).startswith("503")
