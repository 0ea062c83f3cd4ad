"""A private Postfix: the customer's mail server and our smart host in one.

Mail for `@tocsin.example` is relayed to our SMTP door (`door`, a port); mail for anybody else is delivered into one
Maildir, where `delivered()` reads it. It listens on `port` and takes mail from its own `sendmail`.
"""

from __future__ import annotations

import email
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path

from tests.peers.process import Process, free_port, listens

_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_MAIN = """\
compatibility_level = 3.6
myhostname = mx.customer.example
mydomain = customer.example
myorigin = customer.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/maillog
maillog_file_prefixes = {root}
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtp_host_lookup = native
alias_maps =
alias_database =
local_recipient_maps =
message_size_limit = 62914560
virtual_mailbox_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_maps = inline:{{ tocsin.example=smtp:[127.0.0.1]:{door} }}
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = {root}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_tls_security_level = none
"""


def missing() -> str:
    """Why there can be no Postfix here; "" when there can."""
    if not shutil.which("postfix", path=_SBIN):
        return "postfix is not installed"
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    return ""


class Postfix:
    """A running instance. `log` is its mail log."""

    def __init__(self, root: Path, port: int, process: Process) -> None:
        self.root = root
        self.port = port
        self._process = process

    @property
    def log(self) -> str:
        path = self.root / "maillog"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def sendmail(self, message: bytes, *recipients: str, sender: str) -> None:
        """Hands over one mail as a program on the customer's host would: header and body on standard input."""
        argv = ["sendmail", "-C", str(self.root / "etc"), "-i", "-f", sender, "--", *recipients]
        environment = os.environ | {"PATH": _SBIN, "MAIL_CONFIG": str(self.root / "etc")}
        subprocess.run(argv, input=message, env=environment, check=True, timeout=30)

    def delivered(self) -> list[Message]:
        """Every mail in the Maildir, oldest first; X-Original-To names the envelope recipient."""
        paths = sorted((self.root / "mail/inbox/new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [email.message_from_bytes(path.read_bytes()) for path in paths]

    def queued(self) -> int:
        """How many mails wait (active, deferred or incoming)."""
        places = ("active", "deferred", "incoming", "maildrop")
        return sum(1 for place in places for path in (self.root / "queue" / place).rglob("*") if path.is_file())


@contextmanager
def running(door: int) -> Iterator[Postfix]:
    """Starts one whose mail for tocsin.example goes to 127.0.0.1:`door`, whether somebody listens there yet or not."""
    # Its processes run as another user, which cannot enter pytest's own directories.
    root = Path(tempfile.mkdtemp(prefix="tocsin-postfix-"))
    process: Process | None = None
    try:
        root.chmod(0o755)
        port = free_port()
        owner = pwd.getpwnam("nobody")
        for name in ("etc", "queue", "data", "mail"):
            (root / name).mkdir(mode=0o755)
        shutil.chown(root / "data", "postfix")
        os.chown(root / "mail", owner.pw_uid, owner.pw_gid)
        main = _MAIN.format(root=root, door=door, uid=owner.pw_uid, gid=owner.pw_gid)
        (root / "etc/main.cf").write_text(main)
        (root / "etc/master.cf").write_text(_MASTER.format(port=port))
        environment = os.environ | {"PATH": _SBIN, "MAIL_CONFIG": str(root / "etc")}
        subprocess.run(
            ["postfix", "-c", root / "etc", "check"], env=environment, capture_output=True, timeout=60, check=True
        )
        daemons = subprocess.run(
            ["postconf", "-c", root / "etc", "-hx", "daemon_directory"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.strip()
        argv: list[str | Path] = [f"{daemons}/master", "-c", root / "etc", "-s"]
        process = Process(argv, root / "master.log", environment)
        process.wait_ready(lambda: listens(port))
        yield Postfix(root, port, process)
    finally:
        if process:
            process.kill()
        shutil.rmtree(root, ignore_errors=True)
