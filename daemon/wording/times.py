"""Instants and durations as people read them. Instants are milliseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_BEIJING = frozenset({"Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "PRC"})

LATE = 60_000  # milliseconds; below it nobody calls a message late


class Times:
    """`words` is the table `[time]` of the language."""

    def __init__(self, zone: ZoneInfo, locale: str, words: Mapping[str, str]) -> None:
        self._zone = zone
        self._chinese = locale == "zh_CN"
        self._words = words

    @property
    def zone(self) -> str:
        if self._zone.key in _BEIJING:
            return "北京时间" if self._chinese else "Beijing time"
        return self._zone.key

    def full(self, at: int) -> str:
        """`2026-01-05 10:05:00`."""
        return f"{self._local(at):%Y-%m-%d %H:%M:%S}"

    def near(self, at: int, now: int) -> str:
        """`10:05` on the same day, else with the date, else with the year too."""
        moment, today = self._local(at), self._local(now)
        clock = f"{moment:%H:%M}"
        if moment.date() == today.date():
            return clock
        if self._chinese:
            year = "" if moment.year == today.year else f"{moment.year}年"
            return f"{year}{moment.month}月{moment.day}日 {clock}"
        year = "" if moment.year == today.year else f" {moment.year}"
        return f"{moment.day} {_MONTHS[moment.month - 1]}{year} {clock}"

    def span(self, seconds: int) -> str:
        """`25 分钟`, `1 小时 5 分钟`, `3 天 2 小时`: the two largest units, rounded down."""
        minutes, second = divmod(max(seconds, 0), 60)
        hours, minute = divmod(minutes, 60)
        day, hour = divmod(hours, 24)
        parts = [("day", day), ("hour", hour), ("minute", minute), ("second", second)]
        first = next((k for k, (_, n) in enumerate(parts) if n), 3)
        last = 4 if first == 3 else min(first + 2, 3)  # seconds only below a minute
        return " ".join(f"{n} {self._words[unit]}" for unit, n in parts[first:last] if n or unit == "second")

    def rest(self, due: int, now: int) -> str:
        """`还有 25 分钟`, or `已超时 3 分钟`."""
        key = "left" if due >= now else "over"
        return self._words[key].format(self.span(abs(due - now) // 1000))

    def until(self, label: str, due: int, now: int) -> str:
        """`响应截止 10:05（还有 25 分钟）`."""
        form = self._words["until" if abs(due - now) >= 1000 else "until_now"]
        return form.format(label=label, at=self.near(due, now), rest=self.rest(due, now))

    def late(self, due: int, now: int) -> str:
        """`迟发 8 分钟`, "" when it is not late."""
        return self._words["late"].format(self.span((now - due) // 1000)) if now - due >= LATE else ""

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / 1000, self._zone)
