"""`tocsin import mail`: mails from files, through the same inbox and intake as those that arrive.

Each mail leaves a receipt with the hash of its bytes, in the same commit: an import that was interrupted is simply
called again, and a mail that lies in several files is taken once. Mails that only look the same (a second delivery)
are found by the intake, as always.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.clock import SystemClock, rfc3339
from daemon.commands.call import Failed, Wrong, load_config, put, warn
from daemon.commands.mail_files import Found, files_of, mails_of
from daemon.commands.options import command, group

if TYPE_CHECKING:
    from daemon.config import Config
    from daemon.store import Mailboxes, Store

WINDOW_MAILS, WINDOW_BYTES = 250, 8 << 20
QUIET = 5.0  # seconds without any mail understood after which nobody seems to read the inbox
NAMED = 20  # duplicates and refusals that are named; the rest is counted


def add(commands: Any) -> None:
    family = group(commands, "import", "what was collected elsewhere")
    mail = command(family, "mail", import_mail, "mails from .eml, mbox and Maildir; may be called again after a stop")
    mail.add_argument("files", metavar="FILE", nargs="+", type=Path, help=".eml, mbox, Maildir, or a folder of .eml")
    mail.add_argument("--entry", metavar="NAME", help="the mailbox or route it counts for (else the first for support)")
    mail.add_argument("--no-wait", action="store_true", help="do not wait until the daemon has understood it")


@dataclass
class Tally:
    """What became of the import. `duplicates`: (name, of which)."""

    taken: dict[int, str] = field(default_factory=dict)  # inbox id -> name
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)  # receipt -> first name in this run


def import_mail(args: argparse.Namespace) -> int:
    from daemon.store import StoreError

    config = load_config(args)
    entry, parser = _entry(config, args.entry)
    files: list[Path] = []
    for path in args.files:
        try:
            files += files_of(path)
        except OSError as error:
            raise Wrong(f"tocsin: {path}: {error.strerror or error}") from None
    try:
        tally, outcomes = asyncio.run(_import(config, files, entry, parser, wait=not args.no_wait))
    except StoreError as error:
        raise Failed(str(error)) from None
    return _told(tally, outcomes)


def _entry(config: Config, name: str | None) -> tuple[str, str]:
    """(entry, parser): the one named, else the first mailbox or route for people's mail. Raises Wrong."""
    from daemon.doors.smtp_routes import PARSERS

    routes = config.smtp.routes if config.smtp else []
    known = [(box.name, box.as_) for box in config.mailboxes] + [(route.name, route.as_) for route in routes]
    for entry, kind in known:
        if entry == name or (name is None and kind == "support"):
            return entry, PARSERS[kind]
    if name is not None:
        raise Wrong(f"tocsin: --entry: there is no mailbox or route {name!r} ({', '.join(n for n, _ in known) or '-'})")
    return "import", PARSERS["support"]


async def _import(config: Config, files: list[Path], entry: str, parser: str, wait: bool) -> tuple[Tally, Counter[str]]:
    from daemon.store import Mailboxes, opened

    most = config.smtp.max_size if config.smtp else 25 << 20
    tally = Tally()
    async with opened(config.database.url, SystemClock(), exclusive=False) as store:
        receipts = Mailboxes(store)
        with _bar("importing", sum(_size(file) for file in files)) as advance:
            window: list[Found] = []
            size = 0
            for found in _all(files, most, tally, advance):
                window.append(found)
                size += len(found.body or b"")
                if len(window) >= WINDOW_MAILS or size >= WINDOW_BYTES:
                    await _commit(store, receipts, window, entry, parser, tally)
                    window, size = [], 0
            await _commit(store, receipts, window, entry, parser, tally)
        return tally, await _understood(store, tally) if wait else Counter()


def _all(files: list[Path], most: int, tally: Tally, advance: Any) -> Iterator[Found]:
    """Every mail that can be taken; what cannot is noted."""
    for file in files:
        before = 0
        try:
            for found in mails_of(file, most):
                advance(found.read - before)
                before = found.read
                if found.body is None:
                    tally.refused.append((found.name, f"is larger than {most} bytes"))
                elif not found.body.strip():
                    tally.refused.append((found.name, "is empty"))
                else:
                    yield found
        except OSError as error:
            tally.refused.append((str(file), error.strerror or str(error)))


async def _commit(
    store: Store, receipts: Mailboxes, window: list[Found], entry: str, parser: str, tally: Tally
) -> None:
    from daemon.core.mailboxes import Place, Receipt
    from parsers import Raw

    place = Place(f"import:{entry}", "", 0)
    mails: list[tuple[Raw, Receipt]] = []
    named: dict[int, tuple[int, str]] = {}
    for found in window:
        body = found.body or b""
        digest = sha256(body)
        uid = int.from_bytes(digest.digest()[:8], "big") >> 1
        if uid in tally.names:
            tally.duplicates.append((found.name, tally.names[uid]))
            continue
        tally.names[uid] = found.name
        raw = Raw(
            id=store.new_id(),
            source="email",
            entry=entry,
            parser=parser,
            received_at=SystemClock().now(),
            body=body,
            content_type="message/rfc822",
            headers={"x-file": found.name[-500:], **_dated(body)},
        )
        named[uid] = (raw.id, found.name)
        mails.append((raw, Receipt(uid, size=len(body), sha256=digest.hexdigest())))
    new = await receipts.accept(place, mails)
    for uid, (number, name) in named.items():
        if uid in new:
            tally.taken[number] = name
        else:
            tally.duplicates.append((name, "an earlier import"))


def _dated(body: bytes) -> dict[str, str]:
    """When it was sent, by its Date: the file does not say when it arrived."""
    for line in body[:65536].splitlines():
        if not line.strip():
            break
        if line[:5].lower() == b"date:":
            try:
                sent = round(parsedate_to_datetime(line[5:200].decode("latin-1").strip()).timestamp() * 1000)
            except (ValueError, TypeError, OverflowError, OSError):
                break
            return {"x-internaldate": rfc3339(sent)} if 0 < sent <= SystemClock().now() else {}
    return {}


async def _understood(store: Store, tally: Tally) -> Counter[str]:
    """Waits for the intake; what became of the mails, `pending` for those that nobody reads."""
    outcomes: Counter[str] = Counter()
    waiting, left = sorted(tally.taken), QUIET
    sql = "SELECT id, state, outcome FROM inbox WHERE id = ANY($1::bigint[]) AND state <> 'pending'"
    with _bar("understanding", len(waiting)) as advance:
        while waiting and left > 0:
            rows = await store.fetch(sql, waiting[:1000])
            if not rows:
                await asyncio.sleep(0.2)
                left -= 0.2
                continue
            left = QUIET
            advance(len(rows))
            done = {row[0] for row in rows}
            waiting = [number for number in waiting if number not in done]
            outcomes.update(row[2] for row in rows)
            tally.duplicates += [(tally.taken[row[0]], "a mail that is known") for row in rows if row[2] == "duplicate"]
            tally.refused += [(tally.taken[row[0]], row[2]) for row in rows if row[1] == "failed"]
    outcomes["pending"] += len(waiting)
    return +outcomes


def _told(tally: Tally, outcomes: Counter[str]) -> int:
    for name, of in tally.duplicates[:NAMED]:
        warn(f"duplicate: {name} ({of})")
    if len(tally.duplicates) > NAMED:
        warn(f"duplicate: {len(tally.duplicates) - NAMED} more")
    for name, why in tally.refused[:NAMED]:
        warn(f"not taken: {name}: {why}")
    if len(tally.refused) > NAMED:
        warn(f"not taken: {len(tally.refused) - NAMED} more")
    became = ", ".join(f"{what} {n}" for what, n in sorted(outcomes.items()))
    put(f"imported {len(tally.taken)}, duplicates {len(tally.duplicates)}" + (f" ({became})" if became else ""))
    if outcomes["pending"]:
        warn("no daemon reads the inbox now: what is pending is understood when it runs")
    return 1 if tally.refused else 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextmanager
def _bar(what: str, total: int) -> Iterator[Any]:
    """A progress bar on a terminal, nothing elsewhere; yields what moves it on."""
    from rich.console import Console
    from rich.progress import Progress

    if not sys.stderr.isatty() or not total:
        yield lambda n: None
        return
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda n: progress.advance(task, n)
