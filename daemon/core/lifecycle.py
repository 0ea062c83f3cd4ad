"""The steps between statuses that people, reporters and the monitoring take (RULES 7)."""

from __future__ import annotations

from daemon.core import escalation
from daemon.core.book import Book
from daemon.core.incident import SYSTEM, Change, Incident
from daemon.core.limits import set_deadlines, sleeps
from daemon.core.measures import end_stretches
from daemon.core.vocabulary import CloseCode, Reason, Role, Status

LINES = (Role.SERVICE_DESK, Role.FIRST_LINE, Role.SECOND_LINE, Role.THIRD_LINE, Role.FIELD, Role.THIRD_PARTY)
WEEK = 7 * 24 * 3600
"""[A 5.10.1]: the survey goes out within a week of the closing, whatever the policy says."""


def move(change: Change, to: Status, now: int, actor: str = SYSTEM, **data: object) -> None:
    """Set the status and log it; nothing where it is the same."""
    incident = change.incident
    if incident.status is to:
        return
    change.log(now, "status", actor, **{"from": str(incident.status), "to": str(to), **data})
    incident.status = to


def end_pause(change: Change, now: int, book: Book) -> None:
    """Leave pending: with `pending_stops_clock` the ladder and the deadlines shift by the pause (RULES 4)."""
    incident = change.incident
    if incident.pended_at is None:
        return
    since, pause = incident.pended_at, now - incident.pended_at
    incident.paused += pause
    incident.pended_at = incident.pended_from = None
    if not book.policy.pending_stops_clock or sleeps(incident):
        return
    escalation.shift_ladder(incident, since, now)
    if incident.resolve_due_at is not None:
        incident.resolve_due_at += pause
    if incident.kind_due_at is not None:
        incident.kind_due_at += pause


def accepted(change: Change, now: int) -> None:
    incident = change.incident
    if incident.accepted_at is None:
        incident.accepted_at = now
    if incident.dispatch_pairs and incident.dispatch_pairs[-1].get("accepted_at") is None:
        incident.dispatch_pairs[-1]["accepted_at"] = now


def resolved(change: Change, book: Book, now: int, who: str, role: str, actor: str = SYSTEM, **data: object) -> None:
    """Back to the desk; open stretches end, unsent escalations are dropped, the reporter is asked to confirm."""
    incident = change.incident
    end_pause(change, now, book)
    end_stretches(incident, now)
    incident.resolved_at, incident.line = now, Role.SERVICE_DESK
    incident.solved_by, incident.solved_by_role = who, role
    incident.response_frozen = incident.response_frozen or incident.accepted_at is None
    incident.resolutions += 1
    change.stop_notices = True
    move(change, Status.RESOLVED, now, actor, **data)


def resolve_by_monitoring(change: Change, book: Book, now: int) -> None:
    """All alerts are resolved: the incident becomes resolved by itself (RULES 7.2)."""
    resolved(change, book, now, "monitoring", "monitoring", solved_by="monitoring")
    if change.incident.human:
        escalation.tell_reporter(change, Reason.RESOLVED, now, epoch=f"r{change.incident.resolutions}")


def reopen_by_alert(change: Change, book: Book, now: int) -> None:
    """It fires again: back to where it was; the ladder goes on from its old origin, no rung twice (6.1.6)."""
    incident = change.incident
    if incident.accepted_at is not None:
        status = Status.IN_PROGRESS
    elif incident.assignee or incident.assigned_role:
        status = Status.ASSIGNED
    else:
        status = Status.REGISTERED
    _undo_resolution(incident, book)
    incident.response_frozen = False
    change.log(now, "reopened", by="monitoring")
    move(change, status, now)
    set_deadlines(incident, book)
    if incident.ladder_priority != int(incident.priority) and not sleeps(incident):
        escalation.rearm_ladder(incident, book)


def _undo_resolution(incident: Incident, book: Book) -> None:
    incident.resolved_at = incident.closed_at = incident.close_code = None
    incident.solved_by = incident.solved_by_role = incident.duplicate_of = incident.survey_due_at = None
    incident.confirm_told = False
    incident.unconfirmed = incident.workaround = False
    if incident.assigned_role:
        incident.line = incident.assigned_role
    elif incident.assignee and (person := book.directory.person(incident.assignee)):
        incident.line = next((r for r in LINES if r in person.roles), incident.line)


def reopen(change: Change, book: Book, now: int, actor: str, reason: str) -> None:
    """A person's reopening: the ladder and the deadlines count anew from here, the last assignee is back."""
    incident = change.incident
    _undo_resolution(incident, book)
    incident.reopenings += 1
    incident.opening += 1
    incident.clock_from = now
    incident.paused = 0
    incident.breached = {}
    incident.warned = incident.immediate_told = incident.retrospective = False
    incident.progress_told = 0
    if incident.bulletin_due_at is not None and incident.fault_level is not None:
        incident.bulletin_due_at = now + book.policy.bulletin.get(incident.fault_level, 0) * 1000
    change.log(now, "reopened", actor, reason=reason)
    move(change, Status.IN_PROGRESS, now, actor)
    set_deadlines(incident, book)
    if incident.complaint_of is None:
        escalation.start_ladder(change, book, now)
        escalation.immediate(change, book, now)
    escalation.tell_reporter(change, Reason.REOPENED, now, epoch=f"o{incident.opening}")


def close(change: Change, book: Book, now: int, actor: str, code: CloseCode, **data: object) -> None:
    """Closed; a survey follows where a person reported it, once an incident (RULES 7.6)."""
    incident = change.incident
    incident.closed_at, incident.close_code = now, code
    change.stop_notices = True
    move(change, Status.CLOSED, now, actor, close_code=str(code), **data)
    asked = incident.survey_sent or incident.satisfaction_score is not None
    if incident.human and incident.reporter_address and not incident.reporter_automatic and not asked:
        incident.survey_due_at = now + min(book.policy.survey_after, WEEK) * 1000
    escalation.tell_reporter(change, Reason.CLOSED, now, epoch=f"o{incident.opening}")
