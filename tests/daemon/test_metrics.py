"""The metrics: every name and label of the interface from the start, and counts that follow the timeline."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from daemon.core.incident import Change, Incident
from daemon.core.vocabulary import FaultLevel, Kind, Origin, Priority, Source, Status
from daemon.metrics import Metrics
from daemon.store.records import Snapshot

T0 = 1_767_574_800_000
NAMES = {
    "tocsin_build_info": ("gauge", {"version"}),
    "tocsin_signals_total": ("counter", {"source", "parser", "outcome"}),
    "tocsin_intake_seconds": ("histogram", {"source"}),
    "tocsin_inbox_pending": ("gauge", set()),
    "tocsin_inbox_oldest_seconds": ("gauge", set()),
    "tocsin_incidents_registered_total": ("counter", {"kind", "priority", "source"}),
    "tocsin_incidents_open": ("gauge", {"kind", "priority", "status"}),
    "tocsin_faults_open": ("gauge", {"fault_level"}),
    "tocsin_response_seconds": ("histogram", {"kind", "priority"}),
    "tocsin_resolution_seconds": ("histogram", {"kind", "priority"}),
    "tocsin_deadline_breaches_total": ("counter", {"deadline", "priority"}),
    "tocsin_escalations_total": ("counter", {"priority", "role", "reason"}),
    "tocsin_escalation_lateness_seconds": ("histogram", {"priority"}),
    "tocsin_fault_level_changes_total": ("counter", {"from_level", "to_level", "reason"}),
    "tocsin_complaints_total": ("counter", {"service"}),
    "tocsin_notifications_total": ("counter", {"channel", "outcome"}),
    "tocsin_notification_seconds": ("histogram", {"channel"}),
    "tocsin_outbox_pending": ("gauge", {"channel"}),
    "tocsin_outbox_oldest_seconds": ("gauge", {"channel"}),
    "tocsin_smtp_sessions_total": ("counter", {"outcome"}),
    "tocsin_smtp_messages_total": ("counter", {"outcome"}),
    "tocsin_timers_armed": ("gauge", set()),
    "tocsin_timer_next_due_timestamp_seconds": ("gauge", set()),
    "tocsin_engine_last_tick_timestamp_seconds": ("gauge", set()),
    "tocsin_satisfaction_score": ("histogram", {"kind"}),
}


def build() -> Metrics:
    return Metrics(
        signals=[("webhook", "alertmanager"), ("smtp", "customer_mail")],
        services=["billing", "计费"],
        channels=["sms", "email"],
    )


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def incident(**attributes: Any) -> Incident:
    settings: dict[str, Any] = {
        "kind": Kind.FAULT,
        "priority": Priority.P1,
        "service": "billing",
    } | attributes
    return Incident(
        id=1, title="x", source=Source.WEBHOOK, origin=Origin.MONITORING, registered_at=T0, occurred_at=T0, **settings
    )


def seen(metrics: Metrics, event: str, after: int = 0, about: Incident | None = None, **data: Any) -> None:
    change = Change(about or incident())
    change.log(T0 + after * 1000, event, **data)
    metrics.observe([change], T0)


def test_every_metric_is_there_from_the_start_with_its_type_and_labels() -> None:
    page = build().render()[0].decode()
    for name, (kind, labels) in NAMES.items():
        assert f"# TYPE {name} {kind}\n" in page, name
        start = f"{name}_count" if kind == "histogram" else name
        line = next(line for line in page.splitlines() if line.startswith((f"{start}{{", f"{start} ")))
        inside = line[line.find("{") + 1 : line.find("}")] if "{" in line else ""
        assert {pair.partition("=")[0] for pair in inside.split(",") if pair} == labels, name
    assert "_created" not in page


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")
def test_promtool_finds_nothing_to_say() -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=build().render()[0], capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_series_of_the_closed_sets_begin_at_zero() -> None:
    m = build()
    assert value(m, "tocsin_signals_total", source="webhook", parser="alertmanager", outcome="unparsable") == 0
    assert value(m, "tocsin_escalations_total", priority="P1", role="company_leader", reason="ladder") == 0
    assert value(m, "tocsin_incidents_registered_total", kind="fault", priority="P2", source="email") == 0
    assert value(m, "tocsin_deadline_breaches_total", deadline="kind", priority="P4") == 0
    assert value(m, "tocsin_complaints_total", service="计费") == 0
    assert value(m, "tocsin_notifications_total", channel="sms", outcome="merged") == 0
    assert value(m, "tocsin_smtp_messages_total", outcome="too_large") == 0


def test_the_timeline_is_counted() -> None:
    m = build()
    seen(m, "registered", title="x", source="webhook", reporter="")
    seen(m, "accepted", after=240)
    seen(m, "status", after=3000, **{"from": "in_progress", "to": Status.RESOLVED})
    seen(m, "status", **{"from": "registered", "to": "assigned"})
    seen(m, "breach", deadline="resolve")
    seen(m, "escalated", role="incident_manager", reason="ladder", people=["a"])
    seen(m, "level", **{"from": "minor", "to": FaultLevel.RED, "reason": "time"})
    seen(m, "level", **{"from": None, "to": "minor", "reason": "measures"})
    seen(m, "complaint_counted", fault="INC-1", count=3)
    seen(m, "complaint_counted", fault="INC-1", count=2, removed="INC-7")
    fault = {"kind": "fault", "priority": "P1"}
    assert value(m, "tocsin_incidents_registered_total", source="webhook", **fault) == 1
    assert value(m, "tocsin_response_seconds_sum", **fault) == 240
    assert value(m, "tocsin_resolution_seconds_sum", **fault) == 3000
    assert value(m, "tocsin_resolution_seconds_count", **fault) == 1
    assert value(m, "tocsin_deadline_breaches_total", deadline="resolve", priority="P1") == 1
    assert value(m, "tocsin_escalations_total", priority="P1", role="incident_manager", reason="ladder") == 1
    assert value(m, "tocsin_fault_level_changes_total", from_level="minor", to_level="red", reason="time") == 1
    assert value(m, "tocsin_fault_level_changes_total", from_level="none", to_level="minor", reason="measures") == 1
    assert value(m, "tocsin_complaints_total", service="billing") == 1


def test_what_is_entered_afterwards_counts_from_when_it_happened() -> None:
    m = build()
    seen(m, "accepted", after=90_000, about=incident(accepted_at=T0 + 60_000))
    assert value(m, "tocsin_response_seconds_sum", kind="fault", priority="P1") == 60


def test_an_acceptance_after_a_reopening_is_not_a_response() -> None:
    m = build()
    seen(m, "accepted", after=99999, about=incident(opening=2))
    assert value(m, "tocsin_response_seconds_count", kind="fault", priority="P1") == 0


def test_what_is_not_in_a_set_counts_as_other() -> None:
    m = build()
    m.signal("webhook", "made-up", "registered", 0.1)
    m.notification("carrier-pigeon", "sent", 1.0)
    m.smtp_session("x" * 1000)
    seen(m, "complaint_counted", about=incident(service="somebody's"))
    seen(m, "escalated", role="poet", reason="mood")
    assert value(m, "tocsin_signals_total", source="other", parser="other", outcome="registered") == 1
    assert value(m, "tocsin_notifications_total", channel="other", outcome="sent") == 1
    assert value(m, "tocsin_smtp_sessions_total", outcome="other") == 1
    assert value(m, "tocsin_complaints_total", service="other") == 1
    assert value(m, "tocsin_escalations_total", priority="P1", role="other", reason="other") == 1


def test_signals_messages_and_lateness_are_measured() -> None:
    m = build()
    m.signal("smtp", "customer_mail", "registered", 0.02)
    m.signal("smtp", "customer_mail", "failed")
    m.notification("sms", "sent", 2.0)
    m.notification("sms", "retried")
    m.lateness(Priority.P2, 0.004)
    m.lateness("P2", -1)  # early by the clock's grain
    m.notification("sms", "capped")
    seen(m, "survey", about=incident(kind=Kind.REQUEST), score=4)
    seen(m, "survey", about=incident(kind=Kind.REQUEST))  # sent, not answered
    m.tick(T0)
    assert value(m, "tocsin_intake_seconds_count", source="smtp") == 1
    assert value(m, "tocsin_notification_seconds_sum", channel="sms") == 2
    assert value(m, "tocsin_escalation_lateness_seconds_bucket", priority="P2", le="0.005") == 2
    assert value(m, "tocsin_notifications_total", channel="sms", outcome="failed") == 0
    assert value(m, "tocsin_satisfaction_score_sum", kind="request") == 4
    assert value(m, "tocsin_satisfaction_score_count", kind="request") == 1
    assert value(m, "tocsin_engine_last_tick_timestamp_seconds") == T0 / 1000


def test_the_gauges_show_the_last_snapshot_and_fall_again() -> None:
    m = build()
    full = Snapshot(
        inbox_pending=3,
        inbox_oldest_at=T0 - 5000,
        incidents_open={(Kind.FAULT, Priority.P1, Status.ASSIGNED): 2},
        faults_open={FaultLevel.RED: 1},
        outbox_pending={"sms": 4, "fax": 1},
        outbox_oldest_at={"sms": T0 - 2000},
        timers_armed=7,
        next_due_at=T0 + 1000,
    )
    m.refresh(full, T0)
    assert value(m, "tocsin_inbox_oldest_seconds") == 5
    assert value(m, "tocsin_incidents_open", kind="fault", priority="P1", status="assigned") == 2
    assert value(m, "tocsin_faults_open", fault_level="red") == 1
    assert value(m, "tocsin_outbox_pending", channel="other") == 1
    assert value(m, "tocsin_outbox_oldest_seconds", channel="sms") == 2
    assert value(m, "tocsin_timer_next_due_timestamp_seconds") == (T0 + 1000) / 1000
    m.refresh(Snapshot(), T0)
    assert value(m, "tocsin_inbox_oldest_seconds") == 0
    assert value(m, "tocsin_incidents_open", kind="fault", priority="P1", status="assigned") == 0
    assert value(m, "tocsin_outbox_pending", channel="sms") == 0
    assert value(m, "tocsin_timers_armed") == 0


def test_a_reload_adds_series_and_takes_none_away() -> None:
    m = build()
    m.signal("webhook", "alertmanager", "joined")
    m.configure([("webhook", "zabbix")], ["crm"], ["smpp"])
    assert value(m, "tocsin_signals_total", source="webhook", parser="zabbix", outcome="joined") == 0
    assert value(m, "tocsin_signals_total", source="webhook", parser="alertmanager", outcome="joined") == 1


def test_two_sets_of_metrics_do_not_clash() -> None:
    one, two = build(), build()
    one.smtp_message("accepted")
    assert value(two, "tocsin_smtp_messages_total", outcome="accepted") == 0
