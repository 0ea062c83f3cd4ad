"""Tables and pages for people: 80 columns without a terminal, Chinese at its true width, colours on a terminal only.

What came from outside is shown without control, bidi and invisible characters: a title must not move the cursor.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.clock import SystemClock

if TYPE_CHECKING:
    from daemon.config import Config

PRIORITY = {1: "bold white on red", 2: "bold red", 3: "yellow", 4: ""}
LEVEL = {"black": "bold white on black", "red": "bold red", "orange": "dark_orange", "yellow": "yellow"}
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

HEADINGS = {
    "number": ("编号", "number"),
    "priority": ("级", "P"),
    "status": ("状态", "status"),
    "kind": ("类型", "kind"),
    "level": ("级别", "level"),
    "service": ("服务", "service"),
    "title": ("标题", "title"),
    "registered": ("登记", "registered"),
    "assignee": ("处理人", "assignee"),
    "id": ("编号", "id"),
    "received": ("收到", "received"),
    "source": ("来源", "source"),
    "entry": ("入口", "entry"),
    "parser": ("解析", "parser"),
    "outcome": ("结果", "outcome"),
    "size": ("字节", "bytes"),
    "state": ("状态", "state"),
    "at": ("时间", "at"),
    "channel": ("通道", "channel"),
    "to": ("收件", "to"),
    "incident": ("事件", "incident"),
    "reason": ("原因", "reason"),
    "error": ("错误", "error"),
    "role": ("角色", "role"),
    "due": ("到期", "due"),
    "fired": ("已通知", "fired"),
    "people": ("人员", "people"),
    "actor": ("操作人", "actor"),
    "event": ("事项", "event"),
    "data": ("内容", "data"),
    "name": ("名称", "name"),
    "scope": ("权限", "scope"),
    "person": ("人员", "person"),
    "created": ("创建", "created"),
    "grade": ("定级", "grade"),
    "impact": ("影响", "impact"),
    "urgency": ("紧急度", "urgency"),
    "severity": ("严重程度", "severity"),
    "category": ("类别", "category"),
    "cause": ("原因分类", "cause"),
    "reporter": ("报告人", "reporter"),
    "customer": ("客户", "customer"),
    "coordinator": ("协调人", "coordinator"),
    "line": ("当前线", "line"),
    "participants": ("参与人", "participants"),
    "complaints": ("投诉", "complaints"),
    "measures": ("影响数据", "measures"),
    "solution": ("解决方案", "solution"),
    "occurred": ("发生", "occurred"),
    "accepted": ("受理", "accepted"),
    "resolved": ("解决", "resolved"),
    "closed": ("关闭", "closed"),
    "deadlines": ("时限", "deadlines"),
    "response": ("响应", "response"),
    "resolve": ("解决", "resolve"),
    "kind_due": ("类型时限", "by kind"),
    "bulletin": ("通报", "bulletin"),
    "ladder": ("逐级上报", "ladder"),
    "timeline": ("时间线", "timeline"),
    "text": ("内容", "text"),
    "links": ("关联", "links"),
    "duplicate_of": ("重复于", "duplicate of"),
    "complaint_of": ("计入故障", "counts for"),
    "emergency": ("紧急事件", "emergency"),
    "triage": ("待核实", "to be verified"),
    "in": ("还有", "in"),
    "late": ("已超时", "over by"),
    "breached": ("超时", "breached"),
    "reopenings": ("重新开单", "reopened"),
    "reassignments": ("转派", "reassigned"),
    "third_party": ("第三方", "third party"),
    "external_ref": ("外部单号", "external ref"),
    "environment": ("环境", "environment"),
    "close_code": ("结束代码", "close code"),
    "satisfaction": ("满意度", "satisfaction"),
}


def clean(value: object, limit: int = 2000) -> str:
    """One line of it, fit for a terminal."""
    kept = "".join(" " if unicodedata.category(c) in HIDDEN else c for c in str(value)[: limit * 2])
    return " ".join(kept.split())[:limit]


class Page:
    """Prints in one language and timezone. Without a config: English and UTC."""

    def __init__(self, config: Config | None) -> None:
        self.locale = config.locale if config else "en"
        self.zone = config.timezone if config else ZoneInfo("UTC")
        self.now = SystemClock().now()
        width = None if sys.stdout.isatty() else 80
        self._console = Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)

    def heading(self, name: str) -> str:
        zh, en = HEADINGS.get(name, (name, name))
        return zh if self.locale == "zh_CN" else en

    def label(self, group: str, value: object) -> str:
        """What people call an identifier; "" for none."""
        if value is None or value == "":
            return ""
        from daemon.wording.language import language

        return clean(language(self.locale).label(group, value), 100)

    def when(self, instant: str | None) -> str:
        """Local: the clock alone today, with the date on other days."""
        if not instant:
            return ""
        moment = datetime.fromisoformat(instant).astimezone(self.zone)
        today = datetime.fromtimestamp(self.now / 1000, self.zone)
        if moment.date() == today.date():
            return f"{moment:%H:%M:%S}"
        return f"{moment:%m-%d %H:%M}" if moment.year == today.year else f"{moment:%Y-%m-%d %H:%M}"

    def rest(self, instant: str) -> str:
        """How long until it, or since."""
        seconds = round(datetime.fromisoformat(instant).timestamp() - self.now / 1000)
        return f"{self.heading('in' if seconds >= 0 else 'late')} {span(abs(seconds))}"

    def line(self, text: str = "", style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]], flexible: str) -> None:
        """`flexible` is the column that gives way: cut with an ellipsis where it does not fit."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
        for name in columns:
            if name == flexible:
                table.add_column(self.heading(name), overflow="ellipsis", no_wrap=True, ratio=1)
            else:
                table.add_column(self.heading(name), overflow="ellipsis", no_wrap=True, max_width=20)
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row))
        self._console.print(table)

    def pairs(self, rows: Iterable[tuple[str, str | Text]]) -> None:
        """`name  value` lines; those without a value are left out, long values go on below themselves."""
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold", ratio=1)
        for name, value in rows:
            if str(value):
                table.add_row(self.heading(name), value if isinstance(value, Text) else Text(clean(value)))
        self._console.print(table)

    def priority(self, value: Any) -> Text:
        return Text(f"P{value}", style=PRIORITY.get(value, ""))

    def level(self, value: str | None) -> Text:
        return Text(self.label("fault_level", value) if value else "", style=LEVEL.get(value or "", ""))


def span(seconds: int) -> str:
    """`2d3h`, `1h05m`, `12m`, `40s`."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days}d{hours}h"
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
