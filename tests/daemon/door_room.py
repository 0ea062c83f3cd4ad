"""What the tests of the doors share: an inbox that keeps what it is given, and a raw SMTP peer."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

from daemon.clock import VirtualClock
from daemon.doors.smtp_routes import Route
from daemon.doors.smtpd import SmtpDoor
from parsers import Raw

NOW = 1_767_574_800_000
ROUTES = (
    Route("alerts", "alerts@*", "alert_mail"),
    Route("support", "support@*", "customer_mail"),
)


class Refused(ValueError):
    """In the place of the store's Unstorable."""


class Away(Exception):
    """The database is away."""


class Inbox:
    """`accept` as the store has it: what is in `raws` is committed. `failure` is raised instead, `gate` is awaited."""

    def __init__(self) -> None:
        self.raws: list[Raw] = []
        self.reasons: list[str] = []
        self.commits = 0
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.begun = asyncio.Event()
        self._ids = itertools.count(7001)

    def new_id(self) -> int:
        return next(self._ids)

    async def accept(self, raws: Sequence[Raw], unparsable: str) -> None:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.raws.extend(raws)
        self.reasons.extend([unparsable] * len(raws))
        self.commits += 1


class Counts:
    def __init__(self) -> None:
        self.sessions: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()

    def smtp_session(self, outcome: str) -> None:
        self.sessions[outcome] += 1

    def smtp_message(self, outcome: str) -> None:
        self.messages[outcome] += 1


class SmtpRoom:
    def __init__(self, door: SmtpDoor, inbox: Inbox, counts: Counts) -> None:
        self.door, self.inbox, self.counts = door, inbox, counts

    @property
    def port(self) -> int:
        return self.door.port

    async def peer(self, hello: str = "peer.example") -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))
        peer.greeting = await peer.reply()
        if hello and peer.greeting.startswith("220"):
            peer.ehlo = await peer.say(f"EHLO {hello}")
        return peer


class Peer:
    """Speaks SMTP byte by byte, as well or as badly as the test wants."""

    greeting = ehlo = ""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """All lines of the next answer; "" when the connection is closed."""
        lines = []
        async with asyncio.timeout(20):
            while line := (await self.reader.readline()).decode("utf-8", "replace"):
                lines.append(line.rstrip())
                if line[3:4] == " ":
                    break
        return "\n".join(lines)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def say(self, line: str) -> str:
        await self.send(line.encode("utf-8", "surrogateescape") + b"\r\n")
        return await self.reply()

    async def begin(self, recipient: str = "alerts@tocsin.example", sender: str = "zabbix@example") -> None:
        """Up to and with the 354."""
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250")
        assert (await self.say(f"RCPT TO:<{recipient}>")).startswith("250")
        assert (await self.say("DATA")).startswith("354")

    async def mail(self, body: bytes, recipient: str = "alerts@tocsin.example", sender: str = "zabbix@example") -> str:
        await self.begin(recipient, sender)
        await self.send(body + b"\r\n.\r\n")
        return await self.reply()

    def hang_up(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def smtp_room(**options: Any) -> AsyncIterator[SmtpRoom]:
    inbox, counts = Inbox(), Counts()
    settings: dict[str, Any] = {
        "hostname": "tocsin.example",
        "routes": ROUTES,
        "allow": [ip_network("127.0.0.0/8"), ip_network("::1")],
        "max_size": 25 << 20,
        "clock": VirtualClock(NOW),
        "trouble": Away,
        "refused": Refused,
    }
    settings.update(options)
    door = SmtpDoor(accept=inbox.accept, new_id=inbox.new_id, metrics=counts, **settings)
    await door.start("127.0.0.1", 0)
    try:
        yield SmtpRoom(door, inbox, counts)
    finally:
        if inbox.gate is not None:
            inbox.gate.set()
        await door.stop(grace=2)


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Polls; fails when it is not true in time."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)
