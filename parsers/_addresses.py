"""Addresses and message ids out of header values, in time linear in their size (RFC 5322, and what mail really holds).

Encoded-words are decoded in display names only, never inside an address: `=?utf-8?Q?a=40b?=@c` is no `a@b`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from parsers._charset import decode, tidy
from parsers._headers import words

MAX_ADDRESSES = 2000
MAX_IDS = 200

_PLAIN = re.compile(r'(?:"([^"\\]*)"|([^"(),;:<>@\\]*))<([^\s<>@,;:"()]+@[^\s<>@,;:"()]+)>\Z')
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"?|<([^<>]*)>?|([(),;:>])|([^"(),;:<>]+)', re.DOTALL)
_COMMENT_MARK = re.compile(r"[()]|\\.|[^()\\]+|\\", re.DOTALL)
_ADDRESS = re.compile(r"[^\s<>@,;()]{1,320}@[^\s<>@,;()]{1,255}\Z")
_ID = re.compile(r"<([^<>]{1,998})>")


def addresses(values: Iterable[bytes]) -> list[tuple[str, str]]:
    """(address in lower case, display name) of every mailbox in the values, groups opened, in order."""
    found: list[tuple[str, str]] = []
    for value in values:
        text = decode(value)[0].strip()
        if match := _PLAIN.match(text):
            found.append((match[3].lower(), _name(match[1] or match[2] or "")))
        elif text:
            _scan(text, found)
        if len(found) >= MAX_ADDRESSES:
            break
    return found[:MAX_ADDRESSES]


def _name(phrase: str) -> str:
    if "=?" in phrase:
        phrase = words(phrase.encode("utf-8", "replace"))
    return tidy(" ".join(phrase.split()), 200).strip("\"' ")


def _scan(text: str, found: list[tuple[str, str]]) -> None:
    phrase: list[str] = []
    comment, angle, quoted = "", "", False
    position, end = 0, len(text)

    def close() -> None:
        nonlocal phrase, comment, angle, quoted
        name = " ".join(phrase)
        address = angle.rpartition(":")[2] if angle.startswith("@") else angle
        if not address:  # no angle brackets: the address is a word of the phrase
            word = next((w for w in name.split() if _ADDRESS.match(w)), "")
            address, name = word, name.replace(word, "", 1) if word else name
        address = "".join(address.split()).strip("\"'.").lower()
        if _ADDRESS.match(address):
            found.append((tidy(address, 320), _name(name.strip() or comment)))
        phrase, comment, angle, quoted = [], "", "", False

    while position < end and len(found) < MAX_ADDRESSES:
        match = _TOKEN.match(text, position)
        if match is None:
            position += 1
            continue
        position = match.end()
        if match[1] is not None:
            phrase.append(re.sub(r"\\(.)", r"\1", match[1]))
            quoted = True
        elif match[2] is not None:
            angle = angle or match[2].strip()
        elif match[4] is not None:
            word = match[4].strip()
            if quoted and word.startswith("@"):  # "john doe"@example.com
                phrase[-1] = phrase[-1].replace(" ", ".") + word
            elif word:
                phrase.append(word)
            quoted = False
        elif match[3] == "(":
            note, position = _comment(text, position)
            comment = comment or note
        elif match[3] in ",;":
            close()
        elif match[3] == ":" and not angle and "@" not in " ".join(phrase):
            phrase = []  # the name of a group
    close()


def _comment(text: str, position: int) -> tuple[str, int]:
    """The text of the comment that opened before `position`, and where it ends; nesting is counted, not recursed."""
    depth, start = 1, position
    while depth and (match := _COMMENT_MARK.match(text, position)):
        position = match.end()
        depth += (match[0] == "(") - (match[0] == ")")
    return text[start : position - (depth == 0)], position


def message_ids(values: Iterable[bytes]) -> tuple[str, ...]:
    """Message ids without angle brackets, in order, each once; the newest 200 (the last ones) when there are more.

    Foxmail puts commas between them, some clients leave the brackets out, Exchange has "$" in them.
    """
    found: dict[str, None] = {}
    for value in values:
        text = decode(value)[0]
        ids = _ID.findall(text) or [w.strip("<>,;\"'") for w in re.split(r"[\s,]+", text) if "@" in w]
        found.update(dict.fromkeys(i for i in (tidy("".join(one.split()), 998) for one in ids) if i))
    return tuple(found)[-MAX_IDS:]
