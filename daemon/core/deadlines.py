"""Every instant at which an incident does something by itself, and what it does then (RULES 4–7).

`upcoming` derives the instants; `next_at` of the incident is the nearest. `on_deadline` does all that is due,
once each, stamped late where the daemon was down.
"""

from __future__ import annotations

from typing import Any

from daemon.core import escalation, fault_level
from daemon.core.book import Book
from daemon.core.incident import Change, Incident
from daemon.core.limits import sleeps
from daemon.core.regrade import regrade
from daemon.core.vocabulary import CloseCode, Origin, Reason, Role, Status

BREACHES = {
    "response": Reason.RESPONSE_OVERDUE,
    "resolve": Reason.RESOLVE_OVERDUE,
    "kind": Reason.KIND_OVERDUE,
}


def upcoming(incident: Incident, book: Book, now: int) -> list[tuple[int, str]]:
    """(instant, what) of everything that the incident waits for, unordered."""
    if sleeps(incident):
        return []
    if incident.is_open:
        return _while_open(incident, book, now)
    return _while_resolved(incident, book) if incident.status is Status.RESOLVED else []


def _while_open(incident: Incident, book: Book, now: int) -> list[tuple[int, str]]:
    policy = book.policy
    found: list[tuple[int, str]] = []
    stopped = incident.pended_at is not None and policy.pending_stops_clock
    if escalation.rungs_wait(incident, book):
        found += [(r.due_at, "rung") for r in incident.ladder if r.fired_at is None]
    if incident.accepted_at is None and incident.response_due_at is not None and "response" not in incident.breached:
        found.append((incident.response_due_at, "response"))
    if not stopped:
        if incident.resolve_due_at is not None and "resolve" not in incident.breached:
            found.append((incident.resolve_due_at, "resolve"))
            if (warn := warning_at(incident, book)) is not None:
                found.append((warn, "warning"))
        if incident.kind_due_at is not None and "kind" not in incident.breached:
            found.append((incident.kind_due_at, "kind"))
    if incident.bulletin_due_at is not None:
        found.append((incident.bulletin_due_at, "bulletin"))
    if (crossing := fault_level.next_crossing(incident, book, now)) is not None:
        found.append((crossing, "level"))
    if (progress := progress_at(incident, book)) is not None:
        found.append((progress, "progress"))
    return found


def warning_at(incident: Incident, book: Book) -> int | None:
    """When `deadline_near` is said: at the policy's share of the resolve limit (RULES 4)."""
    if incident.warned or incident.resolve_due_at is None:
        return None
    limit = incident.resolve_due_at - incident.clock_from
    return incident.clock_from + int(limit * book.policy.deadline_warning) // 1000 * 1000 if limit > 0 else None


def progress_at(incident: Incident, book: Book) -> int | None:
    """The next reminder that nothing was said to the customer, three a silence at most (RULES 7.5)."""
    if incident.progress_told >= book.policy.progress_times:
        return None
    silent_since = max(incident.public_note_at or 0, incident.clock_from)
    return silent_since + book.policy.progress_every[incident.priority] * 1000 * (incident.progress_told + 1)


def _while_resolved(incident: Incident, book: Book) -> list[tuple[int, str]]:
    policy, resolved = book.policy, incident.resolved_at or 0
    if quiet_applies(incident):
        return [(max(resolved, incident.quiet_from or 0) + policy.quiet_period * 1000, "quiet")]
    found: list[tuple[int, str]] = []
    if not incident.confirm_told and incident.reporter_address and not incident.reporter_automatic:
        found.append((resolved + policy.confirm_after * 1000, "confirm"))
    if policy.auto_close_after is not None:
        found.append((resolved + policy.auto_close_after * 1000, "auto_close"))
    return found


def quiet_applies(incident: Incident) -> bool:
    """A monitoring incident whose alerts are all resolved, with no human reporter (RULES 7.2)."""
    return incident.origin is Origin.MONITORING and incident.alerts_open == 0 and not incident.human


def arm(incident: Incident, book: Book, now: int) -> None:
    """Set `next_at`: the one column that the timer looks at."""
    incident.next_at = min((at for at, _ in upcoming(incident, book, now)), default=None)
    incident.policy_hash = book.policy_hash


def on_deadline(incident: Incident, book: Book, now: int) -> Change:
    """Everything due at `now`, in the order of the clock; the incident passed in is changed."""
    change = Change(incident)
    if incident.is_open and not sleeps(incident):
        if incident.policy_hash != book.policy_hash:
            regrade(change, book, now)
            escalation.rearm_ladder(change, book)
        _raise_level(change, book, now)
        _breach(change, book, now)
        _warn(change, book, now)
        escalation.fire_due_rungs(change, book, now)
        _progress(change, book, now)
    elif incident.status is Status.RESOLVED:
        _after_resolution(change, book, now)
    arm(incident, book, now)
    return change


def _raise_level(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    due = incident.bulletin_due_at
    if due is not None and due <= now:
        incident.bulletin_late = True
        incident.bulletin_due_at = None
        change.log(now, "bulletin_due", due_at=due)
        manager = book.directory.person(incident.coordinator) if incident.coordinator else None
        people = (manager,) if manager else book.directory.told(Role.INCIDENT_MANAGER)
        escalation.tell(change, book, people, Reason.BULLETIN_DUE, now, epoch=f"o{incident.opening}", due_at=due)
    crossing = fault_level.next_crossing(incident, book, now)
    if (due is not None and due <= now) or (crossing is not None and crossing <= now):
        regrade(change, book, now)


def _breach(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    stopped = incident.pended_at is not None and book.policy.pending_stops_clock
    dues = {"response": incident.response_due_at, "resolve": incident.resolve_due_at, "kind": incident.kind_due_at}
    for deadline, due in dues.items():
        if due is None or due > now or deadline in incident.breached:
            continue
        if (deadline == "response" and incident.accepted_at is not None) or (deadline != "response" and stopped):
            continue
        incident.breached[deadline] = now
        incident.late.setdefault(deadline, now)
        facts: dict[str, Any] = {"deadline": deadline, "due_at": due}
        if now - due >= 1000:
            facts["late"] = (now - due) // 1000
        change.log(now, "breach", **facts)
        reason, epoch = BREACHES[deadline], f"o{incident.opening}"
        assignee = book.directory.person(incident.assignee) if incident.assignee else None
        if assignee:
            escalation.tell(change, book, (assignee,), reason, now, epoch=epoch, due_at=due)
        for role in (Role.SUPPORT_LEAD, Role.INCIDENT_MANAGER):
            escalation.escalate(change, book, role, reason, now, epoch=epoch, due_at=due)


def _warn(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    warn = warning_at(incident, book)
    stopped = incident.pended_at is not None and book.policy.pending_stops_clock
    if warn is None or warn > now or "resolve" in incident.breached or stopped:
        return
    incident.warned = True
    due = incident.resolve_due_at
    data: dict[str, Any] = {"deadline": "resolve", "due_at": due}
    change.log(now, "deadline_near", **data)
    people = {p.id: p for p in book.directory.told(Role.INCIDENT_MANAGER)}
    assignee = book.directory.person(incident.assignee) if incident.assignee else None
    if assignee:
        people = {assignee.id: assignee} | people
    epoch = f"o{incident.opening}"
    escalation.tell(
        change, book, people.values(), Reason.DEADLINE_NEAR, now, epoch=epoch, due_at=warn, desk=True, data=data
    )


def _progress(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    due = progress_at(incident, book)
    if due is None or due > now:
        return
    while due is not None and due <= now:  # those that passed while the daemon was down are one reminder
        incident.progress_told += 1
        due = progress_at(incident, book)
    people = {p.id: p for p in book.directory.told(Role.SERVICE_DESK)}
    assignee = book.directory.person(incident.assignee) if incident.assignee else None
    if assignee:
        people = {assignee.id: assignee} | people
    epoch = f"o{incident.opening}n{incident.notes}p{incident.progress_told}"
    escalation.tell(change, book, people.values(), Reason.PROGRESS_DUE, now, epoch=epoch, desk=True)


def _after_resolution(change: Change, book: Book, now: int) -> None:
    incident = change.incident
    for at, what in sorted(_while_resolved(incident, book)):
        if at > now or incident.status is not Status.RESOLVED:
            continue
        if what == "confirm":
            incident.confirm_told = True
            people = book.directory.told(Role.SERVICE_DESK)
            epoch = f"o{incident.opening}"
            escalation.tell(change, book, people, Reason.CONFIRM_DUE, now, epoch=epoch, due_at=at, desk=True)
            continue
        incident.status, incident.closed_at = Status.CLOSED, now
        incident.close_code = CloseCode.WORKAROUND if incident.workaround else CloseCode.SUCCESS
        incident.unconfirmed = what == "auto_close"
        data = {"from": "resolved", "to": "closed", "close_code": incident.close_code, "why": what}
        change.log(now, "status", **data)
        if what == "auto_close":
            escalation.tell_reporter(change, Reason.CLOSED, now, epoch=f"o{incident.opening}")
