"""Errors of the API as RFC 9457 problem details. What a fault's own text says never leaves the house as a 500."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

log = logging.getLogger("tocsin.console")

PROBLEM_JSON = "application/problem+json"
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
RETRY_AFTER = 5
"""Seconds a client waits when the trouble is ours (the store is away)."""


class Problem(Exception):
    """An answer that is no success. `field` is the dotted name of the one that is wrong, `errors` a list of
    `{"field", "detail"}`; `more` are further members of the document (RFC 9457 3.2)."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str = "",
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field = status, detail, field
        self.errors, self.headers, self.more = errors, headers or {}, more

    def document(self) -> dict[str, Any]:
        phrase = HTTPStatus(self.status).phrase
        found: dict[str, Any] = {"type": "about:blank", "title": phrase, "status": self.status, "detail": self.detail}
        if self.field:
            found["field"] = self.field
        if self.errors:
            found["errors"] = [dict(e) for e in self.errors]
        return found | self.more

    def response(self) -> web.Response:
        return web.Response(
            status=self.status,
            body=orjson.dumps(self.document()),
            content_type=PROBLEM_JSON,
            headers=PRIVATE | dict(self.headers),
        )


def bad_field(field: str, detail: str) -> Problem:
    """422: the request is well formed, one of its values is not possible."""
    return Problem(422, f"{field}: {detail}", field=field, errors=[{"field": field, "detail": detail}])


def unavailable() -> Problem:
    return Problem(503, "the store is away; nothing was changed", headers={"Retry-After": str(RETRY_AFTER)})


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(document),
        content_type="application/json",
        headers=PRIVATE | dict(headers or {}),
    )


def _from_http(fault: web.HTTPException) -> web.StreamResponse:
    """aiohttp's own 404, 405, 413 … in our form, with the headers that belong to them (Allow, Location)."""
    if fault.status < 400:
        return fault
    keep = {k: v for k, v in fault.headers.items() if k.lower() in ("allow", "retry-after", "www-authenticate")}
    detail = {
        404: "there is nothing at this path",
        405: f"this path takes {keep.get('Allow', 'another method')}",
    }.get(fault.status, fault.reason)
    return Problem(fault.status, detail, headers=keep).response()


def errors_as_problems(translate: Mapping[type[Exception], Callable[[Any], Problem]]) -> Middleware:
    """A middleware. `translate` maps the parts' own errors to functions that make a Problem of them."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as fault:
            return _from_http(fault)
        except tuple(translate) as fault:
            make = next(m for kind, m in translate.items() if isinstance(fault, kind))
            answer: Problem = make(fault)
            if answer.status >= 500:
                log.warning("event=unavailable method=%s path=%s error=%s", request.method, request.path, fault)
            return answer.response()
        except Exception:  # one request is set aside, logged whole, and answered without its text
            log.exception("event=defect method=%s path=%s", request.method, request.path)
            return Problem(500, "this request met a defect of the program; the log has it").response()

    return middleware
