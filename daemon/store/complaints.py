"""What the complaint rules ask of the store (RULES 5.4): few rows, whatever is linked already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from daemon.store.transaction import Tx

_OPEN = "status IN ('registered', 'assigned', 'in_progress', 'pending')"
_FAULTS = (
    f"SELECT id FROM incidents WHERE service = $1 AND kind = 'fault' AND complaint_of IS NULL AND {_OPEN} "
    "ORDER BY id DESC LIMIT 5"
)
_TICKETS = (
    "SELECT id FROM incidents WHERE origin = 'user' AND complaint_of IS NULL AND service = $1 AND registered_at >= $2 "
    f"AND (kind = 'complaint' OR (kind = 'fault' AND {_OPEN})) AND status <> 'cancelled' ORDER BY id DESC LIMIT 500"
)


@dataclass
class Found:
    """Numbers by service; `all` of them are to be loaded and locked."""

    faults: dict[str, set[int]] = field(default_factory=dict)
    tickets: dict[str, set[int]] = field(default_factory=dict)

    @property
    def all(self) -> set[int]:
        return set().union(*self.faults.values(), *self.tickets.values())


async def find(tx: Tx, faults_of: Iterable[str], tickets_of: Iterable[str], since: int) -> Found:
    """The latest open faults and the unlinked tickets registered since `since`, by service."""
    found = Found()
    for service in sorted(set(faults_of)):
        found.faults[service] = {row[0] for row in await tx.fetch(_FAULTS, service)}
    for service in sorted(set(tickets_of)):
        found.tickets[service] = {row[0] for row in await tx.fetch(_TICKETS, service, since)}
    return found


async def reporters(tx: Tx, faults: Iterable[int], addresses: Iterable[str]) -> dict[int, set[str]]:
    """Which of `addresses` count for which of `faults` already."""
    found: dict[int, set[str]] = {}
    wanted, asked = sorted(set(faults)), sorted({a for a in addresses if a})
    if not wanted or not asked:
        return found
    sql = (
        "SELECT complaint_of, reporter_address FROM incidents WHERE complaint_of IS NOT NULL "
        "AND complaint_of = ANY($1::bigint[]) AND reporter_address = ANY($2::text[])"
    )
    for fault, address in await tx.fetch(sql, wanted, asked):
        found.setdefault(fault, set()).add(address)
    return found
