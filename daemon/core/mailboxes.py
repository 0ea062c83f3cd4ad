"""What is known of the mails of an IMAP folder, so that each is taken once: receipts, and what is still to be done.

The key of everything is (mailbox, folder, UIDVALIDITY, UID): the only name of a mail that its server promises to keep
(RFC 9051 2.3.1.1). Instants are milliseconds UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

SEEN, MOVE, DELETE, NOTHING = "seen", "move", "delete", ""
PENDING, COPIED, DONE, RETRY = "pending", "copied", "done", "retry"
"""States of a receipt: the action is to be done; a move was half done (copied, not yet deleted); nothing is left to
do; the body could not be had and is asked for again."""


@dataclass(frozen=True, slots=True)
class Place:
    """One folder in one of its lives."""

    mailbox: str
    folder: str
    uidvalidity: int


@dataclass(frozen=True, slots=True)
class FolderState:
    """`start_uid`: what is above it is taken, whatever the first run imports. `started_at`: our first look at the
    folder. `resync`: the folder was made anew, and what is in it is still to be compared with the old receipts."""

    place: Place
    start_uid: int
    started_at: int
    resync: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a mail is ours. `action` is done after the commit: "seen", "move:FOLDER", "delete", "" for nothing.

    `internaldate` and `size` as the server says (the size may lie); `sha256` of the bytes as hex, "" when they could
    not be had. They find the mail again after the folder was made anew.
    """

    uid: int
    message_id: str = ""
    internaldate: int | None = None
    size: int = 0
    sha256: str = ""
    action: str = NOTHING


@dataclass(frozen=True, slots=True)
class Action:
    """What is still to be done with a mail that is ours. `state` is PENDING or COPIED."""

    uid: int
    action: str
    state: str = PENDING


@dataclass(frozen=True, slots=True)
class Retry:
    """A mail whose body could not be had `attempts` times; the next attempt is at `next_at`."""

    uid: int
    attempts: int
    next_at: int


@dataclass(frozen=True, slots=True)
class OldReceipt:
    """A receipt of an earlier life of the folder that no mail of the present one has taken over."""

    id: int
    receipt: Receipt
    state: str


def match(receipt: Receipt, old: list[OldReceipt], body_known: bool) -> OldReceipt | None:
    """The old receipt of the same mail (MAIL 3.2): the same bytes, or, before the bytes are known, the same
    Message-ID, INTERNALDATE and size, if only one has them. The bytes decide between mails that look the same."""
    if body_known:
        same = [o for o in old if o.receipt.sha256 and o.receipt.sha256 == receipt.sha256]
        dated = [o for o in same if o.receipt.internaldate == receipt.internaldate]
        return next(iter(dated or same), None)
    if not receipt.message_id or receipt.internaldate is None:
        return None
    alike = [
        o
        for o in old
        if (o.receipt.message_id, o.receipt.internaldate, o.receipt.size)
        == (receipt.message_id, receipt.internaldate, receipt.size)
    ]
    return alike[0] if len(alike) == 1 else None
