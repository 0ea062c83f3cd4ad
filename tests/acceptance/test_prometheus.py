"""A real rule in a real Prometheus, through a real Alertmanager, to us; and Prometheus looking at us."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from tests.peers import web
from tests.peers.alertmanager import Alertmanager
from tests.peers.process import free_port as a_free_port
from tests.peers.process import wait_until
from tests.peers.prometheus import Prometheus
from tests.peers.tocsin import TOKEN, Daemon, alert, group

RULES = """
groups:
  - name: pumps
    interval: 500ms
    rules:
      - alert: PumpDown
        expr: pump_up == 0
        labels: {severity: critical, service: billing}
        annotations: {summary: "the pump stands still"}
"""


class Pump:
    """Something to be monitored: one gauge on an HTTP port."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.up = Gauge("pump_up", "Whether the pump runs", registry=registry)
        self.up.set(1)
        self.port = a_free_port()
        self._server, self._thread = start_http_server(self.port, "127.0.0.1", registry=registry)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture
def pump() -> Iterator[Pump]:
    made = Pump()
    yield made
    made.close()


def test_a_rule_that_fires_is_an_incident_and_when_it_resolves_so_does_the_incident(
    daemon: Callable[..., Daemon],
    prometheus: Callable[..., Prometheus],
    alertmanager: Callable[[str, str], Alertmanager],
    pump: Pump,
) -> None:
    tocsin = daemon()
    relay = alertmanager(f"{tocsin.url}/webhooks/prometheus", TOKEN)
    prometheus(targets={"pump": f"127.0.0.1:{pump.port}"}, rules=RULES, alertmanager=f"127.0.0.1:{relay.port}")

    pump.up.set(0)

    wait_until(tocsin.incidents, 30)
    (incident,) = tocsin.incidents()
    assert "pump" in incident["title"].lower()
    assert (incident["kind"], incident["service"], incident["origin"]) == ("fault", "billing", "monitoring")
    assert (incident["impact"], incident["urgency"], incident["priority"]) == ("high", "high", 2)
    wait_until(lambda: tocsin.outbox_to("desk@ops.example"), 10)

    pump.up.set(1)

    wait_until(lambda: tocsin.incidents()[0]["status"] == "resolved", 30)
    (incident,) = tocsin.incidents()
    assert incident["solved_by"] == "monitoring"
    assert incident["resolved_at"]


def test_prometheus_scrapes_us_and_answers_how_late_an_escalation_was(
    daemon: Callable[..., Daemon], prometheus: Callable[..., Prometheus]
) -> None:
    tocsin = daemon(
        services='[[services]]\nname = "billing"\ncore = true\n',
        policy='[policy.ladder.P1]\nsupport_lead = "1s"\n',
    )
    watcher = prometheus(targets={"tocsin": f"127.0.0.1:{tocsin.settings.http_port}"})
    assert tocsin.webhook(group(alert("BillingDown", service="billing"))).status == 202

    count = 'sum(tocsin_escalation_lateness_seconds_count{priority="P1"})'
    wait_until(lambda: (watcher.value(count) or 0) >= 1, 20, "an escalation was counted")

    quantile = "histogram_quantile(0.99, sum by (le) (tocsin_escalation_lateness_seconds_bucket))"
    late = watcher.value(quantile)
    assert late is not None
    assert 0 <= late < 10
    assert watcher.value('up{job="tocsin"}') == 1
    told = watcher.value('sum(tocsin_escalations_total{priority="P1",role="support_lead",reason="ladder"})')
    assert told == 1


def test_promtool_finds_no_fault_in_our_metrics(daemon: Callable[..., Daemon]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    tocsin = daemon()
    assert tocsin.webhook(group(alert("Anything"))).status == 202

    text = web.get(f"{tocsin.url}/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)

    assert done.returncode == 0, done.stderr.decode()
