"""Parsers read what came in (`Raw`) and say what it tells (`Report`); they never grade it.

A parser is one file in this package:

    NAME = "alertmanager"                       # as `[[webhooks]] parser` names it
    def accepts(raw: Raw) -> bool: ...          # cheap; the door runs it before it answers
    def parse(raw: Raw, settings) -> Sequence[Report]: ...
    class Settings(BaseModel): ...              # optional: the entry's further keys

`parse` raises `Unparsable` with a sentence that names what is wrong; any other exception is a defect of the
parser, and the intake sets the item aside either way.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import ModuleType
from typing import Any, Protocol, cast

FIRING, RESOLVED, ACKNOWLEDGED, UNCHANGED = "firing", "resolved", "acknowledged", "unchanged"
ALERT, MAIL = "alert", "mail"

MAX_TITLE = 500
MAX_TEXT = 200_000
MAX_KEY = 512
MAX_LABELS = 200

_DIRTY = re.compile("[\x00\ud800-\udfff]")


def clean(text: str, limit: int) -> str:
    """Without NUL and lone surrogates (both poison rows), and no longer than `limit` characters."""
    if len(text) > limit:
        text = text[:limit]
    if text.isascii() and "\x00" not in text:  # nearly always: the pattern is the slow way
        return text
    return _DIRTY.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class Raw:
    """What came in, as bytes, with what the door knows of it. Instants are milliseconds since the epoch, UTC.

    Doors drop credentials (headers, query tokens) before they make one. Header and query names are lower case.
    """

    id: int
    source: str  # RULES 1: smtp, email (mailbox), webhook, api
    entry: str  # the name of the [[webhooks]] entry, mailbox or SMTP route that it came through
    parser: str  # the parser that the entry names
    received_at: int
    body: bytes
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    mail_from: str = ""  # envelope sender; "" is the null path <>
    recipient: str = ""  # envelope recipient of this route


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a mail that is not its text. `size` in bytes after decoding; `sha256` as hex of the decoded bytes."""

    name: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Mail:
    """What the headers of a mail say, decoded. Message ids are without angle brackets."""

    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()  # as in the header, oldest first
    sender: str = ""  # address of From, lower case
    sender_name: str = ""
    reply_to: str = ""
    recipients: tuple[str, ...] = ()  # every To, Cc, Delivered-To, X-Original-To, Envelope-To address, lower case
    automatic: str = ""  # why it must never be answered, as "header: value"; "" when a person wrote it
    bounce: str = ""  # why it is a bounce or feedback report (MAIL 2.2b); also sets `automatic`
    loop_tokens: tuple[str, ...] = ()  # values of X-Tocsin-Loop, to be verified
    urgent_header: str = ""  # "X-Priority: 1" and the like, as found
    own_text: str = ""  # the text without quotes and signature
    html: bool = False  # the text was made from HTML
    received_count: int = 0  # number of Received headers
    attachments: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One signal as a parser read it: one alert of a webhook body, or one mail.

    `key` is the sender's stable identity of the alert, the same in its firing and its resolved form; the core
    scopes it by entry. `severity` is the sender's own word. `state` is one of FIRING, RESOLVED, ACKNOWLEDGED,
    UNCHANGED (no state was told: kept and shown, opens nothing). A mail from a person has FIRING and no key.
    """

    signal: str  # ALERT or MAIL
    title: str
    state: str = FIRING
    key: str = ""
    severity: str = ""
    text: str = ""
    source: str = ""  # host, instance or monitor that it is about
    service: str = ""
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    started_at: int | None = None  # milliseconds since the epoch, UTC
    test: bool = False  # a test button: opens nothing
    interrupted: bool = False  # the parser knows that the user's business is interrupted
    mail: Mail | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "title", " ".join(clean(self.title, MAX_TITLE).split()))
        put(self, "text", clean(self.text, MAX_TEXT))
        put(self, "key", clean(self.key, MAX_KEY))
        for name in ("severity", "source", "service", "environment"):
            if value := getattr(self, name):
                put(self, name, clean(str(value), 200).strip())
        if self.labels:
            labels = islice(self.labels.items(), MAX_LABELS)
            put(self, "labels", {clean(str(k), 200): clean(str(v), 2000) for k, v in labels})


class Unparsable(Exception):
    """The body is not what the parser reads; the message says what is wrong, without secrets."""


class Parser(Protocol):
    """What a module of this package offers. `Settings` is optional."""

    NAME: str

    @staticmethod
    def accepts(raw: Raw) -> bool: ...

    @staticmethod
    def parse(raw: Raw, settings: Any) -> Sequence[Report]: ...


def load() -> dict[str, Parser]:
    """Every parser of this package by its NAME. Raises ValueError on a broken or doubled one: the start stops."""
    found: dict[str, Parser] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda i: i.name):
        if info.name.startswith("_"):
            continue
        module: ModuleType = importlib.import_module(f"{__name__}.{info.name}")
        name = getattr(module, "NAME", None)
        if not isinstance(name, str) or not callable(getattr(module, "accepts", None)):
            raise ValueError(f"parsers/{info.name}.py is no parser: it needs NAME, accepts and parse")
        if not callable(getattr(module, "parse", None)):
            raise ValueError(f"parsers/{info.name}.py has no parse()")
        if name in found:
            raise ValueError(f"parsers/{info.name}.py: the name {name!r} is taken")
        found[name] = cast(Parser, module)
    return found
