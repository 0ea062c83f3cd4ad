"""A plain HTTP client for tests: any status is an answer, only a broken connection is an error (OSError)."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """`headers` with lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        assert self.body, f"an empty body with status {self.status}"
        return json.loads(self.body)


def request(
    method: str,
    url: str,
    body: bytes | object = None,
    headers: Mapping[str, str] | None = None,
    token: str = "",
    timeout: float = 15.0,
) -> Answer:
    """One request on a connection of its own. A body that is not bytes is sent as JSON. Raises OSError."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    sent = {"User-Agent": "tocsin-tests", **(headers or {})}
    if token:
        sent.setdefault("Authorization", f"Bearer {token}")
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, sent)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def get(url: str, token: str = "", timeout: float = 15.0) -> Answer:
    return request("GET", url, token=token, timeout=timeout)


def post(url: str, body: bytes | object = b"", token: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    return request("POST", url, body, headers, token)
