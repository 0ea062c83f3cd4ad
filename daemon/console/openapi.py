"""The OpenAPI 3.1 document. Request schemas come from the models that check the requests, so they are true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from daemon import __version__
from daemon.console import schemas
from daemon.console.bodies import ACTIONS, Maintenance, NewToken, Nothing, Patch, Register, Silence

Json = dict[str, Any]

_PROBLEMS = {
    400: "no JSON, or a bad header",
    401: "no token, or none that is known",
    403: "the token's scope does not reach",
    404: "there is none",
    409: "its status forbids it; `allowed` names what it allows",
    413: "the body is too long",
    415: "the body is no JSON",
    422: "a field is wrong: `field`, `errors`",
    429: "too many failed attempts; Retry-After",
    503: "the store is away; Retry-After",
}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _query(names: Iterable[str]) -> list[Json]:
    return [{"name": n, "in": "query", "required": False, **schemas.PARAMETERS[n]} for n in names]


def _path(*names: str) -> list[Json]:
    return [{"name": n, "in": "path", "required": True, **schemas.PARAMETERS[n]} for n in names]


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "the same request with the same key acts once and has the same answer for 24 hours",
}


def _operation(
    ident: str,
    summary: str,
    answer: Json | None,
    *,
    status: int = 200,
    parameters: list[Json] | None = None,
    body: type[BaseModel] | None = None,
    problems: Iterable[int] = (),
    keyed: bool = False,
) -> Json:
    wrong = {401, 403, 429, 503, *problems} | ({400, 413, 415, 422} if body else set()) | ({409} if keyed else set())
    responses: Json = {str(status): {"description": "done"} | ({"content": _json(answer)} if answer else {})}
    for code in sorted(wrong):
        responses[str(code)] = {
            "description": _PROBLEMS[code],
            "content": {"application/problem+json": {"schema": _ref("Problem")}},
        }
    found: Json = {"operationId": ident, "summary": summary, "responses": responses}
    if parameters or keyed:
        found["parameters"] = (parameters or []) + ([_KEY] if keyed else [])
    if body:
        required = any(f.is_required() for f in body.model_fields.values())
        found["requestBody"] = {"required": required, "content": _json(_ref(body.__name__))}
    return found


def _incident_paths() -> Json:
    filters = ("status", "priority", "kind", "service", "fault_level", "q", "since", "cursor", "limit")
    one, both = _ref("Incident"), (404,)
    paths: Json = {
        "/incidents": {
            "get": _operation(
                "listIncidents", "newest first", _ref("IncidentPage"), parameters=_query(filters), problems=(422,)
            ),
            "post": _operation(
                "registerIncident", "register an incident", one, status=201, body=Register, keyed=True, problems=(409,)
            ),
        },
        "/incidents/{n}": {
            "get": _operation("showIncident", "one incident", one, parameters=_path("n"), problems=both),
            "patch": _operation(
                "correctIncident", "a person's correction", one, parameters=_path("n"), body=Patch, problems=(404, 409)
            ),
        },
        "/incidents/{n}/timeline": {
            "get": _operation(
                "showTimeline",
                "what happened, oldest first",
                _ref("Timeline"),
                parameters=_path("n") + _query(("after", "limit")),
                problems=(404, 422),
            )
        },
    }
    for name, body in ACTIONS.items():
        paths[f"/incidents/{{n}}/{name}"] = {
            "post": _operation(
                name.replace("-", "_") + "_incident",
                f"the action {name}",
                one,
                parameters=_path("n"),
                body=body,
                problems=(404, 409),
                keyed=True,
            )
        }
    return paths


def _other_paths() -> Json:
    pages = ("cursor", "limit")
    move: Json = {"parameters": _path("id"), "body": Nothing, "problems": (404, 409), "keyed": True}
    notice = _ref("Notification")
    return {
        "/inbox": {
            "get": _operation(
                "listInbox",
                "what came in, newest first",
                _ref("InboxPage"),
                parameters=_query(("state", "outcome", *pages)),
                problems=(422,),
            )
        },
        "/inbox/{id}": {
            "get": _operation(
                "showInbox",
                "one item as it came, but for secrets",
                _ref("InboxItem"),
                parameters=_path("id") + _query(("full",)),
                problems=(404, 422),
            )
        },
        "/inbox/{id}/replay": {
            "post": _operation("replayInbox", "read it again", _ref("InboxRow"), status=202, **move),
        },
        "/notifications": {
            "get": _operation(
                "listNotifications",
                "what is to be sent and what was",
                _ref("NotificationPage"),
                parameters=_query(("state", "incident", *pages)),
                problems=(422,),
            )
        },
        "/notifications/{id}/retry": {"post": _operation("retryNotification", "try again now", notice, **move)},
        "/notifications/{id}/drop": {"post": _operation("dropNotification", "give up", notice, **move)},
        "/tokens": {
            "get": _operation("listTokens", "the tokens, without their secrets (admin)", _ref("Tokens")),
            "post": _operation(
                "makeToken", "a token, shown once (admin)", _ref("Token"), status=201, body=NewToken, keyed=True
            ),
        },
        "/tokens/{name}": {
            "delete": _operation(
                "revokeToken", "revoke it (admin)", None, status=204, parameters=_path("name"), problems=(404,)
            )
        },
        **_window_paths("silences", "Silence", Silence, "what holds notices back"),
        **_window_paths("maintenance", "Maintenance", Maintenance, "planned work"),
        "/openapi.json": {"get": _operation("showOpenapi", "this document", {"type": "object"})},
    }


def _window_paths(name: str, word: str, body: type[BaseModel], what: str) -> Json:
    listed = {"type": "object", "properties": {name: {"type": "array", "items": _ref(f"{word}Window")}}}
    one = _ref(f"{word}Window")
    return {
        f"/{name}": {
            "get": _operation(f"list{word}", f"{what}: present, coming, and of the last 90 days", listed),
            "post": _operation(f"add{word}", what, one, status=201, body=body, keyed=True),
        },
        f"/{name}/{{id}}": {
            "delete": _operation(f"end{word}", "end it now", None, status=204, parameters=_path("id"), problems=(404,))
        },
    }


def _model_schemas() -> Json:
    found: Json = {}
    models: set[type[BaseModel]] = {Register, Patch, NewToken, Nothing, Silence, Maintenance, *ACTIONS.values()}
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
    return found


def document() -> Json:
    found = _model_schemas() | schemas.ANSWERS
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tocsin",
            "version": __version__,
            "description": "Incidents, what came in, and what is sent. Errors are RFC 9457 problem details.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": _incident_paths() | _other_paths(),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API token (`tocsin token new`)"},
                "basic": {"type": "http", "scheme": "basic", "description": "any user, the token as the password"},
            },
            "schemas": dict(sorted(found.items())),
        },
    }
