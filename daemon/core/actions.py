"""What people do to an incident: the table of RULES 7, one function an action.

`perform` checks the status and the data, then changes the incident and writes the change. Raises `Forbidden`
with the allowed actions, or `BadData` with the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.core import complaints, escalation, lifecycle, measures
from daemon.core.book import Book
from daemon.core.checks import BadData
from daemon.core.directory import Person
from daemon.core.incident import Change, Incident, parse_number
from daemon.core.known import Known
from daemon.core.regrade import regrade
from daemon.core.vocabulary import OPEN, Kind, Reason, Role, Status

ANY = frozenset(Status)
RESOLVED, CLOSED = frozenset({Status.RESOLVED}), frozenset({Status.CLOSED})
PENDING = frozenset({Status.PENDING})
TEXT = 20_000


class Forbidden(Exception):
    """The status does not allow the action; `allowed` are those that it does."""

    def __init__(self, action: str, status: Status, allowed: list[str]) -> None:
        super().__init__(f"{action} is not possible while {status}; possible: {', '.join(allowed)}")
        self.action, self.status, self.allowed = action, status, allowed


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `person` is None for a token without one."""

    name: str
    person: Person | None = None
    admin: bool = False

    def holds(self, role: Role) -> bool:
        return self.person is not None and role in self.person.roles


@dataclass
class Step:
    """One action on its way: the change, the checked data, and what it may look at."""

    change: Change
    data: dict[str, Any]
    actor: Actor
    book: Book
    known: Known
    now: int

    @property
    def incident(self) -> Incident:
        return self.change.incident

    def text(self, name: str, required: bool = True) -> str:
        value = self.data.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            raise BadData(name, "a text is needed" if value is None or value == "" else "must be a text")
        if len(value) > TEXT:
            raise BadData(name, f"longer than {TEXT} characters")
        return value

    def flag(self, name: str) -> bool:
        value = self.data.get(name, False)
        if not isinstance(value, bool):
            raise BadData(name, "must be true or false")
        return value

    def role(self, name: str) -> Role | None:
        value = self.data.get(name)
        if value is None:
            return None
        if value not in list(Role):
            raise BadData(name, f"{value!r:.80} is no role; known are {', '.join(Role)}")
        return Role(value)

    def person(self, name: str) -> Person | None:
        value = self.data.get(name)
        if value is None:
            return None
        found = self.book.directory.person(value) if isinstance(value, str) else None
        if found is None:
            raise BadData(name, f"nobody is named {value!r:.80}")
        return found

    def other(self, name: str) -> Incident:
        """Another incident that the data names; its row is locked with this one's."""
        value = self.data.get(name)
        try:
            number = parse_number(str(value))
        except ValueError as error:
            raise BadData(name, str(error)) from None
        found = self.known.incidents.get(number)
        if found is None:
            raise BadData(name, f"there is no incident {value}")
        if found.id == self.incident.id:
            raise BadData(name, "is this incident itself")
        return found


@dataclass(frozen=True)
class Action:
    name: str
    allowed: frozenset[Status]
    fields: frozenset[str]
    run: Callable[[Step], None] = field(compare=False)


ACTIONS: dict[str, Action] = {}
REFERENCES = {"duplicate": "of", "link": "to"}
"""Actions whose data names another incident, and the field."""


def action(name: str, allowed: frozenset[Status], *fields: str) -> Callable[[Callable[[Step], None]], None]:
    def add(run: Callable[[Step], None]) -> None:
        ACTIONS[name] = Action(name, allowed, frozenset(fields), run)

    return add


def allowed(status: Status) -> list[str]:
    return sorted(a.name for a in ACTIONS.values() if status in a.allowed)


def perform(
    incident: Incident, name: str, data: Mapping[str, Any], actor: Actor, book: Book, known: Known, now: int
) -> Change:
    """Do one action. Raises KeyError for an unknown one, Forbidden, BadData; then nothing has changed."""
    todo = ACTIONS[name]
    if incident.status not in todo.allowed:
        raise Forbidden(name, incident.status, allowed(incident.status))
    for key in data:
        if key not in todo.fields:
            raise BadData(key, f"unknown field of {name}; known are {', '.join(sorted(todo.fields)) or 'none'}")
    change = known.change(incident)
    todo.run(Step(change, dict(data), actor, book, known, now))
    return change


@action("note", ANY, "text", "public")
def _note(step: Step) -> None:
    public = step.flag("public")
    text = step.text("text")
    step.change.log(step.now, "note", step.actor.name, text=text, public=public)
    if public:
        _public_note(step, text)


def _public_note(step: Step, text: str) -> None:
    incident = step.incident
    incident.notes += 1
    incident.public_note_at, incident.progress_told = step.now, 0
    escalation.tell_reporter(step.change, Reason.NOTE, step.now, epoch=f"n{incident.notes}", data={"text": text})


@action("participants", ANY, "add")
def _participants(step: Step) -> None:
    names = step.data.get("add")
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list) or not names:
        raise BadData("add", "must be a list of people")
    people = []
    for name in names:
        found = step.book.directory.person(name) if isinstance(name, str) else None
        if found is None:
            raise BadData("add", f"nobody is named {name!r:.80}")
        people.append(found)
    for person in people:
        if person.id not in step.incident.participants:
            step.incident.participants.append(person.id)
    names = [p.name for p in people]
    step.change.log(step.now, "note", step.actor.name, text="participants", add=names, public=False)


@action("measure", OPEN | RESOLVED, *measures.KNOWN)
def _measure(step: Step) -> None:
    if step.data.get("in_media") == "black" and not (step.actor.admin or step.actor.holds(Role.INCIDENT_MANAGER)):
        raise BadData("in_media", 'only an incident manager or an admin may say "black"')
    entered = measures.apply(step.incident, step.data, step.now)
    step.change.log(step.now, "measured", step.actor.name, **entered)
    if step.incident.kind is Kind.COMPLAINT:
        step.incident.complaint_serious = bool(step.incident.measures.get("complained_to_vp"))
    why = str(entered.get("reason") or "")
    regrade(step.change, step.book, step.now, by_person=True, actor=step.actor.name, why=why)


@action("escalate", OPEN, "role", "reason")
def _escalate(step: Step) -> None:
    role = step.role("role")
    if role is None:
        raise BadData("role", "a role is needed")
    reason = step.text("reason", required=False)
    _by_hand(step, role, Reason.BY_HAND, reason)


@action("follow", OPEN, "reason")
def _follow(step: Step) -> None:
    _by_hand(step, Role.INCIDENT_MANAGER, Reason.FOLLOW, step.text("reason"))


def _by_hand(step: Step, role: Role, reason: Reason, why: str) -> None:
    incident = step.incident
    incident.hand_escalations += 1
    escalation.escalate(
        step.change,
        step.book,
        role,
        reason,
        step.now,
        epoch=f"h{incident.hand_escalations}",
        actor=step.actor.name,
        data={"why": why, "by": step.actor.name},
    )


@action("bulletin", OPEN, "text")
def _bulletin(step: Step) -> None:
    incident = step.incident
    if incident.kind != "fault" and not incident.emergency:
        raise BadData("bulletin", "only a fault or an emergency has bulletins")
    text = step.text("text", required=False)
    incident.bulletins += 1
    incident.bulletin_at, incident.bulletin_due_at = step.now, None
    step.change.log(step.now, "bulletin", step.actor.name, text=text)
    for address in step.book.bulletin_to:
        escalation.tell_address(
            step.change, address, Reason.BULLETIN, step.now, epoch=f"b{incident.bulletins}", data={"text": text}
        )


@action("link", ANY, "to")
def _link(step: Step) -> None:
    other = step.other("to")
    incident = step.incident
    ticket = complaints.is_ticket(incident) and incident.complaints_counted <= 1
    if ticket and complaints.is_fault(other) and incident.complaint_of != other.id:
        complaints.detach(incident, step.known, step.book, step.now)
        complaints.attach(incident, other, step.known, step.book, step.now, step.actor.name)
        return
    incident.human = other.human = incident.human or other.human
    for one, two in ((incident, other), (other, incident)):
        if two.id not in one.links:
            one.links.append(two.id)
    step.change.log(step.now, "linked", step.actor.name, to=other.number)
    step.known.change(other).log(step.now, "linked", step.actor.name, to=incident.number)


@action("duplicate", ANY, "of")
def _duplicate(step: Step) -> None:
    other, incident = step.other("of"), step.incident
    if other.duplicate_of is not None:
        raise BadData("of", f"{other.number} is itself a duplicate of INC-{other.duplicate_of}")
    lifecycle.end_pause(step.change, step.now, step.book)
    complaints.detach(incident, step.known, step.book, step.now)
    incident.survey_due_at = None
    incident.duplicate_of = other.id
    incident.closed_at, incident.close_code = step.now, "duplicate"
    step.change.stop_notices, step.change.keys_to = True, other.id
    other.alerts_open += incident.alerts_open
    other.human = other.human or incident.human
    incident.alerts_open = 0
    step.known.change(other).log(step.now, "linked", step.actor.name, to=incident.number, duplicate=True)
    step.change.log(step.now, "linked", step.actor.name, to=other.number, duplicate_of=other.number)
    lifecycle.move(step.change, Status.CLOSED, step.now, step.actor.name, close_code="duplicate")
