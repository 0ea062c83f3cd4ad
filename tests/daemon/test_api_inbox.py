"""/api/v1/inbox and /api/v1/notifications, and what is redacted on the way out."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from daemon.console.redact import redacted, redacted_pairs
from daemon.core.incident import Notice
from daemon.core.vocabulary import Priority, Reason
from parsers import Raw
from tests.daemon.api_house import NOW, SECRET, House, house

aio = pytest.mark.asyncio


async def _accept(api: House, body: bytes, content_type: str = "application/json", **more: str) -> str:
    ident = api.store.new_id()
    raw = Raw(ident, "webhook", "prometheus", "alertmanager", NOW, body, content_type, **more)  # type: ignore[arg-type]
    await api.store.accept([raw])
    return str(ident)


@aio
async def test_what_came_in_is_listed_newest_first_with_its_state(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        ids = [await _accept(api, b"{}") for _ in range(3)]
        found = (await api.get("/inbox?limit=2")).json()
        assert [r["id"] for r in found["inbox"]] == [ids[2], ids[1]]
        rest = (await api.get(f"/inbox?cursor={found['next']}")).json()
        assert ([r["id"] for r in rest["inbox"]], rest["next"]) == ([ids[0]], None)
        row = rest["inbox"][0]
        assert (row["state"], row["parser"], row["received_at"]) == (
            "pending",
            "alertmanager",
            "2026-01-05T01:03:20.000Z",
        )
        assert len((await api.get("/inbox?state=pending")).json()["inbox"]) == 3
        assert (await api.get("/inbox?state=lost")).status == 422
        assert (await api.get("/inbox?cursor=x")).status == 422


@aio
async def test_one_item_shows_its_body_as_text_and_bytes_without_secrets(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        body = f'{{"routing_key": "R0123456789", "note": "{SECRET}", "summary": "磁盘满"}}'.encode()
        ident = await _accept(api, body)
        answer = await api.get(f"/inbox/{ident}")
        item = answer.json()
        for secret in ("R0123456789", SECRET):
            assert secret not in answer.body.decode()
            assert secret.encode() not in base64.b64decode(item["body"]["base64"])
        assert "磁盘满" in item["body"]["text"]
        assert item["body"]["redacted"] is True
        stored = await api.store.inbox_row(int(ident))
        assert stored is not None
        assert stored.raw is not None
        assert stored.raw.body == body


@aio
async def test_bytes_that_are_no_text_come_as_base64_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        item = (await api.get(f"/inbox/{await _accept(api, bytes(range(256)))}")).json()
        assert item["body"]["text"] is None
        assert base64.b64decode(item["body"]["base64"]) == bytes(range(256))
        gbk = "告警".encode("gbk")
        item = (await api.get(f"/inbox/{await _accept(api, gbk, 'text/plain; charset=gbk')}")).json()
        assert item["body"]["text"] == "告警"


@aio
async def test_a_long_body_is_cut_unless_all_of_it_is_asked_for(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        ident = await _accept(api, b"x" * (3 << 20))
        short, full = (await api.get(f"/inbox/{ident}")).json(), (await api.get(f"/inbox/{ident}?full=true")).json()
        assert (short["body"]["truncated"], len(short["body"]["text"])) == (True, 1 << 20)
        assert (full["body"]["truncated"], len(full["body"]["text"])) == (False, 3 << 20)


@aio
async def test_what_is_not_in_the_inbox_is_404(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        for ident in ("1", "x", "9" * 30):
            assert (await api.get(f"/inbox/{ident}")).status == 404
            assert (await api.post(f"/inbox/{ident}/replay")).status == 404


@aio
async def test_a_failed_item_is_put_back_to_be_read_again(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        ident = api.store.new_id()
        await api.store.accept([Raw(ident, "webhook", "p", "alertmanager", NOW, b"?")], "no JSON")
        assert (await api.get(f"/inbox/{ident}")).json()["outcome"] == "unparsable"
        answer = await api.post(f"/inbox/{ident}/replay")
        assert (answer.status, answer.json()["state"]) == (202, "pending")


async def _notice(api: House, key: str = "1") -> str:
    notice = Notice(1, Reason.LADDER, "wang", "王芳", "sms", "+8613800000000", NOW, NOW, Priority.P1, key)
    [ident] = await api.store.transact(lambda tx: tx.add_notices([notice]))
    return str(ident)


@aio
async def test_notifications_are_listed_by_state_and_incident(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        ident = await _notice(api)
        for query in ("", "?state=pending", "?incident=INC-1", "?incident=1&state=pending"):
            [row] = (await api.get(f"/notifications{query}")).json()["notifications"]
            assert (row["id"], row["incident"], row["to"]) == (ident, "INC-1", "+8613800000000")
        assert (await api.get("/notifications?incident=2")).json()["notifications"] == []
        assert (await api.get("/notifications?state=lost")).status == 422
        assert (await api.get("/notifications?incident=x")).status == 422


@aio
async def test_a_notification_is_given_up_and_tried_again(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        ident = await _notice(api)
        assert (await api.post(f"/notifications/{ident}/drop")).json()["state"] == "dropped"
        assert (await api.post(f"/notifications/{ident}/drop")).status == 409
        api.clock.move_to(NOW + 5000)
        again = (await api.post(f"/notifications/{ident}/retry")).json()
        assert (again["state"], again["next_attempt_at"]) == ("pending", "2026-01-05T01:03:25.000Z")
        assert api.store.outbox_waker.is_set()
        assert (await api.post("/notifications/5/retry")).status == 404


@aio
async def test_one_that_waits_for_its_next_attempt_has_it_now(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        ident = await _notice(api)
        later = [(NOW + 3_600_000,)]
        await api.store.transact(lambda tx: tx.run("UPDATE outbox SET next_attempt_at = $1", later))
        again = (await api.post(f"/notifications/{ident}/retry")).json()
        assert again["next_attempt_at"] == "2026-01-05T01:03:20.000Z"


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"routing_key":"R1"}', b'{"routing_key":"[redacted]"}'),
        (b'{"apiKey" : "a\\"b", "x": 1}', b'{"apiKey" : "[redacted]", "x": 1}'),
        (b'{"password": 12345}', b'{"password": "[redacted]"}'),
        (b"token=abc&x=1", b"token=[redacted]&x=1"),
        (b"x=1&access_token=abc def", b"x=1&access_token=[redacted] def"),
        (b"https://h/?token=abc#f", b"https://h/?token=[redacted]"),
        (b"Authorization: Bearer abcdefgh12345678", b"Authorization: Bearer [redacted]"),
        (b"Basic knowledge of the system is enough", b"Basic knowledge of the system is enough"),
        (b'{"tokens": 5, "description": "token ring is down"}', b'{"tokens": 5, "description": "token ring is down"}'),
    ],
)
def test_well_known_secrets_are_redacted_and_words_are_not(body: bytes, left: bytes) -> None:
    assert redacted(body) == left


def test_headers_and_query_lose_what_is_named_like_a_secret() -> None:
    pairs = {"x-hook-token": "a", "authorization": "b", "user-agent": "c", "note": f"see {SECRET}", "cookie": "d"}
    shown = redacted_pairs(pairs, [SECRET])
    assert shown == {
        "x-hook-token": "[redacted]",
        "authorization": "[redacted]",
        "user-agent": "c",
        "note": "see [redacted]",
        "cookie": "[redacted]",
    }


def test_redaction_of_a_hostile_body_takes_no_time() -> None:
    for body in (b'"token":' * 200_000, b'"token"' + b" " * 1_000_000, b"token=" * 200_000, b"bearer " * 200_000):
        redacted(body)
