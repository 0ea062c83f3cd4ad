"""Fault levels (RULES 5.1–5.3): the standard level by criteria, the upgrades, and when time alone raises it.

`measures` holds instants in milliseconds. Ended stretches of one measure are kept in `measures["stretches"]`,
{measure: [[from, until], …]}; the longest single stretch counts.
"""

from __future__ import annotations

from daemon.core.book import Book
from daemon.core.grading import effective_complaints, share_reached, user_base
from daemon.core.incident import SYSTEM, Change, Incident
from daemon.core.measures import STRETCHES
from daemon.core.policy import LevelCriteria
from daemon.core.vocabulary import FaultLevel, Kind

_DOWN = tuple(reversed(FaultLevel))


def stretches(incident: Incident, measure: str) -> list[tuple[int, int | None]]:
    """Every stretch of a measure, the present one last; an open end is None, or the resolution."""
    found: list[tuple[int, int | None]] = [(a, b) for a, b in incident.measures.get("stretches", {}).get(measure, ())]
    start, end = incident.measures.get(f"{measure}_from"), incident.measures.get(f"{measure}_until")
    if start is not None:
        if end is None and incident.resolved_at is not None:
            end = max(start, incident.resolved_at)
        found.append((start, end))
    return found


def longest(incident: Incident, book: Book, measure: str, now: int) -> int | None:
    """Whole seconds of the longest single stretch up to `now`, planned work excluded; None when there is none."""
    count, service = book.calendar.counted, incident.service
    spans = [
        count(service, s, min(e if e is not None else now, now)) for s, e in stretches(incident, measure) if s <= now
    ]
    spans = [s for s in spans if s > 0] or ([0] if spans else [])
    return max(spans) // 1000 if spans else None


def _over(seconds: int | None, limit: int | None, inclusive: bool = False) -> bool:
    if seconds is None or limit is None:
        return False
    return seconds >= limit if inclusive else seconds > limit


def _by_figures(incident: Incident, book: Book, c: LevelCriteria) -> bool:
    m = incident.measures
    affected, base = m.get("users_affected"), user_base(incident, book)
    if affected is not None:
        if c.users is not None and affected >= c.users:
            return True
        small = base is not None and 0 < base < book.policy.small_user_base
        if small and c.share is not None and share_reached(affected, c.share, base or 0):
            return True
    if c.sanction is not None and m.get("hq_sanction") == c.sanction:
        return True
    flags = ("neighbour_interface_failed", "rule_breaking_operation", "process_exit")
    return any(getattr(c, flag) and m.get(flag) for flag in flags)


def _by_time(incident: Incident, book: Book, c: LevelCriteria, now: int) -> bool:
    return (
        _over(longest(incident, book, "key_service_interrupted", now), c.interrupted, c.interrupted_inclusive)
        or _over(longest(incident, book, "offline", now), c.offline)
        or _over(longest(incident, book, "bill_run_late", now), c.bill_run)
    )


def _standard(incident: Incident, book: Book, now: int, causes: frozenset[str]) -> FaultLevel:
    count = effective_complaints(incident, book)
    if not incident.measures and not count:  # nearly every incident, every time
        return FaultLevel.NONE
    measured = bool(incident.measures)
    for level in _DOWN:
        c = book.policy.levels.get(level)
        if c is None:
            continue
        if measured and "measures" in causes and _by_figures(incident, book, c):
            return level
        if measured and "time" in causes and _by_time(incident, book, c, now):
            return level
        if "complaints" in causes and c.complaints is not None and count >= c.complaints:
            return level
    return FaultLevel.NONE


_ALL = frozenset({"measures", "time", "complaints"})


def standard_level(incident: Incident, book: Book, now: int) -> FaultLevel:
    """The highest level with any criterion met, or the person's own (RULES 5.1, 5.3)."""
    own = incident.measures.get("fault_level")
    return FaultLevel(own) if own else _standard(incident, book, now, _ALL)


def _upgraded(incident: Incident, book: Book, standard: FaultLevel, late: bool, vp: bool, media: object) -> FaultLevel:
    steps = int(late) + int(vp) if book.policy.stack_upgrades else int(late or vp)
    level = standard
    for _ in range(steps):
        level = level.above()
    if media:
        black = media == "black" or standard.rank >= FaultLevel.RED.rank
        level = level.graver(FaultLevel.BLACK if black else FaultLevel.RED)
    return level


def level_of(incident: Incident, book: Book, now: int) -> FaultLevel:
    """The level by criteria and upgrades, without regard to what it was before."""
    m = incident.measures
    standard = standard_level(incident, book, now)
    return _upgraded(
        incident, book, standard, incident.bulletin_late, bool(m.get("complained_to_vp")), m.get("in_media")
    )


def _reason(incident: Incident, book: Book, now: int, level: FaultLevel, by_person: bool) -> str:
    """The first cause that alone gives the level, in the order of INTERFACE 5."""
    m = incident.measures
    if m.get("fault_level"):
        standard = FaultLevel(m["fault_level"])
        if standard is level:
            return "person"
    else:
        entered = frozenset({"measures", "time"}) if by_person else frozenset({"measures"})
        for cause, causes in (("measures", entered), ("time", frozenset({"time"})), ("complaints", _ALL)):
            if _standard(incident, book, now, causes) is level:
                return cause
        standard = _standard(incident, book, now, _ALL)
    if incident.bulletin_late and _upgraded(incident, book, standard, True, False, None) is level:
        return "bulletin_late"
    if m.get("complained_to_vp") and _upgraded(incident, book, standard, False, True, None) is level:
        return "vice_president"
    if m.get("in_media") and _upgraded(incident, book, standard, False, False, m["in_media"]) is level:
        return "media"
    return "bulletin_late" if incident.bulletin_late else "vice_president"  # only both together give it


def reassess(change: Change, book: Book, now: int, by_person: bool = False, actor: str = SYSTEM, why: str = "") -> str:
    """Bring the incident's level up to date; the reason when it changed (logged as `level`), else "".

    By itself a level only rises (RULES 5.3); `by_person` lets a correction lower it.
    """
    incident = change.incident
    if incident.kind is not Kind.FAULT or incident.complaint_of is not None:
        incident.fault_level = incident.standard_level = None
        return ""
    incident.standard_level = standard_level(incident, book, now)
    old = incident.fault_level
    level = level_of(incident, book, now)
    if old is None:
        incident.fault_level = FaultLevel.NONE
    before = old or FaultLevel.NONE
    if level is before or (level.rank < before.rank and not by_person):
        return ""
    incident.fault_level = level
    reason = "correction" if level.rank < before.rank else _reason(incident, book, now, level, by_person)
    data = {"from": str(before), "to": str(level), "reason": reason}
    if why:
        data["why"] = why
    change.log(now, "level", actor if by_person else SYSTEM, **data)
    return reason


def next_crossing(incident: Incident, book: Book, now: int) -> int | None:
    """The next instant at which time alone may change the level or the impact: a threshold that an open stretch
    crosses, planned work excluded, or a start or an end that was entered ahead of its time."""
    if incident.resolved_at is not None or not incident.measures:
        return None
    fault = incident.kind is Kind.FAULT and not incident.measures.get("fault_level")
    present = incident.standard_level or FaultLevel.NONE
    found: list[int] = []
    for measure, criterion in STRETCHES.items():
        start = incident.measures.get(f"{measure}_from")
        end = incident.measures.get(f"{measure}_until")
        if start is None:
            continue
        found += [at for at in (start, end) if at is not None and at > now]
        for level, c in book.policy.levels.items() if fault else ():
            limit = getattr(c, criterion)
            if limit is None or level.rank <= present.rank:
                continue
            inclusive = criterion == "interrupted" and c.interrupted_inclusive
            at = book.calendar.reach(incident.service, start, (limit if inclusive else limit + 1) * 1000)
            if end is None or at <= end:
                found.append(at)
    return min(found, default=None)
