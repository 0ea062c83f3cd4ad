"""Reads config.toml: TOML, then each table by its model, then what several tables say together."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

import channels
import parsers
from daemon.config import crosschecks
from daemon.config.directory_tables import CustomerTable, PersonTable, ServiceTable
from daemon.config.durations import kind, quoted
from daemon.config.entries import Mailbox, RuleTable, WebhookEntry, WebhookTable
from daemon.config.faults import ConfigError, Faults, Place, choose, keys_of, unknown
from daemon.config.loaded import Config
from daemon.config.policy_section import applied
from daemon.config.policy_tables import PolicySection
from daemon.config.scalars import addresses_in
from daemon.config.secrets import Surroundings, resolved
from daemon.config.sections import Database, Http, Log, Recipients, Retention, SecurityTable, Smtp
from daemon.config.watching import DeadMan, Heartbeat
from daemon.core.policy import Policy

MAX_FILE = 4 << 20
MAX_DEPTH = 32
LOCALES = ("zh_CN", "en")
KNOWN = (
    "locale", "timezone", "database", "http", "smtp", "mailboxes", "webhooks", "channels", "customers", "people",
    "services", "rules", "policy", "security", "bulletin", "report", "retention", "log", "heartbeats", "dead_man",
)  # fmt: skip

SKETCHES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "apprise": ({}, {"urls": {}}),
    "sms": ({}, {"provider": "http"}),
}
"""Channel tables that only mark the place of what comes later: a warning, where a half-written one is a fault."""

M = TypeVar("M", bound=BaseModel)


def load(path: Path, env: Mapping[str, str] = os.environ, *, lenient: bool = False) -> Config:
    """The config in the file. Raises ConfigError with every fault in it; reads nothing but the file and its secrets.

    `lenient`: secrets that are not there, or not for this user, are no faults: for commands that need none of them.
    """
    path = Path(path)
    faults = Faults(path.name)
    data = _toml(path, faults)
    reading = Reading(data, Surroundings(env, path.absolute().parent, lenient), faults)
    for key in data:
        if key not in KNOWN:
            faults.add((key,), unknown("key", key, KNOWN))
    config = reading.config(path)
    crosschecks.check(config, data, faults)
    faults.raise_any(data)
    return config


def _toml(path: Path, faults: Faults) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigError([f"{path}: cannot be read: {why}"]) from None
    what = ""
    data: dict[str, Any] = {}
    if len(body) > MAX_FILE:
        what = "is larger than 4 MiB"
    else:
        try:
            data = tomllib.loads(body.decode().removeprefix("\ufeff"))
        except UnicodeDecodeError as error:
            what = f"line {body[: error.start].count(10) + 1}: is not UTF-8"
        except tomllib.TOMLDecodeError as error:
            found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.S)
            message = found[1] if found else str(error)
            where = f"line {found[2]}, column {found[3]}: " if found and found[2] else "at the end: " if found else ""
            what = f"{where}{message}"
        except RecursionError:
            what = "is nested too deeply"
        except ValueError as error:  # a number of thousands of digits, an impossible date
            what = f"a value cannot be read: {error}"
    if not what and _depth(data) > MAX_DEPTH:
        what = "is nested too deeply"
    if what:
        faults.add((), what)
        faults.raise_any()
    return data


def _depth(data: object) -> int:
    """Of tables and lists; without recursion, since dotted keys nest without any limit."""
    level, depth = [data], 0
    while level and depth <= MAX_DEPTH:
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        depth += 1
    return depth


class Reading:
    """One pass over the tables. What is wrong goes to `faults`, and a default stands in its place."""

    def __init__(self, data: dict[str, Any], around: Surroundings, faults: Faults) -> None:
        self.data = data
        self.around = around
        self.faults = faults

    def config(self, path: Path) -> Config:
        policy = self.table("policy", PolicySection)
        webhooks = self._webhooks()
        own: list[str] = []
        return Config(
            path=path,
            warnings=self.faults.warnings,
            locale=self._one_of("locale", LOCALES, "zh_CN"),
            timezone=self._timezone(),
            database=self._database(),
            http=self.table("http", Http) or Http(),
            smtp=self.table("smtp", Smtp),
            mailboxes=[box for _, box in self.items("mailboxes", Mailbox)],
            heartbeats=[beat for _, beat in self.items("heartbeats", Heartbeat)],
            dead_man=self.table("dead_man", DeadMan),
            webhooks=webhooks,
            channels=self._channels(own),
            people=[table.person() for _, table in self.items("people", PersonTable)],
            customers=[table.customer() for _, table in self.items("customers", CustomerTable)],
            services=[table.service() for _, table in self.items("services", ServiceTable)],
            rules=[table.rule(n) for n, table in self.items("rules", RuleTable)],
            policy=applied(policy) if policy else Policy(),
            security=(self.table("security", SecurityTable) or SecurityTable()).key,
            log=self.table("log", Log) or Log(),
            retention=self.table("retention", Retention) or Retention(),
            bulletin=self.table("bulletin", Recipients) or Recipients(),
            report=self.table("report", Recipients) or Recipients(),
            own_addresses=frozenset(own) | self._mailbox_users(),
        )

    def validated(self, model: type[M], data: object, at: Place) -> M | None:
        try:
            return model.model_validate(data, context=self.around)
        except ValidationError as error:
            self.faults.add_validation(error, at, data, model)
            return None

    def table(self, key: str, model: type[M]) -> M | None:
        if key not in self.data:
            return None
        return self.validated(model, self.data[key], (key,))

    def raw_items(self, key: str) -> list[tuple[int, Any]]:
        """The tables of `[[key]]` with their places; a fault for anything else."""
        items = self.data.get(key, [])
        if isinstance(items, dict):
            self.faults.add((key,), f"expected a list of tables: write [[{key}]]")
            return []
        if not isinstance(items, list):
            self.faults.add((key,), f"expected tables [[{key}]], got {kind(items)}")
            return []
        return list(enumerate(items))

    def items(self, key: str, model: type[M]) -> list[tuple[int, M]]:
        found = ((n, self.validated(model, item, (key, n))) for n, item in self.raw_items(key))
        return [(n, item) for n, item in found if item is not None]

    def _one_of(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value = self.data.get(key, default)
        if value not in choices:
            self.faults.add((key,), choose(value, choices))
            return default
        return str(value)

    def _timezone(self) -> ZoneInfo:
        name = self.data.get("timezone", "Asia/Shanghai")
        try:
            if not isinstance(name, str):
                raise TypeError
            return ZoneInfo(name)
        except TypeError:
            self.faults.add(("timezone",), f'expected text such as "Asia/Shanghai", got {kind(name)}')
        except (ValueError, OSError, LookupError):
            self.faults.add(("timezone",), f'{quoted(name)} is no time zone: write "Asia/Shanghai"')
        return ZoneInfo("UTC")

    def _database(self) -> Database:
        found = self.table("database", Database)
        default = {"url": "sqlite://var/tocsin.sqlite3"}
        return found or Database.model_validate(default, context=self.around)

    def _mailbox_users(self) -> frozenset[str]:
        boxes = self.data.get("mailboxes")
        names = [box.get("username") for box in boxes if isinstance(box, dict)] if isinstance(boxes, list) else []
        return frozenset(address for name in names for address in addresses_in(name))

    def _webhooks(self) -> list[WebhookEntry]:
        known = parsers.load() if self.data.get("webhooks") else {}
        entries = (self._webhook(n, item, known) for n, item in self.raw_items("webhooks"))
        return [entry for entry in entries if entry]

    def _webhook(self, n: int, item: Any, known: Mapping[str, Any]) -> WebhookEntry | None:
        at = ("webhooks", n)
        if not isinstance(item, dict):
            self.faults.add(at, f"expected a table, got {kind(item)}")
            return None
        own = keys_of(WebhookTable)
        table = self.validated(WebhookTable, {k: v for k, v in item.items() if k in own}, at)
        parser = item.get("parser")
        if not isinstance(parser, str):
            return None
        if parser not in known:
            self.faults.add((*at, "parser"), f"{quoted(parser)}: {unknown('parser', parser, known)}")
            return None
        rest = {k: v for k, v in item.items() if k not in own}
        model = getattr(known[parser], "Settings", None)
        for key in [key for key in rest if key not in keys_of(model)]:
            self.faults.add((*at, key), unknown("key", key, [*own, *keys_of(model)]))
            del rest[key]
        settings = None
        if model is not None:
            settings = self.validated(model, resolved(rest, at, self.around, self.faults, paths=False), at)
        if table is None:
            return None
        return WebhookEntry(table.name, parser, table.token, table.fixed, settings)

    def _channels(self, own: list[str]) -> dict[str, Any]:
        """Every channel's Settings by name. The addresses that we send from are put into `own`."""
        tables = self.data.get("channels", {})
        if not isinstance(tables, dict):
            self.faults.add(("channels",), f"expected tables [channels.NAME], got {kind(tables)}")
            return {}
        known = channels.load() if tables else {}
        found: dict[str, Any] = {}
        for name, table in tables.items():
            at = ("channels", name)
            if table in SKETCHES.get(name, ()):
                self.faults.warn(at, "names nothing to send through yet: not used")
                continue
            if name not in known:
                self.faults.add(at, unknown("channel", name, known))
                continue
            ready = resolved(table, at, self.around, self.faults, paths=True)
            settings = self.validated(known[name].Settings, ready, at)
            if settings is not None:
                found[name] = settings
            if isinstance(ready, dict):
                own += addresses_in(ready.get("from")) + addresses_in(ready.get("reply_to"))
        return found
