"""What goes into the store and comes out of it beside incidents. Instants are milliseconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.core.vocabulary import FaultLevel, Kind, Priority, Reason, Role, Status
from parsers import Raw


@dataclass(frozen=True, slots=True)
class ReportResult:
    """What became of report `index` of an inbox row."""

    index: int
    outcome: str
    incident: int | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class InboxResult:
    """`state`: done or failed; `error`: why, for a failed one."""

    inbox_id: int
    state: str
    outcome: str
    error: str = ""
    reports: list[ReportResult] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class InboxRow:
    """`state`: pending, done, failed. `raw` only from `inbox_row`, `reports` as well."""

    id: int
    source: str
    entry: str
    parser: str
    received_at: int
    state: str
    outcome: str
    error: str
    attempts: int
    size: int = 0
    sha256: str = ""
    raw: Raw | None = None
    reports: tuple[ReportResult, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineRow:
    id: int
    incident: int
    at: int
    actor: str
    event: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A row of the outbox. `state`: pending, sent, failed, merged, dropped. `lease_until`: somebody is sending it."""

    id: int
    key: str
    incident_id: int
    reason: Reason
    role: Role | None
    person: str
    name: str
    channel: str
    address: str
    priority: Priority
    at: int
    due_at: int
    epoch: str
    reporter: bool
    data: dict[str, Any]
    state: str
    attempts: int
    next_attempt_at: int
    lease_until: int | None
    leased_by: int | None
    error: str
    remote_id: str
    message_id: str
    subject: str
    text: str
    sent_at: int | None
    fallback_of: int | None


@dataclass(frozen=True, slots=True)
class NoticeResult:
    """What became of an attempt; `pending` means: try again at `next_attempt_at`."""

    id: int
    state: str
    attempts: int = 0
    next_attempt_at: int = 0
    error: str = ""
    remote_id: str = ""
    message_id: str = ""
    subject: str = ""
    text: str = ""
    sent_at: int | None = None


@dataclass(frozen=True, slots=True)
class ReplyCounts:
    """Automatic answers sent so far (MAIL 2.2d): for the incident, to the address, and over all."""

    per_incident: int
    last_10_min: int
    last_day: int
    same_subject_3h: int
    all_last_minute: int


@dataclass(frozen=True, slots=True)
class Token:
    id: int
    name: str
    scope: str
    person: str | None
    created_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to an Idempotency-Key; `request`: hash of the request that it belongs to."""

    request: str
    status: int
    answer: str
    at: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the gauges of INTERFACE 4 need, counted over open rows only."""

    inbox_pending: int = 0
    inbox_oldest_at: int | None = None
    incidents_open: Mapping[tuple[Kind, Priority, Status], int] = field(default_factory=dict)
    faults_open: Mapping[FaultLevel, int] = field(default_factory=dict)
    outbox_pending: Mapping[str, int] = field(default_factory=dict)  # by channel
    outbox_oldest_at: Mapping[str, int] = field(default_factory=dict)
    timers_armed: int = 0
    next_due_at: int | None = None
