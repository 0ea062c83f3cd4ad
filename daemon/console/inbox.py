"""/api/v1/inbox: what came in, as it came but for secrets, and what became of it."""

from __future__ import annotations

import base64
from email.message import Message
from typing import TYPE_CHECKING, Any

from aiohttp import web

from daemon.console.bodies import Nothing
from daemon.console.parts import parts_of
from daemon.console.problems import Problem, bad_field, json_response
from daemon.console.redact import redacted, redacted_pairs
from daemon.console.requests import Query, id_of, model_of
from daemon.console.views import at, number

if TYPE_CHECKING:
    from daemon.store.records import InboxRow

SHORT = 1 << 20
"""Bytes of a body that are shown unless `full` is asked for."""


def _row(row: InboxRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "source": row.source,
        "entry": row.entry,
        "parser": row.parser,
        "received_at": at(row.received_at),
        "state": row.state,
        "outcome": row.outcome,
        "error": row.error,
        "size": row.size,
    }


def _text(body: bytes, content_type: str) -> str | None:
    """The body as text: UTF-8, else the charset it names; None where it is neither."""
    header = Message()
    header["Content-Type"] = content_type
    for charset in ("utf-8", header.get_content_charset("")):
        try:
            found = body.decode(charset) if charset else "\0"
        except (UnicodeDecodeError, LookupError):
            continue
        if "\0" not in found:
            return found
    return None


async def list_inbox(request: web.Request) -> web.Response:
    parts, query = parts_of(request), Query(request, ("state", "outcome", "cursor", "limit"))
    try:
        rows, after = await parts.store.inbox(
            outcome=query.text("outcome"),
            state=query.one_of("state", ("pending", "done", "failed")),
            cursor=query.text("cursor"),
            limit=query.limit(),
        )
    except ValueError as fault:
        raise bad_field("cursor", str(fault)) from None
    return json_response({"inbox": [_row(r) for r in rows], "next": after})


async def show_inbox(request: web.Request) -> web.Response:
    """`body.base64` holds the bytes after redaction; `body.text` the same where they are text."""
    parts, ident = parts_of(request), id_of(request)
    full = Query(request, ("full",)).one_of("full", ("true", "false")) == "true"
    row = await parts.store.inbox_row(ident)
    if row is None or row.raw is None:
        raise Problem(404, f"there is no {ident} in the inbox")
    raw, secrets = row.raw, list(parts.secrets())
    body = redacted(raw.body, secrets)
    part = body if full else body[:SHORT]
    document = _row(row) | {
        "path": raw.path,
        "content_type": raw.content_type,
        "headers": redacted_pairs(raw.headers, secrets),
        "query": redacted_pairs(raw.query, secrets),
        "mail_from": raw.mail_from,
        "recipient": raw.recipient,
        "body": {
            "text": _text(part, raw.content_type),
            "base64": base64.b64encode(part).decode(),
            "redacted": body != raw.body,
            "truncated": len(part) < len(body),
        },
        "reports": [{"index": r.index, "outcome": r.outcome, "incident": number(r.incident)} for r in row.reports],
    }
    return json_response(document)


async def replay(request: web.Request) -> web.Response:
    """Puts it back to be read again, after a parser or a rule was mended; what it did once is not done twice."""
    parts, ident = parts_of(request), id_of(request)
    await model_of(request, Nothing)
    row = await parts.store.inbox_row(ident)
    if row is None:
        raise Problem(404, f"there is no {ident} in the inbox")
    await parts.desk.replay([ident])
    return json_response(_row(await parts.store.inbox_row(ident) or row), 202)


ROUTES = [
    web.get("/inbox", list_inbox),
    web.get("/inbox/{id}", show_inbox),
    web.post("/inbox/{id}/replay", replay),
]
