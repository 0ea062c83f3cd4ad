"""What the mailbox door is made of and what it asks of others: a mailbox, its limits, the receipts, the counters."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from daemon.core.mailboxes import Action, FolderState, OldReceipt, Place, Receipt, Retry
from parsers import Raw


class Lost(Exception):
    """The connection is of no more use."""


class LoginRefused(Exception):
    """The server does not know us: asking again soon helps nobody, and may lock the account."""


class Refused(Exception):
    """The server said NO to one command; the connection is good."""


class Stopped(Exception):
    """The door is being shut."""


class Credentials(Protocol):
    """What a login needs. `renew()` after a refusal: the next `secret()` is a new one, if there is any."""

    oauth: bool

    def secret(self) -> str: ...
    def renew(self) -> None: ...


@dataclass(frozen=True)
class Password:
    password: str = field(repr=False)
    oauth = False

    def secret(self) -> str:
        return self.password

    def renew(self) -> None:
        return None


@dataclass(frozen=True)
class Box:
    """One folder to read. `after`: "seen", "move:FOLDER" or "delete"; `history`: what the first run takes of the mail
    that is there already; `poll` in seconds, `max_size` in bytes."""

    name: str
    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    username: str
    credentials: Credentials = field(repr=False)
    parser: str
    folder: str = "INBOX"
    ca_file: Path | None = None
    poll: float = 60.0
    after: str = "seen"
    history: Literal["now", "all"] | date = "now"
    max_size: int = 25 << 20


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes, counts. A window is what is fetched and committed at once."""

    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    window_bytes: int = 8 << 20
    window_mails: int = 250
    chunk: int = 500  # UIDs in one command
    search_span: int = 50_000  # mails in one SEARCH: imaplib gives up on a line of 1,000,000 bytes
    idle: float = 300.0  # NAT forgets a silent connection long before the 29 minutes of RFC 2177
    full_look: float = 3600.0
    retry_delays: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0)  # then a mail without a body is registered without
    back_off: tuple[float, float] = (1.0, 300.0)
    login_back_off: tuple[float, float] = (30.0, 900.0)
    breaker: int = 5  # failures in a row after which the pause is the longest
    lease: float = 30.0
    call_timeout: float = 180.0  # for a commit
    stop_timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a mail before its body. `internaldate` in milliseconds."""

    uid: int
    size: int = 0
    internaldate: int | None = None


class Receipts(Protocol):
    """`daemon.store.Mailboxes`."""

    async def lease(self, name: str, holder: str, seconds: float) -> bool: ...
    async def release(self, name: str, holder: str) -> None: ...
    async def folder(self, mailbox: str, folder: str) -> FolderState | None: ...
    async def put_folder(self, state: FolderState) -> None: ...
    async def known(self, place: Place, above: int) -> set[int]: ...
    async def open_work(self, place: Place, limit: int = 5000) -> tuple[list[Action], list[Retry]]: ...
    async def accept(self, place: Place, mails: Sequence[tuple[Raw, Receipt]]) -> set[int]: ...
    async def postpone(self, place: Place, retries: Iterable[Retry]) -> None: ...
    async def settle(self, place: Place, uids: Iterable[int], copied: bool = False) -> None: ...
    async def forget(self, place: Place, uids: Iterable[int]) -> None: ...
    async def orphans(self, place: Place) -> list[OldReceipt]: ...
    async def adopt(self, place: Place, pairs: Sequence[tuple[OldReceipt, int]]) -> None: ...
    async def close_old(self, place: Place) -> None: ...


class Counts(Protocol):
    """The metrics that the door moves; they may be called from any thread."""

    def mailbox_poll(self, mailbox: str, seconds: float, now: int) -> None: ...
    def mailbox_messages(self, mailbox: str, outcome: str, n: int = 1) -> None: ...
    def mailbox_backlog(self, mailbox: str, n: int) -> None: ...
    def mailbox_failure(self, mailbox: str, reason: str, is_open: bool) -> None: ...


@dataclass(frozen=True)
class Desk:
    """What all mailboxes share. `trouble` is raised by `receipts` when the database is away."""

    receipts: Receipts
    new_id: Callable[[], int]
    now: Callable[[], int]
    counts: Counts
    trouble: type[Exception]
    holder: str
    limits: Limits


@lru_cache(16)
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """One for all mailboxes of an authority: the system's certificates are a megabyte. Names are checked."""
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
