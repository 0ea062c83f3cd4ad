"""Durations ("1h30m") and sizes ("25MiB") as people write them."""

from __future__ import annotations

import re
from decimal import Decimal

LONGEST = 3650 * 86400  # seconds; beyond it instants stop making sense

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:([0-9]{{1,9}}(?:\.[0-9]{{1,6}})?){unit})?" for unit in _UNITS))
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([KMG]i?B|kB|B)")
_BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def seconds(text: object) -> int:
    """Whole seconds of "90s", "5m", "1h30m", "7d", "1.5h". Raises ValueError that says how to write one."""
    if isinstance(text, int) and not isinstance(text, bool):
        raise ValueError(f'a duration needs its unit: write "{min(abs(text), 10**9)}s"')
    if not isinstance(text, str):
        raise ValueError(f'expected a duration such as "90s" or "1h30m", got {kind(text)}')
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise ValueError(f'{quoted(text)} is no duration: write "90s", "5m", "1h30m" or "7d"')
    parts = zip(found.groups(), _UNITS.values(), strict=True)
    total = sum((Decimal(number) * unit for number, unit in parts if number), Decimal(0))
    if total != total.to_integral_value():
        raise ValueError(f"{quoted(text)} is not a whole number of seconds")
    if total > LONGEST:
        raise ValueError(f"{quoted(text)} is longer than ten years")
    return int(total)


def size(text: object) -> int:
    """Bytes of "25MiB", "10MB", "512KiB". Raises ValueError that says how to write one."""
    if isinstance(text, int) and not isinstance(text, bool):
        raise ValueError(f'a size needs its unit: write "{min(abs(text), 10**15)}B" or "25MiB"')
    if not isinstance(text, str):
        raise ValueError(f'expected a size such as "25MiB", got {kind(text)}')
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f'{quoted(text)} is no size: write "25MiB", "10MB" or "512KiB"')
    return int(Decimal(found[1]) * _BYTES[found[2]])


def duration_text(value: int) -> str:
    """The shortest way to write whole seconds: 5400 is "1h30m"."""
    out = ""
    for unit, length in _UNITS.items():
        if unit != "w" and (count := value // length):
            out, value = f"{out}{count}{unit}", value % length
    return out or "0s"


def kind(value: object) -> str:
    """What a TOML value is, for a message; never the value."""
    names = {
        bool: "true or false",
        str: "text",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return next((name for type_, name in names.items() if isinstance(value, type_)), "a date or time")


def quoted(text: str) -> str:
    """A short, printable form of a value that is no secret."""
    cut = text if len(text) <= 60 else text[:57] + "..."
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut) + '"'
