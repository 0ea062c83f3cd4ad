"""Silences and maintenance windows through the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.clock import rfc3339
from tests.daemon.api_house import NOW, house

pytestmark = pytest.mark.asyncio
HOUR = 3_600_000
SPAN = {"from": rfc3339(NOW), "until": rfc3339(NOW + HOUR)}


async def test_a_silence_is_made_listed_and_ended(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        made = await api.post("/silences", {**SPAN, "matchers": ['service="billing"'], "reason": "drill"})
        assert made.status == 201
        ident = made.json()["id"]
        [shown] = (await api.get("/silences")).json()["silences"]
        assert (shown["id"], shown["matchers"], shown["include_p1"]) == (ident, ['service="billing"'], False)
        assert (await api.get("/maintenance")).json() == {"maintenance": []}
        assert (await api.ask("DELETE", f"/silences/{ident}")).status == 204
        assert (await api.ask("DELETE", "/silences/99")).status == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/maintenance", {"services": ["moon"]}, "services"),
        ("/silences", {"matchers": ["moon=1"]}, "matchers"),
        ("/silences", {"matchers": ['service="a"'], "until": rfc3339(NOW - HOUR)}, "until"),
    ],
)
async def test_what_cannot_be_is_422_with_its_field(
    tmp_path: Path, path: str, body: dict[str, object], field: str
) -> None:
    async with house(tmp_path) as api:
        answer = await api.post(path, SPAN | body)
        assert (answer.status, answer.json()["field"]) == (422, field)
