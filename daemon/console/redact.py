"""Secrets that senders put into bodies (a routing_key) leave the inbox on no way out. The stored bytes stay exact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MARK = "[redacted]"
NAMES = (
    "routing_key",
    "service_key",
    "integration_key",
    "api_key",
    "apikey",
    "token",
    "access_token",
    "refresh_token",
    "auth_token",
    "x_token",
    "password",
    "passwd",
    "secret",
    "client_secret",
    "authorization",
    "private_key",
    "genie_key",
)
_NAME = "|".join(n.replace("_", "[_-]?") for n in NAMES)
_JSON = re.compile(rb'(?i)("(?:' + _NAME.encode() + rb')"\s{0,20}:\s{0,20})("(?:[^"\\]|\\.)*"?|[-+.\w]+)')
_FORM = re.compile(rb"(?i)((?:^|[?&;\s])(?:" + _NAME.encode() + rb")=)[^&;\s\"'<>]+")
_BEARER = re.compile(rb"(?i)\b((?:bearer|basic|geniekey)\s{1,4})(?=[-.~+/=a-z]{0,200}\d)[-\w.~+/=]{16,}")
_NAMED = re.compile(rf"(?i)^(?:{_NAME}|cookie|set-cookie|x-[\w-]*(?:token|key|secret|signature))$")


def redacted(body: bytes, secrets: Iterable[str] = ()) -> bytes:
    """The bytes without the values of well-known names, and without `secrets` wherever they stand."""
    for secret in secrets:
        if len(secret) >= 4:  # a shorter one would tear words apart, and is no secret
            body = body.replace(secret.encode(), MARK.encode())
    body = _JSON.sub(rb'\1"' + MARK.encode() + rb'"', body)
    body = _FORM.sub(rb"\1" + MARK.encode(), body)
    return _BEARER.sub(rb"\1" + MARK.encode(), body)


def redacted_pairs(pairs: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """Headers or query: a value under a secret's name goes whole, a secret inside another value goes too."""
    known = list(secrets)
    return {
        k: MARK if _NAMED.match(k) else redacted(v.encode("utf-8", "replace"), known).decode("utf-8", "replace")
        for k, v in pairs.items()
    }
