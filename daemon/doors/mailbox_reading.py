"""What a mail is, before a parser sees it: readable, too large, or not given by its server.

What is registered in place of a mail that cannot be had is a mail itself: its headers, as far as they are known, and
a note in place of the body. So it is graded, threaded and answered like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from daemon.core.mailboxes import NOTHING, Place, Receipt
from daemon.doors.mailbox_parts import Head

PLACEHOLDER = b"Retrieval using the IMAP4 protocol failed for the following message"
"""What Exchange gives instead of a mail that it cannot convert."""

_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)*([^\r\n]{1,2000})", re.IGNORECASE | re.MULTILINE)
# Fields that speak of the body that is not there.
_OF_BODY = re.compile(
    rb"^(?:content-[\w-]+|mime-version|lines):[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE
)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
MAX_HEADER = 64 << 10


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail as it is to be registered. `kind` is its outcome in the metric."""

    receipt: Receipt
    body: bytes
    kind: str = "accepted"


def why_unreadable(body: bytes | None) -> str:
    """Why this is no mail; "" when it is one."""
    if body is None:
        return "the server gave no body"
    if not body.strip():
        return "the body is empty"
    if PLACEHOLDER in body[:MAX_HEADER]:
        return "the server gave a placeholder"
    return ""


def whole(head: Head, body: bytes, action: str) -> Fetched:
    return Fetched(receipt_of(head, body, action), body)


def receipt_of(head: Head, body: bytes, action: str) -> Receipt:
    return Receipt(head.uid, message_id(body), head.internaldate, head.size, sha256(body).hexdigest(), action)


def too_large(head: Head, header: bytes, action: str, most: int) -> Fetched:
    """Registered from its headers. It is never deleted: what we keep of it is not the mail."""
    note = (
        f"这封邮件有 {head.size} 字节，超过了 {most} 字节的上限，正文未读取，仍在邮箱中。\n"
        f"This mail has {head.size} bytes, more than the limit of {most}. Its text was not read; it is in the mailbox."
    )
    kept = "seen" if action == "delete" else action
    return Fetched(_receipt(head, header, kept), instead(header, note, "too large"), "too_large")


def unreadable(place: Place, head: Head, header: bytes, why: str) -> Fetched:
    """After the last attempt. Nothing is done with the mail itself: somebody must look at it where it is."""
    note = (
        f"邮件服务器没有给出这封邮件的正文（{place.folder}，UID {head.uid}）：{why}。邮件仍在邮箱中，请直接查看。\n"
        f"The mail server does not give the text of this mail ({place.folder}, UID {head.uid}): {why}. "
        "It is in the mailbox, unread: please look there."
    )
    return Fetched(_receipt(head, header, NOTHING), instead(header, note, "unreadable"), "unreadable")


def _receipt(head: Head, header: bytes, action: str) -> Receipt:
    return Receipt(head.uid, message_id(header), head.internaldate, head.size, "", action)


def instead(header: bytes, note: str, reason: str) -> bytes:
    """A mail of these headers, without those that speak of the body, with `note` as its text."""
    end = _HEAD_END.search(header)
    block = header[: end.start() if end else len(header)].strip(b"\r\n")
    kept = _OF_BODY.sub(b"", block + b"\r\n").rstrip(b"\r\n") if block and PLACEHOLDER not in block else b""
    if b":" not in kept:
        kept = "Subject: 无法读取的邮件 A mail that cannot be read".encode()
    added = (
        f"X-Tocsin-Note: {reason}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return kept + b"\r\n" + added.encode() + note.replace("\n", "\r\n").encode() + b"\r\n"


def message_id(data: bytes) -> str:
    """As it stands in the header, without brackets; "" when there is none. For comparison only."""
    end = _HEAD_END.search(data, 0, MAX_HEADER)
    found = _MESSAGE_ID.search(data, 0, end.start() if end else min(len(data), MAX_HEADER))
    return found[1].decode("latin-1").strip().strip("<>").strip()[:1000] if found else ""


def windows(
    heads: Iterable[Head], most_bytes: int, most_mails: int, alone: Sequence[int] | set[int]
) -> Iterator[list[Head]]:
    """Groups of heads of at most so many bytes and mails; those of `alone`, and what is larger, by themselves."""
    window: list[Head] = []
    size = 0
    for head in heads:
        if head.uid in alone:
            yield [head]
            continue
        if window and (size + head.size > most_bytes or len(window) >= most_mails):
            yield window
            window, size = [], 0
        window.append(head)
        size += head.size
    if window:
        yield window
