"""Everything that the config gives the core: rules, people and tables, in one value that a reload swaps whole."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from daemon.core.calendar import Calendar
from daemon.core.directory import Directory
from daemon.core.kinds import EXPRESSIONS, TABLES
from daemon.core.matchers import Rule
from daemon.core.policy import Policy
from daemon.core.word_search import Finder


@dataclass(frozen=True)
class Book:
    """`entries`: attributes fixed by the entry's name (webhook, SMTP route, mailbox), RULES 2.4.

    `public_url` has no trailing slash. `bulletin_to` are mail addresses.
    """

    policy: Policy = field(default_factory=Policy)
    directory: Directory = field(default_factory=Directory)
    rules: tuple[Rule, ...] = ()
    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    locale: str = "zh_CN"
    public_url: str = "http://127.0.0.1:8080"
    bulletin_to: tuple[str, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)  # from the store, not the config

    def at(self, calendar: Calendar) -> Book:
        """This book with the present silences and windows; what is computed once stays computed."""
        if calendar is self.calendar:
            return self
        self.finder, self.policy_hash  # noqa: B018 — computed here once, or every copy would compute them for itself
        twin = copy.copy(self)
        object.__setattr__(twin, "calendar", calendar)
        return twin

    @cached_property
    def finder(self) -> Finder:
        """Every word of the policy and of the services, found in one pass."""
        words = self.policy.words
        tables: dict[str, tuple[str, ...]] = {f"kind:{kind}": table for kind, table in words.kinds.items()}
        tables |= {f"category:{name}": table for name, table in words.categories.items()}
        services = {f"service:{s.name}": (*s.keywords, s.name) for s in self.directory.services}
        more = {"urgent": words.urgent, "interrupted": words.interrupted, **TABLES}
        return Finder({**tables, **services, **more}, EXPRESSIONS)

    @cached_property
    def policy_hash(self) -> str:
        return self.policy.hash
