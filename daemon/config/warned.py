"""Warnings: the config works, but something in it was hardly meant."""

from __future__ import annotations

from daemon.config.faults import Faults
from daemon.config.loaded import Config
from daemon.core.policy import LevelCriteria
from daemon.core.vocabulary import LADDER_ROLES, FaultLevel, Priority, Role

COMPATIBLE = {"pagerduty": "/v2/enqueue", "alertmanager": "/api/v2/alerts", "opsgenie": "/v2/alerts"}
"""Parsers whose own path finds the entry by the token alone."""


def check(config: Config, faults: Faults) -> None:
    """Adds the warnings of a config that has no fault."""
    _roles(config, faults)
    _channels(config, faults)
    _reach(config, faults)
    _doors(config, faults)
    _levels(config, faults)
    for n, box in enumerate(config.mailboxes):
        if box.tls == "none" and box.host not in ("localhost", "127.0.0.1", "::1"):
            faults.warn(
                ("mailboxes", n, "tls"), f"is none: the password of {box.username} crosses the network readable"
            )
    if config.report.to:
        faults.warn(("report", "to"), "this version sends no reports yet: nobody is written to")
    if any(value is not None for value in (config.retention.raw, config.retention.inbox)) or any(
        value is not None for value in (config.retention.outbox, config.retention.incidents)
    ):
        faults.warn(("retention",), "this version deletes nothing yet: all is kept")


def _roles(config: Config, faults: Faults) -> None:
    directory = config.directory()
    if not config.people:
        faults.warn(("people",), "nobody is named: nobody is told of anything")
        return
    rungs = {role for ladder in config.policy.ladder.values() for role in ladder.offsets}
    needed = rungs | {Role.SERVICE_DESK, Role.SUPPORT_LEAD, Role.INCIDENT_MANAGER}
    for role in (role for role in Role if role in needed and not directory.holders(role)):
        told = directory.told(role)
        instead = f"; {', '.join(p.name for p in told)} is told instead" if told else "; nobody is told instead"
        faults.warn(("people",), f"nobody holds the role {role}{instead}")
    for n, person in enumerate(config.people):
        if not person.roles:
            faults.warn(("people", n, "roles"), f"{person.name} holds no role, and is told only by name")


def _used(config: Config) -> dict[str, tuple[str, ...]]:
    """The channels that the policy names, each with the first place that names it."""
    found: dict[str, tuple[str, ...]] = {}
    for priority in Priority:
        for role, names in config.policy.channels[priority].items():
            for name in names:
                found.setdefault(name, ("policy", "channels", priority.name, str(role)))
    for name in config.policy.desk_channels:
        found.setdefault(name, ("policy", "desk_channels"))
    return found


def _channels(config: Config, faults: Faults) -> None:
    used = _used(config)
    if not config.channels:
        faults.warn(("channels",), "no channel is set up: nothing can be sent")
        return
    for name, place in used.items():
        if name not in config.channels:
            faults.warn(place, f"names {name}, but there is no [channels.{name}]")
    for name in config.channels:
        # Reporters are always written to by mail, so email is used whatever the policy says.
        if name not in used and name != "email":
            faults.warn(("channels", name), "is never used: no row of policy.channels names it")


def _reach(config: Config, faults: Faults) -> None:
    """Somebody whose every channel lacks an address hears of nothing."""
    for n, person in enumerate(config.people):
        unheard = [
            role
            for role in person.roles
            for priority in Priority
            if not any(person.address(channel) for channel in config.policy.channels_for(priority, role))
        ]
        if unheard:
            faults.warn(("people", n), f"{person.name} has no address for any channel that tells {unheard[0]}")


def _doors(config: Config, faults: Faults) -> None:
    seen: dict[tuple[str, str], int] = {}
    for n, entry in enumerate(config.webhooks):
        if entry.token is None:
            if not config.http.listen.loopback:
                reach = f"anybody who reaches {config.http.listen} may post to {entry.name}"
                faults.warn(("webhooks", n, "token"), f"is not set: {reach}")
            continue
        path = COMPATIBLE.get(entry.parser)
        first = seen.setdefault((path or "", entry.token.get_secret_value()), n)
        if path and first != n:
            faults.warn(("webhooks", n, "token"), f"is the token of webhooks[{first}]: {path} cannot tell them apart")
    for n, beat in enumerate(config.heartbeats):
        if beat.token is None and not config.http.listen.loopback:
            faults.warn(("heartbeats", n, "token"), f"is not set: anybody who reaches {config.http.listen} may beat")
    if config.smtp is None:
        return
    if not config.smtp.routes:
        faults.warn(("smtp", "routes"), "there is no route: every mail is refused")
    for n, network in enumerate(config.smtp.allow):
        if network.prefixlen == 0:
            faults.warn(("smtp", "allow", n), "lets anybody send mail without AUTH")


def _levels(config: Config, faults: Faults) -> None:
    """A milder level that asks for more than a graver one is never reached by that column."""
    levels = [level for level in reversed(FaultLevel) if level in config.policy.levels]
    for column in ("users", "share", "complaints", "interrupted", "offline", "bill_run"):
        least: float | None = None
        for level in levels:
            row: LevelCriteria = config.policy.levels[level]
            value = getattr(row, column)
            if value is not None and least is not None and value > least:
                faults.warn(("policy", "levels", level, column), "is more than a graver level asks for")
            if value is not None:
                least = value
    for priority, ladder in config.policy.ladder.items():
        offsets = [ladder.offsets[role] for role in LADDER_ROLES if role in ladder.offsets]
        if offsets != sorted(offsets):
            faults.warn(("policy", "ladder", priority.name), "tells a higher role before a lower one")
