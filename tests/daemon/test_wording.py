"""The words: every reason, both languages, both channels; a few as gold; nothing hostile, nothing internal gets out."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.directory import Directory, Person
from daemon.core.incident import Incident, Notice, Rung
from daemon.core.vocabulary import (
    BUILT_IN_CATEGORIES,
    Cause,
    CloseCode,
    FaultLevel,
    Impact,
    Kind,
    Origin,
    Priority,
    Reason,
    Role,
    Severity,
    Source,
    Status,
    Urgency,
)
from daemon.wording import MAX_SMS, MAX_SUBJECT, Wording, label

T = 1_767_574_800_000  # 2026-01-05T09:00:00+08:00
MINUTE = 60_000
NOW = T + 5 * MINUTE + 1000
ZONE = ZoneInfo("Asia/Shanghai")
URL = "https://tocsin.example"

DIRECTORY = Directory(
    people=(
        Person("wang", "王芳", "wang@tocsin.example", "+8613800000000", (Role.INCIDENT_MANAGER,)),
        Person("li", "李强", "li@tocsin.example", "+8613900000000", (Role.SECOND_LINE,)),
    )
)
REPORTER = (Reason.REGISTERED, Reason.ACCEPTED, Reason.NOTE, Reason.RESOLVED, Reason.CLOSED, Reason.REOPENED)
DATA: dict[str, Any] = {
    "by": "li", "role": "second_line", "text": "正在切换。", "solution": "重启接口。", "count": 4, "from": "orange",
    "to": "red", "reason": "complaints", "deadline": "resolve", "due_at": T + 60 * MINUTE, "channel": "sms",
    "address": "+8613700000000", "error": "550 no", "url": f"{URL}/r/abc",
}  # fmt: skip


def incident(**fields: Any) -> Incident:
    known: dict[str, Any] = {
        "id": 42, "title": "无法充值", "source": Source.SMTP, "origin": Origin.USER, "registered_at": T,
        "occurred_at": T - 30_000, "kind": Kind.FAULT, "service": "billing", "impact": Impact.HIGH,
        "urgency": Urgency.CRITICAL, "priority": Priority.P1, "emergency": True, "fault_level": FaultLevel.RED,
        "reporter_name": "张三", "reporter_address": "zhang@customer.example", "reporter_phone": "13911112222",
        "text": "所有用户都无法充值。", "response_due_at": T + 5 * MINUTE, "resolve_due_at": T + 60 * MINUTE,
        "bulletin_due_at": T + 15 * MINUTE, "coordinator": "wang", "complaints_counted": 25,
        "reasons": ["impact high: 内部理由"],
        "ladder": [Rung(Role.SUPPORT_LEAD, T + 5 * MINUTE, 0, NOW), Rung(Role.COMPANY_LEADER, T + 15 * MINUTE, 0)],
    }  # fmt: skip
    return Incident(**(known | fields))


def notice(reason: Reason, **fields: Any) -> Notice:
    known: dict[str, Any] = {
        "incident": 42, "person": "wang", "name": "王芳", "channel": "email", "address": "wang@tocsin.example",
        "at": NOW, "due_at": NOW, "priority": Priority.P1, "epoch": "0",
    }  # fmt: skip
    return Notice(reason=reason, **(known | fields))


def wording(locale: str = "zh_CN") -> Wording:
    return Wording(locale, ZONE, URL + "/")


# -- every reason ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
@pytest.mark.parametrize("channel", ["email", "sms", "apprise"])
@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("data", [{}, DATA], ids=["bare", "full"])
@pytest.mark.parametrize("reporter", [False, True], ids=["staff", "reporter"])
def test_every_reason_has_its_words(
    locale: str, channel: str, reason: Reason, data: dict[str, Any], reporter: bool
) -> None:
    shape = {} if data else {"service": None, "response_due_at": None, "resolve_due_at": None, "reporter_name": ""}
    about = incident(language=locale, **shape)
    words = wording(locale).render(
        [notice(reason, channel=channel, data=data, reporter=reporter)], about, DIRECTORY, NOW
    )
    assert "INC-42" in words.text
    assert "None" not in words.text + words.subject + words.html
    assert "{" not in words.text
    assert "  " not in words.text.replace("\n", "").strip() or channel != "sms"
    assert "。。" not in words.text
    assert ".." not in words.text.replace("...", "")
    if channel == "sms":
        assert words.subject == words.html == ""
        assert "\n" not in words.text
        assert len(words.text) <= MAX_SMS[locale]
    else:
        assert words.subject.startswith("[INC-42] ")
        assert len(words.subject) <= MAX_SUBJECT
        assert "\n\n\n" not in words.text
        assert words.text.endswith("\n")


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.BULLETIN])
def test_the_first_line_for_staff_says_what_how_grave_and_what_to_do(locale: str, reason: Reason) -> None:
    first = wording(locale).render([notice(reason)], incident(), DIRECTORY, NOW).text.splitlines()[0]
    assert first.startswith(
        "P1 紧急红色故障：无法充值（billing）。"
        if locale == "zh_CN"
        else "P1 emergency red fault: 无法充值 (billing). "
    )
    assert len(first) < 200


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_every_identifier_has_a_label(locale: str) -> None:
    tables: dict[str, Any] = {
        "kind": Kind, "cause": Cause, "source": Source, "origin": Origin, "impact": Impact, "urgency": Urgency,
        "priority": [1, 2, 3, 4], "fault_level": FaultLevel, "severity": Severity, "status": Status,
        "close_code": CloseCode, "role": Role, "reason": Reason, "category": BUILT_IN_CATEGORIES,
    }  # fmt: skip
    events = (
        "registered joined graded level escalated breach deadline_near status reopened linked notification accepted"
    )
    events += " assigned note measured bulletin complaint_counted held survey bulletin_due"
    tables["event"] = events.split()
    for kind, values in tables.items():
        for value in values:
            word = label(locale, kind, value)
            assert word
            if locale == "zh_CN":
                assert not word.isascii(), f"{kind} {value}"


def test_the_labels_are_those_of_the_rules_and_an_unknown_value_is_shown_as_it_is() -> None:
    words = wording()
    assert words.label("role", "service_director") == "运维服务总监"
    assert words.label("close_code", "success_with_problem") == "成功但有问题"
    assert words.label("category", "our_own") == "our_own"
    assert words.label("cause", None) == ""
    assert words.label("status", Status.IN_PROGRESS, "en") == "in progress"


# -- gold --------------------------------------------------------------------------------------------------------


def test_one_sms_lists_all_its_reasons_and_what_to_do_until_when() -> None:
    told = [
        notice(Reason.LADDER, channel="sms", role=Role.INCIDENT_MANAGER),
        notice(Reason.RESPONSE_OVERDUE, channel="sms", data={"due_at": T + 5 * MINUTE}),
        notice(Reason.IMMEDIATE, channel="sms"),
    ]
    text = wording().render(told, incident(), DIRECTORY, NOW).text
    assert text == (
        "INC-42 P1 紧急红色故障，紧急通知、响应超时、上报事件经理：无法充值（billing）。"
        "请立即协调处理，解决截止 10:00（还有 54 分钟）"
    )


def test_the_mail_of_an_overdue_response() -> None:
    words = wording().render(
        [
            notice(Reason.RESPONSE_OVERDUE, data={"due_at": T + 5 * MINUTE}),
            notice(Reason.LADDER, role=Role.SUPPORT_LEAD, due_at=T + 5 * MINUTE),
        ],
        incident(),
        DIRECTORY,
        T + 13 * MINUTE,
    )
    assert words.subject == "[INC-42] P1 紧急红色故障 响应超时 8 分钟、上报支持组长：无法充值"
    assert (
        words.text
        == """\
P1 紧急红色故障：无法充值（billing）。请立即受理或改派，解决截止 10:00（还有 47 分钟）。

为什么通知您：
- 响应超时 8 分钟：响应截止 09:05，已超时 8 分钟，至今无人受理。（迟发 7 分钟）
- 上报支持组长：按升级规则上报支持组长：至今无人受理。该角色无人担任，由您代为接收。（迟发 8 分钟）

编号    INC-42
标题    无法充值
状态    已登记；负责人：无；协调人：王芳
分类    故障·红色·重大
定级    P1（影响度高，紧急度紧急，紧急事件）
影响    投诉 25
发生    2026-01-05 08:59:30；登记 2026-01-05 09:00:00
响应截止  09:05（已超时 8 分钟）
解决截止  10:00（还有 47 分钟）
通报截止  09:15（还有 2 分钟）
下一步  09:15 上报公司领导
报告人  张三，zhang@customer.example，13911112222

原文摘要：
> 所有用户都无法充值。

（时间为北京时间；本邮件由系统自动发出，生成于 2026-01-05 09:13:00）
"""
    )


def test_the_receipt_is_short_and_says_number_understanding_deadline_and_how_to_reply() -> None:
    words = wording().render([notice(Reason.REGISTERED, reporter=True)], incident(), DIRECTORY, NOW)
    assert words.subject == "[INC-42] 已收到您的报告：无法充值"
    assert (
        words.text
        == """\
您好，张三：

您的报告已登记，编号 INC-42，我们会尽快处理。
类型：故障，涉及服务：billing。如有不符，请回复更正。
预计处理期限：10:00（北京时间）。

如需补充，请直接回复本邮件，并保留标题中的 [INC-42]。

（本邮件由系统自动发出）
"""
    )


def test_the_reporter_is_asked_to_confirm_in_the_language_of_his_own_words() -> None:
    told = [notice(Reason.RESOLVED, reporter=True, data={"solution": "Restarted the gateway."})]
    words = wording().render(told, incident(language="en", title="cannot top up"), DIRECTORY, NOW)
    assert words.subject == "[INC-42] resolved, please confirm: cannot top up"
    assert (
        words.text
        == """\
Hello 张三,

Your report INC-42 is resolved.

What was done:
Restarted the gateway.

Please confirm: reply "yes" if it is solved, or "no" and what still goes wrong.

(This mail was sent automatically.)
"""
    )


def test_a_level_says_old_new_and_why() -> None:
    told = [notice(Reason.LEVEL, data={"from": "orange", "to": "red", "reason": "complaints"})]
    text = wording("en").render(told, incident(), DIRECTORY, NOW).text
    assert "The fault level rose from orange to red; reason: number of complaints." in text


def test_an_escalation_by_hand_says_who_and_why() -> None:
    told = [notice(Reason.BY_HAND, role=Role.INCIDENT_MANAGER, data={"by": "李强", "why": "需要数据库专家"})]
    text = wording().render(told, incident(), DIRECTORY, NOW).text
    assert "- 李强上报：李强将此事件上报事件经理，理由：需要数据库专家。" in text


def test_what_could_not_be_delivered_names_the_person_behind_the_address() -> None:
    data = {"channel": "sms", "address": "+8613900000000", "error": "the gateway answered 500"}
    text = wording().render([notice(Reason.CHANNEL_FAILED, data=data)], incident(), DIRECTORY, NOW).text
    assert "- 短信未送达：发往 李强 +8613900000000 的短信最终失败：the gateway answered 500。" in text


def test_the_assignee_a_participant_and_the_holder_of_a_role_read_different_words() -> None:
    about = incident(assignee="li", participants=["wang"], status=Status.ASSIGNED)
    data = {"by": "wang"}

    def first(person: str) -> str:
        return wording().render([notice(Reason.ASSIGNED, person=person, data=data)], about, DIRECTORY, NOW).subject

    assert first("li") == "[INC-42] P1 紧急红色故障 派给您：无法充值"
    assert first("wang") == "[INC-42] P1 紧急红色故障 请您协助：无法充值"
    to_role = incident(assigned_role=Role.SECOND_LINE, status=Status.ASSIGNED)
    told = [notice(Reason.ASSIGNED, person="li", role=Role.SECOND_LINE)]
    assert "派给二线" in wording().render(told, to_role, DIRECTORY, NOW).subject


def test_a_digest_names_every_incident_the_gravest_first() -> None:
    about = {n: incident(id=n, priority=Priority.P2 if n == 7 else Priority.P3) for n in range(1, 61)}
    told = [(notice(Reason.LADDER, incident=n, role=Role.SUPPORT_LEAD), about[n]) for n in about]
    words = wording().digest(told, DIRECTORY, NOW)
    assert words.subject == "[tocsin] 60 条通知合并：P2 INC-7、P3 INC-1、P3 INC-2 等 60 项"
    assert all(f"INC-{n} " in words.text for n in about)
    sms = wording().digest([(notice(Reason.LADDER, channel="sms"), about[n]) for n in about], DIRECTORY, NOW)
    assert sms.text.startswith("60 条通知合并：P2 INC-7、P3 INC-1")
    assert len(sms.text) <= MAX_SMS["zh_CN"]


def test_the_test_message_says_that_there_is_nothing_to_do() -> None:
    assert "无需处理" in wording().test("sms", NOW).text
    assert wording("en").test("email", NOW).subject == "tocsin test message"


# -- what must not get out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("reason", list(Reason))
def test_the_reporter_reads_nothing_internal(locale: str, channel: str, reason: Reason) -> None:
    secret = {
        "reason": "内部原因X", "error": "内部错误X", "address": "+8613800000000", "by": "li", "channel": "sms",
        "text": "内部说明X" if reason not in (Reason.NOTE, Reason.ANSWER) else "公开", "url": "https://evil.example/x",
    }  # fmt: skip
    about = incident(assignee="li", participants=["wang"], process="内部过程X", language=locale, customer="客户X")
    words = wording(locale).render([notice(reason, reporter=True, channel=channel, data=secret)], about, DIRECTORY, NOW)
    everything = words.subject + words.text + words.html
    for internal in (
        "X",
        "内部",
        "13800000000",
        "13900000000",
        "李强",
        "王芳",
        "evil",
        "P1",
        "红色",
        " red ",
        "/incidents/",
    ):
        assert internal not in everything, internal


def test_the_bulletin_has_no_reporter_and_no_grounds() -> None:
    words = wording().render([notice(Reason.BULLETIN, data={"text": "预计 30 分钟恢复。"})], incident(), DIRECTORY, NOW)
    assert "预计 30 分钟恢复。" in words.text
    for internal in ("张三", "zhang@", "13911112222", "/incidents/", "内部理由", "王芳"):
        assert internal not in words.subject + words.text + words.html


EVIL = "\u202e[INC-7] x\r\nBcc: v@x.example\u2028\x00\x1b[31m<script>alert(1)</script>\ud800 http://evil.example/a"


@pytest.mark.parametrize("reporter", [False, True])
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_hostile_title_and_text_stay_inert(reporter: bool, channel: str) -> None:
    about = incident(title=EVIL, text=EVIL, reporter_name=EVIL, reporter_phone=EVIL, service=EVIL, customer=EVIL)
    told = [
        notice(Reason.REGISTERED, channel=channel, reporter=reporter, data={"by": EVIL, "text": EVIL, "error": EVIL})
    ]
    words = wording().render(told, about, DIRECTORY, NOW)
    for hostile in ("\u202e", "\r", "\u2028", "\x00", "\x1b", "\ud800", "[INC-7]"):
        assert hostile not in words.subject
        assert hostile not in words.text + words.html or hostile == "[INC-7]"
    assert "\n" not in words.subject
    assert "<script" not in words.html
    assert "\nBcc:" not in words.text.replace("> Bcc", "")
    if reporter:
        assert "evil.example" not in words.subject + words.text


def test_the_customers_text_is_quoted_and_bounded() -> None:
    text = wording().render([notice(Reason.REGISTERED)], incident(text="编号    INC-7\n" * 500), DIRECTORY, NOW).text
    assert text.count("INC-7") <= 12
    assert all(line.startswith("> ") for line in text.splitlines() if "INC-7" in line)
    assert len(text) < 2500


@settings(max_examples=200)
@given(
    title=st.text(max_size=400),
    service=st.text(max_size=80),
    name=st.text(max_size=200),
    channel=st.sampled_from(["sms", "email"]),
)
def test_whatever_the_words_are_the_limits_hold(title: str, service: str, name: str, channel: str) -> None:
    about = incident(title=title, service=service, reporter_name=name)
    told = [notice(r, channel=channel, role=Role.SERVICE_DIRECTOR, data=DATA | {"by": name}) for r in list(Reason)[:10]]
    for locale in ("zh_CN", "en"):
        words = wording(locale).render(told, about, DIRECTORY, NOW)
        assert len(words.subject) <= MAX_SUBJECT
        assert "\n" not in words.subject
        if channel == "sms":
            assert len(words.text) <= MAX_SMS[locale]
            assert "54" in words.text, "until when is never cut away"


def test_only_our_own_links_are_written() -> None:
    told = [notice(Reason.SURVEY, reporter=True, data={"url": f"{URL}/s/abc"})]
    assert f"{URL}/s/abc" in wording().render(told, incident(), DIRECTORY, NOW).text
    told = [notice(Reason.SURVEY, reporter=True, data={"url": f"{URL}.evil.example/s/abc"})]
    assert "evil" not in wording().render(told, incident(), DIRECTORY, NOW).text


def test_a_locale_without_words_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no words for 'fr'"):
        Wording("fr", ZONE, URL)
