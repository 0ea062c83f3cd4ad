"""When a heartbeat is missed. Instants are milliseconds UTC, durations seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Beat:
    """`last_at`: the last beat, or when it was first waited for. `missed_at`: since when it is missed, None if not.
    `excused_until`: it may not be missed before."""

    name: str
    last_at: int
    excused_until: int = 0
    missed_at: int | None = None


def due_at(beat: Beat, every: float, grace: float) -> int:
    """The instant at which it is missed if it does not come before."""
    return max(beat.last_at + round((every + grace) * 1000), beat.excused_until)


def is_missed(beat: Beat, every: float, grace: float, now: int) -> bool:
    return now > due_at(beat, every, grace)


def excused_until(beat: Beat, every: float, grace: float, deaf_from: int, now: int) -> int:
    """What to set when nobody listened from `deaf_from` to `now`.

    A beat that was to come in that time may have come to a closed door: the next one is waited for, once. One that
    was due before it stays due, and a restart that nobody noticed changes nothing.
    """
    expected = beat.last_at + round(every * 1000)
    if beat.missed_at is not None or now <= deaf_from or due_at(beat, every, grace) < deaf_from or expected > now:
        return beat.excused_until
    return now + round((every + grace) * 1000)
