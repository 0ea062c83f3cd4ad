"""The only room that knows the database. Everything else sees `opened`, `Store` and `Tx`."""

from daemon.core.incident import AlertKey
from daemon.store import windows
from daemon.store.errors import Conflict, StoreError, Unstorable
from daemon.store.heartbeats import Heartbeats
from daemon.store.mailboxes import Mailboxes
from daemon.store.opening import opened
from daemon.store.records import (
    Answer,
    InboxResult,
    InboxRow,
    NoticeResult,
    NoticeRow,
    ReplyCounts,
    ReportResult,
    Snapshot,
    TimelineRow,
    Token,
)
from daemon.store.schema import check, upgrade
from daemon.store.store import Store
from daemon.store.transaction import Tx

__all__ = [
    "AlertKey",
    "Answer",
    "Conflict",
    "Heartbeats",
    "InboxResult",
    "InboxRow",
    "Mailboxes",
    "NoticeResult",
    "NoticeRow",
    "ReplyCounts",
    "ReportResult",
    "Snapshot",
    "Store",
    "StoreError",
    "TimelineRow",
    "Token",
    "Tx",
    "Unstorable",
    "check",
    "opened",
    "upgrade",
    "windows",
]
