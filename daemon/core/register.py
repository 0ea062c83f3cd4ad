"""A new incident from a signal (RULES 2): attributes, grade, ladder, who is told."""

from __future__ import annotations

from typing import Any

from daemon.core import complaints, escalation, grading
from daemon.core.book import Book
from daemon.core.classify import Verdict
from daemon.core.incident import Change, Incident, Settled
from daemon.core.known import Known
from daemon.core.regrade import regrade
from daemon.core.vocabulary import Cause, Kind, Origin, Reason, Source
from parsers import ALERT, Raw, Report

TEXT = 20_000  # characters of the first signal's text that the incident keeps; the raw keeps all

LABELS, LABEL = 40, 200  # how many of an alert's labels are kept, and how much of each


def new_incident(report: Report, raw: Raw, verdict: Verdict, known: Known, book: Book, now: int) -> Incident:
    """The incident that a signal asks for, with its attributes and reporter, not yet graded."""
    mail = report.mail
    alert = report.signal == ALERT
    origin = Origin.MONITORING if alert else Origin.USER
    incident = Incident(
        id=known.number(),
        title=report.title or "(no subject)",
        source=Source(raw.source),
        origin=origin,
        registered_at=now,
        occurred_at=min(report.started_at, now) if report.started_at else min(raw.received_at, now),
        clock_from=now,
        entry=raw.entry,
        inbox_id=raw.id,
        text=((mail.own_text if mail and not alert else "") or report.text)[:TEXT],
        needs_triage=verdict.needs_triage,
        interrupted_words=verdict.interrupted,
        urgent_by=verdict.urgent_by,
    )
    if alert:
        incident.alert_severity = report.severity
        incident.alert_impact = grading.alert_impact(report.severity, book)
        incident.labels = {k: v[:LABEL] for k, v in list(report.labels.items())[:LABELS]}
    if mail is not None:
        _reporter(incident, report, book)
    apply_settled(incident, verdict.settled)
    return incident


def _reporter(incident: Incident, report: Report, book: Book) -> None:
    mail = report.mail
    if mail is None:
        return
    incident.reporter_name, incident.reporter_address = mail.sender_name, mail.sender
    incident.reporter_automatic = mail.automatic or ("alert mail" if report.signal == ALERT else "")
    incident.thread_id = mail.message_id
    incident.thread_refs = [*mail.references[-20:], mail.message_id] if mail.message_id else []
    customer = book.directory.customer(mail.sender)
    if customer:
        incident.customer, incident.vip = customer.name, customer.vip
    if report.signal != ALERT:
        incident.human = not mail.automatic
        person = book.directory.by_email(mail.sender)
        if person:
            incident.origin = Origin.INTERNAL
            incident.reporter_name = incident.reporter_name or person.name


def apply_settled(incident: Incident, settled: dict[str, Settled]) -> None:
    """Write the settled attributes to the incident; impact and urgency are the grading's to read."""
    incident.settled = settled

    def value(name: str) -> str | None:
        found = settled.get(name)
        return found.value if found else None

    incident.kind = Kind(value("kind") or Kind.REQUEST)
    incident.category, incident.service = value("category"), value("service")
    incident.environment = value("environment")
    cause = value("cause")
    incident.cause = Cause(cause) if cause else None


def open_incident(incident: Incident, known: Known, book: Book, now: int, actor: str | None = None) -> Change:
    """Log, grade, arm the ladder, tell the desk and the reporter; link what is a complaint (RULES 5.4)."""
    if not incident.retrospective and complaints.is_ticket(incident) and incident.service:
        fault = complaints.fault_for(incident.service, known, book, now)
        incident.complaint_of = fault.id if fault else None
    change = known.add(incident)
    reporter = incident.reporter_address or incident.reporter_name or None
    facts: dict[str, Any] = {"title": incident.title, "source": str(incident.source), "reporter": reporter}
    if actor is None:
        change.log(now, "registered", **facts)
    else:
        change.log(now, "registered", actor, **facts)
    regrade(change, book, now, first=True)
    if incident.complaint_of is None:
        escalation.tell_desk_registered(change, book, now)
    escalation.tell_reporter(change, Reason.REGISTERED, now, epoch="1")
    if not incident.retrospective:
        complaints.registered(change, known, book, now)
    return change
