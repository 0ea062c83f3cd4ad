"""Opening the store: the lock, the schema's version, damage, and what is said about each."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tortoise.migrations.autodetector import MigrationAutodetector

from daemon.clock import VirtualClock
from daemon.store import StoreError, check, opened, schema, upgrade
from daemon.store.connection import connect_sqlite, target
from tests.peers.stored import NOW, raw, registered

pytestmark = pytest.mark.asyncio


async def test_a_second_daemon_on_one_sqlite_file_is_refused(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/var/t.db"
    async with opened(url, VirtualClock(NOW)) as store:
        with pytest.raises(StoreError, match=r"t\.db is in use by another tocsin \(process \d+\)"):
            async with opened(url, VirtualClock(NOW)):
                pass
        with pytest.raises(StoreError, match="in use"):
            await upgrade(url)
        await store.accept([raw(store)])
    async with opened(url, VirtualClock(NOW)) as store:
        assert len(await store.pending(10)) == 1


async def test_another_process_on_one_sqlite_file_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/t.db"
    program = (
        "import asyncio, sys\n"
        "from daemon.clock import SystemClock\n"
        "from daemon.store import opened\n"
        "async def main():\n"
        f"    async with opened({url!r}, SystemClock()):\n"
        "        print('open', flush=True)\n"
        "        await asyncio.to_thread(sys.stdin.read)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match=f"process {other.pid}"):
            async with opened(url, VirtualClock(NOW)):
                pass
        other.kill()
    async with opened(url, VirtualClock(NOW)):
        pass


async def test_a_short_command_may_write_beside_a_daemon(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/t.db"
    async with opened(url, VirtualClock(NOW)) as daemon, opened(url, VirtualClock(NOW), exclusive=False) as command:
        await command.add_token("prometheus", "ingest", None, "ab" * 32)
        [token] = await daemon.tokens()
        assert token.name == "prometheus"
        assert len({i.id for i in [*await registered(daemon, 2), *await registered(command, 2)]}) == 4


async def test_an_empty_database_gets_its_tables_and_a_good_one_passes_the_check(database_url: str) -> None:
    assert await check(database_url) != []
    async with opened(database_url, VirtualClock(NOW)) as store:
        await registered(store)
    assert await check(database_url) == []
    await upgrade(database_url)
    await upgrade(database_url)
    async with opened(database_url, VirtualClock(NOW)) as store:
        assert len((await store.incidents())[0]) == 1


async def test_one_migration_set_goes_up_down_and_up_again(database_url: str) -> None:
    where = target(database_url)
    if where.dialect == "sqlite":
        Path(where.path).parent.mkdir()
    await schema.move(where)
    assert await check(database_url) == []
    await schema.move(where, "__first__")
    assert await check(database_url) == [f"{where.name}: the database is empty: tocsin db upgrade makes the tables"]
    await upgrade(database_url)
    assert await check(database_url) == []
    async with opened(database_url, VirtualClock(NOW)) as store:
        await registered(store)


async def test_a_database_of_another_version_is_refused_with_the_way_out(database_url: str) -> None:
    async with opened(database_url, VirtualClock(NOW)) as store:
        await store.run(
            "UPDATE tortoise_migrations SET name = $1 WHERE name = $2", [("9999_of_tomorrow", schema.known()[-1])]
        )
    with pytest.raises(StoreError, match="newer tocsin"):
        async with opened(database_url, VirtualClock(NOW)):
            pass
    with pytest.raises(StoreError, match="newer tocsin"):
        await upgrade(database_url)


async def test_the_models_and_the_migrations_say_the_same(tmp_path: Path) -> None:
    where = target(f"sqlite://{tmp_path}/t.db")
    context, client = await schema.context(where)
    try:
        with schema.entered(context):
            assert context.apps is not None
            changes = await MigrationAutodetector(context.apps, {schema.APP: schema._app(where)}).changes()
        assert [c.as_string() for c in changes] == []
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://x/y", "mysql"),
        ("sqlite://", "no database URL"),
        ("", "no database URL"),
        ("sqlite:///proc/no/such/t.db", "/proc/no"),
        ("sqlite:///dev/null/t.db", "/dev/null"),
        ("postgres://u:s3cret@127.0.0.1:1/db", "postgres://127.0.0.1/db"),
    ],
)
async def test_a_database_that_cannot_be_opened_is_said_in_one_line_without_secrets(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        async with opened(url, VirtualClock(NOW)):
            pass
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(target(url) if "s3cret" in url else "")


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreError, match="not a database"):
        async with opened(f"sqlite://{tmp_path}/t.db", VirtualClock(NOW)):
            pass


async def test_a_damaged_file_is_said_by_start_and_check(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/t.db"
    async with opened(url, VirtualClock(NOW)) as store:
        await registered(store, 2000, text="x" * 500)
    data = bytearray((tmp_path / "t.db").read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 8192] = b"\xff" * 8192
    (tmp_path / "t.db").write_bytes(data)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        async with opened(url, VirtualClock(NOW)):
            pass
    assert await check(url) != []


async def test_check_names_a_body_whose_file_is_gone(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/t.db"
    async with opened(url, VirtualClock(NOW)) as store:
        large = raw(store, b"x" * 300_000)
        await store.accept([large])
    [file] = [p for p in (tmp_path / "t.db.raw").rglob("*") if p.is_file()]
    file.unlink()
    [problem] = await check(url)
    assert str(large.id) in problem


async def test_check_does_not_make_a_database(tmp_path: Path) -> None:
    [problem] = await check(f"sqlite://{tmp_path}/no.db")
    assert "no.db: there is no database yet: tocsin db upgrade makes it" in problem
    assert list(tmp_path.iterdir()) == []


async def test_the_files_and_the_folder_that_we_make_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        async with opened(f"sqlite://{tmp_path}/var/t.db", VirtualClock(NOW)) as store:
            await store.accept([raw(store, b"x" * 300_000)])
            found = [tmp_path / "var", *(tmp_path / "var").rglob("*")]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in found}
            assert {"t.db", "t.db-wal", "t.db-shm", "t.db.raw"} < set(modes)
            assert all(mode in (0o600, 0o700) for mode in modes.values()), modes
    finally:
        os.umask(before)


async def test_a_connection_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    for _ in range(3):
        with pytest.raises(StoreError, match="cannot be opened"):
            await connect_sqlite(f"{tmp_path}/no/t.db")
    assert [t.name for t in threading.enumerate() if "_connection_worker_thread" in t.name] == []


async def test_the_store_may_be_opened_by_one_task_and_used_by_another(database_url: str) -> None:
    import asyncio
    import contextvars

    async with opened(database_url, VirtualClock(NOW)) as store:
        loop = asyncio.get_running_loop()
        elsewhere = contextvars.Context()
        assert await loop.create_task(store.notices(), context=elsewhere) == ([], None)
        await loop.create_task(store.put_setting("a", "b"), context=elsewhere)
        assert await loop.create_task(store.setting("a"), context=elsewhere) == "b"
