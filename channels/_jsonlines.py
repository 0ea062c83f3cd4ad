"""The `file` provider of the channels: one JSON line a message, on disk before `append` returns."""

from __future__ import annotations

import asyncio
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from channels import DeliveryError, Message


def record(message: Message) -> dict[str, Any]:
    """`at, channel, to, subject, text, incident, key`, then what only mail has. `at` as RFC 3339, UTC."""
    at = datetime.fromtimestamp(message.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line: dict[str, Any] = {
        "at": at,
        "channel": message.channel,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "incident": message.incident,
        "key": message.key,
    }
    further = {
        "message_id": message.message_id,
        "in_reply_to": message.in_reply_to,
        "references": list(message.references),
        "mail_from": message.mail_from,
        "reply_to": message.reply_to,
        "headers": dict(message.headers),
    }
    return line | {name: value for name, value in further.items() if value}


async def append(path: Path, message: Message) -> None:
    """Raises DeliveryError, never permanent: a full disk may have room again."""
    try:
        line = orjson.dumps(record(message)) + b"\n"
    except TypeError as fault:  # lone surrogates
        raise DeliveryError(f"the message is no valid text: {fault}", permanent=True) from fault
    try:
        await asyncio.to_thread(_write, path, line)
    except OSError as fault:
        raise DeliveryError(f"cannot write {path}: {fault.strerror or fault}") from fault


def _write(path: Path, line: bytes) -> None:
    """One whole line or nothing. Opened anew each time, so that the file may be rotated under us. For its owner only:
    what people wrote is in it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # other daemons may write the same file
        before = os.fstat(fd).st_size
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(fd, rest) :]
        except OSError:
            os.ftruncate(fd, before)  # no torn line that a reader would stumble over
            raise
        os.fsync(fd)
    finally:
        os.close(fd)
    if before == 0:
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    """A new file is not durable before its directory is."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
