"""What the templates see: plain, bounded text made from an incident and its notices. Nothing else reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from daemon.core.directory import Directory
from daemon.core.incident import SYSTEM, Incident
from daemon.core.vocabulary import FaultLevel, Reason, Status
from daemon.wording.clean import block, harmless_title, line, title
from daemon.wording.language import Language
from daemon.wording.times import Times


class Told(Protocol):
    """What a notice must have: `Notice` of the core, or its row in the outbox. Instants in milliseconds."""

    @property
    def reason(self) -> Any: ...
    @property
    def person(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def due_at(self) -> int: ...
    @property
    def role(self) -> Any: ...
    @property
    def reporter(self) -> bool: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that does not change while one message is written."""

    language: Language
    times: Times
    directory: Directory
    public_url: str
    now: int


DEADLINES = {
    Reason.BULLETIN_DUE: "bulletin",
    Reason.DEADLINE_NEAR: "resolve",
    Reason.RESPONSE_OVERDUE: "later",
    Reason.RESOLVE_OVERDUE: "none",  # it is over, and the headline says by how much
    Reason.KIND_OVERDUE: "none",
    Reason.CHANNEL_FAILED: "none",
    Reason.ANSWER: "none",
    Reason.BULLETIN: "none",
    Reason.CORRECTION: "none",
    Reason.CONFIRM_DUE: "none",
    Reason.CLOSED: "none",
}
"""Which deadline the first line names; the rest: response until somebody accepted, then resolution."""


def incident_facts(incident: Incident, sight: Sight) -> dict[str, Any]:
    """For staff: with the reporter, the grade and its reasons."""
    label, times, now = sight.language.label, sight.times, sight.now
    level = incident.fault_level
    levelled = level is not None and level is not FaultLevel.NONE
    confirmed = incident.measures.get("complaints_confirmed")
    return {
        "number": incident.number,
        "priority": f"P{int(incident.priority)}",
        "title": title(incident.title, 300),
        "kind": label("kind", incident.kind),
        "level": label("fault_level", level) if levelled else "",
        "severity": label("severity", severity) if (severity := _severity(incident)) else "",
        "emergency": incident.emergency,
        "category": label("category", line(incident.category, 60)) if incident.category else "",
        "cause": label("cause", line(incident.cause, 60)) if incident.cause else "",
        "source": label("source", incident.source),
        "service": line(incident.service or "", 60),
        "environment": line(incident.environment or "", 40),
        "customer": line(incident.customer or "", 80),
        "vip": incident.vip,
        "status": str(incident.status),
        "status_label": label("status", incident.status),
        "open": incident.is_open,
        "accepted": incident.accepted_at is not None or incident.status not in (Status.REGISTERED, Status.ASSIGNED),
        "needs_triage": incident.needs_triage,
        "assignee": person_name(incident.assignee, sight),
        "coordinator": person_name(incident.coordinator, sight),
        "role": label("role", incident.assigned_role) if incident.assigned_role else "",
        "line": label("role", incident.line),
        "participants": sight.language.join([person_name(p, sight) for p in incident.participants[:20]]),
        "impact": label("impact", incident.impact),
        "urgency": label("urgency", incident.urgency),
        "grounds": [line(reason, 160) for reason in incident.reasons[:12]],
        "complaints": incident.complaints_counted,
        "confirmed": line(confirmed, 20) if confirmed is not None else "",
        "users": line(incident.measures.get("users_affected", ""), 20),
        "occurred": times.full(incident.occurred_at),
        "registered": times.full(incident.registered_at),
        "resolved": times.full(incident.resolved_at) if incident.resolved_at else "",
        "deadlines": _deadlines(incident, sight),
        "next_rungs": _next_rungs(incident, sight),
        "reporter": line(incident.reporter_name, 60),
        "address": line(incident.reporter_address, 120),
        "phone": line(incident.reporter_phone, 40),
        "text": block(incident.text, 800, 12),
        "solution": block(incident.solution or "", 2000, 40),
        "now": times.full(now),
        "zone": times.zone,
    }


def reporter_facts(incident: Incident, sight: Sight) -> dict[str, Any]:
    """For the reporter: nothing of the grade, the staff, other people or our notes."""
    due = incident.resolve_due_at
    return {
        "number": incident.number,
        "title": harmless_title(incident.title, 300),
        "kind": sight.language.label("kind", incident.kind),
        "service": harmless_title(incident.service or "", 60),
        "due": sight.times.near(due, sight.now) if due and due > sight.now else "",
        "zone": sight.times.zone,
        "name": harmless_title(incident.reporter_name, 40),
        "solution": block(incident.solution or "", 2000, 40),
        "workaround": incident.workaround,
        "close_code": sight.language.label("close_code", incident.close_code) if incident.close_code else "",
        "duplicate": incident.duplicate_of is not None,
        "closed": incident.status is Status.CLOSED,
    }


def notice_facts(notice: Told, incident: Incident, sight: Sight) -> dict[str, Any]:
    """One reason: the notice's own facts, cleaned; what it does not say is "" or None."""
    data, label, times, now = notice.data, sight.language.label, sight.times, sight.now
    reason = Reason(notice.reason)
    due = _instant(data.get("due_at")) or _due_of(reason, incident)
    over = (now - due) // 1000 if due else 0
    role = notice.role or data.get("role")
    return {
        "reason": str(reason),
        "role": label("role", line(role, 40)) if role else "",
        "stand_in": _stands_in(notice, sight.directory),
        "assignee": notice.person == incident.assignee,
        "by": person_name(line(data.get("by") or "", 60), sight),
        "text": block(data.get("text") or "", 4000, 80),
        "why": line(data.get("why") or data.get("reason") or "", 300),
        "count": line(data.get("count", incident.reassignments), 10),
        "old": label("fault_level", line(data.get("from") or FaultLevel.NONE, 20)),
        "new": label("fault_level", line(data.get("to") or incident.fault_level or FaultLevel.NONE, 20)),
        "cause": label("level_reason", line(data.get("reason") or "", 200)),
        "deadline": label("deadline", line(data.get("deadline") or "", 20)),
        "due": times.near(due, now) if due else "",
        "over": times.span(over) if over >= 60 else "",
        "late": times.late(notice.due_at or notice.at, max(notice.at, now)),
        "channel": label("channel", line(data.get("channel") or "", 20)),
        "address": _whose(line(data.get("address") or "", 120), sight),
        "error": line(data.get("error") or "", 200),
        "url": _link(data.get("url"), sight),
        "solution": block(data.get("solution") or incident.solution or "", 2000, 40),
        "transfer": line(data.get("transfer") or "", 20),
        "ref": line(data.get("ref") or "", 60),
    }


def until(reason: Reason, notice: Told, incident: Incident, sight: Sight) -> str:
    """The deadline that the first line names, with what is left of it; "" where none presses."""
    which = DEADLINES.get(reason, "next")
    if which == "none" or not incident.is_open:
        return ""
    now, label = sight.now, sight.language.label
    given = _instant(notice.data.get("due_at")) if reason is Reason.DEADLINE_NEAR else None
    response = incident.response_due_at if incident.accepted_at is None else None
    chosen: list[tuple[str, int | None]] = {
        "bulletin": [("bulletin", incident.bulletin_due_at)],
        "resolve": [("resolve", given or incident.resolve_due_at)],
        "later": [("resolve", _ahead(incident.resolve_due_at, now))],
        "next": [("response", _ahead(response, now)), ("resolve", incident.resolve_due_at)],
    }[which]
    name, due = next(((n, d) for n, d in chosen if d), ("", None))
    return sight.times.until(label("deadline", name), due, now) if due else ""


def person_name(ident: str | None, sight: Sight) -> str:
    """The name of a person's id; the id itself for somebody who is no longer in the config."""
    if not ident:
        return ""
    if ident == SYSTEM:
        return sight.language.word("system")
    found = sight.directory.person(ident)
    return line(found.name if found else ident, 60)


def _whose(address: str, sight: Sight) -> str:
    """`王芳 +8613800000000`: an address alone says little at night."""
    person = next((p for p in sight.directory.people if address and address in (p.email, p.mobile)), None)
    return f"{line(person.name, 60)} {address}" if person else address


def _deadlines(incident: Incident, sight: Sight) -> list[dict[str, str]]:
    """Those that still run: the response until somebody accepted, the others until the incident is resolved."""
    if not incident.is_open:
        return []
    response = incident.response_due_at if incident.accepted_at is None else None
    bulletin = incident.bulletin_due_at if incident.bulletin_at is None else None
    onsite = incident.onsite_due_at if incident.onsite_at is None else None
    due = {"response": response, "resolve": incident.resolve_due_at, "kind": incident.kind_due_at}
    label, times, now = sight.language.label, sight.times, sight.now
    return [
        {"name": label("deadline", name), "at": times.near(at, now), "rest": times.rest(at, now)}
        for name, at in {**due, "bulletin": bulletin, "onsite": onsite}.items()
        if at
    ]


def _next_rungs(incident: Incident, sight: Sight) -> list[dict[str, str]]:
    if not incident.is_open:
        return []
    coming: dict[int, list[str]] = {}
    for rung in sorted(incident.ladder, key=lambda r: r.due_at):
        if rung.fired_at is None and rung.epoch == incident.epoch and rung.due_at > sight.now:
            coming.setdefault(rung.due_at, []).append(sight.language.label("role", rung.role))
    return [
        {"at": sight.times.near(at, sight.now), "roles": sight.language.join(roles)}
        for at, roles in list(coming.items())[:5]
    ]


def _due_of(reason: Reason, incident: Incident) -> int | None:
    return {
        Reason.RESPONSE_OVERDUE: incident.response_due_at,
        Reason.RESOLVE_OVERDUE: incident.resolve_due_at,
        Reason.DEADLINE_NEAR: incident.resolve_due_at,
        Reason.KIND_OVERDUE: incident.kind_due_at,
        Reason.BULLETIN_DUE: incident.bulletin_due_at,
    }.get(reason)


def _severity(incident: Incident) -> str:
    """RULES 1; "" where it says nothing that the level does not."""
    if incident.fault_level in (FaultLevel.BLACK, FaultLevel.RED):
        return "major"
    return "serious" if incident.fault_level is FaultLevel.ORANGE or incident.complaint_serious else ""


def _stands_in(notice: Told, directory: Directory) -> bool:
    """Nobody holds the rung's role, so this person is told for it (RULES 6.1.8)."""
    person = directory.person(notice.person) if notice.person else None
    return bool(notice.role) and person is not None and notice.role not in person.roles


def _ahead(at: int | None, now: int) -> int | None:
    return at if at is not None and at > now else None


def _instant(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _link(url: object, sight: Sight) -> str:
    """Only our own links are written into a mail."""
    text = line(url or "", 500)
    return text if sight.public_url and text.startswith(f"{sight.public_url}/") and " " not in text else ""
