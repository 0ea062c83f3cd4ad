"""A scenario: JSON lines, one event a line, each with the offset at which it happens (INTERFACE 5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path
from typing import Any

from daemon.clock import parse_rfc3339
from daemon.config.durations import seconds

START = "2026-01-05T09:00:00+08:00"
MAX_REPEAT = 1_000_000
_KEYS = {
    "webhook": {"at", "webhook", "body", "headers", "query", "repeat", "every"},
    "mail": {"at", "mail", "to", "repeat", "every"},
    "action": {"at", "action", "incident", "by", "data"},
    "register": {"at", "register", "by"},
    "silence": {"at", "silence", "by"},
    "maintenance": {"at", "maintenance", "by"},
}
_MAIL = {"from", "subject", "text", "html", "to", "cc", "message_id", "in_reply_to", "references", "headers", "date"}


class ScenarioError(Exception):
    """Says which line is wrong, and why."""


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that happens at `at` (ms). `number`: which repetition, from 1."""

    at: int
    line: int
    kind: str  # webhook, mail, action, register, silence, maintenance
    event: Mapping[str, Any] = field(repr=False)
    number: int = 1


def read(path: Path) -> tuple[int, list[Input]]:
    """(start in ms, inputs in the order of the clock, then of the file). Raises ScenarioError, OSError."""
    start: int | None = None
    inputs: list[Input] = []
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"not UTF-8 at byte {error.start}") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("//"):
            continue
        try:
            event = json.loads(line)
        except ValueError as error:
            raise ScenarioError(f"line {number}: no JSON: {error}") from None
        if not isinstance(event, dict):
            raise ScenarioError(f"line {number}: must be an object")
        if "start" in event:
            if start is not None or inputs:
                raise ScenarioError(f"line {number}: start belongs on the first line")
            start = _start(event["start"], number)
            if set(event) == {"start"}:
                continue
            event = {k: v for k, v in event.items() if k != "start"}
        if start is None:
            start = _start(START, number)
        inputs += _expand(event, start, number)
    inputs.sort(key=lambda i: i.at)
    return start if start is not None else _start(START, 1), inputs


def _start(value: object, line: int) -> int:
    try:
        return parse_rfc3339(str(value))
    except ValueError as error:
        raise ScenarioError(f"line {line}: start: {error}") from None


def _offset(value: object, name: str, line: int) -> int:
    text = str(value).removeprefix("+")
    try:
        return (0 if text in ("0", "") else seconds(text)) * 1000
    except ValueError as error:
        raise ScenarioError(f"line {line}: {name}: {error}") from None


def _expand(event: dict[str, Any], start: int, line: int) -> Iterator[Input]:
    kinds = [k for k in _KEYS if k in event]
    if len(kinds) != 1:
        raise ScenarioError(f"line {line}: needs one of {', '.join(_KEYS)}")
    kind = kinds[0]
    if unknown := set(event) - _KEYS[kind]:
        raise ScenarioError(
            f"line {line}: unknown key {sorted(unknown)[0]}; known are {', '.join(sorted(_KEYS[kind]))}"
        )
    if kind == "mail" and isinstance(event["mail"], dict) and (unknown := set(event["mail"]) - _MAIL):
        raise ScenarioError(
            f"line {line}: mail: unknown key {sorted(unknown)[0]}; known are {', '.join(sorted(_MAIL))}"
        )
    at = start + _offset(event.get("at", "0s"), "at", line)
    repeat = event.get("repeat", 1)
    if isinstance(repeat, bool) or not isinstance(repeat, int) or not 1 <= repeat <= MAX_REPEAT:
        raise ScenarioError(f"line {line}: repeat: must be a whole number from 1 to {MAX_REPEAT}")
    every = _offset(event.get("every", "0s"), "every", line)
    for n in range(repeat):
        yield Input(at + n * every, line, kind, event, n + 1)


def _unknown(line: int, where: str, unknown: set[str], known: set[str]) -> ScenarioError:
    return ScenarioError(f"line {line}: {where}unknown key {min(unknown)}; known are {', '.join(sorted(known))}")


def compose(mail: Mapping[str, Any], to: str, number: int, line: int, at: int) -> bytes:
    """RFC 5322 bytes of a mail that the scenario writes as an object; `number` makes it distinct."""
    name, sender = parseaddr(str(mail.get("from", "")))
    sender = _distinct(sender, number)
    message = EmailMessage()
    if sender:
        message["From"] = formataddr((name, sender))
    message["To"] = str(mail.get("to", to))
    if mail.get("cc"):
        message["Cc"] = str(mail["cc"])
    message["Subject"] = " ".join(str(mail.get("subject", "")).split())
    own = str(mail.get("message_id") or f"line{line}@scenario.invalid").strip("<>")
    local, _, domain = own.rpartition("@")
    message["Message-ID"] = f"<{own if number == 1 else f'{local}.{number}@{domain}'}>"
    for header, key in (("In-Reply-To", "in_reply_to"), ("References", "references")):
        value = mail.get(key)
        if value:
            ids = value if isinstance(value, list) else str(value).split()
            message[header] = " ".join(f"<{str(i).strip('<>')}>" for i in ids)
    message["Date"] = str(mail.get("date") or format_datetime(datetime.fromtimestamp(at / 1000, UTC)))
    for header, value in dict(mail.get("headers") or {}).items():
        if header.casefold() not in {k.casefold() for k in message}:
            message[header] = str(value)
        else:
            message.replace_header(header, str(value))
    message.set_content(str(mail.get("text", "")))
    if mail.get("html"):
        message.add_alternative(str(mail["html"]), subtype="html")
    return message.as_bytes()


def rewritten(raw: bytes, number: int) -> bytes:
    """A mail from a file, made distinct: another Message-ID and another sender of the same domain."""
    if number == 1:
        return raw
    head, gap, body = raw.partition(b"\r\n\r\n")
    end = b"\r\n"
    if not gap:
        head, gap, body = raw.partition(b"\n\n")
        end = b"\n"
    lines: list[bytes] = []
    skipping = False
    sender = name = ""
    for line in head.split(end):
        if line[:1] in (b" ", b"\t") and skipping:
            continue
        lower = line.lower()
        skipping = lower.startswith((b"message-id:", b"from:"))
        if lower.startswith(b"from:"):
            name, sender = parseaddr(line[5:].decode("utf-8", "replace"))
        if not skipping:
            lines.append(line)
    lines.append(f"From: {formataddr((name, _distinct(sender, number)))}".encode())
    lines.append(f"Message-ID: <{number}.{abs(hash_of(raw)):x}@scenario.invalid>".encode())
    return end.join(lines) + gap + body


def sender_of(raw: bytes) -> str:
    """The envelope sender that a client would give: the address of Return-Path (where it is, "" for <>) or From."""
    for name in (b"return-path:", b"from:"):
        for line in raw[:65536].splitlines():
            if not line.strip():
                break
            if line.lower().startswith(name):
                return parseaddr(line.partition(b":")[2].decode("utf-8", "replace"))[1]
    return ""


def hash_of(raw: bytes) -> int:
    """Stable between runs, which Python's own is not."""
    return int.from_bytes(hashlib.sha256(raw).digest()[:6])


def _distinct(sender: str, number: int) -> str:
    local, at, domain = sender.rpartition("@")
    return sender if number == 1 or not at else f"{local}-{number}@{domain}"
