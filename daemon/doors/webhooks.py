"""Alerts come in by HTTP: told apart by the entry's token, kept exactly as they came, answered only after the commit.

Only the parser's cheap `accepts` runs here. A body that is not what the entry says is kept too, as unparsable.
"""

from __future__ import annotations

import asyncio
import binascii
import hmac
import logging
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from daemon.clock import Clock
from parsers import Parser, Raw, Unparsable, clean

if TYPE_CHECKING:
    from daemon.config import Config

log = logging.getLogger("tocsin.doors.webhooks")

Accept = Callable[[Sequence[Raw], str], Awaitable[None]]

MAX_HEADERS, MAX_HEADER_BYTES = 50, 8192
MAX_QUERY, MAX_QUERY_VALUE = 100, 4096
JSON = {"Content-Type": "application/json"}

_SECRET = re.compile(r"authori[sz]ation|token|secret|password|passwd|api[-_]?key|cookie|webhook-auth|credential", re.I)
_SECRET_QUERY = frozenset({"auth", "routing_key", "service_key", "integration_key"})
# hop by hop (RFC 9110 7.6.1), and what is no longer true of the decompressed body
_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}
    | {"content-length", "content-encoding", "accept", "accept-encoding", "host"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One `[[webhooks]]` entry. Without a token anybody may send; the config warns of it."""

    name: str
    parser: str
    token: str = field(default="", repr=False)


def entries_of(config: Config) -> list[Entry]:
    return [Entry(e.name, e.parser, e.token.get_secret_value() if e.token else "") for e in config.webhooks]


@dataclass(frozen=True, slots=True)
class Limits:
    """`waiting` requests and `waiting_bytes` of bodies at most are read or committed at once; the rest get 429.

    A body has `body_timeout` seconds, and its size at `body_rate` bytes a second.
    """

    waiting: int = 2000
    waiting_bytes: int = 128 << 20
    body_timeout: float = 30.0
    body_rate: float = 16384.0


class WebhookDoor:
    """`accept(raws, unparsable)` returns after the commit and raises `trouble` when the database is away, and
    `refused` when it will never take these values.

    `may_ingest(token)` says whether an API token has the scope `ingest`: it opens every entry.
    """

    def __init__(
        self,
        *,
        accept: Accept,
        new_id: Callable[[], int],
        clock: Clock,
        parsers: Mapping[str, Parser],
        trouble: type[Exception],
        refused: type[Exception],
        entries: Iterable[Entry],
        may_ingest: Callable[[str], Awaitable[bool]] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._accept, self._new_id, self._clock = accept, new_id, clock
        self._trouble, self._refused = trouble, refused
        self._parsers = parsers
        self._may_ingest = may_ingest
        self._limits = limits or Limits()
        self._waiting = 0
        self._bytes = 0
        self._names: dict[str, str] = {}  # header name as sent -> as kept, "" when it is not
        self.configure(entries)

    def configure(self, entries: Iterable[Entry]) -> None:
        """Also at a reload."""
        self._entries = {entry.name: entry for entry in entries}
        self._tokens = [entry.token.encode() for entry in self._entries.values() if entry.token]

    def add_to(self, app: web.Application) -> None:
        """The paths of this door. HEAD is not one of them: it must not register anything."""
        app.router.add_route("POST", "/webhooks/{name}", self.webhook)
        app.router.add_route("GET", "/webhooks/{name}", self.webhook)
        app.router.add_route("POST", "/api/v2/alerts", self.alertmanager)

    async def webhook(self, request: web.Request) -> web.Response:
        """`POST|GET /webhooks/{name}`: 202 {"accepted": 1, "inbox": [id]}, 422 when kept but not understood."""
        entry = self._entries.get(request.match_info["name"])
        if entry is None:
            return _problem(404, "there is no such webhook")
        if entry.token and (refusal := await self._refusal(request, (entry,))):
            return refusal
        answer = await self._take(request, entry)
        if isinstance(answer, web.Response):
            return answer
        inbox, reason = answer
        if reason:
            return _json(422, {"error": reason, "inbox": [str(inbox)]})
        return web.Response(status=202, body=b'{"accepted": 1, "inbox": ["%d"]}' % inbox, headers=JSON)

    async def alertmanager(self, request: web.Request) -> web.Response:
        """`POST /api/v2/alerts`, Alertmanager's own API: 200 as it answers, errors as {code, message}.

        The entry is the first of the parser `alertmanager` whose token was given, else one without a token.
        """
        entries = [e for e in self._entries.values() if e.parser == "alertmanager"]
        if not entries:
            return _problem(404, "no entry has the parser alertmanager")
        given = _given(request)
        entry = next((e for e in entries if e.token and given and _same(given, e.token.encode())), None)
        entry = entry or next((e for e in entries if not e.token), None)
        if entry is None:
            if refusal := await self._refusal(request, entries):
                return refusal
            entry = entries[0]
        answer = await self._take(request, entry)
        if isinstance(answer, web.Response):
            return answer
        inbox, reason = answer
        if reason:
            return _json(422, {"code": 422, "message": reason, "inbox": [str(inbox)]})
        return web.Response(status=200, body=b"{}", headers=JSON)

    async def _refusal(self, request: web.Request, entries: Sequence[Entry]) -> web.Response | None:
        """None: the token is one of `entries`. 401 without a good token, 403 with one that is for another entry."""
        given = _given(request)
        if given:
            if any(_same(given, entry.token.encode()) for entry in entries if entry.token):
                return None
            if self._may_ingest is not None and await self._may_ingest(given.decode("utf-8", "replace")):
                return None
            if any(_same(given, token) for token in self._tokens):
                return _problem(403, "this token is for another webhook")
        challenge = 'Bearer realm="tocsin", Basic realm="tocsin"'
        return _problem(401, "a good token is needed", {"WWW-Authenticate": challenge})

    async def _take(self, request: web.Request, entry: Entry) -> web.Response | tuple[int, str]:
        """The inbox id once it is committed, with why it could not be understood; or the answer that says why not."""
        content = request.content
        whole = content.is_eof()  # it came with its head, as nearly all do: no clock is needed
        size = 0 if whole else min(request.content_length or 65536, request.client_max_size)
        limits = self._limits
        if self._waiting >= limits.waiting or self._bytes + size > limits.waiting_bytes:
            return _problem(429, "too many requests wait", {"Retry-After": "2"})
        self._waiting += 1
        self._bytes += size
        try:
            if whole:
                body = await request.read()
            else:
                async with asyncio.timeout(limits.body_timeout + size / limits.body_rate):
                    body = await request.read()
            self._bytes += len(body) - size
            size = len(body)
            return await self._commit(request, entry, body)
        except web.HTTPRequestEntityTooLarge:
            return _problem(413, f"the body is larger than {request.client_max_size} bytes", {"Connection": "close"})
        except TimeoutError:
            return _problem(408, "the body came too slowly", {"Connection": "close"})
        except (web.RequestPayloadError, HttpProcessingError):
            return _problem(400, "the body does not hold what its Content-Length or Content-Encoding says")
        finally:
            self._waiting -= 1
            self._bytes -= size

    async def _commit(self, request: web.Request, entry: Entry, body: bytes) -> web.Response | tuple[int, str]:
        raw = self._raw(request, entry, body)
        reason = self._unparsable(raw)
        try:
            await self._accept((raw,), reason)
        except self._trouble as error:
            log.error("not accepted door=webhook entry=%s error=%s: %s", entry.name, type(error).__name__, error)
            return _problem(503, "the store is away", {"Retry-After": "5"})
        except self._refused as error:  # sent again it would be refused again
            log.error("refused door=webhook entry=%s bytes=%d reason=%s", entry.name, len(body), error)
            return _problem(422, "the store cannot keep these values")
        if reason:
            log.warning("unparsable door=webhook entry=%s inbox=%d reason=%s", entry.name, raw.id, reason)
        return raw.id, reason

    def _raw(self, request: web.Request, entry: Entry, body: bytes) -> Raw:
        """Without credentials. The body is as it came, but without its Content-Encoding: aiohttp takes that off."""
        headers: dict[str, str] = {}
        room, names = MAX_HEADER_BYTES, self._names
        for sent, value in request.headers.items():
            name = names.get(sent)
            if name is None:
                name = self._remember(sent)
            if not name:
                continue
            room -= len(name) + len(value)
            if room < 0 or len(headers) >= MAX_HEADERS:
                break
            headers[name] = value
        return Raw(
            id=self._new_id(),
            source="webhook",
            entry=entry.name,
            parser=entry.parser,
            received_at=self._clock.now(),
            body=body,
            content_type=request.headers.get("Content-Type", "")[:500],
            headers=headers,
            query=_query(request) if "?" in request.raw_path else {},
            path=request.path,
        )

    def _remember(self, sent: str) -> str:
        name = sent.lower()
        if name in _HOP or _SECRET.search(name):
            name = ""
        if len(self._names) < 1000:
            self._names[sent] = name
        return name

    def _unparsable(self, raw: Raw) -> str:
        """Why the parser does not take it; "" if it does."""
        parser = self._parsers.get(raw.parser)
        if parser is None:
            return f"there is no parser {raw.parser}"
        try:
            return "" if parser.accepts(raw) else f"this is not what the parser {raw.parser} reads"
        except Unparsable as error:
            return clean(str(error), 500) or f"this is not what the parser {raw.parser} reads"
        except Exception as error:  # a defect of the parser: the item is kept as unparsable, and shown
            log.exception("defect parser=%s inbox=%d", raw.parser, raw.id)
            return f"the parser {raw.parser} failed on it ({type(error).__name__})"


def _given(request: web.Request) -> bytes:
    """The token, by whichever way it was sent; b"" for none."""
    headers = request.headers
    if token := headers.get("X-Tocsin-Token"):
        return token.encode("utf-8", "surrogateescape")
    scheme, _, rest = headers.get("Authorization", "").strip().partition(" ")
    rest = rest.strip()
    match scheme.lower():
        case "basic":
            try:
                return b64decode(rest, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
        case "bearer" | "geniekey" | "token":
            return rest.encode("utf-8", "surrogateescape")
    return request.query.get("token", "").encode("utf-8", "surrogateescape")


def _same(given: bytes, token: bytes) -> bool:
    return hmac.compare_digest(given, token)


def _query(request: web.Request) -> dict[str, str]:
    """The first value of each name, without what is a credential."""
    query: dict[str, str] = {}
    for name, value in request.query.items():
        name = clean(name.lower(), 200)
        if name in query or name in _SECRET_QUERY or _SECRET.search(name):
            continue
        if len(query) >= MAX_QUERY:
            break
        query[name] = clean(value, MAX_QUERY_VALUE)
    return query


def _json(status: int, data: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(data), headers={**JSON, **(headers or {})})


def _problem(status: int, error: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return _json(status, {"error": error}, headers)
