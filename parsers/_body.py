"""The body of a webhook, whatever its Content-Type says: JSON, a form, multipart, or the query of a GET.

Bounded: bodies nested deeper than 100 are refused (orjson itself stops at 1024), so are forms of more than 2,000
fields. Every refusal is an `Unparsable` that names the position, never the content, which may hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from parsers import Raw, Unparsable
from parsers._charset import decode
from parsers._headers import split, value_and_params

MAX_DEPTH = 100
MAX_FIELDS = 2000
MAX_CHECKED = 1_000_000  # bytes that the door may decode before it answers

_POSITION = re.compile(r"line \d+ column \d+(?: \(char \d+\))?")
_FORM = re.compile(rb"[^\s=&{}\[\]<>\"]{1,200}=[^\s]*(?:&[^\s=&]{1,200}=[^\s]*)*\s*\Z")

# Names whose values never leave a parser (compared without separators, lower case).
_SECRET = re.compile(
    r"(?:.*(?:password|passwd|secret|authorization|apikey|privatekey|credential)s?"
    r"|.*(?:access|auth|bearer|refresh|session|api|x)token|tokens?|pwd|routingkey|servicekey|integrationkey"
    r"|signature|cookie)\Z"
)
_SECRET_IN_URL = re.compile(
    r"([?&;](?:[\w.-]*token|[\w.-]*key|[\w.-]*secret|password|passwd|pwd|sig|signature|auth)=)[^&#\s\"'<>]+",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://)[^/\s:@]{1,100}:[^/\s@]{1,100}@", re.IGNORECASE)


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret: token, routing_key, password, Authorization …"""
    return _SECRET.match(re.sub(r"[^a-z0-9]", "", name[:100].lower())) is not None


def redacted(text: str) -> str:
    """The text with secrets in the URLs of it taken out."""
    if "=" in text and ("?" in text or "&" in text or ";" in text):
        text = _SECRET_IN_URL.sub(r"\1…", text)
    return _CREDENTIALS.sub(r"\1…@", text) if "@" in text and "://" in text else text


def looks_readable(raw: Raw) -> bool:
    """A cheap guess that `value_of` would succeed; the door answers by it."""
    start = raw.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return bool(raw.query)
    if start[:1] in b"{[" or start[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in start[:4]:
        return True
    return (
        "form" in raw.content_type.lower()
        or _is_form(raw)
        or (raw.body[:2] == b"--" and b"form-data" in raw.body[:2000])
    )


def is_readable(raw: Raw, has_shape: Callable[[Any], bool]) -> bool:
    """Whether the body decodes and has the shape; of a body beyond 1 MB only its beginning is looked at.

    The door answers by it (422), so it must cost little: decoding takes about 0.2 ms for 50 KB.
    """
    if not looks_readable(raw):
        return False
    if len(raw.body) > MAX_CHECKED:
        return True
    if raw.body[:1] in (b"{", b"[") and not raw.query:  # nearly every body: what parse() checks besides can wait
        try:
            return has_shape(orjson.loads(raw.body))
        except orjson.JSONDecodeError:
            pass
    try:
        return has_shape(value_of(raw))
    except Unparsable:
        return False


def value_of(raw: Raw) -> Any:
    """The decoded body: a dict or a list. Of a form or multipart, a JSON text in `payload` or `data` is what counts;
    the other fields and the query are merged under it (the body wins). Raises Unparsable for anything else."""
    value = _value(raw)
    if isinstance(value, dict) and raw.query:
        return {**_strings(raw.query), **value}
    return value


def _value(raw: Raw) -> Any:
    body = raw.body
    kind, params = value_and_params(raw.content_type.encode("utf-8", "replace")) if raw.content_type else ("", {})
    if not body.strip():
        if raw.query:
            return _opened(_strings(raw.query))
        raise Unparsable("the body is empty")
    if kind == "multipart/form-data" or (body.startswith(b"--") and b"form-data" in body[:2000]):
        return _opened(_multipart(body, params.get("boundary", "")))
    if _starts_json(body):
        return json_of(body)
    if kind == "application/x-www-form-urlencoded" or _is_form(raw):
        return _opened(_form(body))
    return json_of(body)


def _starts_json(body: bytes) -> bool:
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"{", b"[") or start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in start[:4]


def _is_form(raw: Raw) -> bool:
    return (
        _FORM.match(raw.body[:4096]) is not None
        if len(raw.body) <= 4096
        else _FORM.match(raw.body[:4096].rsplit(b"&", 1)[0]) is not None
    )


def json_of(body: bytes | str) -> Any:
    """JSON of bytes in UTF-8 (with or without BOM), UTF-16 or UTF-32, else in the charset that they look like."""
    data = body.encode("utf-8", "replace") if isinstance(body, str) else body
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:4]:
        data = _wide(data).encode("utf-8", "replace")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        if not _is_utf8(data):
            return json_of(decode(data)[0])
        at = _POSITION.search(str(fault))
        raise Unparsable(f"the body is not JSON: {_reason(str(fault))} at {at[0] if at else 'its start'}") from None
    if type(value) is dict or type(value) is list:
        _check_depth(value)
    return value


def _reason(fault: str) -> str:
    return fault.partition(":")[0][:100]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _wide(data: bytes) -> str:
    little = data[:2] == b"\xff\xfe" or (data[:1] != b"\x00" and data[1:2] == b"\x00")
    four = data[:4] == b"\x00\x00\xfe\xff" or (little and data[2:4] == b"\x00\x00")
    codec = ("utf-32" if four else "utf-16") + ("-le" if little else "-be")
    return data.decode(codec, "replace").removeprefix("\ufeff")


def _check_depth(value: Any) -> None:
    """Level by level, not recursive: what comes after may recurse (orjson writes 254 levels, and no more)."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for one in level
            for item in (one.values() if type(one) is dict else one)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return
    raise Unparsable(f"the body is nested deeper than {MAX_DEPTH}")


def _strings(fields: Mapping[str, str]) -> dict[str, Any]:
    return dict(list(fields.items())[:MAX_FIELDS])


def _form(body: bytes) -> dict[str, Any]:
    text = decode(body)[0]
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="surrogateescape")
    except ValueError:
        raise Unparsable(f"the form has more than {MAX_FIELDS} fields") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        _add(found, _unescaped(name), _unescaped(value))
    if not found:
        raise Unparsable("the form has no fields")
    return found


def _unescaped(text: str) -> str:
    """A form value may be percent-encoded GBK: the bytes are decoded as any other text."""
    if text.isascii():
        return text
    return decode(text.encode("utf-8", "surrogateescape"))[0]


def _add(found: dict[str, Any], name: str, value: str) -> None:
    """A repeated name becomes a list, as in PHP's `name[]`."""
    name = name.removesuffix("[]")
    if name not in found:
        found[name] = value
    elif isinstance(found[name], list):
        found[name].append(value)
    else:
        found[name] = [found[name], value]


def _multipart(body: bytes, boundary: str) -> dict[str, Any]:
    mark = b"--" + boundary.encode("utf-8", "replace") if boundary else body.split(b"\n", 1)[0].strip()
    pieces = body.split(mark, MAX_FIELDS + 1)
    if len(pieces) > MAX_FIELDS:
        raise Unparsable(f"the multipart body has more than {MAX_FIELDS} parts")
    found: dict[str, Any] = {}
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            break
        part = piece.replace(b"\r\n", b"\n").removeprefix(b"\n").removesuffix(b"\n")
        headers, start = split(part, 0, len(part))
        name = value_and_params(headers.raw("content-disposition"))[1].get("name", "")
        if name:
            charset = value_and_params(headers.raw("content-type"))[1].get("charset", "")
            _add(found, name, decode(part[start:], charset)[0])
    if not found:
        raise Unparsable("the multipart body has no named fields")
    return found


def _opened(fields: dict[str, Any]) -> Any:
    """Fields with the JSON of `payload` or `data` unwrapped; the other fields lie under it."""
    if len(fields) == 1 and not any(fields.values()):
        only = next(iter(fields))  # a JSON text posted as a form: it became the name of one field
        if only[:1] in "{[":
            return json_of(only)
    for name in ("payload", "data", "body", "json"):
        value = fields.get(name)
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            inner = json_of(value)
            rest = {key: one for key, one in fields.items() if key != name}
            return {**rest, **inner} if isinstance(inner, dict) else inner
    return fields
