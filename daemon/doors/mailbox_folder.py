"""A selected folder: what is new in it is fetched, committed, and only then flagged, moved or deleted.

A crash anywhere leaves one of: nothing (it is fetched again), a receipt whose action is pending (it is done at the
next look), or all. Fetching a mail again that has a receipt does nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from daemon.clock import rfc3339
from daemon.core.mailboxes import COPIED, DELETE, SEEN, Action, FolderState, Retry
from daemon.doors.mailbox_parts import Box, Desk, Head, Lost, Refused
from daemon.doors.mailbox_reading import Fetched, too_large, unreadable, whole, why_unreadable, windows
from daemon.doors.mailbox_resync import resync
from daemon.doors.mailbox_session import Session, chunks
from parsers import Raw

log = logging.getLogger("tocsin.doors.mailbox")

T = TypeVar("T")
PROGRESS = 10.0  # seconds between lines about a long import
STUBBORN = 3  # looks after which a flag that a server does not keep is given up


class Thread(Protocol):
    """What a folder needs of its thread."""

    box: Box

    def call(self, work: Coroutine[Any, Any, T]) -> T: ...
    def check(self) -> None: ...


class Folder:
    """`round()` takes what is new. `suspects` are UIDs in whose fetch the connection was lost: they come alone."""

    def __init__(self, thread: Thread, desk: Desk, session: Session, state: FolderState, suspects: set[int]) -> None:
        self.thread, self.desk, self.session, self.state = thread, desk, session, state
        self.box, self.place = thread.box, state.place
        self._suspects = suspects
        self._high = state.start_uid
        self._looked = float("-inf")
        self._unkept: dict[int, int] = {}
        self.next_retry: int | None = None  # milliseconds UTC

    def round(self) -> None:
        if self.state.resync:
            resync(self)
            self.state = FolderState(self.place, self.state.start_uid, self.state.started_at)
        actions, retries = self.thread.call(self.desk.receipts.open_work(self.place))
        self.next_retry = min((r.next_at for r in retries if r.next_at > self.desk.now()), default=None)
        self._reconcile(actions)
        uids = self._new()
        self.take(uids, {})
        self._high = max(self._high, *uids) if uids else self._high
        self._again(retries)
        self.desk.counts.mailbox_backlog(self.box.name, 0)

    # what is there

    def _new(self) -> list[int]:
        """UIDs without a receipt. The first look, and one every hour, is at all of them: a server may show a mail late,
        below others."""
        limits = self.desk.limits
        if time.monotonic() - self._looked < limits.full_look:
            found = self.session.above(self._high)
            return [u for u in found if u not in self._known(self._high)] if found else []
        if self._looked > float("-inf"):
            self.session.select()
            if self.session.uidvalidity != self.place.uidvalidity:
                raise Lost("the folder was made anew")
        self._looked = time.monotonic()
        found = self.session.above(self.state.start_uid, every=True)
        if self.box.history != "now":
            found = self._history() + found
        known = self._known(0)
        if found:
            self._high = max(self._high, found[-1])
        return [uid for uid in found if uid not in known]

    def _history(self) -> list[int]:
        start = self.state.start_uid
        if not start:
            return []
        of_date = () if self.box.history == "all" else ("SINCE", self.box.history)
        found = self.session.search_all("UID", f"1:{start}", *of_date)
        return [uid for uid in found if uid <= start]

    def _known(self, above: int) -> set[int]:
        return self.thread.call(self.desk.receipts.known(self.place, above))

    # taking

    def take(self, uids: Sequence[int], attempts: dict[int, int]) -> None:
        """Fetches, commits, acts, window by window. `attempts`: how often each was asked for in vain."""
        limits, done, said = self.desk.limits, 0, time.monotonic()
        for part in chunks(uids, limits.chunk):
            self.thread.check()
            heads = self.session.heads(part)
            self._postpone([Head(uid) for uid in part if uid not in heads], "the server says nothing of it", attempts)
            ordered = [heads[uid] for uid in part if uid in heads]
            for window in windows(ordered, limits.window_bytes, limits.window_mails, self._suspects):
                self.thread.check()
                self._window(window, attempts)
                done += len(window)
                self.desk.counts.mailbox_backlog(self.box.name, len(uids) - done)
                if time.monotonic() - said > PROGRESS:
                    said = time.monotonic()
                    log.info("importing mailbox=%s done=%d of=%d", self.box.name, done, len(uids))
        if done >= limits.chunk:
            log.info("imported mailbox=%s done=%d of=%d", self.box.name, done, len(uids))

    def _window(self, window: list[Head], attempts: dict[int, int]) -> None:
        try:
            fetched, vain = self._fetch(window, attempts)
        except Lost as error:
            if len(window) > 1:
                self._suspects.update(head.uid for head in window)
            else:
                self._postpone(window, str(error), attempts)
            raise
        self._commit(fetched)
        for why in dict.fromkeys(vain.values()):
            self._postpone([head for head in window if vain.get(head.uid) == why], why, attempts)
        self._suspects.difference_update(head.uid for head in window)

    def _fetch(self, window: list[Head], attempts: dict[int, int]) -> tuple[list[Fetched], dict[int, str]]:
        """What is to be registered, and why the rest could not be had."""
        after, most = self.box.after, self.box.max_size
        small = [head.uid for head in window if head.size <= most]
        large = [head for head in window if head.size > most]
        bodies = self.session.bodies(small) if small else {}
        headers = self.session.headers([head.uid for head in large]) if large else {}
        fetched: list[Fetched] = []
        vain: dict[int, str] = {}
        for head in window:
            if head.size > most:
                fetched.append(too_large(head, headers.get(head.uid, b""), after, most))
                continue
            body = bodies.get(head.uid)
            why = why_unreadable(body)
            if why == "" and body is not None:
                fetched.append(whole(head, body, after))
            else:
                vain[head.uid] = why
        last = [h for h in window if h.uid in vain and attempts.get(h.uid, 0) >= len(self.desk.limits.retry_delays)]
        if last:
            kept = self.session.headers([head.uid for head in last])
            fetched += [unreadable(self.place, h, kept.get(h.uid, b""), vain.pop(h.uid)) for h in last]
        return fetched, vain

    def _commit(self, fetched: Sequence[Fetched]) -> None:
        if not fetched:
            return
        new = self.thread.call(self._register(fetched))
        for one in fetched:
            outcome = one.kind if one.receipt.uid in new else "known"
            self.desk.counts.mailbox_messages(self.box.name, outcome)
        log.info("accepted door=mailbox mailbox=%s mails=%d new=%d", self.box.name, len(fetched), len(new))
        for action in dict.fromkeys(one.receipt.action for one in fetched if one.receipt.action):
            self._act(action, [one.receipt.uid for one in fetched if one.receipt.action == action])

    async def _register(self, fetched: Sequence[Fetched]) -> set[int]:
        """On the loop: ids are made there only."""
        now = self.desk.now()
        return await self.desk.receipts.accept(self.place, [(self._raw(one, now), one.receipt) for one in fetched])

    def _raw(self, one: Fetched, now: int) -> Raw:
        """INTERNALDATE, when its server got it, is when it happened; it is received when we have it."""
        headers = {"x-folder": self.place.folder, "x-uid": f"{self.place.uidvalidity}:{one.receipt.uid}"}
        date = one.receipt.internaldate
        if date is not None and 0 < date <= now:
            headers["x-internaldate"] = rfc3339(date)
        return Raw(
            id=self.desk.new_id(),
            source="email",
            entry=self.box.name,
            parser=self.box.parser,
            received_at=now,
            body=one.body,
            content_type="message/rfc822",
            headers=headers,
        )

    # bodies that could not be had

    def _postpone(self, heads: Sequence[Head], why: str, attempts: dict[int, int]) -> None:
        if not heads:
            return
        delays, now = self.desk.limits.retry_delays, self.desk.now()
        retries = []
        for head in heads:
            tries = attempts.get(head.uid, 0) + 1
            pause = delays[min(tries, len(delays)) - 1]
            retries.append(Retry(head.uid, tries, now + round(pause * 1000)))
        self.thread.call(self.desk.receipts.postpone(self.place, retries))
        self.next_retry = min([r.next_at for r in retries] + ([self.next_retry] if self.next_retry else []))
        self.desk.counts.mailbox_messages(self.box.name, "retried", len(heads))
        uids = " ".join(str(head.uid) for head in heads[:20])
        log.warning("postponed mailbox=%s mails=%d uids=%s reason=%s", self.box.name, len(heads), uids, why)

    def _again(self, retries: Sequence[Retry]) -> None:
        """Asks again for what is due; what is no longer in the folder is forgotten. After the last attempt it is
        registered as far as it is known, even when the server does not even tell its size."""
        now = self.desk.now()
        due = {r.uid: r.attempts for r in retries if r.next_at <= now}
        if not due:
            return
        there = self.session.still(sorted(due))
        if gone := due.keys() - there:
            self.thread.call(self.desk.receipts.forget(self.place, gone))
            log.info("gone mailbox=%s mails=%d", self.box.name, len(gone))
        last = [uid for uid in there if due[uid] > len(self.desk.limits.retry_delays)]
        self._commit([unreadable(self.place, Head(uid), b"", "it could not be fetched") for uid in last])
        self.take(sorted(there.difference(last)), due)

    # what follows a commit

    def _reconcile(self, actions: Sequence[Action]) -> None:
        """What was committed before a crash, or could not be done at once."""
        for kind in dict.fromkeys((a.action, a.state) for a in actions):
            uids = [a.uid for a in actions if (a.action, a.state) == kind]
            for part in chunks(uids, self.desk.limits.chunk):
                self.thread.check()
                self._act(kind[0], part, copied=kind[1] == COPIED)

    def _act(self, action: str, uids: list[int], copied: bool = False) -> None:
        """A mail that a person deleted or moved meanwhile needs nothing more: servers pass over unknown UIDs."""
        try:
            unkept = self._done(action, uids, copied)
        except Refused as error:  # it stays pending, and the rest of the folder is read
            log.warning("not done mailbox=%s action=%s mails=%d error=%s", self.box.name, action, len(uids), error)
            return
        if unkept:
            log.warning("not kept mailbox=%s action=%s mails=%d", self.box.name, action, len(unkept))
        self._settle(uid for uid in uids if uid not in unkept)

    def _done(self, action: str, uids: list[int], copied: bool) -> set[int]:
        """Does it; the UIDs for which it must be done once more."""
        if action == SEEN:
            return {uid for uid in self.session.mark_seen(uids) if not self._gives_up(uid)}
        if action == DELETE:
            self.session.mark_deleted(uids)
            return set()
        folder = action.partition(":")[2]
        if self.session.has("MOVE"):
            self.session.move(uids, folder)
            return set()
        if not copied:
            self.session.copy(uids, folder)
            self.thread.call(self.desk.receipts.settle(self.place, uids, copied=True))
        self.session.mark_deleted(uids)
        return set()

    def _gives_up(self, uid: int) -> bool:
        self._unkept[uid] = self._unkept.get(uid, 0) + 1
        return self._unkept[uid] >= STUBBORN

    def _settle(self, uids: Iterable[int]) -> None:
        self.thread.call(self.desk.receipts.settle(self.place, list(uids)))
