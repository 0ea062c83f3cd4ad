"""/api/v1/tokens, for admins: make, list, revoke."""

from __future__ import annotations

import logging

import orjson
from aiohttp import web

from daemon.console.auth import Scope
from daemon.console.bodies import NewToken
from daemon.console.guard import require
from daemon.console.parts import IDENTITY, SHOWN_ONCE, parts_of
from daemon.console.problems import Problem, bad_field, json_response
from daemon.console.requests import model_of
from daemon.console.tokens import NameTaken, list_tokens, make_token
from daemon.console.views import at

log = logging.getLogger("tocsin.console")


async def show_tokens(request: web.Request) -> web.Response:
    require(request[IDENTITY], Scope.ADMIN)
    rows = await list_tokens(parts_of(request).store)
    shown = [{"name": r.name, "scope": r.scope, "person": r.person, "created_at": at(r.created_at)} for r in rows]
    return json_response({"tokens": shown})


async def add_token(request: web.Request) -> web.Response:
    """The answer holds the token, once; a repeated request of one Idempotency-Key gets null in its place."""
    require(request[IDENTITY], Scope.ADMIN)
    parts, body = parts_of(request), await model_of(request, NewToken)
    person = parts.book().directory.person(body.person) if body.person else None
    if body.person and person is None:
        raise bad_field("person", f"the config names nobody {body.person!r}")
    scope = Scope.named(body.scope)
    try:
        token = await make_token(parts.store, parts.clock, body.name, scope, person.id if person else None)
    except NameTaken as fault:
        raise Problem(409, str(fault), field="name") from None
    log.info("event=token_made name=%s scope=%s by=%s", body.name, scope.word, request[IDENTITY].name)
    document = {"name": body.name, "scope": scope.word, "person": person.id if person else None, "token": token}
    response = json_response(document, 201)
    response[SHOWN_ONCE] = orjson.dumps(document | {"token": None}).decode()
    return response


async def drop_token(request: web.Request) -> web.Response:
    require(request[IDENTITY], Scope.ADMIN)
    parts, name = parts_of(request), request.match_info["name"]
    if not await parts.store.revoke_token(name):
        raise Problem(404, f"there is no token {name[:100]!r}")
    log.info("event=token_revoked name=%s by=%s", name, request[IDENTITY].name)
    return web.Response(status=204)


ROUTES = [
    web.get("/tokens", show_tokens),
    web.post("/tokens", add_token),
    web.delete("/tokens/{name}", drop_token),
]
