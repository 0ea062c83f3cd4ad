"""Lets in who has a token of the scope that the path needs, and says whose act it is."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from daemon.console.auth import Identity, Scope, presented, verify_local
from daemon.console.parts import IDENTITY, Parts, parts_of
from daemon.console.problems import Problem
from daemon.console.tokens import find_token
from daemon.core.vocabulary import Role

log = logging.getLogger("tocsin.console")

MAX_TOKEN = 500


def unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="tocsin"'})


def too_many(seconds: int) -> Problem:
    return Problem(429, "too many attempts that failed from this address", headers={"Retry-After": str(seconds)})


def require(identity: Identity, scope: Scope) -> None:
    """Raises a 403 that names the scope it needs."""
    if identity.scope < scope:
        raise Problem(
            403,
            f"this needs the scope {scope.word}; the token has {identity.scope.word}",
            scope=scope.word,
            headers={"WWW-Authenticate": f'Bearer realm="tocsin", error="insufficient_scope", scope="{scope.word}"'},
        )


async def identify(request: web.Request) -> Identity:
    """Raises 401, or 429 after too many failures from one address.

    An address over its limit costs us no look-up any more; a token that was good before still passes there, so
    that a stranger behind the same address shuts nobody out.
    """
    parts = parts_of(request)
    header = request.headers.get("Authorization", "")
    if not header:
        raise unauthorized("this needs a token: Authorization: Bearer …, or Basic with the token as the password")
    address = parts.client(request)
    token = presented(header)[: MAX_TOKEN + 1]
    wait = parts.attempts.blocked(address)
    if token and len(token) <= MAX_TOKEN:
        if name := verify_local(parts.key, token, parts.clock.now()):
            person = parts.book().directory.person(name)
            return Identity(f"cli:{name}", Scope.ADMIN, person.id if person else None)
        if wait and not parts.attempts.was_good(token):
            raise too_many(wait)
        if found := await find_token(parts.store, token):
            parts.attempts.good(token)
            return found
    if wait:
        raise too_many(wait)
    parts.attempts.fail(address)
    log.warning("event=unauthorized address=%s path=%s", address, request.path)
    raise unauthorized("the token is unknown or over")


def _same_site(request: web.Request, parts: Parts) -> bool:
    """A browser that keeps Basic credentials sends them from any page: its Origin tells."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    host = origin.partition("://")[2]
    return host == request.host or origin == parts.public_url.rstrip("/")


def guard(scope: Scope) -> Middleware:
    """A middleware that holds one scope over a whole application."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        identity = await identify(request)
        require(identity, scope)
        if request.method not in ("GET", "HEAD") and not _same_site(request, parts_of(request)):
            raise Problem(403, "a page of another site may not act here")
        request[IDENTITY] = identity
        return await handler(request)

    return middleware


def actor(request: web.Request, by: str | None) -> str:
    """The person's id that an act is written under: the token's, or with an admin token the one named.

    `by` may be a name, an id, an address, or a role (its first holder). A token that stands for nobody writes its
    own name. Raises 403, 422.
    """
    identity, directory = request[IDENTITY], parts_of(request).book().directory
    if by is None:
        return identity.person or identity.name
    found = directory.person(by)
    if found is None and by in set(Role):
        found = next(iter(directory.holders(Role(by))), None)
    if found is None:
        raise Problem(422, f"by: {by!r} is neither a person nor a role that somebody holds", field="by")
    if found.id != identity.person and not identity.is_admin:
        raise Problem(403, "only an admin token acts in another's name", scope=Scope.ADMIN.word, field="by")
    return found.id
