"""A person's correction of an incident's attributes: it sticks, only a floor lifts it (RULES 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.core import complaints, escalation
from daemon.core.actions import Actor
from daemon.core.book import Book
from daemon.core.checks import BadData
from daemon.core.incident import Change, Incident, Settled
from daemon.core.known import Known
from daemon.core.register import apply_settled
from daemon.core.regrade import face, regrade
from daemon.core.vocabulary import Cause, Impact, Kind, Role, Urgency

_VALUES: dict[str, tuple[str, ...]] = {
    "kind": tuple(Kind),
    "cause": tuple(Cause),
    "impact": tuple(Impact),
    "urgency": tuple(Urgency),
}
FIELDS = (*_VALUES, "category", "service", "emergency", "title", "reason")


def attribute(name: str, value: Any, book: Book) -> str | None:
    """A checked value of kind, category, cause, service, impact or urgency; None takes it back. Raises BadData."""
    if value is None and name != "kind":
        return None
    if not isinstance(value, str) or not value.strip():
        raise BadData(name, "a text is needed")
    if name in _VALUES:
        if value not in _VALUES[name]:
            raise BadData(name, f"{value!r:.80} is unknown; known are {', '.join(_VALUES[name])}")
        return value
    if name == "service":
        service = book.directory.service(value)
        if service is None:
            known = ", ".join(s.name for s in book.directory.services) or "none"
            raise BadData(name, f"no service {value!r:.80}; known are {known}")
        return service.name
    if name == "category" and value not in book.policy.categories:
        raise BadData(name, f"{value!r:.80} is unknown; known are {', '.join(book.policy.categories)}")
    return value


def correct(incident: Incident, data: Mapping[str, Any], actor: Actor, book: Book, known: Known, now: int) -> Change:
    """Apply a PATCH. Raises BadData, with nothing changed; `reason` is needed."""
    for name in data:
        if name not in FIELDS:
            raise BadData(name, f"cannot be corrected; what can: {', '.join(FIELDS)}")
    reason = data.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise BadData("reason", "a correction needs a reason")
    given = {n: attribute(n, v, book) for n, v in data.items() if n not in ("emergency", "title", "reason")}
    emergency, title = data.get("emergency"), data.get("title")
    if emergency is not None:
        if not isinstance(emergency, bool):
            raise BadData("emergency", "must be true or false")
        if not (actor.admin or actor.holds(Role.INCIDENT_MANAGER)):
            raise BadData("emergency", "only an incident manager or an admin may set it")
    if title is not None and (not isinstance(title, str) or not title.strip() or len(title) > 500):
        raise BadData("title", "must be a text of 1 to 500 characters")
    if not given and emergency is None and title is None:
        raise BadData("data", f"nothing to correct; what can: {', '.join(FIELDS)}")
    change = known.change(incident)
    before = face(incident)
    old = {name: getattr(incident, name) for name in given}
    settled = dict(incident.settled)
    for name, value in given.items():
        settled[name] = Settled(value, "person", actor.name)
        if value is None:
            del settled[name]
    apply_settled(incident, settled)
    if emergency is not None:
        incident.emergency_set = emergency
    if title is not None:
        incident.title = " ".join(title.split())
    if "kind" in given or "service" in given:
        incident.needs_triage = False
        incident.verified_by, incident.verified_at = actor.name, now
    changed = {n: {"from": old[n], "to": given[n]} for n in given}
    if emergency is not None:
        changed["emergency"] = {"from": before[-1], "to": emergency}
    change.log(now, "note", actor.name, text="corrected", reason=reason, changed=changed, public=False)
    was_fault, was_ticket = incident.fault_level is not None, incident.complaint_of is not None
    if was_ticket and not complaints.is_ticket(incident):
        complaints.detach(incident, known, book, now)
    regrade(change, book, now, by_person=True, actor=actor.name, before=before, why=reason)
    if was_ticket and incident.complaint_of is None and incident.is_open:
        escalation.start_ladder(change, book, now)
    if was_fault and incident.kind is not Kind.FAULT:
        incident.bulletin_due_at = None
    if "kind" in given or "service" in given:
        _counts(incident, known, book, now)
    return change


def _counts(incident: Incident, known: Known, book: Book, now: int) -> None:
    """It became a fault, or a ticket of a service: as if it were registered now (RULES 5.4)."""
    if incident.complaint_of is not None or incident.service is None:
        return
    if complaints.is_fault(incident):
        complaints.opened(incident, known, book, now)
        return
    fault = complaints.fault_for(incident.service, known, book, now, but=incident.id)
    if fault is not None and incident.is_open and complaints.is_loose(incident):
        complaints.attach(incident, fault, known, book, now)
