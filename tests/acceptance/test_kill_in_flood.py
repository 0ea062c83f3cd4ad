"""kill -9 while webhooks and mail pour in: what was acknowledged is there once, and nothing is there twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.acceptance.flood import Flood
from tests.peers.process import wait_until
from tests.peers.tocsin import Daemon

KILLS = 3


def has_written(tocsin: Daemon, messages: int) -> bool:
    return len(tocsin.outbox("email")) >= messages


@pytest.mark.timeout(180)
def test_what_was_acknowledged_before_a_kill_is_one_incident_after_it(
    daemon: Callable[..., Daemon], database: str
) -> None:
    tocsin = daemon(database=database)
    tocsin.token()
    flood = Flood([tocsin], webhooks=400, mails=160).start()

    for wanted in range(100, 100 * KILLS + 1, 100):
        wait_until(partial(flood.reached, wanted), 60, f"{wanted} acknowledgements")
        tocsin.kill9()
        tocsin.start()
    flood.finish()

    flood.verify(tocsin)
    assert tocsin.stop() == 0
    tocsin.start()
    flood.verify(tocsin)


@pytest.mark.timeout(180)
def test_a_kill_while_messages_go_out_tells_nobody_a_second_thing(daemon: Callable[..., Daemon], database: str) -> None:
    """At least once outside: a crash between sending and noting it sends again, and then with the same key."""
    tocsin = daemon(database=database, policy="notify_limit = 100000\n")
    tocsin.token()
    flood = Flood([tocsin], webhooks=60, mails=60, alerts_per_body=1).start()

    for wanted in (40, 80):
        wait_until(partial(has_written, tocsin, wanted), 60, f"{wanted} messages")
        tocsin.kill9()
        tocsin.start()
    flood.finish()
    flood.verify(tocsin)
    incidents = tocsin.incidents()
    wait_until(lambda: not tocsin.api("notifications?state=pending&limit=1")["notifications"], 45, "all is sent")

    messages = tocsin.outbox("email")
    keys = {message["key"] for message in messages}
    # A rerun repeats at most what was under way at a kill; the key tells the other side that it knows it already.
    assert len(messages) - len(keys) <= 2 * 20, "messages that were sent again"
    told_desk = [m["incident"] for m in messages if m["to"] == "desk@ops.example"]
    by_key = {message["key"]: (message["to"], message["incident"]) for message in messages}
    desk = [incident for to, incident in by_key.values() if to == "desk@ops.example"]
    assert len(desk) == len(set(desk)), "the desk was told of one incident under two keys"
    assert set(told_desk) == {one["number"] for one in incidents}, "an incident of which the desk was never told"
