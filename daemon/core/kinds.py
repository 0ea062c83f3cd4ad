"""Which kind a mail is of, by its words (RULES 2.4): the kind whose words weigh most wins.

A word weighs twice in the title, and twice again when it is a strong one; the later part of a long mail weighs less.
A how-question is a consultation whatever error it names; asking why something fails is a fault.
"""

from __future__ import annotations

import re2

from daemon.core.kind_words import NEUTRAL, STRONG, WEAK
from daemon.core.word_search import Finder, folded, pattern

HEAD = 300  # characters of the text that weigh in full
_TITLE, _HEAD, _REST = 2.0, 1.0, 0.3
_CAP = 8.0  # a long text cannot outweigh everything


ORDER = ("security", "complaint", "fault", "consultation", "request")
"""Of equal weights the first wins."""

_NEUTRAL = re2.compile("|".join(pattern(word) for word in sorted(NEUTRAL, key=len, reverse=True)))
_MEND = "办|回事|解决|处理|恢复|修复|还|又|没|一直|总|就|会|这么|那么|了|都|突然|老"
_HOW = (
    rf"(?:如何|怎么样?|怎样|咋)(?:才能|可以|能|去|来|给|在)?(?:[^{_MEND.replace('|', '')}无不]|$)"
    r"|\bhow (?:do|to|can|should|does|would|could|i|we|is|are)\b"
    r"|\bwhat(?:'s| is| are) the (?:process|procedure|way|steps?|difference)"
)
_HOW_MEND = (
    rf"(?:如何|怎么|怎样|咋)(?:才能|可以|能|去|来)?(?:{_MEND})"
    r"|\bhow (?:do|to|can|should|could) ?(?:i|we)? ?(?:fix|solve|resolve|recover|repair)\b"
)
_WHY_FAILS = (
    r"(?:是不是|是否|怎么|为什么|为何|为啥|咋|怎么又|怎么还)[^。!?\n]{0,10}"
    r"(?:故障|坏|挂|崩|出问题|有问题|无法|不能|不了|打不开|登不上|连不上|没有?反应|报错|失败|断)"
    r"|\b(?:why (?:is|are|can't|cannot|does|do|did)|is (?:there|it) (?:an? )?(?:outage|problem|issue|down)"
    r"|are you (?:having|aware))\b"
)
_CAUSE = (
    r"(?:什么|啥|何)(?:原因|情况|毛病)|怎么回事|咋回事|(?:查|找)(?:一下|明|找)?原因|原因(?:是什么|何在)"
    r"|\bwhat(?:'s| is) (?:going on|wrong|the cause)"
)
_ASKS = r"(?:吗|呢|么)(?:[?。!,\s]|$)|\?\s*$|(?:哪|几)(?:天|个|些|种|级|次|年|月|家|款)|是几|多久"
_ASKS_TO_DO = (
    r"(?:能否|可否|可以|能)(?:请|麻烦|帮|给|尽快|安排|把|将|再?加|重置|开)"
    r"|\b(?:could|can|would|will|may) (?:you|we|someone|somebody)\b"
)
_SOLVED = r"(?:已经?|现已|目前已)(?:恢复|解决|处理好|修复|正常)"


TABLES = {"neutral": NEUTRAL}
EXPRESSIONS = {
    "how": _HOW,
    "mend": _HOW_MEND,
    "why": _WHY_FAILS,
    "cause": _CAUSE,
    "asks": _ASKS,
    "to do": _ASKS_TO_DO,
    "solved": _SOLVED,
}
"""What the finder must look for beside the words of the policy."""

Found = dict[str, list[str]]


def strip_neutral(text: str) -> str:
    """The folded text without the phrases that mislead."""
    return str(_NEUTRAL.sub(" ", text))


def parts_of(title: str, text: str) -> tuple[str, str, str]:
    return title, text[:HEAD], text[HEAD:]


def kind_of(parts: tuple[str, str, str], found: list[Found], finder: Finder) -> tuple[str, str]:
    """(kind, the word that speaks loudest for it) of the folded parts, in which `found` was found; ("", "") where no
    word tells."""
    found = [finder.find(strip_neutral(p)) if "neutral" in f else f for p, f in zip(parts, found, strict=True)]
    scores = dict.fromkeys(ORDER, 0.0)
    loudest: dict[str, tuple[float, str]] = {}
    for tables, weight in zip(found, (_TITLE, _HEAD, _REST), strict=True):
        for name, words in tables.items():
            if not name.startswith("kind:"):
                continue
            kind, total = name[5:], 0.0
            for word in _outermost(words):
                own = weight * (2.0 if word in STRONG else 0.5 if word in WEAK else 1.0)
                total += own
                if own > loudest.get(kind, (0.0, ""))[0]:
                    loudest[kind] = (own, word)
            scores[kind] = scores.get(kind, 0.0) + min(total, _CAP)
    _questions(scores, found[0], found[1])
    best = max(scores, key=lambda kind: (scores[kind], -_rank(kind)))
    return (best, loudest.get(best, (0.0, "question"))[1]) if scores[best] > 0 else ("", "")


def _questions(scores: dict[str, float], title: Found, head: Found) -> None:
    for part, weight in ((title, 4.0), (head, 2.5)):
        if "mend" in part:
            scores["fault" if scores["fault"] > 0 else "consultation"] += 0.5 * weight
        elif "how" in part:
            scores["consultation"] += weight
            scores["fault"] *= 0.5
            scores["security"] *= 0.5
        elif "asks" in part and "to do" not in part:
            scores["consultation"] += 0.4 * weight
        if "why" in part or (scores["fault"] > 0 and "cause" in part):
            scores["fault"] += 0.5 * weight
            scores["consultation"] *= 0.6
    if "solved" in head and not scores["complaint"]:
        scores["fault"] *= 0.6
    if scores["security"] >= 2 and scores["consultation"] < scores["security"]:
        scores["security"] *= 1.5
    if scores["complaint"] >= 3:
        scores["complaint"] *= 1.3


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _outermost(words: list[str]) -> list[str]:
    """Without those that are only a part of another one that was found: 不满意 is not 不满 too."""
    if len(words) < 2:
        return words
    plain = [folded(w) for w in words]
    return [w for w, p in zip(words, plain, strict=True) if not any(p != other and p in other for other in plain)]
