"""`[policy]` over the built-in policy: a cell that is not written keeps its value; a list replaces the whole list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from daemon.config.policy_tables import WORD_LISTS, Switches
from daemon.core.policy import Floor, LadderPolicy, LevelCriteria, Policy
from daemon.core.vocabulary import FaultLevel, Impact, Kind, Priority, Role, Urgency
from daemon.core.words import Words


def cells(table: BaseModel | None) -> dict[str, Any]:
    """The cells that were written, in the order of the columns."""
    if table is None:
        return {}
    return {name: getattr(table, name) for name in type(table).model_fields if name in table.model_fields_set}


def applied(section: Switches, base: Policy | None = None) -> Policy:
    """The built-in policy with the section's cells in place of its own."""
    base = base or Policy()
    tables = cells(section)
    changes = {name: tables[name] for name in Switches.model_fields if name in tables}
    for name in ("out_of_scope_environments", "desk_channels"):
        if name in changes:
            changes[name] = tuple(changes[name])
    if "out_of_scope_environments" in changes:
        changes["out_of_scope_environments"] = tuple(e.casefold() for e in changes["out_of_scope_environments"])
    rows = {key: cells(row) for key, row in cells(tables.get("urgency")).items()}
    impact_share = {Impact(k): v for k, v in cells(tables.get("impact_share")).items()}
    severity = {word.casefold(): impact for word, impact in tables.get("alert_severity", {}).items()}
    return replace(
        base,
        **changes,
        matrix=_matrix(base, tables.get("matrix")),
        urgency_resolve={u: rows.get(u, {}).get("resolve", limit) for u, limit in base.urgency_resolve.items()},
        impact_share={**base.impact_share, **impact_share},
        kind_limits={**base.kind_limits, **cells(tables.get("kind_limits"))},
        floors=_floors(base, tables.get("floors")),
        alert_severity={**base.alert_severity, **severity},
        levels=_levels(base, tables.get("levels")),
        ladder=_ladder(base, tables.get("ladder")),
        channels=_channels(base, tables.get("channels")),
        bulletin=_bulletin(base, tables.get("bulletin")),
        progress_every={
            **base.progress_every,
            **{Priority[k]: v for k, v in cells(tables.get("progress_every")).items()},
        },
        words=_words(base.words, tables.get("words")),
    )


def _matrix(base: Policy, table: BaseModel | None) -> dict[Urgency, dict[Impact, Priority]]:
    rows = {Urgency(key): cells(row) for key, row in cells(table).items()}
    return {u: {i: rows.get(u, {}).get(i, p) for i, p in row.items()} for u, row in base.matrix.items()}


def _floors(base: Policy, table: BaseModel | None) -> dict[str, Floor]:
    rows = {key: cells(row) for key, row in cells(table).items()}
    return {key: replace(floor, **rows.get(key, {})) for key, floor in base.floors.items()}


def _levels(base: Policy, table: BaseModel | None) -> dict[FaultLevel, LevelCriteria]:
    rows = {FaultLevel(key): cells(row) for key, row in cells(table).items()}
    return {level: replace(row, **rows.get(level, {})) for level, row in base.levels.items()}


def _ladder(base: Policy, table: BaseModel | None) -> dict[Priority, LadderPolicy]:
    out = dict(base.ladder)
    for key, row in cells(table).items():
        old, new = out[Priority[key]], cells(row)
        until = new.pop("until", old.until)
        offsets = {**old.offsets, **{Role(role): offset for role, offset in new.items()}}
        # In the order of the roles, so that the same rungs written in another order are the same policy.
        out[Priority[key]] = LadderPolicy({r: offsets[r] for r in Role if offsets.get(r) is not None}, until)
    return out


def _channels(base: Policy, table: BaseModel | None) -> dict[Priority, dict[Role | str, tuple[str, ...]]]:
    out = {priority: dict(row) for priority, row in base.channels.items()}
    for key, row in cells(table).items():
        for role, names in cells(row).items():
            out[Priority[key]]["default" if role == "default" else Role(role)] = tuple(names)
    return out


def _bulletin(base: Policy, table: BaseModel | None) -> dict[FaultLevel, int]:
    limits = {**base.bulletin, **{FaultLevel(key): limit for key, limit in cells(table).items()}}
    return {level: limit for level, limit in limits.items() if limit is not None}


def _words(base: Words, table: Any) -> Words:
    written = cells(table)
    lists = {name: tuple(written[name]) for name in WORD_LISTS if name in written}
    kinds = {k: written[k] for k in Kind if k in written} | cells(written.get("kinds"))
    categories = written.get("categories") or {}
    return replace(base, **lists, kinds=_tried(base.kinds, kinds), categories=_tried(base.categories, categories))


def _tried(base: Mapping[str, tuple[str, ...]], written: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """New names first, in the order written: they are narrower than the built-in ones, which keep their places."""
    new = {str(name): tuple(words) for name, words in written.items() if name not in base}
    return new | {name: tuple(written.get(name, words)) for name, words in base.items()}
