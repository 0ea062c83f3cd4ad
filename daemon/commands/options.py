"""The options that many commands share, and options made from the request models of the API."""

from __future__ import annotations

import argparse
import types
import typing
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from daemon.clock import SystemClock, rfc3339
from daemon.commands.call import Wrong
from daemon.console.bodies import Instant


def common(parser: argparse.ArgumentParser, top: bool = False) -> None:
    """--config and -v, before or after the subcommand: below the top they leave what stands there alone."""
    parser.add_argument(
        "--config",
        metavar="F",
        default=None if top else argparse.SUPPRESS,
        help="the config (config.toml here, else /etc/tocsin/config.toml)",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", default=False if top else argparse.SUPPRESS, help="show tracebacks"
    )


def command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], help: str, json: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    common(parser)
    if json:
        parser.add_argument("--json", action="store_true", help="JSON for scripts")
    parser.set_defaults(run=run)
    return parser


def group(commands: Any, name: str, help: str) -> Any:
    parser = commands.add_parser(name, help=help, description=help)
    common(parser)
    return parser.add_subparsers(title="commands", metavar="COMMAND", dest="subcommand", required=True)


# options of a model


def _members(annotation: Any) -> list[Any]:
    """The annotation's alternatives, without None and without Annotated's wrapping."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return [annotation] if annotation == Instant else _members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [m for a in typing.get_args(annotation) for m in _members(a)]
    return [] if annotation is type(None) else [annotation]


def _choices(members: Iterable[Any]) -> list[str]:
    found: list[str] = []
    for member in members:
        if typing.get_origin(member) is Literal:
            found += [str(v.value if isinstance(v, Enum) else v) for v in typing.get_args(member)]
        elif isinstance(member, type) and issubclass(member, Enum):
            found += [str(m.value) for m in member]
    return found


def hints(model: type[BaseModel]) -> dict[str, list[Any]]:
    found = typing.get_type_hints(model, include_extras=True)
    return {name: _members(found[name]) for name in model.model_fields}


def add_fields(parser: argparse.ArgumentParser, model: type[BaseModel], skip: Iterable[str] = ()) -> None:
    """One --option a field; a yes-or-no field alone is a flag with its --no- form."""
    for name, members in hints(model).items():
        if name in skip or any(isinstance(m, type) and issubclass(m, BaseModel) for m in members):
            continue
        flag, text = f"--{name.replace('_', '-')}", model.model_fields[name].description
        if members == [bool]:
            parser.add_argument(flag, dest=f"field_{name}", action=argparse.BooleanOptionalAction, help=text)
        elif any(typing.get_origin(m) is list for m in members):
            parser.add_argument(flag, dest=f"field_{name}", action="append", metavar="X", help=text)
        else:
            choices = _choices(members)
            words = text or (", ".join(choices) if choices else None)
            parser.add_argument(flag, dest=f"field_{name}", metavar="X", help=words and words.replace("%", "%%"))


def fields_of(args: argparse.Namespace, model: type[BaseModel], zone: ZoneInfo | None) -> dict[str, Any]:
    """What was given, as the JSON values that the API takes. Raises Wrong for what can be none."""
    found: dict[str, Any] = {}
    for name, members in hints(model).items():
        value = getattr(args, f"field_{name}", None)
        if value is not None:
            found[name] = value if not isinstance(value, str) else _value(name, value, members, zone)
    return found


def _value(name: str, text: str, members: list[Any], zone: ZoneInfo | None) -> Any:
    if text == "null" and str not in members:
        return None
    if any(typing.get_origin(m) is dict for m in members) and "=" in text:  # --follow-up problem=PRB-7
        key, _, rest = text.partition("=")
        return {key: rest}
    if Instant in members:
        return instant(name, text, zone)
    if bool in members and text.lower() in ("true", "yes", "false", "no"):
        return text.lower() in ("true", "yes")
    if any(getattr(m, "__name__", "") == "int" for m in members) or int in members:
        try:
            return int(text)
        except ValueError:
            if str not in members:
                raise Wrong(f"tocsin: --{name.replace('_', '-')}: {text!r} is no whole number") from None
    return text


def instant(name: str, text: str, zone: ZoneInfo | None) -> str:
    """RFC 3339 from it; `now`; without a zone it is a time of the config's timezone. Raises Wrong."""
    if text == "now":
        return rfc3339(SystemClock().now())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"tocsin: --{name.replace('_', '-')}: {text!r} is no instant (2026-01-05T09:00, now)") from None
    if moment.tzinfo is None:
        if zone is None:
            raise Wrong(f"tocsin: --{name.replace('_', '-')}: {text!r} has no time zone (write Z or +08:00)")
        moment = moment.replace(tzinfo=zone)
    return moment.isoformat()
