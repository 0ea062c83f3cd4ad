"""What we keep (`Incident`) and what the core decides about it (`Change`). Data only; the rules are beside it.

Instants are integers, milliseconds since the epoch, UTC; durations in the policy are whole seconds.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from daemon.core.vocabulary import (
    OPEN,
    FaultLevel,
    Impact,
    Kind,
    Origin,
    Priority,
    Reason,
    Role,
    Source,
    Status,
    Urgency,
)

SYSTEM = "tocsin"
"""The actor of what the program does by itself."""


@dataclass(slots=True)
class Rung:
    """One step of the ladder. Its identity is (epoch, role)."""

    role: Role
    due_at: int
    epoch: int
    fired_at: int | None = None
    people: list[str] = field(default_factory=list)  # names of those who were told


@dataclass(slots=True)
class Settled:
    """An attribute with where it came from: person, entry, rule, parser, words, default; `why` names the rule."""

    value: str | None
    by: str
    why: str = ""


@dataclass(slots=True)
class Incident:
    """One incident, as RULES and INTERFACE 3.2 name its parts."""

    id: int
    title: str
    source: Source
    origin: Origin
    registered_at: int
    occurred_at: int
    version: int = 0
    status: Status = Status.REGISTERED
    kind: Kind = Kind.REQUEST
    category: str | None = None
    cause: str | None = None
    service: str | None = None
    environment: str | None = None
    customer: str | None = None
    external_ref: str | None = None
    entry: str = ""  # the webhook entry, mailbox or route that it came through
    inbox_id: int | None = None  # the first signal
    text: str = ""  # what the first signal said
    language: str = ""  # of the reporter's words: zh_CN, en; "" unknown

    reporter_name: str = ""
    reporter_address: str = ""
    reporter_phone: str = ""
    reporter_automatic: str = ""  # why the reporter is never written to; "" for a person
    thread_id: str = ""  # Message-ID of the reporter's latest mail
    thread_refs: list[str] = field(default_factory=list)
    vip: bool = False

    needs_triage: bool = False
    verified_by: str | None = None
    verified_at: int | None = None

    impact: Impact = Impact.LOW
    urgency: Urgency = Urgency.LOW
    priority: Priority = Priority.P4
    reasons: list[str] = field(default_factory=list)  # of the present grade
    settled: dict[str, Settled] = field(default_factory=dict)  # attribute -> value and where it came from
    alert_severity: str | None = None  # the gravest severity word of its alerts; None: no alert
    alert_impact: Impact | None = None
    labels: dict[str, str] = field(default_factory=dict)  # of its first alert, for silences
    interrupted_words: bool = False  # a mail that says nothing works (RULES 3.1)
    urgent_by: str = ""  # who asked for emergency handling, and how (RULES 3.3.1)
    emergency: bool = False
    emergency_set: bool | None = None  # a person's word (RULES 3.3.4)
    coordinator: str | None = None

    fault_level: FaultLevel | None = None
    standard_level: FaultLevel | None = None
    level_changes: int = 0  # how many there were; names the change in a notice's key
    bulletin_late: bool = False  # sticky (5.2.1)
    complaint_serious: bool = False  # 5.5
    measures: dict[str, Any] = field(default_factory=dict)
    complaints_counted: int = 0
    complaints_at_confirmation: int = 0
    complaints_confirmed_at: int | None = None
    complaint_of: int | None = None
    last_ticket_at: int | None = None
    from_survey: bool = False  # a complaint that a low score made: it counts for no fault (5.4)

    assignee: str | None = None  # person id
    assigned_role: Role | None = None
    participants: list[str] = field(default_factory=list)  # person ids
    line: Role = Role.SERVICE_DESK
    assignments: int = 0  # how many there were; names the assignment in a notice's key
    reassignments: int = 0
    reassigned_told: bool = False
    dispatches: int = 0  # every `assign`, for the notice's key
    hand_escalations: int = 0
    dispatch_pairs: list[dict[str, Any]] = field(default_factory=list)  # role, dispatched_at, accepted_at of each
    bulletins: int = 0
    reopenings: int = 0

    dispatched_at: int | None = None
    accepted_at: int | None = None
    third_party_at: int | None = None
    third_party: str | None = None
    onsite_due_at: int | None = None
    onsite_at: int | None = None
    pended_at: int | None = None
    pended_from: Status | None = None
    paused: int = 0  # milliseconds spent pending since clock_from; counts where policy.pending_stops_clock
    resolved_at: int | None = None
    closed_at: int | None = None
    resolutions: int = 0  # how many there were; names the one in a notice's key
    clock_from: int = 0  # deadlines count from here: registration, or a person's reopening
    response_due_at: int | None = None
    response_frozen: bool = False  # resolved without an acceptance: the response deadline has had its end
    resolve_due_at: int | None = None
    kind_due_at: int | None = None
    bulletin_due_at: int | None = None
    bulletin_at: int | None = None  # the last one published
    warned: bool = False  # deadline_near was said in this opening
    breached: dict[str, int] = field(default_factory=dict)  # deadline -> instant, of this opening
    late: dict[str, int] = field(default_factory=dict)  # deadline -> instant of its first breach ever

    opening: int = 1
    epoch: int = 0  # of the ladder: one more at every regrade and every reopening by a person
    ladder: list[Rung] = field(default_factory=list)
    ladder_from: int = 0  # the present ladder counts from here
    ladder_priority: int = 0  # the priority that it is of
    held_until: int = 0  # it was said that a silence or a maintenance window holds its timers until then
    immediate_told: bool = False  # in this opening
    confirm_told: bool = False
    notes: int = 0  # public notes so far
    public_note_at: int | None = None
    progress_told: int = 0
    next_at: int | None = None  # the nearest of all instants that deadlines.upcoming derives
    policy_hash: str = ""

    solution: str | None = None
    process: str | None = None
    solved_by: str | None = None
    solved_by_role: str | None = None
    workaround: bool = False
    knowledge: str | None = None
    review: str | None = None
    problem_ref: str | None = None
    close_code: str | None = None
    unconfirmed: bool = False
    duplicate_of: int | None = None
    links: list[int] = field(default_factory=list)
    alerts_open: int = 0  # alert keys of this incident that still fire
    quiet_from: int | None = None  # when the last of its alerts resolved
    human: bool = False  # a human reporter has joined or is linked
    survey_due_at: int | None = None
    survey_sent: bool = False
    satisfaction_score: int | None = None
    satisfaction_comment: str | None = None
    retrospective: bool = False

    @property
    def number(self) -> str:
        return f"INC-{self.id}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def copy(self) -> Incident:
        """A working copy whose lists may be changed without touching this one."""
        twin = copy.copy(self)
        for name in _MUTABLE:
            value = getattr(self, name)
            setattr(twin, name, value.copy())
        twin.ladder = [copy.copy(r) for r in self.ladder]
        twin.dispatch_pairs = [dict(pair) for pair in self.dispatch_pairs]
        return twin


_MUTABLE = (
    "thread_refs",
    "reasons",
    "settled",
    "measures",
    "participants",
    "breached",
    "late",
    "links",
    "labels",
)


def parse_number(text: str) -> int:
    """42 from `INC-42`, `inc-42` or `42`. Raises ValueError."""
    digits = text[4:] if text[:4].upper() == "INC-" else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise ValueError(f"{text!r} is no incident number (INC-42)")
    return int(digits)


@dataclass(slots=True)
class Entry:
    """One line of the timeline: append-only, never read to decide. `event` is one of INTERFACE 5's."""

    incident: int
    at: int
    actor: str
    event: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Notice:
    """Somebody must be told. Unique by `key`; holds the address chosen when it was made (decision 12)."""

    incident: int
    reason: Reason
    person: str  # person id; the address itself for a reporter or a list
    name: str
    channel: str
    address: str
    at: int
    due_at: int  # when it fell due; `at` is later when the daemon was down
    priority: Priority
    epoch: str  # which occasion: the ladder's epoch, the assignment's number, …
    role: Role | None = None
    reporter: bool = False  # to the reporter: the caps of MAIL 2.2d hold
    data: dict[str, Any] = field(default_factory=dict)  # what the template needs beside the incident

    @property
    def key(self) -> str:
        """(incident, reason, epoch, role, person, channel): the same notice cannot be written twice."""
        return f"{self.incident}/{self.reason}/{self.epoch}/{self.role or '-'}/{self.person}/{self.channel}"


@dataclass(slots=True)
class Change:
    """What one decision did to one incident. The store writes all of it in one transaction."""

    incident: Incident
    created: bool = False
    touched: bool = True  # False: only the timeline gains a line, the incident's row stays as it is
    entries: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    stop_notices: bool = False  # unsent escalations are dropped: resolved, duplicate, cancelled
    keys_to: int | None = None  # its alert keys move to this incident: duplicate

    def log(self, at: int, event: str, actor: str = SYSTEM, **data: Any) -> None:
        self.entries.append(Entry(self.incident.id, at, actor, event, data))


@dataclass(slots=True)
class AlertKey:
    """What a dedup key stands for. `key` is scoped by entry; `newest` is the inbox id of its newest signal."""

    key: str
    incident: int | None
    newest: int
    state: str
