"""Mails in files: .eml, mbox (RFC 4155, with mboxrd's quoting), Maildir, and folders of .eml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FROM = re.compile(rb"From .*(?:19|20)\d\d\b")  # the line before each mail of an mbox, with its year
_QUOTED = re.compile(rb">+From ")


@dataclass(frozen=True, slots=True)
class Found:
    """One mail. `name` says where it is: `box.mbox#12`, `INBOX/cur/…`. `body` is None when it is over the limit.
    `read` counts the bytes of its file up to its end."""

    name: str
    body: bytes | None
    read: int


def files_of(path: Path) -> list[Path]:
    """The files that hold mails: the file itself, the messages of a Maildir, or every .eml below a folder.

    Raises OSError when there is nothing at `path`.
    """
    if not path.is_dir():
        path.stat()
        return [path]
    if (path / "cur").is_dir() or (path / "new").is_dir():
        found = [file for part in ("cur", "new") for file in sorted((path / part).glob("*")) if file.is_file()]
        return sorted(found, key=lambda file: file.name)  # delivery time comes first in a Maildir's names
    return sorted(file for file in path.rglob("*.eml") if file.is_file())


def mails_of(path: Path, most: int) -> Iterator[Found]:
    """The mails of one file, in order, of at most `most` bytes each. Raises OSError."""
    with path.open("rb") as file:
        first = file.readline(10_000)
        if not _FROM.match(first):
            body = first + file.read(max(most + 1 - len(first), 0))
            yield Found(str(path), body if len(body) <= most else None, path.stat().st_size)
            return
        number, lines, size, blank, at = 1, list[bytes](), 0, False, len(first)
        while line := file.readline(1 << 20):
            at += len(line)
            if blank and _FROM.match(line):
                yield Found(f"{path}#{number}", _joined(lines) if size <= most else None, at - len(line))
                number, lines, size, blank = number + 1, [], 0, False
                continue
            blank = line in (b"\n", b"\r\n")
            size += len(line)
            if size <= most:
                lines.append(line[1:] if _QUOTED.match(line) else line)
        yield Found(f"{path}#{number}", _joined(lines) if size <= most else None, at)


def _joined(lines: list[bytes]) -> bytes:
    """Without the empty line that only parts it from the next."""
    if lines and lines[-1] in (b"\n", b"\r\n"):
        lines = lines[:-1]
    return b"".join(lines)
