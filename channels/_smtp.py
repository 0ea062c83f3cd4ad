"""Kept SMTP connections: opened when needed, reused, checked after a pause, closed when idle. Over aiosmtplib."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from channels import DeliveryError
from channels._fields import one_line

log = logging.getLogger("tocsin.channels.email")

FRESH = 5.0  # seconds for which a kept connection is trusted without asking
PER_CONNECTION = 100  # messages; many servers hang up at some number of their own
PATIENCE = 90.0  # seconds for one mail in all, with its wait for a free connection: the sender's lease is not endless
CHECK_TIMEOUT = 5.0  # seconds for NOOP, RSET and QUIT
AUTH_WANTED = frozenset({530, 534, 535, 538})  # RFC 4954: ours to mend in the config, not the message's fault

_REFUSED = {"mail": "refused the sender", "rcpt": "refused the recipient", "data": "refused the message"}


@dataclass(frozen=True, slots=True)
class Parcel:
    """One mail with its envelope. `utf8`: an address needs RFC 6531."""

    sender: str
    recipient: str
    data: bytes
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect and how. `verify` None: where it protects something, see `_context`."""

    host: str
    port: int
    tls: Literal["auto", "none", "starttls", "implicit"] = "auto"
    verify: bool | None = None
    ca_file: str | None = None
    user: str | None = None
    password: str = field(repr=False, default="")
    hostname: str | None = None  # what EHLO says; None: the machine's name
    timeout: float = 30.0  # seconds, for each command

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(slots=True)
class _Kept:
    client: SMTP
    used_at: float = 0.0  # monotonic
    messages: int = 0


class _Stale(Exception):
    """A kept connection broke before anything of the message was sent: another attempt cannot double it."""


class Connections:
    """At most `limit` connections, one message at a time on each; one that rested `idle` seconds is closed."""

    def __init__(self, server: Server, limit: int, idle: float, patience: float = PATIENCE) -> None:
        self._server = server
        self._patience = patience
        self._closed = False
        self._slots = asyncio.Semaphore(limit)
        self._idle = idle
        self._kept: list[_Kept] = []  # the last used one is last and goes out first, so that the others grow old
        self._sweeping: asyncio.TimerHandle | None = None
        self._quitting: set[asyncio.Task[None]] = set()
        self._tls: ssl.SSLContext | None = None

    async def deliver(self, parcel: Parcel) -> str:
        """The server's words once it took the mail. Raises DeliveryError, after `patience` seconds at the latest."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._deliver(parcel)
        except TimeoutError as fault:
            raise DeliveryError(f"{self._server.name} did not take the mail within {self._patience:g} s") from fault

    async def _deliver(self, parcel: Parcel) -> str:
        async with self._slots:
            if kept := await self._reusable():
                try:
                    return await self._transact(kept, parcel)
                except _Stale as stale:
                    log.info("reconnecting server=%s why=%r", self._server.name, str(stale))
            return await self._transact(await self._open(), parcel)

    async def close(self) -> None:
        """QUIT on every kept connection; messages under way finish on theirs, which are not kept."""
        self._closed = True
        self._sweep(everything=True)
        if self._quitting:
            await asyncio.wait(set(self._quitting))

    async def _transact(self, kept: _Kept, parcel: Parcel) -> str:
        client, reused, stage, sound = kept.client, kept.messages > 0, "mail", False
        if unfit := self._unfit(client, parcel):
            self._keep(kept)
            raise unfit
        encoding = "utf-8" if parcel.utf8 else "ascii"
        try:
            await client.mail(parcel.sender, options=_options(client, parcel), encoding=encoding)
            stage = "rcpt"
            await client.rcpt(parcel.recipient, encoding=encoding)
            stage = "data"
            answer = await client.data(parcel.data)
            sound = True
        except SMTPResponseException as refusal:
            if refusal.code == 421 and reused and stage != "data":
                raise _Stale(f"{refusal.code} {one_line(refusal.message, 80)}") from refusal
            sound = refusal.code != 421 and await self._reset(client)
            raise self._refused(refusal, stage) from refusal
        except (SMTPException, OSError) as fault:
            if reused and stage != "data" and isinstance(fault, ConnectionError):
                raise _Stale(one_line(str(fault), 80)) from fault
            raise self._broken(fault, f"while sending ({stage.upper()})") from fault
        finally:
            # Whatever else ended this, a cancellation too, left the dialogue in the middle.
            if sound:
                self._keep(kept)
            else:
                client.close()
        return one_line(answer.message, 200)

    async def _open(self) -> _Kept:
        """Connected, in TLS as configured, logged in. Raises DeliveryError, never permanent: other mail fares alike."""
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout,
            use_tls=server.tls == "implicit",
            start_tls=False,
            tls_context=await self._context(),
            local_hostname=server.hostname,
        )
        opened = False
        try:
            await client.connect()
            await _greet(client)
            if server.tls == "starttls" or (server.tls == "auto" and client.supports_extension("starttls")):
                await client.starttls()
                await _greet(client)
            if server.user is not None:
                if server.tls == "auto" and not _private(client):
                    why = 'offers no STARTTLS, and the password is not sent in clear (tls = "none" allows it)'
                    raise DeliveryError(f"{server.name} {why}")
                await client.login(server.user, server.password)
            opened = True
        except SMTPAuthenticationError as refusal:
            raise DeliveryError(
                f"{server.name} refused the login of {server.user!r}: {refusal.code} {one_line(refusal.message, 200)}"
            ) from refusal
        except SMTPResponseException as refusal:
            text = one_line(refusal.message, 200)
            raise DeliveryError(f"{server.name} refused the connection: {refusal.code} {text}") from refusal
        except (SMTPException, OSError) as fault:
            raise self._broken(fault, "while connecting") from fault
        finally:
            if not opened:
                client.close()
        return _Kept(client)

    async def _context(self) -> ssl.SSLContext | None:
        """Checks the certificate unless `verify` says otherwise. By default "auto" checks it only when a password
        is at stake: who can show a false certificate can also hide STARTTLS, so checking would protect nothing."""
        server = self._server
        if server.tls == "none":
            return None
        if self._tls is None:
            try:
                context = await asyncio.to_thread(ssl.create_default_context, cafile=server.ca_file)
            except OSError as fault:
                raise DeliveryError(f"cannot read ca_file {server.ca_file}: {fault}") from fault
            if not (server.verify if server.verify is not None else server.tls != "auto" or server.user is not None):
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._tls = context
        return self._tls

    async def _reusable(self) -> _Kept | None:
        while self._kept:
            kept = self._kept.pop()
            if await self._alive(kept.client, time.monotonic() - kept.used_at):
                return kept
        return None

    async def _alive(self, client: SMTP, rested: float) -> bool:
        alive = False
        try:
            if client.is_connected and rested > FRESH:
                await client.noop(timeout=CHECK_TIMEOUT)
            alive = client.is_connected
        except (SMTPException, OSError) as fault:
            log.info("kept connection is gone server=%s why=%r", self._server.name, one_line(str(fault), 80))
        finally:
            if not alive:
                client.close()
        return alive

    async def _reset(self, client: SMTP) -> bool:
        """Forgets the refused envelope, so that the connection can serve the next mail."""
        try:
            await client.rset(timeout=CHECK_TIMEOUT)
        except (SMTPException, OSError):
            return False
        return client.is_connected

    def _keep(self, kept: _Kept) -> None:
        kept.messages += 1
        kept.used_at = time.monotonic()
        if self._closed or kept.messages >= PER_CONNECTION:
            self._quit(kept.client)
            return
        self._kept.append(kept)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(self._idle, self._sweep)

    def _sweep(self, everything: bool = False) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        limit = time.monotonic() - (0 if everything else self._idle)
        old = [k for k in self._kept if everything or k.used_at <= limit]
        self._kept = [k for k in self._kept if k not in old]
        for kept in old:
            self._quit(kept.client)
        if self._kept:
            wait = max(self._kept[0].used_at - limit, 0.01)
            self._sweeping = asyncio.get_running_loop().call_later(wait, self._sweep)

    def _quit(self, client: SMTP) -> None:
        async def quit_() -> None:
            try:
                await client.quit(timeout=CHECK_TIMEOUT)
            except (SMTPException, OSError) as fault:
                log.debug("quit server=%s why=%r", self._server.name, one_line(str(fault), 80))
            finally:
                client.close()

        self._start(quit_())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._quitting.add(task)
        task.add_done_callback(self._quitting.discard)

    def _unfit(self, client: SMTP, parcel: Parcel) -> DeliveryError | None:
        """Why this server can never take this mail, by what it offers."""
        limit = client.esmtp_extensions.get("size", "").strip()
        if limit.isdigit() and 0 < int(limit) < len(parcel.data):
            text = f"{self._server.name} takes mail of {limit} bytes at most, this one has {len(parcel.data)}"
            return DeliveryError(text, permanent=True)
        if parcel.utf8 and not client.supports_extension("smtputf8"):
            whose = next(a for a in (parcel.recipient, parcel.sender) if not a.isascii())
            text = f"{self._server.name} does not offer SMTPUTF8, which the address {one_line(whose, 100)!r} needs"
            return DeliveryError(text, permanent=True)
        return None

    def _refused(self, refusal: SMTPResponseException, stage: str) -> DeliveryError:
        permanent = 500 <= refusal.code < 600 and refusal.code not in AUTH_WANTED
        text = f"{self._server.name} {_REFUSED[stage]}: {refusal.code} {one_line(refusal.message, 200)}"
        return DeliveryError(text, permanent=permanent)

    def _broken(self, fault: Exception, when: str) -> DeliveryError:
        why = one_line(str(fault) or type(fault).__name__, 200)
        return DeliveryError(f"{self._server.name} {when}: {why}")


async def _greet(client: SMTP) -> None:
    """EHLO, else HELO: what the server offers must be known before the first command, and again after STARTTLS."""
    try:
        await client.ehlo()
    except SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()


def _private(client: SMTP) -> bool:
    """Nobody on the way can read along: TLS, or the same machine."""
    if client.get_transport_info("sslcontext") is not None:
        return True
    peer = client.get_transport_info("peername")
    return bool(peer) and ipaddress.ip_address(str(peer[0]).partition("%")[0]).is_loopback


def _options(client: SMTP, parcel: Parcel) -> list[str]:
    size = [f"SIZE={len(parcel.data)}"] if client.supports_extension("size") else []
    return [*size, "BODY=8BITMIME", "SMTPUTF8"] if parcel.utf8 else size
