"""The command line `tocsin`: a thin parser over daemon/commands.

Exit 0 done, 1 failed, 2 the call or the config is wrong.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from daemon import __version__
from daemon.commands.call import Failed, Wrong, warn


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; every level takes --config and -v."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """An unknown command is told with the nearest that there is; its many names are what --help is for."""
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            raise argparse.ArgumentError(None, f"there is no {self.prog} {value}{_meant(value, action.choices)}")
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        raise Wrong(f"{self.prog.split()[0]}: {message} (see {self.prog} --help)")


def _meant(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    near = difflib.get_close_matches(word, list(known), 1, likeness)
    return f"; did you mean {near[0]}?" if near else ""


FAMILIES = {
    "run": "running",
    "check": "running",
    "simulate": "running",
    "incident": "incident",
    "inbox": "inbox",
    "outbox": "outbox",
    "notify": "notify",
    "db": "database",
    "policy": "policy",
    "token": "token",
    "import": "importing",
}
"""Command -> its file in daemon/commands."""


def build(argv: Sequence[str]) -> Parser:
    """A parser of the commands that `argv` may mean, or of all: a script that calls us often waits for no others."""
    from daemon.commands.options import common

    parser = Parser(
        prog="tocsin",
        description="Turns mail and alerts into graded incidents and makes sure the right people are told in time.",
        epilog="TOCSIN_URL and TOCSIN_TOKEN name another daemon than the config's.",
    )
    parser.add_argument("--version", action="version", version=f"tocsin {__version__}")
    common(parser, top=True)
    _check_options(parser, argv)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    wanted = [family for name, family in FAMILIES.items() if name in argv] or FAMILIES.values()
    for family in dict.fromkeys(wanted):
        import_module(f"daemon.commands.{family}").add(commands)
    return parser


def _check_options(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """What stands before the command: argparse would take the value of an unknown option for the command."""
    known, words = list(parser._option_string_actions), iter(argv)
    for word in words:
        name, given, _ = word.partition("=")
        if not word.startswith("-"):
            return
        fits = [k for k in known if k == name or (name.startswith("--") and k.startswith(name) and len(name) > 2)]
        if not fits:
            hint = _meant(name, known, 0.75) or "; the options of a command stand after it"
            raise Wrong(f"tocsin: there is no option {name} here{hint} (see tocsin --help)")
        if fits == ["--config"] and not given:
            next(words, None)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; nothing but a defect leaves here as an exception."""
    argv = sys.argv[1:] if argv is None else argv
    verbose = "-v" in argv or "--verbose" in argv
    try:
        args = build(argv).parse_args(argv)
        code = args.run(args)
        sys.stdout.flush()
        return int(code or 0)
    except SystemExit as end:  # --help, --version
        return int(end.code or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # a pager was left: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Wrong as fault:
        return _fail(2, fault.lines, verbose)
    except Failed as fault:
        return _fail(1, (f"tocsin: {fault}",), verbose)
    except Exception as fault:  # noqa: BLE001 — the program's edge: one line for people, the whole with -v
        word = " ".join(str(fault).split())
        return _fail(1, (f"tocsin: {type(fault).__name__}: {word[:500]} (-v shows where)",), verbose)


def _fail(code: int, lines: Sequence[str], verbose: bool) -> int:
    if verbose:
        traceback.print_exc()
    for line in lines:
        warn(line)
    return code


if __name__ == "__main__":
    sys.exit(main())
