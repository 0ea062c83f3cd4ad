"""How the API shows what we keep (INTERFACE 3.2): names of people, RFC 3339 instants, ids as strings.

Ids have 63 bits, and a JavaScript number only 53: hence strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.clock import rfc3339
from daemon.core.book import Book
from daemon.core.directory import Directory
from daemon.core.grading import effective_complaints
from daemon.core.incident import Incident
from daemon.core.vocabulary import FaultLevel, Kind, Role, Severity

INSTANTS = (
    "occurred_at",
    "registered_at",
    "dispatched_at",
    "accepted_at",
    "third_party_at",
    "onsite_due_at",
    "onsite_at",
    "resolved_at",
    "closed_at",
    "response_due_at",
    "resolve_due_at",
    "kind_due_at",
    "bulletin_due_at",
    "bulletin_at",
    "verified_at",
)
PLAIN = (
    "title",
    "text",
    "category",
    "cause",
    "environment",
    "customer",
    "external_ref",
    "service",
    "vip",
    "needs_triage",
    "verified_by",
    "emergency",
    "reassignments",
    "reopenings",
    "solution",
    "process",
    "solved_by_role",
    "workaround",
    "knowledge",
    "review",
    "problem_ref",
    "close_code",
    "unconfirmed",
    "third_party",
)
_ROLES = tuple(Role)
EARLIEST = 100_000_000_000
"""In 1973: an integer beyond it, under a name of an instant, is one in milliseconds."""


def at(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def number(incident: int | None) -> str | None:
    return None if incident is None else f"INC-{incident}"


def severity(incident: Incident) -> Severity | None:
    """严重程度 (RULES 1): of a fault by its level; of a complaint general until upgraded; of security none."""
    if incident.kind is Kind.SECURITY:
        return None
    if incident.kind is Kind.FAULT:
        if incident.fault_level in (FaultLevel.BLACK, FaultLevel.RED):
            return Severity.MAJOR
        return Severity.SERIOUS if incident.fault_level is FaultLevel.ORANGE else Severity.GENERAL
    return Severity.SERIOUS if incident.kind is Kind.COMPLAINT and incident.complaint_serious else Severity.GENERAL


def shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """Measures, or a timeline row's data: what is an instant by name and size becomes RFC 3339."""
    return {k: _shown(k, v) for k, v in data.items()}


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_shown(name, v) for v in value]
    instant = name in ("until", "from", "at", "due") or name.endswith(("_at", "_from", "_until", "_due"))
    if instant and isinstance(value, int) and not isinstance(value, bool) and value > EARLIEST:
        return rfc3339(value)
    return value


def person(ident: str | None, directory: Directory) -> str | None:
    """The name that people use; what is no person's id any more is shown as it was kept."""
    if ident is None:
        return None
    found = directory.person(ident)
    return found.name if found else ident


def incident_view(incident: Incident, book: Book) -> dict[str, Any]:
    """Every field that INTERFACE 3.2 lists, and some more; `severity` and `complaints.effective` are derived."""
    directory = book.directory
    found: dict[str, Any] = {"number": incident.number}
    found |= {name: getattr(incident, name) for name in PLAIN}
    found |= {name: at(getattr(incident, name)) for name in INSTANTS}
    found |= {
        "kind": incident.kind,
        "origin": incident.origin,
        "status": incident.status,
        "source": incident.source,
        "reporter": {
            "name": incident.reporter_name,
            "address": incident.reporter_address,
            "phone": incident.reporter_phone,
        },
        "impact": incident.impact,
        "urgency": incident.urgency,
        "priority": int(incident.priority),
        "grade": {"reasons": list(incident.reasons)},
        "fault_level": incident.fault_level,
        "severity": severity(incident),
        "coordinator": person(incident.coordinator, directory),
        "complaints": {
            "counted": incident.complaints_counted,
            "confirmed": incident.measures.get("complaints_confirmed"),
            "effective": effective_complaints(incident, book),
        },
        "complaint_of": number(incident.complaint_of),
        "measures": shown(incident.measures),
        "assignee": person(incident.assignee, directory),
        "assigned_role": incident.assigned_role,
        "participants": [person(p, directory) for p in incident.participants],
        "line": incident.line,
        "solved_by": person(incident.solved_by, directory),
        "verified_by": person(incident.verified_by, directory),
        "satisfaction": {"score": incident.satisfaction_score, "comment": incident.satisfaction_comment},
        "duplicate_of": number(incident.duplicate_of),
        "links": [number(n) for n in incident.links],
        "breached": {k: at(v) for k, v in incident.breached.items()},
        "ladder": [
            {"role": r.role, "due_at": at(r.due_at), "fired_at": at(r.fired_at), "people": list(r.people)}
            for r in sorted(incident.ladder, key=lambda r: (r.due_at, _ROLES.index(r.role)))
        ],
    }
    return found
