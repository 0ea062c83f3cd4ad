"""/api/v1/incidents: register, list, show, correct, act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.actions import ACTIONS as DESK_ACTIONS
from daemon.console.bodies import ACTIONS
from daemon.console.schemas import INCIDENT
from daemon.console.views import incident_view, severity
from daemon.core import actions as core_actions
from daemon.core.book import Book
from daemon.core.incident import Incident, Rung
from daemon.core.vocabulary import FaultLevel, Kind, Origin, Role, Source
from tests.daemon.api_house import DIRECTORY, NOW, House, house

pytestmark = pytest.mark.asyncio

LISTED = [
    "number", "title", "kind", "category", "cause", "origin", "status", "source", "external_ref", "service",
    "environment", "reporter", "needs_triage", "impact", "urgency", "priority", "grade", "fault_level", "severity",
    "emergency", "coordinator", "complaints", "complaint_of", "measures", "assignee", "participants", "line",
    "occurred_at", "registered_at", "dispatched_at", "accepted_at", "third_party_at", "onsite_due_at", "onsite_at",
    "resolved_at", "closed_at", "response_due_at", "resolve_due_at", "kind_due_at", "bulletin_due_at",
    "reassignments", "reopenings", "solution", "solved_by", "solved_by_role", "knowledge", "problem_ref",
    "close_code", "satisfaction", "duplicate_of", "links", "ladder",
]  # fmt: skip
"""INTERFACE 3.2."""


def _incident(**fields: Any) -> Incident:
    return Incident(1, "x", Source.API, Origin.USER, NOW, NOW, **fields)


async def test_a_registered_incident_shows_every_field_that_is_promised(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        made = await api.register(kind="fault", service="bill", reporter={"name": "张三", "phone": "10086"})
        assert made["number"] == "INC-1"
        assert set(LISTED) <= set(made)
        assert set(made) == set(INCIDENT)
        assert made["reporter"] == {"name": "张三", "address": "", "phone": "10086"}
        assert made["service"] == "billing"
        assert made["registered_at"] == "2026-01-05T01:03:20.000Z"
        assert made["grade"]["reasons"]
        assert made["ladder"][0]["due_at"] > made["registered_at"]
        assert made["satisfaction"] == {"score": None, "comment": None}
        for number in ("INC-1", "inc-1", "1"):
            assert (await api.get(f"/incidents/{number}")).json() == made


async def test_registering_answers_where_the_incident_is(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        answer = await api.post("/incidents", {"title": "x"})
        assert (answer.status, answer.headers["Location"]) == (201, "/api/v1/incidents/INC-1")


async def test_an_incident_that_is_over_is_registered_with_its_past(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        made = await api.register(
            occurred_at="2026-01-05T08:00:00+08:00",
            accepted_at="2026-01-05T08:05:00+08:00",
            resolved_at="2026-01-05T08:30:00+08:00",
            solution="restarted",
            source="phone",
            close_code="success",
        )
        assert (made["status"], made["solution"], made["source"]) == ("closed", "restarted", "phone")
        assert made["occurred_at"] == "2026-01-05T00:00:00.000Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"title": 5}, "title"),
        ({"title": "x", "colour": "red"}, "colour"),
        ({"title": "x", "kind": "catastrophe"}, "kind"),
        ({"title": "x", "source": "webhook"}, "source"),
        ({"title": "x", "occurred_at": "yesterday"}, "occurred_at"),
        ({"title": "x", "occurred_at": "2026-01-05T09:00:00"}, "occurred_at"),
        ({"title": "x", "occurred_at": "2036-01-05T09:00:00Z"}, "occurred_at"),
        ({"title": "x", "reporter": {"nmae": "y"}}, "reporter.nmae"),
        ({"title": "x", "service": "unknown"}, "service"),
        ({"title": "x", "solution": "without the rest"}, "solution"),
    ],
)
async def test_a_field_that_is_wrong_is_422_and_named(tmp_path: Path, body: Any, field: str) -> None:
    async with house(tmp_path) as api:
        answer = await api.post("/incidents", body)
        problem = answer.json()
        assert (answer.status, problem["field"], problem["errors"][0]["field"]) == (422, field, field)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {"type", "title", "status", "detail"} <= set(problem)
        assert (await api.get("/incidents")).json()["incidents"] == []


async def test_every_wrong_field_is_named_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        errors = (await api.post("/incidents", {"kind": "x", "a": 1, "b": 2})).json()["errors"]
        assert {e["field"] for e in errors} == {"title", "kind", "a", "b"}


async def test_a_body_that_is_no_json_says_where(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        json_ = {"Content-Type": "application/json"}
        answer = await api.post("/incidents", b'{"title":\n "x",,}', headers=json_)
        assert answer.status == 400
        assert (answer.json()["line"], answer.json()["column"]) == (2, 6)
        assert (await api.post("/incidents", b"[1]", headers=json_)).status == 400
        assert (await api.post("/incidents", b"\xff\xfe", headers=json_)).status == 400
        assert (await api.post("/incidents", b"[" * 100_000, headers=json_)).status == 400


async def test_a_body_of_another_type_is_415_and_one_too_long_413(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await api.post("/incidents", b"title=x", headers=form)).status == 415
        json_ = {"Content-Type": "application/json"}
        answer = await api.post("/incidents", b'{"title": "' + b"x" * (1 << 20) + b'"}', headers=json_)
        assert answer.status == 413
        assert answer.headers["Content-Type"] == "application/problem+json"


async def test_what_is_not_there_is_404_and_the_wrong_method_405(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        for path in ("/incidents/7", "/incidents/INC-7/timeline", "/incidents/abc", "/incidents/" + "9" * 40):
            answer = await api.get(path)
            assert (answer.status, answer.json()["status"]) == (404, 404)
        assert (await api.post("/incidents/7/accept")).status == 404
        answer = await api.ask("DELETE", "/incidents")
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(",")) >= {"GET", "POST"}


async def test_the_list_is_newest_first_and_goes_on_with_its_cursor(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        for n in range(5):
            await api.register(f"incident {n}")
        first = (await api.get("/incidents?limit=2")).json()
        assert [i["number"] for i in first["incidents"]] == ["INC-5", "INC-4"]
        second = (await api.get(f"/incidents?limit=2&cursor={first['next']}")).json()
        assert [i["number"] for i in second["incidents"]] == ["INC-3", "INC-2"]
        last = (await api.get(f"/incidents?limit=2&cursor={second['next']}")).json()
        assert ([i["number"] for i in last["incidents"]], last["next"]) == (["INC-1"], None)


async def test_the_list_is_filtered_by_every_parameter(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register("出账失败", kind="fault", service="billing")
        api.clock.move_to(NOW + 60_000)
        await api.register("how do I log in", kind="consultation")
        await api.post("/incidents/2/accept")

        async def numbers(query: str) -> list[str]:
            answer = await api.get(f"/incidents?{query}")
            assert answer.status == 200, answer.body
            return [i["number"] for i in answer.json()["incidents"]]

        assert await numbers("status=in_progress") == ["INC-2"]
        assert await numbers("status=registered,in_progress") == ["INC-2", "INC-1"]
        assert await numbers("status=registered&status=in_progress") == ["INC-2", "INC-1"]
        assert await numbers("kind=fault") == ["INC-1"]
        assert await numbers("service=billing") == ["INC-1"]
        assert await numbers("service=bill") == ["INC-1"]
        assert await numbers("fault_level=none") == ["INC-1"]
        assert await numbers("priority=P4,3") == ["INC-2"]
        assert await numbers("q=出账") == ["INC-1"]
        assert await numbers("since=2026-01-05T09:04:00%2B08:00") == ["INC-2"]
        assert await numbers("since=2026-01-05T09:04:00+08:00") == ["INC-2"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=open", "status"),
        ("priority=5", "priority"),
        ("kind=x", "kind"),
        ("fault_level=x", "fault_level"),
        ("since=yesterday", "since"),
        ("limit=0", "limit"),
        ("limit=100000", "limit"),
        ("limit=ten", "limit"),
        ("cursor=no", "cursor"),
        ("colour=red", "colour"),
    ],
)
async def test_a_parameter_that_is_wrong_is_422_and_named(tmp_path: Path, query: str, field: str) -> None:
    async with house(tmp_path) as api:
        answer = await api.get(f"/incidents?{query}")
        assert (answer.status, answer.json()["field"]) == (422, field)


async def test_the_timeline_has_instants_actors_and_events(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register()
        await api.post("/incidents/1/note", {"text": "looking"})
        rows = (await api.get("/incidents/1/timeline")).json()["timeline"]
        assert [set(r) for r in rows] == [{"id", "at", "actor", "event", "data"}] * len(rows)
        assert (rows[0]["event"], rows[0]["actor"]) == ("registered", "李雷")
        assert (rows[-1]["event"], rows[-1]["data"]["text"]) == ("note", "looking")
        first = (await api.get("/incidents/1/timeline?limit=1")).json()
        rest = (await api.get(f"/incidents/1/timeline?after={first['next']}")).json()
        assert first["timeline"] + rest["timeline"] == rows


async def test_a_correction_needs_a_reason_and_something_to_correct(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register()
        answer = await api.ask("PATCH", "/incidents/1", {"kind": "fault"})
        assert (answer.status, answer.json()["field"]) == (422, "reason")
        assert (await api.ask("PATCH", "/incidents/1", {"reason": "because"})).status == 422
        answer = await api.ask("PATCH", "/incidents/1", {"kind": "fault", "service": "portal", "reason": "it is one"})
        assert (answer.status, answer.json()["kind"], answer.json()["service"]) == (200, "fault", "portal")
        assert (await api.ask("PATCH", "/incidents/9", {"kind": "fault", "reason": "x"})).status == 404


async def test_emergency_is_the_incident_managers_word_or_an_admins(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register()
        body = {"emergency": True, "reason": "the mayor calls"}
        answer = await api.ask("PATCH", "/incidents/1", body)
        assert (answer.status, answer.json()["field"]) == (422, "emergency")
        answer = await api.ask("PATCH", "/incidents/1", body, token="admin")
        assert (answer.status, answer.json()["emergency"], answer.json()["coordinator"]) == (200, True, "王芳")


async def test_an_action_that_the_status_forbids_is_409_and_says_which_are_allowed(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register()
        answer = await api.post("/incidents/1/resume")
        assert answer.status == 409
        assert "accept" in answer.json()["allowed"]
        assert "resume" not in answer.json()["allowed"]
        assert (await api.post("/incidents/1/explode")).status == 404


async def test_the_whole_life_of_an_incident(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register(kind="fault", service="billing", reporter={"address": "u@customer.example"})

        async def act(action: str, body: Any = None) -> Any:
            answer = await api.post(f"/incidents/1/{action}", body)
            assert answer.status == 200, (action, answer.body)
            return answer.json()

        assert (await act("verify"))["verified_by"] == "李雷"
        assert (await act("assign", {"role": "second_line"}))["assigned_role"] == "second_line"
        assert (await act("reject", {"reason": "not ours"}))["status"] == "registered"
        assert (await act("assign", {"to": "赵敏"}))["assignee"] == "赵敏"
        assert (await act("accept"))["status"] == "in_progress"
        assert (await act("participants", {"add": ["王芳"]}))["participants"] == ["王芳"]
        assert (await act("pend", {"reason": "spare part"}))["status"] == "pending"
        assert (await act("resume"))["status"] == "in_progress"
        assert (await act("third-party", {"name": "vendor"}))["line"] == "third_party"
        measured = await act("measure", {"users_affected": 640_000, "offline_from": "2026-01-05T09:00:00+08:00"})
        assert (measured["fault_level"], measured["severity"], measured["priority"]) == ("black", "major", 1)
        assert measured["measures"]["offline_from"] == "2026-01-05T01:00:00.000Z"
        await act("escalate", {"role": "incident_manager", "reason": "help"})
        await act("follow", {"reason": "look"})
        await act("bulletin", {"text": "billing is down"})
        await act("note", {"text": "we work on it", "public": True})
        resolved = await act("resolve", {"solution": "restarted", "by_role": "second_line", "workaround": False})
        assert (resolved["status"], resolved["solved_by_role"]) == ("resolved", "second_line")
        await act("review", {"verdict": "good"})
        assert (await act("rate", {"score": 4, "comment": "quick"}))["satisfaction"] == {"score": 4, "comment": "quick"}
        await act("reopen", {"reason": "again"})
        await act("resolve", {"solution": "mended"})
        assert (await act("confirm"))["close_code"] == "success"


async def test_duplicate_and_link_name_another_incident_in_any_form(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        for _ in range(3):
            await api.register()
        assert (await api.post("/incidents/2/link", {"to": "INC-1"})).json()["links"] == ["INC-1"]
        assert (await api.post("/incidents/3/duplicate", {"of": 1})).json()["duplicate_of"] == "INC-1"
        answer = await api.post("/incidents/2/duplicate", {"of": "INC-99"})
        assert (answer.status, answer.json()["field"]) == (422, "of")


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("note", {}, "text"),
        ("note", {"text": "x", "public": "yes"}, "public"),
        ("measure", {"users_affected": -1}, "users_affected"),
        ("measure", {"users_affected": 1.5}, "users_affected"),
        ("measure", {"users_affected": True}, "users_affected"),
        ("measure", {"hq_sanction": "jail"}, "hq_sanction"),
        ("measure", {"in_media": "red"}, "in_media"),
        ("measure", {"offline_until": "2026-01-05T09:00:00Z"}, "offline_until"),
        ("measure", {"fault_level": "red"}, "reason"),
        ("measure", {"color": 1}, "color"),
        ("assign", {"role": "king"}, "role"),
        ("assign", {"person": "nobody"}, "person"),
        ("transfer", {"to": "moon", "ref": "1"}, "to"),
        ("link", {"to": "x"}, "to"),
        ("rate", {"score": 6}, "score"),
        ("accept", {"force": True}, "force"),
        ("close", {"close_code": "failed", "follow_up": {"moon": "x"}}, "follow_up"),
    ],
)
async def test_the_data_of_an_action_is_checked_field_by_field(
    tmp_path: Path, action: str, body: Any, field: str
) -> None:
    async with house(tmp_path) as api:
        await api.register(kind="fault")
        answer = await api.post(f"/incidents/1/{action}", body)
        assert (answer.status, answer.json()["field"]) == (422, field)


async def test_a_measure_of_null_takes_it_back(tmp_path: Path) -> None:
    async with house(tmp_path) as api:
        await api.register(kind="fault", service="portal")
        body = {"fault_level": "red", "reason": "as I see it"}
        assert (await api.post("/incidents/1/measure", body)).json()["fault_level"] == "red"
        back = (await api.post("/incidents/1/measure", {"fault_level": None})).json()
        assert "fault_level" not in back["measures"]


async def test_the_api_has_every_action_that_the_desk_has() -> None:
    assert set(ACTIONS) == set(DESK_ACTIONS)
    for name, model in ACTIONS.items():
        assert set(model.model_fields) - {"by"} == set(core_actions.ACTIONS[name].fields), name


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"kind": Kind.FAULT, "fault_level": FaultLevel.BLACK}, "major"),
        ({"kind": Kind.FAULT, "fault_level": FaultLevel.RED}, "major"),
        ({"kind": Kind.FAULT, "fault_level": FaultLevel.ORANGE}, "serious"),
        ({"kind": Kind.FAULT, "fault_level": FaultLevel.YELLOW}, "general"),
        ({"kind": Kind.FAULT}, "general"),
        ({"kind": Kind.COMPLAINT}, "general"),
        ({"kind": Kind.COMPLAINT, "complaint_serious": True}, "serious"),
        ({"kind": Kind.REQUEST}, "general"),
        ({"kind": Kind.CONSULTATION}, "general"),
        ({"kind": Kind.SECURITY}, None),
    ],
)
async def test_the_severity_follows_kind_and_level(fields: dict[str, Any], word: str | None) -> None:
    assert severity(_incident(**fields)) == word


async def test_the_view_names_people_and_orders_the_ladder() -> None:
    late = Rung(Role.SERVICE_MANAGER, NOW + 2, 1)
    early = Rung(Role.INCIDENT_MANAGER, NOW + 1, 1, NOW + 1, ["王芳"])
    view = incident_view(
        _incident(assignee="wang", participants=["li", "gone"], ladder=[late, early]), Book(directory=DIRECTORY)
    )
    assert (view["assignee"], view["participants"]) == ("王芳", ["李雷", "gone"])
    assert [r["role"] for r in view["ladder"]] == ["incident_manager", "service_manager"]
    assert view["ladder"][1]["fired_at"] is None


async def test_a_store_that_is_away_is_503_with_retry_after(tmp_path: Path) -> None:
    from daemon.store import StoreError

    async def away(*args: Any, **more: Any) -> Any:
        raise StoreError("the disk is full, at /secret/path")

    async with house(tmp_path) as api:
        await _break(api, away)
        answer = await api.get("/incidents")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert b"secret" not in answer.body


async def test_a_defect_is_500_without_its_text(tmp_path: Path) -> None:
    async def broken(*args: Any, **more: Any) -> Any:
        raise RuntimeError("the password is hunter2")

    async with house(tmp_path) as api:
        await _break(api, broken)
        answer = await api.get("/incidents")
        assert answer.status == 500
        assert b"hunter2" not in answer.body
        assert answer.headers["Content-Type"] == "application/problem+json"


async def _break(api: House, with_: Any) -> None:
    """The store of this house fails at its list; authentication goes on."""

    class Broken:
        def __init__(self, store: Any) -> None:
            self._store = store
            self.incidents = with_

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

    api.parts.store = Broken(api.store)  # type: ignore[assignment]
