# ruff: noqa: E501  (a row a case)
"""The config as a whole: the shipped file, the documented sample, defaults, paths, warnings, and what the core gets."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from daemon.config import Config, load
from daemon.core.policy import Policy
from daemon.core.vocabulary import Priority, Role

SHIPPED = Path(__file__).parents[2] / "config.toml"
Load = Callable[..., Config]

SAMPLE = """
locale = "zh_CN"
timezone = "Asia/Shanghai"
[database]
url = "sqlite://var/tocsin.sqlite3"
[http]
listen = "127.0.0.1:8080"
public_url = "http://127.0.0.1:8080"
trusted_proxies = []
[smtp]
listen = "127.0.0.1:8025"
hostname = "tocsin.example"
allow = ["127.0.0.0/8", "::1"]
max_size = "25MiB"
[[smtp.routes]]
to = "alerts@*"
as = "alert"
[[smtp.routes]]
to = "support@*"
as = "support"
[[mailboxes]]
name = "support"
host = "imap.example"
username = "support@example"
password = { env = "SUPPORT_IMAP_PASSWORD" }
folder = "INBOX"
as = "support"
poll = "60s"
after = "seen"
[[webhooks]]
name = "prometheus"
parser = "alertmanager"
token = { env = "PROM_TOKEN" }
service = "billing"
[channels.email]
host = "127.0.0.1"
port = 25
tls = "auto"
from = "Tocsin <tocsin@example>"
reply_to = "support@example"
[channels.sms]
provider = "http"
[channels.apprise]
urls = {}
[[customers]]
name = "客户甲"
domains = ["customer.example"]
[[people]]
id = "wang"
name = "王芳"
email = "wang@example"
mobile = "+8613800000000"
roles = ["incident_manager"]
[[services]]
name = "billing"
core = true
keywords = ["计费", "出账", "billing"]
aliases = ["bill", "boss-billing"]
user_base = 800000
[[rules]]
match = ['source="webhook"', 'labels.severity="critical"', 'labels.service=~"bill.*"']
set = { service = "billing", impact = "high", urgency = "critical" }
[policy]
out_of_scope_environments = ["dev", "test", "testing"]
deadline_basis = "earliest"
deadline_warning = 0.8
pending_stops_clock = false
stack_upgrades = false
complaint_window = "24h"
surge_complaints = 20
count_distinct_reporters = false
count_after_confirmation = true
confirm_after = "72h"
auto_close_after = "off"
quiet_period = "30m"
reopen_within = "7d"
survey_after = "24h"
notify_limit = 20
notify_window = "10m"
fallback_after = "2m"
[security]
key = { file = "var/key" }
"""
SECRETS = {"SUPPORT_IMAP_PASSWORD": "p", "PROM_TOKEN": "t"}


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """`loaded(text, **env)` is the config of that text."""

    def run(text: str, **env: str) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, env)

    return run


def test_the_shipped_config_has_no_fault_and_no_warning() -> None:
    config = load(SHIPPED, {})
    assert config.warnings == []
    assert config.locale == "zh_CN"
    assert config.policy == Policy()
    assert config.http.listen.loopback
    assert config.smtp is not None
    assert config.smtp.listen.loopback
    assert {str(s.provider) for s in config.channels.values()} == {"file"}
    assert sorted(role for person in config.people for role in person.roles) == sorted(Role)
    assert config.database.url == f"sqlite://{SHIPPED.parent}/var/tocsin.sqlite3"


def test_the_commented_policy_of_the_shipped_config_is_the_built_in_one(loaded: Load) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    start, end = lines.index("[policy]") + 1, lines.index("[bulletin]")
    lines[start:end] = [line.removeprefix("# ") for line in lines[start:end]]
    policy = loaded("\n".join(lines)).policy
    assert policy.words.urgent == ("紧急", "加急", "urgent", "asap")
    assert next(iter(policy.words.categories)) == "database_change"
    assert policy.channels_for(Priority.P1, Role.INCIDENT_MANAGER) == Policy().channels_for(Priority.P1, None)
    assert replace(policy, words=Policy().words, channels=Policy().channels) == Policy()


def test_the_commented_entries_of_the_shipped_config_are_good(loaded: Load, tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    start = text.index("# [[mailboxes]]")
    entries = text[start:].replace("\n# ----", "\n#----").replace("\n# ", "\n").removeprefix("# ")
    text = text[:start] + entries
    for line in ("metrics_token = ", "max_body = ", "token = {", "tls_cert = ", "tls_key = ", "users = {"):
        text = text.replace(f"# {line}", line)
    for name in ("secrets/generic-token", "tls/cert.pem", "tls/key.pem", "tls/ca.pem"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("g\n")
    names = ("TOCSIN_METRICS_TOKEN", "RELAY_PASSWORD", "PROM_TOKEN", "SUPPORT_IMAP_PASSWORD", "BACKUP_TOKEN")
    config = loaded(text, **dict.fromkeys(names, "x"), DEAD_MAN_URL="https://hc.example/ping/x")
    assert len(config.mailboxes) == len(config.heartbeats) == 1
    assert config.dead_man is not None
    assert [w.token.get_secret_value() for w in config.webhooks if w.token] == ["x", "g"]


def test_the_documented_sample_is_accepted(loaded: Load) -> None:
    config = loaded(SAMPLE, **SECRETS)
    assert config.policy == Policy()
    assert [route.name for route in config.smtp.routes] == ["alerts@*", "support@*"] if config.smtp else False
    assert config.mailboxes[0].port == 993
    assert config.webhooks[0].token is not None
    assert config.webhooks[0].token.get_secret_value() == "t"
    assert list(config.channels) == ["email"]


@pytest.mark.parametrize(
    "oauth2",
    [
        '{ token_command = "/usr/bin/token" }',
        '{ token_command = ["/usr/bin/token", "--imap"] }',
        '{ tenant = "contoso", client_id = "i", client_secret = { env = "PROM_TOKEN" } }',
    ],
)
def test_a_mailbox_may_log_in_by_oauth2_and_move_what_it_read(loaded: Load, oauth2: str) -> None:
    text = SAMPLE.replace('password = { env = "SUPPORT_IMAP_PASSWORD" }', f"oauth2 = {oauth2}")
    box = loaded(text.replace('after = "seen"', 'after = { move = "Processed" }'), **SECRETS).mailboxes[0]
    assert box.oauth2 is not None
    assert getattr(box.after, "move", None) == "Processed"


def test_the_map_of_a_generic_entry_is_compiled_when_the_config_loads(loaded: Load) -> None:
    config = loaded(
        """
[[webhooks]]
name = "shop"
parser = "generic"
states = { firing = ["bad"], resolved = ["good", 0], acknowledged = [] }
[webhooks.map]
items = "alerts[]"
key = "alert.id"
state = "status"
"""
    )
    (entry,) = config.webhooks
    assert [name for name, _ in entry.settings.map.expressions] == ["key", "state"]
    assert entry.settings.map.items_of({"alerts": [{"alert": {"id": 1}}]}) == [{"alert": {"id": 1}}]
    assert entry.settings.states.words == {"bad": "firing", "good": "resolved", "0": "resolved"}


def test_an_empty_file_is_a_config_of_defaults(loaded: Load) -> None:
    config = loaded("")
    assert (config.locale, config.timezone.key, config.smtp) == ("zh_CN", "Asia/Shanghai", None)
    assert (config.http.listen, config.http.public_url) == (("127.0.0.1", 8080), "http://127.0.0.1:8080")
    assert (config.http.max_body, config.security.key, config.log.level) == (10 << 20, None, "info")
    assert [line.split(": ")[1] for line in config.warnings] == ["people", "channels"]


def test_relative_paths_start_from_the_configs_folder(loaded: Load, tmp_path: Path) -> None:
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).touch()
    config = loaded(
        '[database]\nurl = "sqlite://db/t.sqlite3"\n[security]\nkey = { file = "k" }\n'
        f'[smtp]\ntls_cert = "c.pem"\ntls_key = "{tmp_path}/k.pem"\n[channels.sms]\nprovider = "file"\npath = "out/sms.jsonl"\n'
    )
    assert config.database.url == f"sqlite://{tmp_path}/db/t.sqlite3"
    assert config.security.key_file == tmp_path / "k"
    assert config.smtp is not None
    assert (config.smtp.tls_cert, config.smtp.tls_key) == (tmp_path / "c.pem", tmp_path / "k.pem")
    assert config.channels["sms"].path == tmp_path / "out/sms.jsonl"


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("sqlite://:memory:", "sqlite://:memory:"),
        ("sqlite:///srv/t.db", "sqlite:///srv/t.db"),
        ("postgres://u:p@h:5432/d?ssl=require", "postgres://u:p@h:5432/d?ssl=require"),
        ("postgresql://u@h/d", "postgres://u@h/d"),
    ],
)
def test_a_database_url_is_kept_but_for_the_schemes_second_name(loaded: Load, url: str, means: str) -> None:
    assert loaded(f'[database]\nurl = "{url}"').database.url == means


@pytest.mark.parametrize(
    ("listen", "host", "port", "loopback"),
    [
        ("127.0.0.1:0", "127.0.0.1", 0, True),
        ("[::1]:8080", "::1", 8080, True),
        ("localhost:1", "localhost", 1, True),
        ("0.0.0.0:80", "0.0.0.0", 80, False),
        ("[::]:80", "::", 80, False),
        ("tocsin.example:65535", "tocsin.example", 65535, False),
    ],
)
def test_where_to_listen_is_a_host_and_a_port(loaded: Load, listen: str, host: str, port: int, loopback: bool) -> None:
    address = loaded(f'[http]\nlisten = "{listen}"').http.listen
    assert (address.host, address.port, address.loopback, str(address)) == (host, port, loopback, listen)


def test_the_book_holds_what_the_core_needs(loaded: Load) -> None:
    text = SAMPLE + '[bulletin]\nto = ["王芳", "all@ops.example", "wang@example"]\n'
    text = text.replace('as = "alert"', 'as = "alert"\nname = "monitoring"\nkind = "fault"\nenvironment = "prod"')
    book = loaded(text, **SECRETS).book()
    assert book.entries == {
        "prometheus": {"service": "billing"},
        "monitoring": {"kind": "fault", "environment": "prod"},
        "support@*": {},
        "support": {},
    }
    assert book.rules[0].name == "rules[0]"
    assert book.rules[0].set == {"service": "billing", "impact": "high", "urgency": "critical"}
    assert book.directory.own_addresses == {"tocsin@example", "support@example"}
    assert book.directory.person("王芳") == book.directory.person("wang")
    assert book.directory.customer("li@customer.example") is not None
    assert book.bulletin_to == ("wang@example", "all@ops.example")
    assert (book.locale, book.public_url) == ("zh_CN", "http://127.0.0.1:8080")


def test_the_id_of_a_person_is_the_name_when_absent(loaded: Load) -> None:
    assert loaded('[[people]]\nname = "王芳"').people[0].id == "王芳"


def test_who_may_send_without_auth_is_loopback_unless_said(loaded: Load) -> None:
    smtp = loaded("[smtp]").smtp
    assert smtp is not None
    assert smtp.allow == [ip_network("127.0.0.0/8"), ip_network("::1")]


WARNED = [
    ('[http]\nlisten = "0.0.0.0:80"\n[[webhooks]]\nname = "a"\nparser = "alertmanager"', "webhooks[0].token: is not set: anybody who reaches 0.0.0.0:80 may post to a"),
    ('[[webhooks]]\nname = "a"\nparser = "alertmanager"\ntoken = "t"\n[[webhooks]]\nname = "b"\nparser = "alertmanager"\ntoken = "t"', "webhooks[1].token: is the token of webhooks[0]: /api/v2/alerts cannot tell them apart"),
    ('[smtp]\nallow = ["0.0.0.0/0"]', "smtp.allow[0]: lets anybody send mail without AUTH"),
    ("[smtp]", "smtp.routes: there is no route: every mail is refused"),
    ('[channels.email]\nprovider = "file"\npath = "x"', "policy.channels.P1.default: names sms, but there is no [channels.sms]"),
    ('[channels.sms]\nprovider = "file"\npath = "x"\n[channels.email]\nprovider = "file"\npath = "x"\n[policy.channels]\nP1 = { default = ["email"] }\nP2 = { default = ["email"] }', "channels.sms: is never used: no row of policy.channels names it"),
    ('[[people]]\nname = "a"\nemail = "a@x"\nroles = ["company_leader"]', "people: nobody holds the role service_director; a is told instead"),
    ('[[people]]\nname = "a"\nroles = ["field"]', "people[0]: a has no address for any channel that tells field"),
    ('[[people]]\nname = "a"\nemail = "a@x"', "people[0].roles: a holds no role, and is told only by name"),
    ('[policy.levels.red]\nusers = 2000000', "policy.levels.red.users: is more than a graver level asks for"),
    ('[policy.ladder.P1]\nsupport_lead = "20m"', "policy.ladder.P1: tells a higher role before a lower one"),
    ('[retention]\nraw = "30d"', "retention: this version deletes nothing yet: all is kept"),
    ('[report]\nto = ["a@x.example"]', "report.to: this version sends no reports yet: nobody is written to"),
    ('[[mailboxes]]\nname = "m"\nhost = "h"\ntls = "none"\nusername = "u"\npassword = "p"', "mailboxes[0].tls: is none: the password of u crosses the network readable"),
    ('[channels.sms]\nprovider = "http"', "channels.sms: names nothing to send through yet: not used"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "warning"), WARNED, ids=[warning[:50] for _, warning in WARNED])
def test_what_was_hardly_meant_is_a_warning(loaded: Load, text: str, warning: str) -> None:
    assert f"config.toml: {warning}" in loaded(text).warnings


def test_loading_the_shipped_config_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(SHIPPED.read_bytes())
    load(path, {})
    assert os.listdir(tmp_path) == ["config.toml"]
