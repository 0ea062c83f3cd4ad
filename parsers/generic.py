"""Any JSON, form, multipart or query that describes an alert in common words, and plain text.

    {"dedup_key": "db1-disk", "status": "firing", "severity": "critical", "title": "Disk of db1 is full", "host": "db1"}

Names are compared without case and separators (`dedupKey`, `DEDUP_KEY`), in the body and in the objects that senders
wrap it in (`event`, `alert`, `data` …). Lists under `alerts` or `events` are a report each. An unknown state word
neither fires nor resolves; a title without any state fires; an empty object is refused. An entry's `map` says where
its sender puts what, and comes before the common names; `states` its words for a state.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from parsers import ACKNOWLEDGED, ALERT, FIRING, RESOLVED, UNCHANGED, Raw, Report, Unparsable
from parsers._body import is_readable, is_secret, looks_readable, redacted, value_of
from parsers._charset import decode
from parsers._mapping import Map, Settings, spelled
from parsers._names import (
    ENVIRONMENT,
    HEAD,
    KEY,
    LABELS,
    LISTS,
    ON_FLAGS,
    OVER_FLAGS,
    SERVICE,
    SEVERITY,
    SOURCE,
    START,
    STATE,
    TEXT,
    TITLE,
    WRAPPERS,
)
from parsers._states import severity_of, state_of
from parsers._subject import state_in, stem
from parsers._times import instant

NAME = "generic"
MAX_ALERTS = 10_000

_PLACEHOLDER = re.compile(
    r"\s*(?:\$\{?[A-Z_.]+\}?|\{+[\w. $]+\}+|%\w+|\*UNKNOWN\*|null|none|undefined)?\s*\Z", re.IGNORECASE
)
_NAMES = ("name", "key", "tag", "label")
_TAG = re.compile(r"\s*([\w.-]{1,100})\s*[=:]\s*(.{0,1000}?)\s*\Z")

_COMMON = Settings()

Scopes = list[dict[str, Any]]
Words = Mapping[str, str]


def accepts(raw: Raw) -> bool:
    """Anything with fields in it, and text without control bytes."""
    if looks_readable(raw):
        return is_readable(raw, bool)
    return bool(raw.body.strip()) and b"\x00" not in raw.body[:1000]


def parse(raw: Raw, settings: Settings | None = None) -> Sequence[Report]:
    """A report per alert found. Raises Unparsable when there is nothing in the body or an expression fails on it."""
    own = settings or _COMMON
    words = own.states.words
    if raw.body.strip() and not looks_readable(raw):
        return [_plain(raw, words)]
    body = value_of(raw)
    reports = [_report(_scopes(one), given, words) for one, given in _alerts(body, own.map)]
    if not reports:
        raise Unparsable("there is nothing in the body")
    return reports


def _plain(raw: Raw, words: Words) -> Report:
    if b"\x00" in raw.body[:1000]:
        raise Unparsable("the body is binary: byte 0 in its first 1000")
    text = redacted(decode(raw.body)[0].strip())
    if not text:
        raise Unparsable("the body is blank")
    if re.fullmatch(r"null|true|false|[-+.\deE]{1,40}", text):
        raise Unparsable("the body is a bare JSON value: there is nothing in it")
    title = next(line.strip() for line in text.split("\n") if line.strip())
    query = {_squeeze(name): value for name, value in raw.query.items()}
    told = _told_state([query], words)
    key = _first([query], KEY)[1]
    return Report(
        ALERT, title=title, text=text, state=told or state_in(title) or FIRING, key=key or _title_key(title, "")
    )


def _squeeze(name: str) -> str:
    return re.sub(r"[\s_.\-]+", "", str(name)[:100]).lower()


def _alerts(body: Any, mapped: Map) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """(what the common names are looked for in, what the map gives) of each alert."""
    items = mapped.items_of(body)
    if items is None and not mapped.expressions:
        yield from ((one, {}) for one in _members(body))
        return
    around = None
    for item, one in ((one, one) for one in _members(body)) if items is None else _mapped(items, body):
        if around is None:
            around = {} if item is body else mapped.around(body)
        yield one, mapped.given(item, around)


def _mapped(items: list[Any], body: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each item of the map's list as it is, and as an object with the fields of the envelope that hold for all."""
    head = {key: item for key, item in body.items() if _squeeze(key) in HEAD} if isinstance(body, dict) else {}
    there = [one for one in items if one not in (None, {}, [], "")]
    for item, one in zip(there, _bounded(there), strict=True):
        yield item, {**head, **({"title": item} if isinstance(item, str) else one)}


def _members(body: Any) -> Sequence[Mapping[str, Any]]:
    """The objects that are an alert each. Fields of the envelope that hold for all lie under each member."""
    if isinstance(body, dict):
        for name, value in body.items():
            if _squeeze(name) in LISTS and isinstance(value, list) and any(isinstance(one, dict) for one in value):
                head = {key: item for key, item in body.items() if _squeeze(key) in HEAD}
                return [{**head, **one} for one in _bounded(value) if one]
        return [body] if body else []
    if isinstance(body, list):
        if not any(isinstance(one, dict) and one for one in body):
            raise Unparsable("the list holds no object with something in it")
        return [one for one in _bounded(body) if one]
    raise Unparsable(f"the body is neither an object nor a list: {type(body).__name__}")


def _bounded(members: list[Any]) -> list[dict[str, Any]]:
    if len(members) > MAX_ALERTS:
        raise Unparsable(f"more than {MAX_ALERTS} members in one body")
    return [
        one if isinstance(one, dict) else {"title": f"malformed member [{number}]", "status": "none"}
        for number, one in enumerate(members)
        if one is not None
    ]


def _scopes(body: Mapping[str, Any]) -> Scopes:
    """The body and the objects that wrap what it says, nearest first, with squeezed names and without secrets."""
    while (
        len(body) == 1
        and isinstance(only := next(iter(body.values())), dict)
        and _squeeze(next(iter(body))) not in LABELS
    ):
        body = only
    top = {_squeeze(name): value for name, value in body.items() if not is_secret(str(name))}
    scopes = [top]
    for scope in scopes:
        if len(scopes) > 6:
            break
        for name in WRAPPERS:
            if isinstance(inner := scope.get(name), dict):
                scopes.append({_squeeze(key): value for key, value in inner.items() if not is_secret(str(key))})
    return scopes[:8]


def _word(value: Any) -> str:
    """A value as one text: of an object its name, of a list of texts all of them; "" for what says nothing."""
    if isinstance(value, str):
        return "" if _PLACEHOLDER.match(value) else value.strip()
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return (
            next((text for key in ("name", "title", "summary", "id") if (text := _word(value.get(key)))), "")
            if len(value) < 200
            else ""
        )
    if isinstance(value, list):
        return ", ".join(text for one in value[:20] if isinstance(one, str | int) and (text := _word(one)))
    return ""


def _first(scopes: Scopes, names: Sequence[str]) -> tuple[str, str]:
    """(name, text) of the first name with a text, in the nearest scope that has one."""
    for scope in scopes:
        for name in names:
            if name in scope and (text := _word(scope[name])):
                return name, text
    return "", ""


def _report(scopes: Scopes, given: Mapping[str, Any], words: Words) -> Report:
    def told(name: str, names: Sequence[str]) -> str:
        return _word(given.get(name)) or _first(scopes, names)[1]

    title = told("title", TITLE)
    text = _word(given.get("text")) or next((found for _, found in _all(scopes, TEXT) if found != title), "")
    labels = _labels(scopes, given.get("labels"))
    source = told("source", SOURCE) or _of_service(scopes) or labels.get("instance", "") or labels.get("host", "")
    key = told("key", KEY)
    state, is_told = _state(scopes, title, given.get("state"), words)
    word = _word(given.get("severity"))
    severity = (severity_of(word) or word) if word else _severity(scopes)
    if not (title or key or is_told or source):
        title, state = _first_fields(scopes), UNCHANGED
    title = (
        title or labels.get("alertname", "") or text.split("\n", 1)[0][:200] or key or source or _first_fields(scopes)
    )
    return Report(
        ALERT,
        title=redacted(title),
        state=state,
        key=key or _title_key(title, source),
        severity=severity or severity_of(labels.get("severity", "")),
        text=redacted(text),
        source=redacted(source),
        service=told("service", SERVICE) or labels.get("service", "") or labels.get("job", ""),
        environment=told("environment", ENVIRONMENT) or labels.get("environment", "") or labels.get("env", ""),
        labels=labels,
        links=_links([{"link": given["link"]}, *scopes] if "link" in given else scopes),
        started_at=_started(scopes, given.get("started_at")),
        test=any(_word(scope.get(name)).casefold() == "test" for scope in scopes for name in STATE),
    )


def _started(scopes: Scopes, given: Any) -> int | None:
    values = (given, *(scope.get(name) for scope in scopes for name in START))
    return next((found for value in values if (found := instant(value)) is not None), None)


def _all(scopes: Scopes, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for scope in scopes:
        for name in names:
            value = scope.get(name)
            if isinstance(value, str | list) and (text := _word(value)):
                yield name, text


def _told_state(scopes: Scopes, words: Words) -> str | None:
    """The state of the fields that are there for it; None when there are none, UNCHANGED when no word is known."""
    is_there = False
    for scope in scopes:
        for name in STATE:
            value = scope.get(name)
            if isinstance(value, dict) and name == "event":
                continue
            if isinstance(value, dict):
                value = value.get("name") or value.get("value") or value.get("status")
            if value is None or value == "" or (isinstance(value, str) and _PLACEHOLDER.match(value)):
                continue
            is_there = True
            if found := _meaning(value, words):
                return found
        for names, state, other in ((OVER_FLAGS, RESOLVED, FIRING), (ON_FLAGS, FIRING, RESOLVED)):
            for name in names:
                value = scope.get(name)
                if isinstance(value, bool):
                    return state if value else other
        for name in ("type", "severity", "level", "triggerlevel"):
            found = state_of(scope.get(name))
            if found in {RESOLVED, ACKNOWLEDGED} or (found == FIRING and name == "type"):
                return found
    return UNCHANGED if is_there else None


def _state(scopes: Scopes, title: str, given: Any, words: Words) -> tuple[str, bool]:
    if isinstance(given, bool) or _word(given):
        return _meaning(given if isinstance(given, bool) else _word(given), words) or UNCHANGED, True
    told = _told_state(scopes, words)
    if told is not None:
        return told, True
    return (state_in(title) if title else None) or FIRING, False


def _meaning(value: Any, words: Words) -> str | None:
    """The entry's own words first, then the common ones; None for a word that nobody knows."""
    return (words.get(spelled(value)) if words else None) or state_of(value)


def _severity(scopes: Scopes) -> str:
    for name, text in ((name, _word(scope.get(name))) for scope in scopes for name in SEVERITY):
        if not text or state_of(text) == RESOLVED:
            continue
        if name == "priority" and re.fullmatch(r"[1-5]", text):
            return f"P{text}"
        if found := severity_of(text):
            return found
    return ""


def _of_service(scopes: Scopes) -> str:
    service: dict[str, Any] = next((scope["service"] for scope in scopes if isinstance(scope.get("service"), dict)), {})
    return _word(service.get("host") or service.get("hostname"))


def _labels(scopes: Scopes, given: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in (given, *(scope.get(name) for scope in scopes for name in LABELS)):
        for key, item in _pairs(value):
            if not is_secret(key) and item is not None and key not in found:
                found[key] = redacted(item if isinstance(item, str) else _dumped(item))
    for name, value in scopes[0].items():
        if (
            name not in found
            and isinstance(value, str | int | float)
            and not isinstance(value, bool)
            and name not in LABELS
        ):
            text = str(value)
            if text and len(text) <= 200:
                found[name] = redacted(text)
    return found


def _dumped(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an expression may make what JSON has not: a sum beyond 64 bits
        return str(value)[:2000]


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Labels as an object, as texts `name=value` or `name:value`, or as objects with a name and a value."""
    if isinstance(value, dict):
        for key, item in islice(value.items(), 200):
            yield str(key), item
    elif isinstance(value, list):
        for one in value[:200]:
            if isinstance(one, str) and (match := _TAG.match(one)):
                yield match[1], match[2]
            elif isinstance(one, dict) and (name := next((n for k in _NAMES if (n := _word(one.get(k)))), "")):
                yield name, one.get("value")


def _links(scopes: Scopes) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for scope in scopes:
        values: list[Any] = list(scope.values())
        for value in list(values):
            if isinstance(value, list):
                values += [one.get("href") or one.get("url") if isinstance(one, dict) else one for one in value[:20]]
        for value in values:
            if (
                isinstance(value, str)
                and value.startswith(("http://", "https://"))
                and " " not in value
                and len(found) < 20
            ):
                found[redacted(value)[:2000]] = None
    return tuple(found)


def _first_fields(scopes: Scopes) -> str:
    pairs = [f"{name}={text}" for name, value in scopes[0].items() if (text := _word(value))][:3]
    if not pairs:
        raise Unparsable("there is nothing in the body that says what it is about")
    return ", ".join(pairs)[:200]


def _title_key(title: str, source: str) -> str:
    digest = hashlib.sha256(f"{stem(title)}|{source.casefold()}".encode("utf-8", "replace")).hexdigest()[:32]
    return f"title:{digest}"
