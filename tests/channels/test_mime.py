"""The bytes of a mail: whatever the words are, the headers stay headers and the text stays the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import DeliveryError, Message
from channels._mime import MAX_REFERENCES, address, compose
from tests.peers.smtp_sink import parsed, text_of

FROM = ("Tocsin", "tocsin@tocsin.example")
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


def composed(**fields: object) -> bytes:
    known = {"key": "k", "channel": "email", "to": "w@x.example", "subject": "s", "text": "t", "at": 0} | fields
    return compose(Message(**known), FROM, "w@x.example", "")  # type: ignore[arg-type]


@given(WORDS)
def test_every_subject_reads_back_as_it_was_written(subject: str) -> None:
    raw = composed(subject=subject)
    assert str(parsed(raw)["Subject"]) == " ".join(subject.split())[:200].strip()


@given(st.text(max_size=300))
def test_no_text_in_any_field_ever_makes_a_header_or_a_long_line(text: str) -> None:
    raw = composed(subject=text, to_name=text, message_id=text, in_reply_to=text, headers={"X-Note": text}, text=text)
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    names = [line.partition(b":")[0].decode() for line in re.split(rb"\r\n(?![ \t])", head)]
    allowed = ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "X-Note"]
    allowed += ["Content-Type", "MIME-Version", "Content-Transfer-Encoding"]
    assert [n for n in names if n not in allowed] == []
    assert len(names) == len(set(names))
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), min_size=1, max_size=2000))
def test_every_text_reads_back_as_it_was_written(text: str) -> None:
    assert text_of(parsed(composed(text=text))) == (text if text.endswith("\n") else text + "\n")


@given(WORDS)
def test_a_display_name_never_becomes_an_address(name: str) -> None:
    (to,) = parsed(composed(to_name=name))["To"].addresses
    assert to.addr_spec == "w@x.example"


def test_long_references_are_folded_at_the_ids_and_never_encoded() -> None:
    ids = [f"{'x' * 60}{n}@mail.example.com" for n in range(12)]
    raw = composed(references=tuple(ids), in_reply_to=ids[-1])
    head = raw.partition(b"\r\n\r\n")[0].decode()
    assert "=?" not in head
    assert max(map(len, head.split("\r\n"))) <= 120
    assert str(parsed(raw)["References"]).split() == [f"<{i}>" for i in ids]


def test_of_many_references_the_first_and_the_latest_stay() -> None:
    ids = [f"{n}@x.example" for n in range(200)]
    kept = str(parsed(composed(references=tuple(ids)))["References"]).split()
    assert len(kept) == MAX_REFERENCES
    assert kept[0] == "<0@x.example>"
    assert kept[-1] == "<199@x.example>"


def test_a_message_without_an_id_gets_the_same_one_at_every_attempt() -> None:
    first, again = (parsed(composed(message_id="", key="42/x"))["Message-ID"] for _ in range(2))
    assert first == again
    assert str(first).endswith("@tocsin.example>")
    assert first != parsed(composed(message_id="", key="43/x"))["Message-ID"]


def test_words_that_look_like_encoded_words_stay_words() -> None:
    evil = "=?utf-8?b?DQpCY2M6IHZAeC5leGFtcGxl?="
    assert str(parsed(composed(subject=evil))["Subject"]) == evil


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("a.b+c@x.example", "a.b+c@x.example"),
        ("a@客户.example", "a@xn--ubt06m.example"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
    ],
)
def test_an_address_is_written_with_an_ascii_domain(given_: str, written: str) -> None:
    assert address(given_) == written


@pytest.mark.parametrize(
    "text", ["a@" + "x" * 70 + "客.example", "a@..客", "a@b\n", "<a@b>", '"a b"@c', "a" * 65 + "@b"]
)
def test_what_cannot_be_an_envelope_address_is_refused(text: str) -> None:
    with pytest.raises(DeliveryError):
        address(text)
