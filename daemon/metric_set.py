"""The metric objects and their closed sets of labels (INTERFACE 4); what moves them is in `daemon.metrics`.

Every series is there from the start: a rate over a series that appears with its first event misses that event.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from daemon import __version__
from daemon.core.vocabulary import ESCALATIONS, OPEN, FaultLevel, Kind, Priority, Role, Source, Status

if TYPE_CHECKING:
    from prometheus_client.metrics import MetricWrapperBase

disable_created_metrics()  # type: ignore[no-untyped-call]

OTHER = "other"
OUTCOMES = (
    "registered",
    "joined",
    "acknowledged",
    "resolved",
    "unchanged",
    "duplicate",
    "out_of_scope",
    "unparsable",
    "failed",
)
DEADLINES = ("response", "resolve", "kind")
LEVEL_REASONS = (
    "measures",
    "time",
    "complaints",
    "bulletin_late",
    "vice_president",
    "media",
    "person",
    "correction",
)
NOTIFICATIONS = ("sent", "delivered", "retried", "failed", "fallback", "merged")
SMTP_SESSIONS = ("completed", "lost", "timeout", "refused", "too_many", "stopped")
SMTP_MESSAGES = ("accepted", "unknown_recipient", "too_large", "busy", "trouble", "refused", "lost", "timeout")
MAILBOX_MESSAGES = ("accepted", "known", "retried", "too_large", "unreadable", "adopted")
MAILBOX_FAILURES = ("connection", "login", "refused", "store", "uidvalidity", "defect")

KINDS = tuple(str(kind) for kind in Kind)
PRIORITIES = tuple(priority.name for priority in Priority)
SOURCES = tuple(str(source) for source in Source)
ROLES = tuple(str(role) for role in Role)
REASONS = tuple(str(reason) for reason in ESCALATIONS)
LEVELS = tuple(str(level) for level in FaultLevel)
OPEN_STATUSES = tuple(str(status) for status in Status if status in OPEN)

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86400.0
INTAKE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 5 * MINUTE, HOUR)
LATENESS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
SENDING = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
# the rungs of the ladder and the limits of RULES 4 are bounds, so that a share in time is exact
RESPONSE = tuple(m * MINUTE for m in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 4320))
RESOLUTION = (
    15 * MINUTE,
    30 * MINUTE,
    *(h * HOUR for h in (1, 2, 4, 8, 12, 24, 48, 72)),
    5 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
)
SCORES = (1, 2, 3, 4, 5)


class MetricSet:
    """One of each, in registry `r`, with the series whose labels are fixed by RULES."""

    def __init__(self, r: CollectorRegistry) -> None:
        ProcessCollector(registry=r)
        build = Gauge("tocsin_build_info", "The running version; always 1.", ["version"], registry=r)
        build.labels(__version__).set(1)

        self.signals = Counter(
            "tocsin_signals", "What came in and what became of it.", ["source", "parser", "outcome"], registry=r
        )
        self.intake = Histogram(
            "tocsin_intake_seconds", "From received to incident committed.", ["source"], buckets=INTAKE, registry=r
        )
        self.inbox_pending = Gauge("tocsin_inbox_pending", "Inbox rows that wait to be understood.", registry=r)
        self.inbox_oldest = Gauge("tocsin_inbox_oldest_seconds", "Age of the oldest of them.", registry=r)

        self.registered = Counter(
            "tocsin_incidents_registered", "Incidents registered.", ["kind", "priority", "source"], registry=r
        )
        self.open = Gauge("tocsin_incidents_open", "Open incidents.", ["kind", "priority", "status"], registry=r)
        self.faults = Gauge("tocsin_faults_open", "Open faults.", ["fault_level"], registry=r)
        by_kind = ["kind", "priority"]
        self.response = Histogram(
            "tocsin_response_seconds", "From registered to accepted.", by_kind, buckets=RESPONSE, registry=r
        )
        self.resolution = Histogram(
            "tocsin_resolution_seconds", "From registered to resolved.", by_kind, buckets=RESOLUTION, registry=r
        )
        self.breaches = Counter("tocsin_deadline_breaches", "Deadlines missed.", ["deadline", "priority"], registry=r)
        self.escalations = Counter(
            "tocsin_escalations", "Escalations fired.", ["priority", "role", "reason"], registry=r
        )
        self.lateness = Histogram(
            "tocsin_escalation_lateness_seconds",
            "From due to handed to the channel.",
            ["priority"],
            buckets=LATENESS,
            registry=r,
        )
        self.levels = Counter(
            "tocsin_fault_level_changes",
            "Changes of a fault's level.",
            ["from_level", "to_level", "reason"],
            registry=r,
        )
        self.complaints = Counter(
            "tocsin_complaints", "Complaints counted for a fault, by its service.", ["service"], registry=r
        )
        self.satisfaction = Histogram(
            "tocsin_satisfaction_score", "Scores that reporters gave, 1 to 5.", ["kind"], buckets=SCORES, registry=r
        )

        self.notifications = Counter(
            "tocsin_notifications", "Messages, by what became of them.", ["channel", "outcome"], registry=r
        )
        self.sending = Histogram(
            "tocsin_notification_seconds",
            "From created to accepted by the remote side.",
            ["channel"],
            buckets=SENDING,
            registry=r,
        )
        self.outbox_pending = Gauge("tocsin_outbox_pending", "Messages that wait to be sent.", ["channel"], registry=r)
        self.outbox_oldest = Gauge(
            "tocsin_outbox_oldest_seconds", "Age of the oldest message that is due.", ["channel"], registry=r
        )

        self.sessions = Counter("tocsin_smtp_sessions", "SMTP connections, by their end.", ["outcome"], registry=r)
        self.messages = Counter("tocsin_smtp_messages", "Mails by SMTP, by their answer.", ["outcome"], registry=r)

        self.polls = Histogram(
            "tocsin_mailbox_poll_seconds",
            "One look at a mailbox, with what was taken.",
            ["mailbox"],
            buckets=SENDING,
            registry=r,
        )
        self.mails = Counter(
            "tocsin_mailbox_messages", "Mails of mailboxes, by what became of them.", ["mailbox", "outcome"], registry=r
        )
        self.looked = Gauge(
            "tocsin_mailbox_last_success_timestamp_seconds",
            "When the mailbox was last read without fault; 0 before the first time.",
            ["mailbox"],
            registry=r,
        )
        self.backlog = Gauge(
            "tocsin_mailbox_backlog", "Mails that are there and not yet taken.", ["mailbox"], registry=r
        )
        self.mailbox_failures = Counter(
            "tocsin_mailbox_failures", "Connections that failed, by reason.", ["mailbox", "reason"], registry=r
        )
        self.breakers = Gauge(
            "tocsin_mailbox_breaker_open",
            "1 while a mailbox that failed again and again pauses.",
            ["mailbox"],
            registry=r,
        )
        self.heartbeats = Gauge("tocsin_heartbeat_missed", "1 while a heartbeat is missed.", ["heartbeat"], registry=r)

        self.armed = Gauge("tocsin_timers_armed", "Open incidents with an instant to come.", registry=r)
        self.next_due = Gauge(
            "tocsin_timer_next_due_timestamp_seconds",
            "The nearest of those instants; 0 when there is none.",
            registry=r,
        )
        self.tick = Gauge(
            "tocsin_engine_last_tick_timestamp_seconds", "When the timer last looked what is due.", registry=r
        )

        self._fill()

    def _fill(self) -> None:
        every(self.intake, (*SOURCES, OTHER))
        every(self.registered, KINDS, PRIORITIES, (*SOURCES, OTHER))
        every(self.open, KINDS, PRIORITIES, OPEN_STATUSES)
        every(self.faults, LEVELS)
        every(self.response, KINDS, PRIORITIES)
        every(self.resolution, KINDS, PRIORITIES)
        every(self.breaches, DEADLINES, PRIORITIES)
        every(self.escalations, PRIORITIES, ROLES, REASONS)
        every(self.lateness, PRIORITIES)
        every(self.levels, LEVELS, LEVELS, LEVEL_REASONS)
        every(self.satisfaction, KINDS)
        every(self.sessions, (*SMTP_SESSIONS, OTHER))
        every(self.messages, (*SMTP_MESSAGES, OTHER))


def every(metric: MetricWrapperBase, *sets: Sequence[str]) -> None:
    """Make the series of every combination."""
    for values in itertools.product(*sets):
        metric.labels(*values)
