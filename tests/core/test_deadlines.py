"""RULES 4, 6.3, 7.3, 7.5: deadlines, breaches, warnings, pauses, silences, bulletins, reminders."""

from __future__ import annotations

import pytest

from daemon.core.calendar import MAINTENANCE, SILENCE, Calendar, Window, window
from daemon.core.checks import BadData
from daemon.core.matchers import parse_matcher
from tests.core.world import H, M, S, World, book, iso, policy


def due(world: World) -> tuple[int | None, int | None, int | None]:
    i = world.incidents[1]
    return i.response_due_at, i.resolve_due_at, i.kind_due_at


@pytest.mark.parametrize(
    ("kind", "urgency", "impact", "hours"),
    [
        ("request", "critical", "high", (5 / 60, 1, 24)),
        ("complaint", "high", "high", (1, 2, 24)),
        ("consultation", "medium", "high", (2, 4, 48)),
        ("security", "low", "low", (4, 8, 12)),
        ("fault", "low", "low", (4, 8, 24)),
    ],
)
def test_the_deadlines_of_a_kind_and_an_urgency(kind: str, urgency: str, impact: str, hours: tuple[float, ...]) -> None:
    world = World()
    world.register(title="x", kind=kind, urgency=urgency, impact=impact)
    assert due(world) == tuple(round(h * H) for h in hours)


@pytest.mark.parametrize(("basis", "hours"), [("earliest", 8), ("urgency", 8), ("kind", 24)])
def test_the_basis_of_the_resolve_deadline(basis: str, hours: int) -> None:
    world = World(book(policy(deadline_basis=basis)))
    world.register(title="x", kind="request", urgency="low")
    assert world.incidents[1].resolve_due_at == hours * H


def test_each_deadline_breaches_at_its_instant_once() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="medium", impact="high")
    world.to(2 * 24 * H)
    assert [(e.at, e.data["deadline"]) for e in world.events("breach")] == [
        (2 * H, "response"),
        (4 * H, "resolve"),
        (24 * H, "kind"),
    ]
    assert world.told("kind_overdue") == [(24 * H, "support_lead"), (24 * H, "incident_manager")]


def test_acceptance_freezes_the_response_and_resolution_the_rest() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="medium", impact="high")
    world.act(1, "accept")
    world.to(3 * H)
    world.act(1, "resolve", solution="x")
    world.to(48 * H)
    assert not world.events("breach")


def test_a_resolution_without_an_acceptance_freezes_the_response_also_when_a_person_reopens() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="low", impact="low")
    world.act(1, "resolve", solution="x")
    world.to(H)
    world.act(1, "reopen", reason="no")
    world.to(24 * H)
    assert [(e.at, e.data["deadline"]) for e in world.events("breach")] == [(9 * H, "resolve")]


def test_a_deadline_that_a_regrade_moves_into_the_past_breaches_at_the_regrade() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="low", impact="high")
    world.to(90 * M)
    world.patch(1, urgency="critical")
    world.to(91 * M)
    assert [(e.at, e.data["deadline"]) for e in world.events("breach")] == [(90 * M, "response"), (90 * M, "resolve")]
    assert not world.events("deadline_near")


def test_the_warning_comes_at_80_percent_of_the_limit() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="low")
    world.to(7 * H)
    assert [e.at for e in world.events("deadline_near")] == [8 * H * 8 // 10]


def test_a_pause_stops_the_clock_of_resolution_and_ladder_where_the_policy_says_so() -> None:
    world = World(book(policy(pending_stops_clock=True)))
    world.register(title="x", kind="request", urgency="low", impact="low")
    world.act(1, "accept")
    world.to(H)
    world.act(1, "pend", reason="waits")
    world.to(11 * H)
    assert not world.told("ladder")
    world.act(1, "resume")
    world.to(40 * H)
    assert [at for at, _ in world.told("ladder")] == [14 * H, 14 * H]
    assert [(e.at, e.data["deadline"]) for e in world.events("breach")] == [(18 * H, "resolve"), (34 * H, "kind")]
    assert [e.at for e in world.events("deadline_near")] == [10 * H + 8 * H * 8 // 10]


def test_a_pause_stops_nothing_by_default() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="low", impact="low")
    world.act(1, "assign", role="first_line")
    world.act(1, "pend", reason="waits")
    world.to(9 * H)
    assert len(world.told("ladder")) == 2
    assert [e.data["deadline"] for e in world.events("breach")] == ["response", "resolve"]


def test_what_fell_due_while_nobody_looked_fires_once_and_says_how_late() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="critical", impact="high")
    world.now = 3 * H
    world.tick(1)
    assert len(world.told("ladder")) == 5
    assert world.events("escalated")[1].data["late"] > 0
    assert [e.data["late"] for e in world.events("breach")] == [10500, 7200]
    assert len(world.events("deadline_near")) == 1


def test_a_silence_holds_until_its_end_and_what_is_still_due_fires_once() -> None:
    world = World()
    silence = Window(1, SILENCE, 0, 3 * H, matchers=(parse_matcher('service="portal"'),))
    world.book = world.book.at(Calendar((silence,)))
    world.alert()
    world.to(6 * H)
    assert world.told("ladder") == [(3 * H, "support_lead"), (3 * H, "incident_manager")]
    assert [e.at for e in world.events("breach")] == [3 * H, 3 * H]
    assert {n.at for n in world.notices if n.reason == "registered"} == {3 * H}
    assert [e.data["until"] for e in world.events("held")] == [3 * H, 3 * H]


@pytest.mark.parametrize("include", [False, True])
def test_priority_1_is_held_by_a_silence_only_where_it_says_so(include: bool) -> None:
    world = World()
    silence = Window(1, SILENCE, 0, H, matchers=(parse_matcher('service="billing"'),), include_p1=include)
    world.book = world.book.at(Calendar((silence,)))
    world.alert(service="billing", severity="critical")
    world.to(H)
    assert {at for at, role in world.told("ladder") if role == "support_lead"} == {H if include else 5 * M}


def test_maintenance_holds_its_services_only() -> None:
    world = World()
    world.book = world.book.at(Calendar((Window(1, MAINTENANCE, 0, 3 * H, services=("cloud",)),)))
    world.alert(key="a", service="cloud")
    world.alert(key="b", service="portal")
    world.to(4 * H)
    assert world.told("ladder", 1)[0][0] == 3 * H
    assert world.told("ladder", 2)[0][0] == 2 * H


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        (MAINTENANCE, {"from": iso(0), "until": iso(1), "services": ["moon"]}, "services"),
        (MAINTENANCE, {"from": iso(H), "until": iso(H), "services": ["portal"]}, "until"),
        (SILENCE, {"from": iso(0), "until": iso(H), "matchers": ["moon=1"]}, "matchers"),
        (SILENCE, {"from": "yesterday", "until": iso(H), "matchers": ['service="a"']}, "from"),
        (SILENCE, {"from": iso(0), "until": iso(H), "matchers": ['service="a"'], "who": 1}, "who"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_its_field(kind: str, data: dict[str, object], field: str) -> None:
    with pytest.raises(BadData) as wrong:
        window(kind, data, ["portal"])
    assert wrong.value.field == field


@pytest.mark.parametrize(
    ("level", "minutes"), [("black", 15), ("red", 15), ("orange", 30), ("yellow", 60), ("minor", None)]
)
def test_the_bulletin_is_due_by_level_and_a_late_one_raises_it(level: str, minutes: int | None) -> None:
    world = World()
    world.alert()
    world.act(1, "measure", fault_level=level, reason="seen")
    found = world.incidents[1].bulletin_due_at
    assert found == (None if minutes is None else minutes * M)
    world.to(2 * H)
    assert len(world.events("bulletin_due")) == (minutes is not None)
    assert world.incidents[1].bulletin_late is (minutes is not None)


def test_one_bulletin_satisfies_it_and_a_rise_never_gives_more_time() -> None:
    world = World()
    world.alert()
    world.act(1, "measure", complaints_confirmed=50)
    world.to(50 * M)
    world.act(1, "measure", complaints_confirmed=500)
    assert world.incidents[1].bulletin_due_at == 60 * M
    world.act(1, "bulletin", text="we work on it")
    world.to(5 * H)
    assert not world.incidents[1].bulletin_late


def test_silence_towards_the_customer_reminds_three_times_at_most() -> None:
    world = World()
    world.register(title="x", kind="request", urgency="critical", impact="high", reporter="li@x.example")
    world.to(65 * M)
    world.act(1, "note", text="still working", public=True)
    world.to(10 * H)
    at = sorted({n.at // M for n in world.notices if n.reason == "progress_due"})
    assert at == [30, 60, 95, 125, 155]


def test_sub_seconds_are_rounded_down() -> None:
    world = World(now=250)
    world.alert()
    world.act(1, "measure", offline_from="1970-01-01T00:00:00.250+00:00")
    world.to(S + 249)
    assert world.incidents[1].fault_level == "none"
    world.to(S + 250)
    assert world.incidents[1].fault_level == "yellow"
