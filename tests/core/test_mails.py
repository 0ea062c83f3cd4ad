"""How well the word tables read mail that nobody tuned a rule for: a table of mails, one judged line each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.config import load
from daemon.core.book import Book
from daemon.core.incident import Incident
from daemon.core.known import Known
from daemon.core.triage import triage
from parsers import MAIL, Mail, Raw, Report

HERE = Path(__file__).parent
LEAST = 0.95


@dataclass(frozen=True)
class Judged:
    sender: str
    subject: str
    text: str
    kind: str
    category: str
    service: str
    emergency: str


def judged() -> list[Judged]:
    lines = tomllib.loads((HERE / "mails.toml").read_text("utf-8"))["mails"].strip().splitlines()
    found = []
    for line in lines:
        sender, subject, text, kind, category, service, emergency = (part.strip() for part in line.split("|"))
        found.append(Judged(sender, subject, text, kind, category, service, emergency))
    return found


@pytest.fixture(scope="module")
def book() -> Book:
    return load(HERE.parents[1] / "config.toml", {}).book()


def register(mail: Judged, book: Book) -> Incident:
    known = Known(number=lambda: 1)
    letter = Mail(sender=mail.sender, own_text=mail.text, message_id="m@x")
    report = Report(MAIL, mail.subject, text=mail.text, mail=letter)
    triage(report, Raw(1, "smtp", "support@*", "customer_mail", 0, b""), known, book, 0)
    return known.incidents[1]


def test_at_least_150_mails_are_judged_and_95_percent_are_read_as_the_desk_would(book: Book) -> None:
    wrong: dict[str, list[str]] = {"kind": [], "category": [], "service": [], "emergency": []}
    mails = judged()
    for mail in mails:
        found = register(mail, book)
        for name, want, have in (
            ("kind", mail.kind, str(found.kind)),
            ("category", mail.category, found.category or "-"),
            ("service", mail.service, found.service or "-"),
            ("emergency", mail.emergency, "!" if found.emergency else "-"),
        ):
            if want not in (have, "?"):
                wrong[name].append(f"{name}: {mail.subject!r} is {want}, was read as {have} ({found.reasons[:2]})")
    accuracy = {name: 1 - len(faults) / len(mails) for name, faults in wrong.items()}
    print(f"{len(mails)} mails; accuracy " + ", ".join(f"{n} {a:.1%}" for n, a in accuracy.items()))
    print("\n".join(line for faults in wrong.values() for line in faults))
    assert len(mails) >= 150
    assert min(accuracy.values()) >= LEAST, accuracy
