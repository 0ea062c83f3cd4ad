"""What people do through the API, the console and the command line: one transaction each, decided by the core."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from daemon.clock import Clock
from daemon.core import actions, calendar, complaints, correct, deadlines, enter, work
from daemon.core.actions import Actor, Forbidden
from daemon.core.book import Book
from daemon.core.calendar import Window
from daemon.core.checks import BadData
from daemon.core.incident import AlertKey, Change, Incident, parse_number
from daemon.core.known import Known
from daemon.core.vocabulary import Kind, Origin, Role
from daemon.loops.loading import load_complaints, with_masters
from daemon.metrics import Metrics
from daemon.store import Store, Tx, windows

log = logging.getLogger("tocsin.desk")

ACTIONS = tuple(actions.ACTIONS)
_OPENING = ("confirm", "close", "rate")
"""What may open another incident: the follow-up of a workaround, the complaint of a low score."""

_NONE: Mapping[str, bool] = {}

__all__ = ["ACTIONS", "BadData", "Desk", "Forbidden", "NotFound", "work"]


class NotFound(Exception):
    """There is no such incident, or no such action."""


class Desk:
    """Registers, changes and corrects incidents. `by` is a person's name or id, a role (its first holder), or the
    name of a token that stands for no person."""

    def __init__(self, store: Store, book: Callable[[], Book], clock: Clock, metrics: Metrics) -> None:
        self._store, self._book, self._clock, self._metrics = store, book, clock, metrics

    def actor(self, by: str, is_admin: bool = False) -> Actor:
        directory = self._book().directory
        person = directory.person(by)
        if person is None and by in list(Role):
            holders = directory.holders(Role(by))
            if not holders:
                raise BadData("by", f"nobody holds the role {by}")
            person = holders[0]
        return Actor(person.name if person else by, person, is_admin)

    async def register(self, data: Mapping[str, Any], by: str, is_admin: bool = False) -> Incident:
        """A new incident (RULES 2.2). Raises BadData."""
        actor, base = self.actor(by, is_admin), self._book()
        told = enter.read(data, base, self._clock.now())
        service, kind = told.verdict.value("service"), Kind(told.verdict.value("kind") or Kind.REQUEST)
        wanted = {service: True} if service and complaints.wanting(kind, service, Origin.USER) else {}

        def decide(known: Known, book: Book, now: int) -> Incident:
            return enter.enter(told, actor, book, known, now).incident

        reference = str(data["external_ref"]) if data.get("external_ref") is not None else None
        more = 1 + (data.get("close_code") == "workaround")
        return await self._transact((), decide, "register", more, wanted, str(data.get("source")), reference)

    async def act(self, number: int, action: str, data: Mapping[str, Any], by: str, is_admin: bool = False) -> Incident:
        """One action of RULES 7. Raises NotFound, Forbidden, BadData."""
        if action not in actions.ACTIONS:
            raise NotFound(f"there is no action {action!r}; known are {', '.join(sorted(actions.ACTIONS))}")
        actor = self.actor(by, is_admin)

        def decide(known: Known, book: Book, now: int) -> Incident:
            incident = _found(known, number)
            actions.perform(incident, action, data, actor, book, known, now)
            return incident

        others: list[int] = []
        if (field := actions.REFERENCES.get(action)) and data.get(field) is not None:
            try:
                others = [parse_number(str(data[field]))]
            except ValueError as error:
                raise BadData(field, str(error)) from None
        return await self._transact((number, *others), decide, action, int(action in _OPENING))

    async def patch(self, number: int, data: Mapping[str, Any], by: str, is_admin: bool = False) -> Incident:
        """A correction (INTERFACE 3.2, PATCH). Raises NotFound, BadData."""
        actor = self.actor(by, is_admin)

        def decide(known: Known, book: Book, now: int) -> Incident:
            incident = _found(known, number)
            correct.correct(incident, data, actor, book, known, now)
            return incident

        touched = "kind" in data or "service" in data
        before = await self._store.incident(number) if touched else None
        named = data.get("service")
        service = self._book().directory.service(named) if isinstance(named, str) else None
        wanted = {name: True for name in (service.name if service else before.service if before else None,) if name}
        return await self._transact((number,), decide, "correct", 1 if wanted else 0, wanted)

    async def replay(self, inbox_ids: Sequence[int]) -> list[int]:
        """Set inbox rows back to be processed again; returns those that were."""
        return await self._store.transact(lambda tx: tx.reset_inbox(inbox_ids))

    async def add_window(self, kind: str, data: Mapping[str, Any], by: str) -> Window:
        """A silence or a maintenance window (RULES 6.3). Raises BadData."""
        actor, services = self.actor(by), [s.name for s in self._book().directory.services]
        made = calendar.window(kind, data, services, by=actor.name)
        number = await self._store.transact(lambda tx: windows.add(tx, made, self._clock.now()))
        log.info("window id=%d kind=%s by=%s", number, kind, actor.name)
        return replace(made, id=number)

    async def remove_window(self, ident: int, kind: str, by: str) -> None:
        """Ends it now. Raises NotFound."""
        if not await self._store.transact(lambda tx: windows.remove(tx, ident, kind, self._clock.now())):
            raise NotFound(f"there is no {kind} {ident}")
        log.info("window ended id=%d kind=%s by=%s", ident, kind, self.actor(by).name)

    async def windows(self, kind: str) -> list[Window]:
        """The present and the coming ones, and those of the last 90 days."""
        now = self._clock.now()
        found = await self._store.transact(lambda tx: windows.calendar(tx, now))
        return [w for w in found.windows if w.kind == kind]

    async def _transact(
        self,
        numbers: Sequence[int],
        decide: Callable[[Known, Book, int], Incident],
        what: str,
        opens: int = 0,
        services: Mapping[str, bool] = _NONE,
        source: str = "",
        reference: str | None = None,
    ) -> Incident:
        """`opens`: how many incidents it may open. `services`: whose faults and tickets it must know.
        `reference`: unique among the incidents of `source`."""
        base = self._book()

        async def transaction(tx: Tx) -> tuple[Incident, list[Change], int]:
            now = self._clock.now()
            book = base.at(await windows.calendar(tx, now))
            if reference is not None:
                await _unique(tx, source, reference)
            known = Known(number=lambda: next(fresh), incidents=await with_masters(tx, await tx.incidents(numbers)))
            await load_complaints(tx, known, services, (), book, now)
            spare = sum(len(t) + 1 >= book.policy.surge_complaints for t in known.tickets.values())
            fresh = iter(await tx.numbers(opens + spare))
            incident = decide(known, book, now)
            changes = list(known.changes.values())
            for change in changes:
                deadlines.arm(change.incident, book, now)
            keys = await _moved_keys(tx, changes)
            await tx.apply(changes, keys=keys)
            return incident, changes, now

        incident, changes, now = await self._store.transact(transaction)
        self._metrics.observe(changes, now)
        actor = next((e.actor for c in changes for e in c.entries), "-")
        log.info("action incident=%s action=%s by=%s status=%s", incident.number, what, actor, incident.status)
        return incident


async def _unique(tx: Tx, source: str, reference: str) -> None:
    """A platform's work order is registered once (RULES 1)."""
    rows = await tx.fetch("SELECT id FROM incidents WHERE external_ref = $1 AND source = $2", reference, source)
    if rows:
        raise BadData("external_ref", f"{reference!r:.80} is INC-{rows[0][0]} already")


async def _moved_keys(tx: Tx, changes: Sequence[Change]) -> list[AlertKey]:
    """The dedup keys of a duplicate stand for its master from now on."""
    moves = {c.incident.id: c.keys_to for c in changes if c.keys_to is not None}
    if not moves:
        return []
    found = await tx.keys_of(moves)
    return [AlertKey(k.key, moves[old], k.newest, k.state) for old, keys in found.items() for k in keys]


def _found(known: Known, number: int) -> Incident:
    incident = known.incidents.get(number)
    if incident is None:
        raise NotFound(f"there is no incident INC-{number}")
    return incident
