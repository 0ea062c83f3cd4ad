"""A `Message` as the bytes of a mail (RFC 5322, RFC 2045–2047).

The header lines are written here and not by `email.policy`: that one writes long ids in References as encoded
words, which breaks threading, and keeps 8-bit bodies that a server without 8BITMIME refuses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.charset import BASE64, QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime

from channels import DeliveryError, Message
from channels._fields import one_line, plain

MAX_SUBJECT = 200
MAX_NAME = 80
MAX_ID = 250
MAX_REFERENCES = 20  # the first and the latest: RFC 5322 sets no limit, header limits of servers do

_ADDRESS = re.compile(
    r'[^\s<>()\[\]\\",;:@\x00-\x1f\x7f]{1,64}@(?:[^\s<>()\[\]\\",;:@\x00-\x1f\x7f]{1,253}|\[[0-9a-fA-F:.]+\])'
)
_ID_JUNK = re.compile(r"[^\x21-\x7e]|[<>]")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_OURS = frozenset({"from", "sender", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "in-reply-to"}) | {
    "references",
    "mime-version",
    "return-path",
    "received",
}
_POLICY = compat32.clone(linesep="\r\n", mangle_from_=False)


def address(text: str) -> str:
    """An addr-spec as SMTP takes it, its domain in ASCII. Raises DeliveryError (permanent) for anything else."""
    if not _ADDRESS.fullmatch(text):
        raise DeliveryError(f"{one_line(text, 100)!r} is no mail address", permanent=True)
    local, _, domain = text.rpartition("@")
    if domain.isascii():
        return text
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as fault:
        raise DeliveryError(
            f"the domain of {one_line(text, 100)!r} cannot be written in ASCII", permanent=True
        ) from fault


def compose(message: Message, sender: tuple[str, str], to: str, reply_to: str) -> bytes:
    """The whole mail, CRLF line ends. `sender` is (display name, address); `to`, `reply_to` passed `address`."""
    fields = [
        ("From", _mailbox(*sender)),
        ("To", _mailbox(message.to_name, to)),
        ("Subject", _encoded("Subject", one_line(message.subject, MAX_SUBJECT))),
        ("Date", format_datetime(datetime.fromtimestamp(message.at / 1000, UTC))),
        ("Message-ID", _id(message.message_id) or _id_of_key(message.key, sender[1])),
    ]
    if reply_to:
        fields.append(("Reply-To", reply_to))
    if parent := _id(message.in_reply_to):
        fields.append(("In-Reply-To", parent))
    if references := _references(message):
        fields.append(("References", "\r\n ".join(references)))
    fields.extend(_further(message))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return head.encode() + _body(message).as_bytes(policy=_POLICY)


def _references(message: Message) -> list[str]:
    ids = [found for raw in message.references if (found := _id(raw))]
    if (parent := _id(message.in_reply_to)) and parent not in ids:
        ids.append(parent)
    ids = list(dict.fromkeys(ids))
    return ids if len(ids) <= MAX_REFERENCES else [ids[0], *ids[1 - MAX_REFERENCES :]]


def _further(message: Message) -> Iterator[tuple[str, str]]:
    """The message's own headers; those that are written above or by the body are not theirs to set."""
    for name, value in message.headers.items():
        lower = name.lower()
        if _HEADER_NAME.fullmatch(name) and lower not in _OURS and not lower.startswith("content-"):
            yield name, _encoded(name, one_line(value, 900))


def _body(message: Message) -> MIMEText | MIMEMultipart:
    if not message.html:
        return _text(message.text, "plain")
    return MIMEMultipart("alternative", _subparts=[_text(message.text, "plain"), _text(message.html, "html")])


def _text(text: str, subtype: str) -> MIMEText:
    """Quoted-printable where it stays readable, base64 where most of it is not ASCII: 7-bit lines either way."""
    text = plain(text)
    if not text.endswith("\n"):
        text += "\n"
    charset = Charset("utf-8")
    foreign = sum(1 for c in text if ord(c) > 126)
    charset.body_encoding = QP if foreign * 6 < len(text) else BASE64
    if charset.body_encoding == BASE64:
        text = text.replace("\n", "\r\n")  # RFC 2045 6.8: the canonical form is what is encoded
    # typeshed knows a str only; a Charset chooses the transfer encoding, which a str cannot
    return MIMEText(text, subtype, charset)  # type: ignore[arg-type]


def _encoded(name: str, value: str) -> str:
    """Folded; encoded words where it is not ASCII, or where it would be read as encoded words."""
    if not value.isascii() or "=?" in value:
        return Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
    lines = [""]
    for word in value.split(" "):
        room = 76 - (len(name) + 2 if len(lines) == 1 else 1)
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _mailbox(name: str, addr: str) -> str:
    name = one_line(name, MAX_NAME)
    if not name:
        return addr
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"\r\n <{addr}>'
    return f"{Header(name, 'utf-8', header_name='Reply-To').encode(linesep=chr(13) + chr(10))}\r\n <{addr}>"


def _id(raw: str) -> str:
    bare = _ID_JUNK.sub("", raw)
    return f"<{bare}>" if bare and len(bare) <= MAX_ID else ""


def _id_of_key(key: str, sender: str) -> str:
    """The same at every attempt, so that the other side can drop a second copy."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"
