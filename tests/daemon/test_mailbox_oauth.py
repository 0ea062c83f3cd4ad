"""XOAUTH2: tokens from a command and from an endpoint, renewed when a server refuses them, never said."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from daemon.config import load
from daemon.doors.mailbox import boxes_of
from daemon.doors.mailbox_oauth import Grant, Tokens
from daemon.doors.mailbox_parts import LoginRefused, Lost
from tests.daemon.mailbox_room import room
from tests.daemon.test_mailbox_quirks import box_of
from tests.peers import imap_script
from tests.peers.dovecot import letter
from tests.peers.imap_script import Script


class Endpoint:
    """A token endpoint; `answers` are given one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.answers: list[tuple[int, Any]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                endpoint.forms.append(dict(parse_qsl(body)))
                status, answer = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def server() -> Iterator[Script]:
    with imap_script.running() as script:
        yield script


def grant(endpoint: Endpoint, **changes: Any) -> Grant:
    known = Grant(url=endpoint.url, client_id="id", client_secret="cs", refresh_token="r1", scope="s")
    return replace(known, **changes)


@pytest.mark.asyncio
async def test_a_token_that_the_server_refuses_is_renewed(server: Script, endpoint: Endpoint, tmp_path: Path) -> None:
    server.tokens, server.mails = {"good"}, {1: letter(1)}
    endpoint.answers = [
        (200, {"access_token": "old", "expires_in": 3600, "refresh_token": "r2"}),
        (200, {"access_token": "good", "expires_in": 3600}),
    ]
    async with room(tmp_path, box_of(server, credentials=Tokens(grant(endpoint)))) as one:
        await one.until_mails(1)
        assert one.seen.failures["login"] == 1
    assert [form["refresh_token"] for form in endpoint.forms] == ["r1", "r2"]
    assert endpoint.forms[0] == {
        "client_id": "id",
        "scope": "s",
        "client_secret": "cs",
        "grant_type": "refresh_token",
        "refresh_token": "r1",
    }


@pytest.mark.asyncio
async def test_a_token_comes_from_a_command_without_a_shell(server: Script, tmp_path: Path) -> None:
    server.tokens, server.mails = {"$(good);*"}, {1: letter(1)}
    credentials = Tokens(Grant(command=(sys.executable, "-c", "import sys; print(sys.argv[1])", "$(good);*")))
    async with room(tmp_path, box_of(server, credentials=credentials)) as one:
        await one.until_mails(1)


def test_a_token_is_used_until_a_minute_before_its_end(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {"access_token": "a", "expires_in": 3600}), (200, {"access_token": "b"})]
    clock = SimpleNamespace(now=0.0)
    tokens = Tokens(grant(endpoint), lambda: clock.now)
    assert [tokens.secret(), tokens.secret()] == ["a", "a"]
    clock.now = 3539.0
    assert tokens.secret() == "a"
    clock.now = 3541.0
    assert tokens.secret() == "b"


def test_without_a_refresh_token_the_client_speaks_for_itself(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {"access_token": "a"})]
    Tokens(grant(endpoint, refresh_token="")).secret()
    assert endpoint.forms[0]["grant_type"] == "client_credentials"


@pytest.mark.parametrize(
    ("status", "answer", "error", "says"),
    [
        (400, {"error": "invalid_grant", "error_description": "r1 is no good"}, LoginRefused, "400 invalid_grant"),
        (401, b"<html>", LoginRefused, "401"),
        (503, {}, Lost, "503"),
        (429, {}, Lost, "429"),
        (200, {}, LoginRefused, "no access token"),
        (200, {"access_token": 7}, LoginRefused, "no access token"),
        (200, b"[" * 100_000, Lost, "JSON"),
        (200, b"[]", LoginRefused, "no access token"),
        (302, {}, LoginRefused, "302"),
    ],
)
def test_what_an_endpoint_may_answer_instead(
    endpoint: Endpoint, status: int, answer: Any, error: type[Exception], says: str
) -> None:
    endpoint.answers = [(status, answer)]
    with pytest.raises(error, match=says) as caught:
        Tokens(grant(endpoint)).secret()
    assert "r1" not in str(caught.value)


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("raise SystemExit(3)", "ended with 3"),
        ("pass", "printed no token"),
        ("print('two words')", "printed no token"),
        ("print('é')", "printed no token"),
    ],
)
def test_what_a_command_may_do_instead(program: str, says: str) -> None:
    with pytest.raises(LoginRefused, match=says):
        Tokens(Grant(command=(sys.executable, "-c", program))).secret()
    with pytest.raises(LoginRefused, match="No such file"):
        Tokens(Grant(command=("/no/such/program",))).secret()


@pytest.mark.parametrize(
    ("table", "url", "scope"),
    [
        ('provider = "google"\nclient_id = "i"\nclient_secret = "c"\nrefresh_token = "r"',
         "https://oauth2.googleapis.com/token", ""),
        ('provider = "microsoft"\nclient_id = "i"\nrefresh_token = "r"',
         "https://login.microsoftonline.com/common/oauth2/v2.0/token",
         "https://outlook.office365.com/IMAP.AccessAsUser.All offline_access"),
        ('tenant = "t/../x"\nclient_id = "i"\nclient_secret = "c"',
         "https://login.microsoftonline.com/t%2F..%2Fx/oauth2/v2.0/token",
         "https://outlook.office365.com/.default"),
    ],
)  # fmt: skip
def test_the_endpoints_of_microsoft_and_google_are_known(tmp_path: Path, table: str, url: str, scope: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[[mailboxes]]\nname = "m"\nhost = "h"\nusername = "u"\n[mailboxes.oauth2]\n{table}\n')
    [box] = boxes_of(load(path, {}))
    assert isinstance(box.credentials, Tokens)
    assert (box.credentials._grant.url, box.credentials._grant.scope) == (url, scope)
    assert "client_secret" not in repr(box)
