"""RULES 6.1: who is told when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.core.policy import LadderPolicy, Policy
from daemon.core.vocabulary import Priority, Role
from tests.core.world import PEOPLE, H, M, World, book, policy

LADDER = {
    1: {"support_lead": 5, "incident_manager": 5, "service_manager": 10, "service_director": 10, "company_leader": 15},
    2: {"support_lead": 60, "incident_manager": 60, "service_manager": 60, "service_director": 90},
    3: {"support_lead": 120, "incident_manager": 120},
    4: {"support_lead": 240, "incident_manager": 240},
}
GRADES = {1: ("critical", "high"), 2: ("high", "high"), 3: ("high", "low"), 4: ("low", "low")}


def of(priority: int, **changes: object) -> World:
    world = World(book(policy(**changes)))
    urgency, impact = GRADES[priority]
    world.register(title="x", kind="request", urgency=urgency, impact=impact)
    return world


@pytest.mark.parametrize("priority", LADDER)
def test_every_rung_fires_at_its_offset_once(priority: int) -> None:
    world = of(priority)
    world.to(12 * H)
    assert sorted(world.told("ladder")) == sorted((m * M, role) for role, m in LADDER[priority].items())


@pytest.mark.parametrize("end", ["resolve", "cancel", "close"])
def test_no_rung_fires_after_the_end(end: str) -> None:
    world = of(1)
    world.to(7 * M)
    data = {"resolve": {"solution": "x"}, "cancel": {"reason": "x"}, "close": {"close_code": "failed"}}[end]
    world.act(1, end, **data)
    world.to(2 * H)
    assert len(world.told("ladder")) == 2


def test_acknowledging_does_not_stop_it_unless_the_policy_says_so() -> None:
    world = of(3)
    world.act(1, "accept")
    world.to(3 * H)
    assert len(world.told("ladder")) == 2
    accepted = {**Policy().ladder, Priority.P3: replace(Policy().ladder[Priority.P3], until="accepted")}
    world = of(3, ladder=accepted)
    world.act(1, "accept")
    world.to(3 * H)
    assert not world.told("ladder")


def test_priority_1_tells_the_incident_manager_at_once_and_once_an_opening() -> None:
    world = of(1)
    world.act(1, "measure", process_exit=True)
    assert world.told("immediate") == [(0, "incident_manager")]
    world.to(M)
    world.act(1, "resolve", solution="x")
    world.act(1, "reopen", reason="no")
    assert world.told("immediate") == [(0, "incident_manager"), (M, "incident_manager")]


def test_a_regrade_to_a_graver_priority_takes_the_earlier_of_old_and_new() -> None:
    world = of(2)
    world.to(58 * M)
    world.patch(1, urgency="critical")
    world.to(3 * H)
    due = {role: at // M for at, role in world.told("ladder")}
    assert due == {
        "support_lead": 60,
        "incident_manager": 60,
        "service_manager": 60,
        "service_director": 68,
        "company_leader": 73,
    }


def test_a_regrade_to_a_milder_priority_counts_anew_and_tells_nobody_twice() -> None:
    world = of(1)
    world.to(6 * M)
    world.patch(1, urgency="high")
    world.to(6 * H)
    due = [(role, at // M) for at, role in world.told("ladder")]
    assert due == [("support_lead", 5), ("incident_manager", 5), ("service_manager", 66), ("service_director", 96)]


def test_a_persons_reopening_starts_the_ladder_anew() -> None:
    world = of(3)
    world.to(2 * H)
    world.act(1, "resolve", solution="x")
    world.to(3 * H)
    world.act(1, "reopen", reason="still")
    world.to(8 * H)
    assert [at // M for at, _ in world.told("ladder")] == [120, 120, 300, 300]


def test_an_alert_that_fires_again_goes_on_from_the_old_origin_and_no_rung_twice() -> None:
    world = World()
    world.alert(severity="critical", service="billing")
    world.to(7 * M)
    world.recover()
    world.to(8 * M)
    world.alert(severity="critical", service="billing")
    world.to(30 * M)
    told = [(role, at // M) for at, role in world.told("ladder")]
    assert told == [
        ("support_lead", 5),
        ("incident_manager", 5),
        ("service_manager", 10),
        ("service_director", 10),
        ("company_leader", 15),
    ]


def test_the_fourth_reassignment_tells_the_incident_manager_once() -> None:
    world = of(4)
    for n, role in enumerate(["first_line", "second_line", "first_line", "second_line", "first_line", "second_line"]):
        world.act(1, "assign", role=role)
        assert len(world.told("reassigned")) == (n >= 4)
    assert world.incidents[1].reassignments == 5


def test_what_is_no_repeated_dispatch_does_not_count() -> None:
    world = of(4)
    world.act(1, "assign", role="second_line")
    world.act(1, "accept", by="second_line")
    world.act(1, "assign", person="second_line")
    world.act(1, "resolve", solution="x")
    world.act(1, "reopen", reason="no")
    assert world.incidents[1].reassignments == 0
    world.act(1, "assign", role="third_line", tried="rebooted")
    world.act(1, "reject", reason="not ours")
    world.act(1, "third-party", name="vendor")
    assert world.incidents[1].reassignments == 3


def test_a_role_that_nobody_holds_falls_to_the_next_higher_then_the_next_lower() -> None:
    people = tuple(p for p in PEOPLE if p.roles[0] not in (Role.SERVICE_MANAGER, Role.COMPANY_LEADER))
    world = World(book(people=people))
    world.register(title="x", kind="request", urgency="critical", impact="high")
    world.to(H)
    fell = {e.data["role"]: e.data["people"] for e in world.events("escalated") if e.data.get("fell_through")}
    assert fell == {"service_manager": ["the service_director"], "company_leader": ["the service_director"]}


def test_by_hand_and_follow_tell_without_changing_the_assignee() -> None:
    world = of(4)
    world.act(1, "assign", role="second_line")
    world.act(1, "escalate", role="service_director", reason="stuck")
    world.act(1, "follow", reason="please watch")
    assert world.told("by_hand") == [(0, "service_director")]
    assert world.told("follow") == [(0, "incident_manager")]
    assert world.incidents[1].assigned_role == "second_line"


def test_no_notice_is_made_twice() -> None:
    world = of(1)
    world.patch(1, urgency="low")
    world.patch(1, urgency="critical")
    world.to(20 * H)
    keys = [n.key for n in world.notices]
    assert len(keys) == len(set(keys))


def test_a_reload_with_another_ladder_moves_the_rungs_to_come() -> None:
    world = of(4)
    world.to(H)
    faster = {**Policy().ladder, Priority.P4: LadderPolicy({Role.SUPPORT_LEAD: 7200})}
    world.book = book(policy(ladder=faster))
    world.wake()
    world.to(12 * H)
    assert world.told("ladder") == [(2 * H, "support_lead")]
