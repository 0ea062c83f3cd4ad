"""Text from outside, made fit to be shown: in a subject, a line of a mail, an SMS."""

from __future__ import annotations

import re
import unicodedata

_URL = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+", re.IGNORECASE)
_TAG = re.compile(r"\[\s*(INC-\d+)\s*\]", re.IGNORECASE)
_JOINERS = "\u200c\u200d"  # part of words in some scripts, and of emoji
_DROPPED = {"Cf", "Cs", "Co"}  # bidi controls, zero-width, tags; surrogates; private use
_BREAKS = {"Cc", "Zl", "Zp"}


def line(text: object, limit: int) -> str:
    """One line without control, bidi and invisible characters, at most `limit` characters, cut with an ellipsis."""
    kept = "".join(_shown(c) for c in str(text)[: limit * 4 + 100])
    return cut(" ".join(kept.split()), limit)


def block(text: object, limit: int, lines: int) -> str:
    """As `line`, but with its line breaks: at most `limit` characters and `lines` lines, blank runs made one."""
    rows = str(text)[: limit * 2 + 1000].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    shown = ["".join(_shown(c) for c in row).rstrip() for row in rows]
    kept = [row for at, row in enumerate(shown) if row.strip() or (at and shown[at - 1].strip())]
    while kept and not kept[0].strip():
        kept.pop(0)
    whole = "\n".join(kept).rstrip()
    short = "\n".join(kept[:lines])[:limit].rstrip()
    return short if short == whole and len(str(text)) <= limit * 2 + 1000 else short + " …"


def title(text: object, limit: int) -> str:
    """A subject's worth: as `line`, and a tag of another incident in it cannot draw replies there."""
    return line(_TAG.sub(r"\1", str(text)[:2000]), limit)


def harmless_title(text: object, limit: int) -> str:
    """A `title` for mail to an unknown sender, without links: we do not carry other people's advertising."""
    return title(_URL.sub("…", str(text)[:2000]), limit)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def _shown(char: str) -> str:
    if char.isascii():
        return char if " " <= char != "\x7f" else " "
    category = unicodedata.category(char)
    if category in _BREAKS:
        return " "
    return "" if category in _DROPPED and char not in _JOINERS else char
