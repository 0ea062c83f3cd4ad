"""Time-ordered numbers: milliseconds << 20 | node (8 bits) << 12 | sequence (12 bits), 63 bits in all."""

from __future__ import annotations

from daemon.clock import Clock


class Ids:
    """Strictly rising in one process, even when the clock stands still or goes back; two daemons differ by node."""

    def __init__(self, clock: Clock, node: int) -> None:
        self._clock = clock
        self._node = (node & 0xFF) << 12
        self._at = 0
        self._sequence = 0

    def __call__(self) -> int:
        now = self._clock.now()
        if now > self._at:
            self._at, self._sequence = now, 0
        elif self._sequence < 0xFFF:
            self._sequence += 1
        else:  # more than 4,096 in a millisecond: borrowed from the next one
            self._at, self._sequence = self._at + 1, 0
        return self._at << 20 | self._node | self._sequence
