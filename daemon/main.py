"""The composition root: what the daemon is made of, opened in order, closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

import parsers
from daemon import __version__, logs, systemd
from daemon.actions import Desk
from daemon.arrivals import Arrivals
from daemon.clock import Clock, SystemClock
from daemon.config import Config, ConfigError, load
from daemon.console.api import add_routes
from daemon.console.auth import Scope
from daemon.console.parts import Parts
from daemon.console.tokens import find_token
from daemon.doors import smtpd
from daemon.doors.http import HttpServer, Watch, make_app
from daemon.doors.proxies import client_of
from daemon.doors.smtp_routes import routes_of, users_of
from daemon.doors.webhooks import WebhookDoor, entries_of
from daemon.loops.dispatcher import Dispatcher, Settings
from daemon.loops.intake import Intake
from daemon.loops.timer import Timer
from daemon.metrics import Metrics
from daemon.running import Current, close_channels, current, needs_restart
from daemon.signing import Signer
from daemon.store import Store, StoreError, Tx, Unstorable, opened

log = logging.getLogger("tocsin.main")

KEY_SETTING = "security.key"
AWAY = 1.0  # seconds between attempts while the database is away
HOUR = 3600.0


class StartError(Exception):
    """The daemon cannot start; the message is one line for people."""


def run_daemon(path: Path) -> int:
    """`tocsin run`: until SIGTERM or SIGINT. Returns the exit code."""
    try:
        config = load(path)
        logs.configure(config.log.level, config.log.format, config.timezone)
        uvloop.run(run(config, SystemClock(), asyncio.Event()))
    except ConfigError as error:
        sys.stderr.writelines(f"{line}\n" for line in error.faults)
        return 2
    except (StartError, StoreError) as error:
        sys.stderr.write(f"tocsin: {error}\n")
        return 1
    return 0


async def run(config: Config, clock: Clock, stop: asyncio.Event) -> None:
    """Everything, from the store to the doors, until `stop`."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(config.database.url, clock))
        signer = Signer(await _key(config, store))
        now_is = current(config, signer)
        stack.push_async_callback(lambda: close_channels(now_is.sending))
        metrics = Metrics()
        daemon = Daemon(now_is, store, clock, signer, metrics, stop)
        await daemon.serve(stack)


async def _key(config: Config, store: Store) -> str:
    """`[security] key`; without one, a key is made once and kept in the store (decision 12)."""
    try:
        given = config.security.ensure()
    except (OSError, ValueError) as error:
        raise StartError(f"security.key: {error}") from None
    if given is not None:
        return given.get_secret_value()

    async def decide(tx: Tx) -> str:
        kept = await tx.setting(KEY_SETTING)
        if kept is None:
            kept = secrets.token_hex(32)
            await tx.put_setting(KEY_SETTING, kept)
        return kept

    return await store.transact(decide)


class Daemon:
    """The running parts. `serve` returns when `stop` is set and everything is drained."""

    def __init__(
        self, now_is: Current, store: Store, clock: Clock, signer: Signer, metrics: Metrics, stop: asyncio.Event
    ) -> None:
        self._now, self._store, self._clock, self._signer = now_is, store, clock, signer
        self._metrics, self._stop = metrics, stop
        self._closing: set[asyncio.Task[None]] = set()
        self._draining = asyncio.Event()  # the doors are shut: what is committed is finished, nothing new comes
        known, book = parsers.load(), lambda: self._now.book
        self._intake = Intake(store, known, self._parser_settings, book, clock, metrics, signer)
        self._timer = Timer(store, book, clock, metrics)
        self._dispatcher = Dispatcher(store, book, lambda: self._now.sending, clock, metrics)
        self._desk = Desk(store, book, clock, metrics)
        config = now_is.config
        self._webhooks = WebhookDoor(
            accept=store.accept,
            new_id=store.new_id,
            clock=clock,
            parsers=known,
            trouble=StoreError,
            refused=Unstorable,
            entries=entries_of(config),
            may_ingest=self._may_ingest,
        )
        self._smtp = (
            smtpd.from_config(
                config.smtp,
                accept=store.accept,
                new_id=store.new_id,
                clock=clock,
                metrics=metrics,
                trouble=StoreError,
                refused=Unstorable,
            )
            if config.smtp
            else None
        )
        self._arrivals = Arrivals(config, store, clock, metrics)
        self._configure_metrics()

    def _parser_settings(self, entry: str) -> Any:
        return self._now.parser_settings.get(entry)

    def _secrets(self) -> Iterable[str]:
        return self._now.secrets()

    def _configure_metrics(self) -> None:
        config = self._now.config
        self._metrics.configure(self._now.signals(), [s.name for s in config.services], config.channels)

    async def _may_ingest(self, token: str) -> bool:
        found = await find_token(self._store, token)
        return found is not None and found.scope >= Scope.INGEST

    async def serve(self, stack: AsyncExitStack) -> None:
        http = HttpServer(self._app())
        await self._store.release_leases()
        await self._rearm()
        await _listen("http.listen", http.start, *self._now.config.http.listen)
        stack.push_async_callback(http.stop)
        if self._smtp and self._now.config.smtp:
            await _listen("smtp.listen", self._smtp.start, *self._now.config.smtp.listen)
            stack.push_async_callback(self._smtp.stop)
        await self._arrivals.start()
        stack.push_async_callback(self._arrivals.stop)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        reload = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        gc.collect()
        gc.freeze()  # what start-up made lives as long as the daemon: no collection needs to look at it again
        systemd.notify("READY=1")
        log.info("ready version=%s database=%s", __version__, self._store.dialect)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._patiently(self._run_intake), name="intake"),
                group.create_task(self._patiently(lambda: self._timer.run(self._draining)), name="timer"),
                group.create_task(self._patiently(lambda: self._dispatcher.run(self._draining)), name="dispatcher"),
            ]
            helpers = [
                group.create_task(self._reload_on(reload), name="reload"),
                group.create_task(self._watchdog(), name="watchdog"),
                group.create_task(self._prune(), name="prune"),
                group.create_task(self._arrivals.run(), name="arrivals"),
            ]
            died = asyncio.ensure_future(asyncio.shield(self._store.died))
            stopped = asyncio.ensure_future(self._stop.wait())
            first: set[asyncio.Future[Any]] = {died, stopped}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if died.done():
                raise StoreError(f"the owner of writes ended: {died.exception()!r}")
            died.cancel()
            systemd.notify("STOPPING=1")
            log.info("stopping")
            if self._smtp:
                await self._smtp.stop()
            await http.stop()
            await self._arrivals.stop()
            self._draining.set()
            for waker in (self._store.inbox_waker, self._store.timer_waker, self._store.outbox_waker):
                waker.set()
            await asyncio.wait(tasks)
            for task in (*helpers, *self._closing):
                task.cancel()
        log.info("stopped")

    def _app(self) -> web.Application:
        config = self._now.config
        app = make_app(config.http.max_body)
        self._webhooks.add_to(app)
        self._arrivals.add_to(app)
        token = config.http.metrics_token
        Watch(
            ready=self._ready,
            metrics=self._metrics,
            metrics_token=token.get_secret_value() if token else "",
            refresh=self._refresh_gauges,
            trouble=StoreError,
        ).add_to(app)
        add_routes(
            app,
            Parts(
                desk=self._desk,
                store=self._store,
                clock=self._clock,
                book=lambda: self._now.book,
                key=self._signer.key,
                public_url=config.http.public_url,
                secrets=self._secrets,
                client=lambda request: client_of(request, self._now.config.http.trusted_proxies),
            ),
        )
        return app

    async def _ready(self) -> str:
        if self._stop.is_set():
            return "stopping"
        try:
            await self._store.next_due()
        except StoreError as error:
            return f"the database is away: {error}"
        return ""

    async def _refresh_gauges(self) -> None:
        self._metrics.refresh(await self._store.snapshot(), self._clock.now())

    async def _patiently(self, loop: Callable[[], Awaitable[None]]) -> None:
        """A loop goes on when the database is back; any other error ends the daemon, and systemd starts it again."""
        while True:
            try:
                await loop()
                return
            except StoreError as error:
                log.error("database error=%s", error)
                if self._draining.is_set():
                    return
                await asyncio.sleep(AWAY)

    async def _run_intake(self) -> None:
        while not self._draining.is_set():
            self._store.inbox_waker.clear()
            if await self._intake.step():
                await asyncio.sleep(0)  # the doors first: what they accept costs less than what it becomes
                continue
            try:
                await asyncio.wait_for(self._store.inbox_waker.wait(), 1.0)
            except TimeoutError:
                continue

    async def _reload_on(self, reload: asyncio.Event) -> None:
        while True:
            await reload.wait()
            reload.clear()
            systemd.notify("RELOADING=1")
            try:
                await self._reload()
            except ConfigError as error:
                for fault in error.faults:
                    log.error("reload refused, the old config stays: %s", fault)
            except StoreError as error:
                log.error("reload error=%s", error)
            systemd.notify("READY=1")

    async def _reload(self) -> None:
        old = self._now
        config = load(old.config.path)
        for name in needs_restart(old.config, config):
            log.warning("reload: %s changes at the next start", name)
        fresh = current(config, self._signer)
        logs.configure(config.log.level, config.log.format, config.timezone)
        self._now = fresh
        self._webhooks.configure(entries_of(config))
        await self._arrivals.configure(config)
        if self._smtp and config.smtp:
            self._smtp.configure(routes_of(config.smtp), config.smtp.allow, users_of(config.smtp))
        self._configure_metrics()
        await self._rearm()
        log.info("reloaded")
        task = asyncio.create_task(_close_later(old.sending))  # beside this: the next reload may come at any time
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _rearm(self) -> None:
        """Open incidents that another policy armed are due now; the timer re-arms them in slices (decision 11)."""
        hash_, now = self._now.book.policy_hash, self._clock.now()

        async def decide(tx: Tx) -> None:
            await tx.run(
                "UPDATE incidents SET next_at = $2 WHERE next_at IS NOT NULL AND next_at > $2 AND policy_hash <> $1",
                [(hash_, now)],
            )
            tx.wake("timer")

        await self._store.transact(decide)

    async def _watchdog(self) -> None:
        interval = systemd.watchdog_interval()
        if interval is None:
            return
        while True:
            systemd.notify("WATCHDOG=1")
            await asyncio.sleep(interval)

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(HOUR)
            try:
                await self._store.prune()
            except StoreError as error:
                log.warning("prune error=%s", error)


async def _close_later(sending: Settings) -> None:
    """What is in flight still uses the old channels."""
    try:
        await asyncio.sleep(60)
    finally:
        await close_channels(sending)


async def _listen(name: str, start: Callable[[str, int], Awaitable[None]], host: str, port: int) -> None:
    try:
        await start(host, port)
    except OSError as error:
        raise StartError(f"{name}: cannot listen on {host}:{port}: {error.strerror or error}") from None
