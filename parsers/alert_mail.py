"""Alert mail of monitoring systems: Nagios, Icinga, Zabbix, Alertmanager, Grafana, Monit, PRTG, Uptime Kuma, others.

    Subject: ** PROBLEM Service Alert: db1/Disk is CRITICAL **

    Notification Type: PROBLEM
    Service: Disk
    Host: db1
    State: CRITICAL

gives a report with state FIRING, source db1, service Disk and the key "db1/disk", which its RECOVERY has too. What
names neither host nor service is known by its subject without states, severities, times and counters. Mail to an
alert address always fires unless it says otherwise: nothing is dropped for being unknown or automatic.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from parsers import ACKNOWLEDGED, ALERT, FIRING, MAX_TITLE, RESOLVED, UNCHANGED, Mail, Raw, Report, Unparsable
from parsers._body import redacted
from parsers._letter import open_letter
from parsers._states import severity_of, state_of
from parsers._subject import state_in, stem
from parsers.customer_mail import first_line

NAME = "alert_mail"
MAX_ALERTS = 500

_LINE = re.compile(
    r"[ \t>*•-]{0,8}([A-Za-z\u4e00-\u9fff][\w\u4e00-\u9fff /().-]{0,39}?)[ \t*]*(?:[:：]|=)[ \t*]*(\S.{0,500})"
)
_NAMES: dict[str, tuple[str, ...]] = {
    "host": ("host", "hostname", "host name", "hostalias", "problem host", "server", "device", "node", "instance",
    "monitor", "主机", "主机名", "主机名称",
             "告警主机", "设备", "设备名称", "实例", "实例名称", "服务器", "告警对象", "监控对象", "对象"),
    "service": ("service", "service description", "servicedesc", "check", "sensor", "服务", "服务名称", "监控项",
    "检查项"),
    "state": ("state", "status", "service state", "host state", "notification type", "type", "trigger status",
    "event status", "problem status", "current state",
              "event state", "alert status", "alert state", "状态", "当前状态", "告警状态", "事件状态", "问题状态",
              "通知类型"),
    "severity": ("severity", "trigger severity", "event severity", "priority", "level", "problem severity", "级别",
    "告警级别", "告警等级", "等级", "严重性",
                 "严重程度", "严重级别", "优先级", "事件级别"),
    "name": ("alertname", "alert", "alert name", "rule", "rule name", "problem name", "problem", "trigger",
    "trigger name", "告警名称", "告警标题", "规则名称", "告警规则",
             "策略名称", "触发器", "问题名称", "告警项"),
    "environment": ("environment", "env", "环境"),
}  # fmt: skip
_FIELD_OF = {name: kind for kind, names in _NAMES.items() for name in names}

_NAGIOS = re.compile(
    r"[:：-]\s*(?P<host>[^\s/:]{1,200})(?:\s*/\s*(?P<service>.{1,200}?))?\s+(?P<verb>(?:is|are)\s+(?:now\s+)?)?"
    r"(?P<state>OK|UP|DOWN|CRIT(?:ICAL)?|WARN(?:ING)?|UNKN(?:OWN)?|UNREACH(?:ABLE)?)\b(?:\s*(?:->"
    r"|→)\s*(?P<now>\w{2,12}))?",
    re.IGNORECASE,
)
_NOTICE = re.compile(r"\b(?:host|service)\s+(?:alert|notification)\b", re.IGNORECASE)
_ICINGA = re.compile(
    r"\[(?:PROBLEM|RECOVERY|ACKNOWLEDGEMENT|CUSTOM|DOWNTIME\w*|FLAPPING\w*)\]\s*(?:Host\s+(?P<alone>\S{1,200})"
    r"|(?P<service>.{1,200}?) on (?P<host>\S{1,200}))"
    r" is (?P<state>\w+)",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\s*\[([^\[\]]{1,200})\]\s*\[\W{0,4}\s*(up|down|pending|ok|critical|warning)\]", re.IGNORECASE)
_SECTION = re.compile(
    r"\s*\[?\s*(?:\d+\s*\]?\s*)?(firing|resolved)(?:\s+(?:alerts?|instances?))?\s*:?\s*\Z", re.IGNORECASE
)
_LABEL = re.compile(r"\s*[-*•]?\s*([A-Za-z_][\w.]{0,100})\s*=\s*(.{0,1000}?)\s*\Z")
_SEVERE = re.compile(
    r"\b(critical|crit|emergency|disaster|fatal|sev-?[0-2]|p[1-3]|error|major|high|warning|warn|average|down"
    r"|unreachable)\b|(紧急|致命|灾难|严重|重要|警告)",
    re.IGNORECASE,
)
# Mild words count between brackets only: a "minor upgrade failed" must not grade its failure down.
_MILD = re.compile(
    r"[\[(【（<]\s*(minor|info|information|notice|low|p[45]|sev-?[34]|次要|提示|低)\s*[\])】）>:]", re.IGNORECASE
)
_RULED = frozenset(
    {
        "problem",
        "recovery",
        "acknowledgement",
        "flappingstart",
        "flappingstop",
        "custom",
        "downtimestart",
        "downtimeend",
    }
)


@dataclass(slots=True)
class Facts:
    """What the body's "Name: value" lines tell, the first of each kind; `states` all of them."""

    found: dict[str, str] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)

    def get(self, kind: str) -> str:
        return self.found.get(kind, "")


def accepts(raw: Raw) -> bool:
    """Any bytes are a mail."""
    return bool(raw.body)


def parse(raw: Raw, settings: object = None) -> Sequence[Report]:
    """One report, or one per alert of an Alertmanager mail. Raises Unparsable for an empty body only."""
    if not raw.body.strip():
        raise Unparsable("the mail is empty")
    mail, subject, text = open_letter(raw)
    title = redacted(subject or first_line(text))[:MAX_TITLE]
    facts = _facts(text)
    if grouped := _alertmanager(text, title, mail):
        return grouped
    host, service, told = _parties(title, facts)
    state = _state(title, facts, told)
    name = facts.get("name")
    return [
        Report(
            ALERT,
            title=title,
            state=state,
            key=_key(title, host, service, name, told),
            severity=_severity(title, facts, told, state),
            text=redacted(text),
            source=host,
            service=service,
            environment=facts.get("environment"),
            labels={kind: value for kind, value in facts.found.items() if kind != "state"},
            mail=mail,
        )
    ]


def _facts(text: str) -> Facts:
    facts = Facts()
    for line in text.split("\n", 300)[:300]:
        if (match := _LINE.match(line[:600])) is None:
            continue
        kind = _FIELD_OF.get(match[1].strip().casefold())
        if kind is None:
            continue
        value = match[2].strip().strip("*").strip()
        if kind == "state":
            facts.states.append(value)
        elif kind not in facts.found:
            facts.found[kind] = redacted(value)[:300]
    return facts


def _parties(title: str, facts: Facts) -> tuple[str, str, str]:
    """(host, service, state word) of the subject where it has a known form, else of the body."""
    if match := _ICINGA.search(title):
        return match["host"] or match["alone"], match["service"] or "", match["state"]
    match = _NAGIOS.search(title)
    if match and (match["service"] or match["verb"] or match["now"] or _NOTICE.search(title)):
        return match["host"], (match["service"] or "").strip(), match["now"] or match["state"]
    if match := _NAMED.match(title):
        return facts.get("host") or match[1], facts.get("service"), match[2]
    return facts.get("host"), facts.get("service"), ""


def _state(title: str, facts: Facts, told: str) -> str:
    """The kind of notice first (an ACKNOWLEDGEMENT names a state too), then the subject, then the body; else FIRING."""
    for value in (title, *facts.states):
        words = re.findall(r"[a-z]+", value[:200].casefold())
        if len(words) and (special := next((word for word in words[:6] if word in _RULED), "")):
            if special.startswith("ack"):
                return ACKNOWLEDGED
            if special.startswith(("flapping", "custom", "downtime")):
                return UNCHANGED
    if found := state_in(title):
        return found
    if told:
        return RESOLVED if state_of(told) == RESOLVED else FIRING
    for value in facts.states:
        if (found := state_of(value) or state_in(value)) and found != UNCHANGED:
            return found
    return FIRING


def _severity(title: str, facts: Facts, told: str, state: str) -> str:
    if told and state == FIRING:
        return severity_of(told)
    if found := facts.get("severity"):
        return severity_of(found)
    match = _MILD.search(title) or _SEVERE.search(title)
    return (
        severity_of(match[1] or match[2]) if match and match.re is _SEVERE else severity_of(match[1]) if match else ""
    )


def _key(title: str, host: str, service: str, name: str, told: str) -> str:
    """Of host and service, else of host and the alert's name, else of the subject's stem."""
    if host and service:
        return f"{host}/{service}".casefold()
    if host and name:
        return f"{host}/{stem(name)}".casefold()
    if host and told:
        return host.casefold()
    rest = stem(title)
    return f"{host}/{rest}".casefold() if host else f"subject:{rest}"


def _alertmanager(text: str, title: str, mail: Mail) -> list[Report]:
    """The alerts of Alertmanager's own mail: sections "[2] Firing", in them blocks of "Labels" and "Annotations"."""
    state, part = RESOLVED if (state_in(title) == RESOLVED) else FIRING, ""
    blocks: list[tuple[str, dict[str, str], dict[str, str]]] = []
    for line in text.split("\n"):
        bare = line.strip()
        if section := _SECTION.match(bare):
            state, part = (FIRING if section[1].casefold() == "firing" else RESOLVED), ""
        elif bare.rstrip(":").casefold() == "labels":
            blocks.append((state, {}, {}))
            part = "labels"
        elif bare.rstrip(":").casefold() == "annotations":
            part = "annotations"
        elif part and blocks and (match := _LABEL.match(bare)):
            blocks[-1][1 if part == "labels" else 2].setdefault(match[1], match[2])  # type: ignore[union-attr]
        if len(blocks) > MAX_ALERTS:
            break
    return [_of_labels(*block, title, mail) for block in blocks[:MAX_ALERTS] if block[1].get("alertname")]


def _of_labels(state: str, labels: Mapping[str, str], notes: Mapping[str, str], title: str, mail: Mail) -> Report:
    digest = hashlib.sha256(repr(sorted(labels.items())).encode("utf-8", "replace")).hexdigest()[:32]
    source = labels.get("instance") or labels.get("host") or labels.get("pod") or ""
    name = labels["alertname"]
    return Report(
        ALERT,
        title=notes.get("summary") or notes.get("title") or (f"{name} ({source})" if source else name) or title,
        state=state,
        key=f"labels:{digest}",
        severity=severity_of(labels.get("severity", "")),
        text=redacted(notes.get("description") or notes.get("message") or ""),
        source=source,
        service=labels.get("service") or labels.get("job") or "",
        environment=labels.get("environment") or labels.get("env") or "",
        labels=labels,
        mail=mail,
    )
