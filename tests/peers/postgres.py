"""A private PostgreSQL: one cluster for a test session, a fresh database for each test.

It listens on 127.0.0.1 only, trusts everybody there and does not wait for the disk. As root it runs as the user
`postgres`, for the server refuses to run as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.peers.process import Process, free_port, listens, wait_until

USER = "postgres"
_numbers = count(1)


def binaries() -> Path | None:
    """The folder with initdb and postgres: on the PATH, or where Debian keeps it (the newest)."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4].partition(".")[0]))
    return kept[-1].parent if kept else None


def missing() -> str:
    """Why there can be no PostgreSQL here; "" when there can."""
    if binaries() is None:
        return "PostgreSQL (initdb) is not installed"
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            return "PostgreSQL does not run as root, and there is no setpriv to become somebody else"
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no user {USER}"
    return ""


class Postgres:
    """The server. `kill` and `start` again keep what was committed."""

    def __init__(self, folder: Path) -> None:
        found = binaries()
        assert found is not None
        self.folder, self.port, self._bin = folder, free_port(), found
        root = os.geteuid() == 0
        self._as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"] if root else []
        if root:
            shutil.chown(folder, USER)
        self._data = folder / "data"
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self._process: Process | None = None

    def _run(self, program: str, *arguments: str | Path) -> None:
        argv = [*self._as_user, self._bin / program, *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=self.folder)
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def start(self) -> Postgres:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "60",
            "deadlock_timeout": "200ms",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        guard = ["--pdeathsig", "KILL"] if self._as_user else []  # becoming somebody else has cleared the first one
        argv = [*self._as_user, *guard, self._bin / "postgres", "-D", self._data, "-p", str(self.port), *options]
        self._process = Process(argv, self.folder / "log", cwd=self.folder)
        self._process.wait_ready(lambda: listens(self.port) and "ready to accept connections" in self._process.log)
        wait_until(lambda: self.sql("SELECT 1") or True, what="PostgreSQL answers")
        return self

    def kill(self) -> None:
        """As if the power went: no goodbye to the clients."""
        if self._process is not None:
            self._process.send(signal.SIGQUIT)
            self._process.wait()
            (self.folder / "log").unlink(missing_ok=True)
            self._process = None

    def sql(self, text: str, database: str = USER) -> None:
        self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database, "-qXc", text)

    def url(self, database: str) -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The session's server, running. A test that kills it starts it again."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="tocsin-postgres-"))
    try:
        server = Postgres(folder).start()
        yield server
        server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The URL of an empty database, dropped afterwards."""
    name = f"tocsin_{next(_numbers)}"
    postgres_server.sql(f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    postgres_server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """For tests that must hold on both databases: a file in a fresh folder, then PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite://{tmp_path}/var/tocsin.sqlite3"
    url: str = request.getfixturevalue("postgres_url")
    return url
