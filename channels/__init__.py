"""Channels carry a `Message` to one address; they never see an incident.

A channel is one file in this package:

    NAME = "sms"                                 # as `[channels.<NAME>]` names it
    class Settings(BaseModel): ...               # validates that table
    class Channel:
        def __init__(self, settings: Settings) -> None: ...
        async def send(self, message: Message) -> str: ...   # the other side's id for it, or ""
        async def close(self) -> None: ...

`send` returns only when the other side said yes; otherwise it raises `DeliveryError`. It may be called for many
messages at once.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Message:
    """The words, for one channel and one address. `at` in milliseconds since the epoch, UTC.

    `key` is the same at every attempt, so that the other side can drop a second copy. `headers` are further mail
    headers (Auto-Submitted, X-Tocsin-Loop, …); `message_id` and the thread ids are without angle brackets.
    """

    key: str
    channel: str
    to: str
    subject: str
    text: str
    at: int
    to_name: str = ""
    html: str = ""
    incident: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    mail_from: str = ""  # envelope sender; "" is the null path <>
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class DeliveryError(Exception):
    """The other side did not take it. `permanent`: trying again is useless. `retry_after`: seconds, if it said so."""

    def __init__(self, message: str, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


def load() -> dict[str, ModuleType]:
    """Every channel module of this package by its NAME. Raises ValueError on a broken or doubled one."""
    found: dict[str, ModuleType] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda i: i.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        name = getattr(module, "NAME", None)
        if not isinstance(name, str) or not hasattr(module, "Settings") or not hasattr(module, "Channel"):
            raise ValueError(f"channels/{info.name}.py is no channel: it needs NAME, Settings and Channel")
        if name in found:
            raise ValueError(f"channels/{info.name}.py: the name {name!r} is taken")
        found[name] = module
    return found
