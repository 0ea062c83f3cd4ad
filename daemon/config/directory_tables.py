"""`[[people]]`, `[[customers]]` and `[[services]]`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from daemon.config.scalars import ARole, Count, Domain, Mail, Mobile, Section, Text
from daemon.core.directory import Customer, Person, Service


def _once(items: list[str]) -> list[str]:
    seen: set[str] = set()
    for item in items:
        if item.casefold() in seen:
            raise ValueError(f'"{item}" is there twice')
        seen.add(item.casefold())
    return items


Words = Annotated[list[Text], AfterValidator(_once)]


class PersonTable(Section):
    """Somebody who is told. `id` is the name when absent."""

    id: Text = ""
    name: Text
    email: Mail = ""
    mobile: Mobile = ""
    roles: Annotated[list[ARole], AfterValidator(_once)] = Field(default_factory=list)

    def person(self) -> Person:
        return Person(self.id or self.name, self.name, self.email, self.mobile, tuple(self.roles))


class CustomerTable(Section):
    name: Text
    domains: Annotated[list[Domain], AfterValidator(_once)] = Field(default_factory=list)
    emails: Annotated[list[Mail], AfterValidator(_once)] = Field(default_factory=list)
    vip: bool = False
    user_base: Count | None = None

    @model_validator(mode="after")
    def _can_be_known(self) -> Self:
        if not self.domains and not self.emails:
            raise ValueError("needs domains or emails: nobody could be known as this customer")
        return self

    def customer(self) -> Customer:
        return Customer(self.name, tuple(self.domains), tuple(self.emails), self.vip, self.user_base)


class ServiceTable(Section):
    name: Text
    core: bool = False
    keywords: Words = Field(default_factory=list)
    aliases: Words = Field(default_factory=list)
    domains: Annotated[list[Domain], AfterValidator(_once)] = Field(default_factory=list)
    user_base: Count | None = None

    def service(self) -> Service:
        return Service(
            self.name, self.core, tuple(self.keywords), tuple(self.aliases), tuple(self.domains), self.user_base
        )
