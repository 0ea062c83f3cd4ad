"""How fast the core decides, in one thread, against a floor measured in the same run: parsing the same signal's JSON.

    .venv/bin/python tests/bench/bench_core.py [--simulate]

Prints reports a second for: alerts that register, alerts that repeat, mails that register; the next complaint of a
fault with 10 and with 5,000 linked tickets; with --simulate, a scenario of 10,000 mails over 30 virtual days.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from daemon.config import load
from daemon.core import deadlines
from daemon.core.book import Book
from daemon.core.known import Known
from daemon.core.triage import triage
from daemon.simulation.engine import simulate
from parsers import ALERT, MAIL, Mail, Raw, Report

ROOT = Path(__file__).parents[2]
N = 20_000
GOAL = 20_000
BODY = orjson.dumps(
    {"title": "disk full", "labels": {f"label{n}": f"value {n}" for n in range(12)}, "text": "on host-17 " * 40}
)
TEXTS = (
    ("无法充值", "用户充值一直提示系统繁忙，从上午九点开始，麻烦尽快看一下。" * 4),
    ("Please extend the disk", "From 200 GB to 500 GB, any time this week is fine for us. Thanks. " * 4),
    ("请问如何开通国际漫游", "下个月出差需要用到，谢谢。" * 4),
)


def rate(work: Callable[[int], object], count: int = N) -> float:
    """Calls per second of this process's own time: what else the machine does is not counted."""
    began = time.process_time()
    for n in range(count):
        work(n)
    return count / (time.process_time() - began)


def alert(n: int) -> tuple[Report, Raw]:
    labels = {"service": "portal", "severity": "warning", "instance": f"host-{n}", "alertname": "DiskFull"}
    report = Report(ALERT, f"disk {n} full", key=f"k{n}", severity="warning", labels=labels, text="on host " * 20)
    return report, Raw(n + 1, "webhook", "prometheus", "alertmanager", n, b"")


def mail(n: int) -> tuple[Report, Raw]:
    subject, text = TEXTS[n % len(TEXTS)]
    letter = Mail(message_id=f"m{n}@x", sender=f"u{n}@customer.example", own_text=text)
    return Report(MAIL, subject, text=text, mail=letter), Raw(n + 1, "smtp", "support@*", "customer_mail", n, b"")


def decide(signal: tuple[Report, Raw], known: Known, book: Book, now: int) -> None:
    triage(*signal, known, book, now)
    for change in known.changes.values():
        deadlines.arm(change.incident, book, now)
    known.changes.clear()


def fresh(start: int = 0) -> Known:
    numbers = iter(range(start + 1, 10**9))
    return Known(number=lambda: next(numbers))


def complaints(book: Book, linked: int) -> float:
    """Complaints a second for a fault that has `linked` already; what is loaded is the fault alone."""
    known = fresh()
    decide(alert(0), known, book, 0)
    fault = known.incidents[1]
    fault.complaints_counted = linked

    def one(n: int) -> None:
        known.incidents = {1: fault}
        known.threads.clear()
        known.faults, known.tickets = {"portal": {1}}, {"portal": set()}
        letter = Mail(message_id=f"c{n}@x", sender=f"u{n}@x.example", own_text="门户无法登录")
        signal = (
            Report(MAIL, "门户无法登录", text="门户无法登录", mail=letter),
            Raw(n + 9, "smtp", "s", "customer_mail", 1, b""),
        )
        decide(signal, known, book, 1)

    return rate(one, 3000)


def main() -> None:
    book = load(ROOT / "config.toml", {}).book()
    book.finder.find("warm")
    floor = rate(lambda n: orjson.loads(BODY))
    known = fresh()
    results = {"alerts that register": rate(lambda n: decide(alert(n), known, book, n))}
    results["alerts that repeat"] = rate(lambda n: decide(alert(n), known, book, N + n))
    letters = fresh()

    def write(n: int) -> None:
        decide(mail(n), letters, book, n)
        letters.faults.clear()
        letters.tickets.clear()

    results["mails that register"] = rate(write)
    results["the next of 10 complaints"] = complaints(book, 10)
    results["the next of 5,000 complaints"] = complaints(book, 5000)
    print(f"floor: orjson.loads of {len(BODY)} bytes {floor:,.0f} a second; goal {GOAL:,} reports a second")
    for name, found in results.items():
        print(f"{name:32} {found:>10,.0f} a second   {found / floor:.3f} of the floor")
    if "--simulate" in sys.argv:
        simulated()


def simulated() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "month.jsonl"
        lines = [
            {
                "at": f"{n * 259}s",
                "mail": {"from": f"u{n}@customer.example", "subject": TEXTS[n % 3][0], "text": TEXTS[n % 3][1]},
            }
            for n in range(10_000)
        ]
        path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
        began = time.perf_counter()
        simulate(load(ROOT / "config.toml", {}), path, None, True, io.StringIO())
        print(f"10,000 mails over 30 virtual days: {time.perf_counter() - began:.1f} s (goal 60 s)")


if __name__ == "__main__":
    main()
