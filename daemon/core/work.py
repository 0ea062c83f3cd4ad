"""The actions that carry an incident from hand to hand until it is closed (RULES 7)."""

from __future__ import annotations

from daemon.core import escalation, lifecycle
from daemon.core.actions import CLOSED, PENDING, RESOLVED, Step, action
from daemon.core.incident import Incident, Settled
from daemon.core.measures import BadData, instant
from daemon.core.register import apply_settled, open_incident
from daemon.core.vocabulary import OPEN, CloseCode, Origin, Reason, Role, Status

LINES = (Role.SERVICE_DESK, Role.FIRST_LINE, Role.SECOND_LINE, Role.THIRD_LINE, Role.FIELD, Role.THIRD_PARTY)


@action("assign", OPEN - PENDING, "role", "person", "to", "onsite_due_at", "tried")
def _assign(step: Step) -> None:
    incident = step.incident
    if (to := step.data.pop("to", None)) is not None:
        step.data["role" if to in list(Role) else "person"] = to
    role, person = step.role("role"), step.person("person")
    if role is None and person is None:
        raise BadData("role", "a role or a person is needed")
    line = role or next((r for r in LINES if person and r in person.roles), incident.line)
    tried = step.text("tried", required=False)
    if incident.line is Role.SECOND_LINE and line is Role.THIRD_LINE and not tried.strip():
        raise BadData("tried", "second to third line: say what was tried, and with what result")
    if (due := step.data.get("onsite_due_at")) is not None:
        incident.onsite_due_at = instant("onsite_due_at", due)
    changed = (incident.assigned_role, incident.assignee) != (role, person.id if person else None)
    incident.assigned_role, incident.assignee = role, person.id if person else None
    incident.line = line
    incident.dispatched_at = incident.dispatched_at or step.now
    facts = {"role": str(role) if role else None, "person": person.name if person else None, "tried": tried or None}
    step.change.log(step.now, "assigned", step.actor.name, **{k: v for k, v in facts.items() if v})
    lifecycle.move(step.change, Status.ASSIGNED, step.now, step.actor.name)
    if changed:
        escalation.count_reassignment(step.change, step.book, step.now)
    directory = step.book.directory
    people = {p.id: p for p in ((person,) if person else directory.told(role or Role.SERVICE_DESK))}
    people |= {p.id: p for p in map(directory.person, incident.participants) if p}
    epoch, by = f"a{incident.dispatches}", {"by": step.actor.name}
    incident.dispatches += 1
    escalation.tell(step.change, step.book, people.values(), Reason.ASSIGNED, step.now, epoch=epoch, role=role, data=by)


@action("reject", frozenset({Status.ASSIGNED}), "reason")
def _reject(step: Step) -> None:
    incident, reason = step.incident, step.text("reason")
    incident.assignee, incident.assigned_role, incident.line = None, None, Role.SERVICE_DESK
    lifecycle.move(step.change, Status.REGISTERED, step.now, step.actor.name, reason=reason)
    escalation.count_reassignment(step.change, step.book, step.now)


@action("accept", frozenset({Status.REGISTERED, Status.ASSIGNED}))
def _accept(step: Step) -> None:
    incident, person = step.incident, step.actor.person
    first = incident.accepted_at is None
    lifecycle.accepted(step.change, step.now)
    if person is not None:
        incident.assignee = person.id
        if incident.status is Status.REGISTERED:
            incident.line = next((r for r in LINES if r in person.roles), incident.line)
    step.change.log(step.now, "accepted", step.actor.name)
    lifecycle.move(step.change, Status.IN_PROGRESS, step.now, step.actor.name)
    if first:
        escalation.tell_reporter(step.change, Reason.ACCEPTED, step.now, epoch="1")


@action("pend", frozenset({Status.ASSIGNED, Status.IN_PROGRESS}), "reason")
def _pend(step: Step) -> None:
    _pause(step, reason=step.text("reason"))


def _pause(step: Step, **data: str) -> None:
    incident = step.incident
    incident.pended_from, incident.pended_at = incident.status, step.now
    lifecycle.move(step.change, Status.PENDING, step.now, step.actor.name, **data)


@action("resume", PENDING)
def _resume(step: Step) -> None:
    back = step.incident.pended_from or Status.IN_PROGRESS
    lifecycle.end_pause(step.change, step.now, step.book)
    lifecycle.move(step.change, back, step.now, step.actor.name)


@action("third-party", OPEN, "name")
def _third_party(step: Step) -> None:
    incident, name = step.incident, step.text("name")
    lifecycle.end_pause(step.change, step.now, step.book)
    changed = incident.third_party != name or incident.line is not Role.THIRD_PARTY
    incident.third_party, incident.line = name, Role.THIRD_PARTY
    incident.third_party_at = incident.third_party_at or step.now
    lifecycle.accepted(step.change, step.now)
    step.change.log(step.now, "assigned", step.actor.name, role="third_party", third_party=name)
    lifecycle.move(step.change, Status.IN_PROGRESS, step.now, step.actor.name)
    if changed:
        escalation.count_reassignment(step.change, step.book, step.now)


@action("arrive", OPEN)
def _arrive(step: Step) -> None:
    step.incident.onsite_at = step.incident.onsite_at or step.now
    step.change.log(step.now, "note", step.actor.name, text="arrived on site", public=False)


@action("transfer", OPEN, "to", "ref")
def _transfer(step: Step) -> None:
    to, ref = step.data.get("to"), step.text("ref")
    if to not in ("defect", "requirement"):
        raise BadData("to", f"must be defect or requirement, not {to!r:.80}")
    if step.incident.status is not Status.PENDING:
        _pause(step, transfer=str(to), ref=ref)
    step.incident.notes += 1
    epoch = f"n{step.incident.notes}"
    escalation.tell_reporter(step.change, Reason.NOTE, step.now, epoch=epoch, data={"transfer": str(to), "ref": ref})


@action("verify", OPEN)
def _verify(step: Step) -> None:
    step.incident.needs_triage = False
    step.incident.verified_by, step.incident.verified_at = step.actor.name, step.now
    step.change.log(step.now, "note", step.actor.name, text="verified", public=False)


@action("resolve", OPEN, "solution", "process", "by_role", "knowledge", "workaround")
def _resolve(step: Step) -> None:
    incident, actor = step.incident, step.actor
    solution, role = step.text("solution"), step.role("by_role")
    knowledge = step.text("knowledge", required=False)
    process = step.text("process", required=False)
    workaround = step.flag("workaround")
    lifecycle.end_pause(step.change, step.now, step.book)
    incident.solution, incident.process, incident.knowledge = solution, process or None, knowledge or None
    incident.workaround = workaround
    held = actor.person.roles if actor.person else ()
    by_role = role or next((r for r in LINES if r in held), incident.line)
    incident.solved_by, incident.solved_by_role = actor.name, str(by_role)
    incident.resolved_at, incident.line = step.now, Role.SERVICE_DESK
    incident.review = "waiting" if by_role in (Role.SECOND_LINE, Role.THIRD_LINE) else None
    step.change.stop_notices = True
    lifecycle.move(step.change, Status.RESOLVED, step.now, actor.name, solution=solution, by_role=str(by_role))
    escalation.tell_reporter(
        step.change, Reason.RESOLVED, step.now, epoch=f"o{incident.opening}", data={"solution": solution}
    )


@action("review", RESOLVED | CLOSED, "verdict")
def _review(step: Step) -> None:
    step.incident.review = step.text("verdict")
    step.change.log(
        step.now, "note", step.actor.name, text="solution reviewed", verdict=step.incident.review, public=False
    )


@action("confirm", RESOLVED, "follow_up")
def _confirm(step: Step) -> None:
    follow_up = step.data.get("follow_up")
    lifecycle.confirm(step.change, step.book, step.now, step.actor.name)
    if step.incident.close_code == CloseCode.WORKAROUND:
        _follow_up(step, follow_up)


@action("close", RESOLVED | OPEN, "close_code", "problem_ref", "follow_up")
def _close(step: Step) -> None:
    incident = step.incident
    given = step.data.get("close_code") or ("workaround" if incident.workaround else "success")
    if given not in list(CloseCode) or given == "duplicate":
        codes = ", ".join(c for c in CloseCode if c != "duplicate")
        raise BadData(
            "close_code", f"must be one of {codes}, not {given!r:.80} (for a duplicate: the action duplicate)"
        )
    code = CloseCode(given)
    if incident.is_open and code is not CloseCode.FAILED:
        raise BadData("close_code", "an open incident closes only with failed; resolve it first")
    problem = step.text("problem_ref", required=code is CloseCode.SUCCESS_WITH_PROBLEM)
    incident.problem_ref = problem or incident.problem_ref
    follow_up = step.data.get("follow_up")
    lifecycle.end_pause(step.change, step.now, step.book)
    lifecycle.close(step.change, step.now, step.actor.name, code)
    if code is CloseCode.WORKAROUND:
        _follow_up(step, follow_up)


def _follow_up(step: Step, wanted: object) -> None:
    """`incident` (the default) opens a linked one; `{"problem": ref}`; `{"none": reason}` (RULES 7.4, [B 5.5.2])."""
    if isinstance(wanted, dict) and len(wanted) == 1:
        kind, text = next(iter(wanted.items()))
        if kind in ("problem", "none") and isinstance(text, str) and text.strip():
            if kind == "problem":
                step.incident.problem_ref = text
            step.change.log(step.now, "note", step.actor.name, text="follow-up", **{kind: text}, public=False)
            return
    if wanted not in (None, "incident"):
        raise BadData("follow_up", 'must be "incident", {"problem": ref} or {"none": reason}')
    old = step.incident
    fresh = Incident(
        id=step.known.number(),
        title=f"{old.title} ({old.number})",
        source=old.source,
        origin=Origin.INTERNAL,
        registered_at=step.now,
        occurred_at=step.now,
        clock_from=step.now,
        customer=old.customer,
        text=old.solution or old.text,
        links=[old.id],
    )
    names = {"kind": str(old.kind), "category": old.category, "service": old.service, "cause": old.cause}
    apply_settled(fresh, {k: Settled(v, "default", f"follow-up of {old.number}") for k, v in names.items() if v})
    change = open_incident(fresh, step.known, step.book, step.now, step.actor.name)
    change.log(step.now, "linked", step.actor.name, to=old.number, why="follow-up of a workaround")
    old.links.append(fresh.id)
    step.change.log(step.now, "linked", step.actor.name, to=fresh.number, why="follow-up")


@action("reopen", RESOLVED | CLOSED, "reason")
def _reopen(step: Step) -> None:
    lifecycle.reopen(step.change, step.book, step.now, step.actor.name, step.text("reason"))


@action("cancel", OPEN, "reason")
def _cancel(step: Step) -> None:
    reason = step.text("reason")
    lifecycle.end_pause(step.change, step.now, step.book)
    step.change.stop_notices = True
    lifecycle.move(step.change, Status.CANCELLED, step.now, step.actor.name, reason=reason)
