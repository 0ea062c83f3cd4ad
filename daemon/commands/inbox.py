"""`tocsin inbox`: what came in raw, its outcome, and reading it again."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from daemon.client import segment
from daemon.commands.call import client, optional_config, put_json, warn
from daemon.commands.options import command, group
from daemon.commands.remote import answered
from daemon.commands.tables import Page, clean


def add(commands: Any) -> None:
    family = group(commands, "inbox", "what came in")
    listed = command(family, "list", list_inbox, "newest first", json=True)
    listed.add_argument("--state", metavar="X", help="pending, done, failed")
    listed.add_argument("--outcome", metavar="X", help="registered, joined, unparsable, failed …")
    listed.add_argument("--limit", type=int, default=50, metavar="N")
    listed.add_argument("--cursor", metavar="C", help="go on where the last page ended")
    shown = command(family, "show", show_item, "one item as it came, but for secrets", json=True)
    shown.add_argument("id", metavar="ID")
    replay = command(family, "replay", replay_items, "read items again, after a parser was mended", json=True)
    replay.add_argument("ids", metavar="ID", nargs="+")


def list_inbox(args: argparse.Namespace) -> int:
    config = optional_config(args)
    with answered(args):
        found = client(args, config).get(
            "/inbox", state=args.state, outcome=args.outcome, limit=args.limit, cursor=args.cursor
        )
    if args.json:
        put_json(found)
        return 0
    page = Page(config)
    page.table(
        ("id", "received", "outcome", "source", "parser", "state", "error"),
        (
            (
                r["id"],
                page.when(r["received_at"]),
                r["outcome"],
                page.label("source", r["source"]),
                clean(r["parser"], 14),
                r["state"],
                r["error"],
            )
            for r in found["inbox"]
        ),
        flexible="error",
        whole=("id", "received", "outcome"),
        lesser=("source", "parser", "state"),
    )
    if found["next"]:
        warn(f"more: --cursor {found['next']}")
    return 0


def show_item(args: argparse.Namespace) -> int:
    config = optional_config(args)
    with answered(args):
        found = client(args, config).get(f"/inbox/{segment(args.id)}", full="true" if args.json else None)
    if args.json:
        put_json(found)
        return 0
    page = Page(config)
    page.line(f"{found['id']}  {found['state']}  {found['outcome']}", style="bold")
    page.pairs(
        [
            ("received", page.when(found["received_at"])),
            ("source", f"{page.label('source', found['source'])} {found['entry']} ({found['parser']})"),
            ("error", found["error"]),
            ("size", str(found["size"])),
            *((r["outcome"], r["incident"] or "-") for r in found["reports"]),
            *((name, value) for name, value in found["headers"].items()),
        ]
    )
    page.line()
    text = found["body"]["text"]
    for line in (text if text is not None else found["body"]["base64"]).splitlines():
        sys.stdout.write(_shown(line) + "\n")
    if found["body"]["truncated"]:
        warn("the body goes on: --json shows all of it")
    return 0


def _shown(line: str) -> str:
    """A line of a body with its spaces, but nothing that moves the cursor."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)


def replay_items(args: argparse.Namespace) -> int:
    config = optional_config(args)
    with answered(args):
        remote = client(args, config)
        rows = [remote.post(f"/inbox/{segment(ident)}/replay") for ident in args.ids]
    if args.json:
        put_json({"inbox": rows})
        return 0
    page = Page(config)
    for row in rows:
        page.line(f"{row['id']}: {row['state']}")
    return 0
