"""What is counted and measured, in one class over one `MetricSet`. What is in no closed set counts as `other`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from daemon.core.incident import Change, Entry, Incident
from daemon.core.vocabulary import OPEN, FaultLevel, Kind, Priority, Status
from daemon.metric_set import (
    DEADLINES,
    LEVEL_REASONS,
    LEVELS,
    MAILBOX_FAILURES,
    MAILBOX_MESSAGES,
    NOTIFICATIONS,
    OTHER,
    OUTCOMES,
    PRIORITIES,
    REASONS,
    ROLES,
    SMTP_MESSAGES,
    SMTP_SESSIONS,
    SOURCES,
    MetricSet,
)

if TYPE_CHECKING:
    from daemon.store.records import Snapshot


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
        self._set = MetricSet(self.registry)
        self.last_tick = 0  # milliseconds, of the timer
        self._known_signals: set[tuple[str, str]] = set()
        self._services: set[str] = set()
        self._channels: set[str] = set()
        self.configure(signals, services, channels)

    def configure(self, signals: Iterable[tuple[str, str]], services: Iterable[str], channels: Iterable[str]) -> None:
        """Add the series of what is configured; also at a reload. Series of what is gone stay: counters never fall."""
        self._known_signals.update(signals, [(OTHER, OTHER)])
        for source, parser in self._known_signals:
            for outcome in OUTCOMES:
                self._set.signals.labels(source, parser, outcome)
        self._services.update(services, [OTHER])
        for service in self._services:
            self._set.complaints.labels(service)
        self._channels.update(channels, [OTHER])
        for channel in self._channels:
            for outcome in (*NOTIFICATIONS, OTHER):
                self._set.notifications.labels(channel, outcome)
            for metric in (self._set.sending, self._set.outbox_pending, self._set.outbox_oldest):
                metric.labels(channel)

    def configure_inward(self, mailboxes: Iterable[str], heartbeats: Iterable[str]) -> None:
        """The series of mailboxes and heartbeats; also at a reload."""
        for name in mailboxes:
            for metric in (self._set.polls, self._set.looked, self._set.backlog, self._set.breakers):
                metric.labels(name)
            for outcome in MAILBOX_MESSAGES:
                self._set.mails.labels(name, outcome)
            for reason in MAILBOX_FAILURES:
                self._set.mailbox_failures.labels(name, reason)
        for name in heartbeats:
            self._set.heartbeats.labels(name)

    # what happens

    def signal(self, source: str, parser: str, outcome: str, seconds: float | None = None) -> None:
        """One report was decided; `seconds` from received to committed."""
        pair = (source, parser) if (source, parser) in self._known_signals else (OTHER, OTHER)
        self._set.signals.labels(*pair, outcome if outcome in OUTCOMES else "failed").inc()
        if seconds is not None:
            self._set.intake.labels(_in(SOURCES, source)).observe(max(0.0, seconds))

    def notification(self, channel: str, outcome: str, seconds: float | None = None) -> None:
        """One message ended an attempt; `seconds` from created to the remote side's yes."""
        channel = channel if channel in self._channels else OTHER
        self._set.notifications.labels(channel, _in(NOTIFICATIONS, outcome)).inc()
        if seconds is not None:
            self._set.sending.labels(channel).observe(max(0.0, seconds))

    def lateness(self, priority: int | str, seconds: float) -> None:
        """An escalation was handed to its channel `seconds` after it fell due."""
        self._set.lateness.labels(_priority(priority)).observe(max(0.0, seconds))

    def smtp_session(self, outcome: str) -> None:
        self._set.sessions.labels(_in(SMTP_SESSIONS, outcome)).inc()

    def smtp_message(self, outcome: str) -> None:
        self._set.messages.labels(_in(SMTP_MESSAGES, outcome)).inc()

    def mailbox_poll(self, mailbox: str, seconds: float, now: int) -> None:
        """A look at a mailbox went well; `now` in milliseconds."""
        self._set.polls.labels(mailbox).observe(max(0.0, seconds))
        self._set.looked.labels(mailbox).set(now / 1000)
        self._set.breakers.labels(mailbox).set(0)

    def mailbox_messages(self, mailbox: str, outcome: str, n: int = 1) -> None:
        self._set.mails.labels(mailbox, _in(MAILBOX_MESSAGES, outcome)).inc(n)

    def mailbox_backlog(self, mailbox: str, n: int) -> None:
        self._set.backlog.labels(mailbox).set(n)

    def mailbox_failure(self, mailbox: str, reason: str, is_open: bool) -> None:
        self._set.mailbox_failures.labels(mailbox, _in(MAILBOX_FAILURES, reason)).inc()
        self._set.breakers.labels(mailbox).set(int(is_open))

    def heartbeat(self, name: str, is_missed: bool) -> None:
        self._set.heartbeats.labels(name).set(int(is_missed))

    def tick(self, now: int) -> None:
        self.last_tick = now
        self._set.tick.set(now / 1000)

    def observe(self, changes: Sequence[Change], now: int) -> None:
        """Count what committed changes say in their timeline entries (INTERFACE 5)."""
        for change in changes:
            for entry in change.entries:
                self._entry(change.incident, entry)

    def _entry(self, incident: Incident, entry: Entry) -> None:
        data, priority, kind = entry.data, _priority(incident.priority), str(incident.kind)
        match entry.event:
            case "registered":
                self._set.registered.labels(kind, priority, _in(SOURCES, str(incident.source))).inc()
            case "accepted" if incident.opening == 1:
                self._set.response.labels(kind, priority).observe(_since(incident, incident.accepted_at, entry))
            case "status" if data.get("to") == Status.RESOLVED:
                self._set.resolution.labels(kind, priority).observe(_since(incident, incident.resolved_at, entry))
            case "breach":
                self._set.breaches.labels(_in(DEADLINES, data.get("deadline")), priority).inc()
            case "escalated":
                role, reason = str(data.get("role")), str(data.get("reason"))
                self._set.escalations.labels(priority, _in(ROLES, role), _in(REASONS, reason)).inc()
            case "level":
                before, after = (_in(LEVELS, data.get(end) or FaultLevel.NONE) for end in ("from", "to"))
                self._set.levels.labels(before, after, _in(LEVEL_REASONS, data.get("reason"))).inc()
            case "survey" if isinstance(score := data.get("score"), int):
                self._set.satisfaction.labels(kind).observe(score)
            case "complaint_counted" if "removed" not in data:
                service = incident.service or OTHER
                self._set.complaints.labels(service if service in self._services else OTHER).inc()

    # what is

    def refresh(self, snapshot: Snapshot, now: int) -> None:
        """Set the gauges over the store. `now` in milliseconds: ages count from it."""
        self._set.inbox_pending.set(snapshot.inbox_pending)
        self._set.inbox_oldest.set(_age(snapshot.inbox_oldest_at, now))
        for kind in Kind:
            for priority in Priority:
                for status in OPEN:
                    count = snapshot.incidents_open.get((kind, priority, status), 0)
                    self._set.open.labels(str(kind), priority.name, str(status)).set(count)
        for level in FaultLevel:
            self._set.faults.labels(str(level)).set(snapshot.faults_open.get(level, 0))
        pending, oldest = dict.fromkeys(self._channels, 0), dict.fromkeys(self._channels, 0.0)
        for channel, count in snapshot.outbox_pending.items():
            pending[channel if channel in pending else OTHER] += count
        for channel, at in snapshot.outbox_oldest_at.items():
            name = channel if channel in oldest else OTHER
            oldest[name] = max(oldest[name], _age(at, now))
        for channel in self._channels:
            self._set.outbox_pending.labels(channel).set(pending[channel])
            self._set.outbox_oldest.labels(channel).set(oldest[channel])
        self._set.armed.set(snapshot.timers_armed)
        self._set.next_due.set((snapshot.next_due_at or 0) / 1000)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The page and its Content-Type: OpenMetrics for whom asks for it, else the classic text. Thread-safe."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


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
