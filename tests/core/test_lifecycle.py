"""RULES 7: the whole table, replies, surveys, follow-ups, retrospective registration."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.core.actions import ACTIONS, Forbidden
from daemon.core.checks import BadData
from daemon.core.policy import Policy
from daemon.core.vocabulary import Status
from tests.core.world import D, H, M, World, book, iso, policy

OPEN = "registered assigned in_progress pending"
TABLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "assign": ("registered assigned in_progress", "assigned", {"role": "first_line"}),
    "reject": ("assigned", "registered", {"reason": "x"}),
    "accept": ("registered assigned", "in_progress", {}),
    "note": (f"{OPEN} resolved closed cancelled", "", {"text": "x"}),
    "participants": (f"{OPEN} resolved closed cancelled", "", {"add": ["field"]}),
    "pend": ("assigned in_progress", "pending", {"reason": "x"}),
    "resume": ("pending", "in_progress", {}),
    "third-party": (OPEN, "in_progress", {"name": "v"}),
    "arrive": (OPEN, "", {}),
    "transfer": (OPEN, "pending", {"to": "defect", "ref": "D-1"}),
    "verify": (OPEN, "", {}),
    "measure": (f"{OPEN} resolved", "", {"process_exit": True}),
    "escalate": (OPEN, "", {"role": "support_lead", "reason": "x"}),
    "follow": (OPEN, "", {"reason": "x"}),
    "bulletin": (OPEN, "", {"text": "x"}),
    "resolve": (OPEN, "resolved", {"solution": "x"}),
    "review": ("resolved closed", "", {"verdict": "x"}),
    "rate": ("resolved closed", "", {"score": 5}),
    "confirm": ("resolved", "closed", {}),
    "close": (f"{OPEN} resolved", "closed", {"close_code": "failed"}),
    "reopen": ("resolved closed", "in_progress", {"reason": "x"}),
    "cancel": (OPEN, "cancelled", {"reason": "x"}),
    "duplicate": (f"{OPEN} resolved closed cancelled", "closed", {"of": "INC-2"}),
    "link": (f"{OPEN} resolved closed cancelled", "", {"to": "INC-2"}),
}


def at(status: str) -> World:
    world = World()
    world.alert(key="a")
    world.alert(key="b")
    way: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "registered": [],
        "assigned": [("assign", {"role": "second_line"})],
        "in_progress": [("accept", {})],
        "pending": [("accept", {}), ("pend", {"reason": "x"})],
        "resolved": [("resolve", {"solution": "x"})],
        "closed": [("resolve", {"solution": "x"}), ("confirm", {})],
        "cancelled": [("cancel", {"reason": "x"})],
    }
    for action, data in way[status]:
        world.act(1, action, **data)
    assert world.incidents[1].status == status
    return world


def test_the_table_names_every_action() -> None:
    assert set(TABLE) == set(ACTIONS)


@pytest.mark.parametrize("status", [s.value for s in Status])
@pytest.mark.parametrize("action", TABLE)
def test_an_action_is_possible_in_its_statuses_only_and_leads_where_the_table_says(action: str, status: str) -> None:
    allowed, to, data = TABLE[action]
    world = at(status)
    if status in allowed.split():
        assert world.act(1, action, **data).status == (to or status)
        assert world.entries[-1].at == world.now
        return
    before = len(world.entries)
    with pytest.raises(Forbidden) as refused:
        world.act(1, action, **data)
    assert action not in refused.value.allowed
    assert len(world.entries) == before


def test_second_to_third_line_asks_what_was_tried() -> None:
    world = at("registered")
    world.act(1, "assign", role="second_line")
    with pytest.raises(BadData, match="tried"):
        world.act(1, "assign", role="third_line")


def test_each_assignment_keeps_its_own_pair_of_instants() -> None:
    world = at("registered")
    world.act(1, "assign", role="field")
    world.to(M)
    world.act(1, "accept", by="field")
    world.act(1, "assign", role="second_line")
    world.to(2 * M)
    world.act(1, "accept", by="second_line")
    pairs = [(p["role"], p["dispatched_at"], p["accepted_at"]) for p in world.incidents[1].dispatch_pairs]
    assert pairs == [("field", 0, M), ("second_line", M, 2 * M)]
    assert (world.incidents[1].dispatched_at, world.incidents[1].accepted_at) == (0, M)


# replies of the reporter


@pytest.mark.parametrize(
    ("sender", "text", "more", "status"),
    [
        ("li@customer.example", "好的，谢谢！", {}, "closed"),
        ("li@customer.example", "Yes, it works now", {}, "closed"),
        ("li@customer.example", "还是不行", {}, "in_progress"),
        ("li@customer.example", "not solved", {}, "in_progress"),
        ("li@customer.example", "另外附上截图供参考", {}, "in_progress"),
        ("li@customer.example", "5", {}, "resolved"),
        ("li@customer.example", "I am on holiday", {"automatic": "Auto-Submitted: auto-replied"}, "resolved"),
        ("other@customer.example", "好的", {}, "resolved"),
        ("other@customer.example", "还是不行", {}, "resolved"),
        ("service_desk@ops.example", "still broken", {}, "in_progress"),
    ],
)
def test_what_a_reply_does_to_a_resolved_incident(sender: str, text: str, more: dict[str, Any], status: str) -> None:
    world = World()
    world.mail("导出清单", message_id="a@x")
    world.act(1, "resolve", solution="done")
    world.mail("Re: 导出清单", text, sender, in_reply_to="a@x", **more)
    assert len(world.incidents) == 1
    assert world.incidents[1].status == status


def test_a_reply_after_a_week_is_a_new_linked_incident() -> None:
    for later, count in ((7 * D, 1), (7 * D + 1, 2)):
        world = World()
        world.mail("导出清单", message_id="a@x")
        world.act(1, "resolve", solution="done")
        world.act(1, "confirm")
        world.to(later)
        world.mail("Re: 导出清单", "还要一份", in_reply_to="a@x")
        assert len(world.incidents) == count
    assert world.incidents[2].links == [1]


def test_a_reply_to_a_duplicate_goes_to_its_master() -> None:
    world = World()
    world.mail("导出清单", message_id="a@x")
    world.mail("请导出清单", message_id="b@x")
    world.act(2, "duplicate", of="INC-1")
    assert world.mail("Re: x", "in addition", in_reply_to="b@x") is world.incidents[1]


def test_a_bounce_that_belongs_to_nothing_opens_nothing() -> None:
    world = World()
    assert world.mail("Undelivered Mail", "failed", bounce="multipart/report", automatic="x") is None


# monitoring


def test_all_alerts_resolved_resolve_the_incident_and_the_quiet_period_closes_it() -> None:
    world = World()
    world.alert()
    world.to(M)
    world.recover()
    assert (world.incidents[1].status, world.incidents[1].solved_by) == ("resolved", "monitoring")
    world.to(31 * M)
    found = world.incidents[1]
    assert (found.status, found.close_code, found.closed_at) == ("closed", "success", 31 * M)


def test_firing_again_before_that_reopens_and_after_it_registers_anew() -> None:
    world = World()
    world.alert()
    world.recover()
    world.to(29 * M)
    world.alert()
    assert (world.incidents[1].status, len(world.incidents)) == ("registered", 1)
    world.recover()
    world.to(2 * H)
    world.alert()
    assert len(world.incidents) == 2


def test_a_linked_customer_keeps_it_from_closing_by_itself() -> None:
    world = World()
    world.alert()
    world.mail("门户无法登录")
    world.recover()
    world.to(D)
    assert world.incidents[1].status == "resolved"


# closing


def test_no_answer_for_72_hours_tells_the_desk_and_closes_only_where_the_policy_says_so() -> None:
    for changes, status in (({}, "resolved"), ({"auto_close_after": 96 * 3600}, "closed")):
        world = World(book(policy(**changes)))
        world.mail("导出清单")
        world.act(1, "resolve", solution="x")
        world.to(97 * H)
        assert {n.at for n in world.notices if n.reason == "confirm_due"} == {72 * H}
        assert (world.incidents[1].status, world.incidents[1].unconfirmed) == (status, status == "closed")


@pytest.mark.parametrize(
    ("follow_up", "count"), [(None, 2), ("incident", 2), ({"problem": "PRB-1"}, 1), ({"none": "was a drill"}, 1)]
)
def test_a_workaround_asks_what_follows(follow_up: object, count: int) -> None:
    world = World()
    world.register(title="x", kind="fault", service="cloud")
    world.act(1, "resolve", solution="restart it daily", workaround=True)
    found = world.act(1, "confirm", **({} if follow_up is None else {"follow_up": follow_up}))
    assert (found.close_code, len(world.incidents)) == ("workaround", count)
    if count == 2:
        assert world.incidents[2].links == [1]


def test_success_with_problem_asks_for_a_reference() -> None:
    world = at("resolved")
    with pytest.raises(BadData, match="problem"):
        world.act(1, "close", close_code="success_with_problem")
    assert world.act(1, "close", close_code="success_with_problem", problem_ref="PRB-7").problem_ref == "PRB-7"


def test_a_second_line_solution_waits_for_review() -> None:
    world = at("registered")
    assert world.act(1, "resolve", solution="x", by_role="second_line").review == "waiting"
    assert world.act(1, "review", verdict="good").review == "good"


# surveys


def surveys(world: World) -> list[int]:
    return [n.at for n in world.notices if n.reason == "survey"]


def test_the_survey_goes_a_day_after_the_closing_once_and_a_reopening_cancels_it() -> None:
    world = World()
    world.mail("导出清单")
    world.act(1, "resolve", solution="x")
    world.act(1, "confirm")
    world.to(H)
    world.act(1, "reopen", reason="no")
    world.to(30 * H)
    assert not surveys(world)
    world.act(1, "resolve", solution="y")
    world.act(1, "confirm")
    world.to(60 * H)
    world.act(1, "reopen", reason="no")
    world.act(1, "resolve", solution="y")
    world.act(1, "confirm")
    world.to(200 * H)
    assert surveys(world) == [54 * H]


@pytest.mark.parametrize(("score", "count"), [(1, 2), (2, 2), (3, 1), (5, 1)])
def test_a_low_score_registers_a_complaint_that_counts_for_no_fault(score: int, count: int) -> None:
    world = World()
    world.mail("门户清单", message_id="a@x")
    world.act(1, "resolve", solution="x")
    world.act(1, "confirm")
    world.mail("Re: 门户清单", f"{score}", in_reply_to="a@x")
    assert world.incidents[1].satisfaction_score == score
    assert len(world.incidents) == count
    if count == 2:
        assert (world.incidents[2].kind, world.incidents[2].links, world.incidents[2].from_survey) == (
            "complaint",
            [1],
            True,
        )


# retrospective


def test_what_is_over_is_registered_without_timers_and_notices_but_the_survey() -> None:
    world = World(now=10 * H)
    found = world.register(
        title="x",
        kind="fault",
        service="portal",
        reporter="li@customer.example",
        occurred_at=iso(H),
        accepted_at=iso(2 * H),
        resolved_at=iso(3 * H),
        solution="restarted",
        close_code="success",
    )
    assert (found.status, found.occurred_at, found.resolve_due_at) == ("closed", H, None)
    world.to(100 * H)
    assert {str(n.reason) for n in world.notices} == {"survey"}
    assert not world.events("breach")


def test_a_platforms_words_are_refused_with_their_field() -> None:
    for data, field in (
        ({"title": ""}, "title"),
        ({"title": "x", "kind": "moon"}, "kind"),
        ({"title": "x", "occurred_at": iso(H)}, "occurred_at"),
        ({"title": "x", "solution": "x"}, "solution"),
        ({"title": "x", "environment": "test"}, "environment"),
    ):
        with pytest.raises(BadData) as wrong:
            World().register(**data)
        assert wrong.value.field == field


def test_the_policy_table_of_closing_is_the_built_in_one() -> None:
    assert (Policy().confirm_after, Policy().quiet_period, Policy().reopen_within) == (72 * 3600, 1800, 7 * 86400)
