"""The HTTP server: its limits, and the paths for those who watch the daemon. The console adds its own routes.

There is no middleware on the whole application: it would cost every webhook. A part that wants one wraps its own.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Protocol, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

log = logging.getLogger("tocsin.doors.http")

FRESH = 5.0  # seconds that the gauges over the store may be old (INTERFACE 4)
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


class _NotOurs(logging.Filter):
    """aiohttp logs what was sent, with a traceback, for each request that is not HTTP: anybody could fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


logging.getLogger("aiohttp.server").addFilter(_NotOurs())


class Page(Protocol):
    def render(self, accept: str) -> tuple[bytes, str]: ...


def make_app(max_body: int) -> web.Application:
    """An application that refuses bodies over `max_body` bytes (after decompression) with 413."""
    return web.Application(client_max_size=max_body, logger=log)


class Watch:
    """`/healthz`, `/readyz`, `/metrics`.

    `ready()` says why the daemon is not ready, "" when it is. `refresh()` reads the gauges anew; it is called at
    most every FRESH seconds, and its `trouble` leaves the old ones. `metrics_token` "": loopback only, and not
    through a proxy.
    """

    def __init__(
        self,
        *,
        ready: Callable[[], Awaitable[str]],
        metrics: Page,
        metrics_token: str = "",
        refresh: Callable[[], Awaitable[None]] | None = None,
        trouble: type[Exception] = OSError,
    ) -> None:
        self._ready, self._metrics, self._refresh, self._trouble = ready, metrics, refresh, trouble
        self._token = metrics_token.encode()
        self._refreshed = float("-inf")
        self._rendering = asyncio.Lock()

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)

    async def healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(self, request: web.Request) -> web.Response:
        reason = await self._ready()
        if reason:
            return web.Response(status=503, text=f"{reason}\n", headers={"Retry-After": "5"})
        return web.Response(text="ready\n")

    async def metrics(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        async with self._rendering:
            now = asyncio.get_running_loop().time()
            if self._refresh is not None and now - self._refreshed >= FRESH:
                try:
                    await self._refresh()
                    self._refreshed = now
                except self._trouble as error:
                    log.warning("gauges are old error=%s", type(error).__name__)
            # some thousands of lines: in a thread, so that no webhook waits for them
            page, kind = await asyncio.to_thread(self._metrics.render, request.headers.get("Accept", ""))
        return web.Response(body=page, headers={"Content-Type": kind})

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self._token:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
                return None
            return web.Response(status=401, text="a token is needed\n", headers={"WWW-Authenticate": "Bearer"})
        if is_loopback(request):
            return None
        return web.Response(status=403, text="only from this host, or with [http] metrics_token\n")


def is_loopback(request: web.Request) -> bool:
    """Whether the request was made on this host, and not by a proxy here for somebody else."""
    if any(name in request.headers for name in FORWARDED):
        return False
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer or isinstance(peer, (str, bytes)):
        return isinstance(peer, (str, bytes))  # a UNIX socket
    address = ip_address(str(peer[0]).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


class HttpServer:
    """Serves one application: a cap on connections, and a clock on those that connect and do not ask."""

    def __init__(
        self, app: web.Application, *, max_connections: int = 2000, head_timeout: float = 30.0, shutdown: float = 15.0
    ) -> None:
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=75.0,
            max_line_size=16384,
            max_field_size=16384,
            max_headers=100,
            lingering_time=2.0,
            shutdown_timeout=shutdown,
        )
        self._max, self._head_timeout = max_connections, head_timeout
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Raises OSError when the address is taken."""
        await self._runner.setup()
        factory = self._runner.server
        assert factory is not None
        loop = asyncio.get_running_loop()

        def connect() -> asyncio.BaseProtocol:
            if len(factory.connections) >= self._max:
                log.warning("refused door=http reason=too_many_connections")
                return _Full()
            protocol = factory()
            loop.call_later(self._head_timeout, _drop_if_silent, protocol)
            return protocol

        self._server = await loop.create_server(connect, host, port, backlog=1024)
        log.info("listening door=http address=%s port=%d", host, self.port)

    @property
    def port(self) -> int:
        """The port that it listens on: of interest when it was asked for port 0."""
        if self._server is None:
            raise RuntimeError("the HTTP server is not open")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, let the requests that run finish, close."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()


class _Full(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is one by its shape only
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        transport.close()


def _drop_if_silent(protocol: web.RequestHandler) -> None:
    """aiohttp's keep-alive clock starts with the first answer; before it, a head may take for ever."""
    if protocol.transport is not None and protocol._request_count == 0:
        protocol.force_close()
