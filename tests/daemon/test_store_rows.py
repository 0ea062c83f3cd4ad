"""An incident comes back from its row as it went in."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.incident import Incident, Rung, Settled
from daemon.core.vocabulary import Role
from daemon.store import Unstorable, rows
from tests.peers.stored import incident

_LONG = st.integers(-(2**63), 2**63 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if a is types.NoneType else _values(a) for a in args))
    if origin is list:
        return st.lists(_values(args[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(_values(args[0]), _values(args[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _built(hint)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: _LONG,
        str: _TEXT,
        float: st.floats(allow_nan=False, allow_infinity=False),
        Any: st.one_of(st.none(), st.booleans(), _LONG, _TEXT),
    }
    return plain[hint]


def _built(cls: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(cls)
    return st.builds(cls, **{f.name: _values(hints[f.name]) for f in dataclasses.fields(cls)})


@given(_built(Incident))
def test_every_field_comes_back_with_its_type(kept: Incident) -> None:
    found = rows.decode(rows.encode(kept, kept.version))
    assert found == kept
    for field in dataclasses.fields(Incident):
        assert type(getattr(found, field.name)) is type(getattr(kept, field.name)), field.name


def test_rows_carry_plain_values_only() -> None:
    row = rows.encode(incident(1, ladder=[Rung(Role.FIELD, 1, 1)], settled={"kind": Settled("fault", "rule")}), 1)
    assert {type(v) for v in row} <= {int, str, bool, type(None)}


def _with_state(state: dict[str, Any]) -> Incident:
    *columns, _ = rows.encode(incident(1), 1)
    return rows.decode([*columns, orjson.dumps(state).decode()])


def test_a_field_that_an_old_row_does_not_have_takes_its_default() -> None:
    assert _with_state({}) == incident(1, version=1)


def test_a_field_of_another_version_is_left_alone() -> None:
    assert _with_state({"a_field_of_tomorrow": [1, 2]}) == incident(1, version=1)
    ladder = [{"role": "field", "due_at": 1, "epoch": 2, "of_tomorrow": 3}]
    assert _with_state({"ladder": ladder}).ladder == [Rung(Role.FIELD, 1, 2)]


def test_a_default_that_means_something_is_written_out() -> None:
    assert orjson.loads(rows.encode(incident(1), 1)[-1])["opening"] == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({Role.FIELD: {1, 2}}, '{"field":[1,2]}'),
        ((1, "a\x00"), '[1,"a�"]'),
        ({"a": "\\u0000"}, '{"a":"\\\\u0000"}'),
        ({1: "\ud800"}, '{"1":"�"}'),
        ([Settled("\udfff", "rule")], '[{"value":"�","by":"rule","why":""}]'),
    ],
)
def test_what_json_does_not_hold_as_it_is_is_made_plain(value: object, text: str) -> None:
    assert rows.dumps(value) == text


def test_what_json_cannot_hold_is_unstorable() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value in (object(), endless, {"a": 1 << 70}):
        with pytest.raises(Unstorable):
            rows.dumps(value)


def test_keys_are_shortened_only_when_an_index_could_not_hold_them() -> None:
    assert rows.short("a" * 1000) == "a" * 1000
    assert rows.short("键" * 333) == "键" * 333
    assert rows.short("a" * 1001).startswith("sha256:")
    assert rows.short("键" * 334) != rows.short("键" * 335)
