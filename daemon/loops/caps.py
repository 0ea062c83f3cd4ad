"""The caps on what reporters are sent (MAIL 2.2d): they win over the messages to reporters, and are said."""

from __future__ import annotations

from daemon.core.incident import Incident
from daemon.core.vocabulary import Reason
from daemon.signing import subject_key
from daemon.store import NoticeRow, Tx

LADDER = ((10, 10), (30, 15), (60, 25), (180, 50), (600, 100))
"""(minutes, messages) per incident and recipient, as Zammad has them."""

RECEIPTS_PER_DAY = 10
RECEIPTS_SAME_SUBJECT = 2
RECEIPTS_A_MINUTE = 300  # over all senders: a flood with forged senders must not become one of ours


async def capped(tx: Tx, row: NoticeRow, incident: Incident, now: int) -> str:
    """Why a message to the reporter is not sent; "" when it may be. What may be sent is counted."""
    subject = subject_key(incident.title)
    if row.reason is Reason.REGISTERED:
        counts = await tx.reply_counts(row.address, incident.id, subject, now)
        if counts.per_incident:
            return "one receipt an incident"
        if counts.last_10_min:
            return "one receipt a sender in 10 minutes"
        if counts.last_day >= RECEIPTS_PER_DAY:
            return f"{RECEIPTS_PER_DAY} receipts a sender and day"
        if counts.same_subject_3h >= RECEIPTS_SAME_SUBJECT:
            return f"{RECEIPTS_SAME_SUBJECT} receipts of one subject in 3 hours"
        if counts.all_last_minute >= RECEIPTS_A_MINUTE:
            return f"{RECEIPTS_A_MINUTE} receipts a minute"
        await tx.count_reply(row.address, incident.id, subject, now)
        return ""
    sent = await tx.fetch(
        "SELECT sent_at FROM outbox WHERE incident_id = $1 AND address = $2 AND state = 'sent' AND sent_at > $3 "
        "ORDER BY sent_at DESC LIMIT 100",
        incident.id,
        row.address,
        now - 600 * 60_000,
    )
    for minutes, most in LADDER:
        if sum(at > now - minutes * 60_000 for (at,) in sent) >= most:
            return f"{most} messages to one reporter in {minutes} minutes"
    return ""
