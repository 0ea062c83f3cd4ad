"""Logging to standard error: one line a decision, as text or as JSON lines."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson


class Zoned(logging.Formatter):
    """Instants as ISO 8601 with milliseconds and the zone's offset."""

    def __init__(self, format_: str | None, zone: ZoneInfo | None) -> None:
        super().__init__(format_)
        self._zone = zone

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 — logging's name
        return datetime.fromtimestamp(record.created, self._zone or UTC).isoformat(timespec="milliseconds")


class JsonLines(Zoned):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class Lines(Zoned):
    """Text; what comes from outside cannot begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = super().format(record).splitlines() or [""]
        return "\n".join((first, *(f"    {line}" for line in rest)))


def configure(level: str, format_: str, zone: ZoneInfo | None = None) -> None:
    """`zone`: of the times; UTC without one."""
    handler = logging.StreamHandler(sys.stderr)
    text = "%(asctime)s %(levelname)s %(name)s %(message)s"
    handler.setFormatter(JsonLines(None, zone) if format_ == "json" else Lines(text, zone))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tocsin").setLevel(level.upper())
    logging.logProcesses = logging.logThreads = logging.logMultiprocessing = False
