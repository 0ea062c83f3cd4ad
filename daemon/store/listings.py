"""The seldom used queries (console, command line), through the models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext
from tortoise.exceptions import BaseORMException

from daemon.store import inbox, outbox
from daemon.store.apply import NOTICE_COLUMNS
from daemon.store.connection import Reader
from daemon.store.errors import from_postgres, from_sqlite
from daemon.store.models import OutboxEntry, ReportEntry, SettingEntry, TokenEntry
from daemon.store.pages import MAX_LIMIT, page, read_cursor
from daemon.store.records import InboxRow, NoticeRow, ReportResult, Token
from daemon.store.schema import entered

T = TypeVar("T")
_NOTICE = tuple(NOTICE_COLUMNS.split(", "))
_TOKEN = ("id", "name", "scope", "person", "created_at", "revoked_at")


class Orm:
    """The models over the readers' connection, whatever task asks."""

    def __init__(self, context: TortoiseContext, client: BaseDBAsyncClient) -> None:
        self._context = context
        self._client = client

    async def __call__(self, query: Callable[[BaseDBAsyncClient], Awaitable[T]]) -> T:
        """Runs `query`. Raises StoreError when the database is away."""
        translate = from_sqlite if self._client.capabilities.dialect == "sqlite" else from_postgres
        with entered(self._context):
            try:
                return await query(self._client)
            except BaseORMException as error:
                cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error.__cause__
                raise translate(cause if isinstance(cause, Exception) else error) from error
            except Exception as error:
                raise translate(error) from error

    async def close(self) -> None:
        with entered(self._context):
            await self._client.close()


async def inbox_row(orm: Orm, reader: Reader, folder: Path | None, number: int) -> InboxRow | None:
    """With its bytes and what became of its reports. Raises OSError when its file is gone."""
    rows = await reader.fetch(
        f"SELECT i.state, i.outcome, i.error, i.attempts, r.size, r.sha256, {inbox.RAW_COLUMNS} "
        "FROM inbox i JOIN raw r ON r.id = i.id WHERE i.id = $1",
        number,
    )
    if not rows:
        return None
    state, outcome, error, attempts, size, sha256, *rest = rows[0]
    [raw] = await inbox.decoded([tuple(rest)], folder)
    reports = await orm(
        lambda db: (
            ReportEntry.filter(inbox=number)
            .order_by("idx")
            .using_db(db)
            .values_list("idx", "outcome", "incident", "key")
        )
    )
    return InboxRow(
        raw.id,
        raw.source,
        raw.entry,
        raw.parser,
        raw.received_at,
        state,
        outcome,
        error,
        attempts,
        size,
        sha256,
        raw,
        tuple(ReportResult(*r) for r in reports),
    )


async def list_notices(
    orm: Orm, state: str | None, incident: int | None, cursor: str | None, limit: int
) -> tuple[list[NoticeRow], str | None]:
    """Newest first."""
    limit = max(1, min(limit, MAX_LIMIT))
    filters: dict[str, object] = {}
    if state:
        filters["state"] = state
    if incident is not None:
        filters["incident_id"] = incident
    if cursor is not None:
        filters["id__lt"] = read_cursor(cursor)
    rows = await orm(
        lambda db: OutboxEntry.filter(**filters).order_by("-id").limit(limit + 1).using_db(db).values_list(*_NOTICE)
    )
    return page([outbox.decode(tuple(row)) for row in rows], limit)


async def notice(orm: Orm, number: int) -> NoticeRow | None:
    rows = await orm(lambda db: OutboxEntry.filter(id=number).using_db(db).values_list(*_NOTICE))
    return outbox.decode(tuple(rows[0])) if rows else None


async def tokens(orm: Orm) -> list[Token]:
    rows = await orm(lambda db: TokenEntry.all().order_by("id").using_db(db).values_list(*_TOKEN))
    return [Token(*row) for row in rows]


async def token_by_hash(orm: Orm, digest: str) -> Token | None:
    rows = await orm(lambda db: TokenEntry.filter(hash=digest).using_db(db).values_list(*_TOKEN))
    return Token(*rows[0]) if rows else None


async def setting(orm: Orm, name: str) -> str | None:
    rows = await orm(lambda db: SettingEntry.filter(name=name).using_db(db).values_list("value"))
    return str(rows[0][0]) if rows else None
