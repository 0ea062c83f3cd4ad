"""What a report means for what we keep: register, join, resolve, reopen, or nothing (RULES 2, 7.2)."""

from __future__ import annotations

import hashlib
import re

from daemon.core import followup, lifecycle, replies
from daemon.core.book import Book
from daemon.core.classify import Verdict, environment_of, settle
from daemon.core.grading import alert_impact
from daemon.core.incident import AlertKey, Incident
from daemon.core.known import Known, MailFacts, Outcome
from daemon.core.register import new_incident, open_incident
from daemon.core.regrade import regrade
from daemon.core.vocabulary import OPEN, Role, Status
from parsers import ACKNOWLEDGED, ALERT, FIRING, RESOLVED, Raw, Report

_TAG = re.compile(r"\bINC-(\d{1,18})\b", re.IGNORECASE)
_NO_FACTS = MailFacts()


def scoped_key(report: Report, raw: Raw) -> str:
    """The dedup key as the store knows it: the sender's key within its entry; "" for a person's mail."""
    if report.signal != ALERT:
        return ""
    own = report.key or "title:" + hashlib.sha256(f"{report.source}\n{report.title}".encode()).hexdigest()[:32]
    return f"{raw.entry}:{own}"


def delivery_mark(report: Report, raw: Raw) -> str:
    """Names one delivery of one mail to one entry: the same Message-ID with other content is another mail
    (MAIL 3.1). "" where there is no Message-ID."""
    mail = report.mail
    if mail is None or not mail.message_id:
        return ""
    parts = (raw.entry, mail.message_id, mail.sender, report.title, report.text, *(a.sha256 for a in mail.attachments))
    return "delivery:" + hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def thread_ids(report: Report) -> list[str]:
    """The Message-IDs that may name the incident, the surest first (MAIL 6)."""
    mail = report.mail
    if mail is None or report.signal == ALERT:
        return []
    ids = [mail.in_reply_to, *reversed(mail.references)]
    return list(dict.fromkeys(i for i in ids if i))


def tagged(report: Report) -> int | None:
    """The incident that the subject's tag names; only a sender whom the incident knows may use it."""
    match = _TAG.search(report.title) if report.mail and report.signal != ALERT else None
    return int(match.group(1)) if match else None


def triage(
    report: Report,
    raw: Raw,
    known: Known,
    book: Book,
    now: int,
    facts: MailFacts = _NO_FACTS,
    verdict: Verdict | None = None,
) -> Outcome:
    """Decide about one report; what changes is in `known.changes`. `verdict`: what `settle` said of it, if it was
    asked before."""
    if environment_of(report).casefold() in book.policy.out_of_scope_environments:
        return Outcome("out_of_scope")
    if report.test:
        return Outcome("unchanged")
    if report.signal == ALERT:
        return _alert(report, raw, known, book, now, verdict)
    return _mail(report, raw, known, book, now, facts, verdict)


# -- alerts --------------------------------------------------------------------------------------------------------


def _alert(report: Report, raw: Raw, known: Known, book: Book, now: int, verdict: Verdict | None) -> Outcome:
    name = scoped_key(report, raw)
    key = known.keys.get(name)
    if key is not None and key.incident is not None and raw.id < key.newest:
        return Outcome("duplicate", key.incident, name)  # an older signal never overrides a newer one
    incident = known.incidents.get(key.incident) if key is not None and key.incident is not None else None
    if report.state == FIRING:
        return _firing(report, raw, known, book, now, name, key, incident, verdict)
    if key is None or incident is None:
        return Outcome("unchanged", None, name)
    if report.state == RESOLVED:
        return _recovered(raw, known, book, now, key, incident)
    if report.state == ACKNOWLEDGED and incident.is_open:
        known.put_key(AlertKey(name, incident.id, raw.id, key.state))
        change = known.change(incident, touch=False)
        change.log(now, "note", text="acknowledged in the monitoring system", source=raw.entry, public=False)
        return Outcome("acknowledged", incident.id, name)
    return Outcome("unchanged", incident.id, name)


def _firing(
    report: Report,
    raw: Raw,
    known: Known,
    book: Book,
    now: int,
    name: str,
    key: AlertKey | None,
    incident: Incident | None,
    verdict: Verdict | None,
) -> Outcome:
    joinable = incident is not None and (incident.status in OPEN or incident.status is Status.RESOLVED)
    if incident is None or not joinable:
        verdict = verdict or settle(report, raw, book)
        if _out_of_scope(verdict.settled.get("environment"), book):
            return Outcome("out_of_scope", None, name)
        fresh = new_incident(report, raw, verdict, known, book, now)
        fresh.alerts_open = 1
        open_incident(fresh, known, book, now)
        known.put_key(AlertKey(name, fresh.id, raw.id, FIRING))
        return Outcome("registered", fresh.id, name)
    again = key is not None and key.state != FIRING
    reopen = incident.status is Status.RESOLVED
    impact = alert_impact(report.severity, book)
    graver = incident.alert_impact is None or impact.rank > incident.alert_impact.rank
    known.put_key(AlertKey(name, incident.id, raw.id, FIRING))
    change = known.change(incident, touch=again or reopen or graver)
    change.log(now, "joined", source=str(raw.source), entry=raw.entry, severity=report.severity or None)
    if again:
        incident.alerts_open += 1
        incident.quiet_from = None
    if reopen:
        lifecycle.reopen_by_alert(change, book, now)
    if graver:
        incident.alert_impact, incident.alert_severity = impact, report.severity
        regrade(change, book, now)
    return Outcome("joined", incident.id, name)


def _recovered(raw: Raw, known: Known, book: Book, now: int, key: AlertKey, incident: Incident) -> Outcome:
    if key.state == RESOLVED:
        return Outcome("unchanged", incident.id, key.key)
    known.put_key(AlertKey(key.key, incident.id, raw.id, RESOLVED))
    if incident.status not in OPEN and incident.status is not Status.RESOLVED:
        return Outcome("unchanged", incident.id, key.key)
    change = known.change(incident)
    incident.alerts_open = max(incident.alerts_open - 1, 0)
    if incident.alerts_open == 0:
        incident.quiet_from = now
        if incident.is_open:
            lifecycle.resolve_by_monitoring(change, book, now)
    return Outcome("resolved", incident.id, key.key)


def _out_of_scope(environment: object, book: Book) -> bool:
    value = getattr(environment, "value", None) or ""
    return str(value).casefold() in book.policy.out_of_scope_environments


# -- mail ----------------------------------------------------------------------------------------------------------


def _mail(
    report: Report, raw: Raw, known: Known, book: Book, now: int, facts: MailFacts, verdict: Verdict | None
) -> Outcome:
    mail = report.mail
    mark = delivery_mark(report, raw)
    if mark and known.threads.get(mark):
        return Outcome("duplicate", known.threads[mark][0])
    incident = _conversation(report, known, facts)
    if facts.own_loop or (mail and mail.sender in book.directory.own_addresses):
        return _kept(report, raw, known, now, incident, "our own mail came back")
    if mail and mail.automatic and incident is not None:
        return _kept(report, raw, known, now, incident, mail.bounce or mail.automatic)
    if mail and mail.bounce and incident is None:
        return Outcome("unchanged")  # kept and shown; what came back to us is nobody's request
    verdict = verdict or settle(report, raw, book)
    if incident is not None and not _too_old(incident, book, now):
        known.remember(mark, incident.id)
        return _join(report, raw, known, book, now, incident, verdict)
    if _out_of_scope(verdict.settled.get("environment"), book):
        return Outcome("out_of_scope")
    fresh = new_incident(report, raw, verdict, known, book, now)
    change = open_incident(fresh, known, book, now)
    if incident is not None:
        fresh.links.append(incident.id)
        change.log(now, "linked", to=incident.number, why="reply to an incident closed long ago")
    known.remember(mark, fresh.id)
    if mail:
        known.remember(mail.message_id, fresh.id)
    return Outcome("registered", fresh.id)


def _conversation(report: Report, known: Known, facts: MailFacts) -> Incident | None:
    """The incident of the mail's thread: token, Message-IDs, then the subject's tag of a known sender."""
    candidates: list[int] = [facts.incident] if facts.incident is not None else []
    for message_id in thread_ids(report):
        candidates += sorted(known.threads.get(message_id, ()), reverse=True)
    for number in candidates:
        if (found := known.incidents.get(number)) is not None:
            return _master(found, known)
    number = tagged(report) or 0
    found = known.incidents.get(number)
    if found is not None and report.mail and report.mail.sender and report.mail.sender == found.reporter_address:
        return _master(found, known)
    return None


def _master(incident: Incident, known: Known) -> Incident:
    """A reply to a duplicate goes to the incident that it is a duplicate of."""
    master = known.incidents.get(incident.duplicate_of) if incident.duplicate_of is not None else None
    return master or incident


def _too_old(incident: Incident, book: Book, now: int) -> bool:
    if incident.status is Status.CANCELLED:
        return True
    closed = incident.closed_at if incident.status is Status.CLOSED else None
    return closed is not None and now - closed > book.policy.reopen_within * 1000


def _kept(report: Report, raw: Raw, known: Known, now: int, incident: Incident | None, why: str) -> Outcome:
    """On the timeline, without any effect: no rule fires, nobody is answered."""
    if incident is None:
        return Outcome("unchanged")
    known.change(incident, touch=False).log(now, "joined", source=str(raw.source), automatic=why, title=report.title)
    return Outcome("joined", incident.id)


def _join(
    report: Report, raw: Raw, known: Known, book: Book, now: int, incident: Incident, verdict: Verdict
) -> Outcome:
    mail = report.mail
    if mail is None:
        raise ValueError("a joining report is a mail")
    known.remember(mail.message_id, incident.id)
    change = known.change(incident)
    text = (mail.own_text or report.text)[:2000]
    change.log(now, "joined", source=str(raw.source), reporter=mail.sender, title=report.title, text=text)
    ours = book.directory.by_email(mail.sender)
    incident.human = incident.human or ours is None
    reporter = mail.sender == incident.reporter_address
    if reporter and mail.message_id:
        incident.thread_id = mail.message_id
        incident.thread_refs = [*incident.thread_refs[-20:], mail.message_id]
    if incident.is_open:
        if verdict.urgent_by and not incident.urgent_by:
            incident.urgent_by = verdict.urgent_by
            regrade(change, book, now)
        elif verdict.asks and not verdict.urgent_by and incident.verified_at is None:
            incident.needs_triage = True
    elif reporter or (ours is not None and Role.SERVICE_DESK in ours.roles):
        _answer(change.incident, known, book, now, mail.own_text or report.text, reporter, mail.sender)
    return Outcome("joined", incident.id)


def _answer(incident: Incident, known: Known, book: Book, now: int, text: str, reporter: bool, sender: str) -> None:
    """The reporter's or the desk's reply to a resolved or closed incident: yes confirms, a score rates (the
    reporter's only), other words reopen. Anybody else's only joins."""
    change = known.change(incident)
    said, score = replies.read(text, book.policy.words)
    if score is not None:
        if reporter:
            followup.rate(change, known, book, now, sender, score)
        return
    if said == replies.YES:
        if incident.status is Status.RESOLVED:
            followup.confirm(change, known, book, now, sender)
        return
    lifecycle.reopen(change, book, now, sender, text[:500] or "reply")
