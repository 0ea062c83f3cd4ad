"""What several tables of the config say together: faults, and warnings for what works but was hardly meant.

Faults read the tables as written, not the validated ones, so that a fault in one entry hides none in another and
every place is the place in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from daemon.config import warned
from daemon.config.durations import quoted
from daemon.config.faults import Faults, Place, nearest, written
from daemon.config.loaded import Config
from daemon.config.scalars import mail_address
from daemon.core.policy import Policy
from daemon.core.vocabulary import BUILT_IN_CATEGORIES, Kind, Priority, Role
from daemon.core.words import WORDS

Found = Iterator[tuple[Place, str]]


def check(config: Config, data: dict[str, Any], faults: Faults) -> None:
    """Adds to the faults; warnings only where there is no fault, since most would follow from one."""
    _once(_texts(data, ("people",), "name"), faults)
    _once(_texts(data, ("people",), "id", "name"), faults)
    for key in ("name", "emails", "domains"):
        _once(_texts(data, ("customers",), key), faults)
    _once(_texts(data, ("services",), "name", every=("aliases",)), faults)
    routes = _texts(data, ("smtp", "routes"), "name", "to")
    others = [*_texts(data, ("mailboxes",), "name"), *_texts(data, ("heartbeats",), "name")]
    _once([*_texts(data, ("webhooks",), "name"), *routes, *others], faults)
    _services(data, faults)
    _categories(data, faults)
    _kinds_once(data, faults)
    _policy_channels(data, faults)
    _recipients(config, data, faults)
    if not faults:
        warned.check(config, faults)


def _tables(data: Any, at: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The tables of a list of tables, with their places."""
    items = _at(data, *(str(step) for step in at))
    if isinstance(items, list):
        yield from (((*at, n), item) for n, item in enumerate(items) if isinstance(item, dict))


def _texts(data: Any, at: Place, *first: str, every: tuple[str, ...] = ()) -> Found:
    """Of each table, the first of the keys `first` that is there (all texts of it, when it is a list), and the
    texts of all the lists `every`."""
    for place, item in _tables(data, at):
        key = next((key for key in first if key in item), None)
        for name in ([key] if key else []) + [name for name in every if name in item]:
            value = item[name]
            if isinstance(value, str):
                yield (*place, name), value
            elif isinstance(value, list):
                yield from (((*place, name, n), text) for n, text in enumerate(value) if isinstance(text, str))


def _once(found: Iterable[tuple[Place, str]], faults: Faults) -> None:
    seen: dict[str, Place] = {}
    for place, text in found:
        first = seen.setdefault(text.casefold(), place)
        if first != place:
            faults.add(place, f"{quoted(text)} is taken by {written(first)}")


def _fixing(data: dict[str, Any], key: str) -> Found:
    """Every place that fixes the attribute."""
    for at in (("webhooks",), ("smtp", "routes"), ("mailboxes",), ("heartbeats",)):
        yield from _texts(data, at, key)
    for place, rule in _tables(data, ("rules",)):
        if isinstance(value := _at(rule, "set", key), str):
            yield (*place, "set", key), value


def _at(data: Any, *path: str) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _services(data: dict[str, Any], faults: Faults) -> None:
    known = {name.casefold(): name for _, name in _texts(data, ("services",), "name", every=("aliases",))}
    for place, name in _fixing(data, "service"):
        if name.casefold() not in known:
            faults.add(place, f"{quoted(name)} is no service of [[services]]{_meant(name, known.values())}")


def _categories(data: dict[str, Any], faults: Faults) -> None:
    table = _at(data, "policy", "words", "categories")
    known = {*BUILT_IN_CATEGORIES, *WORDS.categories, *(table if isinstance(table, dict) else ())}
    for place, name in _fixing(data, "category"):
        if name not in known:
            hint = _meant(name, known) or "; a new one is named under [policy.words.categories]"
            faults.add(place, f"{quoted(name)} is no category{hint}")


def _meant(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""


def _kinds_once(data: dict[str, Any], faults: Faults) -> None:
    """`words.fault` is short for `words.kinds.fault`: both would leave one of them out."""
    words, kinds = _at(data, "policy", "words"), _at(data, "policy", "words", "kinds")
    for kind in Kind:
        if isinstance(kinds, dict) and kind in kinds and kind in words:
            faults.add(("policy", "words", str(kind)), "is also under policy.words.kinds")


def _policy_channels(data: dict[str, Any], faults: Faults) -> None:
    """A channel that the file itself names must be there; a built-in row, also one pasted from `tocsin policy show`,
    only warns."""
    tables = data.get("channels")
    known = list(tables) if isinstance(tables, dict) else []
    built_in = Policy()
    written: list[tuple[Place, Any, Any]] = [
        (("policy", "desk_channels"), _at(data, "policy", "desk_channels"), built_in.desk_channels)
    ]
    for priority in Priority:
        row = _at(data, "policy", "channels", priority.name)
        if isinstance(row, dict):
            default = built_in.channels[priority]
            at: Place = ("policy", "channels", priority.name)
            written += [((*at, str(role)), row.get(role), default.get(role)) for role in (*Role, "default")]
    for place, names, usual in written:
        for n, name in enumerate(names if isinstance(names, list) and names != list(usual or ()) else []):
            if isinstance(name, str) and name not in known:
                faults.add((*place, n), f"there is no [channels.{name}]{_meant(name, known)}")


def _recipients(config: Config, data: dict[str, Any], faults: Faults) -> None:
    directory = config.directory()
    names = [name for _, name in _texts(data, ("people",), "name")]
    for key in ("bulletin", "report"):
        to = _at(data, key, "to")
        for n, name in enumerate(to if isinstance(to, list) else []):
            if not isinstance(name, str):
                continue
            if "@" in name:
                try:
                    mail_address(name)
                except ValueError as error:
                    faults.add((key, "to", n), str(error))
            elif (person := directory.person(name)) is None and name not in names:
                faults.add((key, "to", n), f"{quoted(name)} is neither a mail address nor one of [[people]]")
            elif person is not None and not person.email:
                faults.add((key, "to", n), f"{quoted(name)} has no email in [[people]]")
