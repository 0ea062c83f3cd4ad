"""Every Prometheus metric, in one class (INTERFACE 4). Label sets are closed and every series is there from the start:
a rate over a series that appears with its first event misses that event. What is not in a set counts as `other`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from daemon import __version__
from daemon.core.incident import Change, Entry, Incident
from daemon.core.vocabulary import ESCALATIONS, OPEN, FaultLevel, Kind, Priority, Role, Source, Status

if TYPE_CHECKING:
    from prometheus_client.metrics import MetricWrapperBase

    from daemon.store.records import Snapshot

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
SMTP_MESSAGES = ("accepted", "unknown_recipient", "too_large", "busy", "trouble", "lost", "timeout")
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


class Metrics:
    """One set of metrics in one registry (its own unless given one: several in a process do not clash).

    `signals` are the configured pairs (source, parser), `services` and `channels` the configured names.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        signals: Iterable[tuple[str, str]] = (),
        services: Iterable[str] = (),
        channels: Iterable[str] = (),
    ) -> None:
        self.registry = registry or CollectorRegistry()
        ProcessCollector(registry=self.registry)
        r = self.registry
        build = Gauge("tocsin_build_info", "The running version; always 1.", ["version"], registry=r)
        build.labels(__version__).set(1)

        self._signals = Counter(
            "tocsin_signals", "What came in and what became of it.", ["source", "parser", "outcome"], registry=r
        )
        self._intake = Histogram(
            "tocsin_intake_seconds", "From received to incident committed.", ["source"], buckets=INTAKE, registry=r
        )
        self._inbox_pending = Gauge("tocsin_inbox_pending", "Inbox rows that wait to be understood.", registry=r)
        self._inbox_oldest = Gauge("tocsin_inbox_oldest_seconds", "Age of the oldest of them.", registry=r)

        self._registered = Counter(
            "tocsin_incidents_registered", "Incidents registered.", ["kind", "priority", "source"], registry=r
        )
        self._open = Gauge("tocsin_incidents_open", "Open incidents.", ["kind", "priority", "status"], registry=r)
        self._faults = Gauge("tocsin_faults_open", "Open faults.", ["fault_level"], registry=r)
        by_kind = ["kind", "priority"]
        self._response = Histogram(
            "tocsin_response_seconds", "From registered to accepted.", by_kind, buckets=RESPONSE, registry=r
        )
        self._resolution = Histogram(
            "tocsin_resolution_seconds", "From registered to resolved.", by_kind, buckets=RESOLUTION, registry=r
        )
        self._breaches = Counter("tocsin_deadline_breaches", "Deadlines missed.", ["deadline", "priority"], registry=r)
        self._escalations = Counter(
            "tocsin_escalations", "Escalations fired.", ["priority", "role", "reason"], registry=r
        )
        self._lateness = Histogram(
            "tocsin_escalation_lateness_seconds",
            "From due to handed to the channel.",
            ["priority"],
            buckets=LATENESS,
            registry=r,
        )
        self._levels = Counter(
            "tocsin_fault_level_changes",
            "Changes of a fault's level.",
            ["from_level", "to_level", "reason"],
            registry=r,
        )
        self._complaints = Counter(
            "tocsin_complaints", "Complaints counted for a fault, by its service.", ["service"], registry=r
        )
        self._satisfaction = Histogram(
            "tocsin_satisfaction_score", "Scores that reporters gave, 1 to 5.", ["kind"], buckets=SCORES, registry=r
        )

        self._notifications = Counter(
            "tocsin_notifications", "Messages, by what became of them.", ["channel", "outcome"], registry=r
        )
        self._sending = Histogram(
            "tocsin_notification_seconds",
            "From created to accepted by the remote side.",
            ["channel"],
            buckets=SENDING,
            registry=r,
        )
        self._outbox_pending = Gauge("tocsin_outbox_pending", "Messages that wait to be sent.", ["channel"], registry=r)
        self._outbox_oldest = Gauge(
            "tocsin_outbox_oldest_seconds", "Age of the oldest message that is due.", ["channel"], registry=r
        )

        self._sessions = Counter("tocsin_smtp_sessions", "SMTP connections, by their end.", ["outcome"], registry=r)
        self._messages = Counter("tocsin_smtp_messages", "Mails by SMTP, by their answer.", ["outcome"], registry=r)

        self._polls = Histogram(
            "tocsin_mailbox_poll_seconds",
            "One look at a mailbox, with what was taken.",
            ["mailbox"],
            buckets=SENDING,
            registry=r,
        )
        self._mails = Counter(
            "tocsin_mailbox_messages", "Mails of mailboxes, by what became of them.", ["mailbox", "outcome"], registry=r
        )
        self._looked = Gauge(
            "tocsin_mailbox_last_success_timestamp_seconds",
            "When the mailbox was last read without fault; 0 before the first time.",
            ["mailbox"],
            registry=r,
        )
        self._backlog = Gauge(
            "tocsin_mailbox_backlog", "Mails that are there and not yet taken.", ["mailbox"], registry=r
        )
        self._mailbox_failures = Counter(
            "tocsin_mailbox_failures", "Connections that failed, by reason.", ["mailbox", "reason"], registry=r
        )
        self._breakers = Gauge(
            "tocsin_mailbox_breaker_open",
            "1 while a mailbox that failed again and again pauses.",
            ["mailbox"],
            registry=r,
        )
        self._heartbeats = Gauge("tocsin_heartbeat_missed", "1 while a heartbeat is missed.", ["heartbeat"], registry=r)

        self._armed = Gauge("tocsin_timers_armed", "Open incidents with an instant to come.", registry=r)
        self._next_due = Gauge(
            "tocsin_timer_next_due_timestamp_seconds",
            "The nearest of those instants; 0 when there is none.",
            registry=r,
        )
        self._tick = Gauge(
            "tocsin_engine_last_tick_timestamp_seconds", "When the timer last looked what is due.", registry=r
        )

        self.last_tick = 0  # milliseconds, of the timer
        self._known_signals: set[tuple[str, str]] = set()
        self._services: set[str] = set()
        self._channels: set[str] = set()
        self._fill()
        self.configure(signals, services, channels)

    def configure(self, signals: Iterable[tuple[str, str]], services: Iterable[str], channels: Iterable[str]) -> None:
        """Add the series of what is configured; also at a reload. Series of what is gone stay: counters never fall."""
        self._known_signals.update(signals, [(OTHER, OTHER)])
        for source, parser in self._known_signals:
            for outcome in OUTCOMES:
                self._signals.labels(source, parser, outcome)
        self._services.update(services, [OTHER])
        for service in self._services:
            self._complaints.labels(service)
        self._channels.update(channels, [OTHER])
        for channel in self._channels:
            for outcome in (*NOTIFICATIONS, OTHER):
                self._notifications.labels(channel, outcome)
            for metric in (self._sending, self._outbox_pending, self._outbox_oldest):
                metric.labels(channel)

    def configure_inward(self, mailboxes: Iterable[str], heartbeats: Iterable[str]) -> None:
        """The series of mailboxes and heartbeats; also at a reload."""
        for name in mailboxes:
            for metric in (self._polls, self._looked, self._backlog, self._breakers):
                metric.labels(name)
            for outcome in MAILBOX_MESSAGES:
                self._mails.labels(name, outcome)
            for reason in MAILBOX_FAILURES:
                self._mailbox_failures.labels(name, reason)
        for name in heartbeats:
            self._heartbeats.labels(name)

    def _fill(self) -> None:
        """Every series whose labels are fixed by RULES."""
        _every(self._intake, (*SOURCES, OTHER))
        _every(self._registered, KINDS, PRIORITIES, (*SOURCES, OTHER))
        _every(self._open, KINDS, PRIORITIES, OPEN_STATUSES)
        _every(self._faults, LEVELS)
        _every(self._response, KINDS, PRIORITIES)
        _every(self._resolution, KINDS, PRIORITIES)
        _every(self._breaches, DEADLINES, PRIORITIES)
        _every(self._escalations, PRIORITIES, ROLES, REASONS)
        _every(self._lateness, PRIORITIES)
        _every(self._levels, LEVELS, LEVELS, LEVEL_REASONS)
        _every(self._satisfaction, KINDS)
        _every(self._sessions, (*SMTP_SESSIONS, OTHER))
        _every(self._messages, (*SMTP_MESSAGES, OTHER))

    # what happens

    def signal(self, source: str, parser: str, outcome: str, seconds: float | None = None) -> None:
        """One report was decided; `seconds` from received to committed."""
        pair = (source, parser) if (source, parser) in self._known_signals else (OTHER, OTHER)
        self._signals.labels(*pair, outcome if outcome in OUTCOMES else "failed").inc()
        if seconds is not None:
            self._intake.labels(_in(SOURCES, source)).observe(max(0.0, seconds))

    def notification(self, channel: str, outcome: str, seconds: float | None = None) -> None:
        """One message ended an attempt; `seconds` from created to the remote side's yes."""
        channel = channel if channel in self._channels else OTHER
        self._notifications.labels(channel, _in(NOTIFICATIONS, outcome)).inc()
        if seconds is not None:
            self._sending.labels(channel).observe(max(0.0, seconds))

    def lateness(self, priority: int | str, seconds: float) -> None:
        """An escalation was handed to its channel `seconds` after it fell due."""
        self._lateness.labels(_priority(priority)).observe(max(0.0, seconds))

    def smtp_session(self, outcome: str) -> None:
        self._sessions.labels(_in(SMTP_SESSIONS, outcome)).inc()

    def smtp_message(self, outcome: str) -> None:
        self._messages.labels(_in(SMTP_MESSAGES, outcome)).inc()

    def mailbox_poll(self, mailbox: str, seconds: float, now: int) -> None:
        """A look at a mailbox went well; `now` in milliseconds."""
        self._polls.labels(mailbox).observe(max(0.0, seconds))
        self._looked.labels(mailbox).set(now / 1000)
        self._breakers.labels(mailbox).set(0)

    def mailbox_messages(self, mailbox: str, outcome: str, n: int = 1) -> None:
        self._mails.labels(mailbox, _in(MAILBOX_MESSAGES, outcome)).inc(n)

    def mailbox_backlog(self, mailbox: str, n: int) -> None:
        self._backlog.labels(mailbox).set(n)

    def mailbox_failure(self, mailbox: str, reason: str, is_open: bool) -> None:
        self._mailbox_failures.labels(mailbox, _in(MAILBOX_FAILURES, reason)).inc()
        self._breakers.labels(mailbox).set(int(is_open))

    def heartbeat(self, name: str, is_missed: bool) -> None:
        self._heartbeats.labels(name).set(int(is_missed))

    def tick(self, now: int) -> None:
        self.last_tick = now
        self._tick.set(now / 1000)

    def observe(self, changes: Sequence[Change], now: int) -> None:
        """Count what committed changes say in their timeline entries (INTERFACE 5)."""
        for change in changes:
            for entry in change.entries:
                self._entry(change.incident, entry)

    def _entry(self, incident: Incident, entry: Entry) -> None:
        data, priority, kind = entry.data, _priority(incident.priority), str(incident.kind)
        match entry.event:
            case "registered":
                self._registered.labels(kind, priority, _in(SOURCES, str(incident.source))).inc()
            case "accepted" if incident.opening == 1:
                self._response.labels(kind, priority).observe(_since(incident, incident.accepted_at, entry))
            case "status" if data.get("to") == Status.RESOLVED:
                self._resolution.labels(kind, priority).observe(_since(incident, incident.resolved_at, entry))
            case "breach":
                self._breaches.labels(_in(DEADLINES, data.get("deadline")), priority).inc()
            case "escalated":
                role, reason = str(data.get("role")), str(data.get("reason"))
                self._escalations.labels(priority, _in(ROLES, role), _in(REASONS, reason)).inc()
            case "level":
                before, after = (_in(LEVELS, data.get(end) or FaultLevel.NONE) for end in ("from", "to"))
                self._levels.labels(before, after, _in(LEVEL_REASONS, data.get("reason"))).inc()
            case "survey" if isinstance(score := data.get("score"), int):
                self._satisfaction.labels(kind).observe(score)
            case "complaint_counted" if "removed" not in data:
                service = incident.service or OTHER
                self._complaints.labels(service if service in self._services else OTHER).inc()

    # what is

    def refresh(self, snapshot: Snapshot, now: int) -> None:
        """Set the gauges over the store. `now` in milliseconds: ages count from it."""
        self._inbox_pending.set(snapshot.inbox_pending)
        self._inbox_oldest.set(_age(snapshot.inbox_oldest_at, now))
        for kind in Kind:
            for priority in Priority:
                for status in OPEN:
                    count = snapshot.incidents_open.get((kind, priority, status), 0)
                    self._open.labels(str(kind), priority.name, str(status)).set(count)
        for level in FaultLevel:
            self._faults.labels(str(level)).set(snapshot.faults_open.get(level, 0))
        pending, oldest = dict.fromkeys(self._channels, 0), dict.fromkeys(self._channels, 0.0)
        for channel, count in snapshot.outbox_pending.items():
            pending[channel if channel in pending else OTHER] += count
        for channel, at in snapshot.outbox_oldest_at.items():
            name = channel if channel in oldest else OTHER
            oldest[name] = max(oldest[name], _age(at, now))
        for channel in self._channels:
            self._outbox_pending.labels(channel).set(pending[channel])
            self._outbox_oldest.labels(channel).set(oldest[channel])
        self._armed.set(snapshot.timers_armed)
        self._next_due.set((snapshot.next_due_at or 0) / 1000)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its Content-Type: OpenMetrics for whom asks for it, else the classic text. Thread-safe."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


def _every(metric: MetricWrapperBase, *sets: Sequence[str]) -> None:
    """Make the series of every combination."""
    for values in itertools.product(*sets):
        metric.labels(*values)


def _in(known: Sequence[str], value: object) -> str:
    text = str(value)
    return text if text in known else OTHER


def _priority(priority: int | str) -> str:
    name = f"P{priority:d}" if isinstance(priority, int) else priority
    return name if name in PRIORITIES else OTHER


def _since(incident: Incident, at: int | None, entry: Entry) -> float:
    """Seconds from the registration to `at`: what is entered afterwards has happened before its entry."""
    return _between(incident.registered_at, entry.at if at is None else min(at, entry.at))


def _between(start: int, end: int) -> float:
    """Seconds; never below 0 (retrospective entries may lie before the registration)."""
    return max(0, end - start) / 1000


def _age(at: int | None, now: int) -> float:
    return 0.0 if at is None else _between(at, now)
