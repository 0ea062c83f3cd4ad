"""What an incident does when its instants come (RULES 4–7): all that is due, once each, stamped late where the daemon
was down or something held it."""

from __future__ import annotations

from typing import Any

from daemon.core import escalation, followup, lifecycle
from daemon.core.book import Book
from daemon.core.deadlines import arm, progress_at, response_runs, warning_at, while_resolved
from daemon.core.incident import Change, Incident
from daemon.core.known import Known
from daemon.core.limits import sleeps
from daemon.core.measures import STRETCHES
from daemon.core.regrade import regrade
from daemon.core.vocabulary import CloseCode, Reason, Role, Status

BREACHES = {
    "response": Reason.RESPONSE_OVERDUE,
    "resolve": Reason.RESOLVE_OVERDUE,
    "kind": Reason.KIND_OVERDUE,
}


def on_deadline(incident: Incident, known: Known, book: Book, now: int) -> Change:
    """Everything due at `now`, in the order of the clock; the incident passed in is changed. A follow-up that it
    opens is another change of `known`."""
    change = known.change(incident)
    if incident.is_open and not sleeps(incident):
        if incident.policy_hash != book.policy_hash:
            escalation.rearm_ladder(incident, book)
            regrade(change, book, now)
        _raise_level(change, book, now)
        if not _held(change, book, now):
            _warn(change, book, now)
            _breach(change, book, now)
            escalation.fire_due_rungs(change, book, now)
            _progress(change, book, now)
    elif incident.status is Status.RESOLVED:
        _after_resolution(change, known, book, now)
    elif incident.status is Status.CLOSED:
        _survey(change, book, now)
    arm(incident, book, now)
    return change


def _late(due: int, now: int) -> dict[str, Any]:
    return {"late": (now - due) // 1000} if now - due >= 1000 else {}


def _held(change: Change, book: Book, now: int) -> bool:
    """True inside a silence or a maintenance window; said once a window, when the first timer meets it."""
    incident = change.incident
    end = book.calendar.held_until(incident, now)
    if end is None:
        return False
    if incident.held_until != end:
        incident.held_until = end
        change.log(now, "held", what="timers", until=end)
    return True


def _raise_level(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    due = incident.bulletin_due_at
    if due is not None and due <= now:
        incident.bulletin_late = True
        incident.bulletin_due_at = None
        change.log(now, "bulletin_due", due_at=due, **_late(due, now))
        manager = book.directory.person(incident.coordinator) if incident.coordinator else None
        people = (manager,) if manager else book.directory.told(Role.INCIDENT_MANAGER)
        epoch = f"v{incident.level_changes}o{incident.opening}"
        escalation.tell(change, book, people, Reason.BULLETIN_DUE, now, epoch=epoch, due_at=due, data={"due_at": due})
    timed = any(f"{name}_from" in incident.measures for name in STRETCHES)
    if timed or (due is not None and due <= now):
        regrade(change, book, now)


def _breach(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    stopped = incident.pended_at is not None and book.policy.pending_stops_clock
    dues = {"response": incident.response_due_at, "resolve": incident.resolve_due_at, "kind": incident.kind_due_at}
    for deadline, due in dues.items():
        if due is None or due > now or deadline in incident.breached:
            continue
        if not response_runs(incident) if deadline == "response" else stopped:
            continue
        incident.breached[deadline] = now
        incident.late.setdefault(deadline, now)
        facts: dict[str, Any] = {"deadline": deadline, "due_at": due, **_late(due, now)}
        change.log(now, "breach", **facts)
        reason, epoch = BREACHES[deadline], f"o{incident.opening}"
        data = {"deadline": deadline, "due_at": due}
        people = escalation.assignees(incident, book)
        escalation.tell(change, book, people, reason, now, epoch=epoch, due_at=due, data=data)
        for role in (Role.SUPPORT_LEAD, Role.INCIDENT_MANAGER):
            escalation.escalate(change, book, role, reason, now, epoch=epoch, due_at=due, data=data)


def _warn(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    warn = warning_at(incident, book)
    stopped = incident.pended_at is not None and book.policy.pending_stops_clock
    if warn is None or warn > now or stopped:
        return
    incident.warned = True
    data: dict[str, Any] = {"deadline": "resolve", "due_at": incident.resolve_due_at}
    change.log(now, "deadline_near", **data, **_late(warn, now))
    people = {p.id: p for p in (*escalation.assignees(incident, book), *book.directory.told(Role.INCIDENT_MANAGER))}
    epoch = f"o{incident.opening}"
    escalation.tell(
        change, book, people.values(), Reason.DEADLINE_NEAR, now, epoch=epoch, due_at=warn, desk=True, data=data
    )


def _progress(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    due = first = progress_at(incident, book)
    if due is None or due > now:
        return
    while due is not None and due <= now:  # those that passed while the daemon was down are one reminder
        incident.progress_told += 1
        due = progress_at(incident, book)
    people = {p.id: p for p in (*escalation.assignees(incident, book), *book.directory.told(Role.SERVICE_DESK))}
    epoch = f"o{incident.opening}n{incident.notes}p{incident.progress_told}"
    escalation.tell(change, book, people.values(), Reason.PROGRESS_DUE, now, epoch=epoch, due_at=first, desk=True)


def _after_resolution(change: Change, known: Known, book: Book, now: int) -> None:
    incident = change.incident
    for at, what in sorted(while_resolved(incident, book)):
        if at > now or incident.status is not Status.RESOLVED:
            continue
        if what == "confirm":
            incident.confirm_told = True
            people = book.directory.told(Role.SERVICE_DESK)
            epoch = f"r{incident.resolutions}"
            escalation.tell(change, book, people, Reason.CONFIRM_DUE, now, epoch=epoch, due_at=at, desk=True)
            continue
        _close(change, known, book, now, what)


def _close(change: Change, known: Known, book: Book, now: int, why: str) -> None:
    """By itself: after the quiet period, or where the policy closes what nobody confirmed."""
    incident = change.incident
    code = CloseCode.WORKAROUND if incident.workaround else CloseCode.SUCCESS
    incident.unconfirmed = why == "auto_close"
    lifecycle.close(change, book, now, "tocsin", code, why=why)
    if code is CloseCode.WORKAROUND:
        followup.after_workaround(change, known, book, now)


def _survey(change: Change, book: Book, now: int) -> None:
    """Once an incident, [A 5.10]: a score of 1 to 5 by answering."""
    incident = change.incident
    due = incident.survey_due_at
    if due is None or due > now:
        return
    incident.survey_due_at, incident.survey_sent = None, True
    change.log(now, "survey", to=incident.reporter_address, **_late(due, now))
    escalation.tell_reporter(change, Reason.SURVEY, now, epoch="1")
