"""Grafana: unified alerting (8 and later) as `alertmanager` reads it, and the legacy notifier of Grafana 8 and before.

    {"ruleId": 7, "ruleName": "CPU load", "state": "alerting", "title": "[Alerting] CPU load", "orgId": 1,
     "message": "Load peaking", "ruleUrl": "http://grafana/d/x", "evalMatches": [{"metric": "web1", "value": 97.5}]}

A legacy rule is one alert, whatever its matches: on recovery they are empty. Its key is the rule's id within its
organisation; rule 0 is the test button. Paused, pending and no_data change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parsers import ALERT, FIRING, RESOLVED, UNCHANGED, Raw, Report, Unparsable, alertmanager
from parsers._body import is_readable, redacted, value_of
from parsers._states import severity_of

NAME = "grafana"

_STATES = {"alerting": FIRING, "ok": RESOLVED}


def accepts(raw: Raw) -> bool:
    """A JSON body with alerts or a legacy rule in it."""
    return is_readable(raw, lambda body: alertmanager.has_alerts(body) or _is_legacy(body))


def parse(raw: Raw, settings: object = None) -> Sequence[Report]:
    """A report per alert, of a legacy body one. Raises Unparsable when it is neither shape."""
    body = value_of(raw)
    if not isinstance(body, dict) or "alerts" in body or "labels" in body:
        return alertmanager.reports_of(body, raw)
    if not _is_legacy(body):
        raise Unparsable("neither `alerts` nor a legacy rule (`ruleId`, `ruleName`)")
    return [_legacy(body)]


def _is_legacy(body: Any) -> bool:
    return isinstance(body, dict) and any(name in body for name in ("ruleId", "ruleName", "evalMatches", "ruleUrl"))


def _legacy(body: Mapping[str, Any]) -> Report:
    tags = body.get("tags")
    labels = {str(k): str(v) for k, v in tags.items()} if isinstance(tags, dict) else {}
    rule = body.get("ruleId")
    scope = [body.get("orgId"), body.get("dashboardId"), body.get("panelId"), rule]
    name = _text(body.get("ruleName")) or _text(body.get("title"))
    return Report(
        ALERT,
        title=redacted(name) or "alert without name",
        state=_STATES.get(_text(body.get("state")).lower(), UNCHANGED),
        key=f"rule:{'/'.join('' if part is None else str(part) for part in scope)}"
        if rule
        else f"rule:{name.casefold()}",
        severity=severity_of(labels.get("severity", "")),
        text=_message(body),
        source=labels.get("instance") or labels.get("host", ""),
        service=labels.get("service") or labels.get("job", ""),
        environment=labels.get("environment") or labels.get("env", ""),
        labels=labels,
        links=tuple(
            redacted(u)[:2000] for u in (_text(body.get("ruleUrl")), _text(body.get("imageUrl"))) if "://" in u
        ),
        test=rule == 0 and "test" in name.lower(),
    )


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _message(body: Mapping[str, Any]) -> str:
    matches = body.get("evalMatches")
    found = matches[:50] if isinstance(matches, list) else []
    values = [f"{one.get('metric')}: {one.get('value')}" for one in found if isinstance(one, dict)]
    return "\n".join(part for part in (redacted(_text(body.get("message"))), *values) if part)
