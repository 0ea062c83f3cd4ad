"""Reads requests: bodies into models, query strings into filters. Whatever is wrong is named with its field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from daemon.clock import parse_rfc3339
from daemon.console.parts import BODY
from daemon.console.problems import Problem, bad_field
from daemon.core.incident import parse_number

MAX_BODY = 1 << 20
"""Bytes of a request body: an incident's text is the longest thing in one."""
MAX_LIMIT = 500

M = TypeVar("M", bound=BaseModel)
E = TypeVar("E", bound=StrEnum)


async def body_of(request: web.Request) -> bytes:
    """The body, once; raises 413 as soon as it is too long, whatever the length it claimed."""
    kept: bytes | None = request.get(BODY)
    if kept is not None:
        return kept
    if (request.content_length or 0) > MAX_BODY:
        raise _too_large()
    found = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        found += chunk
        if len(found) > MAX_BODY:
            raise _too_large()
    whole = request[BODY] = bytes(found)
    return whole


def _too_large() -> Problem:
    return Problem(413, f"a body has at most {MAX_BODY} bytes here", headers={"Connection": "close"})


async def document_of(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object."""
    body = await body_of(request)
    if not body.strip():
        return {}
    kind = request.content_type.lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(
            415, f"the body must be application/json, not {kind[:100]}", headers={"Accept": "application/json"}
        )
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise Problem(
            400, f"no JSON: {fault.msg.partition(':')[0]} ({where})", line=fault.lineno, column=fault.colno
        ) from None
    if not isinstance(found, dict):
        raise Problem(400, "the body must be a JSON object")
    return found


async def model_of(request: web.Request, model: type[M]) -> M:
    document = await document_of(request)
    try:
        return model.model_validate(document)
    except ValidationError as fault:
        raise invalid(fault, document) from None


def invalid(fault: ValidationError, document: object) -> Problem:
    """422 with every fault of the body; values are not repeated."""
    found: dict[str, list[str]] = {}
    for e in fault.errors(include_url=False, include_input=False, include_context=False):
        words = "is not a field here" if e["type"] == "extra_forbidden" else e["msg"].removeprefix("Value error, ")
        found.setdefault(_place(e["loc"], document, e["type"] == "missing"), []).append(words[:1].lower() + words[1:])
    errors = [{"field": k, "detail": ", or ".join(dict.fromkeys(v))} for k, v in list(found.items())[:50]]
    first = errors[0]
    return Problem(422, f"{first['field']}: {first['detail']}", field=first["field"], errors=errors)


def _place(location: tuple[int | str, ...], document: object, missing: bool) -> str:
    """The keys of the body that lead there; what pydantic adds (a union's member, "[key]") is none of them."""
    steps: list[str] = []
    for n, step in enumerate(location):
        if isinstance(document, dict) and (step in document or (missing and n == len(location) - 1)):
            steps.append(str(step))
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            steps.append(str(step))
            document = document[step]
    return ".".join(steps)[:200] or "body"


def number_of(request: web.Request) -> int:
    """{n} of the path: INC-42 or 42."""
    try:
        return parse_number(request.match_info["n"])
    except ValueError as fault:
        raise Problem(404, str(fault)) from None


def id_of(request: web.Request) -> int:
    text = request.match_info["id"]
    if not text.isascii() or not text.isdigit() or int(text[:20]) >= 1 << 63:
        raise Problem(404, "no id of ours: it is a number")
    return int(text)


class Query:
    """The query string: known names only, each one checked."""

    def __init__(self, request: web.Request, known: Iterable[str]) -> None:
        self._query = request.query
        known = list(known)
        for name in self._query:
            if name not in known:
                raise bad_field(name[:100], f"is no parameter here (there are {', '.join(known)})")

    def text(self, name: str, limit: int = 500) -> str | None:
        value = self._query.get(name, "").strip()
        if len(value) > limit:
            raise bad_field(name, f"has at most {limit} characters")
        return value.replace("\0", "") or None

    def words(self, name: str) -> list[str]:
        """Given more than once, or with commas between."""
        joined = ",".join(self._query.getall(name, []))
        return [w.strip() for w in joined.split(",") if w.strip()][:50]

    def members(self, name: str, kind: type[E]) -> tuple[E, ...]:
        found = []
        for word in self.words(name):
            try:
                found.append(kind(word.lower()))
            except ValueError:
                raise bad_field(name, f"{word[:50]!r} is none of {', '.join(kind)}") from None
        return tuple(found)

    def one_of(self, name: str, choices: Iterable[str]) -> str | None:
        value, choices = self.text(name), list(choices)
        if value is not None and value not in choices:
            raise bad_field(name, f"{value[:50]!r} is none of {', '.join(choices)}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or not low <= int(value[:25]) <= high:
            raise bad_field(name, f"must be a number from {low} to {high}")
        return int(value)

    def limit(self, default: int = 50) -> int:
        return self.integer("limit", default, 1, MAX_LIMIT)

    def instant(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse_rfc3339(value.replace(" ", "+"))  # a + that nobody escaped arrives as a space
        except (ValueError, OverflowError):
            raise bad_field(name, "must be an instant of RFC 3339, as 2026-01-05T09:00:00+08:00") from None

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return parse_number(value)
        except ValueError as fault:
            raise bad_field(name, str(fault)) from None


def given(body: BaseModel, *without: str) -> Mapping[str, Any]:
    """What the caller wrote, as JSON values: what it left out stays out."""
    return body.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(without))
