"""Field types and small guards that the channels' settings and errors share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_CONTROL_BUT_BREAKS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Strict(BaseModel):
    """Unknown keys are faults; a faulty value is not repeated in the error, for it may be a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)


def seconds(value: Any) -> Any:
    """`"1h30m"` as 5400.0; numbers pass as seconds."""
    if not isinstance(value, str):
        return value
    parts = _PART.findall(value)
    if not parts or "".join(n + u for n, u in parts) != value:
        raise ValueError('a duration is written "90s", "5m", "1h30m" or "7d"')
    return sum(float(n) * _UNITS[u] for n, u in parts)


Timeout = Annotated[float, BeforeValidator(seconds), Field(gt=0, le=3600)]
"""Seconds, or a duration such as "30s"."""


def one_line(text: str, limit: int) -> str:
    """Without line breaks and control characters, no longer than `limit`: fit for a header, a log line, an error."""
    return " ".join(_CONTROL.sub(" ", text[: limit * 4]).split())[:limit]


def plain(text: str) -> str:
    """With "\\n" as the only line break, and no control character but tab."""
    return _CONTROL_BUT_BREAKS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret, as it is and as URLs and JSON write it, replaced."""
    forms = {form for s in secrets if s for form in (s, quote(s, safe=""), quote_plus(s), quote(s))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "[secret]")
    return text
