"""Prometheus' Alertmanager and what speaks its tongue: webhook bodies v4 and v3, bare arrays of its API v2 (Prometheus,
vmalert), Grafana's unified alerting, SigNoz. One report per alert.

    {"version": "4", "status": "firing", "alerts": [{"status": "firing",
      "labels": {"alertname": "DiskFull", "instance": "db1:9100", "severity": "critical"},
      "annotations": {"summary": "Disk of db1 is full"},
      "startsAt": "2026-01-01T00:00:00.5Z", "endsAt": "0001-01-01T00:00:00Z"}]}

The key is a hash of the label set. An alert's labels are its identity in Alertmanager, the same in firing and
resolved form; `fingerprint` is only a hash of them that some senders leave out and hand-made bodies repeat. The
group's status never decides: recovered members lie in firing groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from parsers import ALERT, FIRING, RESOLVED, UNCHANGED, Raw, Report, Unparsable
from parsers._body import is_readable, is_secret, redacted, value_of
from parsers._states import severity_of, state_of
from parsers._times import instant

NAME = "alertmanager"
MAX_ALERTS = 10_000

_LINKS = ("generatorURL", "runbook_url", "dashboardURL", "panelURL", "silenceURL", "imageURL")
_SOURCES = ("instance", "host", "hostname", "node", "pod", "container", "device", "target")


def accepts(raw: Raw) -> bool:
    """A JSON body with alerts in it, or a form with such a one."""
    return is_readable(raw, has_alerts)


def has_alerts(body: Any) -> bool:
    """Whether a decoded body has the shape: a list of objects, or an object with `alerts` or `labels`."""
    if isinstance(body, dict):
        return isinstance(body.get("alerts"), list | dict) or isinstance(body.get("labels"), dict)
    return isinstance(body, list) and any(isinstance(one, dict) for one in body)


def parse(raw: Raw, settings: object = None) -> Sequence[Report]:
    """A report per alert. Raises Unparsable when there is no alert at all, naming the place."""
    return reports_of(value_of(raw), raw)


def reports_of(body: Any, raw: Raw) -> list[Report]:
    """The reports of a decoded body; `grafana` reads its unified bodies by it."""
    head: Mapping[str, Any] = body if isinstance(body, dict) else {}
    alerts = _alerts(body)
    if len(alerts) > MAX_ALERTS:
        raise Unparsable(f"more than {MAX_ALERTS} alerts in one body")
    reports = [
        _report(alert, head, raw) if isinstance(alert, dict) else _malformed(number)
        for number, alert in enumerate(alerts)
    ]
    if not any(isinstance(alert, dict) for alert in alerts):
        raise Unparsable("alerts[0]: not an object")
    return reports


def _alerts(body: Any) -> list[Any]:
    alerts = body if isinstance(body, list) else body.get("alerts") if isinstance(body, dict) else None
    if isinstance(alerts, dict):
        alerts = [alerts]
    if isinstance(alerts, list):
        if not alerts:
            raise Unparsable("alerts: the list is empty")
        return alerts
    if isinstance(body, dict) and isinstance(body.get("labels"), dict):
        return [body]  # one alert of a group posted by itself
    raise Unparsable("no alerts: neither a list of alerts, nor an object with `alerts` or `labels`")


def _malformed(number: int) -> Report:
    """A member that is no object: shown beside its readable neighbours, but it opens nothing."""
    return Report(ALERT, title=f"malformed member alerts[{number}]", state=UNCHANGED, key=f"malformed:{number}")


def _report(alert: Mapping[str, Any], head: Mapping[str, Any], raw: Raw) -> Report:
    labels = _texts(alert.get("labels"))
    notes = _texts(alert.get("annotations"))
    name = labels.get("alertname", "")
    source = next((labels[key] for key in _SOURCES if labels.get(key)), "")
    return Report(
        ALERT,
        title=_title(alert, head, labels, notes, name, source),
        state=_state(alert, head, raw.received_at),
        key=_key(alert, labels),
        severity=severity_of(labels.get("severity") or labels.get("priority") or labels.get("level") or ""),
        text=_text(alert, notes),
        source=source,
        service=labels.get("service") or labels.get("job") or "",
        environment=labels.get("environment") or labels.get("env") or "",
        labels=labels,
        links=_links(alert, head, notes),
        started_at=instant(alert.get("startsAt")),
        test=_is_test(alert, labels),
    )


def _texts(value: Any) -> dict[str, str]:
    """A label set as texts. Secrets by name stay out; a value that is no text is written as JSON."""
    if not isinstance(value, dict):
        return {}
    found = {}
    for name, item in value.items():
        if item is None or is_secret(name):
            continue
        if type(item) is str:
            found[name] = redacted(item) if "=" in item or "@" in item else item
        else:
            found[name] = orjson.dumps(item).decode()
    return found


def _title(
    alert: Mapping[str, Any],
    head: Mapping[str, Any],
    labels: Mapping[str, str],
    notes: Mapping[str, str],
    name: str,
    source: str,
) -> str:
    summary = notes.get("summary") or notes.get("title")
    if not summary and isinstance(alert.get("title"), str):
        summary = alert["title"]
    if summary and summary.strip():
        return redacted(summary)
    if name:
        return f"{name} ({source})" if source else name
    shared = head.get("title")
    if isinstance(shared, str) and shared.strip() and not labels:
        return redacted(shared)
    first = ", ".join(f"{key}={value}" for key, value in list(labels.items())[:3])
    return (
        first
        or next((text for text in notes.values() if text), "")
        or f"alert {alert.get('fingerprint') or 'without name'}"
    )


def _state(alert: Mapping[str, Any], head: Mapping[str, Any], received_at: int) -> str:
    """The alert's own status; without one its end, which lies in the future, in year 1 or in 1970 while it fires."""
    status = alert.get("status")
    if isinstance(status, dict):  # GET /api/v2/alerts answers {"state": "active" | "suppressed" | "unprocessed"}
        status = {"unprocessed": "firing", "suppressed": "firing"}.get(str(status.get("state")), status.get("state"))
    if status not in (None, ""):
        return state_of(status) or UNCHANGED
    ended = instant(alert.get("endsAt"))
    if ended is not None:
        return RESOLVED if ended <= received_at else FIRING
    if not alert.get("endsAt") and head.get("status") is not None:
        return state_of(head["status"]) or UNCHANGED
    return FIRING


def _key(alert: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    whole = alert.get("labels")
    if isinstance(whole, dict) and whole:
        digest = hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
        return f"labels:{digest}"
    if isinstance(print_ := alert.get("fingerprint"), str) and print_:
        return f"fingerprint:{print_}"
    notes = alert.get("annotations")
    digest = hashlib.sha256(orjson.dumps([notes, alert.get("generatorURL")], option=orjson.OPT_SORT_KEYS)).hexdigest()[
        :32
    ]
    return f"annotations:{digest}"


def _text(alert: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    body = notes.get("description") or notes.get("message") or ""
    rest = [
        f"{key}: {value}"
        for key, value in notes.items()
        if key not in {"summary", "title", "description", "message"} and value
    ]
    values = alert.get("values")
    if isinstance(values, dict) and values:
        rest.append("values: " + ", ".join(f"{key}={value}" for key, value in list(values.items())[:50]))
    elif isinstance(text := alert.get("valueString"), str) and text:
        rest.append(f"values: {text[:2000]}")
    return "\n".join(part for part in (redacted(body), *rest) if part)


def _links(alert: Mapping[str, Any], head: Mapping[str, Any], notes: Mapping[str, str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in _LINKS:
        url = alert.get(name) or notes.get(name)
        if type(url) is not str or not url:
            continue
        if url[0] == "?" and isinstance(base := head.get("externalURL"), str):
            url = base + url
        if url.startswith(("http://", "https://")):
            found[redacted(url.replace("\\u0026", "&"))[:2000]] = None
    return tuple(found)


def _is_test(alert: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Grafana's "Test" button of a contact point, and OnCall's demo alert."""
    return alert.get("amixr_demo") is True or (
        labels.get("alertname") == "TestAlert" and labels.get("instance") == "Grafana"
    )
