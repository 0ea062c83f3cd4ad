"""Finds every word of every table in one pass over a text, however many words there are (re2's set automaton)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2

from daemon.core.simplified import TABLE

MEMORY = 64 << 20  # bytes at most for the automaton; a set that outgrew it would find nothing
GAP_LATIN, GAP_CHINESE = 40, 10  # characters that a `…` stands for

_SAME = (
    *(
        ("登入", "登录"),
        ("登陆", "登录"),
        ("伺服器", "服务器"),
        ("网路", "网络"),
        ("储值", "充值"),
        ("简讯", "短信"),
        ("帐", "账"),
    ),
    *(
        ("资料库", "数据库"),
        ("硬碟", "硬盘"),
        ("磁碟", "磁盘"),
        ("程式", "程序"),
        ("使用者", "用户"),
        ("列印", "打印"),
        ("覆", "复"),
    ),
    *(
        ("当机", "宕机"),
        ("逾时", "超时"),
        ("品质", "质量"),
        ("讯息", "信息"),
        ("连线", "连接"),
        ("宕掉", "宕机"),
        ("当掉", "宕机"),
    ),
)
"""What is written in different ways, with the way that the tables use."""

_CHARACTERS = TABLE | str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'"})


def fold(text: str) -> str:
    """How texts and words are compared: half width, lower case, simplified characters, straight apostrophes."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold().translate(_CHARACTERS)
    for written, same in _SAME:
        text = text.replace(written, same)
    return text


folded = lru_cache(20_000)(fold)
"""For the words of the tables, which are few and always the same."""


def pattern(word: str) -> str:
    """The expression of a word: Latin letters and digits begin and end at word borders, `…` is a gap in a clause."""
    text = folded(word.strip())
    gap = GAP_LATIN if text.isascii() or text.replace("…", "").replace("...", "").isascii() else GAP_CHINESE
    parts = [re2.escape(part) for part in text.replace("...", "…").split("…")]
    found = rf"[^。!?;\n.,，]{{0,{gap}}}".join(parts)
    first, last = text[0], text[-1]
    left = r"\b" if first.isascii() and first.isalnum() else ""
    right = r"\b" if last.isascii() and last.isalnum() else ""
    return f"{left}{found}{right}"


class Finder:
    """Tables of words by name. `find(text)` gives, by table, the words that stand in the folded text, in the order
    of the table."""

    def __init__(self, tables: Mapping[str, Iterable[str]], expressions: Mapping[str, str] | None = None) -> None:
        """`expressions`: further names, each found where its regular expression fits."""
        self._words: list[tuple[str, str]] = []
        options = re2.Options()
        options.max_mem = MEMORY
        options.log_errors = False
        self._set: Any = re2.Set.SearchSet(options)
        for name, words in tables.items():
            for word in dict.fromkeys(words):
                if word.strip():
                    self._set.Add(pattern(word))
                    self._words.append((name, word))
        for name, expression in (expressions or {}).items():
            self._set.Add(expression)
            self._words.append((name, name))
        if self._words:
            self._set.Compile()

    def find(self, text: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        if not self._words or not text:
            return found
        for place in sorted(self._set.Match(text) or ()):
            name, word = self._words[place]
            found.setdefault(name, []).append(word)
        return found


def find_word(text: str, words: Iterable[str]) -> str:
    """The first of `words` that stands in the folded `text`, for small tables; "" for none."""
    for word in words:
        plain = folded(word)
        at = text.find(plain)
        while at >= 0:
            if not plain[0].isascii() or _bordered(text, at, at + len(plain)):
                return word
            at = text.find(plain, at + 1)
    return ""


def _bordered(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())
