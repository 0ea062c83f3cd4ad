"""`tocsin outbox`: what is to be sent, was sent, failed; trying again, and giving up."""

from __future__ import annotations

import argparse
from typing import Any

from daemon.client import segment
from daemon.commands.call import client, optional_config, put_json, warn
from daemon.commands.options import command, group
from daemon.commands.remote import answered
from daemon.commands.tables import Page, clean


def add(commands: Any) -> None:
    family = group(commands, "outbox", "what is sent")
    listed = command(family, "list", list_outbox, "newest first", json=True)
    listed.add_argument("--state", metavar="X", help="pending, sent, failed, merged, dropped")
    listed.add_argument("--incident", metavar="N", help="INC-42 or 42")
    listed.add_argument("--limit", type=int, default=50, metavar="N")
    listed.add_argument("--cursor", metavar="C", help="go on where the last page ended")
    for name, text in (("retry", "send again, now"), ("drop", "do not send any more")):
        moved = command(family, name, move, text, json=True)
        moved.add_argument("ids", metavar="ID", nargs="+")
        moved.set_defaults(move=name)


def list_outbox(args: argparse.Namespace) -> int:
    config = optional_config(args)
    with answered(args):
        found = client(args, config).get(
            "/notifications", state=args.state, incident=args.incident, limit=args.limit, cursor=args.cursor
        )
    if args.json:
        put_json(found)
        return 0
    page = Page(config)
    page.table(
        ("id", "incident", "at", "state", "channel", "reason", "to"),
        (
            (
                r["id"],
                r["incident"],
                page.when(r["at"]),
                page.label("notice_state", r["state"]),
                page.label("channel", r["channel"]),
                page.label("reason", r["reason"]),
                f"{clean(r['person'], 40)} {clean(r['error'], 200)}".strip(),
            )
            for r in found["notifications"]
        ),
        flexible="to",
        whole=("id", "incident", "at", "state"),
        lesser=("channel", "reason"),
    )
    if found["next"]:
        warn(f"more: --cursor {found['next']}")
    return 0


def move(args: argparse.Namespace) -> int:
    config = optional_config(args)
    with answered(args):
        remote = client(args, config)
        rows = [remote.post(f"/notifications/{segment(ident)}/{args.move}") for ident in args.ids]
    if args.json:
        put_json({"notifications": rows})
        return 0
    page = Page(config)
    for row in rows:
        page.line(f"{row['id']} ({row['incident']}): {page.label('notice_state', row['state'])}")
    return 0
