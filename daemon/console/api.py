"""/api/v1 as an application of its own: its middlewares (problems, guard, idempotency) touch no other path."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from daemon.actions import BadData, Forbidden, NotFound
from daemon.console import inbox, incidents, notifications, token_routes, windows
from daemon.console.auth import Scope
from daemon.console.guard import guard
from daemon.console.idempotency import idempotent
from daemon.console.openapi import document
from daemon.console.parts import PARTS, Parts
from daemon.console.problems import Problem, bad_field, errors_as_problems, unavailable
from daemon.store import Conflict, StoreError, Unstorable

PREFIX = "/api/v1"


def _forbidden(fault: Forbidden) -> Problem:
    words = ", ".join(fault.allowed) or "nothing"
    detail = f"{fault.action} is not possible while it is {fault.status}; allowed: {words}"
    return Problem(409, detail, action=fault.action, incident_status=str(fault.status), allowed=list(fault.allowed))


_PROBLEMS: dict[type[Exception], Any] = {
    NotFound: lambda fault: Problem(404, str(fault) or "there is no such incident"),
    Forbidden: _forbidden,
    BadData: lambda fault: bad_field(fault.field, fault.message),
    StoreError: lambda fault: unavailable(),
    Conflict: lambda fault: Problem(409, "somebody else changed it meanwhile: try again", headers={"Retry-After": "1"}),
    Unstorable: lambda fault: Problem(422, "the store cannot keep these values"),
}


async def show_openapi(request: web.Request) -> web.Response:
    return web.Response(body=_OPENAPI, content_type="application/json")


_OPENAPI = orjson.dumps(document())


def add_routes(app: web.Application, parts: Parts) -> web.Application:
    """Hangs the API under PREFIX of `app`, and gives it back."""
    api = web.Application(middlewares=[errors_as_problems(_PROBLEMS), guard(Scope.OPERATE), idempotent])
    api[PARTS] = parts
    for room in (incidents, inbox, notifications, token_routes, windows):
        api.add_routes(room.ROUTES)
    api.router.add_get("/openapi.json", show_openapi)
    app.add_subapp(PREFIX, api)
    return api
