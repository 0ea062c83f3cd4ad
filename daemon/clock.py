"""The one place that reads the clock. Instants are integers: milliseconds since the epoch, UTC."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """For simulate and tests: stands still until it is moved, and never goes back."""

    def __init__(self, start: int) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def move_to(self, instant: int) -> None:
        if instant < self._now:
            raise ValueError("a clock does not go back")
        self._now = instant

    async def sleep(self, seconds: float) -> None:
        self._now += round(seconds * 1000)
        await asyncio.sleep(0)


def rfc3339(instant: int) -> str:
    """`2026-01-05T01:00:00.000Z`, the form of every instant that the API shows."""
    whole, rest = divmod(instant, 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def parse_rfc3339(text: str) -> int:
    """Milliseconds since the epoch. Raises ValueError without a zone: an instant that nobody can place."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone (write Z or +08:00)")
    return round(moment.timestamp() * 1000)
