"""Calls to the daemon, with its refusals in the words of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from daemon.client import Refused, Unreachable
from daemon.commands.call import Failed, Wrong


@contextmanager
def answered(args: argparse.Namespace) -> Iterator[None]:
    """A refused field is the caller's fault (exit 2); the rest failed (exit 1)."""
    try:
        yield
    except Unreachable as fault:
        raise Failed(f"{fault}; start it with: tocsin run{_config(args)}") from fault
    except Refused as fault:
        if fault.status == 401:
            raise Failed(f"{fault}; set TOCSIN_TOKEN (tocsin token new NAME --scope operate)") from fault
        if fault.status in (400, 422):
            raise Wrong(f"tocsin: {fault}") from fault
        raise Failed(str(fault)) from fault


def _config(args: argparse.Namespace) -> str:
    return f" --config {args.config}" if args.config else ""
