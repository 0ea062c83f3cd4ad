"""A private Dovecot: real IMAP over Maildir, plain and TLS, with or without IDLE. Every user's password is PASSWORD.

It is killed as a whole with `kill()` and comes back on the same ports with `start()`; `kill_sessions()` ends only the
processes that serve a connection, as a crash or a restart of the backend does.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from imapclient import IMAPClient

from tests.peers.process import Process, free_port, listens

PASSWORD = "mailbox-secret"
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

_CONFIG = """\
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/server.crt
ssl_key = <{root}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{root}/mail/%u
mail_fsync = never
first_valid_uid = 1
mail_max_userip_connections = 1000
default_process_limit = 1000
default_client_limit = 4000
imap_idle_notify_interval = 2 mins
{extra}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""
_WITHOUT_IDLE = (
    "imap_capability = IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ UNSELECT CHILDREN NAMESPACE UIDPLUS MOVE"
)


def missing() -> str:
    """Why there can be no Dovecot here; "" when there can."""
    if not shutil.which("dovecot", path=_SBIN):
        return "dovecot is not installed"
    if os.geteuid() != 0:
        return "Dovecot starts as root only"
    if not shutil.which("openssl"):
        return "openssl is not installed"
    return ""


def certificates(folder: Path) -> None:
    """ca.crt, and server.crt with server.key for 127.0.0.1 and localhost, signed by it."""

    def openssl(*argv: str) -> None:
        subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True, timeout=30)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "30", "-subj", "/CN=Test authority",
            "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
            "-extfile", "server.ext", "-out", "server.crt")  # fmt: skip


class Dovecot:
    """A running instance. `port` speaks plain and STARTTLS, `tls_port` TLS with a certificate of `ca`."""

    def __init__(self, root: Path, extra: str) -> None:
        self.root, self.port, self.tls_port = root, free_port(), free_port()
        self.ca = root / "ca.crt"
        certificates(root)
        owner = pwd.getpwnam("nobody")
        self._owner = owner.pw_uid, owner.pw_gid
        (root / "mail").mkdir()
        os.chown(root / "mail", *self._owner)
        text = _CONFIG.format(
            root=root,
            port=self.port,
            tls_port=self.tls_port,
            password=PASSWORD,
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            extra=extra,
        )
        (root / "dovecot.conf").write_text(text)
        self._process: Process | None = None

    def start(self) -> Dovecot:
        argv = [shutil.which("dovecot", path=_SBIN) or "dovecot", "-F", "-c", str(self.root / "dovecot.conf")]
        self._process = Process(argv, self.root / "master.log", os.environ | {"PATH": _SBIN})
        self._process.wait_ready(lambda: listens(self.port) and listens(self.tls_port))
        return self

    @property
    def log(self) -> str:
        path = self.root / "dovecot.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def kill(self) -> None:
        """The whole server at once, without a word to its clients."""
        if self._process is not None:
            self._sweep()
            self._process.kill()
            self._process = None
        (self.root / "run/master.pid").unlink(missing_ok=True)

    def _sweep(self) -> None:
        for pid in self._children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_sessions(self) -> int:
        """Kills the processes that serve connections; how many there were."""
        pids = self._children("imap")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def freeze_sessions(self, on: bool = True) -> int:
        """Their sockets stay open and nothing is answered: a hung server."""
        pids = self._children("imap")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)
        return len(pids)

    def _children(self, name: str = "") -> list[int]:
        assert self._process is not None
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                text = path.read_text()
                comm, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
                if int(rest[1]) == self._process.pid and (not name or comm == name):
                    found.append(int(path.parent.name))
        return found

    # the mails

    def client(self, user: str = "support") -> IMAPClient:
        """A person's mail program, logged in."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20)
        client.login(user, PASSWORD)
        return client

    def append(self, *messages: bytes, user: str = "support", folder: str = "INBOX") -> None:
        with self.client(user) as client:
            for message in messages:
                client.append(folder, message)

    def fill(self, messages: list[bytes], user: str = "support") -> None:
        """Many at once, into the Maildir itself, as a delivery agent does."""
        box = self.root / "mail" / user
        for name in ("", "tmp", "new", "cur"):
            (box / name).mkdir(exist_ok=True)
            os.chown(box / name, *self._owner)
        start = time.time_ns()
        for number, message in enumerate(messages):
            path = box / "tmp" / f"{start // 10**9}.M{start % 10**9 // 1000}P{number}.test"
            path.write_bytes(message)
            os.chown(path, *self._owner)
            path.rename(box / "new" / path.name)

    def flags(self, user: str = "support", folder: str = "INBOX") -> dict[int, set[bytes]]:
        """UID -> flags of every mail there."""
        with self.client(user) as client:
            if not client.folder_exists(folder):
                return {}
            client.select_folder(folder, readonly=True)
            uids = client.search("ALL")
            return {uid: set(data[b"FLAGS"]) - {b"\\Recent"} for uid, data in client.fetch(uids, ["FLAGS"]).items()}


@contextlib.contextmanager
def running(idle: bool = True, extra: str = "") -> Iterator[Dovecot]:
    # Its processes run as other users, which cannot enter pytest's own directories.
    root = Path(tempfile.mkdtemp(prefix="tocsin-dovecot-"))
    server: Dovecot | None = None
    try:
        root.chmod(0o755)
        server = Dovecot(root, ("" if idle else _WITHOUT_IDLE) + "\n" + extra)
        yield server.start()
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(root, ignore_errors=True)


def letter(number: int | str, size: int = 0, sender: str = "li@customer.example", subject: str = "") -> bytes:
    """A customer's mail, distinct by its number."""
    text = f"Request {number}: the bill of this month is wrong.\r\n"
    text += "x" * 76 + "\r\n" if size else ""
    text += ("The amount does not fit what was used, and nobody answers.\r\n" * (size // 60 + 1))[:size]
    return (
        f"From: Li Lei <{sender}>\r\nTo: support@tocsin.example\r\nSubject: {subject or f'Question {number}'}\r\n"
        f"Message-ID: <{number}@customer.example>\r\nDate: Mon, 05 Jan 2026 09:00:00 +0800\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}"
    ).encode()
