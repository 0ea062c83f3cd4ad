"""`tocsin run`, `check` and `simulate`."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from daemon.commands.call import Failed, Wrong, config_path, load_config, put, warn
from daemon.commands.options import command


def add(commands: Any) -> None:
    command(commands, "run", run, "the daemon; SIGTERM drains and stops it, SIGHUP reloads the config")
    command(commands, "check", check, "validate the config: every fault at once")
    parser = command(commands, "simulate", simulate, "run a scenario on a virtual clock; sends nothing", json=True)
    parser.add_argument("scenario", metavar="SCENARIO", help="JSON lines, one event a line; - is standard input")
    parser.add_argument("--until", metavar="T", help="how far to go, as 4h (else the last input + 24h)")


def run(args: argparse.Namespace) -> int:
    from daemon.main import run_daemon

    load_config(args)  # every fault at once, before anything is opened
    return int(run_daemon(config_path(args)))


def check(args: argparse.Namespace) -> int:
    config = load_config(args)
    name = config.path.name
    for line in config.warnings:
        warn(f"{name}: warning: {line.removeprefix(f'{name}: ')}")
    counts = {
        "people": len(config.people),
        "services": len(config.services),
        "customers": len(config.customers),
        "webhooks": len(config.webhooks),
        "mailboxes": len(config.mailboxes),
        "SMTP routes": len(config.smtp.routes) if config.smtp else 0,
        "channels": len(config.channels),
        "rules": len(config.rules),
    }
    put(f"{name}: good ({', '.join(f'{what}: {n}' for what, n in counts.items())})")
    return 0


def _seconds(text: str | None) -> int | None:
    from daemon.config.durations import seconds

    if text is None:
        return None
    try:
        return int(text) if re.fullmatch(r"\d{1,9}", text) else seconds(text.removeprefix("+"))
    except ValueError as fault:
        raise Wrong(f"tocsin: --until: {fault}") from None


def simulate(args: argparse.Namespace) -> int:
    from daemon.simulation.engine import simulate as engine
    from daemon.simulation.scenario import ScenarioError

    piped = args.scenario == "-"
    name, path = ("standard input", Path("/dev/stdin")) if piped else (args.scenario, Path(args.scenario))
    until, config = _seconds(args.until), load_config(args, lenient=True)
    try:
        return engine(config, path, until, args.json, sys.stdout)
    except ScenarioError as fault:
        raise Wrong(f"tocsin: {name}: {fault}") from None
    except BrokenPipeError:
        raise
    except OSError as fault:  # what we write to has no name
        place = name if fault.filename == str(path) else fault.filename or "standard output"
        raise Failed(f"{place}: {fault.strerror or fault}") from None
