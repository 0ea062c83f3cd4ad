"""What the API takes, as pydantic models: unknown keys are refused, instants are RFC 3339 with a zone.

The models check form only (names, types, lengths); what an incident allows is the core's word. They are also the
request schemas of the OpenAPI document and the options of `tocsin incident ACTION`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, WithJsonSchema

from daemon.clock import parse_rfc3339
from daemon.core.incident import parse_number
from daemon.core.vocabulary import Cause, CloseCode, FaultLevel, Impact, Kind, Origin, Role, Source, Urgency


def _instant(text: str) -> str:
    try:
        parse_rfc3339(text)
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"no instant of RFC 3339: {fault}") from None
    return text


def _number(value: str | int) -> str:
    return f"INC-{parse_number(str(value))}"


Instant = Annotated[str, AfterValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Number = Annotated[
    str | StrictInt, AfterValidator(_number), WithJsonSchema({"type": "string", "pattern": "^(INC-)?[0-9]{1,18}$"})
]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=200_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[StrictInt, Field(ge=0, le=10_000_000_000)]
Bool = StrictBool


FollowUp = Annotated[
    Literal["incident"] | dict[Literal["problem", "none"], Line] | None,
    Field(description='after a workaround: "incident", {"problem": "<ref>"} or {"none": "<reason>"}'),
]


class Body(BaseModel):
    """Every body may name `by`: a person's name or id, or a role (its first holder)."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, use_enum_values=True)

    by: Name | None = Field(None, description="who does it: needs an admin token when it is another than the token's")


class Reporter(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Annotated[str, Field(max_length=200)] = ""
    address: Annotated[str, Field(max_length=320)] = ""
    phone: Annotated[str, Field(max_length=50)] = ""


class Register(Body):
    """Register an incident: by phone, from a platform, on site, or one that is over (RULES 2.2)."""

    title: Line
    text: Annotated[str, Field(max_length=200_000)] | None = None
    kind: Kind | None = None
    category: Name | None = None
    cause: Cause | None = None
    service: Name | None = None
    environment: Name | None = None
    impact: Impact | None = None
    urgency: Urgency | None = None
    vip: Bool | None = None
    source: Literal[Source.PHONE, Source.WEB, Source.ONSITE, Source.SCAN, Source.API] = Source.API
    origin: Origin | None = None
    reporter: Reporter | None = None
    external_ref: Name | None = None
    occurred_at: Instant | None = None
    accepted_at: Instant | None = None
    resolved_at: Instant | None = None
    solution: Text | None = None
    process: Text | None = None
    by_role: Role | None = None
    knowledge: Name | None = None
    close_code: CloseCode | None = None
    problem_ref: Name | None = None
    follow_up: FollowUp = None


class Patch(Body):
    """A person's correction; it is never overwritten by a later signal (RULES 3)."""

    reason: Line
    title: Line | None = None
    kind: Kind | None = None
    category: Name | None = None
    cause: Cause | None = None
    service: Name | None = None
    impact: Impact | None = None
    urgency: Urgency | None = None
    emergency: Bool | None = None


class Assign(Body):
    role: Role | None = None
    person: Name | None = None
    to: Name | None = Field(None, description="a role or a person, whichever it names")
    onsite_due_at: Instant | None = None
    tried: Text | None = Field(None, description="what the second line tried, when it hands on to the third")


class Reject(Body):
    reason: Text


class Plain(Body):
    pass


class Note(Body):
    text: Text
    public: Bool = Field(False, description="sent to the reporter too")


class Participants(Body):
    add: list[Name] = Field(min_length=1, max_length=100)


class Pend(Body):
    reason: Text


class ThirdParty(Body):
    name: Name


class Transfer(Body):
    to: Literal["defect", "requirement"]
    ref: Name


class Measure(Body):
    """The measures of a fault (INTERFACE 6). A value of null takes one back."""

    users_affected: Count | None = None
    user_base: Count | None = None
    complaints_confirmed: Count | None = None
    complaints_expected: Count | None = None
    key_service_interrupted_from: Instant | None = None
    key_service_interrupted_until: Instant | None = None
    offline_from: Instant | None = None
    offline_until: Instant | None = None
    bill_run_late_from: Instant | None = None
    bill_run_late_until: Instant | None = None
    hq_sanction: Literal["points", "criticism", "accountability"] | None = None
    neighbour_interface_failed: Bool | None = None
    rule_breaking_operation: Bool | None = None
    process_exit: Bool | None = None
    complained_to_vp: Bool | None = None
    in_media: Bool | Literal["black"] | None = None
    fault_level: FaultLevel | None = Field(None, description="a person's own level; needs `reason`")
    reason: Text | None = None


class Escalate(Body):
    role: Role
    reason: Text | None = None


class Follow(Body):
    reason: Text


class Bulletin(Body):
    text: Text | None = None


class Resolve(Body):
    solution: Text
    process: Text | None = None
    by_role: Role | None = None
    knowledge: Name | None = None
    workaround: Bool | None = None


class Review(Body):
    verdict: Text


class Confirm(Body):
    follow_up: FollowUp = None


class Close(Body):
    close_code: CloseCode | None = None
    problem_ref: Name | None = None
    follow_up: FollowUp = None


class Reopen(Body):
    reason: Text


class Cancel(Body):
    reason: Text


class Duplicate(Body):
    of: Number


class Link(Body):
    to: Number


class Rate(Body):
    score: Annotated[StrictInt, Field(ge=1, le=5)]
    comment: Text | None = None
    channel: Name | None = None
    aspect: Literal["attitude", "quality"] | None = None


ACTIONS: dict[str, type[Body]] = {
    "assign": Assign,
    "reject": Reject,
    "accept": Plain,
    "note": Note,
    "participants": Participants,
    "pend": Pend,
    "resume": Plain,
    "third-party": ThirdParty,
    "arrive": Plain,
    "transfer": Transfer,
    "verify": Plain,
    "measure": Measure,
    "escalate": Escalate,
    "follow": Follow,
    "bulletin": Bulletin,
    "resolve": Resolve,
    "review": Review,
    "confirm": Confirm,
    "close": Close,
    "reopen": Reopen,
    "cancel": Cancel,
    "duplicate": Duplicate,
    "link": Link,
    "rate": Rate,
}
"""Every action of RULES 7, by its name in the path."""


class Silence(Body):
    """Notices of the incidents that all `matchers` fit are held back from `from` to `until`."""

    from_: Instant = Field(alias="from")
    until: Instant
    matchers: list[Line] = Field(min_length=1, max_length=50, description='such as service="portal"')
    include_p1: Bool = Field(False, description="hold priority 1 and emergencies too")
    reason: Annotated[str, Field(max_length=500)] = ""


class Maintenance(Body):
    """Planned work on services: no escalation inside it, and no fault duration counts."""

    from_: Instant = Field(alias="from")
    until: Instant
    services: list[Name] = Field(min_length=1, max_length=200)
    reason: Annotated[str, Field(max_length=500)] = ""


class NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Name
    scope: Literal["ingest", "operate", "admin"]
    person: Name | None = Field(None, description="whose name its actions carry")


class Nothing(BaseModel):
    """A POST whose path says it all."""

    model_config = ConfigDict(extra="forbid")
