"""What systemd asks of a service of Type=notify, seen from systemd's end of the socket; and the unit itself."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon

UNIT = Path(__file__).parents[2] / "systemd" / "tocsin.service"


class Supervisor:
    """A notification socket, and every line that came in over it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def said(self, word: str) -> bool:
        return self.times(word) > 0

    def times(self, word: str) -> int:
        while True:
            try:
                self.lines += self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return sum(line.startswith(word) for line in self.lines)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "notify")
    yield made
    made.close()


def test_it_says_when_it_is_ready_that_it_lives_and_when_it_stops(
    daemon: Callable[..., Daemon], supervisor: Supervisor
) -> None:
    tocsin = daemon(start=False)
    tocsin.start(env={"NOTIFY_SOCKET": str(supervisor.path), "WATCHDOG_USEC": "1000000"})

    wait_until(lambda: supervisor.said("READY=1"), 10, "READY=1")
    wait_until(lambda: supervisor.times("WATCHDOG=1") >= 3, 5, "the watchdog is fed")
    tocsin.hang_up()
    wait_until(lambda: supervisor.times("READY=1") >= 2, 10, "ready again after the reload")
    assert supervisor.said("RELOADING=1")
    assert tocsin.stop() == 0
    assert supervisor.said("STOPPING=1")


def test_ready_is_not_said_before_the_doors_are_open(daemon: Callable[..., Daemon], supervisor: Supervisor) -> None:
    tocsin = daemon(start=False)
    tocsin.start(ready=False, env={"NOTIFY_SOCKET": str(supervisor.path)})
    wait_until(lambda: supervisor.said("READY=1"), 20, "READY=1")
    assert tocsin.is_ready()


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "tocsin.service"
    unit.write_text(UNIT.read_text().replace("/opt/tocsin/.venv/bin/tocsin", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
