"""Two daemons on one PostgreSQL share the work and do nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.acceptance.flood import Flood
from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon, alert, group


@pytest.mark.timeout(180)
def test_two_daemons_on_one_database_share_a_flood_and_double_nothing(
    daemon: Callable[..., Daemon], postgres_url: str
) -> None:
    first = daemon(database=postgres_url, policy="notify_limit = 100000\n")
    second = daemon(database=postgres_url, policy="notify_limit = 100000\n")
    first.token()
    flood = Flood([first, second], webhooks=200, mails=80).start()

    # The same bodies at the same time to both: one alert is one incident whoever reads it first.
    for n in range(20):
        body = group(alert(f"Shared{n}", severity="warning"))
        assert first.webhook(body).status == second.webhook(body).status == 202
    flood.finish()
    first.settled(60)

    titles = Counter(word.strip(":,.") for one in first.incidents() for word in one["title"].split())
    assert [titles[f"Shared{n}"] for n in range(20)] == [1] * 20
    flood_only = [one for one in first.incidents() if "Shared" not in one["title"]]
    assert len(flood_only) == len(flood.alert_names) + len(flood.acknowledged_mails)
    wait_until(lambda: not first.api("notifications?state=pending&limit=1")["notifications"], 30, "all is sent")
    keys = Counter(m["key"] for d in (first, second) for c in ("email", "sms") for m in d.outbox(c))
    assert not [key for key, n in keys.items() if n > 1], "both sent it"
    assert len(keys) >= len(flood_only)
    assert first.outbox("email"), "the first one did nothing"
    assert second.outbox("email"), "the second one did nothing"


@pytest.mark.timeout(120)
def test_when_one_of_two_daemons_dies_the_other_climbs_the_ladder(
    daemon: Callable[..., Daemon], postgres_url: str
) -> None:
    settings = {
        "database": postgres_url,
        "services": '[[services]]\nname = "billing"\ncore = true\n',
        "policy": '[policy.ladder.P1]\nsupport_lead = "1s"\nincident_manager = "3s"\nservice_manager = "4s"\n',
    }
    first, second = daemon(**settings), daemon(**settings)
    second.token()
    assert first.webhook(group(alert("BillingDown", service="billing"))).status == 202
    wait_until(lambda: len(second.incidents()) == 1, 10)

    first.kill9()

    def told() -> Counter[str]:
        rows = [row for row in second.timeline("INC-1") if row["event"] == "escalated"]
        return Counter(row["data"]["role"] for row in rows if row["data"]["reason"] == "ladder")

    wait_until(lambda: told()["service_manager"] == 1, 30, "the last of the three rungs")
    assert told()["support_lead"] == told()["incident_manager"] == 1
