"""Input made to hurt: every parser answers or refuses in time. A second of CPU time is the bound for 1 MB."""

from __future__ import annotations

import base64
import time

import pytest

import parsers
from parsers import Raw, Unparsable

PARSERS = parsers.load()
MAILS = ("customer_mail", "alert_mail")
OURS = ("alert_mail", "alertmanager", "customer_mail", "generic", "grafana")
HEAD = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
MB = 1_000_000


def run(name: str, body: bytes, content_type: str = "") -> tuple[list[parsers.Report], float]:
    raw = Raw(1, "smtp" if name in MAILS else "webhook", "e", name, 1_767_312_000_000, body, content_type)
    began = time.thread_time()
    try:
        PARSERS[name].accepts(raw)
        found = list(PARSERS[name].parse(raw, None))
    except Unparsable:
        found = []
    return found, time.thread_time() - began


def nested(depth: int) -> bytes:
    opening = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number) for number in range(depth)
    )
    return HEAD + opening + b"Content-Type: text/plain\r\n\r\ndeep words\r\n"


def parts(count: int) -> bytes:
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * count + b"--b--\r\n"


BOMBS = {
    "1,000 nested multiparts": nested(1000),
    "5,000 nested multiparts": nested(5000),
    "1,000 nested messages": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"\r\nx",
    "100,000 parts": parts(100_000),
    "a header block of 1 MB": b"X-A: " + b"a" * MB + b"\r\n" + HEAD + b"\r\nhello",
    "1 MB of header fields": b"X-A: a\r\n" * 125_000 + HEAD + b"\r\nhello",
    "64 KB of lines that are no header fields": b"From: a@b.c\r\n" + b"x\r\n" * 20_000 + b"To: d@e.f\r\n\r\nhello",
    "64 KB of such lines in each part": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + (b"--b\r\nX: y\r\n" + b"x\r\n" * 1500 + b"To: d@e.f\r\n\r\nhello\r\n") * 200,
    "1 MB without a line end": b"a" * MB,
    "1 MB of line ends": b"\r\n" * (MB // 2),
    "1 MB of bare CR": HEAD.replace(b"\r\n", b"\r") + b"\r" + b"x\r" * (MB // 2),
    "an encoded-word of 280 KB": b"Subject: =?utf-8?B?" + b"5peg" * 70_000 + b"?=\r\n" + HEAD + b"\r\nhello",
    "encoded-words that never end": b"Subject: " + b"=?a?q?" * 100_000 + b"\r\n" + HEAD + b"\r\nhello",
    "8,000 addresses": b"To: " + b", ".join(b"u%d@e.com" % n for n in range(8000)) + b"\r\n" + HEAD + b"\r\nhello",
    "60 KB of open brackets in From": b"From: " + b"(" * 60_000 + b"\r\nSubject: x\r\n\r\nhello",
    "60 KB of angle brackets": b"From: " + b"<" * 60_000 + b"\r\nMessage-ID: " + b"<" * 4000 + b"\r\n\r\nhello",
    "60 KB of quotes": b"From: " + b'"\\' * 30_000 + b"\r\n\r\nhello",
    "60 KB of spaces": b"From: a" + b" " * 60_000 + b"@\r\nSubject:" + b" " * 3000 + b"\r\n\r\nhello",
    "5,000 parameters": HEAD + b"Content-Type: text/plain" + b"; a=b" * 5000 + b"\r\n\r\nhello",
    "parameters that never close": HEAD + b"Content-Type: text/plain" + b';a="' * 10_000 + b"\r\n\r\nhello",
    "1 MB of open tags": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<" * MB,
    "1 MB of comments that never close": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<!--" * (MB // 4),
    "1 MB of scripts that never close": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<script>" * (MB // 8),
    "1 MB of quotations": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<blockquote>x<br>" * (MB // 17),
    "1 MB of pre": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<pre>\n" * (MB // 6),
    "1 MB of entities": HEAD + b"Content-Type: text/html\r\n\r\n" + b"&amp;&#x0;&nosuch" * (MB // 17),
    "1 MB of quoted lines": HEAD + b"\r\n" + b"> x\r\n" * (MB // 5),
    "1 MB of attributions": HEAD + b"\r\n" + b"On 1 Jan 2026 schrieb wrote a@b wrote:\r\n> x\r\n" * (MB // 46),
    "1 MB of header blocks": HEAD + b"\r\n" + b"From: x\r\n" * (MB // 9),
    "1 MB of field lines": HEAD + b"\r\n" + b"State : = : = OK\r\n" * (MB // 18),
    "1 MB of one long field": HEAD + b"\r\nHost" + b" " * MB + b"x",
    "a subject of colons": b"Subject: " + b":h/" * 20_000 + b" is DOWN\r\n\r\nx",
    "a subject of tags": b"Subject: " + b"[PROBLEM] a on " * 4000 + b"\r\n\r\nx",
    "a subject of durations": b"Subject: " + b"1d 1h " * 10_000 + b"\r\n\r\nx",
    "1 MB of base64 pieces": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QQ==" * (MB // 4),
    "1 MB of uuencode": HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + b"M\xff\xff\n" * (MB // 4),
    "1 MB of quoted-printable": HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n" * (MB // 3),
    "1 MB of boundary lines": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b" * (MB // 3),
    "1 MB of Alertmanager labels": HEAD + b"\r\n" + b"Labels\r\na = b\r\n" * (MB // 15),
    "1 MB of random bytes": bytes(range(256)) * 4000,
    "1 MB of NUL": b"\0" * MB,
}  # fmt: skip


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_mail_made_to_hurt_is_read_within_a_second(bomb: str, name: str) -> None:
    found, seconds = run(name, BOMBS[bomb])
    assert found or not BOMBS[bomb].strip()
    assert seconds < 1.0


HOOKS = {
    "nesting of 1,000,000": b"[" * MB,
    "nesting of 500 that closes": b'{"a":' * 500 + b"1" + b"}" * 500,
    "labels nested 300 deep": b'{"alerts":[{"labels":{"a":' + b"[" * 300 + b"]" * 300 + b"}}]}",
    "1 MB of digits": b"1" * MB,
    "a number of 1 MB in an object": b'{"title":' + b"1" * MB + b"}",
    "1 MB of one string": b'{"title":"' + b"a" * MB + b'"}',
    "1 MB of spaces in a title": b'{"title":"a' + b" " * MB + b'b"}',
    "1 MB of keys": b"{" + b",".join(b'"k%d":"v"' % n for n in range(70_000)) + b"}",
    "1 MB of members": b"[" + b",".join([b'{"a":1}'] * 9_000) + b"]",
    "1 MB of numbers": b"[" + b",".join([b"1"] * 400_000) + b"]",
    "100,000 alerts": b'{"alerts":[' + b",".join([b"{}"] * 100_000) + b"]}",
    "1 MB of form fields": b"&".join(b"a%d=b" % n for n in range(100_000)),
    "1 MB of form separators": b"a=b" + b"&" * MB,
    "1 MB of percent signs": b"a=" + b"%" * MB,
    "1 MB of escapes": b'{"title":"' + b"\\u0000" * 150_000 + b'"}',
    "lone surrogates": b'{"title":"\\ud800\\udfff\\udc00 x", "host":"\\u0000"}',
    "1 MB of links": b'{"title":"' + b"http://a@b:c?token=" * 50_000 + b'"}',
    "1 MB of multipart parts": b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n" * 18_000,
    "a label name of 1 MB": b'{"labels":{"' + b"a" * MB + b'":"x","alertname":"y"}}',
    "a time of 1 MB": b'{"title":"x","startsAt":"' + b"2" * MB + b'"}',
    "1 MB of text": b"word " * 200_000,
    "1 MB of brackets in text": b"x" + b"[a" * 500_000,
    "utf-16": b"\xff\xfe" + ('{"title": "' + "a" * 400_000 + '"}').encode("utf-16-le"),
}


@pytest.mark.parametrize("name", ["alertmanager", "generic", "grafana"])
@pytest.mark.parametrize("bomb", HOOKS)
def test_a_webhook_body_made_to_hurt_is_read_or_refused_within_a_second(bomb: str, name: str) -> None:
    for content_type in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        assert run(name, HOOKS[bomb], content_type)[1] < 1.0


def test_a_header_block_of_1_mb_is_cut_and_its_vital_fields_are_found_behind_the_cut() -> None:
    mail = run("customer_mail", BOMBS["a header block of 1 MB"])[0][0].mail
    assert mail is not None
    assert mail.sender == "a@b.example"
    assert any("cut" in defect for defect in mail.defects)


def test_parts_beyond_the_limits_are_named_and_what_was_read_is_kept() -> None:
    many = run("customer_mail", BOMBS["100,000 parts"])[0][0]
    assert many.mail is not None
    assert any("more than 200 parts" in defect for defect in many.mail.defects)
    assert many.text.startswith("x")
    deep = run("customer_mail", BOMBS["1,000 nested multiparts"])[0][0]
    assert deep.mail is not None
    assert any("nested deeper" in defect for defect in deep.mail.defects)
    assert "deep words" in deep.text


def test_a_mail_of_25_mb_is_read_with_the_size_and_hash_of_its_attachment() -> None:
    data = b"\x01" * 18_000_000
    body = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee file\r\n--b\r\n"
        + b"Content-Type: application/zip; name=logs.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(data).replace(b"\n", b"\r\n")
        + b"--b--\r\n"
    )
    found, seconds = run("customer_mail", body)
    mail = found[0].mail
    assert mail is not None
    assert mail.attachments[0].size == len(data)
    assert seconds < 5.0
