"""The keyword tables of mail, Chinese and English (RULES 2.4, 3.1, 3.3.1). `tocsin policy show` prints them.

Words match folded (full width, case, traditional characters); Latin ones on word borders, Chinese ones anywhere. A `…`
stands for a few characters of the same clause: `请…重置`, `please…reset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daemon.core import kind_words


@dataclass(frozen=True)
class Words:
    """Word lists. Of the kinds the one with the most weight wins (classify.py); `categories` are tried in the order
    written, the first with a hit wins."""

    urgent: tuple[str, ...] = (
        "紧急", "加急", "特急", "火急", "火速", "立即处理", "马上处理", "立刻处理", "立即解决", "马上解决", "立刻解决", "立即恢复",
        "马上恢复", "立刻恢复", "十万火急", "刻不容缓", "抢修", "急件", "急需", "很急", "非常急", "特别急", "十分着急", "非常着急",
        "急急", "急！", "急!", "【急】", "[急]", "(急)", "急:", "急，", "急,", "万分火急", "即刻处理", "火燒眉毛", "速速处理",
        "urgent", "urgently", "asap", "emergency", "immediately", "right away", "as soon as possible", "at once",
        "immediate attention", "immediate action", "immediate assistance", "immediate help", "top priority", "drop everything",
    )  # fmt: skip
    not_urgent: tuple[str, ...] = (
        "不紧急", "不急", "非紧急", "不是紧急", "紧急联系人", "紧急联系电话", "紧急联系方式", "紧急程度", "紧急度", "紧急预案",
        "紧急演练", "紧急出口", "紧急事件流程", "应急", "着急上火",
        "not urgent", "non-urgent", "nonurgent", "no urgency", "not an emergency", "emergency contact", "not immediately",
        "emergency exit", "emergency drill", "emergency plan", "urgency level", "emergency number",
    )  # fmt: skip
    interrupted: tuple[str, ...] = (
        "无法使用", "不能使用", "用不了", "使用不了", "中断", "宕机", "全部", "瘫痪", "崩溃", "完全打不开", "全都", "所有用户",
        "所有人都", "全网", "停摆", "无法工作", "没法工作", "无法办公", "业务停了", "挂了", "不可用", "断网", "彻底", "全线", "所有业务",
        "down", "outage", "unavailable", "unusable", "nothing works", "cannot work", "can't work", "crashed", "all users",
        "everyone", "nobody can", "no one can", "completely", "offline", "entire", "unable to work", "whole company",
    )  # fmt: skip
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(kind_words.KINDS))
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(kind_words.CATEGORIES))
    yes: tuple[str, ...] = (
        "是", "是的", "好的", "好了", "确认", "已解决", "解决了", "可以了", "没问题了", "没有问题了", "恢复了", "已恢复", "谢谢", "感谢",
        "正常了", "已正常", "可以关闭", "同意关闭", "搞定", "没问题", "收到", "辛苦了",
        "yes", "confirmed", "confirm", "solved", "resolved", "fixed", "works now", "it works", "ok", "okay", "thanks",
        "thank you", "works again", "working now", "all good", "looks good", "please close", "perfect", "great",
    )  # fmt: skip
    no: tuple[str, ...] = (
        "否", "不是", "没有解决", "未解决", "没解决", "还是不行", "仍然", "依然", "还没好", "没好", "不行", "又出现", "还是", "仍旧", "不能",
        "无法", "又", "没有恢复", "未恢复", "没恢复", "不同意", "并未", "尚未", "没用", "无效",
        "no", "not solved", "not resolved", "not fixed", "still", "again", "doesn't work", "does not work", "not working",
        "not yet", "isn't", "unresolved", "same problem", "same issue", "cannot", "can't", "not", "but",
    )  # fmt: skip


WORDS = Words()
