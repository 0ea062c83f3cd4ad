"""Schemas of the API's answers and parameters, written by hand beside the views that they describe."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from daemon.core.vocabulary import (
    CloseCode,
    FaultLevel,
    Impact,
    Kind,
    Origin,
    Role,
    Severity,
    Source,
    Status,
    Urgency,
)

Json = dict[str, Any]

STRING: Json = {"type": "string"}
INTEGER: Json = {"type": "integer"}
BOOLEAN: Json = {"type": "boolean"}
INSTANT: Json = {"type": "string", "format": "date-time"}
NUMBER: Json = {"type": "string", "pattern": "^INC-[0-9]+$"}
IDENT: Json = {"type": "string", "pattern": "^[0-9]+$"}
OBJECT: Json = {"type": "object"}


def _enum(kind: type[StrEnum]) -> Json:
    return {"type": "string", "enum": [m.value for m in kind]}


def _null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _page(name: str, item: str) -> Json:
    items = _list({"$ref": f"#/components/schemas/{item}"})
    return _object({name: items, "next": _null({**STRING, "description": "the cursor of the next page"})})


INCIDENT: Json = {
    "number": NUMBER,
    "title": STRING,
    "text": STRING,
    "kind": _enum(Kind),
    "category": _null(STRING),
    "cause": _null(STRING),
    "origin": _enum(Origin),
    "status": _enum(Status),
    "source": _enum(Source),
    "external_ref": _null(STRING),
    "service": _null(STRING),
    "environment": _null(STRING),
    "customer": _null(STRING),
    "vip": BOOLEAN,
    "reporter": _object({"name": STRING, "address": STRING, "phone": STRING}),
    "needs_triage": BOOLEAN,
    "verified_by": _null(STRING),
    "verified_at": _null(INSTANT),
    "impact": _enum(Impact),
    "urgency": _enum(Urgency),
    "priority": {"type": "integer", "enum": [1, 2, 3, 4]},
    "grade": _object({"reasons": _list(STRING)}),
    "fault_level": _null(_enum(FaultLevel)),
    "severity": _null(_enum(Severity)),
    "emergency": BOOLEAN,
    "coordinator": _null(STRING),
    "complaints": _object({"counted": INTEGER, "confirmed": _null(INTEGER), "effective": INTEGER}),
    "complaint_of": _null(NUMBER),
    "measures": OBJECT,
    "assignee": _null(STRING),
    "assigned_role": _null(_enum(Role)),
    "participants": _list(STRING),
    "line": _enum(Role),
    "occurred_at": INSTANT,
    "registered_at": INSTANT,
    "dispatched_at": _null(INSTANT),
    "accepted_at": _null(INSTANT),
    "third_party": _null(STRING),
    "third_party_at": _null(INSTANT),
    "onsite_due_at": _null(INSTANT),
    "onsite_at": _null(INSTANT),
    "resolved_at": _null(INSTANT),
    "closed_at": _null(INSTANT),
    "response_due_at": _null(INSTANT),
    "resolve_due_at": _null(INSTANT),
    "kind_due_at": _null(INSTANT),
    "bulletin_due_at": _null(INSTANT),
    "bulletin_at": _null(INSTANT),
    "breached": {"type": "object", "additionalProperties": INSTANT},
    "reassignments": INTEGER,
    "reopenings": INTEGER,
    "solution": _null(STRING),
    "process": _null(STRING),
    "solved_by": _null(STRING),
    "solved_by_role": _null(STRING),
    "workaround": BOOLEAN,
    "knowledge": _null(STRING),
    "review": _null(STRING),
    "problem_ref": _null(STRING),
    "close_code": _null(_enum(CloseCode)),
    "unconfirmed": BOOLEAN,
    "satisfaction": _object({"score": _null(INTEGER), "comment": _null(STRING)}),
    "duplicate_of": _null(NUMBER),
    "links": _list(NUMBER),
    "ladder": _list(
        _object({"role": _enum(Role), "due_at": INSTANT, "fired_at": _null(INSTANT), "people": _list(STRING)})
    ),
}

INBOX_ROW: Json = {
    "id": IDENT,
    "source": STRING,
    "entry": STRING,
    "parser": STRING,
    "received_at": INSTANT,
    "state": {"type": "string", "enum": ["pending", "done", "failed"]},
    "outcome": STRING,
    "error": STRING,
    "size": INTEGER,
}

NOTIFICATION: Json = {
    "id": IDENT,
    "incident": NUMBER,
    "reason": STRING,
    "role": _null(STRING),
    "person": STRING,
    "channel": STRING,
    "to": STRING,
    "priority": INTEGER,
    "state": {"type": "string", "enum": ["pending", "sent", "failed", "merged", "dropped"]},
    "at": INSTANT,
    "due_at": INSTANT,
    "attempts": INTEGER,
    "next_attempt_at": _null(INSTANT),
    "sent_at": _null(INSTANT),
    "error": STRING,
    "subject": STRING,
    "text": STRING,
}

TOKEN: Json = {
    "name": STRING,
    "scope": {"type": "string", "enum": ["ingest", "operate", "admin"]},
    "person": _null(STRING),
}

WINDOW: Json = {"id": IDENT, "from": INSTANT, "until": INSTANT, "reason": STRING, "by": STRING}

ANSWERS: Json = {
    "SilenceWindow": _object(WINDOW | {"matchers": _list(STRING), "include_p1": BOOLEAN}),
    "MaintenanceWindow": _object(WINDOW | {"services": _list(STRING)}),
    "Incident": _object(INCIDENT),
    "IncidentPage": _page("incidents", "Incident"),
    "Timeline": _object(
        {
            "timeline": _list(_object({"id": IDENT, "at": INSTANT, "actor": STRING, "event": STRING, "data": OBJECT})),
            "next": _null(IDENT),
        }
    ),
    "InboxRow": _object(INBOX_ROW),
    "InboxPage": _page("inbox", "InboxRow"),
    "InboxItem": _object(
        INBOX_ROW
        | {
            "path": STRING,
            "content_type": STRING,
            "headers": {"type": "object", "additionalProperties": STRING},
            "query": {"type": "object", "additionalProperties": STRING},
            "mail_from": STRING,
            "recipient": STRING,
            "body": _object({"text": _null(STRING), "base64": STRING, "redacted": BOOLEAN, "truncated": BOOLEAN}),
            "reports": _list(_object({"index": INTEGER, "outcome": STRING, "incident": _null(NUMBER)})),
        }
    ),
    "Notification": _object(NOTIFICATION),
    "NotificationPage": _page("notifications", "Notification"),
    "Token": _object(TOKEN | {"token": _null(STRING)}),
    "Tokens": _object({"tokens": _list(_object(TOKEN | {"created_at": INSTANT}))}),
    "Problem": {
        "type": "object",
        "properties": {
            "type": STRING,
            "title": STRING,
            "status": INTEGER,
            "detail": STRING,
            "field": STRING,
            "errors": _list(_object({"field": STRING, "detail": STRING})),
            "allowed": _list(STRING),
        },
        "required": ["type", "title", "status", "detail"],
    },
}


def _parameter(schema: Json, description: str) -> Json:
    return {"schema": schema, "description": description}


_MANY = "one, or several with commas between"
PARAMETERS: Json = {
    "n": _parameter({"type": "string", "pattern": "^(INC-)?[0-9]+$"}, "INC-42 or 42"),
    "id": _parameter(IDENT, "the id"),
    "name": _parameter(STRING, "the token's name"),
    "status": _parameter(STRING, f"{_MANY}: {', '.join(Status)}"),
    "priority": _parameter(STRING, f"{_MANY}: 1, 2, 3, 4"),
    "kind": _parameter(STRING, f"{_MANY}: {', '.join(Kind)}"),
    "service": _parameter(STRING, "the service's name"),
    "fault_level": _parameter(STRING, f"{_MANY}: {', '.join(FaultLevel)}"),
    "q": _parameter(STRING, "words in the title, the reporter or the number"),
    "since": _parameter(INSTANT, "registered at or after it"),
    "cursor": _parameter(STRING, "`next` of the page before"),
    "limit": _parameter({"type": "integer", "minimum": 1, "maximum": 500}, "rows of a page"),
    "after": _parameter(IDENT, "rows after this id"),
    "incident": _parameter(STRING, "INC-42 or 42"),
    "state": _parameter(STRING, "the state"),
    "outcome": _parameter(
        STRING, "registered, joined, acknowledged, resolved, unchanged, duplicate, out_of_scope, unparsable, failed"
    ),
    "full": _parameter({"type": "string", "enum": ["true", "false"]}, "the whole body, however long"),
}
