"""Deadlines and the bulletin's instant, as set by the present grade (RULES 4, 7.3)."""

from __future__ import annotations

from daemon.core.book import Book
from daemon.core.incident import Incident
from daemon.core.policy import kind_limit_key
from daemon.core.vocabulary import FaultLevel


def sleeps(incident: Incident) -> bool:
    """True where the incident has no timers of its own: retrospective, or counted for a fault (RULES 2.2, 5.4)."""
    return incident.retrospective or incident.complaint_of is not None


def set_deadlines(incident: Incident, book: Book) -> None:
    """Response, resolve and kind deadlines from the present grade. Frozen ones stay (RULES 4)."""
    if sleeps(incident) or not incident.is_open:
        return
    policy, start = book.policy, incident.clock_from
    shift = incident.paused if policy.pending_stops_clock else 0
    by_urgency = policy.urgency_resolve[incident.urgency]
    by_kind = policy.kind_limits[kind_limit_key(incident.kind, incident.fault_level, incident.complaint_serious)]
    limit = {"urgency": by_urgency, "kind": by_kind}.get(policy.deadline_basis, min(by_urgency, by_kind))
    incident.resolve_due_at = start + limit * 1000 + shift
    incident.kind_due_at = start + by_kind * 1000 + shift
    if incident.accepted_at is None and not incident.response_frozen:
        first = policy.response_limit(incident.priority)
        incident.response_due_at = min(start + first * 1000, incident.resolve_due_at)


def resolve_limit(incident: Incident, book: Book) -> int:
    """Milliseconds that the resolution may take, pauses that stop the clock not counted."""
    shift = incident.paused if book.policy.pending_stops_clock else 0
    return (incident.resolve_due_at or 0) - incident.clock_from - shift


def set_bulletin(incident: Incident, book: Book, now: int, risen: bool) -> None:
    """The due instant after a level event: now + the level's limit, or the old one if earlier (RULES 7.3).

    One published bulletin satisfies it, and a late one stays late: then nothing is due any more.
    """
    level = incident.fault_level
    limit = book.policy.bulletin.get(level) if level else None
    if limit is None or incident.bulletin_at is not None or incident.bulletin_late or not incident.is_open:
        incident.bulletin_due_at = None
    elif incident.bulletin_due_at is None:
        incident.bulletin_due_at = now + limit * 1000
    elif risen:
        incident.bulletin_due_at = min(incident.bulletin_due_at, now + limit * 1000)


def level_risen(before: FaultLevel | None, after: FaultLevel | None) -> bool:
    return (after or FaultLevel.NONE).rank > (before or FaultLevel.NONE).rank
