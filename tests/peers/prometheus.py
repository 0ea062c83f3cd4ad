"""A private Prometheus with short intervals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.peers import web
from tests.peers.process import Process, free_port

_CONFIG = """\
global:
  scrape_interval: 500ms
  scrape_timeout: 400ms
  evaluation_interval: 500ms
rule_files: [rules.yml]
scrape_configs:
{scrapes}
alerting:
  alertmanagers:
    - static_configs:
        - targets: [{alertmanager}]
"""


def missing() -> str:
    return "" if shutil.which("prometheus") else "prometheus is not installed"


class Prometheus:
    def __init__(self, port: int, process: Process) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process = process

    @property
    def log(self) -> str:
        return self._process.log

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and present value of every series of an instant query."""
        answer = web.get(f"{self.url}/api/v1/query?query={quote(expression, safe='')}")
        assert answer.status == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]["result"]
        return [(row["metric"], float(row["value"][1])) for row in rows]

    def value(self, expression: str) -> float | None:
        """The value of the only series of the query; None when there is none."""
        rows = self.query(expression)
        assert len(rows) <= 1, rows
        return rows[0][1] if rows else None


@contextmanager
def running(root: Path, targets: Mapping[str, str], rules: str = "", alertmanager: str = "") -> Iterator[Prometheus]:
    """Starts one in the empty folder `root`.

    `targets`: job name -> "host:port" to scrape; `rules`: a rule file; `alertmanager`: its "host:port".
    """
    root.mkdir(parents=True, exist_ok=True)
    port = free_port()
    scrapes = "\n".join(
        f"  - job_name: {job}\n    static_configs:\n      - targets: ['{target}']" for job, target in targets.items()
    )
    (root / "prometheus.yml").write_text(
        _CONFIG.format(scrapes=scrapes or "  []", alertmanager=f"'{alertmanager}'" if alertmanager else "")
    )
    (root / "rules.yml").write_text(rules or "groups: []\n")
    argv = [
        "prometheus",
        f"--config.file={root}/prometheus.yml",
        f"--storage.tsdb.path={root}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        # It drops what it sends before it knows its Alertmanager, and says it again after a minute unless told so.
        "--rules.alert.resend-delay=1s",
    ]
    process = Process(argv, root / "prometheus.log", cwd=root)
    try:
        process.wait_ready(lambda: web.get(f"http://127.0.0.1:{port}/-/ready").status == 200)
        yield Prometheus(port, process)
    finally:
        process.kill()
