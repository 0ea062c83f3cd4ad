"""Mail comes from mailboxes by IMAP: a thread for each, because imapclient waits where asyncio must not.

The threads share nothing but the loop that they hand their mails to; one that hangs or fails holds up no other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from daemon.doors.mailbox_oauth import credentials_of
from daemon.doors.mailbox_parts import Box, Desk
from daemon.doors.mailbox_thread import MailboxThread
from daemon.doors.smtp_routes import PARSERS

if TYPE_CHECKING:
    from daemon.config import Config

log = logging.getLogger("tocsin.doors.mailbox")


def boxes_of(config: Config) -> list[Box]:
    return [
        Box(
            name=entry.name,
            host=entry.host,
            port=entry.port or 993,
            tls=entry.tls,
            username=entry.username,
            credentials=credentials_of(entry),
            parser=PARSERS[entry.as_],
            folder=entry.folder,
            ca_file=entry.tls_ca,
            poll=entry.poll,
            after=entry.after if isinstance(entry.after, str) else f"move:{entry.after.move}",
            history=entry.import_,
            max_size=entry.max_size,
        )
        for entry in config.mailboxes
    ]


class MailboxDoor:
    """`configure` starts a thread for each mailbox and ends those of mailboxes that are gone or changed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._threads: dict[str, MailboxThread] = {}

    async def configure(self, boxes: Iterable[Box]) -> None:
        """Also at a reload; call it on the loop that the store belongs to."""
        wanted = {box.name: box for box in boxes}
        ending = [t for name, t in self._threads.items() if wanted.get(name) != t.box]
        await self._end(ending)
        for thread in ending:
            del self._threads[thread.box.name]
        loop = asyncio.get_running_loop()
        for name, box in wanted.items():
            if name not in self._threads:
                self._threads[name] = MailboxThread(box, self._desk, loop)
                self._threads[name].start()

    async def stop(self) -> None:
        """A window that is being committed is committed; the store must still be there."""
        await self._end(list(self._threads.values()))
        self._threads.clear()

    async def _end(self, threads: list[MailboxThread]) -> None:
        for thread in threads:
            thread.stop()
        end = time.monotonic() + self._desk.limits.stop_timeout
        for thread in threads:
            if not await asyncio.to_thread(thread.join, max(end - time.monotonic(), 0.1)):
                log.warning("still running mailbox=%s: left to end by itself", thread.box.name)
