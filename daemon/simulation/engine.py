"""Drives the real intake, timer and dispatcher over a virtual clock.

At each instant: the inputs, then the timer, then the dispatcher, until none finds work; then the clock moves to the
next input, timer or retry. Nothing sleeps, so thirty days take as long as their events do.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, TextIO

import orjson

import parsers
from channels import Message
from daemon.actions import BadData, Desk, Forbidden, NotFound
from daemon.clock import VirtualClock, parse_rfc3339, rfc3339
from daemon.config import Config
from daemon.config.durations import seconds
from daemon.core.incident import parse_number
from daemon.doors.smtp_routes import PARSERS, Routes, routes_of
from daemon.loops.dispatcher import Dispatcher, Settings
from daemon.loops.envelope import sender_of
from daemon.loops.intake import Intake
from daemon.loops.timer import Timer
from daemon.metrics import Metrics
from daemon.signing import Signer
from daemon.simulation import scenario
from daemon.simulation.output import Printer
from daemon.simulation.scenario import Input, ScenarioError
from daemon.store import Store, TimelineRow, opened
from daemon.wording import Wording
from parsers import Raw

KEY = "simulate: a fixed key, so that the same scenario gives the same words"
DAY = 24 * 3600 * 1000
PAGE = 1000


class Recorder:
    """A channel that takes everything; what it took is on the timeline."""

    async def send(self, message: Message) -> str:
        return ""


class Engine:
    """One run over one in-memory store."""

    def __init__(self, config: Config, store: Store, clock: VirtualClock, folder: Path) -> None:
        self._config, self._store, self._clock, self._folder = config, store, clock, folder
        book, signer, metrics = config.book(), Signer(KEY), Metrics()
        email = config.channels.get("email")
        names = {"email", "sms", *config.channels}
        settings = Settings(
            wording=Wording(config.locale, config.timezone, config.http.public_url),
            sender=sender_of(signer, getattr(email, "from_", ""), getattr(email, "reply_to", "")),
            channels={name: Recorder() for name in names},
        )
        self._entries = {hook.name: hook for hook in config.webhooks}
        self._routes = Routes(routes_of(config.smtp) if config.smtp else [])
        by_entry = {name: hook.settings for name, hook in self._entries.items()}
        self._intake = Intake(store, parsers.load(), by_entry.get, lambda: book, clock, metrics, signer)
        self._timer = Timer(store, lambda: book, clock, metrics)
        self._dispatcher = Dispatcher(store, lambda: book, lambda: settings, clock, metrics, jitter=lambda: 0.5)
        self._desk = Desk(store, lambda: book, clock, metrics)
        self._seen, self._start = 0, clock.now()

    async def run(self, inputs: list[Input], end: int, printer: Printer) -> None:
        place = 0
        while True:
            upcoming = [at for at in (await self._store.next_due(), await self._store.next_notice()) if at is not None]
            if place < len(inputs):
                upcoming.append(inputs[place].at)
            now = max(min(upcoming, default=end + 1), self._clock.now())
            if now > end:
                return
            self._clock.move_to(now)
            first = place
            while place < len(inputs) and inputs[place].at <= now:
                place += 1
            await self._inputs(inputs[first:place])
            rows = [(row, 0) for row in await self._rows()]
            while await self._timer.step(now):
                pass
            timed = await self._rows()
            rows += [(row, 1) for row in timed]
            while await self._dispatcher.step():
                pass
            late = {row.incident for row in timed}
            rows += [(row, int(row.incident in late)) for row in await self._rows()]
            printer.rows(rows)

    async def _rows(self) -> list[TimelineRow]:
        found: list[TimelineRow] = []
        while rows := await self._store.timeline_since(self._seen, PAGE):
            found += rows
            self._seen = rows[-1].id
            if len(rows) < PAGE:  # every question costs a hop to the connection's thread
                break
        return found

    async def _inputs(self, inputs: list[Input]) -> None:
        waiting: list[Raw] = []
        for given in inputs:
            if given.kind in ("webhook", "mail"):
                waiting.append(self._webhook(given) if given.kind == "webhook" else self._mail(given))
                continue
            await self._take(waiting)
            await self._act(given)
        await self._take(waiting)

    async def _take(self, waiting: list[Raw]) -> None:
        if waiting:
            await self._store.accept(waiting)
            waiting.clear()
            while await self._intake.step():
                pass

    def _webhook(self, given: Input) -> Raw:
        name = given.event["webhook"]
        entry = self._entries.get(name)
        if entry is None:
            known = ", ".join(self._entries) or "none"
            raise ScenarioError(f"line {given.line}: no [[webhooks]] entry {name!r}; known are {known}")
        body = given.event.get("body", {})
        headers = {str(k).lower(): str(v) for k, v in dict(given.event.get("headers") or {}).items()}
        return Raw(
            id=self._store.new_id(),
            source="webhook",
            entry=entry.name,
            parser=entry.parser,
            received_at=self._clock.now(),
            body=body.encode() if isinstance(body, str) else orjson.dumps(body),
            content_type=headers.get("content-type", "text/plain" if isinstance(body, str) else "application/json"),
            headers=headers,
            query={str(k): str(v) for k, v in dict(given.event.get("query") or {}).items()},
            path=f"/webhooks/{entry.name}",
        )

    def _mail(self, given: Input) -> Raw:
        mail, now = given.event["mail"], self._clock.now()
        to = str(given.event.get("to") or (mail.get("to", "") if isinstance(mail, dict) else "") or self._default_to())
        if isinstance(mail, dict):
            body = scenario.compose(mail, to, given.number, given.line, now)
        else:
            body = scenario.rewritten(self._file(str(mail), given.line), given.number)
        entry, parser, source = self._route(to, given.line)
        sender = scenario.sender_of(body)
        return Raw(self._store.new_id(), source, entry, parser, now, body, mail_from=sender, recipient=to)

    def _file(self, name: str, line: int) -> bytes:
        for folder in (self._folder, Path()):
            path = folder / name
            if path.is_file():
                return path.read_bytes()
        raise ScenarioError(f"line {line}: there is no file {name}")

    def _default_to(self) -> str:
        routes = self._config.smtp.routes if self._config.smtp else []
        route = next((r for r in routes if r.as_ == "support"), None)
        return route.to.replace("*", "example") if route else "support@example"

    def _route(self, to: str, line: int) -> tuple[str, str, str]:
        """(entry, parser, source): a mailbox of that name or address, else the first SMTP route that fits."""
        for box in self._config.mailboxes:
            if to.casefold() in (box.username.casefold(), box.name.casefold()):
                return box.name, PARSERS[box.as_], "email"
        route = self._routes.find(to)
        if route is None:
            raise ScenarioError(f"line {line}: no mailbox and no SMTP route takes mail to {to!r}")
        return route.name, route.parser, "smtp"

    async def _act(self, given: Input) -> None:
        event = given.event
        by, data = str(event.get("by", "service_desk")), event.get("data") or {}
        try:
            if given.kind == "register":
                await self._desk.register(event["register"], by, is_admin=True)
                return
            if given.kind in ("silence", "maintenance"):
                await self._desk.add_window(given.kind, self._window(event[given.kind]), by)
                return
            number = parse_number(str(event.get("incident", "")))
            if event["action"] == "patch":
                await self._desk.patch(number, data, by, is_admin=True)
            else:
                await self._desk.act(number, str(event["action"]), data, by, is_admin=True)
        except (BadData, Forbidden, NotFound, ValueError) as error:
            raise ScenarioError(f"line {given.line}: {error}") from None

    def _window(self, given: Any) -> Any:
        """`from` (default: now) and `until` may be offsets of the scenario's start (+10m); `for` is a duration."""
        if not isinstance(given, dict):
            return {}
        now, data = self._clock.now(), dict(given)
        start = self._instant(data.get("from"), now)
        if "for" in data:
            data["until"] = rfc3339(parse_rfc3339(start) + seconds(str(data.pop("for"))) * 1000)
        return data | {"from": start, "until": self._instant(data.get("until"), now)}

    def _instant(self, value: Any, now: int) -> str:
        text = rfc3339(now) if value is None else str(value)
        if not text.startswith("+"):
            return text
        return rfc3339(self._start + seconds(text[1:]) * 1000)


async def _run(config: Config, path: Path, until: int | None, as_json: bool, out: TextIO) -> int:
    start, inputs = scenario.read(path)
    clock = VirtualClock(start)
    last = inputs[-1].at if inputs else start
    end = start + until * 1000 if until is not None else last + DAY
    printer = Printer(start, as_json, out)
    async with opened("sqlite://:memory:", clock) as store:
        await Engine(config, store, clock, path.parent).run(inputs, end, printer)
    printer.summary()
    return 0


def simulate(config: Config, path: Path, until: int | None, as_json: bool, out: TextIO) -> int:
    """Runs a scenario until `until` seconds after its start (default: a day after its last input).

    Raises ScenarioError, OSError."""
    return asyncio.run(_run(config, path, until, as_json, out))
