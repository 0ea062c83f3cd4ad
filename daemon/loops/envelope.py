"""From claimed notices to one `Message`: its thread, its ids, its headers (MAIL 2.2e, RFC 3834)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr

from channels import Message
from daemon.core.incident import Incident
from daemon.signing import LOOP_HEADER, Signer
from daemon.store import NoticeRow
from daemon.wording import Words


@dataclass(frozen=True, slots=True)
class Sender:
    """Our own addresses, as `[channels.email]` gives them. `domain` is the one of our Message-IDs."""

    signer: Signer
    reply_to: str = ""
    domain: str = "tocsin.invalid"


def sender_of(signer: Signer, from_: str, reply_to: str) -> Sender:
    """`reply_to` "": answers come to From."""
    own, reply = parseaddr(from_)[1], parseaddr(reply_to)[1]
    domain = (own or reply).rpartition("@")[2] or "tocsin.invalid"
    return Sender(signer, reply or own, domain)


def group_key(row: NoticeRow) -> tuple[int, str, str, int]:
    """One message per incident, person, channel and instant (RULES 6.1)."""
    return (row.incident_id, row.channel, row.address, row.at)


def message(rows: Sequence[NoticeRow], words: Words, incident: Incident, sender: Sender, now: int) -> Message:
    """The message of one group of notices. Its key and Message-ID are the same at every attempt."""
    first = rows[0]
    key = first.key if len(rows) == 1 else "+".join(sorted(r.key for r in rows))
    if len(key) > 200:
        key = f"{incident.number}/{hashlib.sha256(key.encode()).hexdigest()}"
    if first.channel != "email":
        return Message(
            key, first.channel, first.address, words.subject, words.text, now, first.name, incident=incident.number
        )
    root = f"{incident.number.lower()}.{incident.registered_at}@{sender.domain}"
    mine = hashlib.sha256(f"{incident.registered_at}/{key}".encode()).hexdigest()[:24]
    reporter = first.reporter
    thread = [r for r in incident.thread_refs if r != root] if reporter else []
    reply_to = sender.signer.reply_address(sender.reply_to, incident.id) if sender.reply_to else ""
    return Message(
        key=key,
        channel="email",
        to=first.address,
        to_name=first.name,
        subject=words.subject,
        text=words.text,
        html=words.html,
        at=now,
        incident=incident.number,
        message_id=f"{incident.number.lower()}.{mine}@{sender.domain}",
        in_reply_to=(incident.thread_id if reporter else "") or root,
        references=tuple(dict.fromkeys((*thread, root))),
        mail_from=reply_to,
        reply_to=reply_to,
        headers={
            "Auto-Submitted": "auto-replied" if reporter else "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Precedence": "bulk",
            LOOP_HEADER: sender.signer.loop_mark(incident.id),
        },
    )
