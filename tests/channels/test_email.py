"""The mail channel against real servers: delivery, kept connections, TLS, AUTH, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from channels import DeliveryError, Message
from channels import email as channel
from channels._smtp import Connections, Parcel, Server
from tests.peers.smtp_sink import Listen, Sink, text_of

T = 1_767_574_800_000  # 2026-01-05T09:00:00+08:00


def message(**fields: Any) -> Message:
    known: dict[str, Any] = {
        "key": "42/ladder/0/support_lead/wang/email",
        "channel": "email",
        "to": "wang@customer.example",
        "to_name": "王芳",
        "subject": "[INC-42] P1 紧急红色故障 上报支持组长：无法充值",
        "text": "P1 紧急红色故障：无法充值。\n请立即受理。\n",
        "at": T,
        "incident": "INC-42",
        "message_id": "inc-42.1@tocsin.example",
    }
    return Message(**(known | fields))


def opened(port: int, **settings: Any) -> channel.Channel:
    known: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "from": "值班 Tocsin <tocsin@tocsin.example>",
        "hostname": "tocsin.example",
        "timeout": 5,
    }
    return channel.Channel(channel.Settings(**(known | settings)))


@pytest.mark.asyncio
async def test_a_mail_arrives_whole_at_a_real_server(smtp_sink: Callable[..., Sink]) -> None:
    sink = smtp_sink()
    ours = opened(sink.port, reply_to="support@tocsin.example")
    answer = await ours.send(
        message(
            html="<p>无法充值</p>",
            in_reply_to="their-1@customer.example",
            references=("their-1@customer.example",),
            headers={"Auto-Submitted": "auto-generated", "X-Tocsin-Loop": "INC-42;" + "f" * 64},
            mail_from="bounce+42.abc@tocsin.example",
        )
    )
    await ours.close()
    (mail,) = sink.mails()
    got = mail.message
    assert answer.startswith("2.0.0 Ok")
    assert mail.mail_args.startswith("<bounce+42.abc@tocsin.example>")
    assert mail.rcpt_args == "<wang@customer.example>"
    assert got["Subject"] == "[INC-42] P1 紧急红色故障 上报支持组长：无法充值"
    assert got["From"] == "值班 Tocsin <tocsin@tocsin.example>"
    assert got["To"] == "王芳 <wang@customer.example>"
    assert got["Reply-To"] == "support@tocsin.example"
    assert got["Date"] == "Mon, 05 Jan 2026 01:00:00 +0000"
    assert got["Message-ID"] == "<inc-42.1@tocsin.example>"
    assert got["In-Reply-To"] == got["References"] == "<their-1@customer.example>"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["X-Tocsin-Loop"] == "INC-42;" + "f" * 64
    assert got.get_content_type() == "multipart/alternative"
    plain, html = (text_of(part) for part in got.iter_parts())  # type: ignore[arg-type]
    assert plain == "P1 紧急红色故障：无法充值。\n请立即受理。\n"
    assert html == "<p>无法充值</p>\n"
    assert mail.raw.isascii(), "no 8-bit byte, for a server without 8BITMIME"
    assert max(map(len, mail.raw.splitlines())) < 200


@pytest.mark.asyncio
async def test_no_envelope_sender_is_the_null_path(smtp_sink: Callable[..., Sink]) -> None:
    sink = smtp_sink()
    ours = opened(sink.port)
    await ours.send(message())
    await ours.close()
    assert sink.mails()[0].mail_args.startswith("<>")


@pytest.mark.asyncio
async def test_mail_after_mail_goes_over_one_kept_connection(mail_server: Listen) -> None:
    post = await mail_server()
    ours = opened(post.port)
    for n in range(20):
        assert await ours.send(message(key=f"k{n}")) == f"2.0.0 Ok: queued as {n + 1:08X}"
    await ours.close()
    assert len(post.mails) == 20
    assert len(post.connections) == 1
    assert post.commands[-1] == "QUIT"


@pytest.mark.asyncio
async def test_200_mails_at_once_go_over_no_more_connections_than_the_pool_has(mail_server: Listen) -> None:
    post = await mail_server()
    ours = opened(post.port, pool=3)
    await asyncio.gather(*(ours.send(message(key=f"k{n}", message_id=f"m{n}@x.example")) for n in range(200)))
    await ours.close()
    assert len({m["Message-ID"] for m in post.messages()}) == 200
    assert len(post.connections) == 3


@pytest.mark.asyncio
async def test_200_mails_at_once_arrive_at_smtp_sink(smtp_sink: Callable[..., Sink]) -> None:
    sink = smtp_sink()
    ours = opened(sink.port)
    await asyncio.gather(*(ours.send(message(key=f"k{n}", message_id=f"m{n}@x.example")) for n in range(200)))
    await ours.close()
    assert len({mail.message["Message-ID"] for mail in sink.mails()}) == 200


@pytest.mark.asyncio
async def test_a_connection_is_given_up_after_its_share_of_mails(mail_server: Listen) -> None:
    post = await mail_server()
    ours = opened(post.port, pool=1)
    await asyncio.gather(*(ours.send(message(key=f"k{n}")) for n in range(120)))
    await ours.close()
    assert len(post.mails) == 120
    assert len(post.connections) == 2


@pytest.mark.asyncio
async def test_a_resting_connection_is_closed_with_quit(mail_server: Listen) -> None:
    post = await mail_server()
    ours = opened(post.port, idle=0.05)
    await ours.send(message())
    async with asyncio.timeout(5):
        while "QUIT" not in post.commands:
            await asyncio.sleep(0.01)
    await ours.send(message())
    await ours.close()
    assert len(post.connections) == 2


@pytest.mark.asyncio
async def test_a_kept_connection_that_the_server_dropped_costs_one_quiet_retry(mail_server: Listen) -> None:
    post = await mail_server()
    ours = opened(post.port)
    await ours.send(message())
    post.connections[0].transport.abort()  # the client has not noticed yet
    await ours.send(message())
    await ours.close()
    assert len(post.mails) == 2
    assert len(post.connections) == 2


@pytest.mark.asyncio
async def test_a_421_on_a_kept_connection_costs_one_quiet_retry(mail_server: Listen) -> None:
    post = await mail_server()
    ours = opened(post.port)
    await ours.send(message())
    tired = iter(["421 4.3.2 too many messages on this connection"])
    post.on_mail = lambda address: next(tired, "")
    await ours.send(message())
    await ours.close()
    assert len(post.mails) == 2
    assert len(post.connections) == 2


@pytest.mark.asyncio
async def test_a_421_on_a_new_connection_is_temporary(mail_server: Listen) -> None:
    post = await mail_server()
    post.on_mail = lambda address: "421 4.3.2 shutting down"
    with pytest.raises(DeliveryError, match=r"421 4\.3\.2 shutting down") as caught:
        await opened(post.port).send(message())
    assert not caught.value.permanent


@pytest.mark.asyncio
async def test_a_4xx_is_temporary_and_the_next_attempt_goes_through_on_the_same_connection(mail_server: Listen) -> None:
    post = await mail_server()
    grey = iter(["451 4.7.1 greylisted, try again"])
    post.on_rcpt = lambda address: next(grey, "")
    ours = opened(post.port)
    with pytest.raises(DeliveryError, match=r"refused the recipient: 451 4\.7\.1 greylisted") as caught:
        await ours.send(message())
    assert not caught.value.permanent
    await ours.send(message())
    await ours.close()
    assert len(post.mails) == 1
    assert len(post.connections) == 1
    assert "RSET" in post.commands


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("hook", "words"),
    [("on_mail", "refused the sender"), ("on_rcpt", "refused the recipient")],
)
async def test_a_5xx_to_the_envelope_is_permanent(mail_server: Listen, hook: str, words: str) -> None:
    post = await mail_server()
    setattr(post, hook, lambda address: "550 5.1.1 no such user")
    with pytest.raises(DeliveryError, match=f"{words}: 550 5.1.1 no such user") as caught:
        await opened(post.port).send(message())
    assert caught.value.permanent


@pytest.mark.asyncio
async def test_a_5xx_to_the_message_is_permanent(mail_server: Listen) -> None:
    post = await mail_server()

    async def refuse(envelope: object) -> str:
        return "554 5.7.1 looks like spam"

    post.on_data = refuse
    with pytest.raises(DeliveryError, match="refused the message: 554") as caught:
        await opened(post.port).send(message())
    assert caught.value.permanent


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("options", "permanent"),
    [
        (("-r", "RCPT"), False),
        (("-f", "RCPT"), True),
        (("-r", "."), False),
        (("-f", "."), True),
        (("-q", "DATA"), False),
        (("-q", "."), False),
        (("-Q", "RCPT"), False),
        (("-f", "CONNECT"), False),
        (("-f", "EHLO,HELO"), False),
    ],
)
async def test_smtp_sinks_refusals_are_permanent_only_for_5xx_to_the_mail_itself(
    smtp_sink: Callable[..., Sink], options: tuple[str, ...], permanent: bool
) -> None:
    sink = smtp_sink(*options)
    with pytest.raises(DeliveryError) as caught:
        await opened(sink.port).send(message())
    assert caught.value.permanent is permanent, str(caught.value)


@pytest.mark.asyncio
async def test_a_server_that_goes_away_in_the_middle_of_the_data_is_a_temporary_error_and_no_second_copy(
    mail_server: Listen,
) -> None:
    post = await mail_server()
    ours = opened(post.port)
    await ours.send(message())

    async def vanish(envelope: object) -> str:
        post.connections[-1].transport.abort()
        return "250 OK"

    post.on_data = vanish
    with pytest.raises(DeliveryError) as caught:
        await ours.send(message())
    assert not caught.value.permanent
    assert len(post.connections) == 1, "what may have been taken is not sent again by the channel itself"


@pytest.mark.asyncio
async def test_nobody_listening_is_a_temporary_error_that_names_the_server(free_port: int) -> None:
    with pytest.raises(DeliveryError, match=f"127.0.0.1:{free_port} while connecting") as caught:
        await opened(free_port).send(message())
    assert not caught.value.permanent


@pytest.mark.asyncio
async def test_a_server_that_says_nothing_is_given_up_after_the_timeout() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(DeliveryError, match="Timed out") as caught:
        await opened(port, timeout=0.2).send(message())
    assert not caught.value.permanent
    server.close()


@pytest.mark.asyncio
async def test_nobody_waits_for_ever_for_a_free_connection(mail_server: Listen) -> None:
    post = await mail_server()
    wait = asyncio.Event()

    async def hang(envelope: object) -> str:
        await wait.wait()
        return ""

    post.on_data = hang
    server = Server("127.0.0.1", post.port, tls="none", hostname="tocsin.example")
    connections = Connections(server, limit=1, idle=30, patience=0.2)
    parcel = Parcel("", "wang@customer.example", b"Subject: x\r\n\r\ny\r\n")
    answers = await asyncio.gather(*(connections.deliver(parcel) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(a, DeliveryError) and not a.permanent for a in answers), answers
    assert "did not take the mail within 0.2 s" in str(answers[-1])


@pytest.mark.asyncio
async def test_a_cancelled_send_leaves_no_connection_in_the_middle_of_a_dialogue(mail_server: Listen) -> None:
    post = await mail_server()
    reached, wait = asyncio.Event(), asyncio.Event()

    async def hang(envelope: object) -> str:
        reached.set()
        await wait.wait()
        return ""

    post.on_data = hang
    ours = opened(post.port, pool=1)
    task = asyncio.create_task(ours.send(message()))
    await asyncio.wait_for(reached.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    post.on_data = None
    await ours.send(message())
    assert len(post.mails) == 1
    assert len(post.connections) == 2


@pytest.mark.asyncio
async def test_a_mail_larger_than_the_server_takes_is_a_permanent_error_before_it_is_sent(mail_server: Listen) -> None:
    post = await mail_server(data_size_limit=2000)
    with pytest.raises(DeliveryError, match="2000 bytes at most") as caught:
        await opened(post.port).send(message(text="x" * 3000))
    assert caught.value.permanent
    assert "DATA" not in post.commands


@pytest.mark.asyncio
async def test_an_address_that_needs_smtputf8_is_sent_only_where_it_is_offered(mail_server: Listen) -> None:
    old, new = await mail_server(), await mail_server(enable_SMTPUTF8=True)
    with pytest.raises(DeliveryError, match="does not offer SMTPUTF8") as caught:
        await opened(old.port).send(message(to="王芳@customer.example"))
    assert caught.value.permanent
    await opened(new.port).send(message(to="王芳@客户.example"))
    assert new.mails[0].rcpt_tos == ["王芳@xn--ubt06m.example"]
    assert "SMTPUTF8" in new.mails[0].mail_options


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "to", ["", "wang", "a@b@c", "a b@c.example", "a@c.example>\r\nRCPT TO:<x@y.example", "a@c,d@e"]
)
async def test_what_is_no_address_is_a_permanent_error_and_never_reaches_the_server(
    mail_server: Listen, to: str
) -> None:
    post = await mail_server()
    with pytest.raises(DeliveryError, match="is no mail address") as caught:
        await opened(post.port).send(message(to=to))
    assert caught.value.permanent
    assert not post.connections
