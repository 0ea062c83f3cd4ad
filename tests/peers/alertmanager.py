"""A private Alertmanager with one webhook receiver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.peers import web
from tests.peers.process import Process, free_port

_CONFIG = """\
route:
  receiver: tocsin
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: tocsin
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          authorization:
            credentials: {token}
"""


def _program() -> str | None:
    return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


def missing() -> str:
    return "" if _program() else "Alertmanager is not installed"


class Alertmanager:
    def __init__(self, port: int, process: Process) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process = process

    @property
    def log(self) -> str:
        return self._process.log

    def post(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Alerts as a Prometheus would post them."""
        answer = web.post(f"{self.url}/api/v2/alerts", list(alerts))
        assert answer.status == 200, answer.text

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = web.get(f"{self.url}/api/v2/alerts").json()
        return found


@contextmanager
def running(root: Path, webhook: str, token: str) -> Iterator[Alertmanager]:
    """Starts one in the empty folder `root`; it posts every group to the URL `webhook` with the bearer `token`."""
    root.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (root / "alertmanager.yml").write_text(_CONFIG.format(url=webhook, token=token))
    argv = [
        _program() or "alertmanager",
        f"--config.file={root}/alertmanager.yml",
        f"--storage.path={root}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    process = Process(argv, root / "alertmanager.log", cwd=root)
    try:
        process.wait_ready(lambda: web.get(f"http://127.0.0.1:{port}/-/ready").status == 200)
        yield Alertmanager(port, process)
    finally:
        process.kill()
