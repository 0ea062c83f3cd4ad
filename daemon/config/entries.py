"""What may come in: the attributes that an entry fixes, webhooks, mailboxes, and rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, SecretStr, Tag, model_validator

from daemon.config.durations import kind, quoted
from daemon.config.scalars import ACause, AKind, AnImpact, AnUrgency, EntryName, Host, Section, Size, Span, Text
from daemon.config.secrets import FilePath, Secret
from daemon.core.matchers import Matcher, Rule, parse_matcher

ATTRIBUTES = ("service", "kind", "category", "cause", "impact", "urgency", "environment")


class Fixed(Section):
    """The attributes that an entry or a rule settles (RULES 2.4). Service and category are checked later."""

    service: Text | None = None
    kind: AKind | None = None
    category: Text | None = None
    cause: ACause | None = None
    impact: AnImpact | None = None
    urgency: AnUrgency | None = None
    environment: Text | None = None

    @property
    def fixed(self) -> dict[str, str]:
        found = {name: getattr(self, name) for name in ATTRIBUTES}
        return {name: str(value) for name, value in found.items() if value is not None}


class WebhookTable(Fixed):
    """The keys of a `[[webhooks]]` entry that are not its parser's own."""

    name: EntryName
    parser: Text
    token: Secret | None = None


@dataclass(frozen=True)
class WebhookEntry:
    """`settings`: the parser's Settings, None for a parser that has none."""

    name: str
    parser: str
    token: SecretStr | None = None
    fixed: dict[str, str] = field(default_factory=dict)
    settings: Any = field(default=None, repr=False)


class Move(Section):
    move: Text


def _token_url(text: str) -> str:
    """A secret is sent there: in clear text within this host only."""
    parts = urlsplit(text)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        return text
    raise ValueError("is no https:// address")


class OAuth2(Section):
    """Where an access token comes from: a command that prints it, a refresh token, or a client's own credentials.

    `provider` knows the endpoint and scope of Microsoft (with its `tenant`) and Google; `token_url` and `scope` are
    for others.
    """

    token_command: Annotated[list[str], Field(min_length=1)] | None = None
    provider: Literal["microsoft", "google"] | None = None
    tenant: Text | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    token_url: Annotated[Text, AfterValidator(_token_url)] | None = None
    scope: Text | None = None
    tls_ca: FilePath | None = None

    @model_validator(mode="before")
    @classmethod
    def _command_as_text(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("token_command"), str):
            return {**data, "token_command": [data["token_command"]]}
        return data

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.token_command is not None:
            if self.tenant or self.token_url or self.provider:
                raise ValueError("token_command and tenant exclude each other")
            return self
        if not (self.tenant or self.token_url or self.provider):
            raise ValueError("needs token_command, or tenant with client_id and client_secret")
        if not self.client_id or not (self.client_secret or self.refresh_token):
            raise ValueError("client_id and client_secret are missing")
        return self


def _a_form_of_after(value: object) -> object:
    if isinstance(value, dict) or value in ("seen", "delete"):
        return value
    raise ValueError('expected "seen", "delete" or { move = "FOLDER" }')


def _form(value: object) -> str:
    """Which of its two forms `after` has, so that a fault is about that form alone."""
    return "table" if isinstance(value, dict | Move) else "word"


After = Annotated[
    Annotated[Literal["seen", "delete"], Tag("word")] | Annotated[Move, Tag("table")],
    Discriminator(_form),
    BeforeValidator(_a_form_of_after),
]


def _history(value: object) -> object:
    if value in ("now", "all") or isinstance(value, date):
        return value
    if isinstance(value, str) and value.startswith("since "):
        try:
            return date.fromisoformat(value.removeprefix("since ").strip())
        except ValueError:
            raise ValueError(f'{quoted(value)} has no date: write "since 2026-01-31"') from None
    raise ValueError('expected "now", "all" or "since 2026-01-31"')


class Mailbox(Fixed):
    """One IMAP folder. `poll` in seconds; `port` is 993 with implicit TLS, else 143. `import_`: what the first look
    takes of the mail that is there already."""

    name: EntryName
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    tls_ca: FilePath | None = None
    username: Text
    password: Secret | None = None
    oauth2: OAuth2 | None = None
    folder: Text = "INBOX"
    as_: Literal["alert", "support"] = Field(alias="as", default="support")
    poll: Span = 60
    after: After = "seen"
    import_: Annotated[Literal["now", "all"] | date, BeforeValidator(_history)] = Field(alias="import", default="now")
    max_size: Size = 25 << 20

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if (self.password is None) == (self.oauth2 is None):
            raise ValueError("needs exactly one of password and oauth2")
        if self.port is None:
            object.__setattr__(self, "port", 993 if self.tls == "implicit" else 143)
        return self


def _matcher(value: object) -> Matcher:
    if not isinstance(value, str):
        raise ValueError(f"expected a matcher as text, got {kind(value)}")
    return parse_matcher(value)


def _sets_something(fixed: Fixed) -> Fixed:
    if not fixed.fixed:
        raise ValueError(f"sets nothing; known: {', '.join(ATTRIBUTES)}")
    return fixed


class RuleTable(Section):
    match: list[Annotated[Any, BeforeValidator(_matcher)]]
    set_: Annotated[Fixed, AfterValidator(_sets_something)] = Field(alias="set")

    def rule(self, number: int) -> Rule:
        return Rule(f"rules[{number}]", tuple(self.match), self.set_.fixed)
