"""The tables of RULES as data, with the built-in defaults. Durations are whole seconds; None means "off"."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import orjson

from daemon.core.vocabulary import BUILT_IN_CATEGORIES, FaultLevel, Impact, Kind, Priority, Role, Urgency
from daemon.core.words import WORDS, Words

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class LevelCriteria:
    """One column of RULES 5.1. `users`, `share`, `complaints`: at least; durations in seconds: more than,
    but `interrupted_inclusive` means at least (yellow: ≥ 1 min)."""

    users: int | None = None
    share: float | None = None
    complaints: int | None = None
    interrupted: int | None = None
    interrupted_inclusive: bool = False
    offline: int | None = None
    bill_run: int | None = None
    sanction: str | None = None
    neighbour_interface_failed: bool = False
    rule_breaking_operation: bool = False
    process_exit: bool = False


@dataclass(frozen=True, slots=True)
class Floor:
    impact: Impact
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class LadderPolicy:
    """Offsets in seconds from the instant the incident got its priority; `until`: resolved or accepted."""

    offsets: Mapping[Role, int]
    until: str = "resolved"


def _matrix() -> dict[Urgency, dict[Impact, Priority]]:
    rows = {
        Urgency.CRITICAL: (1, 2, 3),
        Urgency.HIGH: (2, 3, 3),
        Urgency.MEDIUM: (3, 4, 4),
        Urgency.LOW: (3, 4, 4),
    }
    return {
        u: dict(zip((Impact.HIGH, Impact.MEDIUM, Impact.LOW), map(Priority, row), strict=True))
        for u, row in rows.items()
    }


def _ladder() -> dict[Priority, LadderPolicy]:
    lead, manager = Role.SUPPORT_LEAD, Role.INCIDENT_MANAGER
    service, director, leader = Role.SERVICE_MANAGER, Role.SERVICE_DIRECTOR, Role.COMPANY_LEADER
    return {
        Priority.P1: LadderPolicy(
            {
                lead: 5 * MINUTE,
                manager: 5 * MINUTE,
                service: 10 * MINUTE,
                director: 10 * MINUTE,
                leader: 15 * MINUTE,
            }
        ),
        Priority.P2: LadderPolicy({lead: HOUR, manager: HOUR, service: HOUR, director: 90 * MINUTE}),
        Priority.P3: LadderPolicy({lead: 2 * HOUR, manager: 2 * HOUR}),
        Priority.P4: LadderPolicy({lead: 4 * HOUR, manager: 4 * HOUR}),
    }


def _levels() -> dict[FaultLevel, LevelCriteria]:
    return {
        FaultLevel.BLACK: LevelCriteria(1_000_000, 0.8, 1000, HOUR, False, 10 * HOUR, 12 * HOUR),
        FaultLevel.RED: LevelCriteria(500_000, 0.5, 500, 30 * MINUTE, False, 5 * HOUR, 8 * HOUR),
        FaultLevel.ORANGE: LevelCriteria(200_000, 0.2, 100, 5 * MINUTE, False, 2 * HOUR, 5 * HOUR, "points"),
        FaultLevel.YELLOW: LevelCriteria(50_000, 0.1, 50, MINUTE, True, 0, 2 * HOUR, "criticism"),
        FaultLevel.MINOR: LevelCriteria(
            complaints=20,
            sanction="accountability",
            neighbour_interface_failed=True,
            rule_breaking_operation=True,
            process_exit=True,
        ),
    }


def _alert_severity() -> dict[str, Impact]:
    high = "critical emergency disaster fatal alert down p1 sev0 sev1 emerg crit p0 panic page blocker"
    medium = "error high major warning average p2 p3 sev2 warn err unknown"
    low = "info notice low minor p4 p5 sev3 sev4 sev5 information informational debug trace trivial ok none"
    table = dict.fromkeys(high.split(), Impact.HIGH) | dict.fromkeys(medium.split(), Impact.MEDIUM)
    return table | dict.fromkeys(low.split(), Impact.LOW)


def _channels() -> dict[Priority, dict[Role | str, tuple[str, ...]]]:
    both, mail = ("sms", "email"), ("email",)
    return {
        Priority.P1: {"default": both},
        Priority.P2: {"default": both},
        Priority.P3: {"default": mail},
        Priority.P4: {"default": mail},
    }


def _floors() -> dict[str, Floor]:
    return {
        "black": Floor(Impact.HIGH, Urgency.CRITICAL),
        "red": Floor(Impact.HIGH, Urgency.CRITICAL),
        "orange": Floor(Impact.MEDIUM, Urgency.CRITICAL),
        "yellow": Floor(Impact.MEDIUM, Urgency.HIGH),
        "minor": Floor(Impact.LOW, Urgency.MEDIUM),
        "serious_complaint": Floor(Impact.MEDIUM, Urgency.CRITICAL),
    }


def _kind_limits() -> dict[str, int]:
    """[B 附录2]; `security` and `complaint_serious` are ours."""
    return {
        "fault_major": 12 * HOUR,
        "fault_serious": 12 * HOUR,
        "fault_general": 24 * HOUR,
        "complaint_general": 24 * HOUR,
        "complaint_serious": 12 * HOUR,
        "request": 24 * HOUR,
        "consultation": 48 * HOUR,
        "security": 12 * HOUR,
    }


@dataclass(frozen=True)
class Policy:
    """Every table and switch of RULES. The config's `[policy]` overrides single cells of it."""

    out_of_scope_environments: tuple[str, ...] = ("dev", "test", "testing")
    deadline_basis: str = "earliest"  # earliest, urgency, kind
    deadline_warning: float = 0.8
    pending_stops_clock: bool = False
    stack_upgrades: bool = False
    complaint_window: int = 24 * HOUR
    surge_complaints: int = 20
    count_distinct_reporters: bool = False
    count_after_confirmation: bool = True
    confirm_after: int = 72 * HOUR
    auto_close_after: int | None = None
    quiet_period: int = 30 * MINUTE
    reopen_within: int = 7 * DAY
    survey_after: int = 24 * HOUR
    notify_limit: int = 20
    notify_window: int = 10 * MINUTE
    fallback_after: int = 2 * MINUTE
    emergency_complaints: int = 50  # more than
    reassignments_allowed: int = 3  # more than
    matrix: Mapping[Urgency, Mapping[Impact, Priority]] = field(default_factory=_matrix)
    urgency_resolve: Mapping[Urgency, int] = field(
        default_factory=lambda: {
            Urgency.CRITICAL: HOUR,
            Urgency.HIGH: 2 * HOUR,
            Urgency.MEDIUM: 4 * HOUR,
            Urgency.LOW: 8 * HOUR,
        }
    )
    impact_share: Mapping[Impact, float] = field(default_factory=lambda: {Impact.HIGH: 0.7, Impact.MEDIUM: 0.2})
    kind_limits: Mapping[str, int] = field(default_factory=_kind_limits)
    floors: Mapping[str, Floor] = field(default_factory=_floors)
    alert_severity: Mapping[str, Impact] = field(default_factory=_alert_severity)
    alert_severity_unknown: Impact = Impact.MEDIUM
    levels: Mapping[FaultLevel, LevelCriteria] = field(default_factory=_levels)
    small_user_base: int = 1_000_000  # the share counts only below it
    ladder: Mapping[Priority, LadderPolicy] = field(default_factory=_ladder)
    channels: Mapping[Priority, Mapping[Role | str, tuple[str, ...]]] = field(default_factory=_channels)
    desk_channels: tuple[str, ...] = ("email",)  # desk notices and deadline_near
    bulletin: Mapping[FaultLevel, int] = field(
        default_factory=lambda: {
            FaultLevel.BLACK: 15 * MINUTE,
            FaultLevel.RED: 15 * MINUTE,
            FaultLevel.ORANGE: 30 * MINUTE,
            FaultLevel.YELLOW: 60 * MINUTE,
        }
    )
    progress_every: Mapping[Priority, int] = field(
        default_factory=lambda: {
            Priority.P1: 30 * MINUTE,
            Priority.P2: 2 * HOUR,
            Priority.P3: 4 * HOUR,
            Priority.P4: 8 * HOUR,
        }
    )
    progress_times: int = 3
    words: Words = WORDS

    def response_limit(self, priority: Priority) -> int:
        """Seconds to the first rung of the priority's ladder (RULES 4)."""
        return min(self.ladder[priority].offsets.values(), default=self.urgency_resolve[Urgency.LOW])

    def channels_for(self, priority: Priority, role: Role | None) -> tuple[str, ...]:
        row = self.channels[priority]
        return row.get(role, row["default"]) if role else row["default"]

    @property
    def categories(self) -> tuple[str, ...]:
        """The built-in categories of [A 5.2] and those that the word tables name."""
        return tuple(dict.fromkeys((*BUILT_IN_CATEGORIES, *self.words.categories)))

    @property
    def hash(self) -> str:
        """Changes with any cell: incidents carry it, so that a reload finds the ones to re-arm (decision 11)."""
        table = orjson.dumps(asdict(self), option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS, default=str)
        return hashlib.sha256(table).hexdigest()[:16]


def kind_limit_key(kind: Kind, fault_level: FaultLevel | None, serious: bool) -> str:
    """The row of `kind_limits` for an incident (RULES 4)."""
    if kind is Kind.FAULT:
        if fault_level in (FaultLevel.BLACK, FaultLevel.RED):
            return "fault_major"
        return "fault_serious" if fault_level is FaultLevel.ORANGE else "fault_general"
    if kind is Kind.COMPLAINT:
        return "complaint_serious" if serious else "complaint_general"
    return kind.value
