"""What does not come is a fault, and we say ourselves that we live."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.peers import web
from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon

HEARTBEAT = '[[heartbeats]]\nname = "backup"\nevery = "1s"\ngrace = "1s"\ntoken = "beat"\nservice = "billing"\n'


@pytest.fixture
def watcher() -> Iterator[tuple[str, list[str]]]:
    """(address, what was asked for)."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ping/secret-path", asked
    server.shutdown()
    server.server_close()


def test_a_missed_heartbeat_is_an_incident_and_the_next_beat_resolves_it(daemon: Callable[..., Daemon]) -> None:
    one = daemon(extra=HEARTBEAT)
    assert web.post(f"{one.url}/heartbeats/backup", token="beat").status == 200
    [incident] = wait_until(one.incidents)
    assert incident["title"] == "心跳丢失 Heartbeat backup is missed"
    assert (incident["kind"], incident["service"], incident["status"]) == ("fault", "billing", "registered")
    assert one.metric("tocsin_heartbeat_missed", heartbeat="backup") == 1
    assert web.get(f"{one.url}/heartbeats/backup?token=beat").status == 200
    wait_until(lambda: one.incidents()[0]["status"] == "resolved")
    assert one.metric("tocsin_heartbeat_missed", heartbeat="backup") == 0
    assert web.post(f"{one.url}/heartbeats/backup", token="wrong").status == 401


def test_a_sign_of_life_goes_out_while_all_is_well_and_its_address_is_not_said(
    daemon: Callable[..., Daemon], watcher: tuple[str, list[str]]
) -> None:
    url, asked = watcher
    one = daemon(extra=f'[dead_man]\nurl = "{url}"\nevery = "1s"\n')
    wait_until(lambda: len(asked) >= 2)
    assert set(asked) == {"/ping/secret-path"}
    one.stop()
    count = len(asked)
    assert "secret-path" not in one.log
    assert len(asked) == count
