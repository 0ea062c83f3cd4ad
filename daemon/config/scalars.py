"""The types of single values in the config, each with a message that says how to write it."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from email.utils import parseaddr
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from daemon.config import durations
from daemon.config.durations import kind, quoted
from daemon.core.vocabulary import Cause, Impact, Kind, Priority, Role, Urgency

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LOCAL = re.compile(r"[^\s@<>(),;:\\\"\[\]]{1,64}")
_MOBILE = re.compile(r"\+[1-9][0-9]{6,14}")
_ENTRY = re.compile(r"\w[\w.-]{0,63}")


class Section(BaseModel):
    """A table of the config: no unknown keys, no value taken for another type."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )


class Address(NamedTuple):
    """Where to listen. `host` without the brackets of IPv6."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def one_line(text: str) -> str:
    """Refuses what could break out of a mail header or a log line."""
    if not text.strip():
        raise ValueError("is empty")
    if len(text) > 200:
        raise ValueError("is longer than 200 characters")
    for c in text:
        if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _BIDI:
            raise ValueError(f"has a control character (U+{ord(c):04X})")
    return text


def mail_address(text: str) -> str:
    """One bare address, as in name@example.com."""
    local, at, host = one_line(text).rpartition("@")
    if not at or len(text) > 254 or not _LOCAL.fullmatch(local) or not _HOST.fullmatch(host):
        raise ValueError(f"{quoted(text)} is no mail address: write name@example.com")
    return text


def _domain(text: str) -> str:
    if not _HOST.fullmatch(one_line(text).removeprefix("@")):
        raise ValueError(f"{quoted(text)} is no domain: write example.com")
    return text.removeprefix("@")


def host_name(text: str) -> str:
    try:
        ipaddress.ip_address(one_line(text))
    except ValueError:
        if not _HOST.fullmatch(text) or len(text) > 253:
            raise ValueError(f"{quoted(text)} is no host name or IP address") from None
    return text


def _mobile(text: str) -> str:
    if not _MOBILE.fullmatch(one_line(text)):
        raise ValueError(f"{quoted(text)} is no E.164 number: write +8613800000000")
    return text


def _entry_name(text: str) -> str:
    if not _ENTRY.fullmatch(one_line(text)):
        raise ValueError(f"{quoted(text)}: a name has letters, digits, . _ - only, at most 64")
    return text


def _listen(value: object) -> Address:
    if not isinstance(value, str):
        raise ValueError(f'expected text such as "127.0.0.1:8080", got {kind(value)}')
    host, colon, port = value.rpartition(":")
    bare = host
    if host.startswith("[") and host.endswith("]"):
        bare = host[1:-1]
        try:
            ipaddress.IPv6Address(bare)
        except ValueError:
            raise ValueError(f"{quoted(value)}: {quoted(bare)} is no IPv6 address") from None
    elif ":" in host:
        raise ValueError(f'{quoted(value)}: write an IPv6 address in brackets, "[::1]:8080"')
    if not colon or not bare or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f'{quoted(value)} is no address: write "127.0.0.1:8080" or "[::1]:8080"')
    host_name(bare)
    return Address(bare, int(port))


def _network(value: object) -> Network:
    if not isinstance(value, str):
        raise ValueError(f'expected text such as "10.0.0.0/8", got {kind(value)}')
    try:
        return ipaddress.ip_network(value, strict=True)
    except ValueError as error:
        if "host bits" in str(error):
            network = ipaddress.ip_network(value, strict=False)
            raise ValueError(f"{quoted(value)} has host bits set: write {network}") from None
        raise ValueError(f'{quoted(value)} is no network: write "10.0.0.0/8" or "::1"') from None


def _url(text: str) -> str:
    try:
        parts = urlsplit(one_line(text))
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or " " in text:
        raise ValueError(f'{quoted(text)} is no address of a site: write "https://tocsin.example.com"')
    if parts.query or parts.fragment or parts.username:
        raise ValueError("has a user, a query or a fragment: write scheme, host, port and path only")
    return text.rstrip("/")


def _or_off(value: object) -> int | None:
    if value == "off":
        return None
    try:
        return durations.seconds(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "off"') from None


def addresses_in(text: object) -> list[str]:
    """The bare address of `Name <address>`, lower case; none where there is none."""
    found = parseaddr(text)[1].casefold() if isinstance(text, str) else ""
    return [found] if "@" in found else []


def positive(value: int) -> int:
    if value <= 0:
        raise ValueError("must be more than zero")
    return value


def priority(value: object) -> Priority:
    if isinstance(value, bool) or not isinstance(value, int) or value not in (1, 2, 3, 4):
        raise ValueError("expected a priority: 1, 2, 3 or 4")
    return Priority(value)


Text = Annotated[str, AfterValidator(one_line)]
Mail = Annotated[str, AfterValidator(mail_address)]
Mobile = Annotated[str, AfterValidator(_mobile)]
Domain = Annotated[str, AfterValidator(_domain)]
Host = Annotated[str, AfterValidator(host_name)]
EntryName = Annotated[str, AfterValidator(_entry_name)]
Url = Annotated[str, AfterValidator(_url)]
Listen = Annotated[Address, BeforeValidator(_listen)]
Net = Annotated[Any, BeforeValidator(_network)]
Duration = Annotated[int, BeforeValidator(durations.seconds)]
Span = Annotated[int, BeforeValidator(durations.seconds), AfterValidator(positive)]
DurationOrOff = Annotated[int | None, BeforeValidator(_or_off)]
Size = Annotated[int, BeforeValidator(durations.size), AfterValidator(positive)]
Count = Annotated[int, Field(ge=1, le=10**12)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]

# Identifiers: written as text, so the strict mode of the section is lifted for them alone.
AKind = Annotated[Kind, Field(strict=False)]
ACause = Annotated[Cause, Field(strict=False)]
AnImpact = Annotated[Impact, Field(strict=False)]
AnUrgency = Annotated[Urgency, Field(strict=False)]
ARole = Annotated[Role, Field(strict=False)]
APriority = Annotated[Priority, BeforeValidator(priority)]
