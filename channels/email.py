"""Mail: `[channels.email]`, by SMTP over a few kept connections, or as JSON lines in a file.

    [channels.email]
    host = "mail.example"                   # port by tls: 25, 587 (starttls), 465 (implicit)
    tls = "starttls"                        # auto (STARTTLS where offered), none, starttls, implicit
    user = "tocsin"
    password = { env = "SMTP_PASSWORD" }
    from = "Tocsin <tocsin@example>"
    reply_to = "support@example"

    [channels.email]
    provider = "file"
    path = "var/outbox/email.jsonl"

A 5xx to MAIL, RCPT or DATA is permanent; a 4xx, a broken connection, a timeout and a refused login are not.
"""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from channels import DeliveryError, Message
from channels._fields import Strict, Timeout, one_line
from channels._jsonlines import append
from channels._mime import address, compose
from channels._smtp import Connections, Parcel, Server

NAME = "email"

PORTS = {"auto": 25, "none": 25, "starttls": 587, "implicit": 465}


class Settings(Strict):
    """`[channels.email]`. `verify` absent: certificates are checked, but with tls = "auto" only if a user is set."""

    provider: Literal["smtp", "file"] = "smtp"
    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["auto", "none", "starttls", "implicit"] = "auto"
    user: str | None = None
    password: SecretStr | None = None
    from_: str = Field("", alias="from")
    reply_to: str = ""
    hostname: str | None = Field(None, pattern=r"^[A-Za-z0-9.:_\[\]-]{1,255}$")
    ca_file: Path | None = None
    verify: bool | None = None
    timeout: Timeout = 30.0
    pool: int = Field(4, ge=1, le=64)
    idle: Timeout = 30.0
    path: Path | None = None

    @field_validator("from_", "reply_to")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value:
            try:
                address(parseaddr(value)[1])
            except DeliveryError as fault:
                raise ValueError(f"{one_line(value, 100)!r} is no mail address") from fault
        return value

    @field_validator("ca_file")
    @classmethod
    def _is_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.provider == "file":
            if self.path is None:
                raise ValueError('provider = "file" needs `path`')
            return self
        for key, value in (("host", self.host), ("from", self.from_)):
            if not value:
                raise ValueError(f'provider = "smtp" needs `{key}`')
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` belong together")
        return self


class Channel:
    """Sends `Message`s as mail. The connections belong to the loop that first sends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        name, sender = parseaddr(settings.from_)
        self._from = (name, address(sender)) if sender else ("", "")
        server = Server(
            host=settings.host,
            port=settings.port or PORTS[settings.tls],
            tls=settings.tls,
            verify=settings.verify,
            ca_file=str(settings.ca_file) if settings.ca_file else None,
            user=settings.user,
            password=settings.password.get_secret_value() if settings.password else "",
            hostname=settings.hostname,
            timeout=settings.timeout,
        )
        self._connections = Connections(server, settings.pool, settings.idle)

    async def send(self, message: Message) -> str:
        """What the server answered to the mail, its queue id in it where it gives one; "" for a file.

        The envelope sender is `mail_from`, "" being <>; From is always the configured one. Raises DeliveryError.
        """
        if self._settings.provider == "file":
            assert self._settings.path is not None
            await append(self._settings.path, message)
            return ""
        to = address(message.to)
        sender = address(message.mail_from) if message.mail_from else ""
        reply_to = message.reply_to or self._settings.reply_to
        if reply_to:
            reply_to = address(parseaddr(reply_to)[1])
        data = compose(message, self._from, to, reply_to)
        utf8 = not all(a.isascii() for a in (to, sender, reply_to, self._from[1]))
        return await self._connections.deliver(Parcel(sender, to, data, utf8))

    async def close(self) -> None:
        await self._connections.close()
