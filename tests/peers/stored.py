"""What tests put into the store."""

from __future__ import annotations

from typing import Any

from daemon.core.incident import Change, Incident, Notice
from daemon.core.vocabulary import Origin, Priority, Reason, Role, Source
from daemon.store import Store, Tx
from parsers import Raw

NOW = 1_767_574_800_000
"""2026-01-05T09:00:00+08:00"""


def raw(store: Store, body: bytes = b"{}", **fields: Any) -> Raw:
    given = {"source": "webhook", "entry": "prometheus", "parser": "alertmanager", "received_at": NOW, **fields}
    return Raw(id=given.pop("id", None) or store.new_id(), body=body, **given)


def incident(number: int, **fields: Any) -> Incident:
    given: dict[str, Any] = {
        "title": f"incident {number}",
        "source": Source.WEBHOOK,
        "origin": Origin.MONITORING,
        "registered_at": NOW,
        "occurred_at": NOW,
        **fields,
    }
    return Incident(id=number, **given)


def notice(number: int, **fields: Any) -> Notice:
    given: dict[str, Any] = {
        "reason": Reason.LADDER,
        "person": "wang",
        "name": "王芳",
        "channel": "sms",
        "address": "+8613800000000",
        "at": NOW,
        "due_at": NOW,
        "priority": Priority.P1,
        "epoch": "1",
        "role": Role.SUPPORT_LEAD,
        **fields,
    }
    return Notice(incident=number, **given)


async def registered(store: Store, n: int = 1, **fields: Any) -> list[Incident]:
    """`n` new incidents, committed, each with one line of timeline."""

    async def decide(tx: Tx) -> list[Incident]:
        changes = [Change(incident(number, **fields), created=True) for number in await tx.numbers(n)]
        for change in changes:
            change.log(NOW, "registered", title=change.incident.title)
        await tx.apply(changes)
        return [change.incident for change in changes]

    return await store.transact(decide)


async def noticed(store: Store, *notices: Notice) -> None:
    async def decide(tx: Tx) -> None:
        found = await tx.incidents({n.incident for n in notices})
        await tx.apply([Change(i, notices=[n for n in notices if n.incident == i.id]) for i in found.values()])

    await store.transact(decide)
