"""Who gets into the API, and as whom."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from daemon.clock import VirtualClock
from daemon.console.auth import Attempts, digest, new_token, presented, sign_local, verify_local
from tests.daemon.api_house import KEY, NOW, house

aio = pytest.mark.asyncio


def test_a_signed_token_says_who_signed_it_until_it_is_over() -> None:
    token = sign_local(KEY, "王芳", NOW)
    assert verify_local(KEY, token, NOW) == "王芳"
    assert verify_local(KEY, token, NOW + 59_000) == "王芳"
    assert verify_local(KEY, token, NOW + 61_000) is None


def test_a_token_signed_with_another_key_or_changed_is_none() -> None:
    token = sign_local(KEY, "root", NOW)
    assert verify_local("another key of sixteen characters", token, NOW) is None
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        # the last letter of base64 has two bits of no meaning: compared as text, they count too
        assert verify_local(KEY, changed, NOW) is None


@pytest.mark.parametrize("token", ["", ".", "tcs1", "tcs1...", "tcs1.x.y.z", "tcs1.1.1.1.1", "é" * 20, "tcs1." * 200])
def test_what_is_no_signed_token_is_none(token: str) -> None:
    assert verify_local(KEY, token, NOW) is None


def test_a_signed_token_that_would_live_for_days_is_refused() -> None:
    assert verify_local(KEY, sign_local(KEY, "root", NOW, life=86_400), NOW) is None


def test_without_a_key_nothing_is_signed_and_nothing_passes() -> None:
    with pytest.raises(ValueError, match=r"no \[security\] key"):
        sign_local("", "root", NOW)
    assert verify_local("", sign_local(KEY, "root", NOW), NOW) is None


def test_a_token_is_long_and_its_digest_is_sha256() -> None:
    assert len(new_token()) >= 40
    assert new_token() != new_token()
    assert len(digest("x")) == 64


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic " + base64.b64encode(b"anybody:abc:d").decode(), "abc:d"),
        ("Basic ???", ""),
        ("Basic " + base64.b64encode(b"\xff\xfe").decode(), ""),
        ("Digest abc", ""),
        ("", ""),
    ],
)
def test_the_token_of_a_header_is_found_in_bearer_and_basic(header: str, token: str) -> None:
    assert presented(header) == token


def test_attempts_are_counted_by_address_and_forgotten_after_a_minute() -> None:
    clock = VirtualClock(NOW)
    attempts = Attempts(clock, limit=3, window=60)
    for _ in range(3):
        assert attempts.blocked("a") == 0
        attempts.fail("a")
    assert attempts.blocked("a") == 60
    assert attempts.blocked("b") == 0
    clock.move_to(NOW + 60_000)
    assert attempts.blocked("a") == 0


def test_a_million_addresses_take_no_more_memory_than_the_bound() -> None:
    attempts = Attempts(VirtualClock(NOW), addresses=100)
    for n in range(10_000):
        attempts.fail(str(n))
    assert len(attempts._failed) == 100


@aio
async def test_without_a_token_the_answer_is_401_and_says_how(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        answer = await api.get("/incidents", token=None)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == 401


@aio
async def test_an_unknown_path_below_the_api_needs_a_token_too(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        assert (await api.get("/nothing", token=None)).status == 401
        assert (await api.get("/nothing")).status == 404


@aio
async def test_bearer_basic_and_signed_tokens_get_in(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        assert (await api.get("/incidents", token="operate")).status == 200
        basic = base64.b64encode(f"x:{api.tokens['operate']}".encode()).decode()
        assert (await api.get("/incidents", token=None, headers={"Authorization": f"Basic {basic}"})).status == 200
        assert (await api.get("/incidents", token=sign_local(KEY, "root", NOW))).status == 200


@aio
async def test_a_token_for_ingest_is_403_and_names_the_scope_that_it_needs(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        answer = await api.get("/incidents", token="ingest")
        assert answer.status == 403
        assert answer.json()["scope"] == "operate"
        answer = await api.get("/tokens", token="operate")
        assert (answer.status, answer.json()["scope"]) == (403, "admin")


@aio
async def test_a_revoked_token_is_401(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        made = (await api.post("/tokens", {"name": "ci", "scope": "operate"}, token="admin")).json()
        assert (await api.get("/incidents", token=made["token"])).status == 200
        assert (await api.ask("DELETE", "/tokens/ci", token="admin")).status == 204
        assert (await api.get("/incidents", token=made["token"])).status == 401
        assert (await api.ask("DELETE", "/tokens/ci", token="admin")).status == 404


@aio
async def test_a_token_is_stored_hashed_and_shown_once(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        made = (await api.post("/tokens", {"name": "ci", "scope": "operate", "person": "王芳"}, token="admin")).json()
        assert made["person"] == "wang"
        listed = (await api.get("/tokens", token="admin")).body.decode()
        assert made["token"] not in listed
        rows = await api.store.fetch("SELECT * FROM tokens")
        assert made["token"] not in str(rows)
        again = await api.post("/tokens", {"name": "ci", "scope": "operate"}, token="admin")
        assert (again.status, again.json()["field"]) == (409, "name")


@aio
async def test_after_twenty_failures_an_address_is_told_to_wait_but_a_good_token_passes(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        assert (await api.get("/incidents")).status == 200
        for _ in range(20):
            assert (await api.get("/incidents", token="guess")).status == 401
        answer = await api.get("/incidents", token="guess")
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert (await api.get("/incidents")).status == 200
        assert (await api.get("/incidents", token=sign_local(KEY, "root", NOW))).status == 200


@aio
async def test_the_act_is_written_under_the_tokens_person(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        incident = await api.register()
        done = (await api.post(f"/incidents/{incident['number']}/accept")).json()
        assert done["assignee"] == "李雷"


@aio
async def test_only_an_admin_token_names_another(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        path = f"/incidents/{(await api.register())['number']}"
        assert (await api.post(f"{path}/accept", {"by": "王芳"})).status == 403
        assert (await api.post(f"{path}/accept", {"by": "李雷"})).status == 200
        done = await api.post(f"{path}/note", {"text": "x", "by": "incident_manager"}, token="admin")
        assert done.status == 200
        timeline = (await api.get(f"{path}/timeline")).json()["timeline"]
        assert timeline[-1]["actor"] == "王芳"
        for nobody in ("company_leader", "nobody"):
            answer = await api.post(f"{path}/note", {"text": "x", "by": nobody}, token="admin")
            assert (answer.status, answer.json()["field"]) == (422, "by")


@aio
async def test_a_page_of_another_site_may_not_act(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        headers = {"Origin": "https://evil.example"}
        assert (await api.post("/incidents", {"title": "x"}, headers=headers)).status == 403
        own = {"Origin": "https://tocsin.example"}
        assert (await api.post("/incidents", {"title": "x"}, headers=own)).status == 201
