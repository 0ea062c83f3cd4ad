"""`tocsin import mail`: every mail of every file once, also when it is called again."""

from __future__ import annotations

import asyncio
import mailbox
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.cli import main
from daemon.clock import SystemClock
from daemon.commands.mail_files import files_of, mails_of
from daemon.store import opened
from parsers import Raw
from tests.peers.dovecot import letter
from tests.peers.tocsin import Settings


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    config = Settings().write(tmp_path)

    def call(*argv: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["import", "mail", *(str(a) for a in argv), "--config", str(config)])
        return (code, *capsys.readouterr())

    return call


def inbox(folder: Path) -> list[Raw]:
    async def read() -> list[Raw]:
        async with opened(f"sqlite://{folder}/tocsin.sqlite3", SystemClock(), exclusive=False) as store:
            return await store.pending(5000, 1 << 30)

    return asyncio.run(read())


def mbox_of(path: Path, *messages: bytes) -> Path:
    box = mailbox.mbox(path)
    for message in messages:
        box.add(message.replace(b"\r\n", b"\n"))
    box.close()
    return path


def test_eml_mbox_and_maildir_are_imported_once_and_duplicates_are_named(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "a.eml").write_bytes(letter(1))
    (tmp_path / "b.eml").write_bytes(letter(1))
    mbox_of(tmp_path / "old.mbox", letter(2), letter(3))
    made = mailbox.Maildir(tmp_path / "dir")
    made.add(letter(4))
    made.add(letter(5))
    files = [tmp_path / name for name in ("a.eml", "b.eml", "old.mbox", "dir")]
    code, out, err = run(*files, "--no-wait")
    assert (code, out) == (0, "imported 5, duplicates 1\n")
    assert f"duplicate: {tmp_path}/b.eml ({tmp_path}/a.eml)" in err
    found = inbox(tmp_path)
    assert {r.body.replace(b"\r\n", b"\n") for r in found} == {letter(n).replace(b"\r\n", b"\n") for n in range(1, 6)}
    assert {(r.source, r.entry, r.parser) for r in found} == {("email", "*", "customer_mail")}
    assert {r.headers["x-internaldate"] for r in found} == {"2026-01-05T01:00:00.000Z"}

    code, out, err = run(*files, "--no-wait")
    assert (code, out) == (0, "imported 0, duplicates 6\n")
    assert err.count("an earlier import") == 5
    assert len(inbox(tmp_path)) == 5


def test_an_import_that_was_interrupted_goes_on_where_it_ended(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    mbox_of(tmp_path / "half.mbox", *(letter(n) for n in range(300)))
    run(tmp_path / "half.mbox", "--no-wait")
    mbox_of(tmp_path / "half.mbox", *(letter(n) for n in range(300, 700)))
    code, out, err = run(tmp_path / "half.mbox", "--no-wait")
    assert (code, out) == (0, "imported 400, duplicates 300\n")
    assert "duplicate: 280 more" in err
    assert len(inbox(tmp_path)) == 700


def test_without_a_daemon_it_says_that_the_mails_wait(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.commands.importing.QUIET", 0.3)
    (tmp_path / "a.eml").write_bytes(letter(1))
    code, out, err = run(tmp_path / "a.eml", "--entry", "alerts@*")
    assert (code, out) == (0, "imported 1, duplicates 0 (pending 1)\n")
    assert "no daemon reads the inbox" in err
    assert inbox(tmp_path)[0].parser == "alert_mail"


def test_what_cannot_be_taken_is_named_and_the_rest_is_taken(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "a.eml").write_bytes(letter(1))
    (tmp_path / "empty.eml").write_bytes(b" \n")
    (tmp_path / "huge.eml").write_bytes(letter(2, 26 << 20))
    code, out, err = run(tmp_path, "--no-wait")
    assert (code, out) == (1, "imported 1, duplicates 0\n")
    assert "empty.eml: is empty" in err
    assert "huge.eml: is larger than 26214400 bytes" in err


def test_a_file_or_an_entry_that_is_not_there_is_a_wrong_call(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    assert run(tmp_path / "no.eml")[0] == 2
    (tmp_path / "a.eml").write_bytes(letter(1))
    code, _, err = run(tmp_path / "a.eml", "--entry", "nobody")
    assert code == 2
    assert "there is no mailbox or route 'nobody'" in err


def test_an_mbox_is_parted_at_its_from_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(
        b"From a@x Mon Jan  5 09:00:00 2026\nSubject: 1\n\nFrom here on it fails.\n>From quoted\n>>From twice\n\n"
        b"From time to time it works.\n\nFrom b@x Mon Jan  5 09:00:01 2026\nSubject: 2\n\nlast"
    )
    assert [(f.name, f.body) for f in mails_of(path, 1000)] == [
        (
            f"{path}#1",
            b"Subject: 1\n\nFrom here on it fails.\nFrom quoted\n>From twice\n\nFrom time to time it works.\n",
        ),
        (f"{path}#2", b"Subject: 2\n\nlast"),
    ]
    assert [f.body is None for f in mails_of(path, 30)] == [True, False]


def test_a_folder_is_searched_for_eml_files(tmp_path: Path) -> None:
    for name in ("b.eml", "x/a.eml", "x/readme.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(letter(1))
    assert [p.name for p in files_of(tmp_path)] == ["b.eml", "a.eml"]
