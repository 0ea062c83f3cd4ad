"""A daemon that cannot start says why in one line, and ends with the code that its supervisor can act on."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable

from tests.peers.process import free_port as a_free_port
from tests.peers.tocsin import PROGRAM, Daemon


def run(tocsin: Daemon) -> tuple[int, list[str]]:
    """Exit code, and the lines on standard error, of a start that is expected to fail."""
    done = subprocess.run(
        [PROGRAM, "run", "--config", tocsin.config],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tocsin.folder,
        env=tocsin.environment,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, done.stderr.splitlines()


def test_a_second_daemon_on_one_sqlite_file_is_refused_in_one_line(daemon: Callable[..., Daemon]) -> None:
    first = daemon()
    second = daemon(start=False, database=f"sqlite://{first.folder}/tocsin.sqlite3")

    code, lines = run(second)

    assert code == 1
    assert "tocsin.sqlite3" in lines[-1]
    assert len([line for line in lines if line.startswith("tocsin")]) == 1, lines
    assert first.is_ready()


def test_a_port_in_use_is_named(daemon: Callable[..., Daemon]) -> None:
    for setting in ("http_port", "smtp_port"):
        with socket.socket() as taken:
            port = a_free_port()
            taken.bind(("127.0.0.1", port))
            taken.listen()
            code, lines = run(daemon(start=False, **{setting: port}))
        assert code == 1
        assert str(port) in lines[-1]


def test_a_wrong_config_says_all_of_its_faults(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon(
        start=False,
        people='[[people]]\nname = "A"\nemail = "not an address"\n[[people]]\nname = "B"\nmobile = "call me"\n',
        policy='quiet_period = "soon"\nquite_period = "1m"\n',
    )

    code, lines = run(tocsin)
    checked = tocsin.cli("check", ok=False)

    said = "\n".join(lines)
    assert code == checked.returncode == 2
    for place in ("people[0].email", "people[1].mobile", "policy.quiet_period", "policy.quite_period"):
        assert f"config.toml: {place}" in said, said
        assert place in checked.stderr + checked.stdout
    assert "quiet_period" in next(line for line in lines if "quite_period" in line), "the nearest known key"


def test_a_config_that_is_not_there_or_no_toml_is_a_fault_of_the_call(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon(start=False)
    tocsin.config.write_text("locale = ")
    assert run(tocsin)[0] == 2
    tocsin.config.unlink()
    code, lines = run(tocsin)
    assert code == 2
    assert "config.toml" in lines[-1]


def test_a_database_that_cannot_be_opened_is_one_line(daemon: Callable[..., Daemon]) -> None:
    port = a_free_port()
    code, lines = run(daemon(start=False, database=f"postgres://nobody:hidden@127.0.0.1:{port}/tocsin"))
    assert code == 1
    assert len(lines) == 1, lines
    assert "127.0.0.1" in lines[0]
    assert "hidden" not in "\n".join(lines)
