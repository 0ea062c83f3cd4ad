"""What a reporter's reply to a resolved incident says: yes, no, a score, or other words (RULES 7.2)."""

from __future__ import annotations

import re

from daemon.core.word_search import find_word, fold
from daemon.core.words import Words

YES, NO, OTHER = "yes", "no", "other"
LOW = 2
"""A score up to here is a complaint (RULES 7.6)."""

_REST = 6  # characters that may remain beside the words of a yes: a name, a courtesy
_SCORE = re.compile(r"[\s(（]*([1-5])\s*(?:分|星|/\s*5)?[\s)）。.!！]*")


def read(text: str, words: Words) -> tuple[str, int | None]:
    """(YES, NO or OTHER, score or None). Only a reply that says nothing but yes is a yes: who writes more may have
    more to say, and reopening by mistake costs less than closing by mistake."""
    folded = fold(text[:2000]).strip()
    if match := _SCORE.fullmatch(folded):
        return OTHER, int(match.group(1))
    if find_word(folded, words.no):
        return NO, None
    rest, found = folded, False
    for word in sorted(words.yes, key=len, reverse=True):
        if find_word(rest, (word,)):
            found = True
            rest = rest.replace(fold(word), "")
    rest = "".join(c for c in rest if c.isalnum())
    return (YES if found and len(rest) <= _REST else OTHER), None
