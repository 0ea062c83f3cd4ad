"""The OpenAPI document is true: its paths are the routes, its references lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from daemon.console.bodies import ACTIONS
from daemon.console.openapi import document
from tests.daemon.api_house import house


def _refs(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_refs(v) for v in node.values()))
    return set().union(*(_refs(v) for v in node)) if isinstance(node, list) else set()


def test_every_reference_leads_to_a_schema() -> None:
    whole = document()
    for ref in _refs(whole):
        assert ref.removeprefix("#/components/schemas/") in whole["components"]["schemas"], ref


def test_operation_ids_are_unique() -> None:
    idents = [op["operationId"] for path in document()["paths"].values() for op in path.values()]
    assert len(idents) == len(set(idents))


def test_every_parameter_of_a_path_is_declared() -> None:
    for path, operations in document()["paths"].items():
        named = set(re.findall(r"\{(\w+)\}", path))
        for operation in operations.values():
            assert {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"} == named


@pytest.mark.asyncio
async def test_its_paths_are_the_routes_and_no_others(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        answer = await api.get("/openapi.json")
        whole = answer.json()
        assert whole["openapi"] == "3.1.0"
        told = {(method.upper(), path) for path, ops in whole["paths"].items() for method in ops}
        from daemon.console.api import PREFIX, add_routes
        from daemon.doors.http import make_app

        app = add_routes(make_app(1000), api.parts)
        real = {(r.method, r.resource.canonical.removeprefix(PREFIX)) for r in app.router.routes() if r.resource}
        real = {r for r in real if r[0] != "HEAD"}
        actions = {("POST", f"/incidents/{{n}}/{name}") for name in ACTIONS}
        assert told == (real - {("POST", "/incidents/{n}/{action}")}) | actions


@pytest.mark.asyncio
async def test_answers_have_the_keys_of_their_schemas(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register()
        schemas = document()["components"]["schemas"]
        one = (await api.get("/incidents/1")).json()
        assert set(one) == set(schemas["Incident"]["properties"])
        row = (await api.get("/notifications")).json()["notifications"][0]
        assert set(row) == set(schemas["Notification"]["properties"])
        assert json.dumps(schemas)


def test_a_request_schema_names_what_is_required_and_forbids_the_rest() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["Register"]["required"] == ["title"]
    assert schemas["Patch"]["required"] == ["reason"]
    assert schemas["Note"]["additionalProperties"] is False
    assert schemas["Register"]["properties"]["occurred_at"]["anyOf"][0]["format"] == "date-time"
