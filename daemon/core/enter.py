"""An incident that a person registers: by phone, on site, from a platform, or after the fact (RULES 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.core import followup, lifecycle
from daemon.core.actions import Actor
from daemon.core.book import Book
from daemon.core.checks import BadData, instant
from daemon.core.classify import Verdict, settle
from daemon.core.correct import attribute
from daemon.core.incident import Change
from daemon.core.known import Known
from daemon.core.register import new_incident, open_incident
from daemon.core.vocabulary import CloseCode, Origin, Role, Source, Status
from parsers import MAIL, Mail, Raw, Report

ATTRIBUTES = ("kind", "category", "cause", "service", "impact", "urgency")
EXECUTION = (
    "accepted_at",
    "resolved_at",
    "solution",
    "process",
    "by_role",
    "knowledge",
    "close_code",
    "problem_ref",
    "follow_up",
)
FIELDS = (
    *("title", "text", "source", "origin", "external_ref", "environment", "reporter", "occurred_at", "vip"),
    *ATTRIBUTES,
    *EXECUTION,
)


def _text(data: Mapping[str, Any], name: str, limit: int = 20_000) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise BadData(name, f"must be a text of at most {limit} characters")
    return value


def _one_of(data: Mapping[str, Any], name: str, known: tuple[str, ...], default: str) -> str:
    value = data.get(name, default)
    if value not in known:
        raise BadData(name, f"{value!r:.80} is unknown; known are {', '.join(known)}")
    return str(value)


def _reporter(data: Mapping[str, Any]) -> dict[str, str]:
    given = data.get("reporter") or {}
    if isinstance(given, str):
        given = {"address": given} if "@" in given else {"name": given}
    if not isinstance(given, dict):
        raise BadData("reporter", "must be an object with name, address, phone")
    for name, value in given.items():
        if name not in ("name", "address", "phone"):
            raise BadData(f"reporter.{name}", "unknown; known are name, address, phone")
        if value is not None and (not isinstance(value, str) or len(value) > 320 or not value.isprintable()):
            raise BadData(f"reporter.{name}", "must be one line of text")
    return {k: v for k, v in given.items() if v}


@dataclass(frozen=True, slots=True)
class Told:
    """What a person told, checked; `verdict` names the service whose faults the registration must know."""

    data: Mapping[str, Any]
    report: Report
    raw: Raw
    verdict: Verdict
    times: Mapping[str, int]
    reporter: Mapping[str, str]


def read(data: Mapping[str, Any], book: Book, now: int, inbox_id: int | None = None) -> Told:
    """Checks what a person tells. Raises BadData."""
    for name in data:
        if name not in FIELDS:
            raise BadData(name, f"unknown field; known are {', '.join(FIELDS)}")
    title = _text(data, "title", 500).strip()
    if not title:
        raise BadData("title", "a title is needed")
    who = _reporter(data)
    source = _one_of(data, "source", tuple(Source), Source.API)
    person = {n: attribute(n, data[n], book) for n in ATTRIBUTES if data.get(n) is not None}
    environment = _text(data, "environment", 100)
    times = {n: instant(n, data[n]) for n in ("occurred_at", "accepted_at", "resolved_at") if data.get(n) is not None}
    for name, value in times.items():
        if value > now:
            raise BadData(name, "lies in the future")
    occurred = times.get("occurred_at", now)
    for name in ("accepted_at", "resolved_at"):
        if name in times and times[name] < occurred:
            raise BadData(name, "is before occurred_at")
    if times.get("accepted_at", 0) > times.get("resolved_at", now):
        raise BadData("accepted_at", "is after resolved_at")
    if environment.casefold() in book.policy.out_of_scope_environments:
        raise BadData("environment", f"{environment} is out of scope: only production is registered")
    mail = Mail(sender=who.get("address", "").casefold(), sender_name=who.get("name", ""), own_text=_text(data, "text"))
    report = Report(MAIL, title, text=_text(data, "text"), environment=environment, mail=mail)
    raw = Raw(inbox_id or 0, source, "", "", now, b"")
    verdict = settle(report, raw, book, {k: v for k, v in person.items() if v})
    return Told(data, report, raw, verdict, times, who)


def enter(told: Told, actor: Actor, book: Book, known: Known, now: int) -> Change:
    """Register what a person told. With `resolved_at` it is retrospective: no timers, no notices but the survey.

    Raises BadData. Without `resolved_at` timers count from registration.
    """
    data, who, times, verdict = told.data, told.reporter, told.times, told.verdict
    incident = new_incident(told.report, told.raw, verdict, known, book, now)
    incident.inbox_id = told.raw.id or None
    incident.occurred_at = times.get("occurred_at", now)
    incident.reporter_phone = who.get("phone", "")
    incident.external_ref = _text(data, "external_ref", 200) or None
    incident.human = bool(who)
    default_origin = incident.origin if who else Origin.INTERNAL
    incident.origin = Origin(_one_of(data, "origin", tuple(Origin), default_origin))
    incident.vip = incident.vip or data.get("vip") is True
    if incident.vip and verdict.asks and not incident.urgent_by:
        incident.urgent_by = f"VIP {incident.reporter_name} asks: {verdict.asks}"
    incident.retrospective = "resolved_at" in times
    change = open_incident(incident, known, book, now, actor.name)
    _execution(change, data, times, actor, book, known, now)
    return change


def _execution(
    change: Change,
    data: Mapping[str, Any],
    times: Mapping[str, int],
    actor: Actor,
    book: Book,
    known: Known,
    now: int,
) -> None:
    """What was already done when it was registered."""
    incident = change.incident
    if "accepted_at" in times:
        incident.accepted_at = times["accepted_at"]
        incident.assignee = actor.person.id if actor.person else None
        change.log(now, "accepted", actor.name, accepted_at=times["accepted_at"])
        lifecycle.move(change, Status.IN_PROGRESS, now, actor.name)
    if "resolved_at" not in times:
        for name in ("solution", "close_code"):
            if data.get(name) is not None:
                raise BadData(name, "needs resolved_at")
        return
    role = _one_of(data, "by_role", tuple(Role), incident.line)
    incident.solution = _text(data, "solution") or None
    incident.process, incident.knowledge = _text(data, "process") or None, _text(data, "knowledge") or None
    incident.resolved_at = times["resolved_at"]
    incident.solved_by, incident.solved_by_role = actor.name, role
    incident.workaround = data.get("close_code") == CloseCode.WORKAROUND
    incident.response_due_at = incident.resolve_due_at = incident.kind_due_at = None
    lifecycle.move(change, Status.RESOLVED, now, actor.name, solution=incident.solution)
    code = data.get("close_code")
    if code is None:
        return
    if code not in list(CloseCode) or code == CloseCode.DUPLICATE:
        raise BadData("close_code", f"{code!r:.80} is unknown")
    incident.problem_ref = _text(data, "problem_ref", 200) or None
    if code == CloseCode.SUCCESS_WITH_PROBLEM and not incident.problem_ref:
        raise BadData("problem_ref", "success_with_problem needs a problem reference")
    lifecycle.close(change, book, now, actor.name, CloseCode(code))
    if code == CloseCode.WORKAROUND:
        followup.after_workaround(change, known, book, now, actor.name, data.get("follow_up"))
