from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("Sev 1", "CRITICAL"),
        ("Priority-2", "HIGH"),
        ("severity: 3", "MEDIUM"),
        ("1 - Critical", "CRITICAL"),
        ("P2: High", "HIGH"),
        ("4-Low", "LOW"),
        ("Sev 3 – Moderate", "MEDIUM"),
        ("critical - ok", "CRITICAL"),
        (0, "CRITICAL"),
        (1, "CRITICAL"),
        ("2", "HIGH"),
        (3.0, "MEDIUM"),
        (5, "INFO"),
    ],
)
def test_known_words(value: Any, expected: str) -> None:
    assert parse_severity(value) == (Severity(expected), False)


@pytest.mark.parametrize(
    "value",
    [
        "boom",
        "P9",
        "Sev 9",
        "not critical",
        "1 - boom",
        "x - low",
        "p1 " * 50,
        6,
        -1,
        2.5,
        True,
        [],
        {},
        float("nan"),
    ],
)
def test_an_unknown_word_is_flagged(value: Any) -> None:
    assert parse_severity(value) == (None, True)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_is_nothing(value: Any) -> None:
    assert parse_severity(value) == (None, False)


def test_our_own_words_mean_themselves() -> None:
    for severity in Severity:
        assert parse_severity(severity.value) == (severity, False)
    assert all(word == word.lower() for word in (*SEVERITIES, *KINDS))


T, A, R = SignalKind.TRIGGER, SignalKind.ACKNOWLEDGE, SignalKind.RESOLVE
U = SignalKind.UNACKNOWLEDGE


@pytest.mark.parametrize(
    ("word", "kind", "doubtful"),
    [
        ("firing", T, False),
        ("PROBLEM", T, False),
        ("acknowledged", A, False),
        (" Ok ", R, False),
        ("recovered", R, False),
        ("", T, False),
        (" - ", T, False),
        ("perhaps", T, True),
        ("x" * 10_000, T, True),
        # Nagios, Icinga, Checkmk, Centreon: $NOTIFICATIONTYPE$ and states.
        ("RECOVERY", R, False),
        ("ACKNOWLEDGEMENT", A, False),
        ("Acknowledgement", A, False),
        ("UNREACHABLE", T, False),
        ("UNKNOWN", T, False),
        ("CUSTOM", T, True),
        ("DOWNTIMESTART", None, False),
        ("DOWNTIMEEND", None, False),
        ("DOWNTIMECANCELLED", None, False),
        ("DowntimeRemoved", None, False),
        ("downtime start", None, False),
        ("FLAPPINGSTART", None, False),
        ("FLAPPINGSTOP", None, False),
        ("FlappingEnd", None, False),
        ("flapping_disabled", None, False),
        ("ALERTHANDLER (OK)", None, False),
        # Other tools.
        ("ResolvedCritical", R, False),
        ("resolved warning", R, False),
        ("CRITICAL_RESOLVED", R, False),
        ("Recovered from No Data", R, False),
        ("Recovered from Warn", R, False),
        ("INSUFFICIENT_DATA", T, False),
        ("No Data", T, False),
        ("Re-Triggered", T, False),
        ("not-ok", T, False),
        ("Down (Acknowledged)", A, False),
        ("Unacknowledged", U, False),
        ("UnAcknowledge", U, False),
        ("acknowledgement removed", U, False),
        ("incident.closed", R, False),
        ("closed_by_user", R, False),
        ("auto-resolved", R, False),
        ("Alert created", T, False),
        ("host down", T, False),
        ("Service OK", R, False),
        # Never an end or an acknowledgement by half a word.
        ("recovery failed", T, True),
        ("not resolved", T, True),
        ("no recovery", T, True),
        ("no ack", T, True),
        ("OK to CRITICAL", T, True),
        ("acknowledgement cleared by robot", T, True),
        ("unresolved", T, False),
        ("resolving", T, True),
        ("closed door open", T, True),
    ],
)
def test_status_words(word: str, kind: SignalKind | None, doubtful: bool) -> None:
    assert parse_kind(word) == (kind, doubtful)


@given(st.text())
def test_any_word_asks_for_something(word: str) -> None:
    kind, doubtful = parse_kind(word)
    assert kind is T or not doubtful


NOT_AN_END = st.sampled_from(sorted(word for word, kind in KINDS.items() if kind is not R))


@given(NOT_AN_END, NOT_AN_END)
def test_no_two_words_end_what_neither_of_them_ends(first: str, second: str) -> None:
    for joined in (f"{first} {second}", first.title() + second.title()):
        assert parse_kind(joined)[0] is not R
