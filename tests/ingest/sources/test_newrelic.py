from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

NEWRELIC = SOURCES["newrelic"]
ISSUE = "0a1b2c3d-0000-4000-8000-000000000007"


def one(**changed: Any) -> Signal:
    (signal,) = NEWRELIC.parse(load("newrelic/activated.json") | changed, context())
    return signal


def test_activated() -> None:
    (signal,) = parse("newrelic/activated.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, ISSUE)
    assert (signal.title, signal.severity) == ("Disk of db-7 is full", Severity.CRITICAL)
    assert signal.description == "94 %"
    assert signal.triggered_at == utc(2026, 3, 1, 9)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 1)
    assert signal.labels == {
        "policy": "Storage",
        "condition": "Disk",
        "entity": "db-7, db-8",
        "workflow": "tocsin",
    }
    assert signal.metadata["issueUrl"] == "https://one.newrelic.com/issues/7"
    assert signal.flags == ()


def test_who_acknowledged_is_the_only_sign_of_it() -> None:
    (signal,) = parse("newrelic/acknowledged.json")
    assert (signal.kind, signal.external_id) == (SignalKind.ACKNOWLEDGE, ISSUE)
    assert one(owner="Ada").kind is SignalKind.ACKNOWLEDGE
    assert one(owner="  ").kind is SignalKind.TRIGGER


def test_closed_ends_it_whoever_owns_it() -> None:
    (signal,) = parse("newrelic/closed.json")
    assert (signal.kind, signal.occurred_at) == (SignalKind.RESOLVE, utc(2026, 3, 1, 9, 30))
    assert one(state="RESOLVED").kind is SignalKind.RESOLVE


def test_an_older_template_with_variables_left_standing() -> None:
    (signal,) = parse("newrelic/older_template.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "9")
    assert (signal.title, signal.severity) == ("Disk, Memory", Severity.HIGH)
    assert "owner" not in signal.metadata


def test_doubts() -> None:
    assert one(state="SOMETHING").flags == ("unknown_status",)
    assert one(state=None).kind is SignalKind.TRIGGER
    assert one(priority="DIRE").flags == ("unknown_severity",)
    assert one(title=[]).flags == ("title_missing",)


def test_without_an_id_it_is_refused() -> None:
    for payload, pointer in (({"title": "x"}, "/id"), ([], "")):
        with pytest.raises(InvalidPayload) as caught:
            NEWRELIC.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_nobody_has_taken_on_what_was_created_a_moment_ago() -> None:
    """An owner that it has from the beginning, or a word for nobody, is no acknowledgement."""
    assert one(state="CREATED", owner="Ada").kind is SignalKind.TRIGGER
    assert one(owner="N/A").kind is SignalKind.TRIGGER
    assert one(acknowledgedAt=0).kind is SignalKind.TRIGGER
    assert one(acknowledgedAt=1_772_355_600_000).kind is SignalKind.ACKNOWLEDGE
    assert one(state="ACKNOWLEDGED").kind is SignalKind.ACKNOWLEDGE
