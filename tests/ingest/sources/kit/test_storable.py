from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.sources.kit.make_signal import make_signal
from tocsin.ingest.sources.kit.storable import (
    EXTERNAL_ID_BYTES,
    LABEL_NAME_LIMIT,
    LABELS_LIMIT,
    METADATA_BYTES,
    METADATA_DEPTH,
    clean_external_id,
    clean_json,
    clean_text,
    flat_labels,
)
from tocsin.model import EXTERNAL_ID_LIMIT, LABEL_VALUE_LIMIT, SignalKind


def storable(value: Any, depth: int = 0) -> bool:
    """What PostgreSQL's jsonb takes, within our bounds."""
    assert depth <= METADATA_DEPTH
    if isinstance(value, dict):
        return all(storable(k) and storable(v, depth + 1) for k, v in value.items())
    if isinstance(value, list):
        return all(storable(item, depth + 1) for item in value)
    if isinstance(value, str):
        value.encode()
        return "\0" not in value
    if isinstance(value, float):
        return value - value == 0
    return value is None or isinstance(value, (bool, int))


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, ("abc", False)),
        ("abcd", 3, ("ab…", True)),
        ("a\0b", 9, ("a\ufffdb", False)),
        ("\ud800é", 9, ("\ufffd\ufffd\ufffdé", False)),
    ],
)
def test_text(text: str, limit: int, expected: tuple[str, bool]) -> None:
    assert clean_text(text, limit) == expected


def test_an_ordinary_value_is_not_copied() -> None:
    value = {"a": [1, "x", {"b": 2.5}]}
    assert clean_json(value) is value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a\0": "b\0"}, {"a\ufffd": "b\ufffd"}),
        ([float("nan"), float("inf"), 1.5, None, True], [None, None, 1.5, None, True]),
        ([10**301, -(10**301), 10**300], [str(10**301), str(-(10**301)), 10**300]),
        ({"a": "\udc00"}, {"a": "\ufffd\ufffd\ufffd"}),
        ("\\u0000", "\\u0000"),
    ],
)
def test_json(value: Any, expected: Any) -> None:
    assert clean_json(value) == expected


def test_depth_and_size_are_bounded() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"a": [deep]}
    assert "nested too deep" in json.dumps(clean_json(deep))
    for large in (["x" * 100] * 5000, {str(n): "y" for n in range(50_000)}, "z" * 10**6):
        cleaned = clean_json(large)
        assert len(json.dumps(cleaned, ensure_ascii=False)) < 2 * METADATA_BYTES
        assert storable(cleaned)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(ANY)
def test_anything_becomes_storable(value: Any) -> None:
    assert storable(clean_json(value))


def test_labels_are_flat_text() -> None:
    labels = {"s": "x", "n": 1, "f": 1.5, "b": False, "none": None, "l": ["a", 1], "o": {"k": "v"}}
    assert flat_labels(labels) == (
        {"s": "x", "n": "1", "f": "1.5", "b": "false", "l": '["a",1]', "o": '{"k":"v"}'},
        False,
    )


@pytest.mark.parametrize(
    "labels",
    [
        {"query": "x" * (LABEL_VALUE_LIMIT + 1)},
        {"x" * (LABEL_NAME_LIMIT + 1): "y"},
        {"query": ["x" * LABEL_VALUE_LIMIT]},
        {f"l{number}": "y" for number in range(LABELS_LIMIT + 1)},
    ],
    ids=["value", "name", "json", "number"],
)
def test_labels_that_were_cut_say_so(labels: dict[str, Any]) -> None:
    assert flat_labels(labels)[1]
    signal = make_signal(SignalKind.TRIGGER, "a", "x", flags=[], labels=labels)
    assert signal.flags == ("labels_truncated",)


@given(st.dictionaries(st.text(st.characters()), ANY))
def test_any_labels_become_storable(labels: dict[str, Any]) -> None:
    flat, _ = flat_labels(labels)
    assert all(isinstance(value, str) for value in flat.values())
    assert storable(flat)


@given(st.text(st.characters(), max_size=50), st.integers(0, 3000))
def test_an_id_fits_its_index_and_stays_itself(text: str, repeat: int) -> None:
    long = text + "鍵" * repeat
    cleaned, cut = clean_external_id(long)
    assert len(cleaned) <= EXTERNAL_ID_LIMIT
    assert len(cleaned.encode()) <= EXTERNAL_ID_BYTES
    assert storable(cleaned)
    if cut:
        assert clean_external_id(long + "x")[0] != cleaned
        assert clean_external_id(long)[0] == cleaned
