"""Our own signal that a heartbeat is missed, or is back.

    {"heartbeat": "backup", "state": "missed", "last_at": "2026-01-05T01:00:00.000Z", "every": 86400}

gives `Report(signal=ALERT, title="Heartbeat backup is missed", key="heartbeat:backup", source="backup")`; the state
"back" resolves it.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from parsers import ALERT, FIRING, RESOLVED, Raw, Report, Unparsable

NAME = "heartbeat"
STATES = {"missed": FIRING, "back": RESOLVED}


def accepts(raw: Raw) -> bool:
    return raw.body.lstrip()[:1] == b"{"


def parse(raw: Raw, settings: object = None) -> Sequence[Report]:
    """One report. Raises Unparsable for anything but what the heartbeats' door writes."""
    try:
        data = orjson.loads(raw.body)
    except orjson.JSONDecodeError as error:
        raise Unparsable(f"not JSON: {error}") from None
    name = data.get("heartbeat") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name:
        raise Unparsable("it names no heartbeat")
    state = STATES.get(str(data.get("state")))
    if state is None:
        raise Unparsable('its state is neither "missed" nor "back"')
    last, every = str(data.get("last_at") or "-")[:40], str(data.get("every") or "-")[:20]
    back = state == RESOLVED
    return [
        Report(
            ALERT,
            title=f"心跳恢复 Heartbeat {name} is back" if back else f"心跳丢失 Heartbeat {name} is missed",
            state=state,
            key=f"heartbeat:{name}",
            text=f"heartbeat: {name}\nlast beat: {last}\nexpected every: {every} s",
            source=name,
            labels={"heartbeat": name},
        )
    ]
