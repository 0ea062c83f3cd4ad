"""The people, customers and services that the config names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from daemon.core.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    email: str = ""
    mobile: str = ""
    roles: tuple[Role, ...] = ()
    apprise: str = ""

    def address(self, channel: str) -> str:
        """The address for a channel, "" where there is none."""
        return {"email": self.email, "sms": self.mobile}.get(channel, self.apprise)


@dataclass(frozen=True, slots=True)
class Customer:
    name: str
    domains: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    vip: bool = False
    user_base: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    core: bool = False
    keywords: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()  # of senders whose mail is about this service
    user_base: int | None = None


UPWARD: tuple[Role, ...] = (
    Role.SERVICE_DESK,
    Role.FIRST_LINE,
    Role.SECOND_LINE,
    Role.THIRD_LINE,
    Role.SUPPORT_LEAD,
    Role.INCIDENT_MANAGER,
    Role.SERVICE_MANAGER,
    Role.SERVICE_DIRECTOR,
    Role.COMPANY_LEADER,
)
"""The order in which a notice falls through to another role (RULES 6.1.8)."""


@dataclass
class Directory:
    """Look-ups over people, customers and services. Names and addresses compare case-folded."""

    people: tuple[Person, ...] = ()
    customers: tuple[Customer, ...] = ()
    services: tuple[Service, ...] = ()
    own_addresses: frozenset[str] = frozenset()  # ours: a mail from one of them is a loop
    _by_id: dict[str, Person] = field(init=False, repr=False)
    _by_role: dict[Role, tuple[Person, ...]] = field(init=False, repr=False)
    _service: dict[str, Service] = field(init=False, repr=False)
    _customer: dict[str, Customer] = field(init=False, repr=False)
    _by_email: dict[str, Person] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._by_id = {p.id: p for p in self.people}
        self._by_role = {r: tuple(p for p in self.people if r in p.roles) for r in Role}
        self._by_email = {p.email.casefold(): p for p in self.people if p.email}
        self._service = {}
        for service in self.services:
            for name in (service.name, *service.aliases):
                self._service.setdefault(name.casefold(), service)
        self._customer = {}
        for customer in self.customers:
            for key in (*customer.emails, *(f"@{d.lstrip('@')}" for d in customer.domains)):
                self._customer.setdefault(key.casefold(), customer)

    def person(self, ident: str) -> Person | None:
        """By id, else by name, else by mail address."""
        found = self._by_id.get(ident) or next((p for p in self.people if p.name == ident), None)
        return found or self._by_email.get(ident.casefold())

    def holders(self, role: Role) -> tuple[Person, ...]:
        return self._by_role[role]

    def told(self, role: Role) -> tuple[Person, ...]:
        """Who is told for a role: its holders, else the next higher held role's, else the next lower's. What is
        beside the line (field, third party, problem manager) falls to the support lead and upward."""
        holders = self._by_role[role]
        if holders:
            return holders
        at = UPWARD.index(role) if role in UPWARD else UPWARD.index(Role.THIRD_LINE)
        chain: Iterable[Role] = (*UPWARD[at + 1 :], *reversed(UPWARD[: at + 1]))
        return next((self._by_role[r] for r in chain if self._by_role[r]), ())

    def service(self, name: str) -> Service | None:
        """By its name or an alias."""
        return self._service.get(name.casefold())

    def service_of(self, address: str) -> Service | None:
        """The service that mail of this sender's domain is about."""
        domain = address.casefold().rpartition("@")[2]
        return next((s for s in self.services if domain and domain in s.domains), None)

    def customer(self, address: str) -> Customer | None:
        """By the whole address, else by its domain or a parent of it."""
        address = address.casefold()
        if found := self._customer.get(address):
            return found
        domain = address.rpartition("@")[2]
        while domain:
            if found := self._customer.get(f"@{domain}"):
                return found
            domain = domain.partition(".")[2]
        return None

    def by_email(self, address: str) -> Person | None:
        return self._by_email.get(address.casefold())
