"""What a door costs over the barest server that could stand in its place: `python -m tests.bench.bench_doors`.

Webhooks: committed to SQLite and then answered, against an aiohttp handler that reads the JSON and answers 202.
Mails: committed to SQLite and then answered, against aiosmtpd with a handler that does nothing.
Every server is a process of its own (uvloop), the load another (wrk, Postfix's smtp-source); floor and door take
turns, and the ratio of each pair is printed with its median. `--postgres URL` takes an empty database instead.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import orjson
import uvloop
from aiohttp import web
from aiosmtpd.smtp import SMTP

import parsers
from daemon.clock import SystemClock
from daemon.doors.http import HttpServer, make_app
from daemon.doors.smtp_routes import Route
from daemon.doors.smtpd import SmtpDoor
from daemon.doors.webhooks import Entry, WebhookDoor
from daemon.metrics import Metrics
from daemon.store import StoreError, Unstorable, opened

DISK = Path("var")  # here, for /tmp may be memory, where an fsync costs nothing
GOALS = {"webhook": 0.45, "smtp": 0.6}
SECONDS, CONNECTIONS, MAILS, MAIL_BYTES = 3, 64, 6000, 4096

ALERT = {
    "status": "firing",
    "labels": {"alertname": "DiskFull", "instance": "db1.example:9100", "severity": "critical", "service": "billing"},
    "annotations": {"summary": "Disk of db1 is full", "description": "x" * 700},
    "startsAt": "2026-01-01T00:00:00.000Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus.example/graph?g0.expr=node_filesystem_avail_bytes",
    "fingerprint": "SEQUENCE-----",
}
BODY = {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "tocsin", "truncatedAlerts": 0}
BODY |= {"groupLabels": {}, "commonLabels": ALERT["labels"], "commonAnnotations": {}, "alerts": [ALERT]}

LUA = """
local body = %s
local n = 0
local id = 0
function setup(thread) thread:set("id", id) id = id + 1 end
request = function()
  n = n + 1
  local sent = body:gsub("SEQUENCE%%-%%-%%-%%-%%-", string.format("%%02d%%011d", id, n))
  return wrk.format("POST", "/webhooks/bench", {["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer bench", ["User-Agent"] = "Alertmanager/0.25"}, sent)
end
"""


# servers, each in its own process


async def floor_http(url: str) -> int:
    async def answer(request: web.Request) -> web.Response:
        orjson.loads(await request.read())
        return web.Response(status=202)

    app = web.Application()
    app.router.add_route("POST", "/webhooks/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


async def floor_smtp(url: str) -> int:
    class Nothing:
        async def handle_DATA(self, server: SMTP, session: object, envelope: object) -> str:  # noqa: N802
            return "250 OK"

    loop = asyncio.get_running_loop()
    nothing = Nothing()
    server = await loop.create_server(lambda: SMTP(nothing, hostname="bench", loop=loop), "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def door_http(url: str) -> int:
    store = await _stack.enter_async_context(opened(url, SystemClock()))
    door = WebhookDoor(
        accept=store.accept,
        new_id=store.new_id,
        clock=SystemClock(),
        parsers=parsers.load(),
        trouble=StoreError,
        refused=Unstorable,
        entries=[Entry("bench", "alertmanager", "bench")],
    )
    app = make_app(10 << 20)
    door.add_to(app)
    server = HttpServer(app)
    await server.start("127.0.0.1", 0)
    return server.port


async def door_smtp(url: str) -> int:
    store = await _stack.enter_async_context(opened(url, SystemClock()))
    from ipaddress import ip_network

    door = SmtpDoor(
        accept=store.accept,
        new_id=store.new_id,
        clock=SystemClock(),
        metrics=Metrics(),
        trouble=StoreError,
        refused=Unstorable,
        hostname="bench",
        routes=[Route("alerts", "alerts@*", "alert_mail")],
        allow=[ip_network("127.0.0.0/8")],
        max_size=25 << 20,
    )
    await door.start("127.0.0.1", 0)
    return door.port


SERVERS: dict[str, Callable[[str], Awaitable[int]]] = {
    f.__name__: f for f in (floor_http, door_http, floor_smtp, door_smtp)
}
_stack = contextlib.AsyncExitStack()


async def serve(name: str, url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with _stack:
        print(await SERVERS[name](url), flush=True)
        await stop.wait()


@contextlib.contextmanager
def running(name: str, url: str) -> Iterator[int]:
    """Starts a server as a process; gives its port."""
    command = [sys.executable, "-m", "tests.bench.bench_doors", "--serve", name, "--url", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


# load


def post_load(port: int, folder: Path) -> float:
    """Requests a second that were answered 2xx."""
    script = folder / "post.lua"
    script.write_text(LUA % json.dumps(json.dumps(BODY)))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}/"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError(out)
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None
    return float(found[1])


def mail_load(port: int, folder: Path) -> float:
    """Mails a second over ten kept connections."""
    flags = ["-s", "10", "-m", str(MAILS), "-l", str(MAIL_BYTES), "-d", "-f", "a@example", "-t", "alerts@bench"]
    start = time.perf_counter()
    subprocess.run(["smtp-source", *flags, f"127.0.0.1:{port}"], check=True, capture_output=True)
    return MAILS / (time.perf_counter() - start)


def compare(what: str, load: Callable[[int, Path], float], rounds: int, url: str) -> None:
    kind = {"webhook": "http", "smtp": "smtp"}[what]
    floors, doors = [], []
    for _ in range(rounds):
        DISK.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=DISK) as folder:
            database = url or f"sqlite://{folder}/bench.sqlite3"
            with running(f"floor_{kind}", "") as port:
                floors.append(load(port, Path(folder)))
            with running(f"door_{kind}", database) as port:
                doors.append(load(port, Path(folder)))
    ratios = [door / floor for door, floor in zip(doors, floors, strict=True)]
    ratio = statistics.median(ratios)
    show = functools.partial(map, lambda x: f"{x:.0f}")
    print(f"{what}: floor {' '.join(show(floors))} /s, durable {' '.join(show(doors))} /s")
    verdict = "met" if ratio >= GOALS[what] else "MISSED"
    print(f"{what}: ratio {' '.join(f'{r:.2f}' for r in ratios)}, median {ratio:.2f}, goal {GOALS[what]} {verdict}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    options.add_argument("--url", default="", help=argparse.SUPPRESS)
    options.add_argument("--postgres", default="", metavar="URL")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", choices=GOALS)
    given = options.parse_args()
    if given.serve:
        uvloop.run(serve(given.serve, given.url))
        return
    for what, tool, load in (("webhook", "wrk", post_load), ("smtp", "smtp-source", mail_load)):
        if given.only in (None, what):
            if shutil.which(tool):
                compare(what, load, given.rounds, given.postgres)
            else:
                print(f"{what}: left out, {tool} is not installed")


if __name__ == "__main__":
    main()
