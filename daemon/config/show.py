"""The whole effective policy as TOML that can be pasted back (`tocsin policy show`), and a config without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from daemon.config.durations import duration_text
from daemon.config.faults import SECRET_NAMES
from daemon.config.policy_tables import FLOORS, KIND_LIMITS, LEVELS, WORD_LISTS
from daemon.core.policy import LadderPolicy, Policy
from daemon.core.vocabulary import Priority, Role

_BARE = re.compile(r"[A-Za-z0-9_-]+")
DURATIONS = (
    "complaint_window", "confirm_after", "auto_close_after", "quiet_period", "reopen_within", "survey_after",
    "notify_window", "fallback_after",
)  # fmt: skip
PLAIN = (
    "out_of_scope_environments", "deadline_basis", "deadline_warning", "pending_stops_clock", "stack_upgrades",
    "surge_complaints", "count_distinct_reporters", "count_after_confirmation", "notify_limit", "emergency_complaints",
    "reassignments_allowed", "alert_severity_unknown", "small_user_base", "desk_channels", "progress_times",
)  # fmt: skip


def policy_toml(policy: Policy) -> str:
    """Every cell of the policy, the built-in ones too; loading it gives an equal policy."""
    lines = _header("policy")
    lines += [_pair(name, getattr(policy, name)) for name in PLAIN]
    lines += [_pair(name, _span(getattr(policy, name))) for name in DURATIONS]
    for urgency, row in policy.matrix.items():
        lines += _table(f"policy.matrix.{urgency}", {impact: int(priority) for impact, priority in row.items()})
    for urgency, limit in policy.urgency_resolve.items():
        lines += _table(f"policy.urgency.{urgency}", {"resolve": _span(limit)})
    lines += _table("policy.impact_share", policy.impact_share)
    lines += _table("policy.kind_limits", {key: _span(policy.kind_limits[key]) for key in KIND_LIMITS})
    for key in FLOORS:
        floor = policy.floors[key]
        lines += _table(f"policy.floors.{key}", {"impact": floor.impact, "urgency": floor.urgency})
    lines += _table("policy.alert_severity", policy.alert_severity)
    for level in LEVELS:
        lines += _table(f"policy.levels.{level}", _level(policy, level))
    for priority, ladder in policy.ladder.items():
        lines += _table(f"policy.ladder.{priority.name}", _rungs(priority, ladder))
    for priority, channels in policy.channels.items():
        lines += _table(f"policy.channels.{priority.name}", channels)
    lines += _table("policy.bulletin", {level: _span(policy.bulletin.get(level)) for level in LEVELS})
    lines += _table("policy.progress_every", {p.name: _span(limit) for p, limit in policy.progress_every.items()})
    lines += _table("policy.words", {name: getattr(policy.words, name) for name in WORD_LISTS})
    lines += _table("policy.words.kinds", policy.words.kinds)
    lines += _table("policy.words.categories", policy.words.categories)
    return "\n".join(lines).lstrip("\n") + "\n"


def secrets_redacted(value: Any, key: str = "") -> Any:
    """A copy of a table as TOML gave it, with "[secret]" for whatever may be one. Names of variables stay."""
    if isinstance(value, dict):
        return {k: secrets_redacted(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [secrets_redacted(v, key) for v in value]
    return "[secret]" if isinstance(value, str) and SECRET_NAMES.search(key) else value


def _level(policy: Policy, level: Any) -> dict[str, Any]:
    row = policy.levels[level]
    spans = {"interrupted", "offline", "bill_run"}
    cells = {name: getattr(row, name) for name in type(row).__slots__}
    return {name: _span(v) if name in spans else "off" if v is None else v for name, v in cells.items()}


def _rungs(priority: Priority, ladder: LadderPolicy) -> dict[str, str]:
    """A rung that the built-in ladder has and this one lacks is "off"."""
    built_in = Policy().ladder[priority].offsets
    roles = [role for role in Role if role in ladder.offsets or role in built_in]
    return {**{role.value: _span(ladder.offsets.get(role)) for role in roles}, "until": ladder.until}


def _span(value: int | None) -> str:
    return "off" if value is None else duration_text(value)


def _header(name: str) -> list[str]:
    return ["", f"[{name}]"]


def _table(name: str, cells: Mapping[Any, Any]) -> list[str]:
    return [*_header(name), *(_pair(str(key), value) for key, value in cells.items())]


def _pair(key: str, value: Any) -> str:
    return f"{key if _BARE.fullmatch(key) else _text(key)} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, Iterable):
        return f"[{', '.join(_value(v) for v in value)}]"
    return repr(value)


def _text(text: str) -> str:
    # A TOML basic string is a JSON string that also escapes DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
