"""kill -9 in the middle of a ladder: no rung is skipped, nobody is told twice, what fell due meanwhile comes late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.peers.process import stays, wait_until
from tests.peers.tocsin import PEOPLE, Daemon, alert, group

CORE = '[[services]]\nname = "billing"\ncore = true\n'
ROLES = ["support_lead", "incident_manager", "service_manager", "service_director", "company_leader"]


def ladder(*seconds: int) -> str:
    rungs = "\n".join(f'{role} = "{due}s"' for role, due in zip(ROLES, seconds, strict=True))
    return f"[policy.ladder.P1]\n{rungs}\n"


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def now() -> float:
    return datetime.now(UTC).timestamp()


def due_instants(tocsin: Daemon) -> dict[str, float]:
    return {role: instant(rung["due_at"]) for role, rung in rungs(tocsin).items()}


def rungs(tocsin: Daemon) -> dict[str, dict[str, Any]]:
    (incident,) = tocsin.incidents()
    return {rung["role"]: rung for rung in incident["ladder"]}


def told_by_ladder(tocsin: Daemon, incident: str = "INC-1") -> Counter[str]:
    """Role -> how many `escalated` events with the reason ladder."""
    rows = [row for row in tocsin.timeline(incident) if row["event"] == "escalated"]
    return Counter(row["data"]["role"] for row in rows if row["data"]["reason"] == "ladder")


def check_told_once(tocsin: Daemon, kills: int = 1) -> None:
    """Each role has one escalation, and whoever holds it one message for it on each channel."""
    assert told_by_ladder(tocsin) == Counter(ROLES)
    for role in ROLES:
        for channel, address in (("email", f"{PEOPLE[role]}@ops.example"), ("sms", phone(role))):
            messages = tocsin.outbox_to(address, channel)
            assert messages, f"{role} was never told by {channel}"
            if role in ROLES[2:]:  # the others hear of the overdue response too
                keys = Counter(message["key"] for message in messages)
                assert len(keys) == 1, f"{role} was told under several keys: {keys}"
                # Killed between sending and noting it, it sends again: the same key lets the other side drop it.
                assert len(messages) <= 1 + kills


def phone(role: str) -> str:
    return f"+861380000{list(PEOPLE).index(role):04d}"


def everything_sent(tocsin: Daemon) -> bool:
    return not tocsin.api("notifications?state=pending&limit=1")["notifications"]


@pytest.mark.timeout(120)
def test_rungs_that_fell_due_while_the_daemon_was_dead_fire_once_and_late(
    daemon: Callable[..., Daemon], database: str
) -> None:
    tocsin = daemon(database=database, services=CORE, policy=ladder(1, 2, 3, 4, 6))
    tocsin.token()
    assert tocsin.webhook(group(alert("BillingDown", service="billing"))).status == 202
    wait_until(lambda: told_by_ladder(tocsin)["support_lead"] == 1, 15, "the first rung")

    due = due_instants(tocsin)
    tocsin.kill9()
    wait_until(lambda: now() > due["service_director"] + 0.5, 15, "three rungs fall due while nobody runs")
    tocsin.start()

    wait_until(lambda: set(told_by_ladder(tocsin)) == set(ROLES), 20, "every rung")
    wait_until(lambda: everything_sent(tocsin), 45, "every message")
    fired = {role: instant(rung["fired_at"]) for role, rung in rungs(tocsin).items()}
    for role in ("incident_manager", "service_manager", "service_director"):
        assert fired[role] - due[role] >= 0, role
    assert fired["service_manager"] - due["service_manager"] > 0.3, "it fell due while nobody ran: stamped late"
    assert 0 <= fired["company_leader"] - due["company_leader"] < 2, "the rung after the start is in time"
    check_told_once(tocsin)


@pytest.mark.timeout(120)
def test_many_kills_on_one_ladder_skip_no_rung_and_double_none(daemon: Callable[..., Daemon], database: str) -> None:
    tocsin = daemon(database=database, services=CORE, policy=ladder(1, 2, 3, 4, 5))
    tocsin.token()
    assert tocsin.webhook(group(alert("BillingDown", service="billing"))).status == 202
    tocsin.settled()

    for _ in range(6):  # somewhere in the middle of whatever it does, until the ladder is through
        tocsin.kill9()
        tocsin.start()
        if len(told_by_ladder(tocsin)) == len(ROLES):
            break

    wait_until(lambda: set(told_by_ladder(tocsin)) == set(ROLES), 20, "every rung")
    wait_until(lambda: everything_sent(tocsin), 45, "every message")
    check_told_once(tocsin, kills=6)
    events = Counter(
        (row["event"], row["data"].get("role"), row["data"].get("reason")) for row in tocsin.timeline("INC-1")
    )
    doubled = {key: n for key, n in events.items() if key[0] == "escalated" and n > 1}
    assert not doubled


@pytest.mark.timeout(60)
def test_a_resolved_alert_stops_the_ladder(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon(services=CORE, policy=ladder(1, 3, 3, 3, 3))
    assert tocsin.webhook(group(alert("BillingDown", service="billing"))).status == 202
    wait_until(lambda: told_by_ladder(tocsin)["support_lead"] == 1, 15, "the first rung")

    assert tocsin.webhook(group(alert("BillingDown", "resolved", service="billing"))).status == 202

    wait_until(lambda: tocsin.incidents()[0]["status"] == "resolved", 10)
    stays(lambda: told_by_ladder(tocsin) == Counter(["support_lead"]), 3.5, "only the first rung")


@pytest.mark.timeout(60)
def test_rungs_that_come_late_together_are_one_message_for_each_person(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon(services=CORE, policy=ladder(4, 4, 4, 4, 4))
    tocsin.token()
    assert tocsin.webhook(group(alert("BillingDown", service="billing"))).status == 202
    tocsin.settled()
    due = due_instants(tocsin)
    tocsin.kill9()
    assert now() < min(due.values()), "it was killed before the first rung"
    wait_until(lambda: now() > max(due.values()) + 0.5, 15, "all rungs fall due while nobody runs")
    tocsin.start()

    wait_until(lambda: set(told_by_ladder(tocsin)) == set(ROLES), 20, "every rung")
    wait_until(lambda: everything_sent(tocsin), 45, "every message")
    for role in ROLES[2:]:
        assert len(tocsin.outbox_to(f"{PEOPLE[role]}@ops.example")) == 1, role
        assert len([m for m in tocsin.outbox("sms") if m["to"] == phone(role)]) == 1, role
