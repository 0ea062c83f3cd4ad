"""Impact, urgency, emergency, priority, with the reasons (RULES 3).

Order: attributes, measures and 3.3 (unless a person set that attribute), floors (over persons too), matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

from daemon.core.book import Book
from daemon.core.incident import Incident
from daemon.core.vocabulary import FaultLevel, Impact, Kind, Origin, Priority, Severity, Urgency


@dataclass(frozen=True, slots=True)
class Grade:
    impact: Impact
    urgency: Urgency
    priority: Priority
    emergency: bool
    reasons: tuple[str, ...]


def grade(incident: Incident, book: Book, now: int) -> Grade:
    """The grade that the incident has by its present attributes and measures."""
    reasons = [
        f"{name} {found.value}: {found.by} {found.why}".rstrip()
        for name in ("kind", "category", "service")
        if (found := incident.settled.get(name)) and found.value
    ]
    impact = _impact(incident, book, now, reasons)
    why_emergency = emergency_reason(incident, book)
    urgency = _urgency(incident, why_emergency, reasons)
    for name in _floor_names(incident):
        floor = book.policy.floors.get(name)
        if floor is None:
            continue
        if floor.impact.rank > impact.rank:
            impact = floor.impact
            reasons.append(f"impact {impact}: floor of {name}")
        if floor.urgency.rank > urgency.rank:
            urgency = floor.urgency
            reasons.append(f"urgency {urgency}: floor of {name}")
    emergency = bool(why_emergency) or urgency is Urgency.CRITICAL
    if why_emergency:
        reasons.append(f"emergency: {why_emergency}")
    elif emergency:
        reasons.append("emergency: urgency critical")
    priority = book.policy.matrix[urgency][impact]
    reasons.append(f"priority {int(priority)}: matrix {urgency} x {impact}")
    return Grade(impact, urgency, priority, emergency, tuple(reasons))


def _floor_names(incident: Incident) -> tuple[str, ...]:
    names: tuple[str, ...] = ()
    if incident.fault_level not in (None, FaultLevel.NONE):
        names = (str(incident.fault_level),)
    serious = incident.complaint_serious and incident.kind is Kind.COMPLAINT
    return (*names, "serious_complaint") if serious else names


def _impact(incident: Incident, book: Book, now: int, reasons: list[str]) -> Impact:
    settled = incident.settled.get("impact")
    if settled and settled.value and settled.by == "person":
        reasons.append(f"impact {settled.value}: person {settled.why}")
        return Impact(settled.value)
    if settled and settled.value:
        impact, why = Impact(settled.value), f"{settled.by} {settled.why}".strip()
    else:
        impact, why = _unset_impact(incident)
    measured, measured_why = _measured_impact(incident, book, now)
    if measured and measured.rank > impact.rank:
        impact, why = measured, measured_why
    reasons.append(f"impact {impact}: {why}")
    return impact


def _unset_impact(incident: Incident) -> tuple[Impact, str]:
    if incident.alert_impact is not None:
        return incident.alert_impact, f"alert severity {incident.alert_severity or 'unknown'}"
    if incident.kind is Kind.FAULT:
        if incident.interrupted_words:
            return Impact.HIGH, "words: nothing works"
        return Impact.MEDIUM, "kind fault"
    return Impact.LOW, f"kind {incident.kind}"


def share_reached(part: int, share: float, whole: int) -> bool:
    """part ÷ whole ≥ share, without the errors of binary fractions: 3 of 15 are 20 %."""
    return part * 1_000_000 >= round(share * 1_000_000) * whole


def user_base(incident: Incident, book: Book) -> int | None:
    """Users of the service: the measure, else the service's (INTERFACE 6)."""
    given = incident.measures.get("user_base")
    if given is not None:
        return int(given)
    service = book.directory.service(incident.service) if incident.service else None
    return service.user_base if service else None


def _measured_impact(incident: Incident, book: Book, now: int) -> tuple[Impact | None, str]:
    measures = incident.measures
    for name, words in (("key_service_interrupted", "key service interrupted"), ("offline", "system off line")):
        start, end = measures.get(f"{name}_from"), measures.get(f"{name}_until")
        if start is not None and start <= now and (end is None or end > now):
            return Impact.HIGH, f"measure: {words}"
    affected, base = measures.get("users_affected"), user_base(incident, book)
    if affected is None or not base:
        return None, ""
    for impact in (Impact.HIGH, Impact.MEDIUM):
        if share_reached(affected, book.policy.impact_share[impact], base):
            return impact, f"measure: {affected} of {base} users affected"
    return None, ""


def _urgency(incident: Incident, why_emergency: str, reasons: list[str]) -> Urgency:
    settled = incident.settled.get("urgency")
    if settled and settled.value and settled.by == "person":
        reasons.append(f"urgency {settled.value}: person {settled.why}")
        return Urgency(settled.value)
    if settled and settled.value:
        urgency, why = Urgency(settled.value), f"{settled.by} {settled.why}".strip()
    else:
        urgency, why = _unset_urgency(incident)
    if why_emergency and urgency is not Urgency.CRITICAL:
        urgency, why = Urgency.CRITICAL, "emergency"
    reasons.append(f"urgency {urgency}: {why}")
    return urgency


def _unset_urgency(incident: Incident) -> tuple[Urgency, str]:
    if incident.alert_impact is Impact.LOW:
        return Urgency.LOW, f"alert severity {incident.alert_severity}"
    if incident.kind in (Kind.FAULT, Kind.SECURITY, Kind.COMPLAINT):
        return Urgency.HIGH, f"kind {incident.kind}"
    if incident.origin is Origin.USER:
        return Urgency.MEDIUM, f"{incident.kind} of a user"
    return Urgency.LOW, f"{incident.kind} of origin {incident.origin}"


def effective_complaints(incident: Incident, book: Book) -> int:
    """Confirmed, with what was registered after the confirmation, else counted (RULES 5.4)."""
    confirmed = incident.measures.get("complaints_confirmed")
    if confirmed is None:
        return incident.complaints_counted
    later = incident.complaints_counted - incident.complaints_at_confirmation
    return int(confirmed) + (max(later, 0) if book.policy.count_after_confirmation else 0)


def emergency_reason(incident: Incident, book: Book) -> str:
    """Which condition of RULES 3.3 makes it an emergency; "" when none does."""
    if incident.emergency_set is False:
        return ""
    if incident.emergency_set:
        return "the incident manager says so"
    if incident.urgent_by:
        return incident.urgent_by
    service = book.directory.service(incident.service) if incident.service else None
    grave = incident.kind in (Kind.FAULT, Kind.SECURITY) and incident.alert_impact is not Impact.LOW
    if grave and service is not None and service.core:
        return f"{incident.kind} on core service {service.name}"
    limit = book.policy.emergency_complaints
    if (count := effective_complaints(incident, book)) > limit:
        return f"{count} complaints, more than {limit}"
    if (expected := incident.measures.get("complaints_expected") or 0) > limit:
        return f"{expected} complaints expected, more than {limit}"
    return ""


def severity(incident: Incident) -> Severity | None:
    """严重程度 of RULES 1; None for a security incident."""
    if incident.kind is Kind.SECURITY:
        return None
    if incident.kind is Kind.COMPLAINT:
        return Severity.SERIOUS if incident.complaint_serious else Severity.GENERAL
    if incident.kind is Kind.FAULT:
        if incident.fault_level in (FaultLevel.BLACK, FaultLevel.RED):
            return Severity.MAJOR
        if incident.fault_level is FaultLevel.ORANGE:
            return Severity.SERIOUS
    return Severity.GENERAL


def alert_impact(word: str, book: Book) -> Impact:
    """The impact of an alert by its sender's severity word (RULES 3.1): unknown is medium."""
    return book.policy.alert_severity.get(word.casefold().strip(), book.policy.alert_severity_unknown)
