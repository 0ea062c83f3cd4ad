"""Attributes, settled one by one: the first source that has one wins (RULES 2.4)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from daemon.core.book import Book
from daemon.core.incident import Settled
from daemon.core.vocabulary import LEADERS, Kind
from parsers import ALERT, Raw, Report

ATTRIBUTES = ("kind", "category", "cause", "service", "impact", "urgency", "environment")

WINDOW = 4000  # characters of a mail's own text that the word tables look at


class Put(Protocol):
    def __call__(self, name: str, value: str | None, by: str, why: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a signal is: its attributes, and what its words ask for."""

    settled: dict[str, Settled]
    needs_triage: bool
    interrupted: bool = False
    urgent_by: str = ""  # who asks for emergency handling, where the asker's word counts
    asks: str = ""  # the word or header that asks for it, whoever it is

    def value(self, name: str) -> str | None:
        found = self.settled.get(name)
        return found.value if found else None


def fold(text: str) -> str:
    """Full-width to half-width, case folded: how the word tables are compared."""
    return unicodedata.normalize("NFKC", text).casefold()


_folded = lru_cache(20_000)(fold)
"""For the words of the tables, which are few and always the same."""


def find_word(text: str, words: Iterable[str]) -> str:
    """The first of `words` that stands in the folded `text`; Latin ones only between word borders. "" for none."""
    for word in words:
        folded = _folded(word)
        at = text.find(folded)
        while at >= 0:
            if not folded[0].isascii() or _bordered(text, at, at + len(folded)):
                return word
            at = text.find(folded, at + 1)
    return ""


def _bordered(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isascii() and before.isalnum()) and not (after.isascii() and after.isalnum())


def words_of(report: Report) -> str:
    """Title and the writer's own text, folded and bounded."""
    text = report.mail.own_text if report.mail and report.mail.own_text else report.text
    return fold(f"{report.title}\n{text[:WINDOW]}")


def settle(report: Report, raw: Raw, book: Book, person: Mapping[str, str] | None = None) -> Verdict:
    """`person`: what somebody entered by hand; it wins over everything."""
    settled: dict[str, Settled] = {}

    def put(name: str, value: str | None, by: str, why: str = "") -> None:
        if value and name not in settled:
            settled[name] = Settled(value, by, why)

    for name, value in (person or {}).items():
        put(name, value, "person")
    for name, value in book.entries.get(raw.entry, {}).items():
        put(name, value, "entry", raw.entry)
    for rule in book.rules:
        if any(name not in settled for name in rule.set) and rule.matches(report, raw):
            for name, value in rule.set.items():
                put(name, value, "rule", rule.name)
    _by_parser(report, book, put)
    text = words_of(report)
    _by_words(text, report, book, put)
    by_itself = person is None
    unsettled = "kind" not in settled or "service" not in settled
    put("kind", Kind.REQUEST, "default")
    urgent, asks = _urgent(report, book)
    return Verdict(
        settled=settled,
        needs_triage=by_itself and (unsettled or bool(asks and not urgent)),
        interrupted=report.signal != ALERT and bool(find_word(text, book.policy.words.interrupted)),
        urgent_by=urgent,
        asks=asks,
    )


def _by_parser(report: Report, book: Book, put: Put) -> None:
    if report.signal == ALERT:
        put("kind", Kind.FAULT, "parser")
        put("category", "monitoring_alert", "parser")
    for name in (report.service, report.labels.get("service", ""), report.labels.get("job", "")):
        service = book.directory.service(name) if name else None
        if service:
            put("service", service.name, "parser", f"label {name}")
            break
    if report.interrupted:
        put("impact", "high", "parser", "interrupted")
    put("environment", environment_of(report), "parser")


def environment_of(report: Report) -> str:
    return report.environment or report.labels.get("environment", "") or report.labels.get("env", "")


def _by_words(text: str, report: Report, book: Book, put: Put) -> None:
    words = book.policy.words
    title = fold(report.title)
    if report.signal != ALERT:
        for where in (title, text):
            for kind, table in words.kinds.items():
                if word := find_word(where, table):
                    put("kind", kind, "words", word)
                    break
        for category, table in words.categories.items():
            if word := find_word(text, table):
                put("category", category, "words", word)
                break
    for where in (title, text):
        for service in book.directory.services:
            if word := find_word(where, (*service.keywords, service.name, *service.aliases)):
                put("service", service.name, "words", word)


def _urgent(report: Report, book: Book) -> tuple[str, str]:
    """(who asks for emergency handling and how, "" for an unknown sender; how) (RULES 3.3.1)."""
    mail = report.mail
    if mail is None or report.signal == ALERT or mail.automatic:
        return "", ""
    lines = [line for line in (mail.own_text or report.text).splitlines() if line.strip()][:3]
    text = fold("\n".join((report.title, *lines))[:WINDOW])
    for phrase in book.policy.words.not_urgent:
        text = text.replace(fold(phrase), " ")
    how = find_word(text, book.policy.words.urgent) or mail.urgent_header
    if not how:
        return "", ""
    customer = book.directory.customer(mail.sender)
    person = book.directory.by_email(mail.sender)
    if customer:
        return f"customer {customer.name} asks: {how}", how
    if person and LEADERS.intersection(person.roles):
        return f"{person.name} asks: {how}", how
    return "", how
