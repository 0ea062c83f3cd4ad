"""The webhook door: who may send, what is kept, and what is answered when."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import orjson
import pytest

from daemon.clock import VirtualClock
from daemon.doors.http import HttpServer, make_app
from daemon.doors.webhooks import Entry, Limits, WebhookDoor
from parsers import Raw, Report, Unparsable
from tests.daemon.door_room import NOW, Away, Inbox, Refused, until

BODY = b'{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Down"}}]}'


def _accepts(raw: Raw) -> bool:
    if raw.body == b"explode":
        raise ZeroDivisionError("secret")
    if raw.query.get("fire"):
        return True
    try:
        data = orjson.loads(raw.body)
    except ValueError:
        raise Unparsable("the body is not JSON") from None
    return bool(data)


def _anything(raw: Raw) -> bool:
    return True


def _parse(raw: Raw, settings: Any) -> Sequence[Report]:
    return ()


PARSERS: dict[str, Any] = {
    "alertmanager": SimpleNamespace(NAME="alertmanager", accepts=_accepts, parse=_parse),
    "generic": SimpleNamespace(NAME="generic", accepts=_anything, parse=_parse),
}
ENTRIES = (
    Entry("prometheus", "alertmanager", "prom-token"),
    Entry("second", "alertmanager", "second-token"),
    Entry("open", "generic"),
    Entry("lost", "no_such_parser"),
)


class Room:
    def __init__(self, door: WebhookDoor, inbox: Inbox, port: int, client: aiohttp.ClientSession) -> None:
        self.door, self.inbox, self.port, self.client = door, inbox, port, client

    async def post(self, path: str, body: Any = BODY, method: str = "POST", **options: Any) -> tuple[int, Any, Any]:
        """Status, JSON and headers of the answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.client.request(method, url, data=body, **options) as answer:
            return answer.status, await answer.json(), answer.headers

    async def raw(self, request: bytes) -> bytes:
        """All that is answered to these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        return answer


@asynccontextmanager
async def room(max_body: int = 10 << 20, entries: Sequence[Entry] = ENTRIES, **options: Any) -> AsyncIterator[Room]:
    inbox = Inbox()
    doors_own = {"parsers": PARSERS, "trouble": Away, "refused": Refused, "clock": VirtualClock(NOW)}
    settings: dict[str, Any] = doors_own | options
    door = WebhookDoor(accept=inbox.accept, new_id=inbox.new_id, entries=entries, **settings)
    app = make_app(max_body)
    door.add_to(app)
    server = HttpServer(app, shutdown=1)
    await server.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as client:
            yield Room(door, inbox, server.port, client)
    finally:
        if inbox.gate is not None:
            inbox.gate.set()
        await server.stop()


BEARER = {"Authorization": "Bearer prom-token"}


def _basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{password}".encode()).decode()}


@pytest.mark.asyncio
async def test_a_body_is_answered_202_with_its_inbox_id_after_the_commit() -> None:
    async with room() as r:
        r.inbox.gate = asyncio.Event()
        request = asyncio.create_task(r.post("/webhooks/prometheus", headers=BEARER))
        await r.inbox.begun.wait()
        done, _ = await asyncio.wait([request], timeout=0.1)
        assert not done
        r.inbox.gate.set()
        status, answer, headers = await request
        (raw,) = r.inbox.raws
        assert (status, answer) == (202, {"accepted": 1, "inbox": [str(raw.id)]})
        assert headers["Content-Type"] == "application/json"
        assert (raw.source, raw.entry, raw.parser) == ("webhook", "prometheus", "alertmanager")
        assert (raw.body, raw.received_at, raw.path) == (BODY, NOW, "/webhooks/prometheus")
        assert r.inbox.reasons == [""]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (BEARER, ""),
        ({"Authorization": "bearer  prom-token"}, ""),
        (_basic("prom-token"), ""),
        ({"X-Tocsin-Token": "prom-token"}, ""),
        ({}, "?token=prom-token"),
        ({"Authorization": "GenieKey prom-token"}, ""),
    ],
)
async def test_the_token_may_come_in_every_way_and_is_kept_in_none(headers: dict[str, str], query: str) -> None:
    async with room() as r:
        status, _, _ = await r.post(f"/webhooks/prometheus{query}", headers=headers)
        assert status == 202
        (raw,) = r.inbox.raws
        assert "prom-token" not in repr((raw.headers, raw.query, raw.path))
        assert "authorization" not in raw.headers


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({"Authorization": "Bearer second-token"}, "", 403),
        (_basic("wrong"), "", 401),
        ({"Authorization": "Basic ///not base64"}, "", 401),
        ({"Authorization": "Bearer \xff\xfe"}, "", 401),
        ({"X-Tocsin-Token": "wrong", "Authorization": "Bearer prom-token"}, "", 401),
        ({}, "?token=", 401),
        ({}, "?token=wrong", 401),
    ],
)
async def test_without_the_token_nothing_is_taken(headers: dict[str, str], query: str, status: int) -> None:
    async with room() as r:
        got, answer, answered = await r.post(f"/webhooks/prometheus{query}", headers=headers)
        assert got == status
        assert "error" in answer
        assert ("WWW-Authenticate" in answered) == (status == 401)
        assert r.inbox.raws == []


@pytest.mark.asyncio
async def test_an_api_token_with_the_scope_ingest_opens_every_entry() -> None:
    async def may_ingest(token: str) -> bool:
        return token == "api-token"

    async with room(may_ingest=may_ingest) as r:
        assert (await r.post("/webhooks/second", headers={"Authorization": "Bearer api-token"}))[0] == 202
        assert (await r.post("/webhooks/second", headers={"Authorization": "Bearer other"}))[0] == 401


@pytest.mark.asyncio
async def test_an_unknown_name_is_404_and_head_registers_nothing() -> None:
    async with room() as r:
        assert (await r.post("/webhooks/nobody", headers=BEARER))[0] == 404
        async with r.client.head(f"http://127.0.0.1:{r.port}/webhooks/open") as answer:
            assert answer.status == 405
        assert r.inbox.raws == []


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b'{"version": "4", "alerts": [{"sta', b"\xff\xfe\x00", b"", b"{}", b"explode"])
async def test_what_is_not_understood_is_committed_and_answered_422(body: bytes) -> None:
    async with room() as r:
        status, answer, _ = await r.post("/webhooks/prometheus", body, headers=BEARER)
        (raw,) = r.inbox.raws
        assert status == 422
        assert answer["inbox"] == [str(raw.id)]
        assert answer["error"] == r.inbox.reasons[0] != ""
        assert "secret" not in answer["error"]
        assert raw.body == body


@pytest.mark.asyncio
async def test_an_entry_whose_parser_is_missing_keeps_what_comes() -> None:
    async with room() as r:
        assert (await r.post("/webhooks/lost"))[0] == 422
        assert r.inbox.reasons == ["there is no parser no_such_parser"]


@pytest.mark.asyncio
async def test_a_get_with_a_query_is_a_signal() -> None:
    async with room() as r:
        path = "/webhooks/prometheus?FIRE=1&token=prom-token&Tags=a%3Db&tags=second&access_token=x&api_key=y"
        status, _, _ = await r.post(path, body=None, method="GET")
        assert status == 202
        assert r.inbox.raws[0].query == {"fire": "1", "tags": "a=b"}
        assert r.inbox.raws[0].body == b""


@pytest.mark.asyncio
async def test_forms_and_multipart_are_kept_as_bytes() -> None:
    async with room() as r:
        await r.post(
            "/webhooks/open",
            b"alertState=ALERT&ruleId=7",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        form = aiohttp.FormData({"data": '{"heartbeat":null}'}, default_to_multipart=True)
        await r.post("/webhooks/open", form)
        first, second = r.inbox.raws
        assert (first.body, first.content_type) == (b"alertState=ALERT&ruleId=7", "application/x-www-form-urlencoded")
        assert second.content_type.startswith("multipart/form-data; boundary=")
        assert b'{"heartbeat":null}' in second.body


@pytest.mark.asyncio
async def test_headers_are_kept_without_credentials_and_bounded() -> None:
    sent = {
        "User-Agent": "Alertmanager/0.25",
        "Sentry-Hook-Resource": "issue",
        "X-Amz-Sns-Message-Type": "Notification",
        "Cookie": "s=1",
        "cf-webhook-auth": "hush",
        "X-Gitlab-Token": "hush",
        "X-Api-Key": "hush",
        "Proxy-Authorization": "hush",
        "X-Big": "b" * 7900,
        "X-More": "m" * 1000,
    }
    async with room() as r:
        await r.post("/webhooks/open", headers=sent)
        kept = r.inbox.raws[0].headers
        assert kept["user-agent"] == "Alertmanager/0.25"
        assert kept["sentry-hook-resource"] == "issue"
        assert kept["x-amz-sns-message-type"] == "Notification"
        assert "hush" not in repr(kept)
        assert not {"cookie", "host", "content-length", "connection", "x-more"} & set(kept)
        assert sum(len(k) + len(v) for k, v in kept.items()) <= 8192


@pytest.mark.asyncio
@pytest.mark.parametrize(("encoding", "squeeze"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_body_is_kept_decompressed(encoding: str, squeeze: Any) -> None:
    async with room() as r:
        status, _, _ = await r.post("/webhooks/open", squeeze(BODY), headers={"Content-Encoding": encoding})
        assert status == 202
        assert r.inbox.raws[0].body == BODY
        assert "content-encoding" not in r.inbox.raws[0].headers


@pytest.mark.asyncio
async def test_a_gzip_bomb_is_413_and_a_broken_one_is_400() -> None:
    async with room(max_body=1 << 20) as r:
        bomb = gzip.compress(b"0" * (200 << 20), 9)
        assert len(bomb) < 1 << 20
        assert (await r.post("/webhooks/open", bomb, headers={"Content-Encoding": "gzip"}))[0] == 413
        assert (await r.post("/webhooks/open", b"\x1f\x8bno gzip", headers={"Content-Encoding": "gzip"}))[0] == 400
        assert r.inbox.raws == []


@pytest.mark.asyncio
async def test_a_body_over_the_limit_is_413_declared_or_not() -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"a" * 65536

    async with room(max_body=1 << 20) as r:
        assert (await r.post("/webhooks/open", b"a" * (1 << 20)))[0] == 202
        assert (await r.post("/webhooks/open", b"a" * ((1 << 20) + 1)))[0] == 413
        assert (await r.post("/webhooks/open", stream()))[0] == 413
        assert len(r.inbox.raws) == 1
        assert r.door._bytes == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 5", b"hello and more"),
        (b"Content-Length: -1", b"x"),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
        (b"Content-Length: 1\r\nContent-Length: 2", b"xx"),
        (b"Transfer-Encoding: chunked", b"zz\r\n"),
    ],
)
async def test_a_lying_length_does_no_harm(head: bytes, body: bytes) -> None:
    async with room() as r:
        answer = await r.raw(b"POST /webhooks/open HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n" + body)
        assert answer[8:].startswith(b" 400"), answer
        assert (await r.post("/webhooks/open"))[0] == 202
        assert len(r.inbox.raws) == 1


@pytest.mark.asyncio
async def test_a_body_that_does_not_come_is_408() -> None:
    async with room(limits=Limits(body_timeout=0.1)) as r:
        answer = await r.raw(b"POST /webhooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort")
        assert answer.startswith(b"HTTP/1.1 408")
        assert r.inbox.raws == []
        assert (r.door._waiting, r.door._bytes) == (0, 0)


@pytest.mark.asyncio
async def test_trouble_of_the_store_is_503_with_retry_after() -> None:
    async with room() as r:
        r.inbox.failure = Away("secret path")
        status, answer, headers = await r.post("/webhooks/open")
        assert (status, headers["Retry-After"]) == (503, "5")
        assert "secret" not in str(answer)
        r.inbox.failure = None
        assert (await r.post("/webhooks/open"))[0] == 202


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/webhooks/open", "/api/v2/alerts"])
async def test_a_body_that_the_store_will_never_take_is_422_and_not_to_be_sent_again(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with room() as r:
        r.inbox.failure = Refused("value out of range")
        status, answer, headers = await r.post(path, headers=BEARER)
        assert (status, answer) == (422, {"error": "the store cannot keep these values"})
        assert "Retry-After" not in headers
        assert (r.door._waiting, r.door._bytes) == (0, 0)
    assert any("refused door=webhook" in line and "value out of range" in line for line in caplog.messages)


@pytest.mark.asyncio
async def test_too_many_waiting_requests_are_429_with_retry_after() -> None:
    async with room(limits=Limits(waiting=2)) as r:
        r.inbox.gate = asyncio.Event()
        first = [asyncio.create_task(r.post("/webhooks/open")) for _ in range(2)]
        await until(lambda: r.door._waiting == 2)
        status, _, headers = await r.post("/webhooks/open")
        assert (status, headers["Retry-After"]) == (429, "2")
        r.inbox.gate.set()
        assert [(await task)[0] for task in first] == [202, 202]
        assert (r.door._waiting, r.door._bytes) == (0, 0)


@pytest.mark.asyncio
async def test_a_sender_that_leaves_during_the_commit_loses_nothing() -> None:
    async with room() as r:
        r.inbox.gate = asyncio.Event()
        _, writer = await asyncio.open_connection("127.0.0.1", r.port)
        writer.write(b"POST /webhooks/open HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        await r.inbox.begun.wait()
        writer.transport.abort()
        r.inbox.gate.set()
        await until(lambda: r.inbox.raws and r.door._waiting == 0)


@pytest.mark.asyncio
async def test_alertmanagers_api_finds_its_entry_by_the_token() -> None:
    alerts = json.dumps([{"labels": {"alertname": "Down"}}]).encode()
    async with room() as r:
        status, answer, _ = await r.post("/api/v2/alerts", alerts, headers={"Authorization": "Bearer second-token"})
        assert (status, answer) == (200, {})
        assert (r.inbox.raws[0].entry, r.inbox.raws[0].path) == ("second", "/api/v2/alerts")
        assert (await r.post("/api/v2/alerts", alerts))[0] == 401
        assert (await r.post("/api/v2/alerts", b"no json", headers=BEARER))[0] == 422
        r.door.configure([Entry("plain", "alertmanager")])
        assert (await r.post("/api/v2/alerts", alerts))[0] == 200
        assert r.inbox.raws[-1].entry == "plain"
        r.door.configure([])
        assert (await r.post("/api/v2/alerts", alerts))[0] == 404


def test_a_token_is_not_in_the_repr_of_its_entry() -> None:
    assert "prom-token" not in repr(ENTRIES)
