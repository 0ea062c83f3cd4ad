"""SIGTERM drains; SIGHUP takes a good config and refuses a bad one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.flood import Flood
from tests.peers.process import stays, wait_until
from tests.peers.tocsin import TOKEN, Daemon, alert, group

SECOND = f'[[webhooks]]\nname = "second"\nparser = "alertmanager"\ntoken = "{TOKEN}"\n'


@pytest.mark.timeout(120)
def test_sigterm_in_a_flood_ends_with_0_and_loses_nothing_acknowledged(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    tocsin.token()
    flood = Flood([tocsin], webhooks=200, mails=80).start()
    wait_until(lambda: flood.acknowledged >= 100, 30)

    assert tocsin.stop(timeout=20) == 0

    assert "Traceback" not in tocsin.log
    tocsin.start()
    flood.finish()
    flood.verify(tocsin)


def test_sigterm_on_an_idle_daemon_is_quick(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    assert tocsin.stop(timeout=5) == 0
    assert "Traceback" not in tocsin.log


def test_a_bad_config_at_sighup_is_refused_and_the_old_one_stays(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    tocsin.token()
    good = tocsin.config.read_text()
    tocsin.config.write_text(good.replace('parser = "alertmanager"', 'parser = "alertmangler"'))

    tocsin.hang_up()

    wait_until(lambda: "alertmangler" in tocsin.log, 10, "the log says why")
    assert tocsin.webhook(group(alert("Still"))).status == 202
    wait_until(lambda: len(tocsin.incidents()) == 1, 10)
    assert tocsin.running.code is None


def test_a_good_config_at_sighup_is_taken_without_a_stop(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon()
    assert tocsin.webhook(group(alert("Early")), entry="second").status in (401, 404)
    tocsin.config.write_text(tocsin.config.read_text() + "\n" + SECOND)

    tocsin.hang_up()

    wait_until(lambda: tocsin.webhook(group(alert("Later")), entry="second").status == 202, 10)
    wait_until(lambda: len(tocsin.incidents()) == 1, 10)


def test_a_shorter_ladder_at_sighup_moves_the_open_incidents(daemon: Callable[..., Daemon]) -> None:
    tocsin = daemon(services='[[services]]\nname = "billing"\ncore = true\n', policy="[policy.ladder.P1]\n")
    assert tocsin.webhook(group(alert("Down", service="billing"))).status == 202
    wait_until(lambda: len(tocsin.incidents()) == 1, 10)
    text = tocsin.config.read_text()
    tocsin.config.write_text(text.replace("[policy.ladder.P1]\n", '[policy.ladder.P1]\nsupport_lead = "1s"\n'))

    tocsin.hang_up()

    wait_until(lambda: tocsin.outbox_to("lead@ops.example"), 15, "the rung of the new ladder")
    stays(lambda: not tocsin.outbox_to("leader@ops.example"), 1)
