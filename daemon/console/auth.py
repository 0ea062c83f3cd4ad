"""Who asks: API tokens (Bearer, or the password of Basic), kept as SHA-256; and tokens that the command line
signs for itself with `[security] key`, so that it gets in on the same machine without one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import IntEnum

from daemon.clock import Clock


class Scope(IntEnum):
    """Each one holds those before it: `ingest` the webhook paths, `operate` the API and console, `admin` all."""

    INGEST = 1
    OPERATE = 2
    ADMIN = 3

    @classmethod
    def named(cls, name: str) -> Scope:
        """Raises ValueError with the names there are."""
        try:
            return cls[name.upper()]
        except KeyError:
            raise ValueError(f"{name!r} is no scope (ingest, operate, admin)") from None

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `name` is the token's; `person` the id of the person it stands for, None for a machine."""

    name: str
    scope: Scope
    person: str | None = None

    @property
    def is_admin(self) -> bool:
        return self.scope is Scope.ADMIN


# tokens


TOKEN_PREFIX = "tcs_"  # noqa: S105 what a leak scanner looks for
LOCAL_PREFIX = "tcs1"
LOCAL_LIFE = 60
"""Seconds that a token of the command line's own is good for."""
LOCAL_LIFE_MAX = 600


def new_token() -> str:
    """256 bits from the system, in letters that survive a shell and a URL."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """The form in which it is stored. Plain SHA-256 is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def _signature(key: str, payload: str) -> str:
    mac = hmac.new(key.encode(), b"tocsin command line\0" + payload.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def sign_local(key: str, name: str, now: int, life: int = LOCAL_LIFE) -> str:
    """`tcs1.<expiry, s>.<name, base64url>.<HMAC-SHA256>`; `now` in ms. Raises ValueError without a key."""
    if not key:
        raise ValueError("there is no [security] key to sign with")
    word = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
    payload = f"{LOCAL_PREFIX}.{now // 1000 + life}.{word}"
    return f"{payload}.{_signature(key, payload)}"


def verify_local(key: str, token: str, now: int) -> str | None:
    """The name in it, or None when it is not ours, forged, over, or longer-lived than any that we sign."""
    payload, _, signature = token.rpartition(".")
    parts = payload.split(".")
    if not key or len(parts) != 3 or parts[0] != LOCAL_PREFIX or len(token) > 500 or not token.isascii():
        return None
    if not hmac.compare_digest(_signature(key, payload), signature):
        return None
    expiry = int(parts[1])  # what carries our signature has our form
    if not now // 1000 < expiry <= now // 1000 + LOCAL_LIFE_MAX:
        return None
    return base64.urlsafe_b64decode(parts[2] + "==").decode()


def presented(authorization: str) -> str:
    """The token of an Authorization header: Bearer, or the password of Basic. "" when there is none in it."""
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return ""
        return pair.partition(":")[2]
    return ""


# limits


class Attempts:
    """Counts what failed, an address and a minute; bounded in addresses, so that nobody fills the memory."""

    def __init__(self, clock: Clock, limit: int = 20, window: int = 60, addresses: int = 4096) -> None:
        self._clock, self._limit, self._window, self._addresses = clock, limit, window * 1000, addresses
        self._failed: OrderedDict[str, deque[int]] = OrderedDict()
        self._good: OrderedDict[str, None] = OrderedDict()  # digests

    def blocked(self, address: str) -> int:
        """Seconds until the next attempt is heard; 0 now."""
        times = self._failed.get(address)
        now = self._clock.now()
        while times and times[0] <= now - self._window:
            times.popleft()
        if not times:
            self._failed.pop(address, None)
            return 0
        if len(times) < self._limit:
            return 0
        return max(1, (times[0] + self._window - now + 999) // 1000)

    def fail(self, address: str) -> None:
        times = self._failed.setdefault(address, deque(maxlen=self._limit))
        times.append(self._clock.now())
        self._failed.move_to_end(address)
        while len(self._failed) > self._addresses:
            self._failed.popitem(last=False)

    def good(self, token: str) -> None:
        self._good[digest(token)] = None
        while len(self._good) > self._addresses:
            self._good.popitem(last=False)

    def was_good(self, token: str) -> bool:
        return digest(token) in self._good
