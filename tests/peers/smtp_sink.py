"""Mail servers to deliver into: Postfix's smtp-sink as a process, an aiosmtpd in the test's own loop, and a CA."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import getpass
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.peers.process import Process, free_port, listens


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))


def text_of(part: EmailMessage) -> str:
    """The decoded text, its line ends as "\\n"."""
    return cast(str, part.get_content()).replace("\r\n", "\n")


# -- smtp-sink ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Caught:
    """One mail as smtp-sink saw it: the arguments of MAIL and RCPT, and the message."""

    mail_args: str
    rcpt_args: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return parsed(self.raw)


@dataclass(frozen=True, slots=True)
class Sink:
    """A running smtp-sink; `log` holds its dialogues (-v)."""

    port: int
    folder: Path
    process: Process

    def mails(self) -> list[Caught]:
        return [_caught(path.read_bytes()) for path in sorted(self.folder.glob("mail.*"))]

    @property
    def sessions(self) -> int:
        """Connections so far, by its log."""
        return len(re.findall(r"connect \(", self.process.log))


def _caught(dump: bytes) -> Caught:
    """smtp-sink writes X-… lines of its own and a Received header before the message, and an empty line after it."""
    own, _, rest = dump.replace(b"\r\n", b"\n").partition(b"\nReceived: ")
    fields = dict(line.split(": ", 1) for line in own.decode().splitlines())
    lines = rest.split(b"\n")
    first = next(at for at, line in enumerate(lines[1:], 1) if not line[:1].isspace())
    return Caught(fields["X-Mail-Args"], fields["X-Rcpt-Args"], b"\n".join(lines[first:]))


@pytest.fixture
def smtp_sink(tmp_path: Path) -> Iterator[Callable[..., Sink]]:
    """`smtp_sink("-r", "RCPT")`: a private smtp-sink with those options, which keeps every mail in a file."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
    if program is None:
        pytest.skip("no smtp-sink (Debian: postfix)")
    started: list[Process] = []

    def start(*options: str) -> Sink:
        folder = tmp_path / f"sink{len(started)}"
        folder.mkdir()
        port = free_port()
        argv = [program, "-v", "-u", getpass.getuser(), "-d", f"{folder}/mail.", *options, f"127.0.0.1:{port}", "200"]
        process = Process(argv, folder / "log")
        started.append(process)
        process.wait_ready(lambda: listens(port))
        return Sink(port, folder, process)

    yield start
    for process in started:
        process.kill()


# -- in the test's loop ------------------------------------------------------------------------------------------


@dataclass
class Post:
    """An aiosmtpd that keeps what it takes. A hook gets the envelope and answers a reply, or "" to go on."""

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    connections: list[SMTP] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    on_mail: Callable[[str], str] = lambda address: ""
    on_rcpt: Callable[[str], str] = lambda address: ""
    on_data: Callable[[Envelope], Awaitable[str]] | None = None

    def messages(self) -> list[EmailMessage]:
        return [parsed(cast(bytes, mail.original_content)) for mail in self.mails]

    # What aiosmtpd calls.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if reply := self.on_mail(address):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if reply := self.on_rcpt(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.on_data is not None and (reply := await self.on_data(envelope)):
            return reply
        self.mails.append(envelope)
        return f"250 2.0.0 Ok: queued as {len(self.mails):08X}"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(mechanism)
        good = data.login == b"tocsin" and data.password == b"correct horse"
        return AuthResult(success=good, handled=False)


class _Recording(SMTP):
    """Counts connections and writes down the verbs."""

    post: Post

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self in self.post.connections:  # made a second time, now in TLS
            self.post.commands.append("STARTTLS")
        else:
            self.post.connections.append(self)
        super().connection_made(transport)

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        self.post.commands.append(command)
        return await super()._call_handler_hook(command, *args)


Listen = Callable[..., Awaitable[Post]]


@pytest_asyncio.fixture
async def mail_server() -> AsyncIterator[Listen]:
    """`await mail_server()` listens on a port of its own; `implicit=` or further aiosmtpd options such as
    `tls_context=`, `require_starttls=True`, `auth=True`, `enable_SMTPUTF8=False`."""
    servers: list[asyncio.Server] = []
    posts: list[Post] = []
    loop = asyncio.get_running_loop()

    async def listen(implicit: ssl.SSLContext | None = None, auth: bool = False, **options: Any) -> Post:
        post = Post()
        if auth:
            options.update(authenticator=post.authenticate, auth_require_tls=options.get("auth_require_tls", False))

        def connection() -> SMTP:
            server = _Recording(post, hostname="post.example", **options)
            server.post = post
            return server

        server = await loop.create_server(connection, "127.0.0.1", 0, ssl=implicit)
        post.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        posts.append(post)
        return post

    yield listen
    for server in servers:
        server.close()
    for post in posts:
        for one in post.connections:
            if one.transport is not None:
                one.transport.abort()
            if task := getattr(one, "_handler_coroutine", None):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await task


# -- a certificate authority -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA of our own and a certificate of it for localhost and 127.0.0.1."""

    ca_file: Path
    server_context: ssl.SSLContext


def make_authority(folder: Path, name: str = "ours") -> Authority:
    def openssl(*args: str) -> None:
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)

    def fresh(stem: str) -> list[str]:
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        return ["req", *key, "-keyout", f"{stem}.key"]

    ca, server = f"{name}-ca", f"{name}-server"
    openssl(
        *fresh(ca),
        "-x509",
        "-subj",
        f"/CN=Test CA {name}",
        "-addext",
        "keyUsage=critical,keyCertSign",
        "-out",
        f"{ca}.pem",
    )
    openssl(*fresh(server), "-subj", "/CN=localhost", "-out", f"{server}.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    signing = ["-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl("x509", "-req", "-in", f"{server}.csr", *signing, "-out", f"{server}.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{server}.pem", folder / f"{server}.key")
    return Authority(folder / f"{ca}.pem", context)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program")
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def strangers_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another CA, which nobody here trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program")
    return make_authority(tmp_path_factory.mktemp("other-ca"), "theirs")
