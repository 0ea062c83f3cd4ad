"""What follows a closing: the incident after a workaround (RULES 7.4), the survey and its answer (RULES 7.6)."""

from __future__ import annotations

from collections.abc import Mapping

from daemon.core import lifecycle
from daemon.core.book import Book
from daemon.core.checks import BadData
from daemon.core.incident import SYSTEM, Change, Incident, Settled
from daemon.core.known import Known
from daemon.core.register import apply_settled, open_incident
from daemon.core.replies import LOW
from daemon.core.vocabulary import CloseCode, Kind, Origin

ASPECTS = ("attitude", "quality")


def confirm(change: Change, known: Known, book: Book, now: int, actor: str, wanted: object = None) -> None:
    """The reporter's or the desk's word that it is solved (RULES 7)."""
    code = CloseCode.WORKAROUND if change.incident.workaround else CloseCode.SUCCESS
    lifecycle.close(change, book, now, actor, code)
    if code is CloseCode.WORKAROUND:
        after_workaround(change, known, book, now, actor, wanted)


def after_workaround(
    change: Change, known: Known, book: Book, now: int, actor: str = SYSTEM, wanted: object = None
) -> None:
    """`incident` (the default) opens a linked one; `{"problem": ref}`; `{"none": reason}` (RULES 7.4, [B 5.5.2]).
    Raises BadData."""
    incident = change.incident
    if isinstance(wanted, Mapping) and len(wanted) == 1:
        kind, text = next(iter(wanted.items()))
        if kind in ("problem", "none") and isinstance(text, str) and text.strip():
            if kind == "problem":
                incident.problem_ref = text
            change.log(now, "note", actor, text="follow-up", **{kind: text}, public=False)
            return
    if wanted not in (None, "incident"):
        raise BadData("follow_up", 'must be "incident", {"problem": ref} or {"none": reason}')
    why = f"follow-up of {incident.number}"
    fresh = _successor(incident, known, now, f"{incident.title} ({incident.number})", why)
    fresh.text = incident.solution or incident.text
    opened = open_incident(fresh, known, book, now, actor)
    opened.log(now, "linked", actor, to=incident.number, why="follow-up of a workaround")
    incident.links.append(fresh.id)
    change.log(now, "linked", actor, to=fresh.number, why="follow-up")


def _successor(old: Incident, known: Known, now: int, title: str, why: str) -> Incident:
    fresh = Incident(
        id=known.number(),
        title=title[:500],
        source=old.source,
        origin=Origin.INTERNAL,
        registered_at=now,
        occurred_at=now,
        clock_from=now,
        customer=old.customer,
        links=[old.id],
    )
    names = {"kind": str(old.kind), "category": old.category, "service": old.service, "cause": old.cause}
    apply_settled(fresh, {k: Settled(v, "default", why) for k, v in names.items() if v})
    return fresh


def rate(
    change: Change, known: Known, book: Book, now: int, actor: str, score: int, comment: str = "", **more: str
) -> None:
    """A score of 1 to 5; 2 or less registers a complaint linked to the incident (RULES 7.6)."""
    incident = change.incident
    first = incident.satisfaction_score is None
    incident.satisfaction_score = score
    incident.satisfaction_comment = comment or incident.satisfaction_comment
    incident.survey_due_at = None
    facts = {"comment": comment} | more
    change.log(now, "survey", actor, score=score, **{k: v for k, v in facts.items() if v})
    if score > LOW or not first:
        return
    fresh = _successor(incident, known, now, f"{incident.title} ({incident.number})", f"score {score}")
    fresh.from_survey, fresh.origin, fresh.human = True, Origin.USER, incident.human
    fresh.text = comment
    fresh.vip, fresh.language = incident.vip, incident.language
    for name in ("reporter_name", "reporter_address", "reporter_phone", "reporter_automatic"):
        setattr(fresh, name, getattr(incident, name))
    fresh.settled["kind"] = Settled("complaint", "rule", f"survey score {score}")
    fresh.kind = Kind.COMPLAINT
    opened = open_incident(fresh, known, book, now)
    opened.log(now, "linked", to=incident.number, why=f"score {score}")
    incident.links.append(fresh.id)
    change.log(now, "linked", to=fresh.number, why=f"score {score}")
