"""The paths for those who watch the daemon, and the limits of the HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from daemon.doors.http import HttpServer, Watch, make_app
from daemon.metrics import Metrics
from tests.daemon.door_room import Away


class State:
    """What the daemon would say of itself."""

    reason = ""
    refreshed = 0
    failure: Exception | None = None

    async def ready(self) -> str:
        return self.reason

    async def refresh(self) -> None:
        self.refreshed += 1
        if self.failure is not None:
            raise self.failure


@asynccontextmanager
async def watched(state: State, token: str = "", **limits: Any) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    app = make_app(1 << 20)
    watch = Watch(ready=state.ready, metrics=Metrics(), metrics_token=token, refresh=state.refresh, trouble=Away)
    watch.add_to(app)
    server = HttpServer(app, shutdown=1, **limits)
    await server.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as client:
            yield f"http://127.0.0.1:{server.port}", client
    finally:
        await server.stop()


@pytest.mark.asyncio
async def test_the_daemon_is_healthy_always_and_ready_only_when_it_says_so() -> None:
    state = State()
    async with watched(state) as (url, client):
        state.reason = "starting"
        async with client.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with client.get(f"{url}/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "starting\n")
        state.reason = ""
        async with client.get(f"{url}/readyz") as answer:
            assert answer.status == 200


@pytest.mark.asyncio
async def test_metrics_need_the_token_when_there_is_one() -> None:
    async with watched(State(), token="m-token") as (url, client):
        async with client.get(f"{url}/metrics") as answer:
            assert answer.status == 401
        async with client.get(f"{url}/metrics", headers={"Authorization": "Bearer wrong"}) as answer:
            assert answer.status == 401
        async with client.get(f"{url}/metrics", headers={"Authorization": "Bearer m-token"}) as answer:
            assert answer.status == 200


@pytest.mark.asyncio
async def test_metrics_without_a_token_are_for_loopback_and_not_through_a_proxy() -> None:
    async with watched(State()) as (url, client):
        async with client.get(f"{url}/metrics") as answer:
            assert answer.status == 200
        async with client.get(f"{url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}) as answer:
            assert answer.status == 403


@pytest.mark.asyncio
async def test_metrics_speak_openmetrics_to_whom_asks() -> None:
    async with watched(State()) as (url, client):
        async with client.get(f"{url}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with client.get(f"{url}/metrics", headers=accept) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
            assert (await answer.text()).endswith("# EOF\n")


@pytest.mark.asyncio
async def test_the_gauges_are_read_anew_at_most_every_five_seconds_and_trouble_leaves_the_old_ones() -> None:
    state = State()
    async with watched(state) as (url, client):
        state.failure = Away("gone")
        for count in (1, 2):  # a failed one is tried again
            async with client.get(f"{url}/metrics") as answer:
                assert answer.status == 200
            assert state.refreshed == count
        state.failure = None
        for _ in range(3):
            async with client.get(f"{url}/metrics") as answer:
                assert answer.status == 200
        assert state.refreshed == 3


@pytest.mark.asyncio
async def test_who_connects_and_does_not_ask_is_dropped() -> None:
    async with watched(State(), head_timeout=1.0) as (url, client):
        port = int(url.rpartition(":")[2])
        silent, _ = await asyncio.open_connection("127.0.0.1", port)
        dripping, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHo")
        async with client.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with asyncio.timeout(10):
            assert await silent.read() == b""
            assert await dripping.read() == b""
        async with client.get(f"{url}/healthz") as answer:
            assert answer.status == 200


@pytest.mark.asyncio
async def test_more_connections_than_allowed_get_503() -> None:
    async with watched(State(), max_connections=1) as (url, client):
        async with client.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        reader, _ = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 503")


@pytest.mark.asyncio
async def test_a_head_that_is_too_large_is_refused() -> None:
    async with watched(State()) as (url, client):
        async with client.get(f"{url}/healthz", headers={"X": "a" * 20_000}) as answer:
            assert answer.status == 400
        async with client.get(f"{url}/healthz", headers={f"X-{n}": "a" for n in range(150)}) as answer:
            assert answer.status == 400
