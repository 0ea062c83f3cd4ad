"""`tocsin policy show`: the effective policy as `[policy]` of a config, so that a cell can be copied and changed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import orjson

from daemon.commands.call import load_config, put
from daemon.commands.options import command, group
from daemon.config.durations import duration_text
from daemon.core.policy import Policy
from daemon.core.vocabulary import FaultLevel

DURATIONS = frozenset(
    {
        "complaint_window",
        "confirm_after",
        "auto_close_after",
        "quiet_period",
        "reopen_within",
        "survey_after",
        "notify_window",
        "fallback_after",
        "interrupted",
        "offline",
        "bill_run",
    }
)
"""Numbers that are seconds."""


def add(commands: Any) -> None:
    family = group(commands, "policy", "the rules in force")
    command(family, "show", show, "print the effective policy as TOML")


def show(args: argparse.Namespace) -> int:
    for line in toml(load_config(args, lenient=True).policy):
        put(line)
    return 0


def toml(policy: Policy) -> Iterator[str]:
    """Lines of TOML that, read as a config, make this very policy."""
    yield f"# hash {policy.hash}"
    yield "[policy]"
    for name, value in _switches(policy):
        yield f"{name} = {_value(name, value)}"
    for name, table in _tables(policy):
        yield ""
        yield f"[policy.{name}]"
        for key, value in table.items():
            yield f"{_key(str(key))} = {value}"


def _switches(policy: Policy) -> Iterator[tuple[str, Any]]:
    from daemon.config.policy_tables import Switches

    for item in fields(policy):
        if item.name in Switches.model_fields:
            yield item.name, getattr(policy, item.name)


def _tables(policy: Policy) -> Iterator[tuple[str, Mapping[Any, str]]]:
    for urgency, row in policy.matrix.items():
        yield f"matrix.{urgency}", {i: str(int(p)) for i, p in row.items()}
    for urgency, limit in policy.urgency_resolve.items():
        yield f"urgency.{urgency}", {"resolve": _seconds(limit)}
    yield "impact_share", {i: str(share) for i, share in policy.impact_share.items()}
    yield "kind_limits", {k: _seconds(v) for k, v in policy.kind_limits.items()}
    for name, floor in policy.floors.items():
        yield f"floors.{name}", {"impact": _text(floor.impact), "urgency": _text(floor.urgency)}
    yield "alert_severity", {word: _text(impact) for word, impact in policy.alert_severity.items()}
    for level, criteria in policy.levels.items():
        cells = {f.name: getattr(criteria, f.name) for f in fields(criteria)}
        yield f"levels.{level}", {k: _value(k, v) for k, v in cells.items()}
    for priority, ladder in policy.ladder.items():
        offsets = {role: _seconds(offset) for role, offset in ladder.offsets.items()}
        yield f"ladder.{priority.name}", offsets | {"until": _text(ladder.until)}
    for priority, channels in policy.channels.items():
        yield f"channels.{priority.name}", {role: _list(names) for role, names in channels.items()}
    bulletin = {level: policy.bulletin.get(level) for level in reversed(FaultLevel) if level is not FaultLevel.NONE}
    yield "bulletin", {k: '"off"' if v is None else _seconds(v) for k, v in bulletin.items()}
    yield "progress_every", {p.name: _seconds(v) for p, v in policy.progress_every.items()}
    words = policy.words
    lists = {f.name: getattr(words, f.name) for f in fields(words)}
    yield "words", {name: _list(found) for name, found in lists.items() if isinstance(found, tuple)}
    yield "words.kinds", {kind: _list(found) for kind, found in words.kinds.items()}
    yield "words.categories", {name: _list(found) for name, found in words.categories.items()}


def _value(name: str, value: Any) -> str:
    if value is None:
        return '"off"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return _list(value)
    if isinstance(value, str):
        return _text(value)
    return _seconds(value) if name in DURATIONS else str(value)


def _seconds(value: int) -> str:
    return f'"{duration_text(value)}"'


def _text(value: str) -> str:
    return orjson.dumps(str(value)).decode()  # JSON's escapes are TOML's


def _list(values: Any) -> str:
    return "[" + ", ".join(_text(v) for v in values) + "]"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _text(name)
