"""The actions that carry an incident from hand to hand until it is closed (RULES 7)."""

from __future__ import annotations

from daemon.core import complaints, escalation, followup, lifecycle
from daemon.core.actions import CLOSED, PENDING, RESOLVED, Step, action
from daemon.core.checks import BadData, instant
from daemon.core.lifecycle import LINES
from daemon.core.vocabulary import OPEN, CloseCode, Reason, Role, Status


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
    before = (incident.assigned_role or incident.line, incident.assignee)
    changed = incident.dispatched_at is None or before != (line, person.id if person else None)
    incident.assigned_role, incident.assignee = role, person.id if person else None
    incident.line = line
    if incident.dispatched_at is None:
        incident.dispatched_at = step.now
    pair = {"role": str(line), "person": person.id if person else None, "dispatched_at": step.now, "accepted_at": None}
    incident.dispatch_pairs = [*incident.dispatch_pairs[-99:], pair]
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
    if incident.third_party_at is None:
        incident.third_party_at = step.now
    lifecycle.accepted(step.change, step.now)
    step.change.log(step.now, "assigned", step.actor.name, role="third_party", third_party=name)
    lifecycle.move(step.change, Status.IN_PROGRESS, step.now, step.actor.name)
    if changed:
        escalation.count_reassignment(step.change, step.book, step.now)


@action("arrive", OPEN)
def _arrive(step: Step) -> None:
    if step.incident.onsite_at is None:
        step.incident.onsite_at = step.now
    step.change.log(step.now, "note", step.actor.name, text="arrived on site", public=False)


@action("transfer", OPEN, "to", "ref")
def _transfer(step: Step) -> None:
    to, ref = step.data.get("to"), step.text("ref")
    if to not in ("defect", "requirement"):
        raise BadData("to", f"must be defect or requirement, not {to!r:.80}")
    step.incident.public_note_at, step.incident.progress_told = step.now, 0
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
    held = actor.person.roles if actor.person else ()
    by_role = role or next((r for r in LINES if r in held), incident.line)
    incident.solution, incident.process, incident.knowledge = solution, process or None, knowledge or None
    incident.workaround = workaround
    incident.review = "waiting" if by_role in (Role.SECOND_LINE, Role.THIRD_LINE) else None
    facts = {"solution": solution, "by_role": str(by_role)}
    lifecycle.resolved(step.change, step.book, step.now, actor.name, str(by_role), actor.name, **facts)
    escalation.tell_reporter(
        step.change, Reason.RESOLVED, step.now, epoch=f"r{incident.resolutions}", data={"solution": solution}
    )


@action("review", RESOLVED | CLOSED, "verdict")
def _review(step: Step) -> None:
    step.incident.review = step.text("verdict")
    step.change.log(
        step.now, "note", step.actor.name, text="solution reviewed", verdict=step.incident.review, public=False
    )


@action("confirm", RESOLVED, "follow_up")
def _confirm(step: Step) -> None:
    wanted = step.data.get("follow_up")
    followup.confirm(step.change, step.known, step.book, step.now, step.actor.name, wanted)


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
    lifecycle.close(step.change, step.book, step.now, step.actor.name, code)
    if code is CloseCode.WORKAROUND:
        followup.after_workaround(step.change, step.known, step.book, step.now, step.actor.name, follow_up)


@action("rate", RESOLVED | CLOSED, "score", "comment", "channel", "aspect")
def _rate(step: Step) -> None:
    score, aspect = step.data.get("score"), step.data.get("aspect")
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
        raise BadData("score", f"must be a whole number from 1 to 5, not {score!r:.80}")
    if aspect is not None and aspect not in followup.ASPECTS:
        raise BadData("aspect", f"must be one of {', '.join(followup.ASPECTS)}, not {aspect!r:.80}")
    comment, channel = step.text("comment", required=False), step.text("channel", required=False)
    more = {"channel": channel, "aspect": str(aspect or "")}
    followup.rate(step.change, step.known, step.book, step.now, step.actor.name, score, comment, **more)


@action("reopen", RESOLVED | CLOSED, "reason")
def _reopen(step: Step) -> None:
    lifecycle.reopen(step.change, step.book, step.now, step.actor.name, step.text("reason"))


@action("cancel", OPEN, "reason")
def _cancel(step: Step) -> None:
    reason = step.text("reason")
    lifecycle.end_pause(step.change, step.now, step.book)
    step.change.stop_notices = True
    complaints.detach(step.incident, step.known, step.book, step.now)
    lifecycle.move(step.change, Status.CANCELLED, step.now, step.actor.name, reason=reason)
