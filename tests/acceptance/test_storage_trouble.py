"""The disk is full, the database is away: we say "later", stay alive, and keep all that we said yes to."""

from __future__ import annotations

import smtplib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.flood import mail, send_mail
from tests.peers import web
from tests.peers.postgres import Postgres
from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon, alert, group


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("a small file system cannot be mounted here (that takes root)")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Leaves no byte free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
    return filler


class Sender:
    """Posts alerts and remembers which of them were accepted."""

    def __init__(self, tocsin: Daemon) -> None:
        self.tocsin = tocsin
        self.accepted: set[str] = set()

    def is_put_off(self, name: str) -> bool:
        """Posts one alert; True when the answer is 503 with Retry-After, False for a 202. Else a fault."""
        text = "x" * 20_000  # so that room left over in a page of the file is used up soon
        answer = self.tocsin.webhook(group(alert(name, severity="warning", note=text)))
        assert answer.status in (202, 503), f"{answer.status} {answer.text}"
        if answer.status == 202:
            self.accepted.add(name)
            return False
        assert int(answer.headers["retry-after"]) > 0
        return True

    def check(self) -> None:
        """All that was accepted is an incident."""
        wait_until(self.tocsin.is_ready, 20)
        self.tocsin.settled(30)
        titles = " ".join(one["title"] for one in self.tocsin.incidents())
        missing = [name for name in self.accepted if name not in titles]
        assert not missing, f"accepted and lost: {missing}"


def mail_code(tocsin: Daemon, subject: str) -> int:
    """The last reply to a mail handed in: 250, or the code of the refusal."""
    try:
        send_mail(tocsin.smtp_port, mail(subject, "li@customer.example"))
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    return 250


def test_a_full_disk_is_503_and_451_and_nothing_accepted_is_lost(
    daemon: Callable[..., Daemon], small_disk: Path
) -> None:
    tocsin = daemon(database=f"sqlite://{small_disk}/tocsin.sqlite3")
    tocsin.token()
    sender = Sender(tocsin)
    assert not sender.is_put_off("BeforeFull")
    tocsin.settled()

    filler = fill(small_disk)
    names = iter(f"Full{n}" for n in range(2000))
    wait_until(lambda: sender.is_put_off(next(names)), 30, "the disk is full")

    assert mail_code(tocsin, "To a full disk") == 451
    assert tocsin.running.code is None
    assert web.get(f"{tocsin.url}/healthz").status == 200
    assert "Traceback" not in tocsin.log

    filler.unlink()
    wait_until(lambda: not sender.is_put_off(next(names)), 30, "there is room again")
    assert mail_code(tocsin, "Room again") == 250
    sender.check()
    tocsin.restart()
    sender.check()


@pytest.mark.timeout(150)
def test_a_database_that_goes_away_is_said_everywhere_and_comes_back(
    daemon: Callable[..., Daemon], postgres_server: Postgres, postgres_url: str
) -> None:
    tocsin = daemon(database=postgres_url)
    tocsin.token()
    sender = Sender(tocsin)
    assert not sender.is_put_off("BeforeTheStop")
    tocsin.settled()

    postgres_server.kill()

    wait_until(lambda: web.get(f"{tocsin.url}/readyz").status == 503, 20, "/readyz says so")
    assert sender.is_put_off("WhileItIsAway")
    assert mail_code(tocsin, "While it is away") == 451
    assert web.get(f"{tocsin.url}/healthz").status == 200
    assert tocsin.running.code is None

    postgres_server.start()

    wait_until(lambda: web.get(f"{tocsin.url}/readyz").status == 200, 30, "/readyz is good again")
    wait_until(lambda: not sender.is_put_off("AfterTheStart"), 20, "webhooks are taken again")
    assert mail_code(tocsin, "After the start") == 250
    sender.check()
    assert "WhileItIsAway" not in " ".join(one["title"] for one in tocsin.incidents())
