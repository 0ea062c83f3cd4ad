"""Instants as monitoring systems write them, to milliseconds since the epoch in UTC. Absurd ones are None."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

_ISO = re.compile(
    r"(\d{4})[-/.](\d\d?)[-/.](\d\d?)(?:[T ,_]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,12})\d*)?)?)?"
    r"\s*(Z|UTC|GMT)?\s*([+-]\d\d(?::?\d\d)?(?::?\d\d)?)?",
    re.IGNORECASE | re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)(Z)?\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,22}(?:\.\d{0,12})?\Z", re.ASCII)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

EARLIEST = 946_684_800_000  # 2000-01-01: year 1 and 1970 are how "never" is written
LATEST = 7_258_118_400_000  # 2200-01-01


def instant(value: object) -> int | None:
    """Milliseconds of seconds, ms, µs or ns (told apart by magnitude), ISO 8601 with any fraction and zone, RFC 2822.

    A time without zone is taken as UTC. None for anything else, and for what lies outside 2000 … 2200. Never raises.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _number(float(value))
    if not isinstance(value, str):
        return None
    text = value[:64].strip()
    if not text:
        return None
    try:
        if len(text) > 18 and text[4] == text[7] == "-" and text[10] in "T ":
            with suppress(ValueError):  # the common form at the speed of C
                return _bounded(datetime.fromisoformat(text))
        if _NUMBER.match(text):
            return _compact(text) if _COMPACT.match(text) else _number(float(text))
        if match := _ISO.match(text):
            return _iso(match)
        if _COMPACT.match(text):
            return _compact(text)
        return _bounded(parsedate_to_datetime(text))
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
        return None


def _number(value: float) -> int | None:
    for unit in (1000.0, 1.0, 0.001, 0.000001):  # s, ms, µs, ns
        found = value * unit
        if EARLIEST <= found <= LATEST:
            return round(found)
    return None


def _iso(match: re.Match[str]) -> int | None:
    year, month, day, hour, minute, second, fraction, zulu, offset = match.groups()
    zone = UTC if zulu and not offset else _zone(offset)
    leap = int(second or 0) == 60
    moment = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), 59 if leap else int(second or 0), tzinfo=zone
    )
    return _bounded(moment, int((fraction or "0")[:3].ljust(3, "0")) + 1000 * leap)


def _compact(text: str) -> int | None:
    match = _COMPACT.match(text)
    if match is None:
        return None
    return _bounded(datetime(*(int(part) for part in match.groups()[:6]), tzinfo=UTC))  # type: ignore[arg-type,misc]


def _zone(offset: str | None) -> timezone:
    if not offset:
        return UTC
    digits = offset[1:].replace(":", "")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4] or 0))
    return timezone(-span if offset[0] == "-" else span)


def _bounded(moment: datetime, milliseconds: int = 0) -> int | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    found = (moment - _EPOCH) // _MILLISECOND + milliseconds
    return found if EARLIEST <= found <= LATEST else None
