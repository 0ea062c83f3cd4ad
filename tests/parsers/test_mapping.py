"""The map and the words of a `generic` entry: what they give, what falls back to the common names, and their bounds."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers import ACKNOWLEDGED, FIRING, RESOLVED, UNCHANGED, Raw, Report, Unparsable, generic
from parsers._expression import Expression, Failed
from parsers._mapping import Settings


def hook(body: object) -> Raw:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return Raw(1, "webhook", "entry", "generic", 1_767_312_000_000, data)


def read(body: object, states: dict[str, Any] | None = None, **mapped: str) -> list[Report]:
    own = Settings.model_validate({"map": mapped, "states": states or {}})
    return list(generic.parse(hook(body), own))


STATES = [
    ("a word of its own", {"v": "bad"}, FIRING),
    ("in any case and with blanks", {"v": " GOOD "}, RESOLVED),
    ("a number", {"v": 3}, ACKNOWLEDGED),
    ("true", {"v": True}, FIRING),
    ("false", {"v": False}, RESOLVED),
    ("its own word before the common one", {"v": "warning"}, UNCHANGED),
    ("a common word", {"v": "closed"}, RESOLVED),
    ("a word that nobody knows", {"v": "odd", "status": "closed"}, UNCHANGED),
    ("not there: the common names", {"status": "closed"}, RESOLVED),
    ("its own word under a common name", {"status": "good"}, RESOLVED),
    ("an unfilled macro says nothing", {"v": "{STATUS}", "status": "closed"}, RESOLVED),
    ("empty", {"v": "", "status": "closed"}, RESOLVED),
    ("nowhere", {}, FIRING),
]
WORDS = {"firing": ["Bad", True], "resolved": ["good", False], "acknowledged": [3], "unchanged": ["warning"]}


@pytest.mark.parametrize(("sentence", "body", "state"), STATES, ids=[row[0] for row in STATES])
def test_the_state_of_a_mapped_body(sentence: str, body: dict[str, Any], state: str) -> None:
    assert read({"title": "x", **body}, WORDS, state="v")[0].state == state


FIELDS = [
    ("a number is a key", {"key": "n"}, {"n": 5}, "key", "5"),
    ("a key of several parts", {"key": "[host, check]"}, {"host": "db1", "check": "disk"}, "key", "db1, disk"),
    ("an expression with a function", {"title": "join(' ', [a, b])"}, {"a": "x", "b": "y"}, "title", "x y"),
    ("the first that is there", {"title": "a || b"}, {"b": "y"}, "title", "y"),
    ("a filter", {"source": "t[?n=='h'].v | [0]"}, {"t": [{"n": "h", "v": "db1"}]}, "source", "db1"),
    ("a severity by number stays as it is", {"severity": "grade"}, {"grade": 4}, "severity", "4"),
    ("a severity in another spelling", {"severity": "grade"}, {"grade": "crit"}, "severity", "critical"),
    ("an instant in seconds", {"started_at": "at"}, {"at": 1767225600}, "started_at", 1767225600000),
    (
        "an absurd instant falls back",
        {"started_at": "at"},
        {"at": "?", "time": 1767225600},
        "started_at",
        1767225600000,
    ),
    ("a list of links", {"link": "l"}, {"l": ["https://a.example/", "ftp://b"]}, "links", ("https://a.example/",)),
    (
        "a secret in a link",
        {"link": "l"},
        {"l": "https://a.example/?token=s"},
        "links",
        ("https://a.example/?token=…",),
    ),
    ("null falls back", {"title": "a"}, {"a": None, "summary": "s"}, "title", "s"),
    ("an object of names", {"title": "a"}, {"a": {"name": "n"}}, "title", "n"),
]


@pytest.mark.parametrize(("sentence", "mapped", "body", "field", "value"), FIELDS, ids=[row[0] for row in FIELDS])
def test_a_field_of_a_mapped_body(
    sentence: str, mapped: dict[str, str], body: dict[str, Any], field: str, value: object
) -> None:
    assert getattr(read({"title": "t", **body} if "title" not in mapped else body, **mapped)[0], field) == value


LABELS = [
    ("an object", {"a": 1, "b": "x"}, {"a": "1", "b": "x"}),
    ("texts", ["a=1", "b: x"], {"a": "1", "b": "x"}),
    ("objects with a name and a value", [{"name": "a", "value": 1}, {"tag": "b", "value": "x"}], {"a": "1", "b": "x"}),
    ("secrets are left out", {"password": "s", "b": "x"}, {"b": "x"}),
    ("anything else", 5, {}),
]


@pytest.mark.parametrize(("sentence", "value", "found"), LABELS, ids=[row[0] for row in LABELS])
def test_the_labels_of_a_mapped_body(sentence: str, value: object, found: dict[str, str]) -> None:
    labels = dict(read({"title": "t", "odd": {"place": value}}, labels="odd.place")[0].labels)
    assert labels == {**found, "title": "t"}


def test_items_of_texts_are_an_alert_each() -> None:
    assert [r.title for r in read({"status": "down", "rows": ["a", "b"]}, items="rows")] == ["a", "b"]
    assert {r.state for r in read({"status": "down", "rows": ["a", "b"]}, items="rows")} == {FIRING}


def test_a_list_as_the_body_is_mapped_member_by_member() -> None:
    assert [r.title for r in read([{"n": "a"}, {"n": "b"}], title="n")] == ["a", "b"]
    assert [r.title for r in read([[{"n": "a"}], [{"n": "b"}]], items="[]", title="n")] == ["a", "b"]


def test_a_common_list_is_taken_apart_unless_items_says_that_the_body_is_one() -> None:
    body = {"headline": "h", "events": [{"title": "a"}, {"title": "b"}]}
    assert [r.title for r in read(body, title="headline")] == ["a", "b"]
    assert [r.title for r in read(body, title="headline", items="[@]")] == ["h"]


def test_items_share_the_state_around_them_but_never_a_key_or_a_title() -> None:
    body = {"id": "group", "verdict": "bad", "headline": "h", "rows": [{"n": "a"}, {"n": "b"}]}
    found = read(body, {"firing": ["bad"]}, items="rows", state="verdict", key="id", title="headline || n")
    assert [(r.title, r.state) for r in found] == [("a", FIRING), ("b", FIRING)]
    assert len({r.key for r in found}) == 2


@pytest.mark.parametrize("rows", [[], [None, {}, ""], [[]]])
def test_items_with_nothing_in_them_are_refused(rows: object) -> None:
    with pytest.raises(Unparsable):
        read({"rows": rows, "title": "x"}, items="rows")


def test_a_failing_expression_sets_the_body_aside_by_its_name_and_tells_nothing_of_it() -> None:
    with pytest.raises(Unparsable) as refusal:
        read({"title": "x", "n": {"token": "s3cret"}}, severity="ceil(n)")
    assert str(refusal.value) == "map.severity: ceil() got object, it takes number"
    with pytest.raises(Unparsable, match=r"map\.items: gives str, neither a list nor an object"):
        read({"rows": "s3cret"}, items="rows")


def test_an_expression_that_means_an_item_does_not_fail_on_what_is_around_it() -> None:
    body = {"rows": [{"title": "x", "w": ["down"]}]}
    assert read(body, items="rows", state="join('', w)")[0].state == FIRING


def test_more_items_than_the_bound_are_refused() -> None:
    with pytest.raises(Unparsable, match="more than 10000"):
        read({"rows": [{"n": 1}] * 10_001}, items="rows", title="n")


def test_ten_thousand_items_by_twelve_expressions_take_few_seconds() -> None:
    rows = [{"a": {"b": {"c": f"x{n}"}}} for n in range(10_000)]
    names = ("key", "state", "severity", "title", "text", "source", "service", "environment", "link", "labels")
    began = time.perf_counter()
    found = read({"rows": rows}, items="rows[]", **dict.fromkeys(names, "a.b.c || a.b.d || join('-', [a.b.c, 'x'])"))
    assert len(found) == 10_000
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("text", ["&a", "sum([`18446744073709551615`, `1`])", "{a: &b}", "`1e400`", "*.*.*", "@"])
def test_an_odd_result_is_no_defect(text: str) -> None:
    for name in ("title", "labels", "link", "state", "started_at", "key"):
        assert read({"title": "x", "summary": "y", "a": {"b": 1}}, **{name: text})


@pytest.mark.parametrize("text", ["!" * 299 + "a", "[" * 149 + "a" + "]" * 149, "a" + "||a" * 99])
def test_an_expression_that_is_nested_too_deeply_is_refused_when_the_config_loads(text: str) -> None:
    with pytest.raises(ValueError, match="nested"):
        Expression(text)


@pytest.mark.parametrize("text", ["(" * 149 + "a" + ")" * 149, "a" + ".a" * 149, "`" + "[" * 149 + "]" * 149 + "`"])
def test_an_expression_that_only_looks_deep_is_worked_out(text: str) -> None:
    assert Expression(text).of({}) is None or text.startswith("`")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=5),
    max_leaves=25,
)
EXPRESSIONS = (
    "a",
    "a.b",
    "b[]",
    "*",
    "@",
    "keys(@)",
    "a[?b=='c']",
    "max(b)",
    "sort_by(@, &a)",
    "to_string(@)",
    "[a, b]",
)


@settings(max_examples=200, deadline=2000, suppress_health_check=list(HealthCheck))
@given(json_like, st.dictionaries(st.sampled_from(list(Settings().map.model_dump())), st.sampled_from(EXPRESSIONS)))
def test_whatever_a_body_holds_only_unparsable_escapes_a_map(value: object, mapped: dict[str, str]) -> None:
    try:
        body = orjson.dumps(value)
    except TypeError:
        return
    with contextlib.suppress(Unparsable):
        assert read(body, {"firing": ["a"]}, **mapped)


def test_failing_says_which_kind_of_value_it_was() -> None:
    with pytest.raises(Failed, match=r"length\(\) got null, it takes string or array or object"):
        Expression("length(a)").of({})
