"""The shape of `[policy]`: its switches, and every table of RULES with its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from daemon.config.scalars import (
    AnImpact,
    AnUrgency,
    APriority,
    Count,
    Duration,
    DurationOrOff,
    Section,
    Share,
    Span,
    Text,
)
from daemon.core.policy import Policy
from daemon.core.vocabulary import Impact, Kind, Priority, Role, Urgency

KIND_LIMITS = tuple(Policy().kind_limits)
FLOORS = tuple(Policy().floors)
LEVELS = tuple(Policy().levels)
WORD_LISTS = ("urgent", "not_urgent", "interrupted", "yes", "no")


def _distinct(items: list[str]) -> list[str]:
    seen: dict[str, str] = {}
    for item in items:
        if item.casefold() in seen:
            raise ValueError(f'"{item}" is there twice')
        seen[item.casefold()] = item
    return items


def _named(items: list[str]) -> list[str]:
    if not items:
        raise ValueError("names no channel")
    return _distinct(items)


def _off(value: object) -> object:
    return None if value == "off" else value


WordList = Annotated[list[Text], AfterValidator(_distinct), Field(max_length=2000)]
Channels = Annotated[list[Text], AfterValidator(_named)]
CountOrOff = Annotated[Count | None, BeforeValidator(_off)]
ShareOrOff = Annotated[Share | None, BeforeValidator(_off)]
SanctionOrOff = Annotated[Literal["points", "criticism", "accountability"] | None, BeforeValidator(_off)]
Natural = Annotated[int, Field(ge=0, le=10**9)]


def _table(name: str, columns: Mapping[str, Any]) -> Any:
    """A table whose columns may each be left out; those written are in `model_fields_set`."""
    fields: dict[str, Any] = {str(column): (type_ | None, None) for column, type_ in columns.items()}
    return create_model(name, __base__=Section, **fields)


def _all(names: Iterable[str], type_: Any) -> dict[str, Any]:
    return {str(name): type_ for name in names}


PRIORITIES = tuple(p.name for p in Priority)

Matrix = _table("Matrix", _all(Urgency, _table("MatrixRow", _all(Impact, APriority))))
UrgencyTable = _table("UrgencyTable", _all(Urgency, _table("UrgencyRow", {"resolve": Span})))
Floors = _table("Floors", _all(FLOORS, _table("FloorRow", {"impact": AnImpact, "urgency": AnUrgency})))
LevelRow = _table(
    "LevelRow",
    {
        "users": CountOrOff,
        "share": ShareOrOff,
        "complaints": CountOrOff,
        "interrupted": DurationOrOff,
        "interrupted_inclusive": bool,
        "offline": DurationOrOff,
        "bill_run": DurationOrOff,
        "sanction": SanctionOrOff,
        "neighbour_interface_failed": bool,
        "rule_breaking_operation": bool,
        "process_exit": bool,
    },
)
Levels = _table("Levels", _all(LEVELS, LevelRow))
Until = Literal["resolved", "accepted"]
Ladder = _table("Ladder", _all(PRIORITIES, _table("LadderRow", {**_all(Role, DurationOrOff), "until": Until})))
ChannelTable = _table(
    "ChannelTable", _all(PRIORITIES, _table("ChannelRow", {**_all(Role, Channels), "default": Channels}))
)
WordLists = _table(
    "WordLists",
    {
        **_all(WORD_LISTS, WordList),
        **_all(Kind, WordList),  # `complaint = [...]` is short for `kinds.complaint`
        "kinds": _table("KindWords", _all(Kind, WordList)),
        "categories": dict[Text, WordList],
    },
)


class Switches(Section):
    """The keys of `[policy]` that are one value each."""

    out_of_scope_environments: list[Text] | None = None
    deadline_basis: Literal["earliest", "urgency", "kind"] | None = None
    deadline_warning: Share | None = None
    pending_stops_clock: bool | None = None
    stack_upgrades: bool | None = None
    complaint_window: Span | None = None
    surge_complaints: Count | None = None
    count_distinct_reporters: bool | None = None
    count_after_confirmation: bool | None = None
    confirm_after: Span | None = None
    auto_close_after: DurationOrOff = None
    quiet_period: Duration | None = None
    reopen_within: Duration | None = None
    survey_after: Duration | None = None
    notify_limit: Count | None = None
    notify_window: Span | None = None
    fallback_after: Span | None = None
    emergency_complaints: Natural | None = None
    reassignments_allowed: Natural | None = None
    alert_severity_unknown: AnImpact | None = None
    small_user_base: Count | None = None
    desk_channels: Channels | None = None
    progress_times: Natural | None = None


_TABLES: dict[str, Any] = {
    "matrix": Matrix,
    "urgency": UrgencyTable,
    "impact_share": _table("ImpactShare", _all(Policy().impact_share, Share)),
    "kind_limits": _table("KindLimits", _all(KIND_LIMITS, Span)),
    "floors": Floors,
    "alert_severity": dict[Text, AnImpact],
    "levels": Levels,
    "ladder": Ladder,
    "channels": ChannelTable,
    "bulletin": _table("Bulletin", _all(LEVELS, DurationOrOff)),
    "progress_every": _table("ProgressEvery", _all(PRIORITIES, Span)),
    "words": WordLists,
}
_FIELDS: dict[str, Any] = {name: (type_ | None, None) for name, type_ in _TABLES.items()}
PolicySection: type[Switches] = create_model("PolicySection", __base__=Switches, **_FIELDS)
"""What `[policy]` may hold; every key may be left out."""
