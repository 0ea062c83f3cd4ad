"""Values to and from rows. What is asked of a dataclass is asked once, at import: this is a hot path.

A field of `Incident` that is no column of `IncidentEntry` lands in the JSON of the column `state`, so a new one
needs no edit here; one that an old row does not have takes the field's default.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from hashlib import sha256
from operator import attrgetter
from typing import Any

import orjson

from daemon.core.incident import Incident
from daemon.store.errors import Unstorable, one_line
from daemon.store.models import IncidentEntry

Decoder = Callable[[Any], Any]

_DIRTY = re.compile("[\x00\ud800-\udfff]")
MAX_INDEXED = 1000  # bytes; PostgreSQL refuses index entries over 2,704


def clean(text: str) -> str:
    """Without NUL (PostgreSQL refuses it) and lone surrogates (both databases do)."""
    return _DIRTY.sub("\ufffd", text)


def scrub(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """`row` with its texts clean. One search over all of them: most rows have nothing to clean."""
    if _DIRTY.search("".join([v for v in row if v.__class__ is str])) is None:
        return row
    return tuple(clean(v) if v.__class__ is str else v for v in row)


def short(key: str) -> str:
    """An indexed text from outside, as it stands, or its hash when it is too long for an index."""
    key = clean(key)
    if len(key) * 4 <= MAX_INDEXED or len(data := key.encode()) <= MAX_INDEXED:
        return key
    return "sha256:" + sha256(data).hexdigest()


def _plain(value: Any) -> Any:
    """`value` with clean texts and string keys: the slow way, for what orjson refuses as it is."""
    if isinstance(value, str):
        return clean(str(value.value) if isinstance(value, Enum) else value)
    if isinstance(value, Mapping):
        return {clean(str(k.value if isinstance(k, Enum) else k)): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, set | frozenset):
        return [_plain(v) for v in sorted(value, key=str)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def dumps(value: Any) -> str:
    """JSON text. Raises Unstorable for what JSON cannot hold."""
    try:
        text = orjson.dumps(value).decode()
        if "\\u0000" not in text:
            return text
    except TypeError:
        pass
    try:
        return orjson.dumps(_plain(value)).decode()
    except (TypeError, RecursionError) as error:
        raise Unstorable(one_line(error)) from error


def _decoder(hint: Any) -> Decoder | None:
    """What turns JSON (or a column) back into `hint`; None when it is already what it should be."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [_decoder(a) for a in args if a is not types.NoneType]
        one = inner[0] if len(inner) == 1 else None
        return None if one is None else lambda v: None if v is None else one(v)
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = {m.value: m for m in hint}
        return members.__getitem__
    if hint is bool:
        return bool
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_decoder(hint)
    if origin in (list, tuple, set, frozenset) and args:
        item = _decoder(args[0])
        make: Callable[..., Any] = origin
        if item is None:
            return None if origin is list else make
        return lambda v: make([item(x) for x in v])
    if origin is dict:
        key, value = _decoder(args[0]) or _key_decoder(args[0]), _decoder(args[1])
        if key is None and value is None:
            return None
        return lambda v: {(key(k) if key else k): (value(x) if value else x) for k, x in v.items()}
    return None


def _key_decoder(hint: Any) -> Decoder | None:
    return int if hint is int else None


def _dataclass_decoder(cls: type) -> Decoder:
    hints = typing.get_type_hints(cls)
    decoders = {f.name: _decoder(hints[f.name]) for f in dataclasses.fields(cls)}

    def decode(value: Mapping[str, Any]) -> Any:
        known = {k: v for k, v in value.items() if k in decoders}
        return cls(**{k: d(v) if (d := decoders[k]) else v for k, v in known.items()})

    return decode


_HINTS = typing.get_type_hints(Incident)
_FIELDS = {f.name: f for f in dataclasses.fields(Incident)}
COLUMNS = tuple(name for name in IncidentEntry._meta.fields_map if name != "state")
"""The columns that are fields of Incident; `id` and `version` come first."""
if missing := set(COLUMNS) - set(_FIELDS):
    raise TypeError(f"columns of incidents that Incident does not have: {', '.join(sorted(missing))}")
_REST = tuple(name for name in _FIELDS if name not in COLUMNS)


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def _path(name: str) -> str:
    """Drivers are slow with a subclass of str or int; an enum's plain value is one attribute away."""
    hint = _HINTS[name]
    return f"{name}._value_" if isinstance(hint, type) and issubclass(hint, Enum) else name


_columns_of = attrgetter(*map(_path, COLUMNS[2:]))
_rest_of = attrgetter(*_REST)
# Only empty values are left out of the JSON: what they mean does not change with a field's default.
_EMPTY = tuple(d if (d := _default(_FIELDS[n])) in (None, "", 0, [], {}) else dataclasses.MISSING for n in _REST)
_COLUMN_DECODERS = tuple((i, d) for i, name in enumerate(COLUMNS) if (d := _decoder(_HINTS[name])) is not None)
_REST_DECODERS = {name: _decoder(_HINTS[name]) for name in _REST}

INCIDENT_COLUMNS = ", ".join(COLUMNS) + ", state"


def encode(incident: Incident, version: int) -> tuple[Any, ...]:
    """The row of INCIDENT_COLUMNS, with `version` in the place of the incident's own."""
    rest = {
        name: value
        for name, value, empty in zip(_REST, _rest_of(incident), _EMPTY, strict=True)
        if empty is dataclasses.MISSING or value != empty
    }
    return scrub((incident.id, version, *_columns_of(incident), dumps(rest)))


def decode(row: Sequence[Any]) -> Incident:
    """A fresh Incident from a row of INCIDENT_COLUMNS."""
    values = list(row)
    state = values.pop()
    for place, decoder in _COLUMN_DECODERS:
        values[place] = decoder(values[place])
    fields = dict(zip(COLUMNS, values, strict=True))
    for name, value in orjson.loads(state).items():
        if name in _REST_DECODERS:  # another version's field is not ours to read
            decoder_ = _REST_DECODERS[name]
            fields[name] = decoder_(value) if decoder_ else value
    return Incident(**fields)


def loads(text: str) -> Any:
    return orjson.loads(text)
