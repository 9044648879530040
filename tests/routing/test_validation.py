from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.routing.builders import EVERY_DAY, NOW
from tocsin.model import Fault
from tocsin.routing.matchers import Matcher
from tocsin.routing.quiet_hours import QuietHours
from tocsin.routing.validation import (
    validate_matchers,
    validate_quiet_hours,
    validate_silence,
    validate_unless,
)


def places(faults: list[Fault]) -> list[tuple[str, str]]:
    assert all(fault.message for fault in faults)
    return [(fault.pointer, fault.code) for fault in faults]


def matcher(label: object = "team", op: object = "=", value: object = "db") -> dict[str, object]:
    return {"label": label, "op": op, "value": value}


GOOD_NIGHT: dict[str, Any] = {
    "days": ["mon", "tue"],
    "start": "22:00",
    "end": "07:00",
    "timezone": "Europe/Berlin",
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], []),
        ([matcher()], []),
        ([matcher(op="=~", value="db|web-.*")], []),
        ([matcher("severity", "=", "critical")], []),
        ([matcher("severity", "!~", "low|info")], []),
        ({}, [("/matchers", "wrong-type")]),
        (None, [("/matchers", "wrong-type")]),
        ([matcher()] * 51, [("/matchers", "too-many")]),
        (["team=db"], [("/matchers/0", "wrong-type")]),
        (
            [matcher(), {"label": "team"}],
            [("/matchers/1/op", "required"), ("/matchers/1/value", "required")],
        ),
        ([matcher() | {"a/b~": 1}], [("/matchers/0/a~1b~0", "unknown-field")]),
        ([matcher(label="")], [("/matchers/0/label", "empty")]),
        ([matcher(label=7)], [("/matchers/0/label", "wrong-type")]),
        ([matcher(op="~")], [("/matchers/0/op", "unknown-operator")]),
        ([matcher(op=[])], [("/matchers/0/op", "unknown-operator")]),
        ([matcher(value=None)], [("/matchers/0/value", "wrong-type")]),
        ([matcher(value="x" * 2_001)], [("/matchers/0/value", "too-long")]),
        ([matcher(value="a\0")], [("/matchers/0/value", "bad-character")]),
        ([matcher(value="\ud800")], [("/matchers/0/value", "bad-character")]),
        ([matcher(), matcher(op="=~", value="(")], [("/matchers/1/value", "bad-pattern")]),
        ([matcher("severity", "=", "sev1")], [("/matchers/0/value", "unknown-severity")]),
        ([matcher("severity", "=~", "sev.")], [("/matchers/0/value", "unknown-severity")]),
    ],
)
def test_matchers(value: object, expected: list[tuple[str, str]]) -> None:
    assert places(validate_matchers(value)) == expected


def test_a_bad_pattern_is_said_in_words() -> None:
    (fault,) = validate_matchers([matcher(op="=~", value="(?!db).*")], "/rules/3/matchers")
    assert fault.pointer == "/rules/3/matchers/0/value"
    assert "`!~` negates" in fault.message


@pytest.mark.parametrize(
    ("matchers", "refused"),
    [
        ([], True),
        ([matcher()], False),
        ([matcher(op="!=", value="db")], True),
        ([matcher(op="!~", value="db.*")], True),
        ([matcher(op="!=", value="")], False),
        ([matcher(op="=~", value=".*")], True),
        ([matcher(op="=~", value=".+")], False),
        ([matcher(op="=~", value="(db)?")], True),
        ([matcher(op="=", value="")], True),
        ([matcher(op="!=", value="db"), matcher("host", "=", "db-7")], False),
        ([matcher("title", "=~", ".+")], True),
        ([matcher("title", "=~", ".*disk.*")], False),
        ([matcher("source", "!=", "datadog")], True),
        ([matcher("severity", "=~", "(?s).*")], True),
        ([matcher("severity", "!=", "CRITICAL")], False),
    ],
)
def test_a_silence_must_ask_for_something(matchers: list[object], refused: bool) -> None:
    faults = validate_matchers(matchers, required=True)
    assert places(faults) == ([("/matchers", "matches-everything")] if refused else [])
    assert validate_matchers(matchers) == []


def test_when_a_silence_holds() -> None:
    hour = timedelta(hours=1)
    good = [matcher()]
    assert validate_silence(good, NOW, NOW + hour, NOW) == []
    assert validate_silence(good, NOW - hour, NOW + hour, NOW) == []
    assert places(validate_silence([], NOW, NOW, NOW)) == [
        ("/matchers", "matches-everything"),
        ("/ends_at", "not-after-start"),
    ]
    past = validate_silence(good, NOW - 2 * hour, NOW - hour, NOW)
    assert places(past) == [("/ends_at", "in-the-past")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (GOOD_NIGHT, []),
        (GOOD_NIGHT | {"breakthrough_severity": "HIGH"}, []),
        (GOOD_NIGHT | {"breakthrough_severity": None}, []),
        (GOOD_NIGHT | {"start": "09:00", "end": "09:00"}, []),
        ([], [("", "wrong-type")]),
        (
            {},
            [(f"/{key}", "required") for key in ("start", "end", "timezone")],
        ),
        (GOOD_NIGHT | {"day": "mon"}, [("/day", "unknown-field")]),
        (GOOD_NIGHT | {"days": []}, [("/days", "empty")]),
        (GOOD_NIGHT | {"days": "mon"}, [("/days", "wrong-type")]),
        (
            GOOD_NIGHT | {"days": ["mon", "Tuesday", 3]},
            [("/days/1", "unknown-day"), ("/days/2", "unknown-day")],
        ),
        (GOOD_NIGHT | {"start": "22"}, [("/start", "bad-time")]),
        (GOOD_NIGHT | {"start": 22}, [("/start", "bad-time")]),
        (
            GOOD_NIGHT | {"start": "25:00", "end": "24:00"},
            [("/start", "bad-time"), ("/end", "bad-time")],
        ),
        (GOOD_NIGHT | {"timezone": "Europe/Berln"}, [("/timezone", "unknown-timezone")]),
        (GOOD_NIGHT | {"timezone": "Europe"}, [("/timezone", "unknown-timezone")]),
        (GOOD_NIGHT | {"timezone": ""}, [("/timezone", "unknown-timezone")]),
        (GOOD_NIGHT | {"timezone": "x" * 5_000}, [("/timezone", "too-long")]),
        (GOOD_NIGHT | {"timezone": None}, [("/timezone", "wrong-type")]),
        (
            GOOD_NIGHT | {"breakthrough_severity": "URGENT"},
            [("/breakthrough_severity", "unknown-severity")],
        ),
        (
            GOOD_NIGHT | {"breakthrough_severity": []},
            [("/breakthrough_severity", "unknown-severity")],
        ),
        (GOOD_NIGHT | {"months": [1, 12], "days_of_month": [31, -1]}, []),
        (GOOD_NIGHT | {"months": None, "days_of_month": None}, []),
        (
            GOOD_NIGHT | {"months": [0, 13, True, "1"]},
            [(f"/months/{place}", "out-of-range") for place in range(4)],
        ),
        (
            GOOD_NIGHT | {"days_of_month": [0, 32, -32, -31]},
            [(f"/days_of_month/{place}", "out-of-range") for place in range(3)],
        ),
        (GOOD_NIGHT | {"months": []}, [("/months", "empty")]),
        (GOOD_NIGHT | {"days_of_month": 3}, [("/days_of_month", "wrong-type")]),
    ],
)
def test_a_quiet_window(value: object, expected: list[tuple[str, str]]) -> None:
    faults = places(validate_quiet_hours([GOOD_NIGHT, value]))
    assert faults == [(f"/quiet_hours/1{pointer}", code) for pointer, code in expected]


ALL_DAY = GOOD_NIGHT | {"days": sorted(EVERY_DAY), "start": "09:00", "end": "09:00"}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ([], []),
        (GOOD_NIGHT, ["wrong-type"]),
        ([GOOD_NIGHT] * 11, ["too-many"]),
        ([ALL_DAY], ["never-ends"]),
        ([ALL_DAY | {"months": [12]}], []),
        ([ALL_DAY | {"months": list(range(1, 13))}], ["never-ends"]),
        ([ALL_DAY | {"days": WEEKDAYS}, ALL_DAY | {"days": ["sat", "sun"]}], ["never-ends"]),
        ([ALL_DAY | {"days": WEEKDAYS}, ALL_DAY | {"days": ["sat"]}], []),
    ],
)
def test_quiet_hours(value: object, expected: list[str]) -> None:
    assert [fault.code for fault in validate_quiet_hours(value)] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], []),
        ([[matcher()], [matcher(label="labels.severity", value="low")]], []),
        ({}, [("/unless", "wrong-type")]),
        ([matcher()], [("/unless/0", "wrong-type")]),
        ([[]], [("/unless/0", "matches-everything")]),
        ([[matcher(op="!=")]], [("/unless/0", "matches-everything")]),
        ([[matcher()], [matcher(op="=~", value="(")]], [("/unless/1/0/value", "bad-pattern")]),
        ([[matcher(label="labels.")]], [("/unless/0/0/label", "empty")]),
        ([[matcher()]] * 21, [("/unless", "too-many")]),
    ],
)
def test_unless(value: object, expected: list[tuple[str, str]]) -> None:
    assert places(validate_unless(value)) == expected


def test_a_misspelt_zone_is_met_with_a_guess() -> None:
    (fault,) = validate_quiet_hours([GOOD_NIGHT | {"timezone": "Europe/Berln"}])
    assert "did you mean" in fault.message
    assert "Europe/Berlin" in fault.message


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["label", "op", "value", "days", "start", "end", "timezone"]), inner
        )
    ),
    max_leaves=8,
)
near_matchers = st.lists(
    st.fixed_dictionaries(
        {
            "label": st.sampled_from(["team", "severity", "title"]),
            "op": st.sampled_from(["=", "!=", "=~", "!~"]),
            "value": st.text(st.characters(max_codepoint=0x10FFFF), max_size=6),
        }
    ),
    max_size=3,
)
near_quiet_hours = st.fixed_dictionaries(
    {
        "days": st.lists(st.sampled_from(["mon", "sun", "day"])),
        "start": st.sampled_from(["00:00", "7:00", "23:59"]),
        "end": st.sampled_from(["00:00", "24:00"]),
        "timezone": st.sampled_from(["UTC", "Asia/Tokyo", "Moon", "\0", "/etc", "a\ud800"]),
    }
)


@given(value=anything | near_matchers, required=st.booleans())
def test_what_validation_lets_through_can_be_compiled(value: object, required: bool) -> None:
    if not validate_matchers(value, required=required):
        assert isinstance(value, list)
        assert all(Matcher.from_document(each).fault is None for each in value)


@given(value=anything | st.lists(near_quiet_hours | anything, max_size=3))
def test_quiet_hours_let_through_can_be_understood(value: Any) -> None:
    if not validate_quiet_hours(value) and value is not None:
        hours = QuietHours.from_documents(value)
        assert hours is None or all(window.fault is None for window in hours.windows)
