"""The mail channel over TLS and with a login, against real servers with certificates of a CA of our own."""

from __future__ import annotations

from typing import Any

import pytest

from channels import DeliveryError, Message
from channels import email as channel
from tests.peers.smtp_sink import Authority, Listen


def message() -> Message:
    return Message("k", "email", "wang@customer.example", "[INC-42] P1", "请立即受理。\n", 0)


def opened(port: int, **settings: Any) -> channel.Channel:
    known: dict[str, Any] = {"host": "127.0.0.1", "port": port, "from": "tocsin@tocsin.example", "timeout": 5}
    return channel.Channel(channel.Settings(**(known | settings)))


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_starttls_with_a_ca_file(mail_server: Listen, authority: Authority, host: str) -> None:
    post = await mail_server(tls_context=authority.server_context, require_starttls=True)
    ours = opened(post.port, host=host, tls="starttls", ca_file=authority.ca_file)
    await ours.send(message())
    await ours.close()
    assert len(post.mails) == 1
    assert "STARTTLS" in post.commands


@pytest.mark.asyncio
async def test_implicit_tls_with_a_ca_file(mail_server: Listen, authority: Authority) -> None:
    post = await mail_server(implicit=authority.server_context)
    ours = opened(post.port, host="localhost", tls="implicit", ca_file=authority.ca_file)
    await ours.send(message())
    await ours.close()
    assert len(post.mails) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_of_a_strange_ca_is_refused(
    mail_server: Listen, authority: Authority, strangers_authority: Authority, tls: str
) -> None:
    theirs = strangers_authority.server_context
    post = await (mail_server(implicit=theirs) if tls == "implicit" else mail_server(tls_context=theirs))
    with pytest.raises(DeliveryError, match="certificate verify failed") as caught:
        await opened(post.port, host="localhost", tls=tls, ca_file=authority.ca_file).send(message())
    assert not caught.value.permanent
    assert not post.mails


@pytest.mark.asyncio
async def test_verify_false_takes_any_certificate(mail_server: Listen, strangers_authority: Authority) -> None:
    post = await mail_server(tls_context=strangers_authority.server_context, require_starttls=True)
    await opened(post.port, host="localhost", tls="starttls", verify=False).send(message())
    assert len(post.mails) == 1


@pytest.mark.asyncio
async def test_auto_takes_starttls_where_it_is_offered_and_goes_without_elsewhere(
    mail_server: Listen, strangers_authority: Authority
) -> None:
    with_tls = await mail_server(tls_context=strangers_authority.server_context)
    without = await mail_server()
    await opened(with_tls.port, tls="auto").send(message())
    await opened(without.port, tls="auto").send(message())
    assert "STARTTLS" in with_tls.commands
    assert len(with_tls.mails) == len(without.mails) == 1


@pytest.mark.asyncio
async def test_auto_with_a_password_checks_the_certificate(
    mail_server: Listen, authority: Authority, strangers_authority: Authority
) -> None:
    post = await mail_server(tls_context=strangers_authority.server_context, auth=True)
    ours = opened(post.port, tls="auto", ca_file=authority.ca_file, user="tocsin", password="correct horse")
    with pytest.raises(DeliveryError, match="certificate verify failed"):
        await ours.send(message())
    assert not post.logins


@pytest.mark.asyncio
async def test_starttls_that_is_not_offered_is_a_temporary_error(mail_server: Listen) -> None:
    post = await mail_server()
    with pytest.raises(DeliveryError, match="STARTTLS") as caught:
        await opened(post.port, tls="starttls").send(message())
    assert not caught.value.permanent
    assert not post.mails


@pytest.mark.asyncio
async def test_auth_over_tls(mail_server: Listen, authority: Authority) -> None:
    post = await mail_server(tls_context=authority.server_context, auth=True, auth_required=True, auth_require_tls=True)
    tls: dict[str, Any] = {"host": "localhost", "tls": "starttls", "ca_file": authority.ca_file}
    await opened(post.port, **tls, user="tocsin", password="correct horse").send(message())
    assert len(post.mails) == 1
    with pytest.raises(DeliveryError, match="refused the login of 'tocsin': 535") as caught:
        await opened(post.port, **tls, user="tocsin", password="wrong donkey").send(message())
    assert not caught.value.permanent
    assert "donkey" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.asyncio
async def test_a_server_that_wants_a_login_which_we_do_not_have_is_no_fault_of_the_message(mail_server: Listen) -> None:
    post = await mail_server(auth=True, auth_required=True)
    with pytest.raises(DeliveryError, match="530") as caught:
        await opened(post.port).send(message())
    assert not caught.value.permanent
