"""Where the senders of one entry put what an alert tells, and the words of their own: the settings of `generic`.

    [[webhooks]]
    name = "shop"
    parser = "generic"
    map = { items = "alerts[]", key = "alert.id", state = "status", title = "alert.text", labels = "tags" }
    states = { firing = ["bad"], resolved = ["good"] }

What the map does not give of an alert is looked for by the common names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from parsers import ACKNOWLEDGED, FIRING, RESOLVED, UNCHANGED, Unparsable
from parsers._expression import Expression, Failed

MAX_WORDS = 200
_OF_ALL = frozenset({"state", "severity", "source", "service", "environment"})  # may stand once, around the items


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Map(Strict):
    """An expression a field. `items` is of the body; the others are of each item, or of the body without any."""

    key: Expression | None = None
    state: Expression | None = None
    severity: Expression | None = None
    title: Expression | None = None
    text: Expression | None = None
    source: Expression | None = None
    service: Expression | None = None
    environment: Expression | None = None
    link: Expression | None = None
    started_at: Expression | None = None
    labels: Expression | None = None
    items: Expression | None = None

    @cached_property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Of the fields of an alert: without `items`."""
        found = ((name, getattr(self, name)) for name in type(self).model_fields if name != "items")
        return tuple((name, one) for name, one in found if one is not None)

    def items_of(self, body: Any) -> list[Any] | None:
        """None when there are none to be told apart. Raises Unparsable."""
        found = None if self.items is None else _worked_out("items", self.items, body)
        if found is None or isinstance(found, list):
            return found
        if isinstance(found, dict):
            return [found]
        raise Unparsable(f"map.items: gives {type(found).__name__}, neither a list nor an object")

    def around(self, body: Any) -> dict[str, Any]:
        """What the body tells once for all of its items."""
        found: dict[str, Any] = {}
        for name, expression in self.expressions:
            if name in _OF_ALL:
                try:
                    found[name] = expression.of(body)
                except Failed:  # it is meant for an item: there its failing counts
                    continue
        return found

    def given(self, item: Any, around: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that the map gives. Raises Unparsable that names the expression."""
        found: dict[str, Any] = {}
        for name, expression in self.expressions:
            value = _worked_out(name, expression, item)
            if value is None:
                value = around.get(name)
            if value is not None:
                found[name] = value
        return found


def _worked_out(name: str, expression: Expression, value: Any) -> Any:
    try:
        return expression.of(value)
    except Failed as error:
        raise Unparsable(f"map.{name}: {error}") from None


def spelled(value: object) -> str:
    """A state as the words are compared: 1, true and " Bad " are "1", "true" and "bad"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:100].strip().casefold() if isinstance(value, str | int | float) else ""


def _a_word(value: object) -> str:
    if not isinstance(value, str | int | bool):
        raise ValueError('expected a word, as in ["bad", "down"]')
    if not (word := spelled(value)):
        raise ValueError("is empty")
    return word


Words = Annotated[list[Annotated[str, BeforeValidator(_a_word)]], Field(max_length=MAX_WORDS)]


class States(Strict):
    """State words of the sender's own, which come before the common ones. Numbers and true, false are words too."""

    firing: Words = []
    resolved: Words = []
    acknowledged: Words = []
    unchanged: Words = []

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        seen: dict[str, str] = {}
        for name, word in self._all():
            if seen.setdefault(word, name) != name:
                raise ValueError(f'"{word}" is in both {seen[word]} and {name}')
        return self

    def _all(self) -> Iterator[tuple[str, str]]:
        for name in (FIRING, RESOLVED, ACKNOWLEDGED, UNCHANGED):
            for word in getattr(self, name):
                yield name, word

    @cached_property
    def words(self) -> dict[str, str]:
        """Word -> state."""
        return {word: name for name, word in self._all()}


class Settings(Strict):
    map: Map = Map()
    states: States = States()
