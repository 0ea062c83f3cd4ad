"""One mailbox, one thread: connect, look, take, wait; and what follows when any of it fails.

1. Have the lease, so that of several daemons one reads the mailbox.
2. Connect and select the folder. Its first sight is written down; a folder that was made anew is compared first.
3. Do what is still to be done from before: flags, moves, deletions of mails that are committed.
4. Look for UIDs without a receipt; fetch them in windows; commit each window; then do what follows with it.
5. Wait: IDLE as a wake-up where the server has it, `poll` regardless. Then 3 again.

IMAP is only a way to see what is there: what was taken is known from the receipts, never from flags.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from daemon.core.mailboxes import FolderState, Place
from daemon.doors.mailbox_folder import Folder
from daemon.doors.mailbox_parts import Box, Desk, LoginRefused, Lost, Refused, Stopped
from daemon.doors.mailbox_session import Session, open_session

log = logging.getLogger("tocsin.doors.mailbox")

T = TypeVar("T")
TICK = 1.0  # seconds between looks at the stop sign and the lease


class MailboxThread:
    """`start`, then `stop` and `join`. A plain thread: the store is reached through the loop only."""

    def __init__(self, box: Box, desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
        self.box = box
        self._desk, self._limits, self._loop = desk, desk.limits, loop
        self._stop = threading.Event()
        self._session: Session | None = None
        self._leased_until = 0.0
        self._failures = 0
        self._suspects: set[int] = set()
        self._thread = threading.Thread(target=self._run, name=f"mailbox {box.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is being read is let go; what is being committed is committed."""
        self._stop.set()
        if self._session is not None:
            self._session.abort()

    def join(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # what the parts ask

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` on the loop and returns its result. Raises Stopped when the loop is gone."""
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise Stopped from None
        try:
            return future.result(self._limits.call_timeout)
        except FutureTimeout:
            future.cancel()
            raise Lost("the store did not answer in time") from None

    def check(self) -> None:
        """Between two windows: Stopped when the door is being shut, Lost when the lease is somebody else's."""
        if self._stop.is_set():
            raise Stopped
        if not self._lease():
            raise Lost("another daemon reads this mailbox now")

    # the thread

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._once()
        except Stopped:
            pass
        finally:
            self._release()

    def _once(self) -> None:
        """One connection, or one failure and its pause."""
        try:
            if not self._lease():
                self._stop.wait(self._limits.lease / 6 * random.uniform(0.8, 1.2))
                return
            self._connected()
        except Stopped:
            raise
        except LoginRefused as error:
            self.box.credentials.renew()
            self._failed("login", error, self._limits.login_back_off)
        except (Lost, Refused) as error:
            self._failed("connection" if isinstance(error, Lost) else "refused", error, self._limits.back_off)
        except self._desk.trouble as error:
            self._failed("store", error, self._limits.back_off)
        except Exception as error:  # a defect of ours, of one mail or one server: this mailbox pauses, the rest goes on
            log.exception("defect mailbox=%s", self.box.name)
            self._failed("defect", error, self._limits.back_off)

    def _failed(self, reason: str, error: Exception, back_off: tuple[float, float]) -> None:
        if self._stop.is_set():
            raise Stopped
        self._failures += 1
        is_open = self._failures >= self._limits.breaker
        first, longest = back_off
        pause = longest if is_open else min(first * 2 ** (self._failures - 1), longest)
        pause *= random.uniform(0.5, 1.0)
        self._desk.counts.mailbox_failure(self.box.name, reason, is_open)
        level = logging.ERROR if is_open else logging.WARNING
        text = "mailbox=%s reason=%s failures=%d breaker=%s pause=%.1f error=%s"
        state = "open" if is_open else "closed"
        log.log(level, f"failed {text}", self.box.name, reason, self._failures, state, pause, error)
        self._pause(pause)

    def _pause(self, seconds: float) -> None:
        """Keeps the lease meanwhile: another daemon would meet the same."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stop.wait(min(TICK, left)):
            try:
                self._lease()
            except self._desk.trouble:
                continue

    def _lease(self) -> bool:
        if time.monotonic() < self._leased_until:
            return True
        seconds = self._limits.lease
        held = self.call(self._desk.receipts.lease(self._name, self._desk.holder, seconds))
        self._leased_until = time.monotonic() + seconds / 3 if held else 0.0
        return held

    def _release(self) -> None:
        try:
            self.call(self._desk.receipts.release(self._name, self._desk.holder))
        except (Stopped, Lost, self._desk.trouble):
            log.debug("lease left to expire mailbox=%s", self.box.name)

    @property
    def _name(self) -> str:
        return f"mailbox:{self.box.name}"

    # one connection

    def _connected(self) -> None:
        session = open_session(self.box, self._limits)
        self._session = session
        polite = False
        try:
            self.check()
            folder = self._enter(session)
            while True:
                started = time.monotonic()
                folder.round()
                self._well(time.monotonic() - started)
                self._wait(session, folder.next_retry)
                self.check()
        except (Stopped, Refused):
            polite = not self._stop.is_set()
            raise
        finally:
            self._session = None
            session.close(polite)

    def _well(self, seconds: float) -> None:
        if self._failures:
            log.info("is back mailbox=%s failures=%d", self.box.name, self._failures)
        self._failures = 0
        self._desk.counts.mailbox_poll(self.box.name, seconds, self._desk.now())

    def _enter(self, session: Session) -> Folder:
        session.select()
        if not session.uidvalidity:
            raise Refused("the server gives no UIDVALIDITY: its mails have no lasting names")
        box, receipts = self.box, self._desk.receipts
        place = Place(box.name, box.folder, session.uidvalidity)
        state = self.call(receipts.folder(box.name, box.folder))
        if state is None or state.place.uidvalidity != session.uidvalidity:
            last = session.uidnext - 1 if session.uidnext else max(session.search("UID", "*"), default=0)
            if state is None:
                log.info("first look mailbox=%s folder=%s import=%s", box.name, box.folder, box.history)
                state = FolderState(place, last, self._desk.now())
            else:
                log.warning(
                    "folder made anew mailbox=%s folder=%s uidvalidity=%d was=%d: its mails are compared",
                    box.name, box.folder, session.uidvalidity, state.place.uidvalidity,
                )  # fmt: skip
                self._desk.counts.mailbox_failure(box.name, "uidvalidity", False)
                state = FolderState(place, last, state.started_at, True)
            self.call(receipts.put_folder(state))
        log.info(
            "connected mailbox=%s folder=%s mails=%d idle=%s", box.name, box.folder, session.exists, session.has("IDLE")
        )
        return Folder(self, self._desk, session, state, self._suspects)

    def _wait(self, session: Session, retry: int | None) -> None:
        """Until there are news, the poll is due, or a body is to be asked for again (`retry`, milliseconds UTC)."""
        seconds = min(self.box.poll, self._limits.idle)
        if retry is not None:
            seconds = min(seconds, max(retry - self._desk.now(), 0) / 1000)
        end = time.monotonic() + seconds
        if session.is_told:
            return
        if not session.has("IDLE"):
            while (left := end - time.monotonic()) > 0:
                self._stop.wait(min(TICK, left))
                self.check()
            return
        has_news = session.begin_idle()
        while not has_news and (left := end - time.monotonic()) > 0:
            has_news = session.heard(min(TICK, left))
            self.check()
        session.end_idle()
