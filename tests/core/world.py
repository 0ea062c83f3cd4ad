"""The pure core with a clock: what comes in, what people do, what time does. No store, no loop, no words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from daemon.core import actions, correct, deadlines, enter, timers, work
from daemon.core.actions import Actor
from daemon.core.book import Book
from daemon.core.directory import Customer, Directory, Person, Service
from daemon.core.incident import AlertKey, Change, Entry, Incident, Notice
from daemon.core.known import Known, MailFacts, Outcome
from daemon.core.policy import Policy
from daemon.core.triage import triage
from daemon.core.vocabulary import Role
from daemon.core.words import WORDS
from parsers import ALERT, FIRING, MAIL, RESOLVED, Mail, Raw, Report

ACTIONS = (actions.ACTIONS, work)[0]
S, M, H, D = 1000, 60_000, 3_600_000, 86_400_000
ROLES = tuple(Role)
PEOPLE = tuple(Person(str(r), f"the {r}", f"{r}@ops.example", f"+86{n}", (r,)) for n, r in enumerate(ROLES))
CUSTOMERS = (Customer("Customer A", ("customer.example",)), Customer("VIP", ("vip.example",), vip=True))
SERVICES = (
    Service("billing", True, ("计费", "billing")),
    Service("portal", False, ("门户", "portal"), ("web",), user_base=800_000),
    Service("cloud", False, ("云主机",), user_base=2_000_000),
)


def book(policy: Policy | None = None, people: tuple[Person, ...] = PEOPLE) -> Book:
    """The words are compiled once for all tests: their tables are the same."""
    made = Book(policy or Policy(), Directory(people, CUSTOMERS, SERVICES))
    if made.policy.words == WORDS:
        made.__dict__["finder"] = _FINDER
    return made


_FINDER = Book(directory=Directory(services=SERVICES)).finder


def policy(**changes: Any) -> Policy:
    return replace(Policy(), **changes)


@dataclass
class World:
    book: Book = field(default_factory=book)
    now: int = 0
    incidents: dict[int, Incident] = field(default_factory=dict)
    keys: dict[str, AlertKey] = field(default_factory=dict)
    threads: dict[str, list[int]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids, self._inbox = itertools.count(1), itertools.count(1)

    # what comes in

    def alert(self, key: str = "k", severity: str = "error", state: str = FIRING, **more: Any) -> Incident | None:
        labels = {"service": more.pop("service", "portal")} | more.pop("labels", {})
        report = Report(ALERT, more.pop("title", "it fails"), state, key, severity, labels=labels, **more)
        return self._report(report, "webhook", "prometheus")

    def recover(self, key: str = "k") -> Incident | None:
        return self.alert(key, state=RESOLVED)

    def mail(self, subject: str, text: str = "", sender: str = "li@customer.example", **more: Any) -> Incident | None:
        number = next(self._inbox)
        more.setdefault("message_id", f"m{number}@x")
        mail = Mail(sender=sender, own_text=text, **more)
        return self._report(Report(MAIL, subject, text=text, mail=mail), "smtp", "support")

    def _report(self, report: Report, source: str, entry: str) -> Incident | None:
        known = self._known()
        raw = Raw(next(self._inbox), source, entry, "p", self.now, b"")
        outcome = triage(report, raw, known, self.book, self.now, MailFacts())
        self.outcomes.append(outcome)
        self._keep(known)
        return self.incidents.get(outcome.incident) if outcome.incident else None

    # what people do

    def register(self, by: str = "service_desk", **data: Any) -> Incident:
        known = self._known()
        told = enter.read(data, self.book, self.now)
        change = enter.enter(told, self.actor(by), self.book, known, self.now)
        self._keep(known)
        return change.incident

    def act(self, number: int, action: str, by: str = "service_desk", admin: bool = False, **data: Any) -> Incident:
        known = self._known()
        actor = replace(self.actor(by), admin=admin)
        actions.perform(known.incidents[number], action, data, actor, self.book, known, self.now)
        self._keep(known)
        return self.incidents[number]

    def patch(self, number: int, by: str = "incident_manager", **data: Any) -> Incident:
        known = self._known()
        given = {"reason": "the customer says so"} | data
        correct.correct(known.incidents[number], given, self.actor(by), self.book, known, self.now)
        self._keep(known)
        return self.incidents[number]

    def actor(self, by: str) -> Actor:
        person = self.book.directory.person(by)
        return Actor(person.name if person else by, person)

    # time

    def to(self, at: int) -> None:
        """Runs every timer up to and including `at`, each at its instant."""
        while due := [i for i in self.incidents.values() if i.next_at is not None and i.next_at <= at]:
            first = min(due, key=lambda i: (i.next_at or 0, i.id))
            self.now = max(self.now, first.next_at or 0)
            self.tick(first.id)
        self.now = max(self.now, at)

    def tick(self, number: int) -> None:
        known = self._known()
        timers.on_deadline(known.incidents[number], known, self.book, self.now)
        self._keep(known)

    def wake(self) -> None:
        """After a change of the book: every armed incident looks again."""
        for number in [n for n, i in self.incidents.items() if i.next_at is not None]:
            self.tick(number)

    # what is known, and what was said

    def _known(self) -> Known:
        copies = {n: i.copy() for n, i in self.incidents.items()}
        known = Known(number=lambda: next(self._ids), incidents=copies, keys=dict(self.keys))
        known.threads = {m: list(ids) for m, ids in self.threads.items()}
        for i in copies.values():
            if i.service:
                known.faults.setdefault(i.service, set()).add(i.id)
                known.tickets.setdefault(i.service, set()).add(i.id)
            if i.complaint_of is not None:
                known.reporters.setdefault(i.complaint_of, set()).add(i.reporter_address)
        return known

    def _keep(self, known: Known) -> None:
        for change in known.changes.values():
            self._apply(change)
        for key in known.changed_keys.values():
            self.keys[key.key] = key
        for message_id, number in known.messages:
            self.threads.setdefault(message_id, []).append(number)

    def _apply(self, change: Change) -> None:
        if change.touched or change.created:
            deadlines.arm(change.incident, self.book, self.now)
        self.incidents[change.incident.id] = change.incident
        self.entries += change.entries
        self.notices += change.notices
        if change.keys_to is not None:
            moved = {n: k for n, k in self.keys.items() if k.incident == change.incident.id}
            self.keys |= {n: AlertKey(n, change.keys_to, k.newest, k.state) for n, k in moved.items()}

    def events(self, event: str, number: int = 1) -> list[Entry]:
        return [e for e in self.entries if e.event == event and e.incident == number]

    def told(self, reason: str, number: int = 1) -> list[tuple[int, str]]:
        """(instant, role) of the escalations of a reason."""
        found = [e for e in self.events("escalated", number) if e.data["reason"] == reason]
        return [(e.at, e.data["role"]) for e in found]

    def levels(self, number: int = 1) -> list[tuple[int, str, str]]:
        return [(e.at, e.data["to"], e.data["reason"]) for e in self.events("level", number)]


def iso(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).isoformat()
