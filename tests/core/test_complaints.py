"""RULES 5.4, 5.5: which tickets count for which fault."""

from __future__ import annotations

from tests.core.world import H, S, World, book, policy


def complain(world: World, n: int, subject: str = "投诉门户没人处理") -> None:
    world.mail(subject, sender=f"u{n}@stranger.example")


def counted(world: World, number: int = 1) -> int:
    linked = sum(i.complaint_of == number for i in world.incidents.values())
    fault = world.incidents[number]
    assert fault.complaints_counted == linked + (fault.origin == "user")
    return fault.complaints_counted


def test_a_ticket_of_an_open_faults_service_is_counted_and_has_nothing_of_its_own() -> None:
    world = World()
    world.alert()
    complain(world, 1, "门户无法登录")
    ticket = world.incidents[2]
    assert (ticket.complaint_of, ticket.fault_level, ticket.ladder, ticket.next_at) == (1, None, [], None)
    assert {str(n.reason) for n in world.notices if n.incident == 2} == {"registered"}
    assert all(n.reporter for n in world.notices if n.incident == 2)
    assert counted(world) == 1


def test_the_window_counts_from_the_last_ticket() -> None:
    world = World()
    world.alert()
    for n, hours in enumerate((23, 46, 71)):
        world.now = hours * H
        complain(world, n)
    assert [i.complaint_of for i in world.incidents.values()][1:] == [1, 1, None]


def test_of_two_faults_the_one_registered_last_takes_it() -> None:
    world = World()
    world.alert(key="a")
    world.alert(key="b")
    complain(world, 1)
    assert world.incidents[3].complaint_of == 2


def test_a_fault_that_opens_takes_the_loose_tickets_of_its_service() -> None:
    world = World()
    for n in range(3):
        complain(world, n)
    complain(world, 9, "投诉云主机没人处理")
    world.alert()
    assert counted(world, 5) == 3
    assert world.incidents[4].complaint_of is None


def test_the_twentieth_ticket_without_a_fault_makes_one() -> None:
    world = World()
    for n in range(19):
        world.now = n * S
        complain(world, n)
    assert len(world.incidents) == 19
    world.now = 19 * S
    complain(world, 19)
    fault = world.incidents[21]
    assert (fault.kind, fault.occurred_at, fault.fault_level, counted(world, 21)) == ("fault", 0, "minor", 20)


def test_a_ticket_counts_once_whatever_is_replied_in_its_thread() -> None:
    world = World()
    world.alert()
    world.mail("门户无法登录", message_id="a@x")
    world.mail("Re: 门户无法登录", "再补充一点", in_reply_to="a@x")
    assert counted(world) == 1


def test_a_reporter_counts_once_where_the_policy_says_so() -> None:
    world = World(book(policy(count_distinct_reporters=True)))
    world.alert()
    for n in (1, 1, 2):
        complain(world, n)
    assert world.incidents[1].complaints_counted == 2


def test_a_cancelled_or_duplicate_or_recast_ticket_counts_no_more() -> None:
    world = World()
    world.alert()
    for n in range(4):
        complain(world, n)
    world.act(2, "cancel", reason="spam")
    world.act(3, "duplicate", of="INC-4")
    world.patch(5, kind="request")
    assert counted(world) == 1
    assert world.incidents[5].ladder


def test_the_desk_links_by_hand_also_without_a_service() -> None:
    world = World()
    world.alert()
    complain(world, 1, "投诉：没人处理")
    assert world.incidents[2].complaint_of is None
    world.act(2, "link", to="INC-1")
    assert counted(world) == 1


def test_the_confirmed_number_replaces_the_counted_and_later_tickets_add() -> None:
    for add, level in ((True, "yellow"), (False, "minor")):
        world = World(book(policy(count_after_confirmation=add)))
        world.alert()
        complain(world, 1)
        world.to(S)
        world.act(1, "measure", complaints_confirmed=49)
        world.to(2 * S)
        complain(world, 2)
        assert world.incidents[1].fault_level == level


def test_a_users_fault_counts_itself() -> None:
    world = World()
    world.mail("门户无法登录")
    assert counted(world) == 1


def test_a_complaint_to_the_vice_president_is_serious() -> None:
    world = World()
    world.mail("投诉：态度恶劣")
    found = world.act(1, "measure", complained_to_vp=True)
    assert (found.complaint_serious, found.kind_due_at) == (True, 12 * H)
