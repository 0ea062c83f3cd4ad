"""Silences and maintenance windows (RULES 6.3): what holds notices back, and what time does not count.

A maintenance window holds everything of its services; a silence holds what its matchers fit, but neither priority 1
nor an emergency unless it says so. Instants are milliseconds UTC; a window is half-open, [start, end).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from daemon.core.checks import BadData, instant
from daemon.core.incident import Incident
from daemon.core.matchers import Matcher, parse_matcher
from daemon.core.vocabulary import Priority, Reason

SILENCE, MAINTENANCE = "silence", "maintenance"
NAMES = ("kind", "priority", "category", "origin", "fault_level", "customer")
"""What a silence may name of an incident beside what a rule may name of a report."""

BY_HAND = frozenset({Reason.BY_HAND, Reason.FOLLOW, Reason.ASSIGNED, Reason.BULLETIN, Reason.CHANNEL_FAILED})
"""What a person does on purpose is told in a silence too."""

LONGEST = 366 * 86400 * 1000
_FIELDS = {
    SILENCE: ("from", "until", "matchers", "include_p1", "reason"),
    MAINTENANCE: ("from", "until", "services", "reason"),
}


@dataclass(frozen=True, slots=True)
class Window:
    id: int
    kind: str
    start: int
    end: int
    services: tuple[str, ...] = ()
    matchers: tuple[Matcher, ...] = ()
    include_p1: bool = False
    reason: str = ""
    by: str = ""

    def holds(self, incident: Incident) -> bool:
        if self.kind == MAINTENANCE:
            return incident.service in self.services
        if (incident.priority is Priority.P1 or incident.emergency) and not self.include_p1:
            return False
        return all(m.matches_value(value_of(incident, m.name)) for m in self.matchers)

    def body(self) -> dict[str, Any]:
        """What is stored and shown beside the kind and the instants."""
        matchers = [str(m) for m in self.matchers]
        found = {"services": list(self.services), "matchers": matchers, "include_p1": self.include_p1}
        return {k: v for k, v in found.items() if v} | {"reason": self.reason, "by": self.by}


def value_of(incident: Incident, name: str) -> str:
    """What a silence's matcher sees; absent is ""."""
    if name.startswith("labels."):
        return incident.labels.get(name[7:], "")
    if name == "priority":
        return f"P{int(incident.priority)}"
    own = {"subject": "title", "sender": "reporter_address", "severity": "alert_severity"}.get(name, name)
    value = getattr(incident, own, None)
    return "" if value is None else str(value)


def window(kind: str, data: Mapping[str, Any], services: Sequence[str], ident: int = 0, by: str = "") -> Window:
    """A checked window. `services` are the configured names. Raises BadData."""
    for name in data:
        if name not in _FIELDS[kind]:
            raise BadData(name, f"unknown field of a {kind}; known are {', '.join(_FIELDS[kind])}")
    start, end = instant("from", data.get("from")), instant("until", data.get("until"))
    if end <= start:
        raise BadData("until", "is not after from")
    if end - start > LONGEST:
        raise BadData("until", "is more than a year after from")
    reason = data.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > 500:
        raise BadData("reason", "must be a text of at most 500 characters")
    if kind == MAINTENANCE:
        return Window(ident, kind, start, end, services=_services(data.get("services"), services), reason=reason, by=by)
    include = data.get("include_p1", False)
    if not isinstance(include, bool):
        raise BadData("include_p1", "must be true or false")
    return Window(ident, kind, start, end, (), _matchers(data.get("matchers")), include, reason, by)


def _services(given: Any, known: Sequence[str]) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise BadData("services", "must be a list of names of services")
    for name in names:
        if name not in known:
            raise BadData("services", f"no service {name!r:.80}; known are {', '.join(known) or 'none'}")
    return tuple(names)


def _matchers(given: Any) -> tuple[Matcher, ...]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or len(texts) > 50:
        raise BadData("matchers", 'must be a list of matchers such as service="billing"')
    try:
        return tuple(parse_matcher(text, NAMES) for text in texts)
    except ValueError as error:
        raise BadData("matchers", str(error)) from None


def restored(ident: int, kind: str, start: int, end: int, body: Mapping[str, Any]) -> Window:
    """A window as it was stored."""
    matchers = tuple(parse_matcher(text, NAMES) for text in body.get("matchers", ()))
    services, include = tuple(body.get("services", ())), bool(body.get("include_p1"))
    return Window(ident, kind, start, end, services, matchers, include, body.get("reason", ""), body.get("by", ""))


@dataclass(frozen=True)
class Calendar:
    windows: tuple[Window, ...] = ()

    def held_until(self, incident: Incident, at: int) -> int | None:
        """When what holds the incident at `at` ends (windows in a row are one); None: nothing does."""
        if not self.windows:
            return None
        end = at
        holding = [w for w in self.windows if w.end > at and w.holds(incident)]
        while reach := max((w.end for w in holding if w.start <= end < w.end), default=0):
            end = reach
        return end if end > at else None

    @cached_property
    def _planned(self) -> dict[str, tuple[tuple[int, int], ...]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for w in sorted(self.windows, key=lambda w: w.start):
            for service in w.services:
                spans = found.setdefault(service, [])
                if spans and w.start <= spans[-1][1]:
                    spans[-1] = (spans[-1][0], max(spans[-1][1], w.end))
                else:
                    spans.append((w.start, w.end))
        return {service: tuple(spans) for service, spans in found.items()}

    def counted(self, service: str | None, start: int, end: int) -> int:
        """Milliseconds from `start` to `end` outside the planned work of the service."""
        spans = self._planned.get(service or "", ()) if self.windows else ()
        return end - start - sum(max(min(b, end) - max(a, start), 0) for a, b in spans)

    def reach(self, service: str | None, start: int, amount: int) -> int:
        """The instant at which `counted` from `start` reaches `amount` milliseconds."""
        at = start + amount
        for a, b in self._planned.get(service or "", ()) if self.windows else ():
            if b > start and a < at:
                at += b - max(a, start)
        return at
