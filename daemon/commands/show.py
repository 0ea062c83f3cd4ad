"""One incident as a page: what a tired engineer needs, the urgent parts first."""

from __future__ import annotations

import re
from typing import Any

from rich.text import Text

from daemon.commands.tables import Page, clean

DEADLINES = (
    ("response", "response_due_at", "accepted_at"),
    ("resolve", "resolve_due_at", "resolved_at"),
    ("kind_due", "kind_due_at", "resolved_at"),
    ("bulletin", "bulletin_due_at", ""),
)
DATA_LABELS = {
    "role": "role",
    "by_role": "role",
    "status": "status",
    "impact": "impact",
    "urgency": "urgency",
    "kind": "kind",
    "category": "category",
    "cause": "cause",
    "source": "source",
    "deadline": "deadline",
    "close_code": "close_code",
    "channel": "channel",
    "reason": "reason",
    "reasons": "reason",
    "fault_level": "fault_level",
    "severity": "severity",
}
"""Key of a timeline row's data -> the group of labels that its values belong to."""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
OPEN = ("registered", "assigned", "in_progress", "pending")


def show_page(page: Page, incident: dict[str, Any], timeline: list[dict[str, Any]]) -> None:
    page.line(f"{incident['number']}  {clean(incident['title'])}", style="bold", fold=True)
    page.pairs(_head(page, incident))
    page.line()
    if any(incident[due] for _, due, _ in DEADLINES):
        page.line(page.heading("deadlines"), style="bold")
        page.pairs(_deadlines(page, incident))
        page.line()
    if incident["ladder"]:
        page.line(page.heading("ladder"), style="bold")
        page.table(("role", "due", "fired", "people"), _ladder(page, incident), flexible="people", fold=True)
        page.line()
    page.line(page.heading("timeline"), style="bold")
    rows = ((page.when(r["at"]), r["actor"], page.label("event", r["event"]), _told(page, r)) for r in timeline)
    page.table(("at", "actor", "event", "data"), rows, flexible="data", fold=True)


def _head(page: Page, incident: dict[str, Any]) -> list[tuple[str, str | Text]]:
    def named(group: str, field: str) -> tuple[str, str]:
        return field, page.label(group, incident[field])

    grade = Text.assemble(
        page.priority(incident["priority"]),
        f"  {page.heading('impact')} {page.label('impact', incident['impact'])}",
        f"  {page.heading('urgency')} {page.label('urgency', incident['urgency'])}",
    )
    if incident["emergency"]:
        grade.append(f"  {page.heading('emergency')}", style="bold red")
    level = page.level(incident["fault_level"])
    severity = page.label("severity", incident["severity"])
    status = page.label("status", incident["status"])
    if incident["needs_triage"]:
        status += f"  ({page.heading('triage')})"
    reporter = incident["reporter"]
    who = " ".join(v for v in (reporter["name"], reporter["address"], reporter["phone"]) if v)
    complaints = incident["complaints"]
    counted = str(complaints["effective"]) if complaints["effective"] or complaints["confirmed"] is not None else ""
    score = incident["satisfaction"]
    return [
        ("status", status),
        ("priority", grade),
        ("grade", "; ".join(incident["grade"]["reasons"])),
        ("level", Text.assemble(level, f"  {severity}") if incident["fault_level"] else Text(severity)),
        named("kind", "kind"),
        named("category", "category"),
        named("cause", "cause"),
        ("service", incident["service"] or ""),
        ("environment", incident["environment"] or ""),
        ("source", f"{page.label('source', incident['source'])} {incident['external_ref'] or ''}"),
        ("reporter", who),
        ("customer", incident["customer"] or ""),
        ("assignee", incident["assignee"] or page.label("role", incident["assigned_role"])),
        ("line", page.label("role", incident["line"])),
        ("coordinator", incident["coordinator"] or ""),
        ("participants", ", ".join(incident["participants"])),
        ("third_party", incident["third_party"] or ""),
        ("complaints", counted),
        ("measures", _flat(page, incident["measures"])),
        ("complaint_of", incident["complaint_of"] or ""),
        ("duplicate_of", incident["duplicate_of"] or ""),
        ("links", ", ".join(incident["links"])),
        ("occurred", page.when(incident["occurred_at"])),
        ("registered", page.when(incident["registered_at"])),
        ("accepted", page.when(incident["accepted_at"])),
        ("resolved", page.when(incident["resolved_at"])),
        ("closed", page.when(incident["closed_at"])),
        ("solution", incident["solution"] or ""),
        ("close_code", page.label("close_code", incident["close_code"])),
        ("satisfaction", f"{score['score']} {score['comment'] or ''}" if score["score"] else ""),
        ("text", clean(incident["text"], 600)),
    ]


def _deadlines(page: Page, incident: dict[str, Any]) -> list[tuple[str, str | Text]]:
    found: list[tuple[str, str | Text]] = []
    for name, due_field, done_field in DEADLINES:
        due, done = incident[due_field], incident.get(done_field)
        if not due:
            continue
        text = Text(page.when(due))
        if name.removesuffix("_due") in incident["breached"]:
            text.append(f"  {page.heading('breached')}", style="bold red")
        if not done and incident["status"] in OPEN:
            text.append(f"  {page.rest(due)}")
        found.append((name, text))
    return found


def _ladder(page: Page, incident: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Fired rungs with when and whom, the others with how long until they fire."""
    found = []
    for rung in incident["ladder"]:
        waits = incident["status"] in OPEN and not rung["fired_at"]
        fired = page.when(rung["fired_at"]) or (page.rest(rung["due_at"]) if waits else "-")
        found.append((page.label("role", rung["role"]), page.when(rung["due_at"]), fired, ", ".join(rung["people"])))
    return found


def _told(page: Page, row: dict[str, Any]) -> str:
    """A row's data in words: identifiers by their labels."""
    event, data = row["event"], dict(row["data"])
    if event == "notification":
        reasons = ", ".join(page.label("reason", r) for r in data.get("reasons") or ())
        return f"{page.label('channel', data.get('channel'))} → {data.get('name') or data.get('to')}  {reasons}"
    if event in ("status", "level", "escalated") and "to" in data:
        group = "status" if event == "status" else "fault_level"
        before, after = page.label(group, data.pop("from", None)), page.label(group, data.pop("to"))
        if event == "level":
            data["reason"] = page.label("level_reason", data.get("reason"))
        return f"{before} → {after}  {_flat(page, data)}".rstrip()
    if event == "registered":
        data.pop("title", None)
    return _flat(page, data)


def _flat(page: Page, data: dict[str, Any]) -> str:
    """`name=value` pairs, lists with commas, instants local; what is empty is left out."""
    parts = []
    for key, value in data.items():
        text = _value(page, key, value)
        if text:
            parts.append(f"{page.heading(key)}={text}")
    return " ".join(parts)


def _value(page: Page, key: str, value: Any) -> str:
    if isinstance(value, dict):
        inside = _flat(page, value)
        return "{" + inside + "}" if inside else ""
    if isinstance(value, list):
        return ", ".join(_value(page, key, v) for v in value)
    if isinstance(value, bool):
        return page.label("word", "yes" if value else "no")
    if value is None:
        return ""
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return page.when(value)
    group = DATA_LABELS.get(key)
    return page.label(group, value) if group else clean(value, 500)
