"""The words by which monitoring systems tell that something is wrong, that it is over, or that nothing changed.

English and Chinese. A word that is in no list says nothing: UNCHANGED, for neither firing nor resolving may be guessed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from parsers import ACKNOWLEDGED, FIRING, RESOLVED, UNCHANGED

_FIRING = """
firing fire fired alert alerting alarm problem trigger triggered retriggered renotify create created open opened active
activated activate new down critical crit error err warning warn fatal emergency emerg disaster major minor high severe
failed fail failure failing bad unhealthy unreachable offline breached anomalous occurred ongoing started start
unacknowledge unacknowledged reopen reopened missing timeout flapping degraded abnormal nodata trouble unsuccessful
unresolved rewarn retrigger outage investigating identified regressed regression
告警 报警 故障 异常 严重 触发 失败 警告 告警中 发生 未恢复 紧急 重要 次要 告警触发 宕机 离线 中断
"""
_RESOLVED = """
resolved resolve ok okay up recovered recovery recover close closed clear cleared normal success successful succeeded
healthy inactive deactivated green passed pass passing fixed ended end online restored back_to_normal not_firing done
solved completed operational
恢复 已恢复 正常 解除 已解除 告警恢复 告警解除 恢复正常 已解决 解决 关闭 已关闭 成功 故障恢复
"""
_ACKNOWLEDGED = """
acknowledged acknowledge ack acked acknowledgement acknowledgment 已确认 确认 已认领 认领 处理中
"""
_UNCHANGED = """
pending paused unknown no_data insufficient_data suppressed muted snoozed downtime maintenance downtimestart downtimeend
downtimecancelled flappingstart flappingstop flappingend flappingdisabled custom update updated comment annotate
annotated assign assigned escalate escalated test info informational notice debug none silenced skipped initializing
维护 暂停 测试 未知 通知
"""

_STATES: dict[str, str] = {}
for _words, _state in (
    (_UNCHANGED, UNCHANGED),
    (_FIRING, FIRING),
    (_RESOLVED, RESOLVED),
    (_ACKNOWLEDGED, ACKNOWLEDGED),
):
    _STATES.update(dict.fromkeys(_words.split(), _state))

_SQUEEZE = re.compile(r"[^\w\u4e00-\u9fff]+")
_TWISTS = frozenset({"not", "no", "never", "non", "partially", "partly", "auto", "pre"})
_LAST = re.compile(r"[._:/\s-]")


def state_of(word: object) -> str | None:
    """FIRING, RESOLVED, ACKNOWLEDGED or UNCHANGED of a state word ("Re-Triggered", "incident.resolved"), else None."""
    return _state_of(word[:100]) if isinstance(word, str) else None


@lru_cache(maxsize=4096)
def _state_of(word: str) -> str | None:
    text = word.strip().casefold()
    if not text:
        return None
    squeezed = _SQUEEZE.sub("_", text).strip("_")
    for spelling in (squeezed, squeezed.replace("_", "")):
        if found := _STATES.get(spelling):
            return found
    parts = _LAST.split(text)
    return None if _TWISTS.intersection(parts) else _STATES.get(parts[-1])


# Severities in the spelling that the grading knows; what is not here stays as the sender wrote it.
_SEVERITIES = {
    "crit": "critical", "emerg": "emergency", "err": "error", "warn": "warning", "unreachable": "down",
    "unreach": "down", "unkn": "unknown", "informational": "info",
    "information": "info",
    "p-1": "P1", "sev-0": "sev0", "sev-1": "sev1", "sev-2": "sev2", "sev-3": "sev3", "not classified": "info",
    "紧急": "critical", "特急": "critical", "致命": "fatal", "灾难": "disaster", "严重": "critical",
    "危急": "critical", "崩溃": "critical",
    "重要": "major", "错误": "error", "高": "high", "高危": "high", "主要": "major", "一般严重": "average",
    "一般": "average", "警告": "warning",
    "中": "warning", "中危": "warning", "告警": "warning", "预警": "warning", "次要": "minor", "轻微": "minor",
    "低": "low", "低危": "low",
    "提示": "notice", "通知": "notice", "提醒": "notice", "信息": "info",
}  # fmt: skip


def severity_of(word: object) -> str:
    """A severity word in the spelling that the grading knows, else as it was. Numbers of unknown scale are ""."""
    if not isinstance(word, str):
        return ""
    text = word.strip()[:100]
    folded = text.casefold()
    if known := _SEVERITIES.get(folded.removesuffix("级别").removesuffix("级")):
        return known
    return "" if text.isdigit() else text
