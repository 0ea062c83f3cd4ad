"""`tocsin token`: through the daemon when it answers, else directly in the store that it would hold."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from daemon.client import Refused, Unreachable, segment
from daemon.clock import SystemClock
from daemon.commands.call import Failed, Wrong, client, database_url, load_config, optional_config, put, put_json
from daemon.commands.options import command, group
from daemon.commands.remote import answered
from daemon.commands.tables import Page, clean
from daemon.console.auth import Scope
from daemon.console.bodies import NewToken


def add(commands: Any) -> None:
    family = group(commands, "token", "API tokens")
    new = command(family, "new", new_token, "make a token: printed once, stored hashed")
    new.add_argument("name", metavar="NAME")
    new.add_argument("--scope", required=True, choices=[s.word for s in Scope], help="each holds those before it")
    new.add_argument("--person", metavar="P", help="whose name its actions carry")
    command(family, "list", list_tokens, "the tokens, without their secrets", json=True)
    revoke = command(family, "revoke", revoke_token, "let a token in no more")
    revoke.add_argument("name", metavar="NAME")


def new_token(args: argparse.Namespace) -> int:
    """The token stands alone on standard output."""
    if not args.name.strip() or len(args.name) > 200:
        raise Wrong("tocsin: a token's name has 1 to 200 characters")
    config = load_config(args, lenient=True)
    body = NewToken(name=args.name, scope=args.scope, person=args.person).model_dump(exclude_none=True)
    try:
        token = client(args, config).post("/tokens", body)["token"]
    except (Unreachable, Wrong):  # no daemon, or no key yet to knock with
        token = asyncio.run(_direct(config, args))
    except Refused as fault:
        raise Failed(str(fault)) from None
    put(str(token))
    return 0


async def _direct(config: Any, args: argparse.Namespace) -> str:
    from daemon.console.tokens import NameTaken, make_token
    from daemon.store import StoreError, opened

    person = config.book().directory.person(args.person) if args.person else None
    if args.person and person is None:
        raise Wrong(f"tocsin: --person: the config names nobody {args.person!r}")
    try:
        async with opened(database_url(config), SystemClock(), exclusive=False) as store:
            return await make_token(
                store, SystemClock(), args.name.strip(), Scope.named(args.scope), person.id if person else None
            )
    except NameTaken as fault:
        raise Failed(str(fault)) from None
    except StoreError as fault:
        raise Failed(f"database: {fault}") from None


def list_tokens(args: argparse.Namespace) -> int:
    config = optional_config(args)
    with answered(args):
        found = client(args, config).get("/tokens")
    if args.json:
        put_json(found)
        return 0
    page = Page(config)
    rows = ((clean(t["name"], 40), t["scope"], t["person"] or "", page.when(t["created_at"])) for t in found["tokens"])
    page.table(("name", "scope", "person", "created"), rows, flexible="name")
    return 0


def revoke_token(args: argparse.Namespace) -> int:
    with answered(args):
        client(args, optional_config(args)).delete(f"/tokens/{segment(args.name)}")
    return 0
