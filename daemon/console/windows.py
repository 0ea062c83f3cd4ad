"""/api/v1/silences and /api/v1/maintenance: planned work, and what is not to wake anybody (RULES 6.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from daemon.console.bodies import Maintenance, Silence
from daemon.console.guard import actor
from daemon.console.parts import parts_of
from daemon.console.problems import Problem, json_response
from daemon.console.requests import given, model_of
from daemon.console.views import at
from daemon.core.calendar import MAINTENANCE, SILENCE, Window

Handler = Callable[[web.Request], Awaitable[web.Response]]


def _view(window: Window) -> dict[str, Any]:
    body = window.body()
    own = (
        {"services": list(window.services)}
        if window.kind == MAINTENANCE
        else {"matchers": body.get("matchers", []), "include_p1": window.include_p1}
    )
    span = {"from": at(window.start), "until": at(window.end)}
    return {"id": str(window.id), **span, **own, "reason": window.reason, "by": window.by}


def _list(kind: str, name: str) -> Handler:
    async def show(request: web.Request) -> web.Response:
        return json_response({name: [_view(w) for w in await parts_of(request).desk.windows(kind)]})

    return show


def _add(kind: str, model: type[Silence] | type[Maintenance], name: str) -> Handler:
    async def add(request: web.Request) -> web.Response:
        parts, body = parts_of(request), await model_of(request, model)
        made = await parts.desk.add_window(kind, given(body, "by"), actor(request, body.by))
        return json_response(_view(made), 201, {"Location": f"/api/v1/{name}/{made.id}"})

    return add


def _drop(kind: str) -> Handler:
    async def drop(request: web.Request) -> web.Response:
        """Ends it now: what it holds is due at once."""
        text = request.match_info["id"]
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise Problem(404, f"there is no {kind} {text[:50]!r}")
        await parts_of(request).desk.remove_window(int(text), kind, actor(request, None))
        return web.Response(status=204)

    return drop


ROUTES = [
    web.get("/silences", _list(SILENCE, "silences")),
    web.post("/silences", _add(SILENCE, Silence, "silences")),
    web.delete("/silences/{id}", _drop(SILENCE)),
    web.get("/maintenance", _list(MAINTENANCE, "maintenance")),
    web.post("/maintenance", _add(MAINTENANCE, Maintenance, "maintenance")),
    web.delete("/maintenance/{id}", _drop(MAINTENANCE)),
]
