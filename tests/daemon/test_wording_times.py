"""Instants, durations and cut text as people read them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from daemon.wording.clean import block, harmless_title, line, title
from daemon.wording.language import language
from daemon.wording.times import Times

T = 1_767_574_800_000  # 2026-01-05T09:00:00+08:00
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def times(locale: str = "zh_CN", zone: str = "Asia/Shanghai") -> Times:
    return Times(ZoneInfo(zone), locale, language(locale).labels["time"])


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "0 秒", "0 s"),
        (59, "59 秒", "59 s"),
        (60, "1 分钟", "1 min"),
        (1500, "25 分钟", "25 min"),
        (3600, "1 小时", "1 h"),
        (3900, "1 小时 5 分钟", "1 h 5 min"),
        (86400, "1 天", "1 d"),
        (86400 * 3 + 7300, "3 天 2 小时", "3 d 2 h"),
        (86400 + 300, "1 天", "1 d"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: int, zh: str, en: str) -> None:
    assert times().span(seconds) == zh
    assert times("en").span(seconds) == en


def test_an_instant_is_a_clock_time_on_the_same_day_and_has_its_date_on_another() -> None:
    assert times().near(T + HOUR, T) == "10:00"
    assert times().near(T + DAY, T) == "1月6日 09:00"
    assert times("en").near(T + DAY, T) == "6 Jan 09:00"
    assert times().near(T - 10 * DAY, T) == "2025年12月26日 09:00"
    assert times("en").near(T - 10 * DAY, T) == "26 Dec 2025 09:00"
    assert times(zone="UTC").near(T, T) == "01:00"
    assert times().full(T) == "2026-01-05 09:00:00"


def test_what_is_left_and_what_is_over() -> None:
    assert times().until("响应", T + 25 * MINUTE, T) == "响应截止 09:25（还有 25 分钟）"
    assert times("en").until("response", T - 3 * MINUTE, T) == "response by 08:57 (3 min overdue)"
    assert times().late(T, T + 59 * SECOND) == ""
    assert times().late(T, T + 8 * MINUTE) == "迟发 8 分钟"
    assert times("en").late(T, T + 8 * MINUTE) == "sent 8 min late"


def test_the_zone_is_named_as_people_name_it() -> None:
    assert times().zone == "北京时间"
    assert times("en", "Europe/Berlin").zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\tc", "a b c"),
        ("a\u202eb\u200bc\ufeff", "abc"),
        ("\x1b[31mred", "[31mred"),
        ("x" * 30, "x" * 19 + "…"),
        ("  ", ""),
        ("👩\u200d💻 王", "👩\u200d💻 王"),
    ],
)
def test_a_line_is_one_line_without_tricks(text: str, shown: str) -> None:
    assert line(text, 20) == shown


def test_a_title_cannot_carry_the_tag_of_another_incident() -> None:
    assert title("Re: [INC-7] [ inc-8 ] x", 80) == "Re: INC-7 inc-8 x"


def test_a_harmless_title_carries_no_link() -> None:
    assert harmless_title("看 https://evil.example/a?b=c 和 www.evil.example 吧", 80) == "看 … 和 … 吧"


def test_a_block_keeps_its_lines_and_says_when_something_is_missing() -> None:
    assert block("\n\na\r\n\r\n\r\n\r\nb\n", 100, 10) == "a\n\nb"
    assert block("a\nb\nc", 100, 2) == "a\nb …"
    assert block("x" * 50, 10, 5) == "x" * 10 + " …"
    assert block("x" * 1_000_000, 10, 5) == "x" * 10 + " …"
