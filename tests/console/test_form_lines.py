"""What people type into fields, and what is written there: both ways, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.console.forms.durations import fault_of_duration, read_duration, write_duration
from tocsin.console.forms.matcher_lines import (
    read_labels,
    read_matchers,
    write_labels,
    write_matchers,
)
from tocsin.console.forms.pair_lines import read_pairs, write_pairs


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 600),
        ("0", 0),
        ("90 s", 90),
        ("90s", 90),
        ("1,5 h", 5_400),
        ("1 h 30 min", 5_400),
        ("2d", 172_800),
        ("1 w", 604_800),
        ("10 MIN", 600),
        ("", None),
        ("soon", None),
        ("10 min later", None),
        ("-5", None),
        ("1 h 30", None),
    ],
)
def test_how_long(text: str, seconds: int | None) -> None:
    assert read_duration(text) == seconds


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_is_read_as_it_was_written(seconds: int) -> None:
    assert read_duration(write_duration(seconds)) == seconds


def test_what_is_wrong_with_a_duration() -> None:
    assert fault_of_duration(None, 0, 60) == (
        "Write how long, for instance 90 s, 10 min or 1 h 30 min."
    )
    assert fault_of_duration(61, 5, 60) == "From 5 s to 1 min."
    assert fault_of_duration(60, 5, 60) is None
    assert write_duration(None) == ""


_words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs")),
    min_size=1,
    max_size=9,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "label": _words.filter(lambda text: '"' not in text and text == text.strip()),
                "op": st.sampled_from(["=", "!=", "=~", "!~"]),
                "value": _words | st.just(""),
            }
        ),
        max_size=4,
    )
)
def test_matchers_are_read_as_they_were_written(matchers: list[dict[str, str]]) -> None:
    assert read_matchers(write_matchers(matchers)) == (matchers, None)


@given(st.lists(_words.filter(lambda text: '"' not in text), max_size=4))
def test_labels_are_read_as_they_were_written(labels: list[str]) -> None:
    assert read_labels(write_labels(labels)) == labels


def test_labels_may_be_apart_by_commas() -> None:
    assert read_labels("host, cluster") == ["host", "cluster"]


def test_pairs() -> None:
    pairs = {"disaster": "CRITICAL", "fixed": "resolve"}
    assert read_pairs(write_pairs(pairs)) == (pairs, None)
    assert read_pairs("a = b\nc") == ({"a": "b"}, "“c”: write NAME = VALUE.")
