"""Real programs as children of a test: started in a session of their own, logged to a file, never left behind."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_living: set[Process] = set()
_pause = threading.Event()  # never set: waiting on it is the pause between two looks


def wait_until(predicate: Callable[[], T], timeout: float = 10.0, what: str = "", interval: float = 0.03) -> T:
    """Asks `predicate` until it answers something true, and returns that.

    Raises AssertionError after `timeout` seconds with the last answer. An AssertionError or OSError of the
    predicate counts as "not yet": the program that it asks may still be on its way up.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            answer = predicate()
            if answer:
                return answer
            last = answer
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout:g} s: {what or predicate!r}; last: {last!r}")
        _pause.wait(interval)


def stays(predicate: Callable[[], object], seconds: float, what: str = "") -> None:
    """Asserts that `predicate` is true now and at every look for `seconds`: what must not happen did not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), f"no longer true: {what or predicate!r}"
        _pause.wait(0.05)


# Below the range from which the kernel takes client ports, or one may be gone again before its program has bound it;
# a slice for each test run and every port in turn, or two runs at a time might be given the same one.
_slice = 20_000 + os.getpid() % 40 * 250
_ports = itertools.cycle(range(_slice, _slice + 250))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    for port in itertools.islice(_ports, 250):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port on 127.0.0.1")


def listens(port: int) -> bool:
    """Whether somebody accepts connections on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A running program. Its standard output and error go to `log_path`."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.log_path = log_path
        # A test run that is itself killed with -9 must not leave servers behind: the kernel ends them with it.
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with log_path.open("ab") as log:
            self.popen = subprocess.Popen(
                [*guard, *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(os.environ) if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        _living.add(self)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs, negative when a signal ended it."""
        return self.popen.poll()

    def wait_ready(self, ready: Callable[[], object], timeout: float = 20.0) -> None:
        """Waits until `ready` answers true. Raises AssertionError with the end of the log when it never does."""

        def look() -> bool:
            if self.code is not None:
                return True
            return bool(ready())

        try:
            wait_until(look, timeout, f"{self.argv[0]} is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log[-3000:]}") from None
        assert self.code is None, f"{self.argv[0]} ended with {self.code}:\n{self.log[-3000:]}"

    def send(self, number: signal.Signals) -> None:
        if self.code is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float = 15.0) -> int:
        """Its exit code. Raises AssertionError, after killing it, when it does not end in time."""
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.argv[0]} did not end within {timeout:g} s:\n{self.log[-3000:]}") from None
        self._reap_group()
        return code

    def stop(self, timeout: float = 15.0) -> int:
        self.send(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """SIGKILL to the program and everything that it started."""
        self._reap_group()
        self.popen.wait(10)

    def _reap_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        _living.discard(self)


def kill_all() -> None:
    """Ends whatever a test left running; the session's last act."""
    for process in list(_living):
        process.kill()
