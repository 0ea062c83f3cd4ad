"""Storm control (RULES 6.2): past the policy's number of messages to one person and channel in its window, the rest
waits until the window has room and then goes as one digest. Priority 1 is never held, and nothing is dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from daemon.core.incident import Change, Incident
from daemon.core.policy import Policy
from daemon.core.vocabulary import Priority
from daemon.store import NoticeResult, NoticeRow, Tx

_SENT = (
    "SELECT sent_at FROM outbox WHERE state = 'sent' AND channel = $1 AND address = $2 AND sent_at > $3 "
    "ORDER BY sent_at DESC LIMIT $4"
)


@dataclass
class Sorted:
    """Groups to send as they are, groups that are one digest, and groups that wait until an instant."""

    now: list[list[NoticeRow]] = field(default_factory=list)
    digests: list[list[NoticeRow]] = field(default_factory=list)
    later: list[tuple[list[NoticeRow], int]] = field(default_factory=list)


def _exempt(rows: Sequence[NoticeRow]) -> bool:
    """Reporters have caps of their own, lists are not a person, and what is retried was let through before."""
    first = rows[0]
    return (
        first.reporter
        or first.person == first.address
        or any(r.priority is Priority.P1 or r.attempts or r.fallback_of for r in rows)
    )


def _waited(rows: Sequence[NoticeRow]) -> bool:
    return any(r.next_attempt_at > r.at for r in rows)


async def sort(tx: Tx, groups: Sequence[list[NoticeRow]], policy: Policy, now: int) -> Sorted:
    """Which of the claimed groups (one message each) go now."""
    found = Sorted()
    by_address: dict[tuple[str, str], list[list[NoticeRow]]] = {}
    for rows in groups:
        if _exempt(rows):
            found.now.append(rows)
        else:
            by_address.setdefault((rows[0].channel, rows[0].address), []).append(rows)
    window = policy.notify_window * 1000
    for (channel, address), waiting in by_address.items():
        sent = [at for (at,) in await tx.fetch(_SENT, channel, address, now - window, policy.notify_limit)]
        waiting.sort(key=lambda rows: (rows[0].at, rows[0].incident_id))
        merged = [rows for rows in waiting if _waited(rows)]
        single = [rows for rows in waiting if not _waited(rows)]
        room = policy.notify_limit - len(sent)
        if len(merged) > 1 and room > 0:
            found.digests.append([row for rows in merged for row in rows])
            room -= 1
        else:
            single = merged + single
        found.now += single[: max(room, 0)]
        free_at = (sent[-1] if len(sent) >= policy.notify_limit else now) + window
        found.later += [(rows, free_at) for rows in single[max(room, 0) :]]
    return found


async def postpone(
    tx: Tx, later: Sequence[tuple[list[NoticeRow], int]], incidents: Mapping[int, Incident], now: int
) -> None:
    """Gives the rows back with the instant at which there is room, and says so on the timeline."""
    await tx.settle_notices([NoticeResult(r.id, "pending", 0, until) for rows, until in later for r in rows])
    changes = []
    for rows, until in later:
        change = Change(incidents[rows[0].incident_id], touched=False)
        what = f"{rows[0].channel} to {rows[0].name or rows[0].address}"
        change.log(now, "held", what=what, until=until, why="notify_limit")
        changes.append(change)
    await tx.apply(changes)
