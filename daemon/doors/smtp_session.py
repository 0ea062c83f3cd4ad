"""One SMTP connection: aiosmtpd's commands, with our own reading of DATA, our own clocks and our own ending.

aiosmtpd reads a mail line by line, keeps every line as an object, and keeps a line that never ends without any
bound. Here the body is one buffer that is searched for the only mark that ends it (CR LF . CR LF, RFC 5321 4.1.1.4:
a bare LF ends nothing, so nothing can be smuggled behind one), and what is over the limit is dropped as it comes.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import re
import time
from typing import TYPE_CHECKING, Any, AnyStr, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

if TYPE_CHECKING:
    from daemon.doors.smtpd import SmtpDoor

log = logging.getLogger("tocsin.doors.smtp")
# aiosmtpd logs commands as they come, which may hold what is secret and is never of a bounded length.
logging.getLogger("mail.log").setLevel(logging.ERROR)

TROUBLE = "451 4.3.0 Temporary trouble here, try again later"
REFUSED = "554 5.6.0 This mail cannot be stored here"
MAX_ADDRESS = 320
MAX_RECIPIENTS = 100
END = b"\r\n.\r\n"
_PLAIN = re.compile(r"<(?P<address>[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+)>(?P<rest>.*)\Z", re.ASCII | re.DOTALL)
LINGER = 5.0  # seconds between our close and the hard one, for a peer that does not read our last words
CALLS = {"*": 1 << 60, "NOOP": 500, "AUTH": 5, "VRFY": 50, "HELP": 50, "STARTTLS": 2, "EHLO": 100, "HELO": 100}


class SmtpSession(SMTP):
    """`door` decides everything; this class only speaks. `ending` is the label of the session's metric."""

    # aiosmtpd makes this the limit of its reader: the most that is read ahead of the commands is twice as much
    line_length_limit = 64 * 1024

    def __init__(self, door: SmtpDoor, hooks: object, **options: Any) -> None:
        # aiosmtpd keeps one table for all connections and lets each EHLO raise it: give each its own
        self.command_size_limits = collections.defaultdict(lambda: 1024)
        super().__init__(hooks, command_call_limit=CALLS, timeout=door.limits.command_timeout, **options)
        self.door = door
        self.peer = ""
        self.ending = ""
        self.held = 0  # bytes of the mail now coming in, counted by the door
        self.in_data = False
        self._admitted = False
        self.committing = False
        self._half_closed = False

    # the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._admitted:  # again, after STARTTLS
            super().connection_made(transport)
            return
        plain = cast(asyncio.Transport, transport)  # uvloop's is one by its shape only
        refusal = self.door.admit(self, plain)
        if refusal:
            plain.write(refusal.encode() + b"\r\n")
            plain.close()
            return
        self._admitted = True
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._admitted:
            self.door.dismiss(self)
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._admitted:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        if not self._admitted:
            return False
        if self.committing and self.session is not None:
            # Half-closed while its mail is being committed: the answer may still reach it, and spares a second copy.
            self._half_closed = True
            return self.session.ssl is None
        return super().eof_received()

    def _timeout_cb(self) -> None:
        self.say_and_close("421 4.4.2 Too slow, closing the connection", "timeout")

    def say_and_close(self, words: str, ending: str) -> None:
        """Say `words` and close; hard after LINGER, since close() waits for ever on a peer that does not read."""
        self.ending = self.ending or ending
        if self.transport is None:
            return
        transport = cast(asyncio.Transport, self.transport)
        if not transport.is_closing():
            transport.write(words.encode() + b"\r\n")
            transport.close()
        self.loop.call_later(LINGER, transport.abort)

    async def push(self, status: AnyStr) -> None:
        """Ends the session quietly when nobody listens any more; aiosmtpd would end it with a traceback."""
        try:
            if self._writer.transport.is_closing():
                raise ConnectionResetError
            await super().push(status)
        except (ConnectionError, RuntimeError):  # uvloop says RuntimeError of a closed transport
            raise asyncio.CancelledError from None

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Address and rest of MAIL and RCPT. aiosmtpd takes a third of a small mail's time to read an address."""
        found = _PLAIN.match(arg)
        return (found[1], found[2]) if found else super()._getaddr(arg)

    # commands

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        if not arg:
            self.ending = "completed"
        await super().smtp_QUIT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Read one mail and hand it to the door; the answer is the door's."""
        assert self.envelope is not None
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        if self.door.is_full(0):
            self.door.metrics.smtp_message("busy")
            await self.push("452 4.3.1 Too much mail at once, try again later")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self.in_data = True
        try:
            body, refusal = await self._read_mail()
            if self.ending:
                return  # cut off
            answer = refusal or await self._commit(body)
        except asyncio.CancelledError:
            if not self.committing:
                self.door.metrics.smtp_message("timeout" if self.ending == "timeout" else "lost")
            raise
        finally:
            self.committing = False
            self.in_data = False
            self.door.release(self)
            self.door.changed.set()
        self.envelope = self._create_envelope()
        self._reset_timeout()
        await self.push(answer)
        if self._half_closed:
            self.say_and_close("221 Bye", "completed")
        elif self.door.stopping:
            self.say_and_close("421 4.3.2 Shutting down", "stopped")

    async def _read_mail(self) -> tuple[bytes, str]:
        """The mail without its dot-stuffing, and why it is refused ("" if it is not).

        Bounded in memory (the size limit, and all connections together), in bytes on the wire (twice the size
        limit ends the connection) and in time (a pause, and the whole scaled with what came).
        """
        limits, door = self.door.limits, self.door
        buffer = bytearray(b"\r\n")  # the end of the DATA command: now the end mark is one pattern, even for no mail
        came, refusal, started = 0, "", time.monotonic()
        while True:
            allowed = limits.data_timeout + min(came, door.max_size) / limits.data_rate
            left = started + allowed - time.monotonic()
            self._reset_timeout(max(0.001, min(limits.pause_timeout, left)))
            # Everything there is, so that feed_data below puts the rest back in its place.
            chunk = await self._reader.read(1 << 30)
            if not chunk:
                raise asyncio.CancelledError
            before = len(buffer)
            buffer += chunk
            end = buffer.find(END, max(0, before - len(END) + 1))
            more = len(chunk) if end < 0 else end + len(END) - before
            came += more
            if not refusal:
                refusal = self._refusal(came, more)
            if end >= 0:
                break
            if refusal:
                del buffer[: -len(END)]
                if came > 2 * door.max_size + (1 << 20):
                    self.say_and_close(refusal, "lost")
                    return b"", refusal
        rest = bytes(buffer[end + len(END) :])
        if rest:
            self._reader.feed_data(rest)
        if refusal:
            return b"", refusal
        del buffer[end + 2 :]
        if buffer.find(b"\r\n.") >= 0:
            buffer = buffer.replace(b"\r\n.", b"\r\n")
        return bytes(memoryview(buffer)[2:]), ""

    def _refusal(self, came: int, more: int) -> str:
        if came > self.door.max_size:
            self.door.release(self)
            self.door.metrics.smtp_message("too_large")
            return f"552 5.3.4 Message too large, the limit is {self.door.max_size} bytes"
        if self.door.is_full(more):
            self.door.release(self)
            self.door.metrics.smtp_message("busy")
            return "452 4.3.1 Too much mail at once, try again later"
        self.door.hold(self, more)
        return ""

    async def _commit(self, body: bytes) -> str:
        assert self.envelope is not None
        assert self._timeout_handle is not None
        self._timeout_handle.cancel()  # the door has its own limit: cut now, a committed mail would come twice
        self.committing = True
        return await self.door.take(self, body, self.envelope.mail_from or "", self.envelope.rcpt_tos)


class Hooks:
    """What aiosmtpd calls; small, because it is searched for hooks at each connection."""

    def __init__(self, door: SmtpDoor) -> None:
        self._door = door

    async def handle_EHLO(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        # Pipelined commands wait in the reader's buffer; STARTTLS empties it, as RFC 3207 wants.
        return [answers[0], "250-PIPELINING", *answers[1:]]

    async def handle_MAIL(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        door = self._door
        if not session.authenticated and not door.is_allowed(server):
            return "530 5.7.0 Authentication required"
        if len(address) > MAX_ADDRESS:
            return "553 5.1.7 Address too long"
        size = next((int(o[5:]) for o in options if o.startswith("SIZE=")), 0)
        if door.is_full(size):
            door.metrics.smtp_message("busy")
            return "452 4.3.1 Too much mail at once, try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SmtpSession, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        door = self._door
        if len(address) > MAX_ADDRESS or door.routes.find(address) is None:
            door.metrics.smtp_message("unknown_recipient")
            log.info("refused door=smtp peer=%s reason=unknown_recipient", server.peer)
            return "550 5.1.1 No such recipient here"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_exception(self, error: Exception) -> str:
        log.error("defect door=smtp", exc_info=error)
        return TROUBLE
