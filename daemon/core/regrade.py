"""Bring level, grade, deadlines and ladder up to date after anything changed (RULES 3, 4, 5, 6.1.5)."""

from __future__ import annotations

from typing import Any

from daemon.core import escalation, fault_level, grading, limits
from daemon.core.book import Book
from daemon.core.incident import SYSTEM, Change, Incident
from daemon.core.vocabulary import FaultLevel, Reason, Role


def face(incident: Incident) -> tuple[Any, ...]:
    """What a `graded` event shows: one is logged when any of it changed."""
    i = incident
    return (i.kind, i.category, i.service, i.impact, i.urgency, i.priority, i.emergency)


def regrade(
    change: Change,
    book: Book,
    now: int,
    *,
    by_person: bool = False,
    first: bool = False,
    actor: str = SYSTEM,
    before: tuple[Any, ...] | None = None,
    why: str = "",
) -> None:
    """`by_person`: a person's measure or correction may lower the level. `first`: at registration.
    `before`: `face(incident)` from before the caller changed attributes, else it is taken here. `why`: the person's
    reason."""
    incident = change.incident
    shown = face(incident) if before is None else before
    priority, level, standard = incident.priority, incident.fault_level, incident.standard_level
    moved = fault_level.reassess(change, book, now, by_person, actor, why)
    grade = grading.grade(incident, book, now)
    incident.impact, incident.urgency, incident.priority = grade.impact, grade.urgency, grade.priority
    incident.emergency, incident.reasons = grade.emergency, list(grade.reasons)
    if first or face(incident) != shown:
        change.log(now, "graded", actor, **graded_data(incident))
    limits.set_deadlines(incident, book)
    if incident.resolve_due_at is not None and incident.resolve_due_at <= now:
        incident.warned = True  # moved into the past: it breaches now, and "near" would be nonsense
    if limits.sleeps(incident):
        incident.ladder = []
        return
    if first:
        escalation.start_ladder(change, book, now)
    elif incident.is_open and incident.priority is not priority:
        escalation.regrade_ladder(change, book, priority, now)
    if moved:
        risen = limits.level_risen(standard, incident.standard_level)
        limits.set_bulletin(incident, book, now, risen)
        _tell_level(change, book, now, level or FaultLevel.NONE, moved, {"why": why, "by": actor} if by_person else {})
    escalation.immediate(change, book, now)


def graded_data(incident: Incident) -> dict[str, Any]:
    """The data of a `graded` event (INTERFACE 5)."""
    return {
        "kind": str(incident.kind),
        "category": incident.category,
        "service": incident.service,
        "impact": str(incident.impact),
        "urgency": str(incident.urgency),
        "priority": int(incident.priority),
        "emergency": incident.emergency,
        "reasons": list(incident.reasons),
    }


def _tell_level(change: Change, book: Book, now: int, before: FaultLevel, cause: str, by: dict[str, str]) -> None:
    """Support lead and incident manager hear of a rise to yellow or above, and of its correction (5.2, 5.3)."""
    incident = change.incident
    after = incident.fault_level or FaultLevel.NONE
    incident.level_changes += 1
    fell = after.rank < before.rank
    if max(after.rank, before.rank if fell else 0) < FaultLevel.YELLOW.rank:
        return
    reason = Reason.CORRECTION if fell else Reason.LEVEL
    for role in (Role.SUPPORT_LEAD, Role.INCIDENT_MANAGER):
        epoch = f"v{incident.level_changes}"
        told = by.get("why") or cause if fell else cause
        levels = {"from": str(before), "to": str(after), "reason": told} | {k: v for k, v in by.items() if v}
        escalation.escalate(change, book, role, reason, now, epoch=epoch, data=levels)
