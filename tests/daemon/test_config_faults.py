# ruff: noqa: E501  (a row a case)
"""Every fault of a config is one line that names the place and says what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.config import ConfigError, load

Faults = Callable[..., list[str]]


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """`faults(text, **env)`: the lines of ConfigError, [] when the config is good."""

    def run(text: str, **env: str) -> list[str]:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8", newline="")
        try:
            load(path, env)
        except ConfigError as error:
            return error.faults
        return []

    return run


PERSON = '[[people]]\nname = "王芳"\n'
MAPPED = '[[webhooks]]\nname = "g"\nparser = "generic"\n'
HOOK = '[[webhooks]]\nname = "a"\nparser = "alertmanager"\n'
BOX = '[[mailboxes]]\nname = "b"\nhost = "imap.example"\nusername = "u@example"\npassword = "p"\n'
SMS = '[channels.sms]\nprovider = "file"\npath = "x"\n'
RULE = "[[rules]]\nmatch = ['source=\"smtp\"']\n"

ONE_FAULT = [
    # the file as a whole
    ('surprise = 1\nlocale = "en"', "surprise: unknown key"),
    ("local = 1", "local: unknown key; did you mean locale?"),
    ('locale = "zh"', 'locale: "zh" is not known; expected one of zh_CN, en'),
    ('locale = "zh_cn"', 'locale: "zh_cn" is not known; did you mean zh_CN?'),
    ("locale = 1", "locale: expected one of zh_CN, en; got a whole number"),
    ('timezone = "Asia/Bejing"', 'timezone: "Asia/Bejing" is no time zone: write "Asia/Shanghai"'),
    ('timezone = "../x"', 'timezone: "../x" is no time zone: write "Asia/Shanghai"'),
    ("timezone = 8", 'timezone: expected text such as "Asia/Shanghai", got a whole number'),
    # database, http
    ('[database]\nurl = "mysql://x/y"', 'database.url: must begin with "sqlite://" or "postgres://"'),
    ('[database]\nurl = "postgres://host"', 'database.url: names no database: write "postgres://user@host/database"'),
    ("[database]", "database.url: is missing"),
    ("http = 1", "http: expected a table, got a whole number"),
    ('[http]\nlisten = "8080"', 'http.listen: "8080" is no address: write "127.0.0.1:8080" or "[::1]:8080"'),
    ('[http]\nlisten = "::1:80"', 'http.listen: "::1:80": write an IPv6 address in brackets, "[::1]:8080"'),
    ('[http]\nlisten = "[::g]:80"', 'http.listen: "[::g]:80": "::g" is no IPv6 address'),
    (
        '[http]\nlisten = "127.0.0.1:65536"',
        'http.listen: "127.0.0.1:65536" is no address: write "127.0.0.1:8080" or "[::1]:8080"',
    ),
    (
        '[http]\npublic_url = "tocsin.example"',
        'http.public_url: "tocsin.example" is no address of a site: write "https://tocsin.example.com"',
    ),
    (
        '[http]\npublic_url = "https://u:p@h/?q"',
        "http.public_url: has a user, a query or a fragment: write scheme, host, port and path only",
    ),
    (
        '[http]\ntrusted_proxies = ["10.0.0.1/8"]',
        'http.trusted_proxies[0]: "10.0.0.1/8" has host bits set: write 10.0.0.0/8',
    ),
    ('[http]\nmetrics_token = ""', "http.metrics_token: is empty"),
    ('[http]\nmax_body = 10', 'http.max_body: a size needs its unit: write "10B" or "25MiB"'),
    ('[http]\nmax_body = "10 megs"', 'http.max_body: "10 megs" is no size: write "25MiB", "10MB" or "512KiB"'),
    ('[http]\nmax_body = "0B"', "http.max_body: must be more than zero"),
    # smtp, mailboxes
    ('[smtp]\nallow = ["all"]', 'smtp.allow[0]: "all" is no network: write "10.0.0.0/8" or "::1"'),
    ('[smtp]\nallow = "::1"', "smtp.allow: expected a list, got text"),
    ('[smtp]\ntls_cert = "/none.pem"', "smtp.tls_cert: there is no file /none.pem"),
    ('[smtp]\ntls_cert = "config.toml"', "smtp: tls_cert and tls_key go together: one is missing"),
    ('[smtp]\nusers = { a = "b" }', "smtp: users can log in over TLS only: set tls_cert and tls_key"),
    ('[[smtp.routes]]\nto = "a@*"', "smtp.routes[0].as: is missing"),
    ('[[smtp.routes]]\nto = "a@*"\nas = "alerts"', 'smtp.routes[0].as: "alerts" is not known; did you mean alert?'),
    ('[[smtp.routes]]\nto = "a @*"\nas = "alert"', "smtp.routes[0].to: has a space: write a glob over the recipient, such as alerts@*"),
    (BOX + 'oauth2 = { token_command = "x" }', "mailboxes[0]: needs exactly one of password and oauth2"),
    (BOX + 'poll = 60', 'mailboxes[0].poll: a duration needs its unit: write "60s"'),
    (BOX + 'after = "read"', 'mailboxes[0].after: expected "seen", "delete" or { move = "FOLDER" }'),
    (BOX + 'after = { move = "x", mov = "y" }\n', "mailboxes[0].after.mov: unknown key; did you mean move?"),
    (BOX + "port = 0", "mailboxes[0].port: must be greater than or equal to 1"),
    (BOX + 'tls = "ssl"', 'mailboxes[0].tls: "ssl" is not known; expected one of implicit, starttls, none'),
    (BOX.replace('password = "p"', "oauth2 = {}"), "mailboxes[0].oauth2: needs token_command, or tenant with client_id and client_secret"),
    (BOX.replace('"p"', '{ env = "NO_SUCH" }'), "mailboxes[0].password: environment variable NO_SUCH is not set"),
    # webhooks
    ('[[webhooks]]\nname = "a"', "webhooks[0].parser: is missing"),
    ('[webhooks]\nname = "a"', "webhooks: expected a list of tables: write [[webhooks]]"),
    (HOOK.replace("alertmanager", "alertmanger"), 'webhooks[0].parser: "alertmanger": unknown parser; did you mean alertmanager?'),
    (HOOK + 'token = ""', "webhooks[0].token: is empty"),
    (HOOK + 'tokn = "x"', "webhooks[0].tokn: unknown key; did you mean token?"),
    (HOOK + 'kind = "flaut"', 'webhooks[0].kind: "flaut" is not known; did you mean fault?'),
    (HOOK + 'service = "bill"', 'webhooks[0].service: "bill" is no service of [[services]]'),
    (HOOK.replace('"a"', '"a/b"'), 'webhooks[0].name: "a/b": a name has letters, digits, . _ - only, at most 64'),
    (MAPPED + 'map = { title = "a.b[" }', "webhooks[0].map.title: is no JMESPath expression: it ends too early"),
    (MAPPED + 'map = { title = "a ? b" }', "webhooks[0].map.title: is no JMESPath expression: Unknown token ?, at character 3"),
    (MAPPED + 'map = { title = "a]" }', "webhooks[0].map.title: is no JMESPath expression: Unexpected token: ], at character 2"),
    (MAPPED + 'map = { key = "first(ids)" }', "webhooks[0].map.key: is no JMESPath expression: there is no function first()"),
    (MAPPED + 'map = { key = "join(ids)" }', "webhooks[0].map.key: is no JMESPath expression: join() takes 2 argument(s), not 1"),
    (MAPPED + 'map = { items = " " }', "webhooks[0].map.items: is empty"),
    (MAPPED + f'map = {{ items = "{"a" * 301}" }}', "webhooks[0].map.items: is longer than 300 characters"),
    (MAPPED + f'map = {{ items = "{"!" * 290}a" }}', "webhooks[0].map.items: is nested deeper than 40"),
    (MAPPED + f'map = {{ items = "{"(" * 150}a{")" * 149}" }}', "webhooks[0].map.items: is no JMESPath expression: it ends too early"),
    (MAPPED + "map = { key = 5 }", "webhooks[0].map.key: expected text, got a whole number"),
    (MAPPED + 'map = { titel = "a" }', "webhooks[0].map.titel: unknown key; did you mean title?"),
    (MAPPED + 'map = "a"', "webhooks[0].map: expected a table, got text"),
    (MAPPED + 'maps = { title = "a" }', "webhooks[0].maps: unknown key; did you mean map?"),
    (HOOK + 'map = { title = "a" }', "webhooks[0].map: unknown key; known: category, cause, environment, impact, kind, name, parser, service, token, urgency"),
    (MAPPED + 'states = { firing = ["bad"], resolved = ["Bad"] }', 'webhooks[0].states: "bad" is in both firing and resolved'),
    (MAPPED + 'states = { firing = [""] }', "webhooks[0].states.firing[0]: is empty"),
    (MAPPED + 'states = { firing = [{}] }', 'webhooks[0].states.firing[0]: expected a word, as in ["bad", "down"]'),
    (MAPPED + 'states = { firing = "bad" }', "webhooks[0].states.firing: expected a list, got text"),
    (MAPPED + 'states = { frigng = [] }', "webhooks[0].states.frigng: unknown key; did you mean firing?"),
    (HOOK + HOOK, 'webhooks[1].name: "a" is taken by webhooks[0].name'),
    (HOOK + BOX.replace('"b"', '"a"'), 'mailboxes[0].name: "a" is taken by webhooks[0].name'),
    # channels
    ("[channels.smss]", "channels.smss: unknown channel; did you mean sms?"),
    ('[channels.apprise]\nurls = { ops = "ntfy://x" }', "channels.apprise: unknown channel; known: email, sms"),
    ("[channels]\nsms = 1", "channels.sms: expected a table, got a whole number"),
    ("channels = 1", "channels: expected tables [channels.NAME], got a whole number"),
    (SMS + "pathh = 1", "channels.sms.pathh: unknown key; did you mean path?"),
    # people, customers, services
    ("[[people]]", "people[0].name: is missing"),
    (PERSON + 'mobile = "13800000000"', 'people[0].mobile: "13800000000" is no E.164 number: write +8613800000000'),
    (PERSON + "mobile = 13800000000", "people[0].mobile: expected text, got a whole number"),
    (PERSON + 'email = "wang"', 'people[0].email: "wang" is no mail address: write name@example.com'),
    (PERSON + 'email = "a@b, c@d"', 'people[0].email: "a@b, c@d" is no mail address: write name@example.com'),
    (PERSON + 'email = "a@b\\r\\nBcc: c@d"', "people[0].email: has a control character (U+000D)"),
    ('[[people]]\nname = "a\\nb"', "people[0].name: has a control character (U+000A)"),
    ('[[people]]\nname = " "', "people[0].name: is empty"),
    (PERSON + 'roles = ["incident_manger"]', 'people[0].roles[0]: "incident_manger" is not known; did you mean incident_manager?'),
    (PERSON + 'role = ["field"]', "people[0].role: unknown key; did you mean roles?"),
    (PERSON + PERSON + 'id = "w2"', 'people[1].name: "王芳" is taken by people[0].name'),
    (PERSON + 'id = "w"\n[[people]]\nname = "x"\nid = "w"', 'people[1].id: "w" is taken by people[0].id'),
    ('[[customers]]\nname = "c"', "customers[0]: needs domains or emails: nobody could be known as this customer"),
    ('[[customers]]\nname = "c"\ndomains = ["a b"]', 'customers[0].domains[0]: "a b" is no domain: write example.com'),
    (
        '[[customers]]\nname = "c"\ndomains = ["x.example"]\n[[customers]]\nname = "d"\ndomains = ["X.example"]',
        'customers[1].domains[0]: "X.example" is taken by customers[0].domains[0]',
    ),
    ('[[services]]\nname = "s"\ncore = "yes"', "services[0].core: expected true or false, got text"),
    ('[[services]]\nname = "s"\nuser_base = 0', "services[0].user_base: must be greater than or equal to 1"),
    (
        '[[services]]\nname = "s"\n[[services]]\nname = "t"\naliases = ["S"]',
        'services[1].aliases[0]: "S" is taken by services[0].name',
    ),
    # rules
    (RULE, "rules[0].set: is missing"),
    (RULE + "set = {}", "rules[0].set: sets nothing; known: service, kind, category, cause, impact, urgency, environment"),
    (RULE + 'set = { priority = 1 }', "rules[0].set.priority: unknown key; known: category, cause, environment, impact, kind, service, urgency"),
    (RULE + 'set = { impact = "hihg" }', 'rules[0].set.impact: "hihg" is not known; did you mean high?'),
    (RULE + 'set = { service = "x" }', 'rules[0].set.service: "x" is no service of [[services]]'),
    (RULE + 'set = { category = "lease_renewl" }', 'rules[0].set.category: "lease_renewl" is no category; did you mean lease_renewal?'),
    ("[[rules]]\nmatch = ['severty=\"x\"']\nset = { impact = \"low\" }", 'rules[0].match[0]: unknown name "severty"; did you mean severity?'),
    ("[[rules]]\nmatch = ['title=~\"(\"']\nset = { impact = \"low\" }", "rules[0].match[0]: the regular expression is wrong: missing ): ("),
    ("[[rules]]\nmatch = [1]\nset = { impact = \"low\" }", "rules[0].match[0]: expected a matcher as text, got a whole number"),
    # policy
    ("[policy]\nsurge_complains = 20", "policy.surge_complains: unknown key; did you mean surge_complaints?"),
    ("[policy]\nsurge_complaints = 0", "policy.surge_complaints: must be greater than or equal to 1"),
    ("[policy]\nsurge_complaints = true", "policy.surge_complaints: expected a whole number, got true or false"),
    ("[policy]\nquiet_period = 30", 'policy.quiet_period: a duration needs its unit: write "30s"'),
    ('[policy]\nquiet_period = "30 min"', 'policy.quiet_period: "30 min" is no duration: write "90s", "5m", "1h30m" or "7d"'),
    ('[policy]\nquiet_period = "0.5s"', 'policy.quiet_period: "0.5s" is not a whole number of seconds'),
    ('[policy]\nquiet_period = "9999d"', 'policy.quiet_period: "9999d" is longer than ten years'),
    ('[policy]\nauto_close_after = "never"', 'policy.auto_close_after: "never" is no duration: write "90s", "5m", "1h30m" or "7d", or "off"'),
    ("[policy]\ndeadline_warning = 1.5", "policy.deadline_warning: must be less than or equal to 1"),
    ("[policy]\ndeadline_warning = nan", "policy.deadline_warning: must be a finite number"),
    ('[policy]\ndeadline_basis = "earlest"', 'policy.deadline_basis: "earlest" is not known; did you mean earliest?'),
    ("[policy.matrix.critcal]\nhigh = 1", "policy.matrix.critcal: unknown key; did you mean critical?"),
    ("[policy.matrix.critical]\nhigh = 5", "policy.matrix.critical.high: expected a priority: 1, 2, 3 or 4"),
    ('[policy.urgency.critical]\nresolv = "1h"', "policy.urgency.critical.resolv: unknown key; did you mean resolve?"),
    ('[policy.kind_limits]\nfault = "1h"', "policy.kind_limits.fault: unknown key; did you mean fault_major?"),
    ('[policy.floors.red]\nimpact = "huge"', 'policy.floors.red.impact: "huge" is not known; expected one of low, medium, high'),
    ('[policy.alert_severity]\nbad = "urgent"', 'policy.alert_severity.bad: "urgent" is not known; expected one of low, medium, high'),
    ("[policy.levels.black]\nshare = 80", "policy.levels.black.share: must be less than or equal to 1"),
    ('[policy.levels.purple]\nusers = 1', "policy.levels.purple: unknown key; known: black, minor, orange, red, yellow"),
    ('[policy.ladder.P5]\nsupport_lead = "1m"', "policy.ladder.P5: unknown key; known: P1, P2, P3, P4"),
    ('[policy.ladder.P1]\nuntil = "closed"', 'policy.ladder.P1.until: "closed" is not known; expected one of resolved, accepted'),
    ('[policy.channels.P1]\nincident_manager = ["sms"]', "policy.channels.P1.incident_manager[0]: there is no [channels.sms]"),
    ("[policy.channels.P1]\ndefault = []", "policy.channels.P1.default: names no channel"),
    (SMS + '[policy]\ndesk_channels = ["smss"]', "policy.desk_channels[0]: there is no [channels.smss]; did you mean sms?"),
    ('[policy.words]\nurgnt = ["x"]', "policy.words.urgnt: unknown key; did you mean urgent?"),
    ('[policy.words]\nurgent = "x"', "policy.words.urgent: expected a list, got text"),
    ('[policy.words]\nurgent = [""]', "policy.words.urgent[0]: is empty"),
    ('[policy.words]\nfault = ["a"]\nkinds = { fault = ["b"] }', "policy.words.fault: is also under policy.words.kinds"),
    # the short tables
    ('[security]\nkey = "short"', "security.key: the key is shorter than 16 characters"),
    ('[log]\nlevel = "DEBUG"', 'log.level: "DEBUG" is not known; did you mean debug?'),
    ('[retention]\nraw = "off-ish"', 'retention.raw: "off-ish" is no duration: write "90s", "5m", "1h30m" or "7d", or "off"'),
    ('[bulletin]\nto = ["nobody"]', 'bulletin.to[0]: "nobody" is neither a mail address nor one of [[people]]'),
    (PERSON + '[report]\nto = ["王芳"]', 'report.to[0]: "王芳" has no email in [[people]]'),
    # keys that TOML quotes
    ('[policy]\n"a b" = 1', 'policy."a b": unknown key'),
    ('"\\u001b[31m" = 1', '"\\u001b[31m": unknown key'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), ONE_FAULT, ids=[line[:60] for _, line in ONE_FAULT])
def test_a_wrong_config_says_where_and_what(faults: Faults, text: str, line: str) -> None:
    assert faults(text) == [f"config.toml: {line}"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("locale = x", "line 1, column 10: Invalid value"),
        ("locale = ", "at the end: Invalid value"),
        ('[http]\nlisten = "a\n', "line 2, column 12: "),
        ("[[people]]\nname = '王芳", "at the end: "),
        ("a = 1\na = 2\nb = 3", "line 2, column 6: Cannot overwrite a value"),
        ("x = [" + "[" * 2000, "is nested too deeply"),
        (".".join("a" * 100) + " = 1", "is nested too deeply"),
        ("x = " + "9" * 5000, "a value cannot be read: "),
        ("x = 2026-02-31", "line 1"),
    ],
)
def test_a_syntax_error_names_line_and_column(faults: Faults, text: str, line: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(f"config.toml: {line}"), fault


def test_a_file_that_is_not_utf_8_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('locale = "en"\n# 计费'.encode("gbk"))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.faults == ["config.toml: line 2: is not UTF-8"]


def test_a_missing_file_and_a_folder_are_one_fault(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.toml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError) as caught:
            load(path, {})
        assert caught.value.faults == [f"{path}: cannot be read: {why}"]


def test_all_faults_come_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    text = (
        'locale = "fr"\n[http]\nlisten = "x"\n'
        '[[people]]\nname = "a"\nmobile = "1"\n[[people]]\nemail = "x"\n[[people]]\nname = "a"\n'
        '[[rules]]\nmatch = ["x=1"]\nset = { impact = "x" }\n[policy]\nquiet_period = 1\n[policy.ladder.P1]\nuntil = "x"\n'
    )
    places = [line.split(": ")[1] for line in faults(text)]
    assert places == [
        "locale",
        "http.listen",
        "people[0].mobile",
        "people[1].email",
        "people[1].name",
        "people[2].name",
        "rules[0].match[0]",
        "rules[0].set.impact",
        "policy.quiet_period",
        "policy.ladder.P1.until",
    ]


def test_a_config_with_a_byte_order_mark_and_windows_line_ends_is_read(faults: Faults) -> None:
    assert faults('\ufefflocale = "en"\r\n[http]\r\nlisten = "[::1]:8080"\r\n') == []
