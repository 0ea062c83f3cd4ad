"""The mail channel: hostile words, the file provider, and what its settings refuse."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from channels import DeliveryError, Message
from channels import email as channel
from tests.peers.smtp_sink import Listen, text_of

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
async def test_no_field_of_a_message_can_add_a_header_or_a_recipient(mail_server: Listen) -> None:
    post = await mail_server()
    evil = "x\r\nBcc: victim@other.example\r\n\r\nbody\n.\nRCPT TO:<victim@other.example>"
    await opened(post.port).send(
        message(
            subject=evil,
            to_name=evil,
            message_id=evil,
            in_reply_to=evil,
            references=(evil, "fine@x.example"),
            headers={"X-Note": evil, "Bad Name": "1", "Bcc": "victim@other.example", "Content-Type": "text/evil"},
        )
    )
    (mail,) = post.mails
    (got,) = post.messages()
    assert mail.rcpt_tos == ["wang@customer.example"]
    assert got["Bcc"] is None
    assert got["Bad Name"] is None
    assert got.get_content_type() == "text/plain"
    assert text_of(got) == message().text
    assert "fine@x.example" in got["References"]


@pytest.mark.asyncio
async def test_lines_with_a_dot_and_lines_that_begin_with_from_arrive_as_they_are(mail_server: Listen) -> None:
    post = await mail_server()
    text = ".\n..\nFrom here on\n.hidden\n" + "long " * 400 + "\nend\n"
    await opened(post.port).send(message(text=text))
    assert text_of(post.messages()[0]) == text


@pytest.mark.asyncio
async def test_the_file_provider_writes_a_json_line_a_message(tmp_path: Path) -> None:
    path = tmp_path / "outbox" / "email.jsonl"
    ours = channel.Channel(channel.Settings(provider="file", path=path))
    await asyncio.gather(*(ours.send(message(key=f"k{n}")) for n in range(50)))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["key"] for line in lines} == {f"k{n}" for n in range(50)}
    assert list(lines[0])[:7] == ["at", "channel", "to", "subject", "text", "incident", "key"]
    assert lines[0]["at"] == "2026-01-05T01:00:00.000Z"
    assert lines[0]["message_id"] == "inc-42.1@tocsin.example"


@pytest.mark.asyncio
async def test_a_file_that_cannot_be_written_is_a_temporary_error(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    ours = channel.Channel(channel.Settings(provider="file", path=tmp_path / "plain" / "email.jsonl"))
    with pytest.raises(DeliveryError, match="cannot write") as caught:
        await ours.send(message())
    assert not caught.value.permanent


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs `host`"),
        ({"host": "h"}, "needs `from`"),
        ({"provider": "file"}, "needs `path`"),
        ({"host": "h", "from": "nobody"}, "is no mail address"),
        ({"host": "h", "from": "a@b.example", "user": "u"}, "`user` and `password` belong together"),
        ({"host": "h", "from": "a@b.example", "timeout": "soon"}, "a duration is written"),
        ({"host": "h", "from": "a@b.example", "ca_file": "/nowhere/ca.pem"}, "there is no file"),
        ({"host": "h", "from": "a@b.example", "dkim": {}}, "Extra inputs"),
    ],
)
def test_settings_name_the_key_that_is_missing_or_wrong(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        channel.Settings(**settings)


def test_the_port_follows_from_tls_and_the_password_is_nowhere_in_repr() -> None:
    settings = channel.Settings(host="h", user="u", password="s3cret", timeout="1m30s", **{"from": "a@b.example"})
    assert settings.timeout == 90
    assert "s3cret" not in repr(settings) + repr(channel.Channel(settings)._connections.__dict__)
    assert channel.PORTS == {"auto": 25, "none": 25, "starttls": 587, "implicit": 465}
