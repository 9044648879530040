from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.routing.builders import subject
from tocsin.model import Severity
from tocsin.routing.matchers import OPERATORS, Matcher, compile_pattern


@pytest.mark.parametrize(
    ("op", "value", "labels", "expected"),
    [
        # The cases of Alertmanager's own documentation of matching: whole values, and an absent
        # label is the empty string.
        ("=", "db", {"team": "db"}, True),
        ("=", "db", {"team": "web"}, False),
        ("=", "db", {}, False),
        ("=", "", {}, True),
        ("=", "", {"team": ""}, True),
        ("=", "", {"team": "db"}, False),
        ("!=", "db", {}, True),
        ("!=", "db", {"team": "db"}, False),
        ("!=", "", {}, False),
        ("!=", "", {"team": "db"}, True),
        ("=~", "d.", {"team": "db"}, True),
        ("=~", "d", {"team": "db"}, False),
        ("=~", "b", {"team": "db"}, False),
        ("=~", "d|db", {"team": "db"}, True),
        ("=~", "web|db.*", {"team": "dbadmins"}, True),
        ("=~", "web|db", {"team": "dbadmins"}, False),
        ("=~", ".*", {}, True),
        ("=~", ".+", {}, False),
        ("=~", "", {}, True),
        ("=~", "", {"team": "db"}, False),
        ("=~", "db|", {}, True),
        ("!~", "d.", {"team": "db"}, False),
        ("!~", "d", {"team": "db"}, True),
        ("!~", ".*", {}, False),
        ("!~", ".+", {}, True),
        ("=~", "(?i)DB", {"team": "db"}, True),
        ("=~", "^db$", {"team": "db"}, True),
        ("=~", "Größe.", {"team": "Größe7"}, True),
        ("=~", "..", {"team": "日本"}, True),
        ("=~", ".*disk.*", {"team": "one\ndisk\ntwo"}, True),
        ("=~", "db", {"team": "db\n"}, False),
        ("=~", "d.b?", {"team": "db\n"}, False),
        ("=~", "a\\.b", {"team": "a.b"}, True),
        ("=~", "a\\.b", {"team": "axb"}, False),
    ],
)
def test_matches_as_alertmanager_does(
    op: str, value: str, labels: dict[str, str], expected: bool
) -> None:
    assert Matcher("team", op, value).matches(subject(labels)) is expected


texts = st.text(st.sampled_from("ab.|-é\n"), max_size=6)


@given(value=texts, label=st.none() | texts)
@example(value="a|", label=None)
@example(value="a|b", label="a|b")
def test_literals_and_alternatives_agree_with_the_real_engine(
    value: str, label: str | None
) -> None:
    literal = value.replace(".", "")
    labels = {} if label is None else {"team": label}
    engine = compile_pattern(literal).fullmatch(label or "") is not None
    assert Matcher("team", "=~", literal).matches(subject(labels)) is engine
    assert Matcher("team", "!~", literal).matches(subject(labels)) is not engine


@given(value=texts, label=texts)
def test_patterns_mean_what_they_mean_elsewhere(value: str, label: str) -> None:
    assert Matcher("team", "=~", value).matches(subject({"team": label})) is bool(
        re.fullmatch(value, label, re.DOTALL)
    )


@given(op=st.sampled_from(OPERATORS), value=texts, label=st.none() | texts)
def test_an_operator_and_its_negation_never_agree(op: str, value: str, label: str | None) -> None:
    opposite = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}[op]
    about = subject({} if label is None else {"team": label})
    assert Matcher("team", op, value).matches(about) is not (
        Matcher("team", opposite, value).matches(about)
    )


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("severity", "HIGH"),
        ("source", "datadog-production"),
        ("type", "datadog"),
        ("title", "Disk almost full on db-7"),
    ],
)
def test_built_in_labels_are_not_shadowed(label: str, value: str) -> None:
    about = subject({label: "something else"})
    assert Matcher(label, "=", value).matches(about)
    assert not Matcher(label, "=", "something else").matches(about)


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("=", "critical", True),
        ("=", "Critical", True),
        ("!=", "critical", False),
        ("=~", "warning|critical", True),
        ("=~", "crit.*", True),
        ("!~", "high|low", True),
        ("!~", "(high|critical)", False),
    ],
)
def test_severities_are_compared_without_regard_to_case(
    op: str, value: str, expected: bool
) -> None:
    about = subject(severity=Severity.CRITICAL)
    assert Matcher("severity", op, value).matches(about) is expected


def test_other_labels_are_compared_with_regard_to_case() -> None:
    assert not Matcher("team", "=", "DB").matches(subject({"team": "db"}))
    assert not Matcher("team", "=~", "D.").matches(subject({"team": "db"}))


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(x|x)*y", "(.*)*y", "(x?){500}x{500}y"])
def test_no_pattern_is_catastrophic(pattern: str) -> None:
    # With a backtracking engine this would outlast the test's time limit by far.
    assert not Matcher("team", "=~", pattern).matches(subject({"team": "x" * 2_000}))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "missing )"),
        ("a**", "bad repetition operator"),
        ("(?=db)", "negates"),
        (r"(db)\1", "invalid escape sequence"),
        ("(.{1000}){900}", "invalid repetition size"),
        (r"(\pL{0,99}|.{0,99}){0,9}", "smaller repetition counts"),
        ("x" * 1_001 + ".", "longer than 1000 characters"),
        ("\ud800.", "surrogate"),
    ],
)
def test_a_bad_pattern_says_what_is_wrong(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        compile_pattern(pattern)


def test_a_matcher_that_cannot_be_compiled_matches_and_says_so() -> None:
    broken = Matcher("team", "=~", "(")
    assert broken.fault is not None
    assert broken.matches(subject({}))
    assert Matcher("team", "~", "db").fault == "unknown operator '~'"
    assert Matcher("team", "=", "(").fault is None


def test_a_doubtful_character_fails_nothing() -> None:
    about = subject({"team": "d\ud800"})
    assert Matcher("team", "=~", "d.").matches(about)
    assert not Matcher("team", "=", "d").matches(about)


def test_reads_as_it_is_written_in_alertmanager() -> None:
    matcher = Matcher.from_document({"label": "host", "op": "!~", "value": 'db-\\d+"'})
    assert str(matcher) == r'host!~"db-\\d+\""'
    assert Matcher.from_document(matcher.document()) == matcher
