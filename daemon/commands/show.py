"""One incident as a page: what a tired engineer needs, the urgent parts first."""

from __future__ import annotations

import re
from typing import Any

from rich.text import Text

from daemon.commands.tables import Page, clean, span
from daemon.core.directory import Directory
from daemon.core.vocabulary import Role

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


NUMBERED = ("fault", "ticket", "removed", "to", "duplicate_of")
"""Keys whose whole numbers are incidents."""

SENTENCES = {
    "counts": ("这条投诉计入故障 {to}。", "This complaint counts for the fault {to}."),
    "complaint": ("投诉，计入故障 {to}", "a complaint that counts for the fault {to}"),
    "uncounted": ("{to} 不再计数：该报告人已计过", "{to} is not counted: its reporter counts already"),
    "duplicate": ("{to} 与本单重复", "{to} is a duplicate of this one"),
    "duplicate_of": ("与 {to} 重复", "a duplicate of {to}"),
}


def show_page(
    page: Page, incident: dict[str, Any], timeline: list[dict[str, Any]], directory: Directory | None
) -> None:
    """`directory`: of the config, when there is one: whom the rungs to come will tell."""
    page.line(f"{incident['number']}  {clean(incident['title'])}", style="bold", fold=True)
    if incident["complaint_of"]:
        page.line(_sentence(page, "counts", incident["complaint_of"]), fold=True)
    page.pairs(_head(page, incident))
    page.line()
    if any(incident[due] for _, due, _ in DEADLINES):
        page.line(page.heading("deadlines"), style="bold")
        page.pairs(_deadlines(page, incident))
        page.line()
    if incident["ladder"]:
        page.line(page.heading("ladder"), style="bold")
        rungs = _ladder(page, incident, directory)
        page.table(("role", "due", "fired", "people"), rungs, flexible="people", fold=True, whole=("due", "fired"))
        page.line()
    page.line(page.heading("timeline"), style="bold")
    known = incident["grade"]["reasons"]  # they stand above already
    rows = [(page.when(r["at"]), page.label("event", r["event"]), _row(page, r, known)) for r in timeline]
    page.table(("at", "event", "data"), rows, flexible="data", fold=True, whole=("at", "event"))


def _row(page: Page, row: dict[str, Any], known: list[str]) -> str:
    """What happened, and by whom when it was a person."""
    data = {k: v for k, v in row["data"].items() if not (k == "reasons" and v == known)}
    told = _told(page, row["event"], data)
    return told if row["actor"] == "tocsin" else f"{told}  {page.heading('by')}={clean(row['actor'], 100)}".strip()


def _sentence(page: Page, name: str, to: object) -> str:
    zh, en = SENTENCES[name]
    return (zh if page.locale == "zh_CN" else en).format(to=_number(to))


def _number(value: object) -> str:
    return f"INC-{value}" if isinstance(value, int) else clean(value, 40)


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
        named("kind", "kind"),
        ("level", page.level(incident["fault_level"])),
        named("severity", "severity"),
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


def _ladder(page: Page, incident: dict[str, Any], directory: Directory | None) -> list[tuple[str, str, str, str]]:
    """Fired rungs with when and whom, the others with how long until they fire and whom they would tell."""
    found = []
    for rung in incident["ladder"]:
        waits = incident["status"] in OPEN and not rung["fired_at"]
        fired = page.when(rung["fired_at"]) or (page.rest(rung["due_at"]) if waits else "-")
        role, people = page.label("role", rung["role"]), list(rung["people"])
        if waits and not people:
            people = [p.name for p in directory.told(Role(rung["role"]))] if directory else [role]
        found.append((role, page.when(rung["due_at"]), fired, ", ".join(people)))
    return found


def _told(page: Page, event: str, data: dict[str, Any]) -> str:
    """A row's data in words: identifiers by their labels."""
    if event == "notification":
        reasons = ", ".join(page.label("reason", r) for r in data.get("reasons") or ())
        return f"{page.label('channel', data.get('channel'))} → {data.get('name') or data.get('to')}  {reasons}"
    if event in ("status", "level", "escalated") and "to" in data:
        group = "status" if event == "status" else "fault_level"
        before, after = page.label(group, data.pop("from", None)), page.label(group, data.pop("to"))
        if event == "level":
            data["reason"] = page.label("level_reason", data.get("reason"))
        return f"{before} → {after}  {_flat(page, data)}".rstrip()
    if event == "linked":
        return _linked(page, data)
    if event == "complaint_counted":  # on the fault's own timeline; its report is the first complaint
        data = {k: v for k, v in data.items() if k != "fault" and not (k == "ticket" and v == data.get("fault"))}
    if event == "registered":
        data.pop("title", None)
    return _flat(page, data)


def _linked(page: Page, data: dict[str, Any]) -> str:
    to = data.get("to")
    if data.get("counted") is False:
        return _sentence(page, "uncounted", to)
    name = next((name for name in ("complaint", "duplicate", "duplicate_of") if data.get(name)), "")
    return _sentence(page, name, to) if name else f"{_number(to)}  {clean(data.get('why') or '', 200)}".rstrip()


def _flat(page: Page, data: dict[str, Any]) -> str:
    """`name=value` pairs, lists with commas, instants local; what is empty is left out."""
    parts = []
    for key, value in data.items():
        text = _value(page, key, value)
        if text:
            parts.append(f"{page.heading(key)}={text}")
    return " ".join(parts)


def _value(page: Page, key: str, value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"from", "to"}:
        return f"{_value(page, key, value['from']) or '-'} → {_value(page, key, value['to']) or '-'}"
    if isinstance(value, dict):
        inside = _flat(page, value)
        return "{" + inside + "}" if inside else ""
    if isinstance(value, list):
        return ", ".join(_value(page, key, v) for v in value)
    if isinstance(value, bool):
        return page.label("word", "yes" if value else "no")
    if value is None:
        return ""
    if isinstance(value, int) and key in NUMBERED:
        return _number(value)
    if isinstance(value, int) and key == "late":
        return span(value)
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return page.when(value)
    group = DATA_LABELS.get(key)
    return page.label(group, value) if group else clean(value, 500)
