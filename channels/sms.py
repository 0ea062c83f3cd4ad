"""SMS: `[channels.sms]`, through any gateway that speaks HTTP, or as JSON lines in a file.

    [channels.sms]
    provider = "http"
    url = "https://sms.example/v1/send"
    headers = { Authorization = { env = "SMS_TOKEN" } }
    body = '{"mobile": "{to}", "content": "{text}", "ref": "{key}"}'      # or a table
    encoding = "json"                       # json, form, raw: how the values are escaped in the body
    success = { json = "code", equals = "0" }
    id = "data.message_id"

    [channels.sms]
    provider = "file"
    path = "var/outbox/sms.jsonl"

Placeholders in url, params, headers and body: {to} {text} {key} {subject} {incident}, and the names of `secrets`.
A 4xx is permanent but for 408, 425 and 429; a 5xx, a broken connection and a timeout are not, and neither is an
answer without the sign of success unless its code is one of `permanent`.
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

import orjson
import re2
from pydantic import Field, SecretStr, field_validator, model_validator

from channels import DeliveryError, Message
from channels._fields import Strict, Timeout, plain
from channels._gateway import PLACEHOLDERS, Gateway, Request, Verdict, fill
from channels._jsonlines import append

NAME = "sms"


class Success(Strict):
    """The sign in the answer's body that the gateway took the message: a JSON value, or a regular expression."""

    json_: str = Field("", alias="json", description="a path such as data.0.code")
    equals: str | int | bool | tuple[str | int, ...] | None = None
    regex: str = ""
    permanent: tuple[str | int, ...] = ()  # values at that path that no repetition mends

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if bool(self.json_) == bool(self.regex):
            raise ValueError("`success` takes either `json` with `equals`, or `regex`")
        if self.json_ and self.equals is None:
            raise ValueError("`success.json` needs `equals`")
        if self.permanent and not self.json_:
            raise ValueError("`success.permanent` needs `json`")
        if self.regex:
            try:
                re2.compile(self.regex)
            except re2.error as fault:
                raise ValueError(f"`success.regex` is no regular expression: {fault}") from fault
        return self

    def accepted(self) -> tuple[str, ...]:
        values = self.equals if isinstance(self.equals, tuple) else (self.equals,)
        return tuple(_as_text(v) for v in values)


class Settings(Strict):
    """`[channels.sms]`."""

    provider: Literal["http", "file"] = "http"
    path: Path | None = None
    method: Literal["GET", "POST", "PUT"] = "POST"
    url: str = Field("", repr=False)  # a token in it is usual
    params: dict[str, str] = Field(default_factory=dict, repr=False)
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    body: str | dict[str, str] = Field("", repr=False)
    encoding: Literal["json", "form", "raw"] = "json"
    content_type: str = Field("", pattern=r"^[\x20-\x7e]*$")
    secrets: dict[str, SecretStr] = Field(default_factory=dict)
    user: str | None = None
    password: SecretStr | None = None
    status: tuple[int, ...] = ()  # empty: 200–299
    success: Success | None = None
    id: str = ""  # path of the gateway's id in its JSON answer
    drop_prefix: str = ""  # "+86" for gateways that want the national number
    max_length: int = Field(500, ge=0, le=2000)  # characters; 0: no limit
    timeout: Timeout = 15.0
    connections: int = Field(8, ge=1, le=100)
    verify: bool = True
    ca_file: Path | None = None

    @field_validator("ca_file")
    @classmethod
    def _is_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("secrets")
    @classmethod
    def _names_are_free(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name in value:
            if name in PLACEHOLDERS or not name.isidentifier():
                raise ValueError(f"a secret cannot be named {name!r}")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.provider == "file":
            if self.path is None:
                raise ValueError('provider = "file" needs `path`')
            return self
        if not self.url:
            raise ValueError('provider = "http" needs `url`')
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("`url` must start with http:// or https://")
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` belong together")
        if "{text}" not in self._templates():
            raise ValueError("the message is nowhere in the request: write {text} in `body`, `params` or `url`")
        if self.encoding == "json" and isinstance(self.body, str) and self.body:
            self._try_json(self.body)
        return self

    def _templates(self) -> str:
        body = self.body if isinstance(self.body, str) else "\n".join(self.body.values())
        return "\n".join((self.url, body, *self.params.values()))

    def _try_json(self, body: str) -> None:
        sample = dict.fromkeys((*PLACEHOLDERS, *self.secrets), '0"\\')
        try:
            orjson.loads(fill(body, sample, "json"))
        except ValueError as fault:
            raise ValueError(f"`body` is no JSON once filled in: {fault}") from fault


class Channel:
    """Sends `Message`s as SMS. The HTTP session belongs to the loop that first sends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gateway = Gateway(_request(settings), _verdict(settings)) if settings.provider == "http" else None

    async def send(self, message: Message) -> str:
        """The gateway's id of the message, "" where it gives none. Raises DeliveryError."""
        text = shortened(plain(message.text).strip(), self._settings.max_length)
        if self._gateway is None:
            assert self._settings.path is not None
            await append(self._settings.path, replace(message, text=text))
            return ""
        to = message.to.strip().replace(" ", "").replace("-", "")
        if not re2.fullmatch(r"\+?[0-9]{3,20}", to):
            raise DeliveryError("the address is no phone number", permanent=True)
        values = {
            "to": to.removeprefix(self._settings.drop_prefix),
            "text": text,
            "key": message.key,
            "subject": message.subject,
            "incident": message.incident,
        }
        return await self._gateway.post(values)

    async def close(self) -> None:
        if self._gateway is not None:
            await self._gateway.close()


def shortened(text: str, limit: int) -> str:
    """No longer than `limit` characters, an ellipsis where something is missing."""
    return text if not limit or len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _as_text(value: object) -> str:
    """As JSON writes it, so that `equals = true` and `equals = 0` mean what they say."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _request(settings: Settings) -> Request:
    context: ssl.SSLContext | bool = settings.verify
    if settings.verify and settings.ca_file:
        context = ssl.create_default_context(cafile=settings.ca_file)
    return Request(
        method=settings.method,
        url=settings.url,
        params=settings.params,
        headers={name: value.get_secret_value() for name, value in settings.headers.items()},
        body=settings.body,
        encoding=settings.encoding,
        content_type=settings.content_type,
        secrets={name: value.get_secret_value() for name, value in settings.secrets.items()},
        user=settings.user,
        password=settings.password.get_secret_value() if settings.password else "",
        timeout=settings.timeout,
        connections=settings.connections,
        tls=context,
    )


def _verdict(settings: Settings) -> Verdict:
    success = settings.success
    return Verdict(
        status=settings.status,
        path=success.json_ if success else "",
        accepted=success.accepted() if success and success.json_ else (),
        permanent=tuple(_as_text(v) for v in success.permanent) if success else (),
        regex=success.regex if success else "",
        id_path=settings.id,
    )
