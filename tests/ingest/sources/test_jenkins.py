from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Signal, SignalKind

JENKINS = SOURCES["jenkins"]
FAILURE = load("jenkins/failure.json")


def built(changed: dict[str, Any]) -> dict[str, Any]:
    return FAILURE | {"build": FAILURE["build"] | changed}


def one(changed: dict[str, Any]) -> Signal:
    (signal,) = JENKINS.parse(built(changed), context())
    return signal


def test_a_failure() -> None:
    (signal,) = parse("jenkins/failure.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "job/shop/job/checkout/job/main/"
    assert signal.title == "main is failing"
    assert signal.description == (
        "Runbook: https://runbooks.example.com/builds\n\n"
        "1 tests failed: shop.CartTest.emptyCart\n\n"
        "make: *** [test] Error 1"
    )
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 123000)
    assert signal.labels == {"job": "main", "result": "failure", "branch": "origin/main"}
    assert signal.metadata["url"].endswith("/job/main/18/")
    assert signal.metadata["culprits"] == ["ada"]
    assert signal.flags == ()


def test_parameters_are_not_put_on_the_alert() -> None:
    assert b"not-for-everybody" not in msgspec.json.encode(one({}))


def test_the_next_success_ends_it() -> None:
    (signal,) = parse("jenkins/older_success.json")
    assert (signal.kind, signal.external_id) == (
        SignalKind.RESOLVE,
        "job/shop/job/checkout/job/main/",
    )


@pytest.mark.parametrize(
    ("written", "microseconds"),
    [
        ("2026-03-01T09:30:00.5+00:00", 5_000),
        ("2026-03-01T09:30:00.50+00:00", 50_000),
        ("2026-03-01T09:30:00.500+00:00", 500_000),
        ("2026-03-01T09:30:00.0+00:00", 0),
    ],
)
def test_older_plugins_write_milliseconds_as_a_number(written: str, microseconds: int) -> None:
    assert one({"timestamp": written}).occurred_at == utc(2026, 3, 1, 9, 30, 0, microseconds)


def test_unstable_is_a_problem_of_its_own_kind() -> None:
    signal = one({"status": "UNSTABLE"})
    assert (signal.kind, signal.title) == (SignalKind.TRIGGER, "main is unstable")
    assert signal.labels["result"] == "unstable"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": "ABORTED"}, "aborted"),
        ({"status": "NOT_BUILT"}, "not_built"),
        ({"phase": "QUEUED"}, "not ended"),
        ({"phase": "STARTED", "status": None}, "not ended"),
        ({"phase": "NONE", "status": None}, "not ended"),
    ],
)
def test_what_is_no_alert(changed: dict[str, Any], reason: str) -> None:
    assert JENKINS.parse(built(changed), context()) == []
    assert reason in JENKINS.ignored_reason(built(changed), context())


def test_the_end_of_a_long_log_is_kept() -> None:
    description = one({"log": "x" * 90_000 + "the end", "notes": None, "test_summary": None})
    assert description.description == "x" * 1_993 + "the end"
    assert description.flags == ()


def test_doubts_and_faults() -> None:
    assert one({"status": "ODD"}).flags == ("unknown_status",)
    assert one({"timestamp": "soon"}).flags == ("unreadable_time",)
    assert one({"timestamp": None}).occurred_at is None
    for payload, pointer in (
        ([], ""),
        ({"name": "x"}, "/build"),
        ({"build": {"status": "FAILURE"}}, "/name"),
    ):
        with pytest.raises(InvalidPayload) as caught:
            JENKINS.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]
