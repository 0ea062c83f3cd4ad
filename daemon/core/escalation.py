"""Who is told, and when: the ladder and everything beside it (RULES 6.1, 6.4; [A 5.9, B 附录4])."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from daemon.core.book import Book
from daemon.core.calendar import BY_HAND
from daemon.core.directory import Person
from daemon.core.incident import Change, Incident, Notice, Rung
from daemon.core.vocabulary import LADDER_ROLES, Priority, Reason, Role

_NOTHING: Mapping[str, Any] = {}
_OTHER = {"email": "sms", "sms": "email"}


def _channels(person: Person, wanted: Iterable[str]) -> list[tuple[str, str]]:
    """(channel, address) pairs; where the person lacks an address, the other channel stands in."""
    pairs: dict[str, str] = {}
    for channel in wanted:
        address = person.address(channel)
        if not address:
            channel = _OTHER.get(channel, channel)
            address = person.address(channel)
        if address:
            pairs.setdefault(channel, address)
    return list(pairs.items())


def tell(
    change: Change,
    book: Book,
    people: Iterable[Person],
    reason: Reason,
    now: int,
    *,
    epoch: str,
    role: Role | None = None,
    due_at: int | None = None,
    desk: bool = False,
    data: Mapping[str, Any] = _NOTHING,
) -> list[str]:
    """One notice per person and channel; returns the names of those who have an address.

    `desk`: desk notices and deadline_near go by the desk's channels, not the priority's (RULES 6.2).
    """
    incident = change.incident
    if incident.retrospective:
        return []
    until = None if reason in BY_HAND else book.calendar.held_until(incident, now)
    told: list[str] = []
    for person in people:
        wanted = book.policy.desk_channels if desk else book.policy.channels_for(incident.priority, role)
        pairs = _channels(person, wanted)
        for channel, address in pairs:
            change.notices.append(
                Notice(
                    incident=incident.id,
                    reason=reason,
                    person=person.id,
                    name=person.name,
                    channel=channel,
                    address=address,
                    at=until or now,
                    due_at=now if due_at is None else due_at,
                    priority=incident.priority,
                    epoch=epoch,
                    role=role,
                    data=dict(data),
                )
            )
        if pairs:
            told.append(person.name)
    if until and told:
        change.log(now, "held", what=str(reason), until=until, people=told)
    return told


def assignees(incident: Incident, book: Book) -> tuple[Person, ...]:
    """Whose it is: the person, else everybody who holds the role that it was assigned to."""
    if incident.assignee:
        person = book.directory.person(incident.assignee)
        return (person,) if person else ()
    return book.directory.told(incident.assigned_role) if incident.assigned_role else ()


def tell_desk_registered(change: Change, book: Book, now: int) -> None:
    """A new incident is the desk's (RULES 2.5, 6.4)."""
    desk = book.directory.told(Role.SERVICE_DESK)
    tell(change, book, desk, Reason.REGISTERED, now, epoch="1", role=Role.SERVICE_DESK, desk=True)


def tell_reporter(change: Change, reason: Reason, now: int, *, epoch: str, data: Mapping[str, Any] = _NOTHING) -> None:
    """A message to the reporter, unless the reporter is automatic (MAIL 2.2) or has no address."""
    incident = change.incident
    silent = incident.retrospective and reason is not Reason.SURVEY
    if not incident.reporter_address or incident.reporter_automatic or silent:
        return
    change.notices.append(
        Notice(
            incident=incident.id,
            reason=reason,
            person=incident.reporter_address,
            name=incident.reporter_name,
            channel="email",
            address=incident.reporter_address,
            at=now,
            due_at=now,
            priority=incident.priority,
            epoch=epoch,
            reporter=True,
            data=dict(data),
        )
    )


def tell_address(
    change: Change, address: str, reason: Reason, now: int, *, epoch: str, data: Mapping[str, Any] = _NOTHING
) -> None:
    """A mail to an address that is nobody's: the bulletin list."""
    incident = change.incident
    notice = Notice(
        incident.id, reason, address, "", "email", address, now, now, incident.priority, epoch, data=dict(data)
    )
    change.notices.append(notice)


def escalate(
    change: Change,
    book: Book,
    role: Role,
    reason: Reason,
    now: int,
    *,
    epoch: str,
    due_at: int | None = None,
    actor: str | None = None,
    data: Mapping[str, Any] = _NOTHING,
) -> list[str]:
    """Tell a role and log one `escalated` event. Falls through to another role when nobody holds it (6.1.8)."""
    due = now if due_at is None else due_at
    people = book.directory.told(role)
    names = tell(change, book, people, reason, now, epoch=epoch, role=role, due_at=due, data=data)
    facts: dict[str, Any] = {"role": str(role), "reason": str(reason), "people": names}
    if now - due >= 1000:
        facts["late"] = (now - due) // 1000
        facts["due_at"] = due
    if not book.directory.holders(role):
        facts["fell_through"] = True
    facts |= {k: v for k, v in data.items() if k not in facts}
    if actor is None:
        change.log(now, "escalated", **facts)
    else:
        change.log(now, "escalated", actor, **facts)
    return names


def start_ladder(change: Change, book: Book, at: int) -> None:
    """A ladder of the present priority, counted from `at`: registration, or a person's reopening (6.1.6)."""
    incident = change.incident
    incident.epoch += 1
    incident.ladder_from, incident.ladder_priority = at, int(incident.priority)
    incident.ladder = [
        Rung(role, at + offset * 1000, incident.epoch) for role, offset in _offsets(incident.priority, book)
    ]


def _offsets(priority: Priority, book: Book) -> list[tuple[Role, int]]:
    table = book.policy.ladder[priority].offsets
    return [(role, table[role]) for role in LADDER_ROLES if role in table]


def regrade_ladder(change: Change, book: Book, old: Priority, at: int) -> None:
    """To a graver priority each role's rung is due at the earlier of the new one and its own unfired old one;
    to a milder one the unfired rungs are replaced, and no role already told is told again (6.1.5)."""
    incident = change.incident
    fired = [r for r in incident.ladder if r.fired_at is not None]
    unfired = {r.role: r for r in incident.ladder if r.fired_at is None}
    incident.epoch += 1
    incident.ladder_from, incident.ladder_priority = at, int(incident.priority)
    fresh: list[Rung] = []
    graver = incident.priority < old
    told = {r.role for r in fired}
    for role, offset in _offsets(incident.priority, book):
        due = at + offset * 1000
        if graver and role in unfired:
            due = min(due, unfired.pop(role).due_at)
        elif not graver and role in told:
            continue
        fresh.append(Rung(role, due, incident.epoch))
    if graver:
        fresh += unfired.values()  # a role that the graver ladder of the config does not name keeps its rung
    incident.ladder = fired + sorted(fresh, key=lambda r: (r.due_at, LADDER_ROLES.index(r.role)))


def rearm_ladder(incident: Incident, book: Book) -> None:
    """Unfired rungs by the present table, from the ladder's old origin: the policy changed, or the priority while it
    was resolved. Who was told and has no rung to come is not told again."""
    waiting = {r.role for r in incident.ladder if r.fired_at is None}
    fired = [r for r in incident.ladder if r.fired_at is not None]
    told = {r.role for r in fired}
    incident.ladder_priority = int(incident.priority)
    incident.ladder = fired + [
        Rung(role, incident.ladder_from + offset * 1000, incident.epoch)
        for role, offset in _offsets(incident.priority, book)
        if role in waiting or role not in told
    ]


def shift_ladder(incident: Incident, since: int, now: int) -> None:
    """A pause that stops the clock: the rungs to come, and their origin, move by it (RULES 4)."""
    pause = now - max(since, incident.ladder_from)
    incident.ladder_from += pause
    for rung in incident.ladder:
        if rung.fired_at is None:
            rung.due_at += pause


def rungs_wait(incident: Incident, book: Book) -> bool:
    """True while the ladder still runs: until resolved, or accepted where the policy says so (6.1.1)."""
    if not incident.is_open:
        return False
    if book.policy.ladder[incident.priority].until == "accepted" and incident.accepted_at is not None:
        return False
    return not (incident.pended_at is not None and book.policy.pending_stops_clock)


def fire_due_rungs(change: Change, book: Book, now: int) -> None:
    """Every rung that is due, once each, with the instant it was due."""
    incident = change.incident
    if not rungs_wait(incident, book):
        return
    for rung in sorted(incident.ladder, key=lambda r: (r.due_at, LADDER_ROLES.index(r.role))):
        if rung.fired_at is None and rung.due_at <= now:
            rung.fired_at = now
            rung.people = escalate(
                change, book, rung.role, Reason.LADDER, now, epoch=f"l{rung.epoch}", due_at=rung.due_at
            )


def immediate(change: Change, book: Book, now: int) -> None:
    """Priority 1 and every emergency: the incident manager at once, once per opening (6.1.2, 3.3)."""
    incident = change.incident
    if not incident.is_open or incident.retrospective or incident.complaint_of is not None:
        return
    if incident.emergency and incident.coordinator is None:
        managers = book.directory.told(Role.INCIDENT_MANAGER)
        incident.coordinator = managers[0].id if managers else None
    if incident.immediate_told or (incident.priority is not Priority.P1 and not incident.emergency):
        return
    incident.immediate_told = True
    escalate(change, book, Role.INCIDENT_MANAGER, Reason.IMMEDIATE, now, epoch=f"o{incident.opening}")


def count_reassignment(change: Change, book: Book, now: int) -> None:
    """An `assign`, `reject` or `third-party` that changed role or person; at the 4th after the first, the
    incident manager is told, once (6.1.4)."""
    incident = change.incident
    incident.assignments += 1
    if incident.assignments < 2:
        return
    incident.reassignments += 1
    if incident.reassignments > book.policy.reassignments_allowed and not incident.reassigned_told:
        incident.reassigned_told = True
        count = incident.reassignments
        escalate(change, book, Role.INCIDENT_MANAGER, Reason.REASSIGNED, now, epoch="1", data={"count": count})
