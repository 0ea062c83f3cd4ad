"""The config as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from daemon.config.entries import Mailbox, WebhookEntry
from daemon.config.sections import Database, Http, Log, Recipients, Retention, Security, Smtp
from daemon.config.watching import DeadMan, Heartbeat
from daemon.core.book import Book
from daemon.core.directory import Customer, Directory, Person, Service
from daemon.core.matchers import Rule
from daemon.core.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Config:
    """A valid config. Durations in seconds, sizes in bytes, paths absolute. `channels` holds, by name, what that
    channel's own Settings made of its table. Secrets are SecretStr; `repr` shows the path only."""

    path: Path
    warnings: list[str]
    locale: str
    timezone: ZoneInfo
    database: Database
    http: Http
    smtp: Smtp | None
    mailboxes: list[Mailbox]
    webhooks: list[WebhookEntry]
    channels: Mapping[str, Any]
    people: list[Person]
    customers: list[Customer]
    services: list[Service]
    rules: list[Rule]
    policy: Policy
    security: Security
    log: Log
    retention: Retention
    bulletin: Recipients
    report: Recipients
    heartbeats: list[Heartbeat] = field(default_factory=list)
    dead_man: DeadMan | None = None
    own_addresses: frozenset[str] = field(default_factory=frozenset)

    def __repr__(self) -> str:
        return f"Config({str(self.path)!r})"

    def directory(self) -> Directory:
        return Directory(tuple(self.people), tuple(self.customers), tuple(self.services), self.own_addresses)

    def book(self) -> Book:
        """What the core needs of it."""
        directory = self.directory()
        entries: dict[str, Mapping[str, str]] = {hook.name: hook.fixed for hook in self.webhooks}
        entries |= {route.name: route.fixed for route in (self.smtp.routes if self.smtp else [])}
        entries |= {box.name: box.fixed for box in self.mailboxes}
        entries |= {beat.name: beat.fixed for beat in self.heartbeats}
        return Book(
            policy=self.policy,
            directory=directory,
            rules=tuple(self.rules),
            entries=entries,
            locale=self.locale,
            public_url=self.http.public_url,
            bulletin_to=self.addresses(self.bulletin),
        )

    def addresses(self, list_: Recipients) -> tuple[str, ...]:
        """The mail addresses of a list that may name people."""
        directory = self.directory()
        found = (
            name if "@" in name else person.email if (person := directory.person(name)) else "" for name in list_.to
        )
        return tuple(dict.fromkeys(address for address in found if address))
