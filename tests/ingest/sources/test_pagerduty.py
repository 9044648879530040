from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

PAGERDUTY = SOURCES["pagerduty"]


def one(event_type: str | None = None, **data: Any) -> Signal:
    payload = load("pagerduty/triggered.json")
    payload["event"]["event_type"] = event_type or "incident.triggered"
    payload["event"]["data"].update(data)
    (signal,) = PAGERDUTY.parse(payload, context())
    return signal


def test_triggered() -> None:
    (signal,) = parse("pagerduty/triggered.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "Q0EXAMPLE1"
    assert signal.title == "Replication lag on db-7"
    assert signal.severity is Severity.HIGH
    assert signal.triggered_at == utc(2026, 3, 1, 9)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 5, 0, 250_000)
    assert signal.labels["service"] == "postgres"
    assert signal.metadata["assignees"] == ["Robin Okafor"]
    assert signal.metadata["number"] == 321


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("reopened", SignalKind.TRIGGER),
        ("unacknowledged", SignalKind.UNACKNOWLEDGE),
        ("acknowledged", SignalKind.ACKNOWLEDGE),
        ("resolved", SignalKind.RESOLVE),
    ],
)
def test_kinds(event: str, kind: SignalKind) -> None:
    assert one(f"incident.{event}").kind is kind
    for name in ("acknowledged", "resolved"):
        assert parse(f"pagerduty/{name}.json")[0].external_id == "Q0EXAMPLE1"


def test_another_priority_changes_the_severity() -> None:
    signal = one("incident.priority_updated", priority={"summary": "P1"}, urgency="low")
    assert (signal.kind, signal.severity) == (SignalKind.UPDATE, Severity.CRITICAL)
    assert signal.external_id == one().external_id
    lowered = one("incident.priority_updated", priority=None, urgency="low")
    assert (lowered.kind, lowered.severity) == (SignalKind.UPDATE, Severity.LOW)
    moved = one("incident.service_updated", service={"summary": "mysql"})
    assert (moved.kind, moved.labels["service"]) == (SignalKind.UPDATE, "mysql")


@pytest.mark.parametrize(
    ("priority", "urgency", "severity", "flags"),
    [
        ({"summary": "P1"}, "low", Severity.CRITICAL, ()),
        ({"summary": "P3 - Moderate"}, "high", Severity.MEDIUM, ()),
        ({"summary": "Kraken"}, "high", Severity.HIGH, ("unknown_severity",)),
        (None, "low", Severity.LOW, ()),
        (None, None, None, ()),
    ],
)
def test_severity(priority: Any, urgency: Any, severity: Any, flags: Any) -> None:
    signal = one(priority=priority, urgency=urgency)
    assert (signal.severity, signal.flags) == (severity, flags)


@pytest.mark.parametrize("path", ["pagerduty/ping.json", "pagerduty/annotated.json"])
def test_every_other_event_is_accepted_and_ignored(path: str) -> None:
    assert parse(path) == []
    reason = PAGERDUTY.ignored_reason(load(path), context())
    assert load(path)["event"]["event_type"] in reason


def test_older_payloads() -> None:
    signal = one(created_at=None, title=None)
    assert signal.triggered_at == signal.occurred_at
    assert (signal.title, signal.flags) == ("PagerDuty incident 321", ("title_missing",))


@pytest.mark.parametrize(
    ("payload", "pointers"),
    [
        ([], [""]),
        ({}, ["/event"]),
        ({"event": 1}, ["/event"]),
        ({"event": {"data": 1}}, ["/event/event_type", "/event/data"]),
        ({"event": {"event_type": "incident.resolved", "data": {}}}, ["/event/data/id"]),
    ],
)
def test_faults(payload: Any, pointers: list[str]) -> None:
    with pytest.raises(InvalidPayload) as error:
        PAGERDUTY.parse(payload, context())
    assert [fault.pointer for fault in error.value.faults] == pointers


def test_the_delivery_s_name() -> None:
    payload = load("pagerduty/triggered.json")
    assert idempotency_key(PAGERDUTY, {"x-webhook-id": "w"}, payload) == "w"
    assert idempotency_key(PAGERDUTY, {"x-request-id": "p"}, payload) == payload["event"]["id"]
