"""What `[security] key` signs in mail: reply addresses that name an incident, and the mark of our own mail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_TOKEN = re.compile(r"inc(\d{1,18})-([a-z2-7]{16})")
LOOP_HEADER = "X-Tocsin-Loop"


class Signer:
    """HMAC-SHA256, cut to 80 bits: enough against guessing by mail, short enough for a local part."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._key = key.encode()

    def _mac(self, purpose: str, text: str) -> str:
        digest = hmac.new(self._key, f"tocsin {purpose}\0{text}".encode(), hashlib.sha256).digest()[:10]
        return base64.b32encode(digest).decode().lower()

    def reply_address(self, address: str, incident: int) -> str:
        """`support+inc42-<mac>@example` from `support@example`: a reply to it joins INC-42 whoever sends it."""
        local, _, domain = address.rpartition("@")
        return f"{local.partition('+')[0]}+inc{incident}-{self._mac('reply', str(incident))}@{domain}"

    def incident_of(self, address: str) -> int | None:
        """The incident that a recipient's valid token names; None without one (a forged one is ignored)."""
        local = address.rpartition("@")[0].partition("+")[2].casefold()
        match = _TOKEN.fullmatch(local)
        if match is None or not hmac.compare_digest(self._mac("reply", match.group(1)), match.group(2)):
            return None
        return int(match.group(1))

    def loop_mark(self, incident: int) -> str:
        return f"{incident}-{self._mac('loop', str(incident))}"

    def is_own(self, mark: str) -> bool:
        number, _, mac = mark.strip().partition("-")
        return number.isdigit() and hmac.compare_digest(self._mac("loop", number), mac)


def subject_key(subject: str) -> str:
    """A subject as the caps compare it (MAIL 2.2d, 6): without reply prefixes and counters, case-folded."""
    text = subject.casefold().strip()
    while True:
        shorter = _PREFIX.sub("", text, count=1)
        if shorter == text:
            return " ".join(text.split())[:200]
        text = shorter


_PREFIX = re.compile(
    r"^(?:(?:re|fw|fwd|aw|wg|sv|vs|vb|antw|doorst|tr|rv|enc|rif|i|r|ynt|ilt|odp|pd|ref|auto"
    r"|回复|答复|转发|回覆|轉寄|答覆|返信|転送|회신|전달|自动回复)\s*(?:\[\d+\])?\s*[:：]|\[\d+\])\s*"
)
