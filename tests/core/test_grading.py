"""RULES 3: impact, urgency, emergency, matrix, floors; what a person said stands."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.core.checks import BadData
from daemon.core.vocabulary import Impact, Urgency
from tests.core.world import World, book, policy

MATRIX = {"critical": (1, 2, 3), "high": (2, 3, 3), "medium": (3, 4, 4), "low": (3, 4, 4)}


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize("impact", list(Impact))
def test_the_matrix_gives_the_priority_of_every_cell(urgency: Urgency, impact: Impact) -> None:
    found = World().register(title="x", kind="request", urgency=urgency.value, impact=impact.value)
    assert int(found.priority) == MATRIX[urgency][("high", "medium", "low").index(impact)]


@pytest.mark.parametrize(
    ("word", "impact"),
    [
        (w, "high")
        for w in ("critical", "emergency", "disaster", "fatal", "alert", "down", "P1", "sev0", "sev1", "CRITICAL")
    ]
    + [(w, "medium") for w in ("error", "high", "major", "warning", "average", "P2", "P3", "sev2", "", "strange")]
    + [(w, "low") for w in ("info", "notice", "low", "minor", "P4", "P5")],
)
def test_an_alerts_severity_word_gives_the_impact(word: str, impact: str) -> None:
    found = World().alert(severity=word)
    assert found is not None
    assert found.impact == impact


@pytest.mark.parametrize(
    ("kind", "urgency"),
    [("fault", "high"), ("security", "high"), ("complaint", "high"), ("request", "medium"), ("consultation", "medium")],
)
def test_the_kind_of_a_users_incident_gives_the_urgency(kind: str, urgency: str) -> None:
    assert World().register(title="x", kind=kind, reporter="li@x.example").urgency == urgency


def test_a_request_of_our_own_people_is_low() -> None:
    assert World().register(title="x", kind="request").urgency == "low"


def test_an_alert_of_low_severity_is_low_and_no_emergency_even_on_a_core_service() -> None:
    found = World().alert(severity="info", service="billing")
    assert found is not None
    assert (found.urgency, found.emergency, int(found.priority)) == ("low", False, 4)


@pytest.mark.parametrize(("affected", "impact"), [(139, "low"), (140, "medium"), (489, "medium"), (490, "high")])
def test_the_share_of_affected_users_raises_the_impact_at_its_bounds(affected: int, impact: str) -> None:
    world = World(book(policy(levels={})))
    world.register(title="x", kind="request")
    assert world.act(1, "measure", users_affected=affected, user_base=700).impact == impact


def test_3_of_15_users_are_20_percent() -> None:
    world = World(book(policy(levels={})))
    world.register(title="x", kind="request")
    assert world.act(1, "measure", users_affected=3, user_base=15).impact == "medium"


@pytest.mark.parametrize(
    ("level", "impact", "urgency", "priority"),
    [
        ("black", "high", "critical", 1),
        ("red", "high", "critical", 1),
        ("orange", "medium", "critical", 2),
        ("yellow", "medium", "high", 3),
        ("minor", "low", "medium", 4),
    ],
)
def test_a_fault_level_lifts_impact_and_urgency_even_over_a_person(
    level: str, impact: str, urgency: str, priority: int
) -> None:
    world = World()
    world.register(title="x", kind="fault", impact="low", urgency="low")
    found = world.act(1, "measure", fault_level=level, reason="seen")
    assert (found.impact, found.urgency, int(found.priority)) == (impact, urgency, priority)


def test_what_a_person_set_is_not_overwritten_by_a_graver_alert_or_a_measure() -> None:
    world = World(book(policy(levels={})))
    world.alert(severity="error")
    world.patch(1, impact="low", urgency="low")
    world.alert(severity="critical")
    found = world.act(1, "measure", users_affected=9, user_base=10)
    assert (found.impact, found.urgency) == ("low", "low")


def test_a_graver_repeat_regrades_and_a_milder_one_does_not() -> None:
    world = World()
    world.alert(severity="error")
    world.alert(severity="info")
    assert world.incidents[1].impact == "medium"
    world.alert(severity="critical")
    assert world.incidents[1].impact == "high"


@pytest.mark.parametrize(
    ("sender", "subject", "text", "header", "emergency"),
    [
        ("a@customer.example", "紧急：导出清单", "", "", True),
        ("a@customer.example", "导出清单", "请火速处理", "", True),
        ("a@customer.example", "Export, ASAP", "", "", True),
        ("a@customer.example", "导出清单", "一\n二\n三\n紧急", "", False),
        ("a@customer.example", "不急，导出清单", "", "", False),
        ("a@customer.example", "更新紧急联系人", "", "", False),
        ("a@customer.example", "Not urgent: export", "", "", False),
        ("a@customer.example", "导出“紧急事件”清单", "", "", False),
        ("a@customer.example", "导出清单", "", "X-Priority: 1", True),
        ("a@stranger.example", "紧急：导出清单", "", "", False),
        ("a@stranger.example", "导出清单", "", "X-Priority: 1", False),
        ("service_manager@ops.example", "紧急：导出清单", "", "", True),
        ("first_line@ops.example", "紧急：导出清单", "", "", False),
    ],
)
def test_who_asks_how_for_emergency_handling(
    sender: str, subject: str, text: str, header: str, emergency: bool
) -> None:
    found = World().mail(subject, text, sender, urgent_header=header)
    assert found is not None
    assert found.emergency is emergency
    if sender.endswith("stranger.example"):
        assert found.needs_triage


def test_a_fault_on_a_core_service_is_an_emergency_with_a_coordinator() -> None:
    found = World().alert(service="billing")
    assert found is not None
    assert (found.emergency, found.urgency, found.coordinator) == (True, "critical", "incident_manager")


@pytest.mark.parametrize(("expected", "emergency"), [(50, False), (51, True)])
def test_more_than_50_expected_complaints_are_an_emergency(expected: int, emergency: bool) -> None:
    world = World()
    world.alert()
    assert world.act(1, "measure", complaints_expected=expected).emergency is emergency


def test_only_the_incident_manager_or_an_admin_says_that_it_is_an_emergency() -> None:
    world = World()
    world.alert()
    with pytest.raises(BadData, match="incident manager"):
        world.patch(1, by="first_line", emergency=True)
    assert world.patch(1, emergency=True).urgency == "critical"


def test_a_later_urgent_mail_raises_and_a_later_calm_one_does_not_lower() -> None:
    world = World()
    first = world.mail("导出清单", message_id="a@x")
    assert first is not None
    world.mail("Re: 导出清单", "紧急！", in_reply_to="a@x")
    assert world.incidents[1].emergency
    world.mail("Re: 导出清单", "不急了", in_reply_to="a@x")
    assert world.incidents[1].emergency


def test_the_reasons_name_the_rule_that_gave_each_value() -> None:
    found = World().mail("门户无法登录")
    assert found is not None
    words = " | ".join(found.reasons)
    for part in (
        "kind fault: words",
        "service portal: words 门户",
        "impact medium: kind fault",
        "urgency high",
        "priority 3: matrix",
    ):
        assert part in words


def test_out_of_scope_environments_make_no_incident() -> None:
    world = World()
    assert world.alert(labels={"env": "TEST"}) is None
    assert world.outcomes[-1].outcome == "out_of_scope"


def test_a_serious_complaint_has_priority_2_at_least() -> None:
    world = World()
    world.mail("投诉：态度恶劣")
    found: Any = world.act(1, "measure", complained_to_vp=True)
    assert (found.urgency, found.impact, int(found.priority)) == ("critical", "medium", 2)
