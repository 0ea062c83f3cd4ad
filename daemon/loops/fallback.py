"""When a channel fails: the person's other channel, and the desk is told what failed for good (RULES 6.2, 6.4)."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.core.book import Book
from daemon.core.incident import Change, Notice
from daemon.core.vocabulary import Reason, Role
from daemon.store import NoticeRow, Tx

OTHER = {"email": "sms", "sms": "email"}


async def fallbacks(
    tx: Tx, change: Change, rows: Sequence[NoticeRow], gave_up: bool, error: str, book: Book, now: int
) -> None:
    """The same notices on the other channel, once, when this one failed for good or for `fallback_after`; a notice
    that already went that way is not doubled (its key is unique)."""
    late = now - rows[0].at >= book.policy.fallback_after * 1000
    if not (gave_up or late):
        return
    for row in rows:
        notice = _other(row, book, now)
        if notice is None:
            continue
        if await tx.add_notices([notice], fallback_of=row.id):
            change.log(
                now,
                "held",
                what=f"{row.channel} to {row.name or row.address}",
                error=error[:300],
                fallback=notice.channel,
            )
    if gave_up:
        _tell_desk(change, rows[0], error, book, now)


def _other(row: NoticeRow, book: Book, now: int) -> Notice | None:
    person = None if row.reporter or row.fallback_of else book.directory.person(row.person)
    channel = OTHER.get(row.channel, "")
    address = person.address(channel) if person and channel else ""
    if not address:
        return None
    return Notice(
        incident=row.incident_id,
        reason=row.reason,
        person=row.person,
        name=row.name,
        channel=channel,
        address=address,
        at=now,
        due_at=row.due_at,
        priority=row.priority,
        epoch=row.epoch,
        role=row.role,
        data=dict(row.data),
    )


def _tell_desk(change: Change, row: NoticeRow, error: str, book: Book, now: int) -> None:
    """Not about the message that says so itself: that would never end."""
    change.log(now, "held", what=f"{row.channel} to {row.name or row.address}", error=error[:300], failed=True)
    if row.reason is Reason.CHANNEL_FAILED:
        return
    for person in book.directory.told(Role.SERVICE_DESK):
        channel = next((c for c in (*book.policy.desk_channels, *OTHER) if c != row.channel and person.address(c)), "")
        channel = channel or row.channel
        if not (address := person.address(channel)) or address == row.address:
            continue
        change.notices.append(
            Notice(
                incident=row.incident_id,
                reason=Reason.CHANNEL_FAILED,
                person=person.id,
                name=person.name,
                channel=channel,
                address=address,
                at=now,
                due_at=now,
                priority=row.priority,
                epoch=f"f{row.id}",
                data={"channel": row.channel, "address": row.address, "error": error[:300]},
            )
        )
