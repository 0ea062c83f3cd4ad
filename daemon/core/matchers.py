"""Alertmanager's matcher syntax over a Report: `name="value"`, `!=`, `=~`, `!~`.

As in Alertmanager: a regular expression must match the whole value; an absent label counts as ""; inside quotes
`\\"`, `\\\\` and `\\n` are escapes and any other backslash stands for itself, so `"a\\.b"` needs no doubling.
Unlike it, `.` also matches a line break, since `text` has many lines.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import re2

from parsers import Raw, Report, clean

MAX_PATTERN = 2000
MAX_MEMORY = 1 << 20  # bytes for one compiled expression and its automaton; re2 runs in linear time within it

_BARE_NAME = r"""[^\s"'`{}!=~,\\]+"""
_QUOTED = r'"(?P<quoted>(?:[^"\\]|\\.)*)"'
_SHAPE = re.compile(rf"\s*(?:{_QUOTED}|(?P<name>{_BARE_NAME}))\s*(?P<op>=~|!=|!~|=)(?P<rest>.*)", re.S)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def _mail_sender(report: Report, raw: Raw) -> str:
    return report.mail.sender if report.mail and report.mail.sender else raw.mail_from


def _mail_recipient(report: Report, raw: Raw) -> str:
    return raw.recipient or (report.mail.recipients[0] if report.mail and report.mail.recipients else "")


_VALUES: Mapping[str, Callable[[Report, Raw], str]] = {
    "source": lambda report, raw: raw.source,
    "entry": lambda report, raw: raw.entry,
    "parser": lambda report, raw: raw.parser,
    "state": lambda report, raw: report.state,
    "title": lambda report, raw: report.title,
    "subject": lambda report, raw: report.title,
    "text": lambda report, raw: report.text,
    "severity": lambda report, raw: report.severity,
    "service": lambda report, raw: report.service,
    "environment": lambda report, raw: report.environment,
    "sender": _mail_sender,
    "recipient": _mail_recipient,
    "host": lambda report, raw: report.source,
}
NAMES = tuple(_VALUES)


def value_of(name: str, report: Report, raw: Raw) -> str:
    """What a matcher of that name compares; "" where the report has none. KeyError for a name not in NAMES."""
    if name.startswith("labels."):
        return report.labels.get(name[len("labels.") :], "")
    return _VALUES[name](report, raw)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One comparison. `op` is one of =, !=, =~, !~. Raises ValueError for an expression that re2 refuses."""

    name: str
    op: str
    value: str
    _regex: Any = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.op in ("=~", "!~"):
            object.__setattr__(self, "_regex", _compiled(self.value))

    def matches_value(self, value: str) -> bool:
        if self._regex is None:
            return (value == self.value) == (self.op == "=")
        # Doors hand on what they got: a lone surrogate would raise in re2's encoder.
        found = self._regex.fullmatch(clean(value, len(value))) is not None
        return found == (self.op == "=~")

    def matches(self, report: Report, raw: Raw) -> bool:
        return self.matches_value(value_of(self.name, report, raw))

    def __str__(self) -> str:
        name = self.name if re.fullmatch(_BARE_NAME, self.name) else _quote(self.name)
        return f"{name}{self.op}{_quote(self.value)}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Sets attributes where all of `match` hold (RULES 2.4). `name` is its place in the config: "rules[0]"."""

    name: str
    match: tuple[Matcher, ...]
    set: Mapping[str, str]

    def matches(self, report: Report, raw: Raw) -> bool:
        return all(matcher.matches(report, raw) for matcher in self.match)


def parse_matcher(text: str, more: tuple[str, ...] = ()) -> Matcher:
    """Reads `labels.severity=~"crit.*"`. `more`: further names that are known. Raises ValueError with what is wrong."""
    if not isinstance(text, str):
        raise ValueError('a matcher is text such as labels.severity="critical"')
    if (shape := _SHAPE.fullmatch(text)) is None:
        raise ValueError(f'"{text[:80]}" is no matcher: write name="value" with =, !=, =~ or !~')
    name = _unescape(shape["quoted"]) if shape["quoted"] is not None else shape["name"]
    if name not in more:
        _check_name(name)
    return Matcher(name, shape["op"], _read_value(shape["rest"].strip()))


def _check_name(name: str) -> None:
    if name in _VALUES or (name.startswith("labels.") and name != "labels."):
        return
    near = difflib.get_close_matches(name, NAMES, 1)
    hint = f"did you mean {near[0]}?" if near else f"an alert's label is labels.{name}" if name else "it is empty"
    raise ValueError(f'unknown name "{name[:80]}"; {hint}')


def _read_value(text: str) -> str:
    if not text.startswith('"'):
        if re.search(r'(?<!\\)(?:\\\\)*"', text):
            raise ValueError("the value has a quote inside; put the whole value in quotes")
        return _unescape(text)
    body = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', text, re.S)
    if body is None:
        raise ValueError("the value's quotes are not closed, or something follows them")
    return _unescape(body[1])


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text, flags=re.S)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _compiled(pattern: str) -> Any:
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"the regular expression is longer than {MAX_PATTERN} characters")
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.dot_nl = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0] if error.args else "invalid"
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"the regular expression is wrong: {reason[:200]}") from None
