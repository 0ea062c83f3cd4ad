"""One JMESPath expression of the config: compiled and checked when the config loads, so that what can be said then is.

The library is pure Python and walks the expression once a value; it knows neither loops nor recursion of their own. So
the bounds are the expression's length and depth here, and the body's depth and size in the body reader.
"""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath import exceptions
from jmespath.functions import Functions
from pydantic_core import CoreSchema, core_schema

MAX_LENGTH = 300
MAX_DEPTH = 40


class Failed(Exception):
    """The expression cannot be worked out on this value; the message holds nothing of the value."""


class Expression:
    """`of(value)` works it out. Raises ValueError when the text is no expression."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise ValueError("is empty")
        if len(text) > MAX_LENGTH:
            raise ValueError(f"is longer than {MAX_LENGTH} characters")
        self.text = text
        try:
            self._compiled = jmespath.compile(text)
        except (ValueError, RecursionError) as error:  # the library's own errors are ValueErrors
            raise ValueError(f"is no JMESPath expression: {_why(error)}") from None
        _check(self._compiled.parsed)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def of(self, value: Any) -> Any:
        """What it gives of the value; None for what is not there. Raises Failed."""
        try:
            return self._compiled.search(value)
        except exceptions.JMESPathTypeError as error:
            wanted = " or ".join(dict.fromkeys(str(kind).split("-")[0] for kind in error.expected_types))
            raise Failed(f"{error.function_name}() got {error.actual_type}, it takes {wanted}") from None
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            raise Failed(f"cannot be worked out ({type(error).__name__})") from None

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(strict=True))


def _why(error: Exception) -> str:
    match error:
        case exceptions.IncompleteExpressionError():
            return "it ends too early"
        case exceptions.LexerError():
            what = str(error.message)
        case exceptions.ParseError():
            what = str(error.msg)
        case _:
            return "it is nested too deeply" if isinstance(error, RecursionError) else "it cannot be read"
    return f"{' '.join(what.split())[:100]}, at character {error.lex_position + 1}"


def _check(root: dict[str, Any]) -> None:
    """Functions and their arguments, which the library looks at only when it meets them; and the depth."""
    level = [root]
    for _ in range(MAX_DEPTH):
        for node in level:
            if node["type"] == "function_expression":
                _check_call(node["value"], len(node["children"]))
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]
        if not level:
            return
    raise ValueError(f"is nested deeper than {MAX_DEPTH}")


def _check_call(name: str, given: int) -> None:
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise ValueError(f"is no JMESPath expression: there is no function {name[:50]}()")
    wanted = len(known["signature"])
    more = bool(known["signature"]) and bool(known["signature"][-1].get("variadic"))
    if given < wanted or (given > wanted and not more):
        raise ValueError(
            f"is no JMESPath expression: {name}() takes {wanted}{' or more' if more else ''} argument(s), not {given}"
        )
