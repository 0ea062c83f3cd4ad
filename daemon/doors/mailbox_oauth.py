"""XOAUTH2: access tokens from a command of the administrator's, or by OAuth 2.0 from a token endpoint.

With a refresh token (RFC 6749 6; Microsoft and Google have their endpoints and scopes built in), or with the client's
own credentials (RFC 6749 4.4, as Exchange wants for daemons). A token is used until a minute before its end.
"""

from __future__ import annotations

import json
import logging
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.doors.mailbox_parts import Credentials, LoginRefused, Lost, Password, tls_context

if TYPE_CHECKING:
    from daemon.config.entries import Mailbox

log = logging.getLogger("tocsin.doors.mailbox")

TIMEOUT = 30.0
MAX_ANSWER = 256 << 10
EARLY = 60.0  # seconds before its end that a token is no longer used
COMMAND_LIFE = 300.0  # a command does not say how long its token lives, and is cheap to ask
TOKEN_URLS = {
    "microsoft": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    "google": "https://oauth2.googleapis.com/token",
}
SCOPES = {
    ("microsoft", True): "https://outlook.office365.com/IMAP.AccessAsUser.All offline_access",
    ("microsoft", False): "https://outlook.office365.com/.default",
}


@dataclass(frozen=True)
class Grant:
    """`[mailboxes.oauth2]`, ready to use. `command` is an argument list: no shell reads it."""

    command: tuple[str, ...] = ()
    url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""
    ca_file: Path | None = None


class Tokens:
    """Credentials that are access tokens. Equal when their grants are: a reload that changes nothing keeps them."""

    oauth = True

    def __init__(self, grant: Grant, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._grant, self._monotonic = grant, monotonic
        self._token = ""
        self._until = 0.0
        self._refresh_token = grant.refresh_token
        self._lock = threading.Lock()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokens) and self._grant == other._grant

    def __hash__(self) -> int:
        return hash(self._grant)

    def secret(self) -> str:
        """Raises Lost when the source cannot be reached, LoginRefused when it refuses."""
        with self._lock:
            if not self._token or self._monotonic() >= self._until:
                self._token, life = _by_command(self._grant.command) if self._grant.command else self._by_endpoint()
                self._until = self._monotonic() + max(life - EARLY, life / 2)
            return self._token

    def renew(self) -> None:
        with self._lock:
            self._token = ""

    def _by_endpoint(self) -> tuple[str, float]:
        grant = self._grant
        form = {"client_id": grant.client_id, "scope": grant.scope, "client_secret": grant.client_secret}
        form |= (
            {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
            if self._refresh_token
            else {"grant_type": "client_credentials"}
        )
        answer = _post(grant.url, {name: value for name, value in form.items() if value}, grant.ca_file)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token or not token.isascii():
            raise LoginRefused("the token endpoint gave no access token")
        if isinstance(fresh := answer.get("refresh_token"), str) and fresh and self._refresh_token:
            self._refresh_token = fresh  # Microsoft gives a new one each time; the old one works for 90 days
        try:
            life = float(answer.get("expires_in") or 3600)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            life = 3600.0
        return token, min(max(life, 60.0), 86400.0)


def _by_command(command: tuple[str, ...]) -> tuple[str, float]:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False, close_fds=True
        )
    except subprocess.TimeoutExpired:
        raise Lost(f"{command[0]} gave no token within {TIMEOUT:g} s") from None
    except OSError as error:
        raise LoginRefused(f"{command[0]}: {error.strerror or error}") from None
    token = done.stdout[:MAX_ANSWER].decode("ascii", "replace").strip()
    if done.returncode != 0:  # its words may hold what is secret: the code must do
        raise LoginRefused(f"{command[0]} ended with {done.returncode}")
    if not token or any(c.isspace() or not c.isprintable() for c in token) or not token.isascii():
        raise LoginRefused(f"{command[0]} printed no token")
    return token, COMMAND_LIFE


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A secret is for one address only."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def _post(url: str, form: dict[str, str], ca_file: Path | None) -> dict[str, object]:
    request = urllib.request.Request(  # noqa: S310 — the config allows https, and http on loopback only
        url, data=urllib.parse.urlencode(form).encode(), headers={"Accept": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls_context(ca_file)), _NoRedirects)
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            body = answer.read(MAX_ANSWER)
    except urllib.error.HTTPError as error:
        reason = _reason(error.read(MAX_ANSWER))
        if error.code >= 500 or error.code == 429:
            raise Lost(f"the token endpoint answered {error.code}") from None
        raise LoginRefused(f"the token endpoint answered {error.code} {reason}") from None
    except (OSError, ssl.SSLError, ValueError) as error:
        raise Lost(f"the token endpoint cannot be reached: {getattr(error, 'reason', error)}") from None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Lost("the token endpoint did not answer in JSON") from None
    return found if isinstance(found, dict) else {}


def _reason(body: bytes) -> str:
    """The error's name alone: descriptions may repeat what was sent."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error") if isinstance(found, dict) else ""
    return error[:60] if isinstance(error, str) and error.replace("_", "").isalnum() else ""


def credentials_of(entry: Mailbox) -> Credentials:
    oauth = entry.oauth2
    if oauth is None:
        return Password(entry.password.get_secret_value() if entry.password else "")
    if oauth.token_command:
        return Tokens(Grant(command=tuple(oauth.token_command)))
    provider = oauth.provider or ("microsoft" if oauth.tenant else "")
    refreshing = oauth.refresh_token is not None
    url = oauth.token_url or TOKEN_URLS[provider].format(tenant=urllib.parse.quote(oauth.tenant or "common", safe=""))
    return Tokens(
        Grant(
            url=url,
            client_id=oauth.client_id or "",
            client_secret=oauth.client_secret.get_secret_value() if oauth.client_secret else "",
            refresh_token=oauth.refresh_token.get_secret_value() if oauth.refresh_token else "",
            scope=oauth.scope or SCOPES.get((provider, refreshing), ""),
            ca_file=oauth.tls_ca,
        )
    )
