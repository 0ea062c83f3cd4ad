"""Large bodies, full disks, locked files, values that no database holds."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from daemon.clock import VirtualClock
from daemon.store import Store, StoreError, Unstorable, opened
from tests.peers.stored import NOW, raw, registered

pytestmark = pytest.mark.asyncio


def _files(path: Path) -> list[str]:
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


async def test_large_bodies_lie_in_files_beside_sqlite(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/t.db"
    async with opened(url, VirtualClock(NOW)) as store:
        small, large = raw(store, b"s" * 262_144), raw(store, b"l" * 262_145)
        await store.accept([small, large])
        [name] = _files(tmp_path / "t.db.raw")
        assert name.endswith(str(large.id))
        assert (tmp_path / "t.db.raw" / name).stat().st_mode & 0o077 == 0
        with pytest.raises(Unstorable):
            await store.accept([raw(store, b"x" * 300_000), raw(store, id=small.id)])
        assert _files(tmp_path / "t.db.raw") == [name]
    async with opened(url, VirtualClock(NOW)) as store:
        assert await store.pending(10, most=1 << 20) == [small, large]
        assert await store.pending(10, most=1) == [small]


async def test_a_large_body_is_kept_in_its_row_in_memory_and_on_postgres(postgres_url: str) -> None:
    for url in ("sqlite://:memory:", postgres_url):
        async with opened(url, VirtualClock(NOW)) as store:
            large = raw(store, bytes(range(256)) * 20_000)
            await store.accept([large])
            assert await store.pending(10) == [large]


async def test_a_large_body_that_cannot_be_written_is_the_stores_trouble(tmp_path: Path) -> None:
    async with opened(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)) as store:
        (tmp_path / "t.db.raw").write_text("in the way")
        with pytest.raises(StoreError, match="large body"):
            await store.accept([raw(store, b"x" * 300_000)])
        await store.accept([raw(store, b"small")])


async def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    async with opened(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)) as store:
        [(pages,)] = await store.transact(lambda tx: tx.fetch("PRAGMA page_count"))
        await _limit(store, pages + 30)
        arrivals = [store.accept([raw(store, b"x" * 20_000), raw(store, b"y" * 20_000)]) for _ in range(100)]
        answers = await asyncio.gather(*arrivals, return_exceptions=True)
        assert {str(a) for a in answers if isinstance(a, StoreError)} == {"the disk is full"}
        kept = await store.pending(1000)
        assert len(kept) % 2 == 0
        with pytest.raises(StoreError, match="full"):
            await registered(store, 500, text="x" * 2000)
        assert await store.incidents() == ([], None)
        await _limit(store, 1_000_000)
        assert len(await registered(store, 3)) == 3
        assert not store.died.done()


async def test_a_file_that_another_program_has_locked_is_said_and_nothing_hangs(tmp_path: Path) -> None:
    async with opened(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)) as store:
        with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answers = await asyncio.gather(*(store.accept([raw(store)]) for _ in range(3)), return_exceptions=True)
            assert {str(a) for a in answers} == {"the database is locked by another program"}
            assert await store.pending(10) == []
        await store.accept([raw(store)])
        assert len(await store.pending(10)) == 1


async def _limit(store: Store, pages: int) -> None:
    await store._owner._source._session.fetch(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]


async def test_a_value_that_no_database_holds_is_unstorable_and_not_the_databases_trouble(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        for fields in ({"next_at": 1 << 70}, {"measures": {"users": object()}}):
            with pytest.raises(Unstorable):
                await registered(store, **fields)
        assert len(await registered(store)) == 1
