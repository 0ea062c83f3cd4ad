"""What people do through the API, the console and the command line: one transaction each, decided by the core."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daemon.clock import Clock
from daemon.core import actions, correct, deadlines, enter, work
from daemon.core.actions import Actor, Forbidden
from daemon.core.book import Book
from daemon.core.incident import AlertKey, Change, Incident, parse_number
from daemon.core.known import Known
from daemon.core.measures import BadData
from daemon.core.vocabulary import Role
from daemon.metrics import Metrics
from daemon.store import Store, Tx

log = logging.getLogger("tocsin.desk")

ACTIONS = tuple(actions.ACTIONS)
_REGISTERING = ("register", "confirm", "close")
"""What may open an incident: a workaround's follow-up does too."""

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
        actor, book = self.actor(by, is_admin), self._book()

        def decide(known: Known, now: int) -> Incident:
            return enter.enter(data, actor, book, known, now).incident

        return await self._transact((), decide, "register")

    async def act(self, number: int, action: str, data: Mapping[str, Any], by: str, is_admin: bool = False) -> Incident:
        """One action of RULES 7. Raises NotFound, Forbidden, BadData."""
        if action not in actions.ACTIONS:
            raise NotFound(f"there is no action {action!r}; known are {', '.join(sorted(actions.ACTIONS))}")
        actor, book = self.actor(by, is_admin), self._book()

        def decide(known: Known, now: int) -> Incident:
            incident = _found(known, number)
            actions.perform(incident, action, data, actor, book, known, now)
            return incident

        others: list[int] = []
        if (field := actions.REFERENCES.get(action)) and data.get(field) is not None:
            try:
                others = [parse_number(str(data[field]))]
            except ValueError as error:
                raise BadData(field, str(error)) from None
        return await self._transact((number, *others), decide, action)

    async def patch(self, number: int, data: Mapping[str, Any], by: str, is_admin: bool = False) -> Incident:
        """A correction (INTERFACE 3.2, PATCH). Raises NotFound, BadData."""
        actor, book = self.actor(by, is_admin), self._book()

        def decide(known: Known, now: int) -> Incident:
            incident = _found(known, number)
            correct.correct(incident, data, actor, book, known, now)
            return incident

        return await self._transact((number,), decide, "correct")

    async def replay(self, inbox_ids: Sequence[int]) -> list[int]:
        """Set inbox rows back to be processed again; returns those that were."""
        return await self._store.transact(lambda tx: tx.reset_inbox(inbox_ids))

    async def _transact(self, numbers: Sequence[int], decide: Callable[[Known, int], Incident], what: str) -> Incident:
        async def transaction(tx: Tx) -> tuple[Incident, list[Change], int]:
            fresh = iter(await tx.numbers(int(what in _REGISTERING)))
            known = Known(number=lambda: next(fresh), incidents=await tx.incidents(numbers))
            now = self._clock.now()
            incident = decide(known, now)
            changes = list(known.changes.values())
            for change in changes:
                deadlines.arm(change.incident, self._book(), now)
            keys = await _moved_keys(tx, changes)
            await tx.apply(changes, keys=keys)
            return incident, changes, now

        incident, changes, now = await self._store.transact(transaction)
        self._metrics.observe(changes, now)
        actor = next((e.actor for c in changes for e in c.entries), "-")
        log.info("action incident=%s action=%s by=%s status=%s", incident.number, what, actor, incident.status)
        return incident


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
