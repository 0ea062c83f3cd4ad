"""sd_notify(3): readiness, reload, stopping and the watchdog, over the socket that systemd names."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Nothing outside systemd; never fails: who watches must not break what is watched."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.connect(address)
            out.sendall(state.encode())
    except OSError:
        return


def watchdog_interval() -> float | None:
    """Seconds between WATCHDOG=1, half of what systemd allows; None without a watchdog."""
    given = os.environ.get("WATCHDOG_USEC", "")
    return int(given) / 2_000_000 if given.isdigit() and int(given) else None
