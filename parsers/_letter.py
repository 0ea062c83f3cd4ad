"""The mail in a `Raw`, read: what customer_mail and alert_mail have in common."""

from __future__ import annotations

import re

from parsers import Mail, Raw
from parsers._addresses import addresses, message_ids
from parsers._automatic import automatic, bounce, urgent_header
from parsers._charset import tidy
from parsers._headers import Headers
from parsers._mime import Letter, read
from parsers._quotes import own_text

_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
_REPLY_SUBJECT = re.compile(
    r"\s*(?:re|aw|antw|sv|vs|回复|回覆|答复|答覆|返信|回信|회신)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE
)


def open_letter(raw: Raw) -> tuple[Mail, str, str]:
    """(what the headers say, the subject, the full text). Never raises on any bytes."""
    letter = read(raw.body)
    headers = letter.headers
    subject = " ".join(tidy(headers.text("subject"), 2000).split())
    text = tidy(letter.text, len(letter.text)).strip()
    envelope = _envelope(raw, headers)
    sender, name = _sender(headers, letter, envelope)
    found_bounce = bounce(letter, subject, (sender, name), envelope)
    reason = automatic(letter, subject, sender, envelope) or (found_bounce and f"bounce: {found_bounce}")
    replied_to = message_ids(headers.all("in-reply-to"))
    references = _references(headers)
    is_reply = bool(replied_to or references or _REPLY_SUBJECT.match(subject))
    mail = Mail(
        message_id=next(iter(message_ids(headers.all("message-id")[:1])), ""),
        in_reply_to=replied_to[0] if replied_to else "",
        references=references,
        sender=sender,
        sender_name=name,
        reply_to=next((address for address, _ in addresses(headers.all("reply-to"))), ""),
        recipients=_recipients(headers, raw),
        automatic=reason,
        bounce=found_bounce,
        loop_tokens=tuple(tidy(headers_text, 500) for headers_text in _loop_tokens(headers)),
        urgent_header=urgent_header(headers),
        own_text=tidy(own_text(text, is_reply=is_reply), len(text)),
        html=letter.html,
        received_count=len(headers.all("received")),
        attachments=letter.attachments,
        defects=tuple(letter.defects[:50]),
    )
    return mail, subject, text


def _envelope(raw: Raw, headers: Headers) -> str | None:
    """The return path: SMTP tells it; from a mailbox the topmost Return-Path does (RFC 7103 7.5.3), if there is one."""
    if raw.source == "smtp":
        return raw.mail_from.strip().lower()
    if raw.mail_from:
        return raw.mail_from.strip().lower()
    found = headers.all("return-path")
    return found[0].decode("latin-1").strip().strip("<>").strip().lower() if found else None


def _sender(headers: Headers, letter: Letter, envelope: str | None) -> tuple[str, str]:
    for name in ("from", "sender"):
        if found := addresses(headers.all(name)[:1]):
            return found[0]
    letter.defects.append("no From address")
    return (envelope if envelope and "@" in envelope else ""), ""


def _recipients(headers: Headers, raw: Raw) -> tuple[str, ...]:
    found = [address for name in _RECIPIENTS for address, _ in addresses(headers.all(name))]
    if raw.recipient:
        found.append(raw.recipient.strip().strip("<>").lower())
    return tuple(dict.fromkeys(found))


def _references(headers: Headers) -> tuple[str, ...]:
    """References, then the parent that Exchange names when a rule answers without them."""
    parent = message_ids(headers.all("x-ms-exchange-parent-message-id"))
    return tuple(dict.fromkeys((*message_ids(headers.all("references")), *parent)))


def _loop_tokens(headers: Headers) -> list[str]:
    return [value.decode("latin-1").strip() for value in headers.all("x-tocsin-loop")[:20] if value]
