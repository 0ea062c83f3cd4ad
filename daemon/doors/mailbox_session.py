"""One IMAP connection: opened, logged in, one folder selected. What can go wrong is Lost, LoginRefused or Refused.

imapclient is synchronous and does not bound what it reads; here every wait has a time and every literal a size.
UIDs go out as lists of numbers, at most some hundreds: servers refuse longer lines.
"""

from __future__ import annotations

import contextlib
import imaplib
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

from daemon import __version__
from daemon.doors.mailbox_parts import Box, Head, Limits, LoginRefused, Lost, Refused, tls_context

T = TypeVar("T")

logging.getLogger("imapclient").setLevel(logging.WARNING)

IDENTITY = {"name": "tocsin", "version": __version__}
"""RFC 2971 forbids false values; 163.com lets nobody in who sends none."""

MAX_HEADER = 64 << 10
DEAD = 3  # early and empty answers of idle_check in a row: a dead socket gives nothing else
NEWS = (b"EXISTS", b"RECENT")


class Session:
    """`open_session` makes one. Not safe for several threads, but for `abort`."""

    def __init__(self, client: Any, box: Box, limits: Limits) -> None:
        self._client, self._box, self._limits = client, box, limits
        self.uidvalidity = 0
        self.uidnext: int | None = None
        self.exists = 0
        self._empty = 0

    def has(self, capability: str) -> bool:
        return bool(self._client.has_capability(capability))

    # the folder

    def select(self) -> None:
        """Selects the folder, to read and to write. Sets uidvalidity, uidnext, exists."""
        with _translated():
            found = self._client.select_folder(self._box.folder)
        self.uidvalidity = int(found.get(b"UIDVALIDITY", 0))
        self.exists = int(found.get(b"EXISTS", 0))
        self.uidnext = found.get(b"UIDNEXT")
        if b"READ-ONLY" in found and self._box.after:
            raise Refused(f"the folder {self._box.folder} is read-only for {self._box.username}")

    def search(self, *criteria: str | date) -> list[int]:
        """UIDs, sorted. NOOP first: only then must a server tell of new mail."""
        with _translated():
            self._client.noop()
            self._forget()
            return sorted(self._client.search(list(criteria)))

    def search_all(self, *criteria: str | date) -> list[int]:
        """The same for any number of UIDs, span by span; selects the folder anew, for the count must be right."""
        span = self._limits.search_span
        if self.exists > span:
            self.select()
        if self.exists <= span:
            return self.search(*criteria)
        found: set[int] = set()
        for first in range(1, self.exists + 1, span):
            part = f"{first}:{min(first + span - 1, self.exists)}"
            with _translated():
                found.update(self._client.search([part, *criteria]))
        return sorted(found)

    @property
    def is_told(self) -> bool:
        """Whether mail was announced since the last search, in the answer to something else: IDLE is silent of it."""
        return "EXISTS" in self._client._imap.untagged_responses

    def _forget(self) -> None:
        """imaplib keeps every EXISTS and EXPUNGE that it heard, for ever."""
        for name in ("EXISTS", "RECENT", "EXPUNGE", "FETCH", "FLAGS"):
            self._client._imap.untagged_responses.pop(name, None)

    def above(self, uid: int, every: bool = False) -> list[int]:
        """UIDs above `uid`. `n:*` names the last mail even when its UID is below n (RFC 9051 6.4.9)."""
        look = self.search_all if every else self.search
        return [u for u in look("UID", f"{uid + 1}:*") if u > uid]

    def still(self, uids: Sequence[int]) -> set[int]:
        """Those of `uids` that are still in the folder."""
        found: set[int] = set()
        for part in chunks(uids, self._limits.chunk):
            found.update(self.search("UID", ",".join(map(str, part))))
        return found.intersection(uids)

    # mails

    def heads(self, uids: Sequence[int]) -> dict[int, Head]:
        """Size and date of those that the server tells of."""
        with _translated():
            found = self._client.fetch(list(uids), ["RFC822.SIZE", "INTERNALDATE"])
        return {
            uid: Head(uid, int(data.get(b"RFC822.SIZE") or 0), _instant(data.get(b"INTERNALDATE")))
            for uid, data in found.items()
        }

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """`BODY.PEEK[]`: nothing is marked as read. What the server leaves out is left out."""
        with _translated():
            found = self._client.fetch(list(uids), ["BODY.PEEK[]"])
        return {uid: body for uid, data in found.items() if isinstance(body := data.get(b"BODY[]"), bytes)}

    def headers(self, uids: Sequence[int]) -> dict[int, bytes]:
        with _translated():
            found = self._client.fetch(list(uids), ["BODY.PEEK[HEADER]"])
        return {
            u: head[:MAX_HEADER] for u, data in found.items() if isinstance(head := data.get(b"BODY[HEADER]"), bytes)
        }

    def message_ids(self, uids: Sequence[int]) -> dict[int, bytes]:
        item = "BODY[HEADER.FIELDS (MESSAGE-ID)]"
        with _translated():
            found = self._client.fetch(list(uids), [item.replace("BODY", "BODY.PEEK")])
        return {u: head for u, data in found.items() if isinstance(head := data.get(item.encode()), bytes)}

    # what is done with a mail that is ours

    def mark_seen(self, uids: Sequence[int]) -> set[int]:
        """Those that do not keep the flag: some servers answer OK and forget it."""
        with _translated():
            flags = self._client.add_flags(list(uids), [b"\\Seen"]) or {}
        return {uid for uid, have in flags.items() if b"\\seen" not in {bytes(f).lower() for f in have}}

    def mark_deleted(self, uids: Sequence[int]) -> None:
        """And gone, where the server can expunge these alone: a plain EXPUNGE takes what somebody else deleted."""
        with _translated():
            self._client.add_flags(list(uids), [b"\\Deleted"], silent=True)
            if self.has("UIDPLUS"):
                self._client.uid_expunge(list(uids))

    def move(self, uids: Sequence[int], folder: str) -> None:
        self._into(folder, lambda: self._client.move(list(uids), folder))

    def copy(self, uids: Sequence[int], folder: str) -> None:
        self._into(folder, lambda: self._client.copy(list(uids), folder))

    def _into(self, folder: str, work: Callable[[], object]) -> None:
        """Makes the folder when there is none; a server that knows the flag [TRYCREATE] says so, others only say NO."""
        with _translated():
            try:
                work()
            except IMAPClient.AbortError:
                raise
            except IMAPClient.Error:
                if self._client.folder_exists(folder):
                    raise
                self._client.create_folder(folder)
                with contextlib.suppress(IMAPClient.Error):
                    self._client.subscribe_folder(folder)
                work()

    # waiting

    def begin_idle(self) -> bool:
        """Whether there are news already: what came with the server's consent is in imaplib's buffer, where
        idle_check, which asks the socket, does not see it."""
        self._empty = 0
        with _translated():
            self._client.idle()
            sock = self._client.socket()
            sock.setblocking(False)
            try:
                return bool(self._client._imap.file.peek(1))
            except (BlockingIOError, ssl.SSLWantReadError):
                return False
            finally:
                sock.settimeout(self._limits.read_timeout)

    def heard(self, seconds: float) -> bool:
        """Waits at most so long, while idling; whether there are news."""
        before = time.monotonic()
        with _translated():
            answers = self._client.idle_check(timeout=seconds)
        if any(answer and answer[0] == b"BYE" for answer in answers):
            raise Lost("the server said goodbye")
        early = not answers and time.monotonic() - before < seconds / 2
        self._empty = self._empty + 1 if early else 0
        if self._empty >= DEAD:
            raise Lost("the connection is dead")
        return _news(answers)

    def end_idle(self) -> bool:
        """Whether there were news at the last moment."""
        with _translated():
            return _news(self._client.idle_done()[1])

    # the end

    def close(self, politely: bool) -> None:
        with contextlib.suppress(Exception):  # it is over either way
            if politely:
                self._client.logout()
            else:
                self._client.shutdown()

    def abort(self) -> None:
        """From another thread: what reads wakes up and finds the connection dead."""
        with contextlib.suppress(OSError):
            self._client.socket().shutdown(socket.SHUT_RDWR)


def open_session(box: Box, limits: Limits) -> Session:
    """Connected, encrypted as the config says, logged in, introduced. Raises Lost, LoginRefused."""
    with _translated():
        context = None if box.tls == "none" else tls_context(box.ca_file)
        client = IMAPClient(
            box.host,
            box.port,
            ssl=box.tls == "implicit",
            ssl_context=context if box.tls == "implicit" else None,
            timeout=SocketTimeout(limits.connect_timeout, limits.read_timeout),
        )
    try:
        client._imap.debug = 0  # imapclient formats every line for a log that nobody reads, passwords too
        _bound(client, box.max_size + MAX_HEADER)
        with _translated():
            client.normalise_times = False
            client.socket().setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if box.tls == "starttls":
                client.starttls(context)
            _log_in(client, box)
            # What a server offers before the login is not what it offers after it (QQ hides IDLE and UIDPLUS).
            client._cached_capabilities = client._do_capabilites()
            if client.has_capability("ID"):
                with contextlib.suppress(ValueError):  # an answer that imapclient cannot read is no matter
                    client.id_(IDENTITY)
        return Session(client, box, limits)
    except BaseException:
        with contextlib.suppress(Exception):
            client.shutdown()
        raise


def _log_in(client: Any, box: Box) -> None:
    secret = box.credentials.secret()
    try:
        if box.credentials.oauth:
            client.oauth2_login(box.username, secret)
        elif secret.isascii() and box.username.isascii():
            client.login(box.username, secret)
        else:
            client.plain_login(box.username, secret)
    except IMAPClient.AbortError:
        raise
    except LoginError as error:
        raise LoginRefused(_one_line(error).replace(secret, "…")) from None


def _bound(client: Any, most: int) -> None:
    """A server may announce any number of bytes: what is too much ends the connection before it is read."""
    read = client._imap.read

    def bounded(size: int) -> bytes:
        if size > most:
            raise imaplib.IMAP4.abort(f"the server announced {size} bytes")
        data: bytes = read(size)
        return data

    client._imap.read = bounded


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (imaplib.IMAP4.abort, OSError) as error:
        raise Lost(_one_line(error)) from error
    except imaplib.IMAP4.error as error:
        if "got more than" in str(error):  # the rest of the line is still to come
            raise Lost(_one_line(error)) from error
        raise Refused(_one_line(error)) from error
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        AssertionError,
    ) as error:  # an answer beyond the grammar
        raise Lost(f"the server's answer cannot be read: {type(error).__name__}: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return text or type(error).__name__


def _news(answers: Iterable[Any]) -> bool:
    return any(len(answer) > 1 and answer[1] in NEWS for answer in answers if isinstance(answer, tuple))


def _instant(moment: object) -> int | None:
    """Milliseconds UTC; None for what cannot be."""
    if not isinstance(moment, datetime):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    with contextlib.suppress(OverflowError, ValueError, OSError):
        return round(moment.timestamp() * 1000)
    return None


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for first in range(0, len(items), size):
        yield list(items[first : first + size])
