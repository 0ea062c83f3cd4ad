"""What a decision must know before it is made: the incidents, keys, threads and complaint counters that it touches,
locked (decision 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from daemon.core import complaints, replies
from daemon.core.book import Book
from daemon.core.classify import Verdict, settle
from daemon.core.incident import Incident
from daemon.core.known import Known, MailFacts
from daemon.core.triage import delivery_mark, scoped_key, tagged, thread_ids
from daemon.core.vocabulary import Kind, Origin, Status
from daemon.store import Tx
from daemon.store.complaints import Found, find, reporters
from parsers import ALERT, Raw, Report

CHAIN = 10  # duplicates of duplicates that are followed

Signal = tuple[Report, Raw, MailFacts]


async def load(tx: Tx, signals: Sequence[Signal], book: Book, now: int) -> tuple[Known, list[Verdict | None]]:
    """What the reports of a batch may touch, and the verdicts on those that may register."""
    keys: set[str] = set()
    ids: set[str] = set()
    numbers: set[int] = set()
    for report, raw, facts in signals:
        if facts.incident is not None:
            numbers.add(facts.incident)
        if key := scoped_key(report, raw):
            keys.add(key)
        else:
            ids.update((*thread_ids(report), delivery_mark(report, raw)))
            if (number := tagged(report)) is not None:
                numbers.add(number)
    ids.discard("")
    found = await tx.alert_keys(keys)
    threads = await tx.threads(ids)
    numbers.update(k.incident for k in found.values() if k.incident is not None)
    numbers.update(n for group in threads.values() for n in group)
    incidents = await with_masters(tx, await tx.incidents(numbers))
    known = Known(number=lambda: next(fresh), incidents=incidents, keys=dict(found), threads=threads)
    verdicts: list[Verdict | None] = []
    wanted = 0
    for signal in signals:
        may, more = _may_register(signal, known, book)
        verdicts.append(settle(signal[0], signal[1], book) if may else None)
        wanted += may + more
    await load_complaints(tx, known, _services(signals, verdicts), _addresses(signals), book, now)
    spare = _surges(verdicts, known, book)
    fresh = iter(await tx.numbers(wanted + spare))
    return known, verdicts


async def with_masters(tx: Tx, incidents: dict[int, Incident]) -> dict[int, Incident]:
    """With the faults that they count for and the incidents that they are duplicates of."""
    for _ in range(CHAIN):
        named = {n for i in incidents.values() for n in (i.duplicate_of, i.complaint_of) if n is not None}
        if not (missing := named - set(incidents)):
            break
        incidents |= await tx.incidents(missing)
    return incidents


async def load_complaints(
    tx: Tx, known: Known, services: Mapping[str, bool], addresses: Iterable[str], book: Book, now: int
) -> None:
    """Of each service the loose tickets and, where the value is true, the open faults."""
    if not services:
        return
    since = now - book.policy.complaint_window * 1000
    found: Found = await find(tx, [s for s, faults in services.items() if faults], services, since)
    known.faults, known.tickets = found.faults, found.tickets
    known.incidents |= await tx.incidents(found.all - set(known.incidents))
    if book.policy.count_distinct_reporters:
        faults = set().union(*found.faults.values()) | {i.complaint_of or 0 for i in known.incidents.values()}
        loose = [known.incidents[n].reporter_address for group in found.tickets.values() for n in group]
        known.reporters = await reporters(tx, faults | set(known.incidents), [*addresses, *loose])


def _origin(report: Report) -> Origin:
    return Origin.MONITORING if report.signal == ALERT else Origin.USER


def _services(signals: Sequence[Signal], verdicts: Sequence[Verdict | None]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for (report, _, _), verdict in zip(signals, verdicts, strict=True):
        service, kind = (verdict.value("service"), verdict.value("kind")) if verdict else (None, None)
        if service and kind and complaints.wanting(Kind(kind), service, _origin(report)):
            found[service] = found.get(service, False) or report.signal != ALERT
    return found


def _addresses(signals: Sequence[Signal]) -> list[str]:
    return [report.mail.sender for report, _, _ in signals if report.mail]


def _surges(verdicts: Sequence[Verdict | None], known: Known, book: Book) -> int:
    """How many faults the complaints of this batch may make beside themselves."""
    spare = 0
    for service, tickets in known.tickets.items():
        more = sum(v is not None and v.value("service") == service for v in verdicts)
        spare += len(tickets) + more >= book.policy.surge_complaints
    return spare


def _may_register(signal: Signal, known: Known, book: Book) -> tuple[bool, int]:
    """Whether the report may register (or needs a verdict as a mail that joins), and how many incidents it may open
    beside: a number that is asked for and not used is a gap on PostgreSQL."""
    report, raw, facts = signal
    if key := scoped_key(report, raw):
        found = known.keys.get(key)
        incident = known.incidents.get(found.incident) if found is not None and found.incident is not None else None
        return incident is None or incident.status in (Status.CLOSED, Status.CANCELLED), 0
    numbers = [n for i in (*thread_ids(report), delivery_mark(report, raw)) for n in known.threads.get(i, ())]
    numbers += [n for n in (facts.incident, tagged(report)) if n is not None]
    incidents = [i for n in numbers if (i := known.incidents.get(n)) is not None]
    may = not incidents or any(i.status in (Status.CLOSED, Status.CANCELLED) for i in incidents)
    done = [i for i in incidents if i.status in (Status.RESOLVED, Status.CLOSED)]
    opens = bool(done) and (any(i.workaround for i in done) or _low(report, book))
    return may, int(opens)


def _low(report: Report, book: Book) -> bool:
    text = (report.mail.own_text if report.mail else "") or report.text
    score = replies.read(text, book.policy.words)[1]
    return score is not None and score <= replies.LOW
