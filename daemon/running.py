"""What a reload swaps whole: the config and everything that is made of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import channels
from daemon.config import Config
from daemon.config.sections import Security
from daemon.core.book import Book
from daemon.doors.smtp_routes import PARSERS
from daemon.loops.dispatcher import Settings
from daemon.loops.envelope import sender_of
from daemon.signing import Signer
from daemon.wording import Wording

log = logging.getLogger("tocsin.main")

FIXED = ("database.url", "http.listen", "smtp.listen")
"""What a reload cannot change, beside the key: it needs a restart."""


@dataclass
class Current:
    """The present config, with the book, the words and the channels made of it."""

    config: Config
    book: Book
    sending: Settings
    parser_settings: Mapping[str, Any]

    def secrets(self) -> Iterable[str]:
        """Tokens of webhooks and heartbeats: the inbox never shows them."""
        tokens = [e.token for e in self.config.webhooks] + [h.token for h in self.config.heartbeats]
        return [token.get_secret_value() for token in tokens if token]

    def signals(self) -> list[tuple[str, str]]:
        """The (source, parser) pairs that may come in."""
        pairs = [("webhook", hook.parser) for hook in self.config.webhooks]
        if self.config.smtp:
            pairs += [("smtp", PARSERS[route.as_]) for route in self.config.smtp.routes]
        pairs += [("email", PARSERS[box.as_]) for box in self.config.mailboxes]
        pairs += [("webhook", "heartbeat")] if self.config.heartbeats else []
        return list(dict.fromkeys(pairs))


def current(config: Config, signer: Signer) -> Current:
    """Raises ValueError for a channel that cannot be made."""
    modules = channels.load()
    email = config.channels.get("email")
    sending = Settings(
        wording=Wording(config.locale, config.timezone, config.http.public_url),
        sender=sender_of(signer, getattr(email, "from_", ""), getattr(email, "reply_to", "")),
        channels={name: modules[name].Channel(settings) for name, settings in config.channels.items()},
    )
    settings = {hook.name: hook.settings for hook in config.webhooks}
    return Current(config, config.book(), sending, settings)


async def close_channels(sending: Settings) -> None:
    for name, channel in sending.channels.items():
        try:
            await channel.close()  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 — it is going away; the rest must still be closed
            log.warning("closing channel=%s error=%r", name, error)


def needs_restart(old: Config, new: Config) -> list[str]:
    """The settings of FIXED that differ, and the key."""

    def value(config: Config, path: str) -> Any:
        found: Any = config
        for part in path.split("."):
            found = getattr(found, part, None)
        return str(found)

    differ = [path for path in FIXED if value(old, path) != value(new, path)]
    return [*differ, "security.key"] if _other_key(old.security, new.security) else differ


def _other_key(old: Security, new: Security) -> bool:
    """A key file that is made at the start was not there yet when the config was read: that is no change."""
    return old.key_file != new.key_file or (old.key != new.key and not (old.key_file and old.key is None))
