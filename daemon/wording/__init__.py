"""The words of every message (RULES 6.4) and of every identifier (RULES 1), in zh_CN and en.

    wording = Wording("zh_CN", ZoneInfo("Asia/Shanghai"), "https://tocsin.example")
    words = wording.render(notices, incident, directory, now)

1. The templates see only what `facts` made: cleaned, bounded text.
2. A message lists all its reasons, the gravest first (RULES 6.1: one message per incident, person, channel, instant).
3. Its first line says what is wrong, how grave it is, what to do and until when.
4. The reporter is told in the language of his own words, and nothing internal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from daemon.core.directory import Directory
from daemon.core.incident import Incident
from daemon.core.vocabulary import Reason
from daemon.wording.clean import cut, line
from daemon.wording.facts import Sight, Told, incident_facts, notice_facts, reporter_facts, until
from daemon.wording.language import LOCALES, Language, language
from daemon.wording.times import Times

MAX_SUBJECT = 80
MAX_SMS = {"zh_CN": 140, "en": 160}
"""Characters: two parts of a Chinese SMS, one of a Latin one when its words are."""

MAX_DIGEST = 100  # incidents that a digest names in full

_COLOURS = {"P1": "#b00020", "P2": "#d9580b", "P3": "#b58900", "P4": "#4a6785"}

_GRAVITY = (
    Reason.IMMEDIATE,
    Reason.RESOLVE_OVERDUE,
    Reason.RESPONSE_OVERDUE,
    Reason.KIND_OVERDUE,
    Reason.LEVEL,
    Reason.BULLETIN_DUE,
    Reason.BY_HAND,
    Reason.LADDER,
    Reason.REASSIGNED,
    Reason.DEADLINE_NEAR,
    Reason.REOPENED,
    Reason.ASSIGNED,
    Reason.REGISTERED,
)
"""The reason that comes first says what to do; the rest keep the order of `Reason` behind these."""


@dataclass(frozen=True, slots=True)
class Words:
    """Fit for a `Message`: the subject is one line, the text has "\\n" line ends."""

    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class _Why:
    reason: Reason
    headline: str
    why: str
    todo: str
    until: str
    late: str


class Wording:
    """Writes messages. Raises ValueError for a locale that it has no words for."""

    def __init__(self, locale: str, timezone: ZoneInfo, public_url: str) -> None:
        language(locale)
        self.locale = locale
        self._url = public_url.rstrip("/")
        self._times = {name: Times(timezone, name, language(name).labels["time"]) for name in LOCALES}

    def label(self, kind: str, value: object, locale: str | None = None) -> str:
        """`label("role", "service_desk")` is 服务台; a value without a word is returned as it is."""
        return language(locale or self.locale).label(kind, value)

    def render(self, notices: Sequence[Told], incident: Incident, directory: Directory, now: int) -> Words:
        """One message for one person and one channel, of at least one notice about one incident."""
        if notices[0].reporter:
            return self._to_reporter(notices, incident, directory, now)
        sight = self._sight(self.locale, directory, now)
        facts = incident_facts(incident, sight)
        told = sorted(notices, key=lambda n: _rank(Reason(n.reason)))
        if any(Reason(n.reason) is Reason.BULLETIN for n in told):
            return self._bulletin(told, facts, incident, sight)
        reasons = [_why(n, facts, incident, sight) for n in told]
        what = _what(facts, sight.language)
        if notices[0].channel == "sms":
            return Words("", _sms(facts, what, reasons, sight.language))
        context: dict[str, Any] = {
            "i": facts,
            "what": what,
            "short": cut(facts["title"], 60),
            "reasons": reasons,
            "todo": reasons[0].todo,
            "until": reasons[0].until,
            "colour": _COLOURS[facts["priority"]],
        }
        mail = notices[0].channel == "email"  # a chat shows the first line, the reasons and the number
        context["facts"] = sight.language.layout("staff_facts.txt", **context).strip("\n") if mail else facts["number"]
        text = sight.language.layout("staff.txt", **context).strip("\n") + "\n"
        html = sight.language.layout("staff.html", **context) if mail else ""
        colon = "：" if sight.language.locale == "zh_CN" else ": "
        space = " " if sight.language.locale == "zh_CN" else ", "
        names = list(dict.fromkeys(r.headline for r in reasons))
        headlines = sight.language.join(names) if sum(map(len, names)) <= 24 else _named(names, 1, sight.language)
        subject = _subject(f"[{facts['number']}] {what}{space}{headlines}{colon}", facts["title"])
        return Words(subject, text, html)

    def digest(self, told: Sequence[tuple[Told, Incident]], directory: Directory, now: int) -> Words:
        """Notices of one person and channel, each with its incident, merged (RULES 6.2); it names every incident."""
        sight = self._sight(self.locale, directory, now)
        by_incident: dict[int, tuple[Incident, list[Told]]] = {}
        for notice, incident in told:
            by_incident.setdefault(incident.id, (incident, []))[1].append(notice)
        rows: list[dict[str, Any]] = []
        for incident, notices in sorted(by_incident.values(), key=lambda pair: (int(pair[0].priority), pair[0].id)):
            facts = incident_facts(incident, sight)
            whys = [_why(n, facts, incident, sight) for n in sorted(notices, key=lambda n: _rank(Reason(n.reason)))]
            headlines = sight.language.join(list(dict.fromkeys(w.headline for w in whys)))
            what = _what(facts, sight.language)
            short = cut(facts["title"], 60)
            rows.append({"i": facts, "what": what, "headlines": headlines, "short": short, "until": whys[0].until})
        names = [f"{r['i']['priority']} {r['i']['number']}" for r in rows]
        count = len(told)
        if told[0][0].channel == "sms":
            return Words("", _digest_sms(names, count, sight.language))
        named = _named(names, min(len(names), 3), sight.language)
        subject = f"[tocsin] {sight.language.word('digest').format(count=count, named=named)}"
        shown, hidden = rows[:MAX_DIGEST], max(len(rows) - MAX_DIGEST, 0)
        text = sight.language.layout("digest.txt", rows=shown, hidden=hidden, count=count, zone=sight.times.zone)
        return Words(cut(subject, MAX_SUBJECT), text.strip("\n") + "\n")

    def test(self, channel: str, now: int) -> Words:
        """The message of `tocsin notify test`."""
        words, times = language(self.locale), self._times[self.locale]
        text = words.word("test_text").format(at=times.full(now), zone=times.zone)
        return Words("", text) if channel == "sms" else Words(words.word("test_subject"), text + "\n")

    def _to_reporter(self, notices: Sequence[Told], incident: Incident, directory: Directory, now: int) -> Words:
        spoken = incident.language if incident.language in LOCALES else self.locale
        sight = self._sight(spoken, directory, now)
        facts = reporter_facts(incident, sight)
        told = sorted(notices, key=lambda n: list(Reason).index(Reason(n.reason)))
        parts: dict[str, list[str]] = {"subject": [], "text": [], "sms": [], "reply": []}
        for notice in told:
            known = notice_facts(notice, incident, sight)
            own = {key: known[key] for key in ("url", "solution", "transfer")}
            # The words of an answer and of a public note are meant for him; those of any other notice are ours.
            own["text"] = known["text"] if Reason(notice.reason) in (Reason.NOTE, Reason.ANSWER) else ""
            fragments = sight.language.reporter.get(str(Reason(notice.reason)), sight.language.reporter["other"])
            for part, found in parts.items():
                text = fragments[part].render(i=facts, n=own).strip()
                if text and text not in found:
                    found.append(text)
        if notices[0].channel == "sms":
            return Words("", cut(line(" ".join(parts["sms"]), 2000), MAX_SMS[spoken]))
        text = sight.language.layout("reporter.txt", i=facts, texts=parts["text"], replies=parts["reply"][-1:])
        colon = "：" if spoken == "zh_CN" else ": "
        subject = _subject(f"[{incident.number}] {sight.language.join(parts['subject'])}{colon}", facts["title"])
        return Words(subject, text.strip("\n") + "\n")

    def _bulletin(self, told: Sequence[Told], facts: dict[str, Any], incident: Incident, sight: Sight) -> Words:
        """To the bulletin list, which may reach beyond our own people: no reporter, no reasons of ours."""
        first = next(n for n in told if Reason(n.reason) is Reason.BULLETIN)
        known = notice_facts(first, incident, sight)
        chinese = sight.language.locale == "zh_CN"
        name = sight.language.label("reason", Reason.BULLETIN)
        level = (f"（{facts['level']}）" if chinese else f" ({facts['level']})") if facts["level"] else ""
        head = f"[{facts['number']}] {name}{level}{'：' if chinese else ': '}"
        if first.channel == "sms":
            text = line(f"{head}{cut(facts['title'], 40)}{'。' if chinese else '. '}{known['text']}", 2000)
            return Words("", cut(text, MAX_SMS[sight.language.locale]))
        text = sight.language.layout("bulletin.txt", i=facts, n=known, short=cut(facts["title"], 60))
        return Words(_subject(head, facts["title"]), text.strip("\n") + "\n")

    def _sight(self, locale: str, directory: Directory, now: int) -> Sight:
        return Sight(language(locale), self._times[locale], directory, self._url, now)


def label(locale: str, kind: str, value: object) -> str:
    """The word for an identifier of RULES 1 in `zh_CN` or `en`."""
    return language(locale).label(kind, value)


def _rank(reason: Reason) -> int:
    return _GRAVITY.index(reason) if reason in _GRAVITY else len(_GRAVITY) + list(Reason).index(reason)


def _what(facts: dict[str, Any], words: Language) -> str:
    """`P1 紧急红色故障`, `P1 emergency red fault`."""
    parts = [words.word("emergency") if facts["emergency"] else "", facts["level"], facts["kind"]]
    return f"{facts['priority']} {('' if words.locale == 'zh_CN' else ' ').join(p for p in parts if p)}"


def _why(notice: Told, facts: dict[str, Any], incident: Incident, sight: Sight) -> _Why:
    reason = Reason(notice.reason)
    known = notice_facts(notice, incident, sight)
    parts = {name: t.render(i=facts, n=known) for name, t in sight.language.staff[str(reason)].items()}
    return _Why(
        reason,
        line(parts["headline"], 60),
        parts["why"].strip(),
        line(parts["todo"], 120).rstrip("。."),
        until(reason, notice, incident, sight),
        known["late"],
    )


def _subject(head: str, title: str) -> str:
    """The title takes what the head leaves; the head is cut only where it alone is too long."""
    room = MAX_SUBJECT - len(head)
    return line(head + cut(title, room), MAX_SUBJECT) if room >= 6 else line(head, MAX_SUBJECT)


def _sms(facts: dict[str, Any], what: str, reasons: Sequence[_Why], words: Language) -> str:
    """What gives way when it is too long: the title, then the service, then the lesser reasons; never what to do."""
    limit = MAX_SMS[words.locale]
    names = list(dict.fromkeys(r.headline for r in reasons))
    base = {"i": facts, "what": what, "todo": cut(reasons[0].todo, 60), "until": reasons[0].until}
    for kept in range(len(names), 0, -1):
        headlines = _named(names, kept, words)
        for service in (cut(facts["service"], 20), ""):
            bare = words.layout("staff_sms.txt", **base, headlines=headlines, title="", service=service).strip()
            room = limit - len(bare) - 2
            if room >= 12 or (kept == 1 and not service):
                title = cut(facts["title"], room) if room >= 6 else ""
                text = words.layout("staff_sms.txt", **base, headlines=headlines, title=title, service=service)
                return cut(line(text, limit * 2), limit)
    raise AssertionError("unreachable: the last round returns")


def _named(names: Sequence[str], kept: int, words: Language) -> str:
    """The first `kept` names, and how many there are beside them."""
    named = words.join(list(names[:kept]))
    rest = len(names) - kept
    return f"{named} {words.word('more').format(all=len(names), rest=rest)}" if rest else named


def _digest_sms(names: Sequence[str], count: int, words: Language) -> str:
    """As many names as fit, then how many there are."""
    for kept in range(len(names), 0, -1):
        text = words.layout("digest_sms.txt", count=count, named=_named(names, kept, words)).strip()
        if len(text) <= MAX_SMS[words.locale]:
            return text
    return cut(text, MAX_SMS[words.locale])
