"""`Idempotency-Key`: the same request of the same token acts once, and gets the same answer for 24 hours.

1. A placeholder row is committed before anything is done: of two at the same time, one acts.
2. An answer of success takes its place. A refusal takes the placeholder away: nothing was done, so the corrected
   request may use the key again.
3. A placeholder that a crash left behind stays: whether the act was done is not known, so it is not done again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

from daemon.console.parts import IDENTITY, SHOWN_ONCE, Parts, parts_of
from daemon.console.problems import Problem
from daemon.console.requests import body_of
from daemon.store.records import Answer

if TYPE_CHECKING:
    from daemon.store import Store
    from daemon.store.transaction import Tx

KEPT = 24 * 3600 * 1000
LONGEST = 60 * 1000
"""No request takes longer."""
MAX_KEY = 255
UNDER_WAY = 0


@dataclass(frozen=True, slots=True)
class Occasion:
    """`request` is the SHA-256 over method, path, query and body."""

    token: str
    key: str
    request: str


async def _occasion(request: web.Request, key: str) -> Occasion:
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise Problem(400, f"Idempotency-Key has 1 to {MAX_KEY} printable characters", field="Idempotency-Key")
    whole = hashlib.sha256(f"{request.method} {request.path_qs}\n".encode() + await body_of(request))
    return Occasion(request[IDENTITY].name[:128], key, whole.hexdigest())


async def _placed(tx: Tx, mine: Occasion, now: int) -> tuple[str, int, str, int] | None:
    """None when the placeholder is ours; else what stands there: (request hash, status, answer, at).

    The insert itself decides, so that two daemons on one database cannot both think they were first.
    """
    await tx.run("DELETE FROM idempotency WHERE at <= $1", [(now - KEPT,)])
    ours = await tx.fetch(
        "INSERT INTO idempotency (token, key, request, status, answer, at) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (token, key) DO NOTHING RETURNING id",
        *(mine.token, mine.key, mine.request, UNDER_WAY, "", now),
    )
    if ours:
        return None
    rows = await tx.fetch(
        "SELECT request, status, answer, at FROM idempotency WHERE token = $1 AND key = $2", mine.token, mine.key
    )
    return rows[0] if rows else (mine.request, UNDER_WAY, "", now)


async def _claim(parts: Parts, mine: Occasion) -> web.Response | None:
    """None when it is ours to do; else the answer of the first time. Raises 409, 422."""
    now = parts.clock.now()
    found = await parts.store.transact(lambda tx: _placed(tx, mine, now))
    if found is None:
        return None
    request, status, answer, since = found
    if request != mine.request:
        raise Problem(422, "this Idempotency-Key was used for another request", field="Idempotency-Key")
    if status == UNDER_WAY and now - since > LONGEST:
        raise Problem(409, "the first request with this Idempotency-Key was cut off: look whether it was done")
    if status == UNDER_WAY:
        wait = {"Retry-After": "1"}
        raise Problem(409, "the first request with this Idempotency-Key is still under way", headers=wait)
    replayed = {"Idempotency-Replayed": "true"}
    return web.Response(status=status, body=answer.encode(), content_type="application/json", headers=replayed)


async def _keep(parts: Parts, mine: Occasion, status: int, answer: str) -> None:
    kept = Answer(mine.request, status, answer, parts.clock.now())
    await parts.store.transact(lambda tx: tx.remember(mine.token, mine.key, kept))


async def _forget(store: Store, mine: Occasion) -> None:
    row = [(mine.token, mine.key)]
    await store.transact(lambda tx: tx.run("DELETE FROM idempotency WHERE token = $1 AND key = $2", row))


@web.middleware
async def idempotent(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Runs inside the problems and the guard: it needs to know whose token it is."""
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or key is None:
        return await handler(request)
    parts, mine = parts_of(request), await _occasion(request, key)
    if (first := await _claim(parts, mine)) is not None:
        return first
    try:
        response = await handler(request)
    except Exception:
        await _forget(parts.store, mine)
        raise
    if isinstance(response, web.Response) and response.status < 400:
        body = response.body if isinstance(response.body, bytes) else b"{}"
        await _keep(parts, mine, response.status, response.get(SHOWN_ONCE) or body.decode())
    else:
        await _forget(parts.store, mine)
    return response
