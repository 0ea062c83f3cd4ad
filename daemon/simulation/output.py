"""What a simulation prints: timeline events and messages in a fixed order, as JSON lines or for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from daemon.core.vocabulary import Role
from daemon.store import TimelineRow

EVENTS = (
    *("registered", "joined", "graded", "level", "escalated", "breach", "deadline_near", "status", "reopened"),
    *("linked", "notification", "accepted", "assigned", "note", "measured", "bulletin", "complaint_counted", "held"),
    *("survey", "bulletin_due"),
)
"""The order of events at one instant (INTERFACE 5)."""

_ORDER = {name: place for place, name in enumerate(EVENTS)}
_ROLES = {str(role): place for place, role in enumerate(Role)}


def offset(milliseconds: int) -> str:
    """`+0s`, `+5m`, `+1h5m`, `+72h`: hours, minutes, seconds, zero parts left out, hours never become days."""
    sign, whole = ("-", -milliseconds) if milliseconds < 0 else ("+", milliseconds)
    total = whole // 1000
    hours, minutes, rest = total // 3600, total // 60 % 60, total % 60
    parts = [f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if n]
    return sign + ("".join(parts) or "0s")


def order(row: TimelineRow, phase: int) -> tuple[Any, ...]:
    """Inputs first; then incident number, event, role, channel, address."""
    data = row.data
    role = _ROLES.get(str(data.get("role", "")), 99)
    names = (str(data.get("channel", "")), str(data.get("to", "")))
    return (phase, row.incident, _ORDER.get(row.event, 99), role, str(data.get("reason", "")), *names, row.id)


class Printer:
    """Writes rows as they come; counts incidents and notifications."""

    def __init__(self, start: int, as_json: bool, out: TextIO) -> None:
        self._start, self._json, self._out = start, as_json, out
        self.incidents = self.notifications = 0

    def rows(self, rows: Iterable[tuple[TimelineRow, int]]) -> None:
        for row, _ in sorted(rows, key=lambda pair: order(*pair)):
            self.incidents += row.event == "registered"
            self.notifications += row.event == "notification"
            line = self._as_json(row) if self._json else self._for_people(row)
            self._out.write(line + "\n")

    def summary(self) -> None:
        counts = {"incidents": self.incidents, "notifications": self.notifications}
        if self._json:
            self._out.write(json.dumps({"summary": counts}) + "\n")
        else:
            self._out.write(f"{_count(self.incidents, 'incident')}, {_count(self.notifications, 'notification')}\n")

    def _as_json(self, row: TimelineRow) -> str:
        head: dict[str, Any] = {
            "at": offset(row.at - self._start),
            "event": row.event,
            "incident": f"INC-{row.incident}",
        }
        if row.actor != "tocsin":
            head["actor"] = row.actor
        return json.dumps(head | self._data(row.data), ensure_ascii=False)

    def _data(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Instants (milliseconds) as offsets."""
        return {
            k: offset(v - self._start) if (k == "until" or k.endswith("_at")) and isinstance(v, int) else v
            for k, v in data.items()
        }

    def _for_people(self, row: TimelineRow) -> str:
        data = self._data(row.data)
        head = f"{offset(row.at - self._start):>9}  INC-{row.incident:<5} {row.event:<13}"
        if row.event == "notification":
            text = " ".join(str(data.get("text", "")).split())
            subject = data.get("subject") or text[:100]
            name = f"{data['name']} " if data.get("name") else ""
            return f"{head} {data['channel']} -> {name}<{data['to']}>: {subject}"
        facts = " ".join(f"{k}={_short(v)}" for k, v in data.items() if v not in (None, "", []))
        by = "" if row.actor == "tocsin" else f" (by {row.actor})"
        return f"{head} {facts}{by}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 100 else text[:99] + "…"
