"""Complaint tickets and the faults that they count for (RULES 5.4; [B 附录2]).

A ticket is an incident of origin user and kind complaint or fault. Linked to a fault it is counted there, and has no
level, ladder, deadline or desk notice of its own. The counters stand on the fault, so that the next complaint costs
the same whether ten or ten thousand are linked.
"""

from __future__ import annotations

from daemon.core import escalation
from daemon.core.book import Book
from daemon.core.incident import SYSTEM, Change, Incident, Settled
from daemon.core.known import Known
from daemon.core.regrade import regrade
from daemon.core.vocabulary import Kind, Origin, Status

KINDS = frozenset({Kind.COMPLAINT, Kind.FAULT})


def is_ticket(incident: Incident) -> bool:
    """Counts, or may count, for a fault."""
    return (
        incident.origin is Origin.USER
        and incident.kind in KINDS
        and incident.status is not Status.CANCELLED
        and incident.duplicate_of is None
        and not incident.from_survey
    )


def is_fault(incident: Incident) -> bool:
    """An open fault that tickets may count for."""
    return incident.kind is Kind.FAULT and incident.is_open and incident.complaint_of is None


def is_loose(incident: Incident) -> bool:
    """An unlinked ticket that a fault may take: one that others count for stays a fault of its own."""
    if incident.complaint_of is not None or not is_ticket(incident):
        return False
    return incident.kind is Kind.COMPLAINT or (incident.is_open and incident.complaints_counted <= 1)


def wanting(kind: Kind, service: str | None, origin: Origin) -> bool:
    """Whether a new incident of this kind needs its service's faults and tickets to be known."""
    return service is not None and (kind is Kind.FAULT or (kind is Kind.COMPLAINT and origin is Origin.USER))


def fault_for(service: str | None, known: Known, book: Book, now: int, but: int | None = None) -> Incident | None:
    """The open fault of the service that a ticket counts for: the one registered last whose last ticket or start
    lies within the window."""
    window = book.policy.complaint_window * 1000
    for number in sorted(known.faults.get(service or "", ()), reverse=True):
        fault = known.incidents.get(number)
        if fault is None or number == but or not is_fault(fault) or fault.service != service:
            continue
        if now - max(fault.registered_at, fault.occurred_at, fault.last_ticket_at or 0) <= window:
            return fault
    return None


def loose_tickets(service: str | None, known: Known, book: Book, now: int) -> list[Incident]:
    """Unlinked tickets of the service within the window, the oldest first."""
    since = now - book.policy.complaint_window * 1000
    found = [known.incidents[n] for n in sorted(known.tickets.get(service or "", ())) if n in known.incidents]
    return [t for t in found if t.service == service and t.registered_at >= since and is_loose(t)]


def registered(change: Change, known: Known, book: Book, now: int) -> None:
    """After a new incident is graded (or became a fault): it is linked, opens a fault, or is the one too many.

    `change.incident.complaint_of` was set before the grading where `fault_for` found a fault.
    """
    incident = change.incident
    if incident.service is None:
        if is_fault(incident) and is_ticket(incident):
            _count(incident, incident, known, book, now)
        return
    if incident.complaint_of is not None:
        fault = known.incidents[incident.complaint_of]
        change.log(now, "linked", to=fault.number, complaint=True)
        _count(fault, incident, known, book, now)
        return
    if is_fault(incident):
        opened(incident, known, book, now)
    elif is_loose(incident):
        known.tickets.setdefault(incident.service, set()).add(incident.id)
        _surge(incident, known, book, now)


def opened(fault: Incident, known: Known, book: Book, now: int) -> None:
    """A fault opens: it counts itself where a user reported it, and takes the loose tickets of its service."""
    known.faults.setdefault(fault.service or "", set()).add(fault.id)
    if is_ticket(fault) and fault.complaints_counted == 0:
        _count(fault, fault, known, book, now)
    for ticket in loose_tickets(fault.service, known, book, now):
        if ticket.id != fault.id:
            attach(ticket, fault, known, book, now)


def attach(ticket: Incident, fault: Incident, known: Known, book: Book, now: int, actor: str = SYSTEM) -> None:
    """Link an existing ticket: its own timers stop, and what was not yet sent of them is dropped."""
    change = known.change(ticket)
    ticket.complaint_of = fault.id
    ticket.ladder = []
    ticket.response_due_at = ticket.resolve_due_at = ticket.kind_due_at = ticket.bulletin_due_at = None
    ticket.fault_level = ticket.standard_level = None
    change.stop_notices = True
    change.log(now, "linked", actor, to=fault.number, complaint=True)
    _count(fault, ticket, known, book, now)


def detach(ticket: Incident, known: Known, book: Book, now: int) -> None:
    """The ticket counts no more: cancelled, a duplicate, or of another kind. The level does not fall by itself."""
    fault = known.incidents.get(ticket.complaint_of) if ticket.complaint_of is not None else None
    ticket.complaint_of = None
    if fault is None:
        return
    change = known.change(fault)
    fault.complaints_counted = max(fault.complaints_counted - 1, 0)
    if ticket.registered_at <= (fault.complaints_confirmed_at or -1):
        fault.complaints_at_confirmation = max(fault.complaints_at_confirmation - 1, 0)
    change.log(now, "complaint_counted", fault=fault.number, count=fault.complaints_counted, removed=ticket.number)
    regrade(change, book, now)


def _count(fault: Incident, ticket: Incident, known: Known, book: Book, now: int) -> None:
    change = known.change(fault)
    if ticket is not fault:
        fault.human = True
    fault.last_ticket_at = max(fault.last_ticket_at or 0, ticket.registered_at)
    distinct = book.policy.count_distinct_reporters and ticket.reporter_address and ticket is not fault
    if distinct and not known.first_of_reporter(fault, ticket):
        change.log(now, "linked", to=ticket.number, counted=False, why="this reporter counts already")
        return
    fault.complaints_counted += 1
    if ticket.registered_at <= (fault.complaints_confirmed_at or -1):
        fault.complaints_at_confirmation += 1  # the customer's figure covers it
    change.log(now, "complaint_counted", fault=fault.number, count=fault.complaints_counted, ticket=ticket.number)
    regrade(change, book, now)


def _surge(last: Incident, known: Known, book: Book, now: int) -> None:
    """So many tickets and no fault: there is one, whatever the monitoring says."""
    tickets = loose_tickets(last.service, known, book, now)
    if len(tickets) < book.policy.surge_complaints:
        return
    first = tickets[0]
    zh = book.locale == "zh_CN"
    title = f"{last.service}：{len(tickets)} 单投诉" if zh else f"{last.service}: {len(tickets)} complaints"
    fault = Incident(
        id=known.number(),
        title=f"{title}{'：' if zh else ': '}{first.title}"[:500],
        source=last.source,
        origin=Origin.INTERNAL,
        registered_at=now,
        occurred_at=first.occurred_at,
        clock_from=now,
        text=first.text,
        needs_triage=True,
        kind=Kind.FAULT,
        service=last.service,
        settled={
            "kind": Settled("fault", "rule", f"surge of {len(tickets)} complaints"),
            "service": Settled(last.service, "rule", "surge"),
        },
    )
    change = known.add(fault)
    change.log(now, "registered", title=fault.title, source=str(fault.source), reporter=None, why="surge")
    regrade(change, book, now, first=True)
    escalation.tell_desk_registered(change, book, now)
    opened(fault, known, book, now)
