"""Every instant at which an incident does something by itself (RULES 4–7): `upcoming` derives them all from the
incident, the policy and the calendar; `next_at` of the incident is the nearest. timers.py does what is due."""

from __future__ import annotations

from daemon.core import escalation, fault_level
from daemon.core.book import Book
from daemon.core.incident import Incident
from daemon.core.limits import resolve_limit, sleeps
from daemon.core.vocabulary import Origin, Status


def upcoming(incident: Incident, book: Book, now: int) -> list[tuple[int, str]]:
    """(instant, what) of everything that the incident waits for, unordered."""
    found: list[tuple[int, str]] = []
    if incident.is_open and not sleeps(incident):
        found = _while_open(incident, book, now)
    elif incident.status is Status.RESOLVED and not incident.retrospective:
        found = while_resolved(incident, book)
    if incident.survey_due_at is not None and incident.status is Status.CLOSED:
        found.append((incident.survey_due_at, "survey"))
    return found


def _while_open(incident: Incident, book: Book, now: int) -> list[tuple[int, str]]:
    policy = book.policy
    found: list[tuple[int, str]] = []
    stopped = incident.pended_at is not None and policy.pending_stops_clock
    if escalation.rungs_wait(incident, book):
        found += [(r.due_at, "rung") for r in incident.ladder if r.fired_at is None]
    if response_runs(incident) and incident.response_due_at is not None and "response" not in incident.breached:
        found.append((incident.response_due_at, "response"))
    if not stopped:
        if incident.resolve_due_at is not None and "resolve" not in incident.breached:
            found.append((incident.resolve_due_at, "resolve"))
        if (warn := warning_at(incident, book)) is not None:
            found.append((warn, "warning"))
        if incident.kind_due_at is not None and "kind" not in incident.breached:
            found.append((incident.kind_due_at, "kind"))
    if (progress := progress_at(incident, book)) is not None:
        found.append((progress, "progress"))
    if book.calendar.windows:
        found = [(_released(incident, book, max(at, now)), what) for at, what in found]
    if incident.bulletin_due_at is not None:
        found.append((incident.bulletin_due_at, "bulletin"))
    if (crossing := fault_level.next_crossing(incident, book, now)) is not None:
        found.append((crossing, "level"))
    return found


def _released(incident: Incident, book: Book, at: int) -> int:
    """When something due at `at` may happen: at the end of what holds it, once that was said (RULES 6.3)."""
    end = book.calendar.held_until(incident, at)
    return at if end is None or incident.held_until != end else end


def response_runs(incident: Incident) -> bool:
    """Until an acceptance, or a resolution without one (RULES 4)."""
    return incident.accepted_at is None and not incident.response_frozen


def warning_at(incident: Incident, book: Book) -> int | None:
    """When `deadline_near` is said: at the policy's share of the resolve limit (RULES 4)."""
    if incident.warned or incident.resolve_due_at is None:
        return None
    limit = resolve_limit(incident, book)
    if limit <= 0:
        return None
    return incident.resolve_due_at - limit + round(limit * book.policy.deadline_warning) // 1000 * 1000


def progress_at(incident: Incident, book: Book) -> int | None:
    """The next reminder that nothing was said to the customer, three a silence at most (RULES 7.5)."""
    if incident.progress_told >= book.policy.progress_times:
        return None
    silent_since = max(incident.public_note_at or 0, incident.clock_from)
    return silent_since + book.policy.progress_every[incident.priority] * 1000 * (incident.progress_told + 1)


def while_resolved(incident: Incident, book: Book) -> list[tuple[int, str]]:
    policy, resolved = book.policy, incident.resolved_at or 0
    if quiet_applies(incident):
        return [(max(resolved, incident.quiet_from or 0) + policy.quiet_period * 1000, "quiet")]
    found: list[tuple[int, str]] = []
    if not incident.confirm_told and incident.human:
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
