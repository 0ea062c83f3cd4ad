"""What reading mailboxes costs: `python -m tests.bench.bench_mailbox`.

1. A backlog of mails in a real Dovecot until all are incidents, against the barest client that could fetch them
   (one connection, batches of 500, nothing kept): a ratio, and mails a second.
2. From an appended mail to its incident, with IDLE.
3. Idle mailboxes: processor and memory of the daemon.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.peers import dovecot
from tests.peers.dovecot import PASSWORD, Dovecot, letter
from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon, Settings

GOALS = {"mails": 500.0, "latency": 1.0, "cpu": 5.0, "memory": 300.0}
BYTES = 3600


def table(server: Dovecot, name: str, user: str) -> str:
    return (
        f'[[mailboxes]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {server.tls_port}\ntls_ca = "{server.ca}"\n'
        f'username = "{user}"\npassword = "{PASSWORD}"\nimport = "all"\n\n'
    )


def floor(server: Dovecot, user: str) -> float:
    """Mails a second that a client gets which does nothing with them."""
    start = time.perf_counter()
    with server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")
        for first in range(0, len(uids), 500):
            client.fetch(uids[first : first + 500], ["BODY.PEEK[]"])
    return len(uids) / (time.perf_counter() - start)


def backlog(server: Dovecot, folder: Path, count: int, database: str) -> None:
    server.fill([letter(n, BYTES) for n in range(count)], user="backlog")
    bare = floor(server, "backlog")
    one = Daemon(folder, Settings(extra=table(server, "backlog", "backlog"), database=database))
    one.start(ready=False)
    start = time.perf_counter()
    try:
        wait_until(one.is_ready, 60)
        ask = lambda: one.metric("tocsin_signals_total", source="email", outcome="registered")  # noqa: E731
        wait_until(lambda: ask() >= count, 300, interval=1.0)  # a page of metrics costs some 50 ms
        seconds = time.perf_counter() - start
        used = cpu_of(one.running.pid)
        taken = one.metric("tocsin_mailbox_poll_seconds_sum", mailbox="backlog")
    finally:
        one.running.kill()
    rate, verdict = count / seconds, "met" if count / seconds >= GOALS["mails"] else "MISSED"
    print(f"backlog: {count} mails; bare client {bare:.0f} /s; registered {rate:.0f} /s with the start of the daemon")
    print(f"backlog: fetched and committed in {taken:.1f} s ({count / max(taken, 0.01):.0f} /s)")
    print(f"backlog: {used:.1f} s of processor in {seconds:.1f} s ({used / count * 1000:.2f} ms a mail, all told)")
    print(f"backlog: ratio {rate / bare:.3f}, goal {GOALS['mails']:.0f} /s {verdict}")


def latency(server: Dovecot, folder: Path, rounds: int) -> None:
    one = Daemon(folder, Settings(extra=table(server, "live", "live"))).start()
    try:
        wait_until(lambda: one.metric("tocsin_mailbox_last_success_timestamp_seconds", mailbox="live") > 0)
        times = []
        with server.client("live") as client:
            for n in range(rounds):
                start = time.perf_counter()
                client.append("INBOX", letter(f"live-{n}"))
                wait_until(lambda n=n: len(one.incidents()) > n, interval=0.005)
                times.append(time.perf_counter() - start)
    finally:
        one.running.kill()
    worst = max(times)
    verdict = "met" if worst <= GOALS["latency"] else "MISSED"
    print(f"append to incident: median {statistics.median(times):.3f} s, worst {worst:.3f} s of {rounds},", end=" ")
    print(f"of which Dovecot's own notice about 0.4 s; goal {GOALS['latency']:.0f} s {verdict}")


def idle(server: Dovecot, folder: Path, count: int, seconds: float) -> None:
    extra = "".join(table(server, f"m{n}", f"idle{n}") for n in range(count))
    one = Daemon(folder, Settings(extra=extra)).start()
    try:
        looked = lambda: [v for _, v in one.metrics()["tocsin_mailbox_last_success_timestamp_seconds"]]  # noqa: E731
        wait_until(lambda: len(looked()) == count and all(looked()), 60)
        before, start = cpu_of(one.running.pid), time.perf_counter()
        time.sleep(seconds)
        used = (cpu_of(one.running.pid) - before) / (time.perf_counter() - start) * 100
        memory = memory_of(one.running.pid)
    finally:
        one.running.kill()
    good = used <= GOALS["cpu"] and memory <= GOALS["memory"]
    print(f"{count} idle mailboxes (TLS, IDLE): {used:.1f} % of a core, {memory:.0f} MB (PSS),", end=" ")
    print(f"goals {GOALS['cpu']:.0f} % and {GOALS['memory']:.0f} MB {'met' if good else 'MISSED'}")


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:"))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=["backlog", "latency", "idle"])
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--mailboxes", type=int, default=100)
    options.add_argument("--seconds", type=float, default=30.0, help="how long the idle ones are watched")
    options.add_argument("--postgres", default="", metavar="URL", help="an empty database for the backlog")
    given = options.parse_args()
    if reason := dovecot.missing():
        print(f"left out: {reason}")
        return
    with dovecot.running() as server, tempfile.TemporaryDirectory() as scratch:
        for name in ("backlog", "latency", "idle"):
            folder = Path(scratch) / name
            folder.mkdir()
            if given.only not in (None, name):
                continue
            if name == "backlog":
                backlog(server, folder, given.mails, given.postgres)
            elif name == "latency":
                latency(server, folder, 20)
            else:
                idle(server, folder, given.mailboxes, given.seconds)


if __name__ == "__main__":
    main()
