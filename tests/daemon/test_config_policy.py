"""`[policy]`: each table can be overridden cell by cell, and the effective policy can be printed and pasted back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from daemon.config import load
from daemon.config.policy_tables import Switches
from daemon.config.show import DURATIONS, PLAIN, policy_toml
from daemon.core.policy import Floor, LadderPolicy, Policy
from daemon.core.vocabulary import FaultLevel, Impact, Priority, Role, Urgency

CHANNELS = '[channels.email]\nprovider = "file"\npath = "e"\n[channels.sms]\nprovider = "file"\npath = "s"\n'
BUILT_IN = Policy()
Read = Callable[[str], Policy]


@pytest.fixture
def policy(tmp_path: Path) -> Read:
    def run(text: str) -> Policy:
        path = tmp_path / "config.toml"
        path.write_text(CHANNELS + text, encoding="utf-8")
        return load(path, {}).policy

    return run


SWITCHED: list[tuple[str, str, Any]] = [
    ("out_of_scope_environments", '["Dev", "QA"]', ("dev", "qa")),
    ("out_of_scope_environments", "[]", ()),
    ("deadline_basis", '"kind"', "kind"),
    ("deadline_warning", "0.5", 0.5),
    ("deadline_warning", "1", 1.0),
    ("pending_stops_clock", "true", True),
    ("stack_upgrades", "true", True),
    ("complaint_window", '"12h"', 43200),
    ("surge_complaints", "5", 5),
    ("count_distinct_reporters", "true", True),
    ("count_after_confirmation", "false", False),
    ("confirm_after", '"1d"', 86400),
    ("auto_close_after", '"3d"', 259200),
    ("auto_close_after", '"off"', None),
    ("quiet_period", '"0s"', 0),
    ("reopen_within", '"1w"', 604800),
    ("survey_after", '"1h"', 3600),
    ("notify_limit", "3", 3),
    ("notify_window", '"1m"', 60),
    ("fallback_after", '"30s"', 30),
    ("emergency_complaints", "10", 10),
    ("reassignments_allowed", "0", 0),
    ("alert_severity_unknown", '"low"', Impact.LOW),
    ("small_user_base", "2000000", 2_000_000),
    ("desk_channels", '["sms", "email"]', ("sms", "email")),
    ("progress_times", "0", 0),
]


@pytest.mark.parametrize(("key", "toml", "value"), SWITCHED)
def test_a_switch_changes_alone(policy: Read, key: str, toml: str, value: object) -> None:
    changed = policy(f"[policy]\n{key} = {toml}")
    assert changed == replace(BUILT_IN, **{key: value})  # type: ignore[arg-type]
    assert type(getattr(changed, key)) is type(value)


def _with(table: Mapping[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    return {**table, key: value}


P1 = BUILT_IN.ladder[Priority.P1]
BLACK = BUILT_IN.levels[FaultLevel.BLACK]
CELLS: list[tuple[str, str, Any]] = [
    (
        "[policy.matrix.critical]\nhigh = 2",
        "matrix",
        _with(BUILT_IN.matrix, Urgency.CRITICAL, _with(BUILT_IN.matrix[Urgency.CRITICAL], Impact.HIGH, Priority.P2)),
    ),
    ('[policy.urgency.high]\nresolve = "90m"', "urgency_resolve", _with(BUILT_IN.urgency_resolve, Urgency.HIGH, 5400)),
    ("[policy.impact_share]\nhigh = 0.5", "impact_share", _with(BUILT_IN.impact_share, Impact.HIGH, 0.5)),
    ('[policy.kind_limits]\nfault_major = "1h"', "kind_limits", _with(BUILT_IN.kind_limits, "fault_major", 3600)),
    (
        '[policy.floors.serious_complaint]\nimpact = "high"',
        "floors",
        _with(BUILT_IN.floors, "serious_complaint", Floor(Impact.HIGH, Urgency.CRITICAL)),
    ),
    (
        '[policy.alert_severity]\nPAGE = "high"\nwarning = "low"',
        "alert_severity",
        {**BUILT_IN.alert_severity, "page": Impact.HIGH, "warning": Impact.LOW},
    ),
    (
        '[policy.levels.black]\nusers = 5\ninterrupted = "off"\nsanction = "points"\nprocess_exit = true',
        "levels",
        _with(
            BUILT_IN.levels,
            FaultLevel.BLACK,
            replace(BLACK, users=5, interrupted=None, sanction="points", process_exit=True),
        ),
    ),
    (
        '[policy.ladder.P1]\nsupport_lead = "1m"\ncompany_leader = "off"\nuntil = "accepted"',
        "ladder",
        _with(
            BUILT_IN.ladder,
            Priority.P1,
            LadderPolicy(
                {r: 60 if r is Role.SUPPORT_LEAD else s for r, s in P1.offsets.items() if r is not Role.COMPANY_LEADER},
                "accepted",
            ),
        ),
    ),
    (
        '[policy.ladder.P4]\nincident_manager = "5h"',
        "ladder",
        _with(BUILT_IN.ladder, Priority.P4, LadderPolicy({Role.SUPPORT_LEAD: 14400, Role.INCIDENT_MANAGER: 18000})),
    ),
    (
        '[policy.channels.P1]\nincident_manager = ["email"]',
        "channels",
        _with(BUILT_IN.channels, Priority.P1, {"default": ("sms", "email"), Role.INCIDENT_MANAGER: ("email",)}),
    ),
    ('[policy.bulletin]\nblack = "10m"', "bulletin", _with(BUILT_IN.bulletin, FaultLevel.BLACK, 600)),
    ('[policy.bulletin]\nminor = "2h"', "bulletin", _with(BUILT_IN.bulletin, FaultLevel.MINOR, 7200)),
    (
        '[policy.bulletin]\nyellow = "off"',
        "bulletin",
        {k: v for k, v in BUILT_IN.bulletin.items() if k is not FaultLevel.YELLOW},
    ),
    ('[policy.progress_every]\nP1 = "10m"', "progress_every", _with(BUILT_IN.progress_every, Priority.P1, 600)),
    ('[policy.words]\nurgent = ["快"]', "words", replace(BUILT_IN.words, urgent=("快",))),
    ("[policy.words]\nyes = []", "words", replace(BUILT_IN.words, yes=())),
    (
        '[policy.words]\ncomplaint = ["投诉"]',
        "words",
        replace(BUILT_IN.words, kinds=_with(BUILT_IN.words.kinds, "complaint", ("投诉",))),
    ),
    (
        '[policy.words.kinds]\nfault = ["坏"]',
        "words",
        replace(BUILT_IN.words, kinds=_with(BUILT_IN.words.kinds, "fault", ("坏",))),
    ),
    (
        '[policy.words.categories]\nvm_request = ["云主机"]\ndatabase_change = ["建库"]',
        "words",
        replace(
            BUILT_IN.words,
            categories={**BUILT_IN.words.categories, "vm_request": ("云主机",), "database_change": ("建库",)},
        ),
    ),
]


@pytest.mark.parametrize(("toml", "table", "value"), CELLS)
def test_a_cell_changes_and_the_others_stay(policy: Read, toml: str, table: str, value: object) -> None:
    changed = policy(toml)
    assert changed == replace(BUILT_IN, **{table: value})  # type: ignore[arg-type]
    assert changed.hash != BUILT_IN.hash


def test_a_new_category_is_tried_first_and_the_built_in_ones_keep_their_order(policy: Read) -> None:
    words = policy('[policy.words.categories]\nb = ["x"]\nvm_request = ["y"]\na = ["z"]').words
    assert list(words.categories) == ["b", "a", *BUILT_IN.words.categories]


def test_a_new_category_may_be_fixed_by_a_rule(policy: Read) -> None:
    rule = '[[rules]]\nmatch = [\'text=~".*表空间.*"\']\nset = { category = "database_change" }\n'
    policy(rule + "[policy.words.categories]\ndatabase_change = []")


def test_an_equal_policy_has_an_equal_hash(policy: Read) -> None:
    assert policy("").hash == BUILT_IN.hash
    assert policy('[policy.ladder.P1]\nincident_manager = "5m"\nsupport_lead = "5m"').hash == BUILT_IN.hash


@pytest.mark.parametrize(
    "text", ["", *(toml for toml, _, _ in CELLS), *(f"[policy]\n{k} = {v}" for k, v, _ in SWITCHED)]
)
def test_the_printed_policy_can_be_pasted_back(policy: Read, text: str) -> None:
    effective = policy(text)
    printed = policy_toml(effective)
    again = policy(printed)
    assert again == effective
    assert list(again.words.categories) == list(effective.words.categories)
    assert policy_toml(again) == printed


def test_words_with_quotes_and_controls_of_other_scripts_survive_printing(policy: Read) -> None:
    printed = policy_toml(policy('[policy.words]\nurgent = ["a\\"b", "c\\\\d", "急！", "can\'t"]'))
    assert policy(printed).words.urgent == ('a"b', "c\\d", "急！", "can't")


def test_every_field_of_the_policy_can_be_configured_and_is_printed() -> None:
    """A new table in the core that the config does not know would be a rule that nobody can change."""
    tables = {
        "matrix", "urgency_resolve", "impact_share", "kind_limits", "floors", "alert_severity", "levels", "ladder",
        "channels", "bulletin", "progress_every", "words",
    }  # fmt: skip
    known = {field.name for field in fields(Policy)} - {"bulletin_shortens_to"}
    assert set(Switches.model_fields) == set(PLAIN) | set(DURATIONS)
    assert known == tables | set(Switches.model_fields)
