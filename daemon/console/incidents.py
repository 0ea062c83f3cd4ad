"""/api/v1/incidents: list, register, show, correct, and every action of RULES 7."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from daemon.clock import rfc3339
from daemon.console.bodies import ACTIONS, Patch, Register
from daemon.console.guard import actor
from daemon.console.parts import IDENTITY, Parts, parts_of
from daemon.console.problems import Problem, bad_field, json_response
from daemon.console.requests import Query, given, model_of, number_of
from daemon.console.views import incident_view, shown
from daemon.core.incident import Incident
from daemon.core.vocabulary import FaultLevel, Kind, Priority, Status

FILTERS = ("status", "priority", "kind", "service", "fault_level", "q", "since", "cursor", "limit")


def _view(parts: Parts, incident: Incident) -> dict[str, Any]:
    return incident_view(incident, parts.book())


def _priorities(query: Query) -> tuple[Priority, ...]:
    words = query.words("priority")
    for word in words:
        if not re.fullmatch(r"[Pp]?[1-4]", word):
            raise bad_field("priority", f"{word[:50]!r} is none of 1, 2, 3, 4")
    return tuple(Priority(int(word[-1])) for word in words)


async def list_incidents(request: web.Request) -> web.Response:
    parts, query = parts_of(request), Query(request, FILTERS)
    named = query.text("service")
    service = parts.book().directory.service(named) if named else None
    try:
        found, after = await parts.store.incidents(
            status=query.members("status", Status),
            priority=_priorities(query),
            kind=query.members("kind", Kind),
            service=service.name if service else named,
            fault_level=query.members("fault_level", FaultLevel),
            q=query.text("q"),
            since=query.instant("since"),
            cursor=query.text("cursor"),
            limit=query.limit(),
        )
    except ValueError as fault:  # a cursor that is none of ours
        raise bad_field("cursor", str(fault)) from None
    return json_response({"incidents": [_view(parts, i) for i in found], "next": after})


async def _found(parts: Parts, number: int) -> Incident:
    incident = await parts.store.incident(number)
    if incident is None:
        raise Problem(404, f"there is no INC-{number}")
    return incident


async def show_incident(request: web.Request) -> web.Response:
    parts = parts_of(request)
    return json_response(_view(parts, await _found(parts, number_of(request))))


async def show_timeline(request: web.Request) -> web.Response:
    """Oldest first; `next` is the `after` of the next page."""
    parts, number = parts_of(request), number_of(request)
    query = Query(request, ("after", "limit"))
    limit = query.limit(500)
    await _found(parts, number)
    rows = await parts.store.timeline(number, after=query.integer("after", 0, 0, (1 << 63) - 1), limit=limit)
    shown_rows = [
        {"id": str(r.id), "at": rfc3339(r.at), "actor": r.actor, "event": r.event, "data": shown(r.data)} for r in rows
    ]
    return json_response({"timeline": shown_rows, "next": shown_rows[-1]["id"] if len(rows) == limit else None})


async def register(request: web.Request) -> web.Response:
    parts, body = parts_of(request), await model_of(request, Register)
    incident = await parts.desk.register(given(body, "by"), actor(request, body.by), request[IDENTITY].is_admin)
    return json_response(_view(parts, incident), 201, {"Location": f"/api/v1/incidents/{incident.number}"})


async def patch(request: web.Request) -> web.Response:
    parts, number = parts_of(request), number_of(request)
    body = await model_of(request, Patch)
    if len(body.model_fields_set - {"by", "reason"}) == 0:
        raise Problem(422, "nothing is corrected: name a field beside the reason", field="body")
    by = actor(request, body.by)
    incident = await parts.desk.patch(number, given(body, "by"), by, request[IDENTITY].is_admin)
    return json_response(_view(parts, incident))


async def act(request: web.Request) -> web.Response:
    """404 for an action that is none; 409 with `allowed` for one that the status forbids."""
    parts, number, action = parts_of(request), number_of(request), request.match_info["action"]
    if action not in ACTIONS:
        raise Problem(404, f"{action[:50]!r} is no action", actions=list(ACTIONS))
    body = await model_of(request, ACTIONS[action])
    by = actor(request, body.by)
    incident = await parts.desk.act(number, action, given(body, "by"), by, request[IDENTITY].is_admin)
    return json_response(_view(parts, incident))


ROUTES = [
    web.get("/incidents", list_incidents),
    web.post("/incidents", register),
    web.get("/incidents/{n}", show_incident),
    web.patch("/incidents/{n}", patch),
    web.get("/incidents/{n}/timeline", show_timeline),
    web.post("/incidents/{n}/{action}", act),
]
