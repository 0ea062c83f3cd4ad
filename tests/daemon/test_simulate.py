"""The rules as a user proves them: a scenario in, a timeline out."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.config import load
from daemon.simulation.engine import simulate
from daemon.simulation.scenario import ScenarioError

Event = dict[str, Any]
Run = Callable[..., list[Event]]

CONFIG = """\
locale = "en"
[database]
url = "sqlite://x.sqlite3"
[smtp]
listen = "127.0.0.1:0"
hostname = "tocsin.example"
allow = ["127.0.0.0/8"]
[[smtp.routes]]
to = "support@*"
as = "support"
[[webhooks]]
name = "prometheus"
parser = "alertmanager"
[channels.email]
provider = "file"
path = "email.jsonl"
from = "t@tocsin.example"
reply_to = "support@tocsin.example"
[channels.sms]
provider = "file"
path = "sms.jsonl"
[[customers]]
name = "Customer A"
domains = ["customer.example"]
[[services]]
name = "billing"
core = true
keywords = ["billing"]
user_base = 800000
[[services]]
name = "portal"
keywords = ["portal"]
user_base = 2000000
{people}
{policy}
"""
ROLES = (
    *("service_desk", "second_line", "third_line", "support_lead", "incident_manager", "service_manager"),
    *("service_director", "company_leader"),
)
PEOPLE = "\n".join(
    f'[[people]]\nid = "{r}"\nname = "{r.title()}"\nemail = "{r}@ops.example"\nmobile = "+861380000{n:04d}"\n'
    f'roles = ["{r}"]'
    for n, r in enumerate(ROLES)
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def go(*events: Event, until: int | None = None, policy: str = "", people: str = PEOPLE) -> list[Event]:
        config = tmp_path / "config.toml"
        config.write_text(CONFIG.format(people=people, policy=policy))
        scenario = tmp_path / "scenario.jsonl"
        scenario.write_text("\n".join(json.dumps(e) for e in events))
        out = io.StringIO()
        simulate(load(config), scenario, until, True, out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    return go


def alert(severity: str | None = "warning", status: str = "firing", at: str = "0s", **labels: str) -> Event:
    given = {"alertname": "Down", "instance": "db1", **labels} | ({"severity": severity} if severity else {})
    body = {"version": "4", "alerts": [{"status": status, "labels": given, "annotations": {"summary": "db1 is down"}}]}
    return {"at": at, "webhook": "prometheus", "body": body}


def mail(subject: str, text: str = "", at: str = "0s", sender: str = "li@customer.example", **more: Any) -> Event:
    event: Event = {"at": at, "mail": {"from": sender, "subject": subject, "text": text}, "to": "support@example"}
    return event | more


def do(action: str, at: str, incident: str = "INC-1", by: str = "service_desk", **data: Any) -> Event:
    return {"at": at, "action": action, "incident": incident, "by": by, "data": data}


def of(events: list[Event], *names: str, incident: str = "INC-1") -> list[Event]:
    return [e for e in events if e.get("event") in names and e["incident"] == incident]


def rungs(events: list[Event], reason: str = "ladder", incident: str = "INC-1") -> list[tuple[str, str]]:
    found = of(events, "escalated", incident=incident)
    return [(e["at"], e["role"]) for e in found if e["reason"] == reason]


LADDERS = {
    1: [
        ("+5m", "support_lead"),
        ("+5m", "incident_manager"),
        ("+10m", "service_manager"),
        ("+10m", "service_director"),
        ("+15m", "company_leader"),
    ],
    2: [
        ("+1h", "support_lead"),
        ("+1h", "incident_manager"),
        ("+1h", "service_manager"),
        ("+1h30m", "service_director"),
    ],
    3: [("+2h", "support_lead"), ("+2h", "incident_manager")],
    4: [("+4h", "support_lead"), ("+4h", "incident_manager")],
}
SIGNALS = {
    1: alert("critical", service="billing"),
    2: alert("critical"),
    3: alert("warning"),
    4: mail("how do I change my address?", sender="someone@elsewhere.example"),
}


@pytest.mark.parametrize("priority", [1, 2, 3, 4])
def test_every_rung_of_the_ladder_fires_at_its_offset(run: Run, priority: int) -> None:
    events = run(SIGNALS[priority], until=20 * 3600)
    assert of(events, "graded")[0]["priority"] == priority
    assert rungs(events) == LADDERS[priority]


def test_a_resolved_incident_climbs_no_further(run: Run) -> None:
    events = run(SIGNALS[1], do("resolve", "7m", solution="restarted"))
    assert rungs(events) == LADDERS[1][:2]


def test_acknowledging_does_not_stop_the_ladder_unless_the_policy_says_so(run: Run) -> None:
    accepted = (SIGNALS[3], do("accept", "10m"))
    assert rungs(run(*accepted)) == LADDERS[3]
    assert rungs(run(*accepted, policy='[policy.ladder.P3]\nuntil = "accepted"')) == []


def test_priority_1_is_told_to_the_incident_manager_at_once_and_once(run: Run) -> None:
    events = run(SIGNALS[1], alert("critical", at="1m", service="billing"))
    assert rungs(events, "immediate") == [("+0s", "incident_manager")]


def test_an_emergency_below_priority_1_is_told_at_once_too(run: Run) -> None:
    events = run(mail("urgent: please send the report"))
    assert [(g["emergency"], g["priority"]) for g in of(events, "graded")] == [(True, 3)]
    assert rungs(events, "immediate") == [("+0s", "incident_manager")]


@pytest.mark.parametrize(
    ("subject", "sender", "emergency"),
    [
        ("urgent: report", "li@customer.example", True),
        ("not urgent: report", "li@customer.example", False),
        ("emergency contact list please", "li@customer.example", False),
        ("urgent: report", "stranger@elsewhere.example", False),
        ("urgent: report", "service_manager@ops.example", True),
        ("urgent: report", "second_line@ops.example", False),
    ],
)
def test_urgent_words_count_for_known_customers_and_leaders_only(
    run: Run, subject: str, sender: str, emergency: bool
) -> None:
    assert of(run(mail(subject, sender=sender), until=1), "graded")[0]["emergency"] is emergency


@pytest.mark.parametrize(
    ("severity", "impact", "urgency", "priority"),
    [
        ("critical", "high", "high", 2),
        ("disaster", "high", "high", 2),
        ("error", "medium", "high", 3),
        (None, "medium", "high", 3),
        ("nonsense", "medium", "high", 3),
        ("info", "low", "low", 4),
        ("P5", "low", "low", 4),
    ],
)
def test_an_alert_is_graded_by_its_severity(
    run: Run, severity: str | None, impact: str, urgency: str, priority: int
) -> None:
    graded = of(run(alert(severity), until=1), "graded")[0]
    assert (graded["impact"], graded["urgency"], graded["priority"]) == (impact, urgency, priority)


def test_a_mild_alert_on_a_core_service_is_no_emergency(run: Run) -> None:
    graded = of(run(alert("info", service="billing"), until=1), "graded")[0]
    assert (graded["emergency"], graded["priority"]) == (False, 4)


def test_a_repeated_alert_joins_and_a_graver_one_regrades(run: Run) -> None:
    events = run(alert("warning"), alert("warning", at="1m"), until=120)
    assert [e["event"] for e in events if e.get("event") in ("registered", "joined")] == ["registered", "joined"]
    assert len(of(events, "graded")) == 1


def test_an_alert_that_resolves_closes_after_the_quiet_period(run: Run) -> None:
    events = run(alert(), alert(status="resolved", at="10m"))
    assert [(e["at"], e["to"]) for e in of(events, "status")] == [("+10m", "resolved"), ("+40m", "closed")]
    assert rungs(events) == []


def test_an_alert_that_fires_again_reopens_and_the_ladder_goes_on_from_its_old_origin(run: Run) -> None:
    events = run(alert(), alert(status="resolved", at="10m"), alert(at="20m"), until=10 * 3600)
    assert [e["at"] for e in of(events, "reopened")] == ["+20m"]
    assert rungs(events) == LADDERS[3]


def test_a_closed_incident_is_never_joined(run: Run) -> None:
    events = run(alert(), alert(status="resolved", at="1m"), alert(at="2h"), until=3 * 3600)
    assert [e["incident"] for e in events if e.get("event") == "registered"] == ["INC-1", "INC-2"]


def test_the_resolve_of_an_unknown_alert_opens_nothing(run: Run) -> None:
    assert run(alert(status="resolved"))[-1]["summary"]["incidents"] == 0


def test_alerts_of_a_test_environment_make_no_incident(run: Run) -> None:
    assert run(alert(env="TEST"))[-1]["summary"]["incidents"] == 0


def test_deadlines_breach_at_their_instant_and_are_warned_of(run: Run) -> None:
    events = run(alert(), until=25 * 3600)
    assert [(e["at"], e["deadline"]) for e in of(events, "breach")] == [
        ("+2h", "response"),
        ("+2h", "resolve"),
        ("+24h", "kind"),
    ]
    assert [e["at"] for e in of(events, "deadline_near")] == ["+1h36m"]


def test_acceptance_at_the_deadline_itself_is_in_time(run: Run) -> None:
    events = run(SIGNALS[1], do("accept", "5m"), until=600)
    assert "response" not in [e["deadline"] for e in of(events, "breach")]


def test_one_message_lists_all_reasons_of_an_instant(run: Run) -> None:
    events = run(alert(), until=2 * 3600)
    lead = [e for e in of(events, "notification") if e["to"] == "support_lead@ops.example"]
    assert len(lead) == 1
    assert set(lead[0]["reasons"]) == {"ladder", "response_overdue", "resolve_overdue"}


def test_a_regrade_to_a_graver_priority_takes_the_earlier_of_both_ladders(run: Run) -> None:
    events = run(
        alert(),
        {
            "at": "1h50m",
            "action": "patch",
            "incident": "INC-1",
            "by": "service_desk",
            "data": {"impact": "high", "reason": "all are hit"},
        },
        until=4 * 3600,
    )
    assert rungs(events) == [
        ("+2h", "support_lead"),
        ("+2h", "incident_manager"),
        ("+2h50m", "service_manager"),
        ("+3h20m", "service_director"),
    ]


def test_a_regrade_to_a_milder_priority_tells_no_role_twice(run: Run) -> None:
    change = {"impact": "low", "reason": "nobody noticed"}
    events = run(
        SIGNALS[2],
        {"at": "61m", "action": "patch", "incident": "INC-1", "by": "service_desk", "data": change},
        until=8 * 3600,
    )
    assert of(events, "graded")[-1]["priority"] == 3
    assert rungs(events) == LADDERS[2][:3]


def test_a_reopening_by_a_person_starts_the_ladder_anew(run: Run) -> None:
    events = run(
        SIGNALS[3], do("resolve", "30m", solution="done"), do("reopen", "1h", reason="not solved"), until=4 * 3600
    )
    assert rungs(events) == [("+3h", "support_lead"), ("+3h", "incident_manager")]


def test_the_fourth_reassignment_tells_the_incident_manager_once(run: Run) -> None:
    roles = ["second_line", "service_desk", "second_line", "service_desk", "second_line", "service_desk"]
    assigned = [do("assign", f"{n}m", role=r) for n, r in enumerate(roles, 1)]
    events = run(alert(), *assigned, until=1800)
    assert rungs(events, "reassigned") == [("+5m", "incident_manager")]


def test_a_role_that_nobody_holds_falls_through_to_the_next_higher(run: Run) -> None:
    kept = [r for r in ROLES if r != "support_lead"]
    people = "\n".join(f'[[people]]\nname = "{r}"\nemail = "{r}@ops.example"\nroles = ["{r}"]' for r in kept)
    fired = [e for e in of(run(SIGNALS[3], people=people), "escalated") if e["reason"] == "ladder"]
    assert [(e["role"], e["people"]) for e in fired] == [
        ("support_lead", ["incident_manager"]),
        ("incident_manager", ["incident_manager"]),
    ]


def test_the_reporter_is_told_of_each_step_and_an_automatic_one_never(run: Run) -> None:
    steps = (
        do("accept", "5m"),
        do("note", "10m", text="we found it", public=True),
        do("resolve", "20m", solution="restarted"),
        do("confirm", "30m"),
    )
    events = run(mail("the portal shows an error"), *steps, until=3600)
    told = [e["reasons"] for e in of(events, "notification") if e["to"] == "li@customer.example"]
    assert told == [["registered"], ["accepted"], ["note"], ["resolved"], ["closed"]]
    automatic = mail("Out of office", sender="li@customer.example")
    automatic["mail"]["headers"] = {"Auto-Submitted": "auto-replied"}
    assert not [e for e in run(automatic) if e.get("to") == "li@customer.example"]


def test_a_reply_joins_its_thread_and_reopens_what_was_resolved(run: Run) -> None:
    first = mail("the portal shows an error")
    first["mail"]["message_id"] = "one@customer.example"
    reply = mail("Re: the portal shows an error", "it is still broken", at="2h")
    reply["mail"]["in_reply_to"] = "one@customer.example"
    events = run(first, do("resolve", "1h", solution="restarted"), reply, until=3 * 3600)
    assert [e["at"] for e in of(events, "reopened")] == ["+2h"]
    assert events[-1]["summary"]["incidents"] == 1


def test_a_reply_that_says_yes_confirms(run: Run) -> None:
    first = mail("the portal shows an error")
    first["mail"]["message_id"] = "one@customer.example"
    reply = mail("Re: the portal", "yes, thanks", at="2h")
    reply["mail"]["in_reply_to"] = "one@customer.example"
    events = run(first, do("resolve", "1h", solution="restarted"), reply, until=3 * 3600)
    assert [(e["to"], e.get("close_code")) for e in of(events, "status")][-1] == ("closed", "success")


def test_no_answer_for_72_hours_tells_the_desk_to_call(run: Run) -> None:
    events = run(mail("the portal shows an error"), do("resolve", "1h", solution="restarted"), until=80 * 3600)
    called = [e["at"] for e in of(events, "notification") if "confirm_due" in e["reasons"]]
    assert called == ["+73h"]


@pytest.mark.parametrize(
    ("service", "affected", "level"),
    [("billing", 640000, "black"), ("portal", 640000, "red"), ("portal", 49999, None), ("portal", 50000, "yellow")],
)
def test_the_level_follows_the_users_affected(run: Run, service: str, affected: int, level: str | None) -> None:
    events = run(alert(service=service), do("measure", "1m", users_affected=affected), until=120)
    assert [e["to"] for e in of(events, "level")] == ([level] if level else [])


def test_an_interruption_becomes_orange_one_second_after_five_minutes(run: Run) -> None:
    measured = do("measure", "0s", key_service_interrupted_from="2026-01-05T09:00:00+08:00")
    events = run(alert(), measured, do("bulletin", "2m", text="We are on it"), until=3700)
    assert [(e["at"], e["to"], e["reason"]) for e in of(events, "level")] == [
        ("+1m", "yellow", "time"),
        ("+5m1s", "orange", "time"),
        ("+30m1s", "red", "time"),
        ("+1h1s", "black", "time"),
    ]


def test_a_bulletin_that_is_not_sent_in_time_raises_the_level_by_one(run: Run) -> None:
    events = run(alert(service="portal"), do("measure", "1m", users_affected=250000), until=3600)
    assert [(e["at"], e["to"], e["reason"]) for e in of(events, "level")] == [
        ("+1m", "orange", "measures"),
        ("+31m", "red", "bulletin_late"),
    ]


def test_a_level_lifts_the_priority_by_its_floor_over_a_persons_word(run: Run) -> None:
    lower = {"impact": "low", "urgency": "low", "reason": "I think so"}
    events = run(
        alert(service="portal"),
        {"at": "1m", "action": "patch", "incident": "INC-1", "by": "service_desk", "data": lower},
        do("measure", "2m", users_affected=600000),
        until=180,
    )
    assert [g["priority"] for g in of(events, "graded")] == [3, 4, 1]


def test_a_forbidden_action_names_its_line_and_what_is_possible(run: Run) -> None:
    with pytest.raises(ScenarioError, match=r"line 2: .*confirm.*possible: .*accept"):
        run(alert(), do("confirm", "1m"))


def test_a_broken_line_is_named(run: Run) -> None:
    with pytest.raises(ScenarioError, match="line 1: unknown key severity"):
        run(alert() | {"severity": "x"})


def test_the_same_scenario_gives_the_same_bytes(run: Run) -> None:
    events = (mail("the portal shows an error", repeat=5, every="7s"), *(SIGNALS[n] for n in (1, 2)))
    assert run(*events) == run(*events)
