"""What is wrong with a value that somebody gave, and instants as people write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any


class BadData(Exception):
    """A value that cannot be: `field` names it, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


def instant(field: str, value: Any) -> int:
    """Milliseconds since the epoch from RFC 3339 text. Raises BadData."""
    if not isinstance(value, str):
        raise BadData(field, f"must be an instant such as 2026-01-05T09:00:00+08:00, not {value!r:.80}")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise BadData(field, f"{value!r} has no time zone (write Z or +08:00)")
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadData(field, f"{value[:80]!r} is no instant such as 2026-01-05T09:00:00+08:00") from None
