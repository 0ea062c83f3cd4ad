"""The SMS channel against a real HTTP server, and its file."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import ValidationError

from channels import DeliveryError, Message
from channels import sms as channel
from tests.peers.smtp_sink import Authority

TEXT = 'INC-42 P1 红色故障："充值" 100% & {key} \\ 请立即受理+'


def message(**fields: Any) -> Message:
    known: dict[str, Any] = {"key": "42/ladder", "channel": "sms", "to": "+86 138-0000-0000", "subject": "", "at": 0}
    return Message(**(known | {"text": TEXT, "incident": "INC-42"} | fields))


@dataclass
class Gateway:
    """An SMS gateway: keeps what was asked, answers `status`, `headers` and `body`."""

    url: str = ""
    asked: list[tuple[web.BaseRequest, bytes]] = field(default_factory=list)
    peers: set[object] = field(default_factory=set)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"code": 0, "data": [{"id": "sms-1"}]}'
    before: Callable[[], Awaitable[None]] | None = None

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request, await request.read()))
        self.peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        if self.before:
            await self.before()
        return web.Response(status=self.status, headers=self.headers, body=self.body)


Serve = Callable[..., Awaitable[Gateway]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.ServerRunner] = []

    async def start(context: ssl.SSLContext | None = None) -> Gateway:
        gateway = Gateway()
        runner = web.ServerRunner(web.Server(gateway.answer), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        runners.append(runner)
        host, port = runner.addresses[0][:2]
        gateway.url = f"https://localhost:{port}" if context else f"http://{host}:{port}"
        return gateway

    yield start
    for runner in runners:
        await runner.cleanup()


async def send(gateway: Gateway, sms: Message | None = None, **settings: Any) -> str:
    known: dict[str, Any] = {"url": gateway.url + "/send", "body": '{"to": "{to}", "text": "{text}"}'}
    ours = channel.Channel(channel.Settings(**(known | settings)))
    try:
        return await ours.send(sms or message())
    finally:
        await ours.close()


@pytest.mark.asyncio
async def test_a_json_body_carries_the_words_whatever_is_in_them(serve: Serve) -> None:
    gateway = await serve()
    body = '{"mobile": "{to}", "ref": "{key}", "inc": "{incident}", "params": {"content": "{text}"}}'
    headers = {"Authorization": "Bearer abcdefgh", "X-Key": "{key}"}
    got = await send(gateway, body=body, headers=headers, id="data.0.id", success={"json": "code", "equals": 0})
    assert got == "sms-1"
    (request, raw) = gateway.asked[0]
    assert request.method == "POST"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer abcdefgh"
    assert request.headers["X-Key"] == "42/ladder"
    assert json.loads(raw) == {
        "mobile": "+8613800000000",
        "ref": "42/ladder",
        "inc": "INC-42",
        "params": {"content": TEXT},
    }


@pytest.mark.asyncio
async def test_a_table_as_body_is_json_or_a_form_as_the_encoding_says(serve: Serve) -> None:
    gateway = await serve()
    table = {"m": "{to}", "t": "{text}"}
    await send(gateway, body=table)
    await send(gateway, body=table, encoding="form", drop_prefix="+86")
    await send(gateway, body="m={to}&t={text}", encoding="form")
    assert json.loads(gateway.asked[0][1]) == {"m": "+8613800000000", "t": TEXT}
    assert dict(await gateway.asked[1][0].post()) == {"m": "13800000000", "t": TEXT}
    assert dict(await gateway.asked[2][0].post()) == {"m": "+8613800000000", "t": TEXT}


@pytest.mark.asyncio
async def test_a_get_gateway_gets_everything_in_its_url(serve: Serve) -> None:
    gateway = await serve()
    await send(
        gateway,
        method="GET",
        url=gateway.url + "/{to}/send?sign={sign}&t={text}",
        params={"key": "{key}", "also": "{text}"},
        body="",
        secrets={"sign": "a+b/c="},
    )
    (request, raw) = gateway.asked[0]
    assert request.path == "/+8613800000000/send"
    assert dict(request.query) == {"sign": "a+b/c=", "t": TEXT, "key": "42/ladder", "also": TEXT}
    assert raw == b""


@pytest.mark.asyncio
async def test_a_raw_body_is_the_text_itself(serve: Serve) -> None:
    gateway = await serve()
    await send(gateway, body="{text}", encoding="raw", params={"to": "{to}"})
    assert gateway.asked[0][1].decode() == TEXT
    assert gateway.asked[0][0].headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.asyncio
async def test_basic_auth(serve: Serve) -> None:
    gateway = await serve()
    await send(gateway, user="tocsin", password="s3cret")
    assert base64.b64decode(gateway.asked[0][0].headers["Authorization"].removeprefix("Basic ")) == b"tocsin:s3cret"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (408, False),
        (425, False),
        (429, False),
        (302, False),
        (500, False),
        (503, False),
    ],
)
async def test_a_4xx_is_permanent_but_for_those_that_say_later(serve: Serve, status: int, permanent: bool) -> None:
    gateway = await serve()
    gateway.status, gateway.headers = status, {"Location": "/elsewhere"}
    with pytest.raises(DeliveryError, match=f"answered {status}") as caught:
        await send(gateway)
    assert caught.value.permanent is permanent
    assert len(gateway.asked) == 1, "redirects are not followed, retries are not ours"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "Wed, 21 Oct 2026 07:30:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 120),
        ({"Retry-After": "999999999999"}, 3600),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
async def test_retry_after_is_handed_on(serve: Serve, headers: dict[str, str], seconds: float | None) -> None:
    gateway = await serve()
    gateway.status, gateway.headers = 429, headers
    with pytest.raises(DeliveryError) as caught:
        await send(gateway)
    assert caught.value.retry_after == seconds


@pytest.mark.asyncio
async def test_a_200_without_the_sign_of_success_is_a_failure(serve: Serve) -> None:
    gateway = await serve()
    gateway.body = b'{"code": "isv.MOBILE_NUMBER_ILLEGAL"}'
    success = {"json": "code", "equals": ["OK", 0], "permanent": ["isv.MOBILE_NUMBER_ILLEGAL"]}
    with pytest.raises(DeliveryError, match=r"code = isv\.MOBILE_NUMBER_ILLEGAL") as caught:
        await send(gateway, success=success)
    assert caught.value.permanent
    gateway.body = b'{"code": "isv.BUSINESS_LIMIT_CONTROL"}'
    with pytest.raises(DeliveryError) as caught:
        await send(gateway, success=success)
    assert not caught.value.permanent
    gateway.body = b'{"code": "OK"}'
    assert await send(gateway, success=success) == ""
    gateway.body = b"<html>maintenance</html>"
    with pytest.raises(DeliveryError, match="is no JSON"):
        await send(gateway, success=success)


@pytest.mark.asyncio
async def test_success_can_be_a_regular_expression(serve: Serve) -> None:
    gateway = await serve()
    gateway.body = "result=0&描述=成功".encode()
    await send(gateway, success={"regex": r"^result=0\b"})
    with pytest.raises(DeliveryError, match="no sign of success"):
        await send(gateway, success={"regex": r"^result=1\b"})


@pytest.mark.asyncio
async def test_no_secret_is_in_an_error_even_when_the_gateway_repeats_it(serve: Serve) -> None:
    gateway = await serve()
    gateway.status = 403
    gateway.body = (
        b"bad key k+e/y=1 k%2Be%2Fy%3D1, token tok-0123456789, pass s3cretpw, sign url-token-77 for +8613800000000"
    )
    with pytest.raises(DeliveryError) as caught:
        await send(
            gateway,
            url=gateway.url + "/send?sign=url-token-77",
            headers={"X-Token": "Bearer tok-0123456789"},
            secrets={"apikey": "k+e/y=1"},
            body='{"k": "{apikey}", "t": "{text}"}',
            user="u",
            password="s3cretpw",
        )
    for secret in ("k+e/y=1", "k%2Be", "tok-0123456789", "s3cretpw", "url-token-77"):
        assert secret not in str(caught.value)
    assert json.loads(gateway.asked[0][1])["k"] == "k+e/y=1"


@pytest.mark.asyncio
async def test_nobody_there_and_no_answer_are_temporary(serve: Serve, free_port: int) -> None:
    gateway = await serve()
    forever = asyncio.Event()

    async def hang() -> None:
        await forever.wait()

    gateway.before = hang
    with pytest.raises(DeliveryError, match=r"no answer within 0\.2 s") as caught:
        await send(gateway, timeout="200ms")
    assert not caught.value.permanent
    with pytest.raises(DeliveryError, match="cannot reach the gateway") as caught:
        await send(gateway, url=f"http://127.0.0.1:{free_port}/?token=topsecret")
    assert not caught.value.permanent
    assert "topsecret" not in str(caught.value)


@pytest.mark.asyncio
async def test_many_messages_share_few_connections(serve: Serve) -> None:
    gateway = await serve()
    ours = channel.Channel(channel.Settings(url=gateway.url, body="{text}", encoding="raw", connections=3))
    await asyncio.gather(*(ours.send(message(key=f"k{n}")) for n in range(100)))
    await ours.close()
    assert len(gateway.asked) == 100
    assert len(gateway.peers) == 3


@pytest.mark.asyncio
async def test_https_is_checked_against_the_ca_file(
    serve: Serve, authority: Authority, strangers_authority: Authority
) -> None:
    ours, theirs = await serve(authority.server_context), await serve(strangers_authority.server_context)
    await send(ours, ca_file=authority.ca_file)
    with pytest.raises(DeliveryError, match="certificate verify failed"):
        await send(theirs, ca_file=authority.ca_file)
    await send(theirs, verify=False)
    assert len(ours.asked) == len(theirs.asked) == 1


@pytest.mark.asyncio
async def test_an_endless_answer_is_not_read_to_its_end(serve: Serve) -> None:
    gateway = await serve()
    gateway.body = b'{"code": 0}' + b" " * 5_000_000
    with pytest.raises(DeliveryError, match="code") as caught:
        await send(gateway, success={"json": "code", "equals": 1})
    assert len(str(caught.value)) < 500


@pytest.mark.asyncio
async def test_a_long_text_is_cut_with_an_ellipsis(serve: Serve) -> None:
    gateway = await serve()
    await send(gateway, message(text="字" * 100), body="{text}", encoding="raw", max_length=70)
    assert gateway.asked[0][1].decode() == "字" * 69 + "…"


@pytest.mark.asyncio
@pytest.mark.parametrize("to", ["", "wang@customer.example", "+86138\r\nX: y", "１３８", "+1" * 20])
async def test_what_is_no_number_is_a_permanent_error(serve: Serve, to: str) -> None:
    gateway = await serve()
    with pytest.raises(DeliveryError, match="no phone number") as caught:
        await send(gateway, message(to=to))
    assert caught.value.permanent
    assert not gateway.asked


@pytest.mark.asyncio
async def test_a_key_with_line_breaks_stays_in_its_header(serve: Serve) -> None:
    gateway = await serve()
    await send(gateway, message(key="42\r\nX-Evil: 1 王"), headers={"Idempotency-Key": "{key}"})
    request = gateway.asked[0][0]
    assert "X-Evil" not in request.headers
    assert request.headers["Idempotency-Key"] == "42 X-Evil: 1 %E7%8E%8B"


@pytest.mark.asyncio
async def test_the_file_provider_writes_a_json_line_a_message(tmp_path: Path) -> None:
    path = tmp_path / "outbox" / "sms.jsonl"
    ours = channel.Channel(channel.Settings(provider="file", path=path))
    await asyncio.gather(*(ours.send(message(key=f"k{n}")) for n in range(20)))
    await ours.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 20
    assert list(lines[0]) == ["at", "channel", "to", "subject", "text", "incident", "key"]
    assert lines[0]["text"] == TEXT


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs `url`"),
        ({"provider": "file"}, "needs `path`"),
        ({"provider": "aliyun"}, "'http' or 'file'"),
        ({"url": "sms.example"}, "must start with http"),
        ({"url": "http://x.example", "body": "{to}"}, "write {text}"),
        ({"url": "http://x.example", "body": '{"t": {text}}'}, "no JSON once filled in"),
        ({"url": "http://x.example", "body": '{"t": "{text}"}', "success": {"json": "code"}}, "needs `equals`"),
        ({"url": "http://x.example", "body": '{"t": "{text}"}', "success": {"regex": "("}}, "no regular expression"),
        ({"url": "http://x.example", "body": '{"t": "{text}"}', "user": "u"}, "belong together"),
        ({"url": "http://x.example", "body": '{"t": "{text}"}', "secrets": {"text": "x"}}, "cannot be named"),
        ({"url": "http://x.example", "body": '{"t": "{text}"}', "tokn": "x"}, "Extra inputs"),
    ],
)
def test_settings_name_the_key_that_is_missing_or_wrong(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        channel.Settings(**settings)


def test_no_secret_is_in_repr() -> None:
    settings = channel.Settings(
        url="https://sms.example/?token=s3cret-1",
        body={"t": "{text}", "key": "s3cret-2"},
        params={"p": "s3cret-3"},
        headers={"H": "s3cret-4"},
        user="u",
        password="s3cret-5",
    )
    assert "s3cret" not in repr(settings)
