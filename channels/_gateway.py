"""One HTTP request per message, made from templates; and what the answer means. Over aiohttp."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit

import orjson
import re2

from channels import DeliveryError
from channels._fields import one_line, scrubbed

if TYPE_CHECKING:
    import aiohttp  # where it is used: it takes longer to import than a short command takes to run

PLACEHOLDERS = ("to", "text", "key", "subject", "incident")
MAX_ANSWER = 64 * 1024  # bytes that are read of an answer
MAX_RETRY_AFTER = 3600.0
_TRY_AGAIN = frozenset({408, 425, 429})
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded", "raw": "text/plain; charset=utf-8"}

Escape = Literal["json", "form", "raw", "url", "header"]


@dataclass(frozen=True, slots=True)
class Request:
    """The templates of a request. `tls`: a context, or whether certificates are checked."""

    method: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: str | Mapping[str, str]
    encoding: Literal["json", "form", "raw"]
    content_type: str
    secrets: Mapping[str, str] = field(repr=False)
    user: str | None
    password: str = field(repr=False)
    timeout: float
    connections: int
    tls: ssl.SSLContext | bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an answer is read. `path`s are dotted, list indexes as numbers; values compare as JSON writes them."""

    status: tuple[int, ...] = ()
    path: str = ""
    accepted: tuple[str, ...] = ()
    permanent: tuple[str, ...] = ()
    regex: str = ""
    id_path: str = ""

    def read(self, status: int, body: bytes) -> str:
        """The gateway's id. Raises DeliveryError when it did not take the message."""
        if status not in self.status and (self.status or not 200 <= status < 300):
            permanent = 400 <= status < 500 and status not in _TRY_AGAIN
            raise DeliveryError(f"the gateway answered {status}: {_excerpt(body)}", permanent=permanent)
        if self.regex and not re2.search(self.regex, body.decode("utf-8", "replace")):
            raise DeliveryError(f"the gateway's answer has no sign of success: {_excerpt(body)}")
        if not (self.path or self.id_path):
            return ""
        answer = _json(body)
        if self.path:
            code = _text_at(answer, self.path)
            if code not in self.accepted:
                text = f"the gateway answered {self.path} = {one_line(str(code), 60)}: {_excerpt(body)}"
                raise DeliveryError(text, permanent=code in self.permanent)
        return one_line(_text_at(answer, self.id_path) or "", 200) if self.id_path else ""


class Gateway:
    """Keeps one session, opened in the loop that first sends. Redirects are not followed: they would carry secrets."""

    def __init__(self, request: Request, verdict: Verdict) -> None:
        self._request = request
        self._verdict = verdict
        self._session: aiohttp.ClientSession | None = None
        pair = base64.b64encode(f"{request.user}:{request.password}".encode()).decode()
        self._basic = f"Basic {pair}" if request.user is not None else ""
        self._secrets = [*request.secrets.values(), *request.headers.values(), request.password, pair]
        # "Bearer abc" must not leave "abc" readable when a gateway repeats only that.
        self._secrets += [word for value in request.headers.values() for word in value.split() if len(word) > 7]
        parts = urlsplit(request.url)
        written = [*parse_qsl(parts.query), *request.params.items()]
        self._secrets += [value for _, value in written if len(value) > 5 and not _PLACEHOLDER.search(value)]
        self._secrets += [parts.password or ""]

    async def post(self, values: Mapping[str, str]) -> str:
        """Sends the filled-in request; the gateway's id or "". Raises DeliveryError, with no secret in it."""
        try:
            return await self._post(values)
        except DeliveryError as fault:
            text = scrubbed(str(fault), self._secrets)
            raise DeliveryError(text, fault.permanent, fault.retry_after) from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, values: Mapping[str, str]) -> str:
        import aiohttp

        request, known = self._request, {**values, **self._request.secrets}
        data, content_type = _body(request, known)
        headers = {name: fill(value, known, "header") for name, value in request.headers.items()}
        if data is not None and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = content_type
        try:
            async with self._opened().request(
                request.method,
                fill(request.url, known, "url"),
                params={name: fill(value, known, "raw") for name, value in request.params.items()} or None,
                headers=headers,
                data=data,
                allow_redirects=False,
            ) as response:
                body = await _beginning(response.content)
                status, retry_after = response.status, _retry_after(response.headers)
        except TimeoutError as fault:
            raise DeliveryError(f"no answer within {request.timeout:g} s") from fault
        except aiohttp.InvalidURL as fault:
            raise DeliveryError("the url is not valid once filled in", permanent=True) from fault
        except (aiohttp.ClientError, OSError) as fault:
            raise DeliveryError(
                f"cannot reach the gateway: {one_line(str(fault), 200) or type(fault).__name__}"
            ) from fault
        try:
            return self._verdict.read(status, body)
        except DeliveryError as fault:
            fault.retry_after = retry_after
            raise

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            request = self._request
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=request.connections, ssl=request.tls),
                timeout=aiohttp.ClientTimeout(total=request.timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "tocsin", **({"Authorization": self._basic} if self._basic else {})},
            )
        return self._session


def fill(template: str, values: Mapping[str, str], escape: Escape) -> str:
    """`template` with its placeholders replaced; braces that name none of `values` stay as they are."""
    return _PLACEHOLDER.sub(lambda m: _ESCAPES[escape](values[m[1]]) if m[1] in values else m[0], template)


def _body(request: Request, known: Mapping[str, str]) -> tuple[bytes | None, str]:
    content_type = request.content_type or _TYPES[request.encoding]
    if not request.body:
        return None, content_type
    if isinstance(request.body, str):
        return fill(request.body, known, request.encoding).encode(), content_type
    filled = {name: fill(value, known, "raw") for name, value in request.body.items()}
    return orjson.dumps(filled) if request.encoding == "json" else urlencode(filled).encode(), content_type


async def _beginning(stream: aiohttp.StreamReader) -> bytes:
    """The first MAX_ANSWER bytes; what follows is left unread, and the connection is not used again."""
    read = bytearray()
    while len(read) < MAX_ANSWER and (chunk := await stream.read(MAX_ANSWER - len(read))):
        read += chunk
    return bytes(read)


def _header(value: str) -> str:
    """Header values stay ASCII and on their line."""
    return quote(one_line(value, 900), safe=" !#$&'()*+,/:;=?@[]{}|^~%\"<>\\`")


_ESCAPES: dict[Escape, Callable[[str], str]] = {
    "json": lambda value: orjson.dumps(value).decode()[1:-1],
    "form": quote_plus,
    "raw": lambda value: value,
    "url": lambda value: quote(value, safe=""),
    "header": _header,
}


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError as fault:
        raise DeliveryError(f"the gateway's answer is no JSON: {_excerpt(body)}") from fault


def _text_at(answer: Any, path: str) -> str | None:
    """The value at `path` as JSON writes it, strings without quotes; None where there is none."""
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    if answer is None:
        return None
    return answer if isinstance(answer, str) else orjson.dumps(answer).decode()


def _excerpt(body: bytes) -> str:
    return one_line(body[:1000].decode("utf-8", "replace"), 200)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds (RFC 9110 10.2.3); a date counts from the answer's own Date, so that our clock does not matter."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
