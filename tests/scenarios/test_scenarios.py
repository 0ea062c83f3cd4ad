"""Each paragraph of the two manuals as a scenario: `NAME.jsonl` in, `NAME.expected.json` out, through the real engine.

`REWRITE=1 pytest tests/scenarios` writes the expected files anew; what changed is then for a person to judge.
"""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from daemon.config import Config, load
from daemon.simulation.engine import simulate

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCENARIOS = sorted(HERE.glob("*.jsonl"))
WORDS = ("text", "subject", "reasons", "name")
"""The wording of messages has tests of its own; here counts who is told what, when."""


@pytest.fixture(scope="module")
def config() -> Config:
    return load(HERE / "config.toml", {})


def run(config: Config, scenario: Path) -> str:
    out = io.StringIO()
    assert simulate(config, scenario, None, True, out) == 0
    return out.getvalue()


def timeline(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        if line.get("event") == "notification":
            line["why"] = line["reasons"]
            for word in WORDS:
                line.pop(word, None)
    return lines


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[p.stem for p in SCENARIOS])
def test_a_paragraph_goes_as_it_is_written(scenario: Path, config: Config) -> None:
    found = timeline(run(config, scenario))
    expected = scenario.with_suffix(".expected.json")
    if os.environ.get("REWRITE"):
        rows = ",\n".join(json.dumps(line, ensure_ascii=False) for line in found)
        expected.write_text(f"[\n{rows}\n]\n", "utf-8")
    assert found == json.loads(expected.read_text("utf-8"))


def test_the_same_scenario_gives_the_same_bytes(config: Config) -> None:
    scenario = HERE / "b-5.8.jsonl"
    assert run(config, scenario) == run(config, scenario)


def test_every_scenario_stands_in_the_table_of_the_manuals() -> None:
    page = (ROOT / "docs" / "manuals.md").read_text("utf-8")
    named = set(re.findall(r"`([ab]-[\w.-]+)`", page))
    assert named == {p.stem for p in SCENARIOS}
