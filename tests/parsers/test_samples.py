"""Golden pairs: every sample under tests/parsers/<parser>/ beside its `<sample>.expected.json`, found by scanning.

An expected file holds `reports`, a list of objects of which every field named must be equal (`mail` likewise), or
`unparsable`, words of the refusal; and, where the sample needs them, `raw`, fields of `Raw`, and `settings`, the
entry's further keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import parsers
from parsers import Raw, Unparsable

HERE = Path(__file__).parent
PARSERS = parsers.load()
SAMPLES = sorted(p for p in HERE.glob("*/*") if p.is_file() and not p.name.endswith(".expected.json"))


def raw_of(path: Path, fields: dict[str, Any]) -> Raw:
    body = path.read_bytes()
    if path.suffix == ".eml":
        body = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    defaults = {"source": "smtp" if path.suffix == ".eml" else "webhook", "received_at": 1_767_312_000_000}
    known = {**defaults, **fields}
    return Raw(id=1, entry="entry", parser=path.parent.name, body=body, **known)


def plain(value: object) -> object:
    return json.loads(json.dumps(value, default=str))


def assert_like(found: object, expected: dict[str, Any], where: str) -> None:
    for name, value in expected.items():
        actual = getattr(found, name)
        if name == "mail":
            assert_like(actual, value, f"{where}.mail")
        elif name == "attachments":
            assert [a.name for a in actual] == value, where
        else:
            assert plain(dict(actual) if name == "labels" else actual) == value, f"{where}.{name}"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_sample_is_read_as_its_expected_file_says(sample: Path) -> None:
    expected = json.loads((sample.parent / f"{sample.stem}.expected.json").read_text("utf-8"))
    parser = PARSERS[sample.parent.name]
    raw = raw_of(sample, expected.get("raw", {}))
    own: Any = parser
    settings = own.Settings.model_validate(expected["settings"]) if "settings" in expected else None
    if "unparsable" in expected:
        with pytest.raises(Unparsable, match=expected["unparsable"]):
            parser.parse(raw, settings)
        return
    assert parser.accepts(raw)
    reports = parser.parse(raw, settings)
    assert len(reports) == len(expected["reports"])
    for number, (report, wanted) in enumerate(zip(reports, expected["reports"], strict=True)):
        assert_like(report, wanted, f"reports[{number}]")


def test_every_sample_has_an_expected_file_and_every_parser_here_has_samples() -> None:
    assert all((p.parent / f"{p.stem}.expected.json").exists() for p in SAMPLES)
    assert {p.parent.name for p in SAMPLES} <= set(PARSERS)
    assert {"alertmanager", "alert_mail", "customer_mail", "generic", "grafana"} <= {p.parent.name for p in SAMPLES}
