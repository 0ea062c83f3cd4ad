"""/api/v1/notifications: what is to be sent, was sent, failed; trying again, and giving up."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from daemon.console.bodies import Nothing
from daemon.console.parts import IDENTITY, parts_of
from daemon.console.problems import Problem, bad_field, json_response
from daemon.console.requests import Query, id_of, model_of
from daemon.console.views import at, number

if TYPE_CHECKING:
    from daemon.store.records import NoticeRow
    from daemon.store.transaction import Tx

log = logging.getLogger("tocsin.console")

STATES = ("pending", "sent", "failed", "merged", "dropped")


def _row(row: NoticeRow) -> dict[str, object]:
    return {
        "id": str(row.id),
        "incident": number(row.incident_id),
        "reason": row.reason,
        "role": row.role,
        "person": row.name or row.person,
        "channel": row.channel,
        "to": row.address,
        "priority": int(row.priority),
        "state": row.state,
        "at": at(row.at),
        "due_at": at(row.due_at),
        "attempts": row.attempts,
        "next_attempt_at": at(row.next_attempt_at) if row.state == "pending" else None,
        "sent_at": at(row.sent_at),
        "error": row.error,
        "subject": row.subject,
        "text": row.text,
    }


async def list_notifications(request: web.Request) -> web.Response:
    parts, query = parts_of(request), Query(request, ("state", "incident", "cursor", "limit"))
    try:
        rows, after = await parts.store.notices(
            state=query.one_of("state", STATES),
            incident=query.number("incident"),
            cursor=query.text("cursor"),
            limit=query.limit(),
        )
    except ValueError as fault:
        raise bad_field("cursor", str(fault)) from None
    return json_response({"notifications": [_row(r) for r in rows], "next": after})


Change = Callable[["Tx", int, int], Awaitable[object]]


async def _again(tx: Tx, ident: int, now: int) -> None:
    """A failed or dropped one anew; one that waits for its next attempt has it now."""
    if not await tx.reset_notices([ident], now):
        sql = "UPDATE outbox SET next_attempt_at = $2 WHERE id = $1 AND state = 'pending' AND next_attempt_at > $2"
        await tx.run(sql, [(ident, now)])
        tx.wake("outbox")


async def _give_up(tx: Tx, ident: int, now: int) -> None:
    await tx.drop_notices([ident])


async def _move(request: web.Request, action: str, allowed: tuple[str, ...], change: Change) -> web.Response:
    """The UPDATE tests the state again: a notice that was sent meanwhile stays sent."""
    parts, ident = parts_of(request), id_of(request)
    await model_of(request, Nothing)
    before = await parts.store.notice(ident)
    if before is None:
        raise Problem(404, f"there is no notification {ident}")
    if before.state not in allowed:
        raise Problem(409, f"it is {before.state}: {action} is for {', '.join(allowed)}", state=before.state)
    now = parts.clock.now()
    await parts.store.transact(lambda tx: change(tx, ident, now))
    log.info("event=%s notification=%s incident=%s by=%s", action, ident, before.incident_id, request[IDENTITY].name)
    return json_response(_row(await parts.store.notice(ident) or before))


async def retry(request: web.Request) -> web.Response:
    return await _move(request, "retry", ("failed", "dropped", "pending"), _again)


async def drop(request: web.Request) -> web.Response:
    return await _move(request, "drop", ("pending", "failed"), _give_up)


ROUTES = [
    web.get("/notifications", list_notifications),
    web.post("/notifications/{id}/retry", retry),
    web.post("/notifications/{id}/drop", drop),
]
