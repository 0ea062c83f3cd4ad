"""Attributes, settled one by one: the first source that has one wins (RULES 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import re2

from daemon.core.book import Book
from daemon.core.incident import Settled
from daemon.core.kinds import Found, kind_of, parts_of
from daemon.core.vocabulary import LEADERS, Kind
from daemon.core.word_search import fold, folded
from parsers import ALERT, Raw, Report

ATTRIBUTES = ("kind", "category", "cause", "service", "impact", "urgency", "environment")

WINDOW = 4000  # characters of a mail's own text that the word tables look at

_QUOTED = re2.compile(
    r"“[^”\n]{0,40}”|「[^」\n]{0,40}」|『[^』\n]{0,40}』|《[^》\n]{0,60}》|\"[^\"\n]{0,60}\"|(?m:^>.*$)"
)
"""Words that are mentioned, not said."""

_NEGATED = re2.compile(
    r"(?:不|非|没有|没那么|无需|无须|不用|不必|不需要|不要求|并非|不算|不是|不太|不怎么|谈不上)(?:是|很|太|那么|特别|十分|要|怎么)?"
    r"(?:紧急|着急|加急|特急|急|立即处理|马上处理|立刻处理|马上解决|立即解决)"
    r"|\b(?:not|isn't|isnt|non|never|nothing|no|without|hardly)\b[\s-]{1,2}"
    r"(?:at all |an? |that |very |so |really |super |particularly |any |need to be |required |too )*"
    r"(?:urgent|urgently|urgency|emergency|immediately|asap|immediate)\b"
    r"|\b(?:no need|don't need|do not need|needn't|no rush)\b[^.\n]{0,50}"
    r"\b(?:immediately|right away|asap|urgent|urgently|at once)\b"
)


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


def text_of(report: Report) -> str:
    """The writer's own words, folded and bounded."""
    text = report.mail.own_text if report.mail and report.mail.own_text else report.text
    return fold(" ".join(text[:WINDOW].split()))


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
    parts = parts_of(fold(report.title), text_of(report))
    found = [book.finder.find(part) for part in parts]
    _by_words(parts, found, report, book, put)
    by_itself = person is None
    unsettled = "kind" not in settled or "service" not in settled
    put("kind", Kind.REQUEST, "default")
    urgent, asks = _urgent(report, book, any("urgent" in f for f in found))
    return Verdict(
        settled=settled,
        needs_triage=by_itself and (unsettled or bool(asks and not urgent)),
        interrupted=report.signal != ALERT and any("interrupted" in f for f in found),
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


def _by_words(parts: tuple[str, str, str], found: list[Found], report: Report, book: Book, put: Put) -> None:
    if report.signal != ALERT:
        kind, word = kind_of(parts, found, book.finder)
        put("kind", kind, "words", word)
        for category in book.policy.words.categories:
            if words := next((f[name] for f in found if (name := f"category:{category}") in f), None):
                put("category", category, "words", words[0])
                break
    for where in found:
        if service := _service(where):
            put("service", service[0], "words", service[1])
    if report.mail and report.signal != ALERT and (by_sender := book.directory.service_of(report.mail.sender)):
        put("service", by_sender.name, "words", f"sender {report.mail.sender.rpartition('@')[2]}")


def _service(found: Found) -> tuple[str, str] | None:
    """The service with the most words in the text; of equal ones the first of the config."""
    named = {n[8:]: words for n, words in found.items() if n.startswith("service:")}
    if not named:
        return None
    name = max(named, key=lambda n: len(named[n]))
    return name, named[name][0]


def _urgent(report: Report, book: Book, worded: bool) -> tuple[str, str]:
    """(who asks for emergency handling and how, "" for an unknown sender; how) (RULES 3.3.1)."""
    mail = report.mail
    if mail is None or report.signal == ALERT or mail.automatic or not (worded or mail.urgent_header):
        return "", ""
    lines = [line for line in (mail.own_text or report.text).splitlines() if line.strip()][:3]
    text = _QUOTED.sub(" ", fold("\n".join((report.title, *lines))[:WINDOW]))
    for phrase in book.policy.words.not_urgent:
        text = text.replace(folded(phrase), " ")
    text = _NEGATED.sub(" ", text)
    how = next(iter(book.finder.find(text).get("urgent", ())), "") or mail.urgent_header
    if not how:
        return "", ""
    customer = book.directory.customer(mail.sender)
    person = book.directory.by_email(mail.sender)
    if customer:
        return f"customer {customer.name} asks: {how}", how
    if person and LEADERS.intersection(person.roles):
        return f"{person.name} asks: {how}", how
    return "", how
