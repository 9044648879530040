from __future__ import annotations

from typing import Any

import pytest

from tocsin.ingest.sources.kit.kinds import KINDS, parse_kind
from tocsin.ingest.sources.kit.severity import SEVERITIES, parse_severity
from tocsin.model import Severity, SignalKind


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("critical", "CRITICAL"),
        ("CRITICAL", "CRITICAL"),
        (" Fatal ", "CRITICAL"),
        ("page", "CRITICAL"),
        ("P1", "CRITICAL"),
        ("sev0", "CRITICAL"),
        ("SEV-1", "CRITICAL"),
        ("emergency", "CRITICAL"),
        ("error", "HIGH"),
        ("major", "HIGH"),
        ("p2", "HIGH"),
        ("Warning", "MEDIUM"),
        ("moderate", "MEDIUM"),
        ("minor", "LOW"),
        ("none", "INFO"),
        ("P5", "INFO"),
        (0, "CRITICAL"),
        (1, "CRITICAL"),
        ("2", "HIGH"),
        (3.0, "MEDIUM"),
        (5, "INFO"),
    ],
)
def test_known_words(value: Any, expected: str) -> None:
    assert parse_severity(value) == (Severity(expected), False)


@pytest.mark.parametrize("value", ["boom", "P9", 6, -1, 2.5, True, [], {}, float("nan")])
def test_an_unknown_word_is_flagged(value: Any) -> None:
    assert parse_severity(value) == (None, True)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_is_nothing(value: Any) -> None:
    assert parse_severity(value) == (None, False)


def test_our_own_words_mean_themselves() -> None:
    for severity in Severity:
        assert parse_severity(severity.value) == (severity, False)
    assert all(word == word.lower() for word in (*SEVERITIES, *KINDS))


@pytest.mark.parametrize(
    ("word", "kind", "doubtful"),
    [
        ("firing", SignalKind.TRIGGER, False),
        ("PROBLEM", SignalKind.TRIGGER, False),
        ("acknowledged", SignalKind.ACKNOWLEDGE, False),
        (" Ok ", SignalKind.RESOLVE, False),
        ("recovered", SignalKind.RESOLVE, False),
        ("", SignalKind.TRIGGER, False),
        ("perhaps", SignalKind.TRIGGER, True),
    ],
)
def test_status_words(word: str, kind: SignalKind, doubtful: bool) -> None:
    assert parse_kind(word) == (kind, doubtful)
