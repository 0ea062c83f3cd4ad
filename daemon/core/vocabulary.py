"""The identifiers of RULES 1. Users, scripts and dashboards see these names: none may change.

Ranks run from mild to grave, so that `max` is the graver one.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Self


class _Ranked(StrEnum):
    """Members are written from mild to grave."""

    @property
    def rank(self) -> int:
        return list(type(self)).index(self)

    def graver(self, other: Self | None) -> Self:
        return self if other is None or self.rank >= other.rank else other


class Kind(StrEnum):
    CONSULTATION = "consultation"
    REQUEST = "request"
    COMPLAINT = "complaint"
    FAULT = "fault"
    SECURITY = "security"


class Cause(StrEnum):
    INTERFACE = "interface"
    CONFIGURATION = "configuration"
    EXTERNAL_SYSTEM = "external_system"
    HARDWARE = "hardware"
    DATA = "data"
    APPLICATION = "application"
    OTHER = "other"


class Source(StrEnum):
    EMAIL = "email"
    SMTP = "smtp"
    WEBHOOK = "webhook"
    PHONE = "phone"
    WEB = "web"
    ONSITE = "onsite"
    SCAN = "scan"
    API = "api"


class Origin(StrEnum):
    USER = "user"
    INTERNAL = "internal"
    MONITORING = "monitoring"


class Impact(_Ranked):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Urgency(_Ranked):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Priority(IntEnum):
    """1 is the gravest."""

    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4


class FaultLevel(_Ranked):
    NONE = "none"
    MINOR = "minor"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"
    BLACK = "black"

    def above(self) -> FaultLevel:
        """One level graver; black stays black (RULES 5.2)."""
        levels = list(FaultLevel)
        return levels[min(self.rank + 1, len(levels) - 1)]


class Severity(StrEnum):
    MAJOR = "major"
    SERIOUS = "serious"
    GENERAL = "general"


class Status(StrEnum):
    REGISTERED = "registered"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


OPEN = frozenset({Status.REGISTERED, Status.ASSIGNED, Status.IN_PROGRESS, Status.PENDING})


class CloseCode(StrEnum):
    SUCCESS = "success"
    SUCCESS_WITH_PROBLEM = "success_with_problem"
    WORKAROUND = "workaround"
    FAILED = "failed"
    DUPLICATE = "duplicate"


class Role(StrEnum):
    """From the desk upward; the last five are the columns of the ladder (RULES 6.1)."""

    SERVICE_DESK = "service_desk"
    FIRST_LINE = "first_line"
    SECOND_LINE = "second_line"
    THIRD_LINE = "third_line"
    FIELD = "field"
    THIRD_PARTY = "third_party"
    PROBLEM_MANAGER = "problem_manager"
    SUPPORT_LEAD = "support_lead"
    INCIDENT_MANAGER = "incident_manager"
    SERVICE_MANAGER = "service_manager"
    SERVICE_DIRECTOR = "service_director"
    COMPANY_LEADER = "company_leader"


LADDER_ROLES = (
    Role.SUPPORT_LEAD,
    Role.INCIDENT_MANAGER,
    Role.SERVICE_MANAGER,
    Role.SERVICE_DIRECTOR,
    Role.COMPANY_LEADER,
)

LEADERS = frozenset({Role.SERVICE_MANAGER, Role.SERVICE_DIRECTOR, Role.COMPANY_LEADER})
"""Holders whose urgent words make an emergency (RULES 3.3.1)."""

BUILT_IN_CATEGORIES = (
    "resource_config_change",
    "vm_disk_change",
    "lease_renewal",
    "vm_request",
    "physical_machine_request",
    "monitoring_alert",
)


class Reason(StrEnum):
    """Why somebody is told (`tocsin_escalations_total` and the notices; RULES 6.4 is the whole list)."""

    # escalations
    LADDER = "ladder"
    IMMEDIATE = "immediate"
    RESPONSE_OVERDUE = "response_overdue"
    RESOLVE_OVERDUE = "resolve_overdue"
    KIND_OVERDUE = "kind_overdue"
    REASSIGNED = "reassigned"
    LEVEL = "level"
    CORRECTION = "correction"
    BY_HAND = "by_hand"
    FOLLOW = "follow"
    # the rest
    DEADLINE_NEAR = "deadline_near"
    REGISTERED = "registered"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    NOTE = "note"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    BULLETIN_DUE = "bulletin_due"
    BULLETIN = "bulletin"
    PROGRESS_DUE = "progress_due"
    CONFIRM_DUE = "confirm_due"
    SURVEY = "survey"
    ANSWER = "answer"
    CHANNEL_FAILED = "channel_failed"


ESCALATIONS = tuple(Reason)[:10]
