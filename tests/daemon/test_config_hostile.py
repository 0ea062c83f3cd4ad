"""Whatever a config holds, loading it ends in a Config or in ConfigError; and the readers of durations and sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from daemon.config import ConfigError, load
from daemon.config.durations import duration_text, seconds, size
from daemon.config.loading import KNOWN


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1.5h", 5400),
        ("2w", 1209600),
        ("0s", 0),
        ("1d1s", 86401),
    ],
)
def test_durations_are_whole_seconds(text: str, value: int) -> None:
    assert seconds(text) == value
    assert seconds(duration_text(value)) == value


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-5m", "5 m", "5m1h", "1h1h", "1e3s", "५m", "1ms", "٣s", None, 1.5, True, []]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|90s|seconds"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("25MiB", 25 << 20), ("10MB", 10**7), ("512KiB", 512 << 10), ("1.5kB", 1500), ("7B", 7), ("2 GiB", 2 << 30)],
)
def test_sizes_are_bytes(text: str, value: int) -> None:
    assert size(text) == value


_VALUE = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1h", "sms", "P1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    [*KNOWN, "env", "file", "name", "as", "to", "match", "set", "words", "ladder", "P1", "sms", "routes"]
)


@given(
    st.dictionaries(
        _KEYS,
        st.dictionaries(_KEYS, _VALUE, max_size=4)
        | st.lists(st.dictionaries(_KEYS, _VALUE, max_size=4), max_size=3)
        | _VALUE,
        max_size=6,
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_table_raises_anything_but_config_error(tmp_path: Path, table: dict[str, object]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(_toml(table), encoding="utf-8", newline="")
    _only_config_error(path)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"a.b = 1\na = 2")
@example(b"\xef\xbb\xbf")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_raise_anything_but_config_error(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(body)
    _only_config_error(path)


def _only_config_error(path: Path) -> None:
    faults: list[str] = []
    try:
        load(path, {})
    except ConfigError as error:
        faults = error.faults or ["none"]
    for line in faults:
        assert line.startswith("config.toml: "), line
        assert "\n" not in line, line


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{_text(k)} = {_inline(v)}" for k, v in value.items())
    return ""


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    return repr(value).lower().replace("e+", "e")


def _text(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" if not c.isalnum() and c != "_" else c for c in text) + '"'
