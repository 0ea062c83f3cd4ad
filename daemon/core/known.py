"""What a batch knows before it decides, and what it decided: reports fold through it in order (decision 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from daemon.core.incident import AlertKey, Change, Incident


@dataclass
class Known:
    """Loaded and locked by the store for one batch. `incidents` are working copies that the core changes."""

    number: Callable[[], int]  # the next incident number
    incidents: dict[int, Incident] = field(default_factory=dict)
    keys: dict[str, AlertKey] = field(default_factory=dict)
    threads: dict[str, list[int]] = field(default_factory=dict)  # Message-ID or delivery mark -> incidents
    changes: dict[int, Change] = field(default_factory=dict)
    changed_keys: dict[str, AlertKey] = field(default_factory=dict)
    messages: list[tuple[str, int]] = field(default_factory=list)  # Message-IDs to remember
    faults: dict[str, set[int]] = field(default_factory=dict)  # service -> open faults, the latest of them
    tickets: dict[str, set[int]] = field(default_factory=dict)  # service -> unlinked complaint tickets
    reporters: dict[int, set[str]] = field(default_factory=dict)  # fault -> who counts for it, of those asked for

    def change(self, incident: Incident, touch: bool = True) -> Change:
        """The batch's one change of this incident. `touch`: its row will differ."""
        found = self.changes.get(incident.id)
        if found is None:
            found = self.changes[incident.id] = Change(incident, touched=touch)
        elif touch:
            found.touched = True
        return found

    def add(self, incident: Incident) -> Change:
        self.incidents[incident.id] = incident
        change = self.changes[incident.id] = Change(incident, created=True)
        return change

    def first_of_reporter(self, fault: Incident, ticket: Incident) -> bool:
        """Whether the ticket is its reporter's first for the fault; it is from now on known."""
        seen = self.reporters.setdefault(fault.id, set())
        if fault.reporter_address:
            seen.add(fault.reporter_address)
        first = ticket.reporter_address not in seen
        seen.add(ticket.reporter_address)
        return first

    def put_key(self, key: AlertKey) -> None:
        self.keys[key.key] = self.changed_keys[key.key] = key

    def remember(self, message_id: str, incident: int) -> None:
        if message_id:
            found = self.threads.setdefault(message_id, [])
            if incident not in found:
                found.append(incident)
                self.messages.append((message_id, incident))


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What only the daemon's secret can tell of a mail: its verified tokens."""

    own_loop: bool = False  # carries our own loop mark
    incident: int | None = None  # a valid plus-address token names it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one report: an outcome of `tocsin_signals_total`, and the incident."""

    outcome: str
    incident: int | None = None
    key: str = ""
