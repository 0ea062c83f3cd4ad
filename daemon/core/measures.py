"""Measures of a fault, as people enter them (INTERFACE 6): checked, then kept on the incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daemon.core.checks import BadData, instant
from daemon.core.incident import Incident
from daemon.core.vocabulary import FaultLevel

__all__ = ["COUNTS", "FLAGS", "INSTANTS", "KNOWN", "STRETCHES", "BadData", "apply", "instant"]

STRETCHES = {"key_service_interrupted": "interrupted", "offline": "offline", "bill_run_late": "bill_run"}
"""Measure -> the criterion that its duration is held against."""

COUNTS = ("users_affected", "user_base", "complaints_confirmed", "complaints_expected")
FLAGS = ("neighbour_interface_failed", "rule_breaking_operation", "process_exit", "complained_to_vp")
INSTANTS = tuple(f"{name}_{end}" for name in STRETCHES for end in ("from", "until"))
SANCTIONS = ("points", "criticism", "accountability")
KNOWN = (*COUNTS, *FLAGS, *INSTANTS, "hq_sanction", "in_media", "fault_level", "reason")
BIGGEST = 10**12


def _value(field: str, value: Any) -> Any:
    if field in COUNTS:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= BIGGEST:
            raise BadData(field, f"must be a whole number, 0 or more, not {value!r:.80}")
        return value
    if field in FLAGS:
        if not isinstance(value, bool):
            raise BadData(field, f"must be true or false, not {value!r:.80}")
        return value
    if field in INSTANTS:
        return instant(field, value)
    if field == "hq_sanction":
        if value not in SANCTIONS:
            raise BadData(field, f"must be one of {', '.join(SANCTIONS)}, not {value!r:.80}")
        return value
    if field == "in_media":
        if value != "black" and not isinstance(value, bool):
            raise BadData(field, f'must be true, false or "black", not {value!r:.80}')
        return value
    if field == "fault_level":
        if value not in list(FaultLevel):
            raise BadData(field, f"must be one of {', '.join(FaultLevel)}, or null, not {value!r:.80}")
        return str(value)
    if not isinstance(value, str) or len(value) > 2000:
        raise BadData(field, "must be a text of at most 2000 characters")
    return value


def apply(incident: Incident, data: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Check all of `data`, then keep it; null takes a value back. Returns what was entered, for the timeline.

    Raises BadData, with nothing changed. A new `_from` at or after an ended stretch begins another one.
    """
    entered: dict[str, Any] = {}
    for field, value in data.items():
        if field not in KNOWN:
            raise BadData(field, f"unknown measure; known are {', '.join(KNOWN)}")
        entered[field] = None if value is None else _value(field, value)
    if entered.get("fault_level") is not None and not entered.get("reason"):
        raise BadData("reason", "a fault level set by a person needs a reason")
    if not set(entered) - {"reason"}:
        raise BadData("data", f"no measure given; known are {', '.join(KNOWN)}")
    measures = dict(incident.measures)
    for name in STRETCHES:
        _stretch(measures, name, entered, now)
    for field, value in entered.items():
        if field == "reason" or field in INSTANTS:
            continue
        if value is None:
            measures.pop(field, None)
        else:
            measures[field] = value
    base, affected = measures.get("user_base"), measures.get("users_affected")
    if base is not None and affected is not None and affected > base:
        field = "users_affected" if "users_affected" in entered else "user_base"
        raise BadData(field, f"{affected} users affected of a base of {base}")
    if "complaints_confirmed" in entered:
        incident.complaints_at_confirmation = incident.complaints_counted
        incident.complaints_confirmed_at = now
    incident.measures = measures
    return {field: data[field] if field in INSTANTS else value for field, value in entered.items()}


def end_stretches(incident: Incident, at: int) -> None:
    """Resolution ends what is open (RULES 5.1); a reopening does not begin it again: somebody measures anew."""
    for name in STRETCHES:
        start, end = incident.measures.get(f"{name}_from"), incident.measures.get(f"{name}_until")
        if start is not None and (end is None or end > at):
            incident.measures = {**incident.measures, f"{name}_until": max(start, at)}


def _stretch(measures: dict[str, Any], name: str, entered: Mapping[str, Any], now: int) -> None:
    first, last = f"{name}_from", f"{name}_until"
    if first not in entered and last not in entered:
        return
    start, end = measures.get(first), measures.get(last)
    if first in entered:
        given = entered[first]
        if given is not None and start is not None and end is not None and given >= end:
            done = dict(measures.get("stretches", {}))
            done[name] = [*done.get(name, ()), [start, end]]
            measures["stretches"] = done
            end = None
        start = given
    if last in entered:
        end = entered[last]
    if start is None and end is not None:
        if first in entered:
            end = None
        else:
            raise BadData(last, f"an end without a start: {first} is not known")
    if start is not None and end is not None and end < start:
        field = last if last in entered else first
        raise BadData(field, f"{last} is before {first}")
    for field, value in ((first, start), (last, end)):
        if value is None:
            measures.pop(field, None)
        else:
            measures[field] = value
