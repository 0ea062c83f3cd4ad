"""Fixtures that every test may use, and the count of what was left out for want of a real peer."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers import alertmanager as alertmanager_peer
from tests.peers import postfix as postfix_peer
from tests.peers import process
from tests.peers import prometheus as prometheus_peer
from tests.peers.tocsin import Daemon, Prepared, Settings, prepare


def _peer_fixtures(*modules: str) -> list[str]:
    """Peers that bring fixtures of their own are plug-ins; one that is not there leaves only its tests out."""
    return [name for name in modules if importlib.util.find_spec(name) is not None]


pytest_plugins = _peer_fixtures("tests.peers.postgres", "tests.peers.smtp_sink")


@pytest.fixture
def free_port() -> int:
    return process.free_port()


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., object]:
    return process.wait_until


@pytest.fixture
def tocsin_config(tmp_path: Path) -> Callable[..., Path]:
    """`tocsin_config(policy='quiet_period = "1s"')` writes a config and returns its path; fields of `Settings`."""

    def write(**overrides: str | int) -> Path:
        return Settings(**overrides).write(tmp_path)  # type: ignore[arg-type]

    return write


@pytest.fixture(scope="session")
def prepared_database(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def daemon(tmp_path: Path, prepared_database: Prepared) -> Iterator[Callable[..., Daemon]]:
    """`daemon(policy=…)` runs the real program and returns it when it is ready; `start=False` only prepares it.

    Each has a folder of its own; all are killed at the end.
    """
    made: list[Daemon] = []

    def build(start: bool = True, **overrides: str | int) -> Daemon:
        folder = tmp_path / f"daemon{len(made)}"
        folder.mkdir()
        one = Daemon(folder, Settings(**overrides), prepared_database)  # type: ignore[arg-type]
        made.append(one)
        return one.start() if start else one

    yield build
    for one in made:
        if one.process is not None:
            one.process.kill()


@pytest.fixture
def postfix() -> Iterator[Callable[[int], postfix_peer.Postfix]]:
    """`postfix(door)`: a private Postfix that relays mail for tocsin.example to that port."""
    if reason := postfix_peer.missing():
        pytest.skip(reason)
    with ExitStack() as stack:
        yield lambda door: stack.enter_context(postfix_peer.running(door))


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Callable[[str, str], alertmanager_peer.Alertmanager]]:
    """`alertmanager(webhook_url, token)`: a private Alertmanager."""
    if reason := alertmanager_peer.missing():
        pytest.skip(reason)
    with ExitStack() as stack:
        yield lambda url, token: stack.enter_context(alertmanager_peer.running(tmp_path / "alertmanager", url, token))


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Callable[..., prometheus_peer.Prometheus]]:
    """`prometheus(targets={"job": "host:port"}, rules="…", alertmanager="host:port")`: a private Prometheus."""
    if reason := prometheus_peer.missing():
        pytest.skip(reason)
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(prometheus_peer.running(tmp_path / "prometheus", **how))


def pytest_sessionfinish() -> None:
    process.kill_all()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests were left out and why: a green run that tested half is not a green run."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    reasons = Counter(
        str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr) for report in skipped
    )
    terminalreporter.section(f"{len(skipped)} skipped")
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count:4d}  {reason.removeprefix('Skipped: ')}")
