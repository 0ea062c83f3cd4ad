"""What people read on 80 columns: ids whole, times whole, the lesser columns left out."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from daemon.commands.show import show_page
from daemon.commands.tables import Page
from daemon.core.directory import Directory, Person
from daemon.core.vocabulary import Role

ID = "1882527400956899328"
ABSENT = (
    "breached category cause environment external_ref customer assignee assigned_role line coordinator third_party "
    "duplicate_of complaint_of solution close_code text service fault_level severity occurred_at registered_at "
    "accepted_at resolved_at closed_at response_due_at resolve_due_at kind_due_at bulletin_due_at"
)


LOCALES = pytest.mark.parametrize("locale", ["zh_CN", "en"])


def _page(locale: str) -> Page:
    made = Page(None)
    made.locale = locale
    return made


def _incident(**more: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(ABSENT.split()),
        "text": "",
        "number": "INC-1",
        "title": "无法充值",
        "status": "registered",
        "priority": 1,
        "impact": "high",
        "urgency": "high",
        "emergency": False,
        "needs_triage": False,
        "kind": "fault",
        "source": "api",
        "reporter": {"name": "", "address": "", "phone": ""},
        "complaints": {"effective": 0, "confirmed": None},
        "satisfaction": {"score": None, "comment": None},
        "grade": {"reasons": ["priority 1: matrix high x high"]},
        "measures": {},
        "participants": [],
        "links": [],
        "ladder": [],
    } | more


@LOCALES
def test_what_is_whole_is_never_cut_and_lesser_columns_go(locale: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = _page(locale)
    columns = ("id", "at", "channel", "reason", "state", "to")
    row = [ID, "2025-01-05 09:00", "a channel of a name", "a reason that is long", "待发送", "王芳 " + "refused " * 20]
    page.table(columns, [row], flexible="to", whole=("id", "at"), lesser=("channel", "reason"))
    lines = capsys.readouterr().out.splitlines()
    assert all(cell_len(line) <= 80 for line in lines)
    assert ID in lines[-1]
    assert "2025-01-05 09:00" in lines[-1]
    assert "a channel" not in lines[-1]


@LOCALES
def test_a_column_that_fits_stays(locale: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = _page(locale)
    page.table(("id", "channel", "to"), [[ID, "sms", "王芳"]], flexible="to", whole=("id",), lesser=("channel",))
    assert "sms" in capsys.readouterr().out


@LOCALES
def test_on_a_narrow_terminal_ids_are_whole_all_the_same(locale: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = _page(locale)
    page._console.width = 30
    page.table(("id", "incident", "to"), [[ID, "INC-12345", "王芳" * 9]], flexible="to", whole=("id", "incident"))
    out = capsys.readouterr().out
    assert ID in out
    assert "INC-12345" in out


@LOCALES
def test_the_timeline_shows_time_event_and_facts(locale: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = _page(locale)
    reasons = ["priority 1: matrix high x high"]
    rows = [
        {"at": "2025-01-05T01:00:00.000Z", "actor": "tocsin", "event": "graded", "data": {"reasons": reasons}},
        {
            "at": "2025-01-05T01:00:00.000Z",
            "actor": "a very long name of somebody " * 3,
            "event": "note",
            "data": {"text": "说明" * 60},
        },
        {"at": "2025-01-05T01:00:00.000Z", "actor": "tocsin", "event": "linked", "data": {"to": 7, "complaint": True}},
        {"at": "2025-01-05T01:00:00.000Z", "actor": "x", "event": "linked", "data": {"to": "INC-8"}},
    ]
    show_page(page, _incident(complaint_of="INC-3"), rows, None)
    out = capsys.readouterr().out
    assert all(cell_len(line) <= 80 for line in out.splitlines())
    assert out.count("2025-01-05 01:00") == 4
    assert out.count("matrix high x high") == 1
    assert "INC-3" in out
    assert "INC-7" in out
    assert "INC-INC" not in out
    assert "True" not in out


@LOCALES
def test_rungs_to_come_name_whom_they_will_tell(locale: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = _page(locale)
    lead = Person("zhao", "赵敏", "zhao@example", "", (Role.SUPPORT_LEAD,))
    rung = {"role": "support_lead", "due_at": "2999-01-05T01:00:00.000Z", "fired_at": None, "people": []}
    show_page(page, _incident(ladder=[rung]), [], Directory((lead,), (), ()))
    assert "赵敏" in capsys.readouterr().out
    show_page(page, _incident(ladder=[rung]), [], None)
    assert capsys.readouterr().out.count(page.label("role", "support_lead")) == 2
    show_page(page, _incident(ladder=[rung], status="closed"), [], Directory((lead,), (), ()))
    assert "赵敏" not in capsys.readouterr().out
