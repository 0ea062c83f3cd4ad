"""Random and mutated input: nothing but Unparsable escapes, and no report holds what poisons a row."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import parsers
from parsers import Raw, Unparsable

PARSERS = parsers.load()
SAMPLES = sorted(p for p in Path(__file__).parent.glob("*/*") if p.is_file() and not p.name.endswith(".expected.json"))
BODIES = [p.read_bytes() for p in SAMPLES]
TYPES = ("", "application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b1")
POISON = re.compile("[\0\ud800-\udfff]")
ROBUST = settings(max_examples=150, deadline=2000, suppress_health_check=list(HealthCheck))

NAMES = st.sampled_from(
    [
        "alerts",
        "labels",
        "annotations",
        "status",
        "state",
        "startsAt",
        "endsAt",
        "values",
        "title",
        "event",
        "tags",
        "id",
    ]
)
mutations = st.tuples(
    st.sampled_from(BODIES),
    st.lists(
        st.tuples(st.integers(0, 4000), st.binary(max_size=12), st.integers(0, 60)),
        min_size=1,
        max_size=6,
    ),
)
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | NAMES, inner, max_size=5),
    max_leaves=25,
)


def check(name: str, body: bytes, content_type: str = "", query: dict[str, str] | None = None) -> None:
    raw = Raw(1, "webhook", "e", name, 1_767_312_000_000, body, content_type, query=query or {})
    PARSERS[name].accepts(raw)
    try:
        reports = PARSERS[name].parse(raw, None)
    except Unparsable:
        return
    assert reports
    for report in reports:
        mail = report.mail
        texts = [report.title, report.text, report.key, report.source, *report.links, *report.labels.values()]
        if mail:
            texts += [mail.sender, mail.sender_name, mail.message_id, mail.own_text, mail.automatic, mail.bounce]
            texts += [*mail.references, *mail.recipients, *mail.defects, *(a.name for a in mail.attachments)]
        assert not any(POISON.search(text) for text in texts)
        assert report.state in {"firing", "resolved", "acknowledged", "unchanged"}


@pytest.mark.parametrize("name", sorted(PARSERS))
@ROBUST
@given(body=st.binary(max_size=3000), content_type=st.sampled_from(TYPES))
def test_random_bytes_are_read_or_refused(name: str, body: bytes, content_type: str) -> None:
    check(name, body, content_type)


@pytest.mark.parametrize("name", sorted(PARSERS))
@ROBUST
@given(mutation=mutations, content_type=st.sampled_from(TYPES))
def test_mutated_samples_are_read_or_refused(
    name: str, mutation: tuple[bytes, list[tuple[int, bytes, int]]], content_type: str
) -> None:
    body, edits = mutation
    for at, put, drop in edits:
        at = at % (len(body) + 1)
        body = body[:at] + put + body[at + drop :]
    check(name, body, content_type)


@pytest.mark.parametrize("name", sorted(PARSERS))
@ROBUST
@given(value=json_like, query=st.dictionaries(st.text(max_size=8) | NAMES, st.text(max_size=20), max_size=3))
def test_any_json_is_read_or_refused(name: str, value: object, query: dict[str, str]) -> None:
    check(name, json.dumps(value).encode("utf-8", "surrogatepass"), "application/json", query)


@ROBUST
@given(
    head=st.lists(
        st.tuples(
            st.sampled_from(
                ["From", "To", "Subject", "Content-Type", "Message-ID", "References", "Auto-Submitted", "X-Y"]
            ),
            st.text(max_size=60),
        ),
        max_size=8,
    ),
    body=st.text(max_size=300),
    charset=st.sampled_from(["utf-8", "gb18030", "utf-16", "utf-7", "iso2022_jp_2", "latin-1"]),
)
def test_mails_of_random_headers_are_read(head: list[tuple[str, str]], body: str, charset: str) -> None:
    text = "".join(f"{name}: {value}\r\n" for name, value in head) + "\r\n" + body
    data = text.encode(charset, "replace")
    check("customer_mail", data)
    check("alert_mail", data)
