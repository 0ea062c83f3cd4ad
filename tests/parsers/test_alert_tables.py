"""Alerts, a sentence per row: states, severities, keys that hold from firing to recovery, times."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from parsers import (
    ACKNOWLEDGED,
    FIRING,
    RESOLVED,
    UNCHANGED,
    Raw,
    Report,
    Unparsable,
    alert_mail,
    alertmanager,
    generic,
)
from parsers._states import state_of
from parsers._times import instant

NOW = 1_767_312_000_000  # 2026-01-02T00:00:00Z


def hook(body: object, **fields: Any) -> Raw:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return Raw(1, "webhook", "entry", "generic", NOW, data, **fields)


def mailed(subject: str, body: str = "x") -> Report:
    encoded = base64.b64encode(subject.encode()).decode()
    data = (
        f"From: m@x.example\r\nSubject: =?utf-8?B?{encoded}?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}"
    )
    return alert_mail.parse(Raw(1, "smtp", "alerts", "alert_mail", NOW, data.encode()))[0]


PAIRS = [
    (
        "Nagios service",
        "** PROBLEM Service Alert: db1/Disk is CRITICAL **",
        "** RECOVERY Service Alert: db1/Disk is OK **",
    ),
    ("Nagios host", "** PROBLEM Host Alert: db1 is DOWN **", "** RECOVERY Host Alert: db1 is UP **"),
    ("Icinga service", "[PROBLEM] Disk on db1 is WARNING!", "[RECOVERY] Disk on db1 is OK!"),
    ("Icinga host", "[PROBLEM] Host db1 is DOWN!", "[RECOVERY] Host db1 is UP!"),
    ("Checkmk", "Check_MK: db1/Filesystem / OK -> CRIT", "Check_MK: db1/Filesystem / CRIT -> OK"),
    ("Zabbix", "Problem: High CPU (over 90% for 5m)", "Resolved in 12m 5s: High CPU (over 90% for 5m)"),
    ("old Zabbix", "PROBLEM: Free space less than 20% on /", "OK: Free space less than 20% on /"),
    ("Zabbix with a state in the name", "Problem: Database DOWN", "Resolved: Database DOWN"),
    ("Alertmanager text", "[FIRING:2] DiskFull (db1 critical)", "[RESOLVED] DiskFull (db1 critical)"),
    ("Grafana", "[Alerting] CPU load alert", "[OK] CPU load alert"),
    ("Monit", "monit alert --  Connection failed nginx", "monit alert --  Connection succeeded nginx"),
    ("Uptime Kuma", "[Immich] [🔴 Down] connect ECONNREFUSED 10.0.0.1:80", "[Immich] [✅ Up] 200 - OK"),
    ("PRTG", "[PRTG] web1 Ping (Ping) Down (No response)", "[PRTG] web1 Ping (Ping) Down ended (now: Up)"),
    ("Healthchecks", "DOWN | nightly backup", "UP | nightly backup"),
    ("UptimeRobot", "Monitor is DOWN: shop", "Monitor is UP: shop"),
    ("Pingdom", "DOWN alert: shop (shop.example) is DOWN", "UP alert: shop (shop.example) is UP"),
    ("CloudWatch", 'ALARM: "cpu-high" in Asia Pacific', 'OK: "cpu-high" in Asia Pacific'),
    ("Chinese brackets", "【告警】db1 磁盘使用率 95%", "【恢复】db1 磁盘使用率 40%"),
    ("Chinese words", "计费系统故障", "计费系统故障已恢复"),
    ("Chinese host", "主机 web1 宕机", "主机 web1 恢复正常"),
    ("plain words", "backup job failed on db1", "backup job succeeded on db1"),
    (
        "a duration and a time",
        "[Triggered] CPU of web1 at 10:00:01",
        "[Recovered] CPU of web1 after 5 minutes at 10:05:01",
    ),
]


@pytest.mark.parametrize(("sentence", "firing", "recovered"), PAIRS, ids=[row[0] for row in PAIRS])
def test_an_alert_mail_and_its_recovery_have_one_key(sentence: str, firing: str, recovered: str) -> None:
    first, last = mailed(firing), mailed(recovered)
    assert (first.state, last.state) == (FIRING, RESOLVED)
    assert first.key == last.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DOWN | port 8080", "DOWN | port 8081"),
        ("web1 down", "web2 down"),
        ("10.0.0.1 unreachable", "10.0.0.2 unreachable"),
        ("** PROBLEM Service Alert: a/Disk is CRITICAL **", "** PROBLEM Service Alert: a/Load is CRITICAL **"),
    ],
)
def test_alert_mails_about_different_things_have_different_keys(one: str, other: str) -> None:
    assert mailed(one).key != mailed(other).key


MAIL_STATES = [
    ("no word of any state: an alert address got it", "Hello", FIRING),
    ("an acknowledgement", "** ACKNOWLEDGEMENT Service Alert: db1/Disk is CRITICAL **", ACKNOWLEDGED),
    ("flapping", "** FLAPPINGSTART Service Alert: db1/Disk is WARNING **", UNCHANGED),
    ("not recovered", "db1 has not recovered", FIRING),
    ("未恢复", "未恢复：db1", FIRING),
    ("a recovery that failed", "数据库恢复失败", FIRING),
    ("不正常", "服务器不正常", FIRING),
    ("one of a mixed group fires", "[FIRING:1, RESOLVED:1] x", FIRING),
    ("a plan that names recovery", "Recovery test planned for Sunday", FIRING),
    ("still down", "db1 is still down", FIRING),
    ("now up", "db1 is back up", RESOLVED),
    ("no data", 'INSUFFICIENT_DATA: "x" in y', UNCHANGED),
]


@pytest.mark.parametrize(("sentence", "subject", "state"), MAIL_STATES, ids=[row[0] for row in MAIL_STATES])
def test_the_state_of_an_alert_mail(sentence: str, subject: str, state: str) -> None:
    assert mailed(subject).state == state


def test_the_body_tells_the_state_when_the_subject_does_not() -> None:
    assert mailed("db1", "Status: OK\n").state == RESOLVED
    assert mailed("monitor report", "当前状态：已恢复\n").state == RESOLVED


def test_a_mild_word_in_running_text_does_not_grade_an_alert_down() -> None:
    assert mailed("minor upgrade failed on db1").severity == ""
    assert mailed("[minor] fan of db1").severity == "minor"


STATES = [
    ("Re-Triggered", FIRING),
    ("incident.resolved", RESOLVED),
    ("ALARM", FIRING),
    ("OK", RESOLVED),
    ("Back to Normal", RESOLVED),
    ("ACK", ACKNOWLEDGED),
    ("no_data", UNCHANGED),
    ("Insufficient Data", UNCHANGED),
    ("not resolved", None),
    ("baaad", None),
    ("", None),
    (0, None),
    (None, None),
    ("恢复", RESOLVED),
    ("告警", FIRING),
    ("check.up", RESOLVED),
    ("partially resolved", None),
]


@pytest.mark.parametrize(("word", "state"), STATES)
def test_state_words(word: object, state: str | None) -> None:
    assert state_of(word) == state


TIMES = [
    ("seconds", 1767225600, 1767225600000),
    ("milliseconds", 1767225600123, 1767225600123),
    ("microseconds", 1767225600123456, 1767225600123),
    ("nanoseconds", 1767225600123456789, 1767225600123),
    ("seconds as text", "1767225600", 1767225600000),
    ("seconds with a fraction", 1767225600.5, 1767225600500),
    ("Z and nanoseconds", "2026-01-01T00:00:00.123456789Z", 1767225600123),
    ("a zone", "2026-01-01T08:00:00+08:00", 1767225600000),
    ("a zone without colon", "2026-01-01T08:00:00+0800", 1767225600000),
    ("no zone is UTC", "2026-01-01 00:00:00", 1767225600000),
    ("slashes", "2026/01/01 08:00:00 GMT+08:00", 1767225600000),
    ("Zabbix", "2026.01.01 00:00:00", 1767225600000),
    ("RFC 2822", "Thu, 01 Jan 2026 00:00:00 GMT", 1767225600000),
    ("a date", "2026-01-01", 1767225600000),
    ("compact", "20260101T000000Z", 1767225600000),
    ("seven digits of Azure", "2026-01-01T00:00:00.1234567Z", 1767225600123),
    ("year 1", "0001-01-01T00:00:00Z", None),
    ("1970", "1970-01-01T00:00:00Z", None),
    ("zero", 0, None),
    ("negative", -5, None),
    ("too large", 10**30, None),
    ("infinite", float("inf"), None),
    ("not a number", float("nan"), None),
    ("true", True, None),
    ("words", "yesterday", None),
    ("an absurd month", "2026-13-45T99:99:99Z", None),
    ("year 9999", "9999-12-31T23:59:59Z", None),
    ("empty", "", None),
    ("an object", {}, None),
    ("a long text", "2" * 10000, None),
    ("Arabic digits", "٢٠٢٦-٠١-٠١", None),
]


@pytest.mark.parametrize(("sentence", "value", "found"), TIMES, ids=[row[0] for row in TIMES])
def test_times(sentence: str, value: object, found: int | None) -> None:
    assert instant(value) == found


def alert(**fields: Any) -> dict[str, Any]:
    return {"labels": {"alertname": "A", "instance": "i"}, **fields}


AM_STATES = [
    ("its own status", alert(status="resolved"), {"status": "firing"}, RESOLVED),
    ("the group's status never decides over its own", alert(status="firing"), {"status": "resolved"}, FIRING),
    ("no status, the end lies in the past", alert(endsAt="2026-01-01T00:00:00Z"), {}, RESOLVED),
    ("no status, the end lies in the future", alert(endsAt="2026-01-03T00:00:00Z"), {}, FIRING),
    ("no status, the end is year 1", alert(endsAt="0001-01-01T00:00:00Z"), {"status": "resolved"}, FIRING),
    ("no status, the end is 1970", alert(endsAt="1970-01-01T00:00:00Z"), {}, FIRING),
    ("nothing at all", alert(), {}, FIRING),
    ("an unknown status", alert(status="baaad"), {}, UNCHANGED),
    ("the API's status object", alert(status={"state": "active"}), {}, FIRING),
    ("an end beyond all calendars", alert(endsAt="999999-99-99"), {}, FIRING),
]


@pytest.mark.parametrize(("sentence", "one", "head", "state"), AM_STATES, ids=[row[0] for row in AM_STATES])
def test_the_state_of_an_alertmanager_alert(
    sentence: str, one: dict[str, Any], head: dict[str, Any], state: str
) -> None:
    assert alertmanager.parse(hook({**head, "alerts": [one]}))[0].state == state


def test_the_key_is_the_label_set_whatever_its_order_and_state() -> None:
    firing = alertmanager.parse(hook([{"labels": {"a": "1", "b": "2"}, "status": "firing"}]))[0]
    resolved = alertmanager.parse(hook([{"labels": {"b": "2", "a": "1"}, "status": "resolved", "fingerprint": "f"}]))[0]
    assert firing.key == resolved.key


def test_one_fingerprint_over_two_label_sets_is_two_alerts() -> None:
    body = [{"labels": {"a": "1"}, "fingerprint": "f"}, {"labels": {"a": "2"}, "fingerprint": "f"}]
    assert len({report.key for report in alertmanager.parse(hook(body))}) == 2


GENERIC_STATES = [
    ("close words", {"title": "x", "action": "close"}, RESOLVED),
    ("trigger", {"title": "x", "event_action": "trigger"}, FIRING),
    ("acknowledge", {"title": "x", "event_type": "acknowledge"}, ACKNOWLEDGED),
    ("unknown", {"title": "x", "status": "odd"}, UNCHANGED),
    ("a number that nobody explained", {"title": "x", "status": 1}, UNCHANGED),
    ("no state", {"title": "x"}, FIRING),
    ("a title that tells it", {"title": "[RESOLVED] x"}, RESOLVED),
    ("nested", {"event": {"status": "closed", "title": "x"}}, RESOLVED),
    ("severity clear", {"title": "x", "severity": "clear"}, RESOLVED),
    ("level info is no state", {"title": "x", "level": "info"}, FIRING),
    ("a flag", {"title": "x", "resolved": True}, RESOLVED),
    ("the flag down", {"title": "x", "resolved": False}, FIRING),
    ("Chinese", {"标题": "x", "状态": "恢复"}, RESOLVED),
    ("unfilled macros say nothing", {"title": "x", "status": "{EVENT.STATUS}"}, FIRING),
    ("neither title nor state", {"foo": "bar"}, UNCHANGED),
]


@pytest.mark.parametrize(("sentence", "body", "state"), GENERIC_STATES, ids=[row[0] for row in GENERIC_STATES])
def test_the_state_of_a_generic_body(sentence: str, body: dict[str, Any], state: str) -> None:
    assert generic.parse(hook(body))[0].state == state


@pytest.mark.parametrize("body", [{}, [], [{}], [[]], "", None, 5, {"a": {}}, {"token": "s3cret"}])
def test_a_generic_body_with_nothing_in_it_is_refused(body: object) -> None:
    with pytest.raises(Unparsable):
        generic.parse(hook(body if body != "" else b""))


def test_secrets_leave_a_parser_neither_in_labels_nor_in_text_nor_in_refusals() -> None:
    secrets = {
        "token": "s3cret",
        "routing_key": "s3cret",
        "password": "s3cret",
        "Authorization": "s3cret",
        "access_token": "s3cret",
    }
    body = {
        "title": "x",
        "url": "https://h.example/?access_token=s3cret",
        "text": "see https://u:s3cret@h.example/",
        **secrets,
    }
    for one in (body, {"event": body}, {"alerts": [body]}, {"title": "x", "labels": secrets}):
        assert "s3cret" not in repr(generic.parse(hook(one)))
    with pytest.raises(Unparsable) as refusal:
        generic.parse(hook(b'{"token": "s3cret", }'))
    assert "s3cret" not in str(refusal.value)


def test_json_is_read_under_any_content_type_and_with_a_byte_order_mark() -> None:
    for kind in ("text/plain", "Application/json", "application/x-www-form-urlencoded", "", "multipart/mixed"):
        assert generic.parse(hook(b'\xef\xbb\xbf {"title": "x"}', content_type=kind))[0].title == "x"


def test_alerts_without_ids_under_one_envelope_id_have_keys_of_their_own() -> None:
    body = {"id": "group", "alerts": [{"name": "a"}, {"name": "b"}]}
    assert len({report.key for report in generic.parse(hook(body))}) == 2


@pytest.mark.parametrize("body", [b'{"alerts": [}', b"{}", b"[]", b"[1]", b"hello", b"", b'{"hello": 1}', b"\x00\x01"])
def test_the_door_is_told_that_a_body_holds_no_alertmanager_alert(body: bytes) -> None:
    assert not alertmanager.accepts(hook(body))


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"title": }', b"", b"\x00\x01"])
def test_the_door_is_told_that_a_body_holds_nothing(body: bytes) -> None:
    assert not generic.accepts(hook(body))
