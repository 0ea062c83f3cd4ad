"""`tocsin incident`: list, show, new, patch, and every action of RULES 7, through the HTTP API."""

from __future__ import annotations

import argparse
from typing import Any

import orjson
from pydantic import BaseModel

from daemon.client import segment
from daemon.commands.call import Wrong, client, optional_config, put_json, warn
from daemon.commands.options import add_fields, command, fields_of, group, instant
from daemon.commands.remote import answered
from daemon.commands.show import show_page
from daemon.commands.tables import Page, clean
from daemon.console.bodies import ACTIONS, Patch, Register

FIRST = {
    "assign": "to",
    "reject": "reason",
    "note": "text",
    "participants": "add",
    "pend": "reason",
    "third-party": "name",
    "transfer": "to",
    "escalate": "role",
    "follow": "reason",
    "bulletin": "text",
    "resolve": "solution",
    "review": "verdict",
    "reopen": "reason",
    "cancel": "reason",
    "duplicate": "of",
    "link": "to",
    "rate": "score",
    "close": "close_code",
}
"""The field that may stand after the number, without its option's name."""

HELP = {
    "assign": "to a role or a person",
    "reject": "back to the desk",
    "accept": "take it on",
    "note": "write a note; --public sends it to the reporter too",
    "participants": "add people",
    "pend": "wait for something",
    "resume": "go on after waiting",
    "third-party": "hand it to a third party",
    "arrive": "arrived on site",
    "transfer": "into the change process: defect or requirement",
    "verify": "the desk has verified kind and service",
    "measure": "enter the measures of a fault",
    "escalate": "tell a role",
    "follow": "ask the incident manager to follow it",
    "bulletin": "publish a fault bulletin",
    "resolve": "it is solved",
    "review": "the problem manager's verdict on the solution",
    "confirm": "the reporter says that it is solved",
    "close": "close it with a code",
    "reopen": "it is not solved",
    "cancel": "it was none",
    "duplicate": "it is the same as another one",
    "link": "it belongs to another one",
    "rate": "enter the reporter's score, 1 to 5",
}


def add(commands: Any) -> None:
    family = group(commands, "incident", "incidents: list, show, new, patch, and every action")
    _add_list(family)
    shown = command(family, "show", show_incident, "one incident with its ladder and timeline", json=True)
    shown.add_argument("number", metavar="N", help="INC-42 or 42")
    new = command(family, "new", new_incident, "register an incident", json=True)
    new.add_argument("first", nargs="?", metavar="TITLE")
    add_fields(new, Register)
    for part in ("name", "address", "phone"):
        new.add_argument(f"--reporter-{part}", metavar="X")
    _add_data(new)
    patch = command(family, "patch", patch_incident, "correct kind, service, impact … (needs a reason)", json=True)
    patch.add_argument("number", metavar="N", help="INC-42 or 42")
    patch.add_argument("first", nargs="?", metavar="REASON")
    add_fields(patch, Patch)
    _add_data(patch)
    for name, model in ACTIONS.items():
        _add_action(family, name, model)


def _add_list(family: Any) -> None:
    listed = command(family, "list", list_incidents, "newest first", json=True)
    for name in ("status", "priority", "kind", "fault-level"):
        listed.add_argument(f"--{name}", metavar="X", help="one, or several with commas between")
    listed.add_argument("--service", metavar="S")
    listed.add_argument("--open", action="store_true", help="only those not resolved, closed or cancelled")
    listed.add_argument("-q", "--query", metavar="WORDS", help="in title, reporter or number")
    listed.add_argument("--since", metavar="T", help="registered at or after it")
    listed.add_argument("--limit", type=int, default=50, metavar="N")
    listed.add_argument("--cursor", metavar="C", help="go on where the last page ended")


def _add_action(family: Any, name: str, model: type[BaseModel]) -> None:
    parser = command(family, name, act, HELP[name], json=True)
    parser.set_defaults(action=name)
    parser.add_argument("number", metavar="N", help="INC-42 or 42")
    if first := FIRST.get(name):
        parser.add_argument("first", nargs="?", metavar=first.upper())
    add_fields(parser, model)
    _add_data(parser)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="JSON", help="the data as the API takes it; options go over it")


def _body(args: argparse.Namespace, model: type[BaseModel], first: str, config: Any) -> dict[str, Any]:
    """--data, then the positional value, then the options."""
    found: dict[str, Any] = {}
    if args.data is not None:
        try:
            found = orjson.loads(args.data)
        except orjson.JSONDecodeError as fault:
            raise Wrong(f"tocsin: --data: no JSON: {str(fault).partition(':')[0]}") from None
        if not isinstance(found, dict):
            raise Wrong("tocsin: --data: must be a JSON object")
    if (value := getattr(args, "first", None)) is not None:
        found[first] = [value] if first == "add" else int(value) if first == "score" and value.isdigit() else value
    return found | fields_of(args, model, config.timezone if config else None)


def list_incidents(args: argparse.Namespace) -> int:
    config = optional_config(args)
    zone = config.timezone if config else None
    status = args.status or ("registered,assigned,in_progress,pending" if args.open else None)
    with answered(args):
        found = client(args, config).get(
            "/incidents",
            status=status,
            priority=args.priority,
            kind=args.kind,
            service=args.service,
            fault_level=args.fault_level,
            q=args.query,
            since=instant("since", args.since, zone) if args.since else None,
            cursor=args.cursor,
            limit=args.limit,
        )
    if args.json:
        put_json(found)
        return 0
    page = Page(config)
    page.table(
        ("number", "priority", "status", "level", "service", "registered", "title"),
        (
            (
                i["number"],
                page.priority(i["priority"]),
                page.label("status", i["status"]),
                page.level(i["fault_level"]),
                clean(i["service"] or "", 16),
                page.when(i["registered_at"]),
                i["title"],
            )
            for i in found["incidents"]
        ),
        flexible="title",
        whole=("number", "registered"),
        lesser=("level", "service"),
    )
    if found["next"]:
        warn(f"more: --cursor {found['next']}")
    return 0


def show_incident(args: argparse.Namespace) -> int:
    config = optional_config(args)
    with answered(args):
        remote = client(args, config)
        incident = remote.get(f"/incidents/{segment(args.number)}")
        timeline: list[dict[str, Any]] = []
        after: str | None = None
        while after is not None or not timeline:
            part = remote.get(f"/incidents/{segment(args.number)}/timeline", after=after, limit=500)
            timeline += part["timeline"]
            after = part["next"]
            if after is None:
                break
    if args.json:
        put_json(incident | {"timeline": timeline})
        return 0
    show_page(Page(config), incident, timeline, config.directory() if config else None)
    return 0


def _done(args: argparse.Namespace, config: Any, incident: dict[str, Any]) -> int:
    """One line that says where it stands now."""
    if args.json:
        put_json(incident)
        return 0
    page = Page(config)
    parts = [f"P{incident['priority']}", page.label("status", incident["status"])]
    if incident["fault_level"] not in (None, "none"):
        parts.append(page.label("fault_level", incident["fault_level"]))
    if incident["assignee"]:
        parts.append(clean(incident["assignee"], 100))
    page.line(f"{incident['number']} ({', '.join(parts)}): {clean(incident['title'], 200)}")
    return 0


def new_incident(args: argparse.Namespace) -> int:
    config = optional_config(args)
    body = _body(args, Register, "title", config)
    reporter = {p: v for p in ("name", "address", "phone") if (v := getattr(args, f"reporter_{p}"))}
    if reporter:
        body["reporter"] = reporter
    with answered(args):
        return _done(args, config, client(args, config).post("/incidents", body))


def patch_incident(args: argparse.Namespace) -> int:
    config = optional_config(args)
    body = _body(args, Patch, "reason", config)
    with answered(args):
        return _done(args, config, client(args, config).patch(f"/incidents/{segment(args.number)}", body))


def act(args: argparse.Namespace) -> int:
    config = optional_config(args)
    body = _body(args, ACTIONS[args.action], FIRST.get(args.action, ""), config)
    with answered(args):
        path = f"/incidents/{segment(args.number)}/{args.action}"
        return _done(args, config, client(args, config).post(path, body))
