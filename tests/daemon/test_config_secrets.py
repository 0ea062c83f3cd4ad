"""Secrets: where they may come from, and that none is ever shown."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from daemon.config import Config, ConfigError, load
from daemon.config.secrets import ensure_key
from daemon.config.show import secrets_redacted

HUSH = "hush-hush-hush-hush"
Load = Callable[..., Config]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    def run(text: str, **env: str) -> Config:
        path = tmp_path / "config.toml"
        for name in ("c", "k"):
            (tmp_path / name).touch()
        path.write_text(text, encoding="utf-8")
        return load(path, env)

    return run


def _token(config: Config) -> str:
    assert config.http.metrics_token is not None
    return config.http.metrics_token.get_secret_value()


def test_a_secret_is_text_a_variable_a_file_or_a_credential(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, body in (("plain", HUSH), ("sub/line", HUSH + "\n"), ("crlf", HUSH + "\r\n")):
        (tmp_path / name).write_text(body, newline="")
        assert _token(loaded(f'[http]\nmetrics_token = {{ file = "{name}" }}')) == HUSH
    assert _token(loaded(f'[http]\nmetrics_token = "{HUSH}"')) == HUSH
    assert _token(loaded('[http]\nmetrics_token = { env = "T" }', T=HUSH)) == HUSH
    credential = '[http]\nmetrics_token = { credential = "plain" }'
    assert _token(loaded(credential, CREDENTIALS_DIRECTORY=str(tmp_path))) == HUSH


def test_only_the_last_line_break_of_a_file_is_stripped(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("  a\n\n", newline="")
    assert _token(loaded('[http]\nmetrics_token = { file = "s" }')) == "  a\n"


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ('{ env = "NONE" }', "environment variable NONE is not set"),
        ('{ env = "EMPTY" }', "environment variable EMPTY is empty"),
        ('{ file = "none" }', "file {folder}/none cannot be read: No such file or directory"),
        ('{ file = "" }', "file must be the name of where the secret is, as text"),
        ('{ file = "empty" }', "file empty is empty"),
        ('{ file = "large" }', "file {folder}/large is larger than 64 KiB: not a secret"),
        ('{ file = "gbk" }', "file {folder}/gbk is not UTF-8 text"),
        (
            '{ credential = "x" }',
            "credential x needs $CREDENTIALS_DIRECTORY, which systemd sets (LoadCredential=)",
        ),
        ('{ env = "A", file = "b" }', "a secret's table has exactly one of the keys env, file, credential"),
        ('{ vault = "A" }', "a secret's table has exactly one of the keys env, file, credential"),
        ("{ env = 1 }", "env must be the name of where the secret is, as text"),
        ("1", 'expected text or {{ env = "NAME" }}, {{ file = "PATH" }}, got a whole number'),
        ('""', "is empty"),
    ],
)
def test_a_secret_that_is_not_there_is_a_fault_that_names_it(
    loaded: Load, tmp_path: Path, secret: str, why: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "large").write_text("x" * 70_000)
    (tmp_path / "gbk").write_bytes("密码".encode("gbk"))
    with pytest.raises(ConfigError) as caught:
        loaded(f"[http]\nmetrics_token = {secret}", EMPTY="")
    assert caught.value.faults == [f"config.toml: http.metrics_token: {why.format(folder=tmp_path)}"]


def test_a_credential_cannot_leave_its_folder(loaded: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a credential is named without a path"):
        loaded('[http]\nmetrics_token = { credential = "../x" }', CREDENTIALS_DIRECTORY=str(tmp_path))


CHANNEL = """
[channels.email]
host = "h"
from = "a@b.example"
user = "u"
password = { env = "P" }
[channels.sms]
provider = "http"
url = { env = "U" }
headers = { Authorization = { env = "P" }, Plain = "x" }
body = { text = "{text}", env = "staging" }
"""


def test_a_channels_secrets_are_resolved_wherever_they_stand(loaded: Load) -> None:
    config = loaded(CHANNEL, P=HUSH, U="https://sms.example/" + HUSH)
    email, sms = config.channels["email"], config.channels["sms"]
    assert email.password.get_secret_value() == HUSH
    assert sms.url == "https://sms.example/" + HUSH
    assert sms.headers["Authorization"].get_secret_value() == HUSH
    assert sms.body == {"text": "{text}", "env": "staging"}


def test_a_channels_missing_secret_is_one_fault(loaded: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(CHANNEL, U="https://sms.example/")
    assert caught.value.faults == [
        "config.toml: channels.email.password: environment variable P is not set",
        "config.toml: channels.sms.headers.Authorization: environment variable P is not set",
    ]


EVERYWHERE = f"""
[database]
url = "postgres://u:{HUSH}@h/d"
[http]
metrics_token = "{HUSH}"
[smtp]
tls_cert = "c"
tls_key = "k"
users = {{ relay = "{HUSH}" }}
[[mailboxes]]
name = "m"
host = "h"
username = "u"
oauth2 = {{ tenant = "t", client_id = "i", client_secret = "{HUSH}" }}
[[webhooks]]
name = "w"
parser = "alertmanager"
token = "{HUSH}"
[channels.email]
host = "h"
from = "a@b.example"
user = "u"
password = "{HUSH}"
[channels.sms]
url = "https://sms.example/{HUSH}"
headers = {{ Authorization = "{HUSH}" }}
body = {{ text = "{{text}}" }}
[security]
key = "{HUSH}"
"""


def test_no_secret_is_in_any_repr(loaded: Load) -> None:
    config = loaded(EVERYWHERE)
    parts = [config, config.database, config.http, config.smtp, config.security, config.book()]
    shown = "\n".join(f"{part!r}\n{part}" for part in [*parts, *config.mailboxes, *config.webhooks, config.channels])
    assert HUSH not in shown
    assert HUSH not in "\n".join(config.warnings)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("postgres://", "mysql://"),
        ("/d", ""),
        ("[http]\n", '[http]\nlisten = "x"\n'),
        (f'metrics_token = "{HUSH}"', f'metrics_token = ["{HUSH}"]'),
        (f'metrics_token = "{HUSH}"', f'metrics_token = {{ vault = "{HUSH}" }}'),
        (f'relay = "{HUSH}"', f'relay = ["{HUSH}"]'),
        ('tls_key = "k"\n', ""),
        ('tenant = "t", ', ""),
        (f'client_secret = "{HUSH}"', f'client_secrt = "{HUSH}"'),
        (f'token = "{HUSH}"', f'tokn = "{HUSH}"'),
        (f'password = "{HUSH}"', f'pasword = "{HUSH}"'),
        (f'password = "{HUSH}"', f'password = ["{HUSH}"]'),
        ("https://sms", "ftp://sms"),
        (f'Authorization = "{HUSH}"', f'Authorization = ["{HUSH}"]'),
        ('body = { text = "{text}" }', f'body = "{HUSH}"'),
        (f'key = "{HUSH}"', f'key = ["{HUSH}"]'),
        (f'key = "{HUSH}"', f'key = "{HUSH}'),
        (f'key = "{HUSH}"', f"key = {HUSH}"),
    ],
)
def test_no_fault_shows_a_secret(loaded: Load, old: str, new: str) -> None:
    assert old in EVERYWHERE
    with pytest.raises(ConfigError) as caught:
        loaded(EVERYWHERE.replace(old, new))
    assert HUSH not in str(caught.value)
    assert HUSH not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_table_is_shown_without_its_secrets() -> None:
    table = {"http": {"metrics_token": "x", "listen": "a"}, "channels": {"sms": {"password": {"env": "P"}, "url": "u"}}}
    assert secrets_redacted(table) == {
        "http": {"metrics_token": "[secret]", "listen": "a"},
        "channels": {"sms": {"password": {"env": "P"}, "url": "[secret]"}},
    }


def test_the_signing_key_is_made_once_and_for_its_owner_alone(loaded: Load, tmp_path: Path) -> None:
    text = '[security]\nkey = { file = "var/key" }'
    first = loaded(text).security
    assert first.key is None
    made = first.ensure()
    file = tmp_path / "var/key"
    assert made is not None
    assert len(made.get_secret_value()) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["key"]
    second = loaded(text).security
    assert second.key == made
    assert second.ensure() == made


def test_of_two_that_make_the_key_at_once_both_get_the_same(tmp_path: Path) -> None:
    first, second = ensure_key(None, tmp_path / "key"), ensure_key(None, tmp_path / "key")
    assert first == second


def test_a_key_in_the_config_needs_no_file_and_none_is_none() -> None:
    assert ensure_key(SecretStr(HUSH), None) == SecretStr(HUSH)
    assert ensure_key(None, None) is None


def test_a_key_file_that_is_too_short_is_a_fault(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc\n")
    with pytest.raises(ConfigError, match=r"security\.key: the key is shorter than 16 characters"):
        loaded('[security]\nkey = { file = "key" }')
