"""A small client of the HTTP API, for the command line: synchronous, one connection a call, nothing cached."""

from __future__ import annotations

import http.client
import ssl
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from daemon import __version__

TIMEOUT = 30.0
MAX_ANSWER = 256 << 20


class Unreachable(Exception):
    """Nobody answered at the URL."""


class Refused(Exception):
    """The daemon said no: `status`, and its problem details."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP {status}"))
        self.status, self.problem = status, problem


class Client:
    """Speaks to `url` (…/api/v1 is added) with a token. Raises Unreachable and Refused; ValueError for a bad URL."""

    def __init__(self, url: str, token: str, timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no URL of a daemon (http://127.0.0.1:8080)")
        self.url, self._token, self._timeout = url.rstrip("/"), token, timeout
        self._host, self._port, self._tls = parts.hostname, parts.port, parts.scheme == "https"
        self._base = parts.path.rstrip("/") + "/api/v1"

    def get(self, path: str, **query: Any) -> Any:
        known = {k: v for k, v in query.items() if v is not None and v != ""}
        return self._call("GET", path + (f"?{urlencode(known)}" if known else ""))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._call("POST", path, body or {})

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": f"tocsin/{__version__}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex  # the daemon acts once, whatever a proxy sends again
        connection = self._connect()
        try:
            connection.request(method, self._base + path, orjson.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read(MAX_ANSWER)
        except (OSError, http.client.HTTPException) as fault:
            raise Unreachable(f"no daemon answers at {self.url} ({_why(fault)})") from fault
        finally:
            connection.close()
        return self._read(answer.status, content)

    def _read(self, status: int, content: bytes) -> Any:
        try:
            document = orjson.loads(content) if content else {}
        except orjson.JSONDecodeError:
            document = None
        if status >= 400:
            raise Refused(status, document if isinstance(document, dict) else {})
        if document is None:
            raise Unreachable(f"what answers at {self.url} is no tocsin")
        return document


def _why(fault: BaseException) -> str:
    words = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
    return " ".join(str(words).split())[:200].lower()


def segment(text: object) -> str:
    """Text from a user as one segment of a path."""
    return quote(str(text), safe="")
