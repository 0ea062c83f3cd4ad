"""The daemon itself as a test meets it: a program with a config file, a log, an HTTP address and an SMTP port."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.peers import web
from tests.peers.process import Process, free_port, wait_until

PROGRAM = Path(sys.executable).with_name("tocsin")
TOKEN = "test-token"

PEOPLE = {
    "service_desk": "desk",
    "first_line": "first",
    "second_line": "second",
    "support_lead": "lead",
    "incident_manager": "manager",
    "service_manager": "operations",
    "service_director": "director",
    "company_leader": "leader",
}
"""Role -> id of its only holder, whose address is <id>@ops.example."""

_WEBHOOKS = f"""\
[[webhooks]]
name = "prometheus"
parser = "alertmanager"
token = "{TOKEN}"
"""

_FILES = """\
[channels.email]
provider = "file"
path = "{outbox}/email.jsonl"

[channels.sms]
provider = "file"
path = "{outbox}/sms.jsonl"
"""


@dataclass
class Settings:
    """What a test says about its daemon; the rest is a quiet default. Every field but the ports is TOML text."""

    http_port: int = 0
    smtp_port: int = 0
    database: str = ""  # a URL; "" = a SQLite file of this daemon's own
    locale: str = "en"
    http: str = ""  # further lines of [http]
    smtp: str = ""  # further lines of [smtp]
    channels: str = ""  # instead of the file channels; {outbox} is their folder
    webhooks: str = _WEBHOOKS
    services: str = '[[services]]\nname = "billing"\nkeywords = ["billing"]\naliases = ["bill"]\n'
    customers: str = '[[customers]]\nname = "Customer A"\ndomains = ["customer.example"]\n'
    people: str = ""  # instead of one holder for each role
    policy: str = ""  # the body of [policy] and its tables
    extra: str = ""

    def write(self, folder: Path) -> Path:
        """Writes `folder`/config.toml and returns its path."""
        self.http_port = self.http_port or free_port()
        self.smtp_port = self.smtp_port or free_port()
        outbox = folder / "outbox"
        outbox.mkdir(parents=True, exist_ok=True)
        people = self.people or "\n".join(
            f'[[people]]\nid = "{who}"\nname = "{who.capitalize()}"\nemail = "{who}@ops.example"\n'
            f'mobile = "+861380000{number:04d}"\nroles = ["{role}"]\n'
            for number, (role, who) in enumerate(PEOPLE.items())
        )
        database = self.database or f"sqlite://{folder}/tocsin.sqlite3"
        text = f"""\
locale = "{self.locale}"
timezone = "Asia/Shanghai"

[database]
url = "{database}"

[http]
listen = "127.0.0.1:{self.http_port}"
public_url = "http://127.0.0.1:{self.http_port}"
{self.http}

[smtp]
listen = "127.0.0.1:{self.smtp_port}"
hostname = "tocsin.example"
allow = ["127.0.0.0/8", "::1"]
{self.smtp}
[[smtp.routes]]
to = "alerts@*"
as = "alert"
[[smtp.routes]]
to = "*"
as = "support"

{(self.channels or _FILES).replace("{outbox}", str(outbox))}
{self.webhooks}
{self.customers}
{self.services}
{people}
[policy]
{self.policy}

[security]
key = {{ file = "{folder}/key" }}

{self.extra}
"""
        path = folder / "config.toml"
        path.write_text(text, "utf-8")
        return path


@dataclass(frozen=True)
class Prepared:
    """A SQLite file at this version, with an admin token in it: made once, copied for each daemon that wants one,
    because two runs of the command line cost as much as the rest of a short test."""

    file: Path
    token: str


def prepare(folder: Path) -> Prepared:
    """Makes one in the empty `folder`, by the command line."""
    made = Daemon(folder, Settings())
    made.cli("db", "upgrade")
    return Prepared(folder / "tocsin.sqlite3", made.token())


class Daemon:
    """One `tocsin run` after another on the same config: the program may be killed and started again."""

    def __init__(self, folder: Path, settings: Settings, prepared: Prepared | None = None) -> None:
        self.folder = folder
        self.settings = settings
        self.prepared = None if settings.database else prepared
        self.config = settings.write(folder)
        self.url = f"http://127.0.0.1:{settings.http_port}"
        self.smtp_port = settings.smtp_port
        self.process: Process | None = None
        self._tokens: dict[str, str] = {}

    def start(self, ready: bool = True, timeout: float = 30.0, env: Mapping[str, str] | None = None) -> Daemon:
        """Starts the program; with `ready` returns when /readyz says yes. `env`: further environment variables."""
        assert self.process is None or self.process.code is not None, "it runs already"
        if self.process is None and self.prepared:
            shutil.copyfile(self.prepared.file, self.folder / "tocsin.sqlite3")
            self._tokens["admin"] = self.prepared.token
        elif self.process is None:
            self.cli("db", "upgrade")
        argv: list[str | Path] = [PROGRAM, "run", "--config", self.config]
        self.process = Process(argv, self.folder / "tocsin.log", self.environment | dict(env or {}), self.folder)
        if ready:
            self.process.wait_ready(self.is_ready, timeout)
        return self

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TOCSIN_", "NOTIFY_SOCKET", "WATCHDOG_"))}
        return kept | {"PYTHONUNBUFFERED": "1"}

    def is_ready(self) -> bool:
        try:
            return web.get(f"{self.url}/readyz", timeout=3).status == 200
        except OSError:
            return False

    @property
    def log(self) -> str:
        path = self.folder / "tocsin.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    @property
    def running(self) -> Process:
        assert self.process is not None, "it was never started"
        return self.process

    def kill9(self) -> None:
        self.running.kill()

    def stop(self, timeout: float = 20.0) -> int:
        """SIGTERM; its exit code."""
        return self.running.stop(timeout)

    def hang_up(self) -> None:
        self.running.send(signal.SIGHUP)

    def restart(self) -> Daemon:
        if self.running.code is None:
            self.stop()
        return self.start()

    def outbox(self, channel: str) -> list[dict[str, Any]]:
        """Every message that the file channel wrote, in order."""
        path = self.folder / "outbox" / f"{channel}.jsonl"
        if not path.exists():
            return []
        # A kill in the middle of a write may leave half a line, which nobody was told by.
        lines = path.read_text("utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def outbox_to(self, address: str, channel: str = "email") -> list[dict[str, Any]]:
        return [message for message in self.outbox(channel) if message["to"] == address]

    def cli(
        self, *args: str, ok: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs `tocsin ARGS --config …`; with `ok` asserts that it exits 0."""
        done = subprocess.run(
            [PROGRAM, *args, "--config", self.config],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env=self.environment | dict(env or {}),
            check=False,
        )
        assert not ok or done.returncode == 0, f"tocsin {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def token(self, scope: str = "admin") -> str:
        """An API token of that scope, made once with `tocsin token new`."""
        if scope not in self._tokens:
            lines = self.cli("token", "new", f"test-{scope}", "--scope", scope).stdout.split()
            assert len(lines) == 1, "the token stands alone on standard output"
            self._tokens[scope] = lines[0]
        return self._tokens[scope]

    def api(self, path: str, body: object = None, method: str = "") -> Any:
        """The JSON answer of /api/v1/PATH with an admin token; POST when there is a body. Asserts a 2xx."""
        method = method or ("GET" if body is None else "POST")
        answer = web.request(method, f"{self.url}/api/v1/{path}", body, token=self.token())
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.text}"
        return answer.json()

    def all_of(self, path: str, name: str) -> list[dict[str, Any]]:
        """Every row of a paged list: `all_of("incidents", "incidents")`."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        joint = "&" if "?" in path else "?"
        while True:
            page = self.api(f"{path}{joint}limit=200" + (f"&cursor={cursor}" if cursor else ""))
            rows += page[name]
            cursor = page.get("next") or ""
            if not cursor:
                return rows

    def incidents(self) -> list[dict[str, Any]]:
        return self.all_of("incidents", "incidents")

    def inbox(self) -> list[dict[str, Any]]:
        return self.all_of("inbox", "inbox")

    def timeline(self, number: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.api(f"incidents/{number}/timeline?limit=500")["timeline"]
        return rows

    def webhook(self, body: bytes | object, entry: str = "prometheus", token: str = TOKEN) -> web.Answer:
        return web.post(f"{self.url}/webhooks/{entry}", body, token)

    def metrics(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        """Sample name -> (labels, value) of every series."""
        answer = web.get(f"{self.url}/metrics")
        assert answer.status == 200, answer.text
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
        return found

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the series of that sample name whose labels match."""
        rows = self.metrics().get(name, [])
        return sum(value for have, value in rows if all(have.get(k) == v for k, v in labels.items()))

    def settled(self, timeout: float = 20.0) -> None:
        """Waits until nothing that came in waits to be understood."""
        wait_until(self._nothing_pending, timeout, "the inbox is empty")

    def _nothing_pending(self) -> bool:
        return not self.api("inbox?state=pending&limit=1")["inbox"]


Starter = Callable[..., Daemon]


def alert(name: str, state: str = "firing", severity: str = "critical", **labels: str) -> dict[str, Any]:
    """One alert of an Alertmanager body. Its fingerprint follows from the name."""
    return {
        "status": state,
        "labels": {"alertname": name, "severity": severity, "instance": "db1:9100", **labels},
        "annotations": {"summary": f"{name} is wrong"},
        "startsAt": "2026-01-05T01:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z" if state == "firing" else "2026-01-05T01:10:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": f"{abs(hash_of(name)):016x}",
    }


def hash_of(text: str) -> int:
    """The same in every run, unlike hash()."""
    value = 1469598103934665603
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


def group(*alerts: Mapping[str, Any]) -> dict[str, Any]:
    """An Alertmanager webhook body, version 4."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="x"}',
        "truncatedAlerts": 0,
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "receiver": "tocsin",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
    }
