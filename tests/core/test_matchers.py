"""Alertmanager's matcher syntax, and what each name compares."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.matchers import NAMES, Matcher, Rule, parse_matcher, value_of
from parsers import Mail, Raw, Report

RAW = Raw(1, "webhook", "prometheus", "alertmanager", 0, b"", mail_from="env@a.example", recipient="alerts@b.example")
REPORT = Report(
    "alert",
    "Disk full",
    severity="critical",
    text="first line\nsecond line",
    source="db1:9100",
    service="billing",
    environment="prod",
    labels={"severity": "critical", "service": "bill-run", "team name": "数据库", "a.b": "x"},
)


@pytest.mark.parametrize(
    ("text", "name", "op", "value"),
    [
        ('labels.severity="critical"', "labels.severity", "=", "critical"),
        ("labels.severity=critical", "labels.severity", "=", "critical"),
        (' labels.severity != "info" ', "labels.severity", "!=", "info"),
        ('labels.service=~"bill.*"', "labels.service", "=~", "bill.*"),
        ("labels.service!~bill.*|boss", "labels.service", "!~", "bill.*|boss"),
        ('title=""', "title", "=", ""),
        ("title=", "title", "=", ""),
        (r'title="a \"b\" \\ c\nd"', "title", "=", 'a "b" \\ c\nd'),
        (r'host=~"db1\.example\.com"', "host", "=~", r"db1\.example\.com"),
        (r"host=~db\d+:9100", "host", "=~", r"db\d+:9100"),
        ('title="a=b, {c}"', "title", "=", "a=b, {c}"),
        ('labels.告警级别="严重"', "labels.告警级别", "=", "严重"),
        ('"labels.team name"="dba"', "labels.team name", "=", "dba"),
        ('labels.a.b="x"', "labels.a.b", "=", "x"),
        ('title="=~"', "title", "=", "=~"),
    ],
)
def test_a_matcher_is_read_as_alertmanager_reads_it(text: str, name: str, op: str, value: str) -> None:
    matcher = parse_matcher(text)
    assert (matcher.name, matcher.op, matcher.value) == (name, op, value)
    assert parse_matcher(str(matcher)) == matcher


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no matcher"),
        ("severity", "is no matcher"),
        ('="x"', "is no matcher"),
        ('severity=="x"', "has a quote inside"),
        ('sevrity="x"', 'unknown name "sevrity"; did you mean severity?'),
        ('zone="x"', 'unknown name "zone"; an alert\'s label is labels.zone'),
        ('labels.="x"', "unknown name"),
        ('""="x"', "it is empty"),
        ('title="x', "quotes are not closed"),
        ('title="x" y', "something follows"),
        ('title=x"y', "has a quote inside"),
        ('title=~"("', "the regular expression is wrong: missing )"),
        (r'title=~"(a)\1"', "the regular expression is wrong"),
        ('title=~"' + "a" * 2001 + '"', "longer than 2000"),
        ('title=~"((a{100}){100}){100}"', "the regular expression is wrong"),
    ],
)
def test_a_wrong_matcher_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse_matcher(text)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('labels.severity="critical"', True),
        ('labels.severity="crit"', False),
        ('labels.severity=~"crit"', False),  # anchored
        ('labels.severity=~"crit.*"', True),
        ('labels.severity=~"warning|crit.*"', True),
        ('labels.severity=~"(?i)CRITICAL"', True),
        ('labels.severity!~"warning|info"', True),
        ('labels.severity!="critical"', False),
        ('labels.absent=""', True),
        ('labels.absent!=""', False),
        ('labels.absent!="x"', True),
        ('labels.absent=~".*"', True),
        ('labels.absent=~".+"', False),
        ('labels.absent!~"x"', True),
        ('source="webhook"', True),
        ('entry="prometheus"', True),
        ('parser="alertmanager"', True),
        ('state="firing"', True),
        ('subject="Disk full"', True),
        ('text=~".*second.*"', True),  # `.` matches line breaks
        ('host="db1:9100"', True),
        ('service="billing"', True),
        ('environment=~"prod|production"', True),
        ('sender="env@a.example"', True),
        ('recipient=~"alerts@.*"', True),
        ('"labels.team name"=~"数据.+"', True),
    ],
)
def test_a_matcher_holds_or_does_not(text: str, holds: bool) -> None:
    assert parse_matcher(text).matches(REPORT, RAW) is holds


def test_the_sender_of_a_mail_is_the_address_in_its_from() -> None:
    report = Report("mail", "x", mail=Mail(sender="li@c.example", recipients=("support@b.example",)))
    raw = Raw(1, "email", "support", "customer_mail", 0, b"", mail_from="bounce@relay.example")
    assert value_of("sender", report, raw) == "li@c.example"
    assert value_of("recipient", report, raw) == "support@b.example"


def test_a_rule_holds_when_all_its_matchers_do() -> None:
    both = Rule("rules[0]", (parse_matcher('source="webhook"'), parse_matcher('service="billing"')), {"impact": "high"})
    one = Rule("rules[1]", (parse_matcher('source="webhook"'), parse_matcher('service="portal"')), {"impact": "high"})
    assert both.matches(REPORT, RAW)
    assert not one.matches(REPORT, RAW)
    assert Rule("rules[2]", (), {}).matches(REPORT, RAW)


def test_an_expression_that_explodes_elsewhere_takes_linear_time() -> None:
    matcher = Matcher("text", "=~", "(a+)+$")
    assert not matcher.matches_value("a" * 100_000 + "b")


def test_a_lone_surrogate_in_a_value_raises_nothing() -> None:
    assert Matcher("sender", "=~", "a.b").matches_value("a\udc80b")


@given(st.text())
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_matcher(text)


@given(st.sampled_from(NAMES), st.sampled_from(["=", "!="]), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_is_printed_reads_back(name: str, op: str, value: str) -> None:
    matcher = Matcher(name, op, value)
    assert parse_matcher(str(matcher)) == matcher
