from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.prometheus import LEFT_OUT, Prometheus
from tocsin.model import Severity, Signal, SignalKind

NOW = context().received_at


def one(**changed: Any) -> Signal:
    alert = {"labels": {"alertname": "Down"}, **changed}
    (signal,) = Prometheus().parse([alert], context())
    return signal


def test_what_fires_and_what_is_over() -> None:
    firing, over = parse("prometheus/two.json")
    assert firing.kind is SignalKind.TRIGGER
    assert (firing.title, firing.severity) == ("db-1 is down", Severity.CRITICAL)
    assert firing.description == "No answer."
    assert firing.labels == {
        "alertname": "Down",
        "instance": "db-1:9100",
        "severity": "critical",
    }
    assert firing.triggered_at == utc(2026, 3, 1, 9)
    assert firing.metadata["generatorURL"] == "http://prometheus/graph"
    assert firing.lease is not None
    assert (over.kind, over.title) == (SignalKind.RESOLVE, "Slow")
    assert over.occurred_at == utc(2026, 3, 1, 9, 30)
    assert over.lease is None


def test_equal_labels_are_one_alert() -> None:
    first = one(labels={"alertname": "Down", "a": "b", "empty": ""})
    again = one(labels={"a": "b", "alertname": "Down"}, annotations={"summary": "x"})
    assert first.external_id == again.external_id
    assert first.external_id != one(labels={"alertname": "Down"}).external_id


def test_a_repeat_has_its_own_times_and_flags() -> None:
    said = {
        "labels": {"alertname": "Repeated", "severity": "odd", "empty": ""},
        "annotations": {"summary": "Down"},
    }
    first, *_ = signals = Prometheus().parse([said, 1], context())
    assert signals[-1].flags == ("unknown_severity", LEFT_OUT)
    ends = (NOW + timedelta(minutes=4)).isoformat()
    starts = (NOW - timedelta(hours=1)).isoformat()
    again = one(**said, startsAt=starts, endsAt=ends)
    over = one(**said, startsAt=starts, endsAt=starts)
    assert (again.flags, over.flags) == (("unknown_severity",), ("unknown_severity",))
    assert again.triggered_at == NOW - timedelta(hours=1)
    assert again.lease is not None
    assert again.lease.ends_at == NOW + timedelta(minutes=4)
    assert (over.kind, over.lease) == (SignalKind.RESOLVE, None)
    assert first.labels == again.labels == {"alertname": "Repeated", "severity": "odd"}
    for changed in ({"annotations": {"summary": "Up"}}, {"generatorURL": "http://p/"}):
        other = one(**{**said, **changed})
        assert (other.title, other.metadata) != (again.title, again.metadata)


@pytest.mark.parametrize(
    ("labels", "fingerprint"),
    [
        ({"a": "b"}, "d2b371819297f98a"),
        ({"alertname": "Watchdog"}, "003b0a0f7d3fa569"),
        (
            {"alertname": "DiskFull", "instance": "db1:9100", "severity": "critical"},
            "efb0c6c488e007da",
        ),
        ({"alertname": "Grün", "Z": "1"}, "df80fd8ba66cd8c1"),
    ],
)
def test_fingerprints_are_prometheus_own(labels: dict[str, str], fingerprint: str) -> None:
    assert one(labels=labels).external_id == fingerprint


@pytest.mark.parametrize(
    ("ahead", "grace"), [(30, 60), (240, 120), (1_200, 300), (86_400 * 900, 300)]
)
def test_a_lease_is_longer_than_its_sender_says(ahead: int, grace: int) -> None:
    end = NOW + timedelta(seconds=ahead)
    lease = one(endsAt=end.isoformat()).lease
    assert lease is not None
    assert (lease.ends_at, lease.lapses_at) == (end, end + timedelta(seconds=grace))


@pytest.mark.parametrize("ends", [None, "0001-01-01T00:00:00.000Z"])
def test_without_an_end_it_lasts_five_minutes(ends: str | None) -> None:
    lease = one(endsAt=ends).lease
    assert lease is not None
    assert lease.ends_at == NOW + timedelta(minutes=5)


def test_times_that_are_not_given() -> None:
    assert one().triggered_at == NOW
    end = NOW - timedelta(minutes=1)
    assert one(endsAt=end.isoformat()).occurred_at == end
    # Its clock is ahead: that must not make what follows look old.
    assert one(startsAt=(NOW + timedelta(minutes=3)).isoformat()).occurred_at == NOW


@pytest.mark.parametrize(
    ("alert", "pointer", "code"),
    [
        ("text", "/0", "wrong-type"),
        ({}, "/0/labels", "required"),
        ({"labels": None}, "/0/labels", "required"),
        ({"labels": []}, "/0/labels", "wrong-type"),
        ({"labels": {"a": 1}}, "/0/labels/a", "wrong-type"),
        ({"labels": {}}, "/0", "invalid"),
        ({"labels": {"a": ""}}, "/0", "invalid"),
        ({"labels": {"": "a"}}, "/0", "invalid"),
        ({"labels": {"a": "b"}, "annotations": {"x": [1]}}, "/0/annotations/x", "wrong-type"),
        ({"labels": {"a": "b"}, "endsAt": "soon"}, "/0/endsAt", "unreadable-time"),
        ({"labels": {"a": "b"}, "startsAt": 17}, "/0/startsAt", "unreadable-time"),
        (
            {
                "labels": {"a": "b"},
                "startsAt": "2026-03-01T10:00:00Z",
                "endsAt": "2026-03-01T09:00:00Z",
            },
            "/0",
            "invalid",
        ),
    ],
)
def test_faults(alert: Any, pointer: str, code: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        Prometheus().parse([alert], context())
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]
    # Beside a good one it only leaves a mark.
    (signal,) = Prometheus().parse([{"labels": {"alertname": "Good"}}, alert], context())
    assert (signal.title, signal.flags) == ("Good", (LEFT_OUT,))


def test_what_is_no_list() -> None:
    for payload in ({}, "text", None, {"alerts": load("prometheus/two.json")}):
        with pytest.raises(InvalidPayload):
            Prometheus().parse(payload, context())
    assert Prometheus().parse([], context()) == []


def test_null_is_an_empty_text_as_it_is_to_go() -> None:
    signal = one(
        labels={"alertname": "Down", "job": None}, annotations={"summary": None, "message": "m"}
    )
    assert signal == one(annotations={"message": "m"})
    with pytest.raises(InvalidPayload):
        Prometheus().parse([{"labels": {"alertname": None}}], context())
