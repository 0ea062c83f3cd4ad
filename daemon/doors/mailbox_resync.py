"""A folder that was made anew (another UIDVALIDITY): which of its mails are ours already (MAIL 3.2, RFC 4549 4.1).

Only what came since our first look is compared (all, if all was imported). A mail whose Message-ID, INTERNALDATE and
size one old receipt has is taken over by its headers alone; for the others the bytes decide. What matches opens
nothing new; what does not is new mail.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from daemon.core.mailboxes import OldReceipt, Receipt, match
from daemon.doors.mailbox_parts import Head
from daemon.doors.mailbox_reading import message_id, receipt_of, why_unreadable, windows
from daemon.doors.mailbox_session import chunks

if TYPE_CHECKING:
    from daemon.doors.mailbox_folder import Folder

log = logging.getLogger("tocsin.doors.mailbox")


def resync(folder: Folder) -> None:
    """May be interrupted anywhere and begun again: what was taken over has its receipt here by then."""
    old = folder.thread.call(folder.desk.receipts.orphans(folder.place))
    known = folder.thread.call(folder.desk.receipts.known(folder.place, 0))
    uids = [uid for uid in _candidates(folder) if uid not in known]
    adopted = taken = 0
    for part in chunks(uids, folder.desk.limits.chunk):
        folder.thread.check()
        heads = folder.session.heads(part)
        ids = {uid: message_id(head) for uid, head in folder.session.message_ids(list(heads)).items()}
        pairs, rest = _by_headers([heads[u] for u in part if u in heads], ids, old)
        more, fresh = _by_bytes(folder, rest, old)
        folder.thread.call(folder.desk.receipts.adopt(folder.place, pairs + more))
        adopted += len(pairs) + len(more)
        news = [head.uid for head in fresh if _is_later(head, folder)]
        folder.take(news, {})
        taken += len(news)
    folder.thread.call(folder.desk.receipts.close_old(folder.place))
    folder.desk.counts.mailbox_messages(folder.box.name, "adopted", adopted)
    log.warning("compared mailbox=%s mails=%d adopted=%d new=%d", folder.box.name, len(uids), adopted, taken)


def _candidates(folder: Folder) -> list[int]:
    """UIDs that were in the new folder at our first sight of it."""
    start = folder.state.start_uid
    if not start:
        return []
    since = _since(folder)
    found = folder.session.search_all("UID", f"1:{start}", *(("SINCE", since) if since else ()))
    return [uid for uid in found if uid <= start]


def _since(folder: Folder) -> date | None:
    if folder.box.history == "all":
        return None
    first = datetime.fromtimestamp(folder.state.started_at / 1000, UTC).date() - timedelta(days=1)
    return first if folder.box.history == "now" else min(first, folder.box.history)


def _is_later(head: Head, folder: Folder) -> bool:
    """Without a match it is new mail, unless it was there before our first look at the mailbox."""
    if folder.box.history != "now" or head.internaldate is None:
        return True
    return head.internaldate >= folder.state.started_at - 1000


def _by_headers(
    heads: Sequence[Head], ids: dict[int, str], old: list[OldReceipt]
) -> tuple[list[tuple[OldReceipt, int]], list[Head]]:
    pairs, rest = [], []
    alike = [(ids.get(head.uid, ""), head.internaldate, head.size) for head in heads]
    for head, key in zip(heads, alike, strict=True):
        found = None
        if alike.count(key) == 1:  # two that look the same: the bytes decide
            found = match(Receipt(head.uid, *key), old, body_known=False)
        if found is None:
            rest.append(head)
        else:
            old.remove(found)
            pairs.append((found, head.uid))
    return pairs, rest


def _by_bytes(
    folder: Folder, heads: Sequence[Head], old: list[OldReceipt]
) -> tuple[list[tuple[OldReceipt, int]], list[Head]]:
    pairs, rest = [], []
    limits = folder.desk.limits
    small = [head for head in heads if head.size <= folder.box.max_size]
    for window in windows(small, limits.window_bytes, limits.window_mails, ()):
        folder.thread.check()
        bodies = folder.session.bodies([head.uid for head in window])
        for head in window:
            body = bodies.get(head.uid)
            found = None
            if body is not None and not why_unreadable(body):
                found = match(receipt_of(head, body, ""), old, body_known=True)
            if found is None:
                rest.append(head)
            else:
                old.remove(found)
                pairs.append((found, head.uid))
    return pairs, rest + [head for head in heads if head.size > folder.box.max_size]
