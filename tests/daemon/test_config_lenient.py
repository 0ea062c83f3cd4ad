"""A config of which this user may not see the secrets, and the commands that need none of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from daemon.cli import main
from daemon.config import ConfigError, load
from daemon.config.sections import Security
from daemon.running import needs_restart
from tests.peers.process import free_port

SECRETIVE = """
locale = "en"
[database]
url = { env = "DATABASE_URL" }
[http]
listen = "127.0.0.1:%d"
metrics_token = { file = "nowhere" }
[security]
key = { credential = "key" }
[[webhooks]]
name = "prometheus"
parser = "alertmanager"
token = { env = "PROM_TOKEN" }
[channels.email]
host = "smtp.example.com"
from = "t@x.example"
user = "t"
password = { credential = "smtp" }
[channels.sms]
provider = "http"
url = "https://sms.example.com/send"
headers = { Authorization = { env = "SMS" } }
body = { to = "{to}", text = "{text}" }
[[mailboxes]]
name = "support"
host = "imap.example.com"
tls_ca = "tls/ca.pem"
username = "support@x.example"
password = { env = "IMAP" }
[dead_man]
url = { env = "DEAD_MAN" }
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TOCSIN_URL", "TOCSIN_TOKEN", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.toml"
    path.write_text(SECRETIVE % free_port())
    return path


def test_secrets_that_are_not_there_are_faults_for_the_daemon_and_none_for_a_client(config: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(config, {})
    assert len(caught.value.faults) == 9
    found = load(config, {}, lenient=True)
    assert (found.locale, found.http.listen.host, found.database.url) == ("en", "127.0.0.1", "")
    assert found.security == Security(hidden=True)
    assert set(found.channels) == {"email", "sms"}


def test_a_lenient_reading_still_finds_every_other_fault(config: Path) -> None:
    config.write_text(config.read_text() + "[http2]\n")
    with pytest.raises(ConfigError, match="http2"):
        load(config, {}, lenient=True)


def test_a_key_that_is_hidden_is_not_replaced_by_another(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["incident", "list"]) == 2
    assert "TOCSIN_TOKEN" in capsys.readouterr().err
    assert main(["db", "check"]) == 2
    assert capsys.readouterr().err.startswith("config.toml: database.url: ")


@pytest.mark.parametrize("text", ["not = [ toml", "locale = 5\n", ""])
def test_with_url_and_token_given_no_config_matters(
    config: Path, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(text)
    monkeypatch.setenv("TOCSIN_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("TOCSIN_TOKEN", "t")
    for more in ([], ["--config", "nowhere.toml"]):
        assert main(["incident", "list", *more]) == 1
        assert re.fullmatch(r"tocsin: .*127\.0\.0\.1.*\n", capsys.readouterr().err)


def test_a_reload_finds_the_key_changed_only_when_it_is(config: Path) -> None:
    found = load(config, {}, lenient=True)
    key, other = SecretStr("k" * 16), SecretStr("o" * 16)
    file = Path("/var/key")

    def warned(old: Security, new: Security) -> bool:
        return "security.key" in needs_restart(replace(found, security=old), replace(found, security=new))

    assert not warned(Security(None, file), Security(key, file)), "made at the start"
    assert not warned(Security(key), Security(key))
    assert not warned(Security(), Security())
    assert warned(Security(key), Security(other))
    assert warned(Security(key, file), Security(other, file))
    assert warned(Security(key, file), Security(key))
    assert warned(Security(), Security(key))
