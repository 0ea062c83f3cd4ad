"""One language: its labels, its sentences and its layouts, read from the package and compiled once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

LOCALES = ("zh_CN", "en")
LAYOUTS = (
    "staff.txt",
    "staff.html",
    "staff_facts.txt",
    "staff_sms.txt",
    "reporter.txt",
    "bulletin.txt",
    "digest.txt",
    "digest_sms.txt",
)
Fragments = Mapping[str, Mapping[str, Template]]


class Language:
    """`staff` and `reporter`: reason -> part (headline, why, todo; subject, text, sms) -> template."""

    def __init__(self, locale: str) -> None:
        room = files(__package__) / locale
        self.locale = locale
        self.labels = _table(room.joinpath("labels.toml").read_text("utf-8"))
        environment = ImmutableSandboxedEnvironment(
            loader=DictLoader({name: room.joinpath(name).read_text("utf-8") for name in LAYOUTS}),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["label"] = self.label
        self._layouts = {name: environment.get_template(name) for name in LAYOUTS}
        self.staff: Fragments = _compiled(environment, room.joinpath("staff.toml").read_text("utf-8"))
        self.reporter: Fragments = _compiled(environment, room.joinpath("reporter.toml").read_text("utf-8"))

    def label(self, kind: str, value: object) -> str:
        """The word for an identifier; the identifier itself where there is none (a category of the config)."""
        text = "" if value is None else str(value)
        return self.labels.get(kind, {}).get(text, text)

    def layout(self, name: str, **facts: Any) -> str:
        return self._layouts[name].render(facts)

    def word(self, name: str) -> str:
        return self.labels["word"][name]

    def join(self, parts: list[str]) -> str:
        return self.labels["word"]["separator"].join(parts)


@cache
def language(locale: str) -> Language:
    """By `zh_CN` or `en`; raises ValueError for any other."""
    if locale not in LOCALES:
        raise ValueError(f"there are no words for {locale!r} (zh_CN, en)")
    return Language(locale)


def _table(text: str) -> dict[str, dict[str, str]]:
    return {kind: {str(k): str(v) for k, v in row.items()} for kind, row in tomllib.loads(text).items()}


def _compiled(environment: ImmutableSandboxedEnvironment, text: str) -> Fragments:
    return {
        reason: {part: environment.from_string(source) for part, source in parts.items()}
        for reason, parts in _table(text).items()
    }
