"""`Idempotency-Key`: acts once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.daemon.api_house import NOW, house

pytestmark = pytest.mark.asyncio
KEY = {"Idempotency-Key": "k1"}


async def test_the_same_request_acts_once_and_has_the_same_answer(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        first = await api.post("/incidents", {"title": "x"}, headers=KEY)
        second = await api.post("/incidents", {"title": "x"}, headers=KEY)
        assert (second.status, second.body) == (201, first.body)
        assert second.headers["Idempotency-Replayed"] == "true"
        assert len((await api.get("/incidents")).json()["incidents"]) == 1


async def test_the_same_key_with_another_body_is_422(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.post("/incidents", {"title": "x"}, headers=KEY)
        answer = await api.post("/incidents", {"title": "y"}, headers=KEY)
        assert (answer.status, answer.json()["field"]) == (422, "Idempotency-Key")


async def test_the_same_key_of_another_token_is_another_key(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.post("/incidents", {"title": "x"}, headers=KEY)
        assert (await api.post("/incidents", {"title": "y"}, headers=KEY, token="admin")).status == 201


async def test_a_refused_request_leaves_the_key_free(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        assert (await api.post("/incidents", {"title": ""}, headers=KEY)).status == 422
        assert (await api.post("/incidents", {"title": "x"}, headers=KEY)).status == 201


async def test_of_ten_at_once_one_acts(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        answers = await asyncio.gather(*(api.post("/incidents", {"title": "x"}, headers=KEY) for _ in range(10)))
        assert {a.status for a in answers} <= {201, 409}
        assert len((await api.get("/incidents")).json()["incidents"]) == 1
        assert all(a.headers["Retry-After"] == "1" for a in answers if a.status == 409)


async def test_an_action_is_not_done_twice(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register()
        for _ in range(2):
            assert (await api.post("/incidents/1/note", {"text": "once"}, headers=KEY)).status == 200
        rows = (await api.get("/incidents/1/timeline")).json()["timeline"]
        assert sum(r["event"] == "note" for r in rows) == 1


async def test_an_answer_is_kept_for_24_hours(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.post("/incidents", {"title": "x"}, headers=KEY)
        api.clock.move_to(NOW + 23 * 3_600_000)
        assert (await api.post("/incidents", {"title": "x"}, headers=KEY)).json()["number"] == "INC-1"
        api.clock.move_to(NOW + 24 * 3_600_000 + 1)
        assert (await api.post("/incidents", {"title": "x"}, headers=KEY)).json()["number"] == "INC-2"


async def test_a_request_that_a_crash_cut_off_is_not_done_again(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.post("/incidents", {"title": "x"}, headers=KEY)
        await api.store.transact(lambda tx: tx.run("UPDATE idempotency SET status = 0, answer = ''", [()]))
        answer = await api.post("/incidents", {"title": "x"}, headers=KEY)
        assert (answer.status, answer.headers["Retry-After"]) == (409, "1")
        api.clock.move_to(NOW + 61_000)
        answer = await api.post("/incidents", {"title": "x"}, headers=KEY)
        assert answer.status == 409
        assert "cut off" in answer.json()["detail"]


async def test_the_stored_answer_of_a_new_token_has_no_token(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        body = {"name": "ci", "scope": "operate"}
        first = (await api.post("/tokens", body, token="admin", headers=KEY)).json()
        second = (await api.post("/tokens", body, token="admin", headers=KEY)).json()
        assert first["token"]
        assert second == first | {"token": None}
        assert first["token"] not in str(await api.store.fetch("SELECT * FROM idempotency"))


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_empty_or_too_long_is_400(tmp_path: Path, key: str) -> None:
    async with house(tmp_path) as api:
        answer = await api.post("/incidents", {"title": "x"}, headers={"Idempotency-Key": key})
        assert answer.status == 400
