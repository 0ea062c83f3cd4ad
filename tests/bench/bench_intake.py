"""Accepted -> incident committed with its ladder and notices: alerts a second through the real intake and store.

Floor: the same bodies parsed with orjson and appended to one table, 64 a commit, synchronous=FULL.
Goals: distinct alerts >= 2,000 a second, repeats of open alerts >= 5,000 a second, steady.
"""

from __future__ import annotations

import logging
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import orjson
import uvloop

import parsers
from daemon.clock import SystemClock
from daemon.config import load
from daemon.loops.intake import Intake
from daemon.metrics import Metrics
from daemon.signing import Signer
from daemon.store import Store, opened
from parsers import Raw

ALERTS = 10_000
CONFIG = Path(__file__).resolve().parents[2] / "config.toml"


def body(number: int) -> bytes:
    """An Alertmanager body of about 1.4 KB with one alert of its own."""
    labels = {
        "alertname": "InstanceDown",
        "instance": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}:9100",
        "job": "node",
        "severity": "warning" if number % 4 else "critical",
        "cluster": "production-a",
        "datacenter": "sh-1",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {
            "summary": f"Instance {number} down",
            "description": "The node exporter of this instance has not answered for more than five minutes. " * 4,
            "runbook_url": "https://wiki.example/runbooks/instance-down",
        },
        "startsAt": "2026-01-05T01:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "fingerprint": f"{number:016x}",
    }
    return orjson.dumps(
        {
            "version": "4",
            "receiver": "tocsin",
            "status": "firing",
            "groupKey": '{}:{alertname="InstanceDown"}',
            "groupLabels": {"alertname": "InstanceDown"},
            "commonLabels": {"alertname": "InstanceDown", "job": "node"},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example:9093",
            "truncatedAlerts": 0,
            "alerts": [alert],
        }
    )


def floor(folder: Path, bodies: list[bytes]) -> float:
    connection = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE alerts (id INTEGER PRIMARY KEY, body BLOB)")
    began = time.perf_counter()
    for start in range(0, len(bodies), 64):
        rows = [(orjson.dumps(orjson.loads(b)["alerts"][0]),) for b in bodies[start : start + 64]]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO alerts (body) VALUES (?)", rows)
        connection.execute("COMMIT")
    return len(bodies) / (time.perf_counter() - began)


async def take(store: Store, bodies: list[bytes], clock: SystemClock) -> None:
    for start in range(0, len(bodies), 500):
        await store.accept(
            [
                Raw(store.new_id(), "webhook", "prometheus", "alertmanager", clock.now(), b)
                for b in bodies[start : start + 500]
            ]
        )


async def drain(intake: Intake, count: int) -> float:
    began = time.perf_counter()
    while await intake.step():
        pass
    return count / (time.perf_counter() - began)


async def main(count: int) -> None:
    logging.disable(logging.INFO)
    config, clock = load(CONFIG), SystemClock()
    book, bodies = config.book(), [body(n) for n in range(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = floor(folder, bodies)
        async with opened(f"sqlite://{folder}/bench.sqlite3", clock) as store:
            intake = Intake(store, parsers.load(), lambda _: None, lambda: book, clock, Metrics(), Signer("k" * 32))
            print(f"floor     {bare:8.0f}/s  orjson + append, 64 a commit, FULL ({len(bodies[0])} bytes a body)")
            for what in ("distinct", "repeats", "repeats", "distinct, second half"):
                await take(store, bodies if "second" not in what else [body(n + count) for n in range(count)], clock)
                rate = await drain(intake, count)
                print(f"{what:9} {rate:8.0f}/s  {rate / bare:5.2f} of the floor")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ALERTS))
