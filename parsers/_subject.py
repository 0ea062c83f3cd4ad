"""What the one line of an alert says: its state, and the part of it that is the same when it fires and recovers."""

from __future__ import annotations

import re

from parsers import ACKNOWLEDGED, FIRING, RESOLVED, UNCHANGED
from parsers._states import state_of

MAX_STEM = 300

_PREFIX = re.compile(r"\s*(?:(?:re|fw|fwd|回复|转发|答复)\s*[:：]\s*)+", re.IGNORECASE)
_TAG = re.compile(
    r"[\[【(<{]\s*[^\w\u4e00-\u9fff\[\]]{0,4}\s*([A-Za-z_ -]{2,30}"
    r"|[\u4e00-\u9fff]{2,8})(?:\s*[:：]\s*\d+)?[^\[\]【】]{0,40}?[\]】)>}]"
)
_LEAD = re.compile(
    r"[^\w\u4e00-\u9fff]{0,8}(?:\w{2,20}[-_ ]?(?:alert|monitor|监控)?\s*[-:|]\s*)??"
    r"(problem|recovery|recovered|resolved|resolution|acknowledged?|acknowledgement|flappingst(?:art|op)"
    r"|flappingend|downtime(?:start|end|removed|cancelled)"
    r"|custom|firing|alerting|alarm|ok|up|down|critical|warning|triggered|cleared|closed|insufficient[_ ]data"
    r"|no[ _]?data|incident (?:opened|closed|resolved)"
    r"|告警恢复|故障恢复|恢复通知|恢复|已恢复|告警解除|解除|告警|报警|故障)"
    r"(?: (?:in|after) [\d dhmsw,.]{1,30}|ed)?(?=\s*(?:[:：|>\]\-–—*]|(?:service|host|alert|notification|problem)\b"
    r"|$)|[\u4e00-\u9fff])",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\b(ok|up|down|critical|crit|warning|warn|unknown|unkn|unreachable|normal|pending|unreach)\b\s*(?:->|→|=>|to"
    r"|变为|转为)\s*"
    r"(ok|up|down|critical|crit|warning|warn|unknown|unkn|unreachable|normal|pending|unreach)\b",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"\b(?:now|current state|当前状态|目前)\s*[:：]?\s*([A-Za-z]{2,20}|[\u4e00-\u9fff]{2,4})", re.IGNORECASE
)
_IS = re.compile(
    r"\b(?:is|are|went|状态)\s*(?:now |back |currently |again )*[:：]?\s*([A-Za-z]{2,20})\W*(?:\(.{0,200}\)\W*)?\Z",
    re.IGNORECASE,
)
_NOT_OVER = re.compile(
    r"\b(?:not|un|never|isn'?t|hasn'?t|without|failed to|cannot|can'?t)[ -]?(?:been |yet |to )?(?:resolved?"
    r"|recover(?:ed|y)?|cleared|fixed|restored?|ok|normal|up|healthy)"
    r"|(?:未|没有?|尚未|无法|不能|不|非|待)(?:能|有)?(?:恢复|解除|正常|解决|修复)|恢复(?:失败|异常|超时)"
    r"|(?:recovery|restore) (?:failed|failure|error)",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"\b(?:resolved|recovered|recovery (?:notification|alert|notice)|cleared|restored|back (?:to normal|up|online)"
    r"|is (?:up|ok|online|normal"
    r"|healthy)(?: again)?|alert closed|incident closed"
    r"|returned to normal|succeeded|(?:down|warning|error) ended|no longer (?:down|firing|critical|alerting))\b"
    r"|[✅🟢]|恢复|解除|已解决|已修复|状态正常|回归正常|转为正常|(?<!不)(?:正常|成功)\Z"
    r"|(?:\bsuccessful(?:ly)?|\b(?-i:OK|UP))\W*\Z",
    re.IGNORECASE,
)
_STATE_WORD = re.compile(
    r"\b(?:problem|recover(?:y|ed|s)?|resolved?|resolution|acknowledged?|acknowledgement|firing|alert(?:ing|s)?"
    r"|alarm|triggered|re-?triggered|cleared?|closed?|opened"
    r"|ok|up|down|critical|crit|warning|warn|error|unknown|unreachable|fatal|disaster|emergency|major|minor|high"
    r"|average|info|information|notice|low|severe"
    r"|normal|healthy|unhealthy|failed|failure|fails|succeeded|success|successful|passed|matched|online|offline"
    r"|restored|fixed|not classified|incident|notification"
    r"|back to|again|now|ended|is|was|has|been|still|went|changed|state|status|from|to|does not exist|exists?"
    r"|down ended|p[1-5]|sev-?[0-5])\b"
    r"|告警恢复|告警|报警|未恢复|恢复|已|解除|宕机|不可用|不可达|故障|异常|正常|发生|触发|通知|严重|紧急|重要|次要"
    r"|警告|提示|信息|状态|离线"
    r"|在线|中断|失败|成功|[✅🔴🟢🟡⚠️🔥❌]",
    re.IGNORECASE,
)  # fmt: skip
# "Down (No response)", "Down ended (now: Up)": what stands in brackets at the end differs.
_AFTER_STATE = re.compile(
    r"\b(?:down|up|warning|unusual|error|critical|ok)(?: ended| escalated)?\s*\([^()]{0,300}\)\s*\Z", re.IGNORECASE
)
_WHEN = re.compile(
    r"\d{4}[-/.年]\d\d?[-/.月]\d\d?日?(?:[t ,]*\d\d?:\d\d(?::\d\d)?(?:\.\d+)?)?\s?(?:z|utc|gmt|cst|[+-]\d\d:?\d\d)?"
    r"|\b\d\d?:\d\d(?::\d\d)?\b"
    r"|\b(?:in|for|after|since|持续|时长|历时)?\s?(?:\d+\s?(?:d|h|m|s|ms|w|days?|hours?|hrs?|min(?:ute)?s?|secs?"
    r"|seconds?"
    r"|天|小时|分钟|分|秒)\b[ ,]*)+",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r"(?:[<>=≥≤]=?|\b(?:is|at|of|value|=))\s*-?\d+(?:\.\d+)?\s?%?(?![\w.]*\.\d)|-?\d+(?:\.\d+)?\s?(?:%"
    r"|[kmgt]i?b(?:ps)?\b|ms\b|rpm\b|qps\b|[°℃])"
    r"|[:(\[]\s*\d+\s*(?=[)\],])|\b\d+ (?:alerts?|events?|problems?|instances?|times?|个|条|次)",
    re.IGNORECASE,
)
_LOOSE = re.compile(r"[^\w\u4e00-\u9fff./@:%-]+")
_EDGES = re.compile(r"(?<!\w)[./@:%-]+|[./@:%-]+(?!\w)")


def state_in(line: str) -> str | None:
    """The state that a subject or title tells, None when it has no word of any."""
    line = _PREFIX.sub("", line[:500], count=1)
    tags = [
        found for found in (state_of(match[1]) for match in _TAG.finditer(line[:200])) if found and found != UNCHANGED
    ]
    if tags:
        return FIRING if FIRING in tags and not line.lstrip()[1:].casefold().startswith("resolved") else tags[0]
    if (change := _CHANGE.search(line)) and (found := state_of(change[2])):
        return FIRING if found == UNCHANGED else found
    if (now := _NOW.search(line)) and (found := state_of(now[1])) in {RESOLVED, FIRING}:
        return found
    if (lead := _LEAD.match(line)) and (found := _lead_state(lead[1])):
        return found
    if _NOT_OVER.search(line):
        return FIRING
    if (last := _IS.search(line)) and (found := state_of(last[1])) in {RESOLVED, FIRING}:
        return found
    if _OVER.search(line):
        return RESOLVED
    words = re.findall(r"[A-Za-z]+|告警|报警|故障|异常|宕机|严重|中断", line)
    return FIRING if any(state_of(word) == FIRING for word in words) else None


def _lead_state(word: str) -> str | None:
    folded = word.casefold()
    if folded.startswith(("flapping", "downtime", "custom", "insufficient", "no")):
        return UNCHANGED
    if folded.startswith("ack"):
        return ACKNOWLEDGED
    if folded in {"resolution", "incident closed", "incident resolved", "恢复通知"}:
        return RESOLVED
    return FIRING if folded == "incident opened" else state_of(folded)


def stem(line: str) -> str:
    """The line without states, severities, times, durations, measures and counters, case-folded.

    Numbers that may name something (web1, port 8080, 10.0.0.1) stay. The whole line when nothing else would remain.
    """
    text = _PREFIX.sub("", line[:1000], count=1).casefold()
    text = _AFTER_STATE.sub(" ", text) or text
    bare = _STATE_WORD.sub(" ", _MEASURE.sub(" ", _WHEN.sub(" ", text)))
    bare = " ".join(_EDGES.sub(" ", _LOOSE.sub(" ", bare)).split())
    return (bare or " ".join(text.split()))[:MAX_STEM]
