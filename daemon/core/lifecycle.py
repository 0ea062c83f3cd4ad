"""The steps between statuses that people, reporters and the monitoring take (RULES 7)."""

from __future__ import annotations

from daemon.core import escalation
from daemon.core.book import Book
from daemon.core.incident import SYSTEM, Change
from daemon.core.limits import set_deadlines
from daemon.core.vocabulary import CloseCode, Reason, Role, Status


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
    pause = now - incident.pended_at
    incident.paused += pause
    incident.pended_at = incident.pended_from = None
    if book.policy.pending_stops_clock:
        for rung in incident.ladder:
            if rung.fired_at is None:
                rung.due_at += pause


def accepted(change: Change, now: int) -> None:
    if change.incident.accepted_at is None:
        change.incident.accepted_at = now


def resolve_by_monitoring(change: Change, book: Book, now: int) -> None:
    """All alerts are resolved: the incident becomes resolved by itself (RULES 7.2)."""
    incident = change.incident
    end_pause(change, now, book)
    incident.resolved_at, incident.line = now, Role.SERVICE_DESK
    incident.solved_by = incident.solved_by_role = "monitoring"
    change.stop_notices = True
    move(change, Status.RESOLVED, now, solved_by="monitoring")
    if incident.human:
        escalation.tell_reporter(change, Reason.RESOLVED, now, epoch=f"o{incident.opening}")


def reopen_by_alert(change: Change, book: Book, now: int) -> None:
    """It fires again: back to where it was; the ladder goes on from its old origin, no rung twice (6.1.6)."""
    incident = change.incident
    if incident.accepted_at is not None:
        status = Status.IN_PROGRESS
    elif incident.assignee or incident.assigned_role:
        status = Status.ASSIGNED
    else:
        status = Status.REGISTERED
    _undo_resolution(change)
    change.log(now, "reopened", by="monitoring")
    move(change, status, now)
    set_deadlines(incident, book)


def _undo_resolution(change: Change) -> None:
    incident = change.incident
    incident.resolved_at = incident.closed_at = incident.close_code = None
    incident.solved_by = incident.solved_by_role = None
    incident.confirm_told = False
    incident.unconfirmed = incident.workaround = False


def reopen(change: Change, book: Book, now: int, actor: str, reason: str) -> None:
    """A person's reopening: the ladder and the deadlines count anew from here, the last assignee is back."""
    incident = change.incident
    _undo_resolution(change)
    incident.reopenings += 1
    incident.opening += 1
    incident.clock_from = now
    incident.paused = 0
    incident.breached = {}
    incident.warned = incident.immediate_told = False
    incident.progress_told = 0
    change.log(now, "reopened", actor, reason=reason)
    move(change, Status.IN_PROGRESS, now, actor)
    set_deadlines(incident, book)
    if incident.complaint_of is None:
        escalation.start_ladder(change, book, now)
        escalation.immediate(change, book, now)
    escalation.tell_reporter(change, Reason.REOPENED, now, epoch=f"o{incident.opening}")


def confirm(change: Change, book: Book, now: int, actor: str) -> None:
    """The reporter's or the desk's word that it is solved (RULES 7)."""
    incident = change.incident
    code = CloseCode.WORKAROUND if incident.workaround else CloseCode.SUCCESS
    close(change, now, actor, code)


def close(change: Change, now: int, actor: str, code: CloseCode) -> None:
    incident = change.incident
    incident.closed_at, incident.close_code = now, code
    change.stop_notices = True
    move(change, Status.CLOSED, now, actor, close_code=str(code))
    escalation.tell_reporter(change, Reason.CLOSED, now, epoch=f"o{incident.opening}")
