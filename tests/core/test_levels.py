"""RULES 5: every criterion one below, at and one above its bound; the upgrades; the worked examples."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.core.calendar import MAINTENANCE, Calendar, Window
from daemon.core.policy import Policy
from daemon.core.vocabulary import FaultLevel
from tests.core.world import H, M, S, World, book, iso, policy

LEVELS = Policy().levels
ORDER = [FaultLevel.BLACK, FaultLevel.RED, FaultLevel.ORANGE, FaultLevel.YELLOW, FaultLevel.MINOR]


def fault(**changes: Any) -> World:
    world = World(book(policy(bulletin={}, **changes)))
    world.alert(service="portal")
    return world


def below(level: FaultLevel, criterion: str) -> FaultLevel:
    """The next milder level that has the criterion."""
    rest = ORDER[ORDER.index(level) + 1 :]
    return next((x for x in rest if getattr(LEVELS[x], criterion) is not None), FaultLevel.NONE)


@pytest.mark.parametrize("level", ORDER[:4])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_users_affected_reach_a_level_at_its_bound(level: FaultLevel, more: int) -> None:
    world, bound = fault(), LEVELS[level].users or 0
    found = world.act(1, "measure", users_affected=bound + more, user_base=2_000_000)
    assert found.fault_level is (level if more >= 0 else below(level, "users"))


@pytest.mark.parametrize("level", ORDER[:4])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_share_counts_at_its_bound_where_the_base_is_below_a_million(level: FaultLevel, more: int) -> None:
    world, bound = fault(), round((LEVELS[level].share or 0) * 400)
    found = world.act(1, "measure", users_affected=bound + more, user_base=400)
    assert found.fault_level is (level if more >= 0 else below(level, "share"))


@pytest.mark.parametrize(("base", "level"), [(999_999, "orange"), (1_000_000, "none")])
def test_the_share_counts_only_below_a_million_users(base: int, level: str) -> None:
    assert (
        fault().act(1, "measure", users_affected=base // 5 + 1 if base < 10**6 else 49_999, user_base=base).fault_level
        == level
    )


@pytest.mark.parametrize("level", ORDER)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_complaints_reach_a_level_at_their_bound(level: FaultLevel, more: int) -> None:
    world, bound = fault(), LEVELS[level].complaints or 0
    found = world.act(1, "measure", complaints_confirmed=bound + more)
    assert found.fault_level is (level if more >= 0 else below(level, "complaints"))


@pytest.mark.parametrize(
    ("measure", "criterion"),
    [("key_service_interrupted", "interrupted"), ("offline", "offline"), ("bill_run_late", "bill_run")],
)
@pytest.mark.parametrize("level", ORDER[:4])
def test_time_alone_crosses_each_bound_at_the_second_after_it(measure: str, criterion: str, level: FaultLevel) -> None:
    limit = getattr(LEVELS[level], criterion)
    world = fault()
    world.act(1, "measure", **{f"{measure}_from": iso(0)})
    inclusive = level is FaultLevel.YELLOW and criterion == "interrupted"
    at = limit * S if inclusive else (limit + 1) * S
    world.to(at - 1)
    assert world.incidents[1].fault_level is below(level, criterion)
    world.to(at)
    assert world.incidents[1].fault_level is level
    assert world.levels()[-1] == (at, level, "time")


@pytest.mark.parametrize(
    ("data", "level"),
    [
        ({"hq_sanction": "points"}, "orange"),
        ({"hq_sanction": "criticism"}, "yellow"),
        ({"hq_sanction": "accountability"}, "minor"),
        ({"neighbour_interface_failed": True}, "minor"),
        ({"rule_breaking_operation": True}, "minor"),
        ({"process_exit": True}, "minor"),
        ({"process_exit": False}, "none"),
    ],
)
def test_a_flag_or_a_sanction_gives_its_level(data: dict[str, Any], level: str) -> None:
    assert fault().act(1, "measure", **data).fault_level == level


def test_the_longest_single_stretch_counts_not_the_sum() -> None:
    world = fault()
    for start in (0, 10 * M):
        world.now = max(world.now, start + 4 * M)
        data = {"key_service_interrupted_from": iso(start), "key_service_interrupted_until": iso(start + 4 * M)}
        world.act(1, "measure", **data)
    assert world.incidents[1].fault_level == "yellow"


def test_planned_work_is_taken_from_the_duration() -> None:
    world = fault()
    window = Window(1, MAINTENANCE, 2 * M, 12 * M, services=("portal",))
    world.book = world.book.at(Calendar((window,)))
    world.act(1, "measure", key_service_interrupted_from=iso(0))
    world.to(15 * M)
    assert [(at, to) for at, to, _ in world.levels()] == [(M, "yellow")]
    world.to(15 * M + S)
    assert world.levels()[-1] == (15 * M + S, "orange", "time")


def test_resolution_ends_an_open_stretch_and_time_moves_the_level_no_more() -> None:
    world = fault()
    world.act(1, "measure", key_service_interrupted_from=iso(0))
    world.to(4 * M)
    world.act(1, "resolve", solution="restarted")
    world.to(3 * H)
    assert world.incidents[1].fault_level == "yellow"
    assert world.act(1, "measure", users_affected=1_000_000, user_base=2_000_000).fault_level == "black"


def test_a_level_never_falls_but_by_a_person_and_those_told_are_told() -> None:
    world = fault()
    world.act(1, "measure", complaints_confirmed=600)
    found = world.act(1, "measure", by="incident_manager", complaints_confirmed=60, reason="the customer's figure")
    assert found.fault_level == "yellow"
    entry = world.events("level")[-1]
    assert (entry.actor, entry.data["why"], entry.data["from"]) == (
        "the incident_manager",
        "the customer's figure",
        "red",
    )
    assert [role for _, role in world.told("correction")] == ["support_lead", "incident_manager"]


def test_a_persons_own_level_holds_against_time_and_is_taken_back_with_null() -> None:
    world = fault()
    world.act(1, "measure", key_service_interrupted_from=iso(0))
    world.act(1, "measure", fault_level="minor", reason="only a display")
    world.to(2 * H)
    assert world.incidents[1].fault_level == "minor"
    assert world.act(1, "measure", fault_level=None).fault_level == "black"


@pytest.mark.parametrize(
    ("measures", "late", "level"),
    [
        ({}, True, "minor"),
        ({"complained_to_vp": True}, False, "minor"),
        ({"complaints_confirmed": 20}, True, "yellow"),
        ({"complaints_confirmed": 120, "complained_to_vp": True}, True, "red"),
        ({"complaints_confirmed": 1000, "complained_to_vp": True}, True, "black"),
        ({"in_media": True}, False, "red"),
        ({"complaints_confirmed": 30, "in_media": True}, False, "red"),
        ({"complaints_confirmed": 600, "in_media": True}, False, "black"),
        ({"complaints_confirmed": 600, "in_media": True}, True, "black"),
        ({"complaints_confirmed": 20, "in_media": "black"}, False, "black"),
    ],
)
def test_the_upgrades_stand_on_the_standard_level(measures: dict[str, Any], late: bool, level: str) -> None:
    world = fault()
    world.incidents[1].bulletin_late = late
    found = world.act(1, "measure", by="incident_manager", **measures, reason="seen") if measures else None
    if found is None:
        world.incidents[1].measures = {"offline_from": -1, "offline_until": -1}
        world.tick(1)
    assert world.incidents[1].fault_level == level


def test_stacked_upgrades_add_where_the_policy_says_so() -> None:
    world = fault(stack_upgrades=True)
    world.incidents[1].bulletin_late = True
    assert world.act(1, "measure", complaints_confirmed=50, complained_to_vp=True).fault_level == "red"


def test_a_rise_to_yellow_is_told_at_once_and_one_to_minor_is_not() -> None:
    world = fault()
    world.act(1, "measure", complaints_confirmed=20)
    assert not world.told("level")
    world.act(1, "measure", complaints_confirmed=50)
    assert world.told("level") == [(0, "support_lead"), (0, "incident_manager")]


# the worked examples of RULES 5


@pytest.mark.parametrize(("base", "level"), [(800_000, "black"), (2_000_000, "red")])
def test_640_000_affected_are_black_of_800_000_and_red_of_two_million(base: int, level: str) -> None:
    assert fault().act(1, "measure", users_affected=640_000, user_base=base).fault_level == level


@pytest.mark.parametrize(
    ("count", "level", "emergency"), [(49, "minor", False), (50, "yellow", False), (51, "yellow", True)]
)
def test_49_complaints_are_minor_50_yellow_51_an_emergency(count: int, level: str, emergency: bool) -> None:
    found = fault().act(1, "measure", complaints_confirmed=count)
    assert (found.fault_level, found.emergency) == (level, emergency)


def test_an_interruption_of_exactly_five_minutes_is_yellow_and_a_second_more_is_orange() -> None:
    for seconds, level in ((300, "yellow"), (301, "orange")):
        world = fault()
        world.now = 10 * M
        data = {"key_service_interrupted_from": iso(0), "key_service_interrupted_until": iso(seconds * S)}
        assert world.act(1, "measure", **data).fault_level == level


def test_25_mails_without_an_alert_are_one_fault_with_25_complaints_minor_at_the_20th() -> None:
    world = World(book(policy(bulletin={})))
    for n in range(25):
        world.now = n * S
        world.mail("门户无法充值", sender=f"u{n}@stranger.example")
    faults = [i for i in world.incidents.values() if i.fault_level is not None]
    assert [(f.id, f.complaints_counted) for f in faults] == [(1, 25)]
    assert world.levels() == [(19 * S, "minor", "complaints")]
