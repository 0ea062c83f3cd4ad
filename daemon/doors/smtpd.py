"""Mail comes in by SMTP: routed by recipient, kept exactly as it came, answered 250 only after it is committed.

What is wrong with the mail is a 5xx, what is wrong with us is a 4xx, so that the sender keeps it and tries again.
"""

from __future__ import annotations

import asyncio
import collections
import hmac
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from daemon.clock import Clock
from daemon.doors.smtp_routes import Route, Routes, routes_of, tls_context, users_of
from daemon.doors.smtp_session import MAX_ADDRESS, REFUSED, TROUBLE, Hooks, SmtpSession
from parsers import Raw, clean

if TYPE_CHECKING:
    from daemon.config.sections import Smtp

log = logging.getLogger("tocsin.doors.smtp")

Accept = Callable[[Sequence[Raw], str], Awaitable[None]]


class Counts(Protocol):
    """The counters that the door moves."""

    def smtp_session(self, outcome: str) -> None: ...
    def smtp_message(self, outcome: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, rates in bytes a second. RFC 5321 4.5.3.2 wants 5 minutes between commands."""

    connections: int = 500
    connections_per_address: int = 100
    bytes_in_flight: int = 256 << 20
    command_timeout: float = 300.0
    pause_timeout: float = 120.0  # no byte for so long inside DATA
    data_timeout: float = 180.0  # the whole of DATA, plus its size at data_rate
    data_rate: float = 8192.0
    commit_timeout: float = 120.0


def from_config(config: Smtp, **parts: Any) -> SmtpDoor:
    """The door of `[smtp]`; `parts` are the further parameters of SmtpDoor. Raises OSError, ssl.SSLError."""
    tls = tls_context(config.tls_cert, config.tls_key) if config.tls_cert and config.tls_key else None
    return SmtpDoor(
        hostname=config.hostname,
        routes=routes_of(config),
        allow=config.allow,
        max_size=config.max_size,
        tls=tls,
        users=users_of(config),
        **parts,
    )


class SmtpDoor:
    """Listens, routes and hands over. `accept(raws, unparsable)` returns after the commit and raises `trouble` when
    the database is away, `refused` when it will never take these values; `users` (name -> password) may send from
    anywhere, under TLS only."""

    def __init__(
        self,
        *,
        accept: Accept,
        new_id: Callable[[], int],
        clock: Clock,
        metrics: Counts,
        trouble: type[Exception],
        refused: type[Exception],
        hostname: str,
        routes: Iterable[Route],
        allow: Iterable[IPv4Network | IPv6Network],
        max_size: int,
        tls: ssl.SSLContext | None = None,
        users: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.metrics = metrics
        self.limits = limits or Limits()
        self.max_size = max_size
        self.stopping = False
        self.changed = asyncio.Event()  # a mail ended, or a session did
        self._accept, self._new_id, self._clock = accept, new_id, clock
        self._trouble, self._refused = trouble, refused
        self._hostname = hostname
        self._tls = tls
        self._in_flight = 0
        # one mail of the greatest size must always fit, or it would be deferred for ever
        self._most_in_flight = max(self.limits.bytes_in_flight, 2 * max_size)
        self._sessions: set[SmtpSession] = set()
        self._addresses: collections.Counter[str] = collections.Counter()
        self._commits: set[asyncio.Task[str]] = set()
        self._server: asyncio.Server | None = None
        self.configure(routes, allow, users or {})

    def configure(
        self, routes: Iterable[Route], allow: Iterable[IPv4Network | IPv6Network], users: Mapping[str, str]
    ) -> None:
        """Also at a reload: holds from the next connection and the next recipient on."""
        self.routes = Routes(routes)
        self._allow = list(allow)
        self._users = dict(users)

    async def start(self, host: str, port: int) -> None:
        """Raises OSError when the address is taken."""
        hooks = Hooks(self)
        options: dict[str, Any] = {
            "hostname": self._hostname,
            "ident": "tocsin",
            "data_size_limit": self.max_size,
            "enable_SMTPUTF8": True,
            "tls_context": self._tls,
            "authenticator": self._authenticate,
            "loop": asyncio.get_running_loop(),
        }
        self._server = await options["loop"].create_server(
            lambda: SmtpSession(self, hooks, **options), host, port, backlog=1024
        )
        log.info("listening door=smtp address=%s port=%d", host, self.port)

    @property
    def port(self) -> int:
        """The port that it listens on: of interest when it was asked for port 0."""
        if self._server is None:
            raise RuntimeError("the SMTP door is not open")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self, grace: float = 30.0) -> None:
        """Stop listening, let the mails that are coming in finish (`grace` seconds at most), then close."""
        self.stopping = True
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            if not session.in_data:
                session.say_and_close("421 4.3.2 Shutting down", "stopped")
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        await self._until(lambda: not any(s.in_data for s in self._sessions), end)
        if self._commits:
            await asyncio.wait(self._commits, timeout=max(1.0, end - loop.time()))
        for session in list(self._sessions):
            session.say_and_close("421 4.3.2 Shutting down", "stopped")
        await self._until(lambda: not self._sessions, min(end, loop.time() + 2.0))
        for session in list(self._sessions):
            if session.transport is not None:
                cast(asyncio.Transport, session.transport).abort()

    async def _until(self, true: Callable[[], bool], end: float) -> None:
        """Until it is true, or the loop's time is `end`."""
        while not true():
            self.changed.clear()
            try:
                async with asyncio.timeout_at(end):
                    await self.changed.wait()
            except TimeoutError:
                return

    # what a session asks

    def admit(self, session: SmtpSession, transport: asyncio.Transport) -> str:
        """ "" or the words of the refusal."""
        peer = transport.get_extra_info("peername")
        address = _address(peer[0] if peer else "")
        session.peer = str(address or "")
        if self.stopping:
            return "421 4.3.2 Shutting down"
        if not self.is_allowed(session) and not (self._tls and self._users):
            self.metrics.smtp_session("refused")
            log.warning("refused door=smtp peer=%s reason=not_allowed", session.peer)
            return "554 5.7.1 Your address may not send here"
        group = _group(address)
        if (
            len(self._sessions) >= self.limits.connections
            or self._addresses[group] >= self.limits.connections_per_address
        ):
            self.metrics.smtp_session("too_many")
            log.warning("refused door=smtp peer=%s reason=too_many_connections", session.peer)
            return "421 4.7.0 Too many connections, try again later"
        self._sessions.add(session)
        self._addresses[group] += 1
        return ""

    def dismiss(self, session: SmtpSession) -> None:
        if session not in self._sessions:
            return
        self._sessions.discard(session)
        group = _group(_address(session.peer))
        self._addresses[group] -= 1
        if not self._addresses[group]:
            del self._addresses[group]
        self.changed.set()
        self.metrics.smtp_session(session.ending or "lost")

    def is_allowed(self, session: SmtpSession) -> bool:
        address = _address(session.peer)
        return address is None or any(address in network for network in self._allow)

    def is_full(self, more: int) -> bool:
        return self._in_flight + more > self._most_in_flight

    def hold(self, session: SmtpSession, size: int) -> None:
        session.held += size
        self._in_flight += size

    def release(self, session: SmtpSession) -> None:
        self._in_flight -= session.held
        session.held = 0

    async def take(self, session: SmtpSession, body: bytes, mail_from: str, recipients: Sequence[str]) -> str:
        """The answer to DATA. The commit outlives the connection: whether it was told or not, it is one."""
        raws = self._raws(session, body, mail_from, recipients)
        size, session.held = session.held, 0
        task = asyncio.create_task(self._commit(raws))
        self._commits.add(task)

        def done(task: asyncio.Task[str]) -> None:
            self._commits.discard(task)
            self._in_flight -= size

        task.add_done_callback(done)
        return await asyncio.shield(task)

    def _raws(self, session: SmtpSession, body: bytes, mail_from: str, recipients: Sequence[str]) -> list[Raw]:
        """One for each route, with the first of its recipients."""
        first: dict[Route, str] = {}
        for recipient in recipients:
            route = self.routes.find(recipient)
            if route is not None:
                first.setdefault(route, recipient)
        now = self._clock.now()
        headers = {"x-peer": session.peer}
        if session.session is not None and session.session.host_name:
            headers["x-helo"] = _sane(session.session.host_name)
        return [
            Raw(
                id=self._new_id(),
                source="smtp",
                entry=route.name,
                parser=route.parser,
                received_at=now,
                body=body,
                content_type="message/rfc822",
                headers=headers,
                mail_from="" if mail_from == "<>" else _sane(mail_from),
                recipient=_sane(recipient),
            )
            for route, recipient in first.items()
        ]

    async def _commit(self, raws: Sequence[Raw]) -> str:
        if not raws:  # a reload took the route away between RCPT and DATA
            return "550 5.1.1 No such recipient here"
        try:
            async with asyncio.timeout(self.limits.commit_timeout):
                await self._accept(raws, "")
        except (self._trouble, TimeoutError) as error:
            self.metrics.smtp_message("trouble")
            log.error("not accepted door=smtp error=%s: %s", type(error).__name__, error)
            return TROUBLE
        except self._refused as error:  # sent again it would be refused again: the sender is told now
            self.metrics.smtp_message("refused")
            log.error("refused door=smtp entry=%s bytes=%d reason=%s", raws[0].entry, len(raws[0].body), error)
            return REFUSED
        except Exception:  # a defect of ours: the sender keeps the mail, and we say where it is
            self.metrics.smtp_message("trouble")
            log.exception("not accepted door=smtp")
            return TROUBLE
        self.metrics.smtp_message("accepted")
        ids = " ".join(str(raw.id) for raw in raws)
        log.info("accepted door=smtp entry=%s inbox=%s bytes=%d", raws[0].entry, ids, len(raws[0].body))
        return f"250 2.0.0 Ok: committed as {ids}"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        name = data.login.decode("utf-8", "replace")
        known = self._users.get(name)
        # compared even for an unknown name, so that the time says nothing
        good = hmac.compare_digest(data.password, (known or "\0").encode()) and known is not None
        log.info("auth door=smtp user=%r good=%s", name[:100] if good else "", good)
        return AuthResult(success=good, handled=False, auth_data=data.login if good else None)


def _sane(text: str) -> str:
    """Raw bytes of a command come as lone surrogates, which no database takes."""
    return clean(text, MAX_ADDRESS)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """None: not a network peer (a UNIX socket). An IPv4 address in IPv6 clothes is an IPv4 address."""
    if not text:
        return None
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _group(address: IPv4Address | IPv6Address | None) -> str:
    """Those who share one limit: an IPv4 address, or an IPv6 /64, which one host has as a whole."""
    if isinstance(address, IPv6Address):
        return str(int(address) >> 64)
    return str(address or "")
