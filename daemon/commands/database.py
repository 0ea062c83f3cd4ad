"""`tocsin db upgrade` and `tocsin db check`: directly on the database."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from daemon.commands.call import Failed, database_url, load_config, put, warn
from daemon.commands.options import command, group


def add(commands: Any) -> None:
    family = group(commands, "db", "the database")
    command(family, "upgrade", upgrade, "bring the tables to this version (SQLite: with the daemon stopped)")
    command(family, "check", check, "look for damage; may run beside the daemon")


def upgrade(args: argparse.Namespace) -> int:
    from daemon.store import StoreError
    from daemon.store import upgrade as move

    try:
        asyncio.run(move(database_url(load_config(args, lenient=True))))
    except StoreError as fault:
        raise Failed(str(fault)) from None
    put("the database is at this version")
    return 0


def check(args: argparse.Namespace) -> int:
    from daemon.store import check as look

    problems = asyncio.run(look(database_url(load_config(args, lenient=True))))
    for problem in problems:
        warn(f"tocsin: {problem}")
    if not problems:
        put("the database is good")
    return 1 if problems else 0
