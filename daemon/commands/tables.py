"""Tables and pages for people: 80 columns without a terminal, Chinese at its true width, colours on a terminal only.

What came from outside is shown without control, bidi and invisible characters: a title must not move the cursor.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, OverflowMethod
from rich.table import Table
from rich.text import Text

from daemon.clock import SystemClock

if TYPE_CHECKING:
    from daemon.config import Config

PRIORITY = {1: "bold white on red", 2: "bold red", 3: "yellow", 4: ""}
LEVEL = {"black": "bold white on black", "red": "bold red", "orange": "dark_orange", "yellow": "yellow"}
MAX_COLUMN, MIN_FLEXIBLE, GAP = 20, 10, 2
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

HEADINGS = {
    "number": ("编号", "number"),
    "priority": ("优先级", "priority"),
    "status": ("状态", "status"),
    "kind": ("类型", "kind"),
    "level": ("故障级别", "fault level"),
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
    "fired": ("通知", "told"),
    "people": ("通知对象", "people"),
    "actor": ("操作人", "actor"),
    "event": ("事项", "event"),
    "data": ("内容", "data"),
    "name": ("名称", "name"),
    "scope": ("权限", "scope"),
    "person": ("人员", "person"),
    "created": ("创建", "created"),
    "grade": ("定级依据", "graded by"),
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
    "emergency": ("紧急事件", "emergency"),
    "triage": ("待核实", "to be verified"),
    "in": ("还有", "in"),
    "over": ("已超时", "over by"),
    "late": ("迟", "late"),
    "breached": ("超时", "breached"),
    "reopenings": ("重新开单", "reopened"),
    "reassignments": ("转派", "reassigned"),
    "third_party": ("第三方", "third party"),
    "external_ref": ("外部单号", "external ref"),
    "environment": ("环境", "environment"),
    "by": ("操作人", "by"),
    "by_role": ("角色", "role"),
    "reasons": ("原因", "reasons"),
    "public": ("公开", "public"),
    "from": ("从", "from"),
    "deadline": ("时限", "deadline"),
    "fault": ("故障", "fault"),
    "count": ("数量", "count"),
    "tried": ("已尝试", "tried"),
    "add": ("增加", "add"),
    "changed": ("更正", "changed"),
    "users_affected": ("影响用户", "users affected"),
    "user_base": ("用户数", "user base"),
    "complaints_confirmed": ("确认投诉", "complaints confirmed"),
    "complaints_expected": ("预计投诉", "complaints expected"),
    "key_service_interrupted_from": ("业务中断起", "interrupted from"),
    "key_service_interrupted_until": ("业务中断止", "interrupted until"),
    "offline_from": ("下线起", "off line from"),
    "offline_until": ("下线止", "off line until"),
    "bill_run_late_from": ("出账延迟起", "bill run late from"),
    "bill_run_late_until": ("出账延迟止", "bill run late until"),
    "in_media": ("媒体曝光", "in the media"),
    "complained_to_vp": ("投诉至副总及以上", "complained to VP"),
    "hq_sanction": ("总部考核", "HQ sanction"),
    "close_code": ("结束代码", "close code"),
    "satisfaction": ("满意度", "satisfaction"),
    "ticket": ("投诉单", "complaint"),
    "removed": ("不再计入", "no longer counted"),
    "complaint": ("投诉", "complaint"),
    "why": ("原因", "why"),
    "what": ("事项", "what"),
    "until": ("至", "until"),
    "score": ("评分", "score"),
    "comment": ("评语", "comment"),
    "problem": ("问题单", "problem"),
    "accepted_at": ("受理", "accepted"),
    "due_at": ("到期", "due"),
    "fell_through": ("代为接收", "stands in"),
    "automatic": ("自动邮件", "automatic mail"),
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
        return f"{self.heading('in' if seconds >= 0 else 'over')} {span(abs(seconds))}"

    def line(self, text: str = "", style: str = "", fold: bool = False) -> None:
        """One line, however long; or folded at the width."""
        self._console.print(Text(text, style=style), soft_wrap=not fold)

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str | Text]],
        flexible: str,
        *,
        fold: bool = False,
        whole: Collection[str] = (),
        lesser: Sequence[str] = (),
    ) -> None:
        """`flexible` is the column that gives way: cut with an ellipsis where it does not fit, or folded.

        `whole` are never cut, `lesser` are left out, in this order, where not all columns fit.
        """
        cells = [[c if isinstance(c, Text) else Text(clean(c)) for c in row] for row in rows]
        widths: dict[str, int] = {}
        for n, name in enumerate(columns):
            width = max([cell_len(self.heading(name)), *(row[n].cell_len for row in cells)])
            widths[name] = width if name in whole or name == flexible else min(MAX_COLUMN, width)
        longest, room = widths[flexible], self._console.width
        widths[flexible] = min(longest, MIN_FLEXIBLE)
        for name in lesser:
            if _together(widths) <= room:
                break
            del widths[name]
        widths[flexible] = max(widths[flexible], min(longest, room - _together(widths | {flexible: 0})))
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, GAP - 1, 0, 0))
        for name, width in widths.items():
            folded = fold and name == flexible
            overflow: OverflowMethod = "fold" if folded else "ellipsis"
            table.add_column(self.heading(name), overflow=overflow, no_wrap=not folded, width=width)
        for row in cells:
            table.add_row(*(row[columns.index(name)] for name in widths))
        self._print(table, max(room, _together(widths)))

    def pairs(self, rows: Iterable[tuple[str, str | Text]]) -> None:
        """`name  value` lines; those without a value are left out, long values go on below themselves."""
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        for name, value in rows:
            if str(value).strip():
                table.add_row(self.heading(name), value if isinstance(value, Text) else Text(clean(value)))
        self._print(table, self._console.width)

    def _print(self, table: Table, width: int) -> None:
        """As wide as it must be, for ids are typed again. Without a terminal: no blanks at the ends of lines."""
        self._console.width = width
        if self._console.is_terminal:
            self._console.print(table)
            return
        with self._console.capture() as printed:
            self._console.print(table)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))

    def priority(self, value: Any) -> Text:
        return Text(f"P{value}", style=PRIORITY.get(value, ""))

    def level(self, value: str | None) -> Text:
        return Text(self.label("fault_level", value) if value else "", style=LEVEL.get(value or "", ""))


def _together(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


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
