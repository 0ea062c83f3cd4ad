"""Whatever happens in whatever order: what must stay true of the rules (hypothesis)."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from daemon.core import timers
from daemon.core.actions import Forbidden
from daemon.core.checks import BadData
from daemon.core.deadlines import upcoming
from daemon.core.known import Known
from daemon.core.vocabulary import FaultLevel
from tests.core.world import M, S, World, book, iso, policy

BY_PERSON = ("correction", "person")
ACTIONS = (
    ("accept", {}),
    ("assign", {"role": "second_line"}),
    ("assign", {"role": "first_line"}),
    ("reject", {"reason": "x"}),
    ("pend", {"reason": "x"}),
    ("resume", {}),
    ("resolve", {"solution": "x"}),
    ("resolve", {"solution": "x", "workaround": True}),
    ("confirm", {}),
    ("reopen", {"reason": "x"}),
    ("cancel", {"reason": "x"}),
    ("bulletin", {"text": "x"}),
    ("rate", {"score": 1}),
    ("measure", {"complained_to_vp": True}),
    ("measure", {"users_affected": 300_000}),
    ("measure", {"complaints_confirmed": 70}),
    ("note", {"text": "x", "public": True}),
)


class Histories(RuleBasedStateMachine):
    stops = False

    def __init__(self) -> None:
        super().__init__()
        self.world = World(book(policy(pending_stops_clock=self.stops, surge_complaints=4)), now=M)
        self.by_person: set[int] = set()  # entries that a person's measure or correction made

    @rule(
        key=st.sampled_from("abc"),
        severity=st.sampled_from(["info", "error", "critical"]),
        service=st.sampled_from(["portal", "billing"]),
    )
    def fire(self, key: str, severity: str, service: str) -> None:
        self.world.alert(key, severity, service=service)

    @rule(key=st.sampled_from("abc"))
    def recover(self, key: str) -> None:
        self.world.recover(key)

    @rule(
        subject=st.sampled_from(["门户无法登录", "投诉门户没人处理", "紧急：导出清单", "billing down"]),
        who=st.integers(0, 5),
    )
    def write(self, subject: str, who: int) -> None:
        self.world.mail(subject, sender=f"u{who}@customer.example")

    @precondition(lambda self: self.world.incidents)
    @rule(data=st.data(), text=st.sampled_from(["好的", "还是不行", "5", "1", "more"]))
    def reply(self, data: st.DataObject, text: str) -> None:
        known = sorted(self.world.threads)
        if known:
            message = data.draw(st.sampled_from(known))
            number = self.world.threads[message][0]
            sender = self.world.incidents[number].reporter_address
            self.world.mail("Re: x", text, sender, in_reply_to=message)

    @precondition(lambda self: self.world.incidents)
    @rule(data=st.data(), what=st.sampled_from(ACTIONS))
    def act(self, data: st.DataObject, what: tuple[str, dict[str, object]]) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.incidents)))
        before = len(self.world.entries)
        try:
            self.world.act(number, what[0], by="incident_manager", **what[1])
        except (Forbidden, BadData):
            return
        self.by_person.update(range(before, len(self.world.entries)))

    @precondition(lambda self: self.world.incidents)
    @rule(data=st.data(), name=st.sampled_from(["key_service_interrupted_from", "offline_from"]))
    def measure(self, data: st.DataObject, name: str) -> None:
        self.act_on(data, {name: iso(self.world.now)})

    @precondition(lambda self: self.world.incidents)
    @rule(data=st.data(), level=st.sampled_from([None, "minor", "red"]))
    def set_level(self, data: st.DataObject, level: str | None) -> None:
        self.act_on(data, {"fault_level": level, "reason": "seen"})

    def act_on(self, data: st.DataObject, given: dict[str, object]) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.incidents)))
        before = len(self.world.entries)
        try:
            self.world.act(number, "measure", by="incident_manager", **given)
        except (Forbidden, BadData):
            return
        self.by_person.update(range(before, len(self.world.entries)))

    @precondition(lambda self: self.world.incidents)
    @rule(
        data=st.data(),
        kind=st.sampled_from(["fault", "request", "complaint"]),
        urgency=st.sampled_from(["critical", "high", "low"]),
    )
    def correct(self, data: st.DataObject, kind: str, urgency: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.incidents)))
        before = len(self.world.entries)
        self.world.patch(number, kind=kind, urgency=urgency)
        self.by_person.update(range(before, len(self.world.entries)))

    @rule(seconds=st.sampled_from([1, 59, 300, 3600, 8 * 3600]))
    def wait(self, seconds: int) -> None:
        self.world.to(self.world.now + seconds * S)

    @rule(seconds=st.sampled_from([60, 1800, 7200]))
    def sleep(self, seconds: int) -> None:
        """The daemon was down: the clock went on, nothing fired; then everything that is due fires."""
        self.world.now += seconds * S
        self.world.to(self.world.now)

    @invariant()
    def no_rung_is_told_twice_for_one_epoch(self) -> None:
        keys = Counter(n.key for n in self.world.notices)
        assert not [k for k, n in keys.items() if n > 1]
        for incident in self.world.incidents.values():
            rungs = Counter((r.epoch, r.role) for r in incident.ladder)
            assert not [k for k, n in rungs.items() if n > 1]

    @invariant()
    def a_level_never_falls_by_itself(self) -> None:
        for place, entry in enumerate(self.world.entries):
            if entry.event == "level" and FaultLevel(entry.data["to"]).rank < FaultLevel(entry.data["from"]).rank:
                assert place in self.by_person, entry

    @invariant()
    def the_priority_is_never_milder_than_its_floor(self) -> None:
        policy = self.world.book.policy
        for i in self.world.incidents.values():
            if i.fault_level in (None, FaultLevel.NONE) or i.complaint_of is not None:
                continue
            floor = policy.floors[str(i.fault_level)]
            assert i.priority <= policy.matrix[floor.urgency][floor.impact], (i.number, i.fault_level, i.priority)

    @invariant()
    def counted_complaints_are_the_linked_tickets(self) -> None:
        for fault in self.world.incidents.values():
            linked = sum(i.complaint_of == fault.id for i in self.world.incidents.values())
            if linked or fault.complaints_counted:
                assert fault.complaints_counted in (linked, linked + 1), (fault.number, linked)
        for i in self.world.incidents.values():
            if i.complaint_of is not None:
                assert i.next_at is None or i.survey_due_at is not None or i.status == "resolved"
                assert i.fault_level is None
                assert not i.ladder

    @invariant()
    def next_at_is_the_nearest_instant(self) -> None:
        for i in self.world.incidents.values():
            coming = [at for at, _ in upcoming(i, self.world.book, self.world.now)]
            assert i.next_at is None or i.next_at <= min(coming, default=i.next_at)
            assert not coming or (i.next_at is not None and i.next_at <= min(coming))

    @invariant()
    def a_copy_decides_the_same(self) -> None:
        """The same state and instant give the same change: nothing is hidden beside the incident."""
        for i in self.world.incidents.values():
            if i.next_at is not None and i.id % 3 == 0:
                now, found = max(i.next_at, self.world.now), []
                for _ in range(2):
                    known = Known(number=lambda: 999, incidents={i.id: i.copy()})
                    timers.on_deadline(known.incidents[i.id], known, self.world.book, now)
                    found.append([(c.incident, c.entries, c.notices) for c in known.changes.values()])
                assert found[0] == found[1]


class StoppedClock(Histories):
    """The same, with pauses that stop the clock."""

    stops = True


_SETTINGS = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
Histories.TestCase.settings = _SETTINGS
StoppedClock.TestCase.settings = _SETTINGS
TestHistories = Histories.TestCase
TestStoppedClock = StoppedClock.TestCase
