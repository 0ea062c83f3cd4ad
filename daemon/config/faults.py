"""What is wrong with a config: each fault one line, `config.toml: people[2].mobile: what is wrong`; all at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from daemon.config.durations import kind, quoted

Place = tuple[str | int, ...]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "string_sub_type": "text",
    "path_type": "text",
}
_BARE = re.compile(r"[\w-]+")


class ConfigError(Exception):
    """The config cannot be used. `faults`: one line each, without secrets."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


class Faults:
    """Collects faults and warnings; a second fault at the same place is dropped, since it follows from the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[Place, str] = {}
        self.warnings: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, what: str) -> None:
        if not any(place[:n] in self._found for n in range(1, len(place) + 1)):
            self._found[place] = what

    def warn(self, place: Place, what: str) -> None:
        self.warnings.append(self._line(place, what))

    def add_validation(self, error: ValidationError, at: Place, data: object, model: Any) -> None:
        """Every fault that pydantic found in `data`, the table at `at`."""
        for fault in error.errors(include_url=False):
            self.add(*_explained(fault, at, data, model))

    def raise_any(self, data: object = None) -> None:
        """Raises ConfigError with the faults in the order of the file, when there are any."""
        if self._found:
            places = sorted(self._found, key=lambda place: _position(place, data))
            raise ConfigError([self._line(place, self._found[place]) for place in places])

    def _line(self, place: Place, what: str) -> str:
        return f"{self.file}: {written(place)}: {what}" if place else f"{self.file}: {what}"


def _position(place: Place, data: object) -> list[int]:
    """Where a place is in the file, as far as TOML keeps it; what is missing comes last in its table."""
    found = []
    for step in place:
        keys = list(data) if isinstance(data, dict) else []
        found.append(step if isinstance(step, int) else keys.index(step) if step in keys else len(keys))
        if isinstance(data, dict):
            data = data.get(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
    return found


def written(place: Place) -> str:
    """`("people", 2, "mobile")` is `people[2].mobile`; a key that TOML would quote is quoted."""
    out = ""
    for step in place:
        if isinstance(step, int):
            out += f"[{step}]"
        else:
            out += ("." if out else "") + (step if len(step) <= 60 and _BARE.fullmatch(step) else quoted(step))
    return out


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    lower = {k.casefold(): k for k in known}
    found = difflib.get_close_matches(name[:80].casefold(), lower, 1)
    return lower[found[0]] if found else None


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """`unknown key; did you mean surge_complaints?`"""
    names = sorted(known)
    if near := nearest(name, names):
        return f"unknown {what}; did you mean {near}?"
    return f"unknown {what}; known: {', '.join(names)}" if 0 < len(names) <= 14 else f"unknown {what}"


def _explained(fault: Any, at: Place, data: object, model: Any) -> tuple[Place, str]:
    type_, loc = fault["type"], tuple(fault["loc"])
    steps = _steps(loc, data)
    place = (*at, *steps)
    key = str(steps[-1]) if steps else ""
    if type_ in ("extra_forbidden", "unexpected_keyword_argument"):
        return place, unknown("key", key, keys_of(_model_at(model, steps[:-1])))
    if type_ in ("missing", "missing_argument"):
        return place, "is missing"
    if type_ == "value_error":
        return place, str(fault["ctx"]["error"])
    if type_ in ("enum", "literal_error"):
        choices = re.findall(r"'([^']+)'", str(fault.get("ctx", {}).get("expected", "")))
        if loc[-1] == "[key]":
            return place, unknown("key", key, choices)
        return place, choose(fault["input"], choices, secret=bool(SECRET_NAMES.search(key)))
    if type_ in _EXPECTED:
        return place, f"expected {_EXPECTED[type_]}, got {kind(fault['input'])}"
    return place, _plain(fault["msg"])


SECRET_NAMES = re.compile(
    r"(?i)(pass|passwd|password|token|secret|key|authorization|credential|user|username|url|urls)$"
)


def choose(value: object, choices: Iterable[str], secret: bool = False) -> str:
    """Which values are allowed, and which one was meant."""
    names = list(choices)
    if not isinstance(value, str):
        return f"expected one of {', '.join(names)}; got {kind(value)}"
    got = "" if secret else f"{quoted(value)} is not known; "
    near = nearest(value, names)
    return f"{got}did you mean {near}?" if near and not secret else f"{got}expected one of {', '.join(names)}"


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return (
        message.replace("Input should be", "must be")
        .replace("String should", "should")
        .replace("List should", "should")
    )


def _steps(loc: tuple[str | int, ...], data: object) -> Place:
    """The location without what pydantic adds to it (names of union members, "[key]")."""
    steps: list[str | int] = []
    for n, step in enumerate(loc):
        last = n == len(loc) - 1
        if step == "[key]" and last and n:
            continue
        if isinstance(data, dict):
            if step in data or last:
                steps.append(step)
                data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            steps.append(step)
            data = data[step]
    return tuple(steps)


def keys_of(model: Any) -> list[str]:
    """The keys that a table of this model may have, as written in TOML."""
    if not _is_model(model):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: Any, steps: Place) -> Any:
    for step in steps:
        model = _bare(model)
        if _is_model(model):
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            field = fields.get(str(step))
            model = field.annotation if field else None
        elif get_origin(model) in (list, tuple):
            model = get_args(model)[0]
        elif get_origin(model) is dict:
            model = get_args(model)[1]
        else:
            return None
    return _bare(model)


def _bare(model: Any) -> Any:
    """Without Annotated and Optional; of a union the first table or list."""
    while True:
        if get_origin(model) is Annotated:
            model = get_args(model)[0]
        elif get_origin(model) in (Union, UnionType):
            inner = [_bare(a) for a in get_args(model)]
            tables = [a for a in inner if get_origin(a) in (list, tuple, dict) or _is_model(a)]
            return tables[0] if tables else inner[0]
        else:
            return model


def _is_model(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, BaseModel)
