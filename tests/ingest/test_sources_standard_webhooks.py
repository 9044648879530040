from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.given import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

STANDARD = SOURCES["standard_webhooks"]


def signals(payload: Any, **given: Any) -> list[Signal]:
    return STANDARD.parse(payload, context(**given))


def test_an_incident() -> None:
    (signal,) = parse("standard_webhooks/incident_opened.json")
    assert signal.kind is SignalKind.TRIGGER
    assert (signal.external_id, signal.title) == ("inc_42", "API is down")
    assert signal.severity is Severity.HIGH
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 500_000)
    assert signal.metadata == {
        "name": "API is down",
        "impact": "all customers",
        "event_type": "incident.opened",
    }


def test_an_event_about_something_else_is_ignored() -> None:
    assert parse("standard_webhooks/invoice_paid.json") == []
    payload = load("standard_webhooks/invoice_paid.json")
    assert "invoice.paid" in STANDARD.ignored_reason(payload, context())
    assert signals({"type": "alerts.test", "data": {"severity": "high", "title": "x"}}) == []


def test_a_severity_makes_any_event_an_alert() -> None:
    (signal,) = signals({"type": "custom.thing", "data": {"severity": "low"}})
    assert (signal.title, signal.flags) == ("custom.thing", ("title_missing",))


def test_the_type_outranks_the_state() -> None:
    (signal,) = signals({"type": "alert.resolved", "data": {"title": "x", "status": "firing"}})
    assert signal.kind is SignalKind.RESOLVE
    (signal,) = signals({"type": "alert.updated", "data": {"title": "x", "status": "acknowledged"}})
    assert signal.kind is SignalKind.ACKNOWLEDGE


def test_a_hub_feeds_a_hub() -> None:
    (signal,) = parse("standard_webhooks/from_another_hub.json")
    assert signal.kind is SignalKind.RESOLVE
    assert signal.external_id == "0198f3c0-0000-7000-8000-0000000000aa"
    assert (signal.title, signal.severity) == ("Disk full", Severity.CRITICAL)
    assert signal.occurred_at == utc(2026, 3, 1, 10)
    assert signal.triggered_at == utc(2026, 3, 1, 9)


def test_a_mapping_is_honoured() -> None:
    mapping = {"title": "data.t", "external_id": "data.i"}
    (signal,) = signals({"type": "x.y", "data": {"t": "hello", "i": 5}}, mapping=mapping)
    assert (signal.title, signal.external_id) == ("hello", "5")


@pytest.mark.parametrize(
    ("payload", "pointers"),
    [
        ([], [""]),
        ({}, [""]),
        ({"type": 5, "data": []}, ["/type", "/data"]),
        ({"type": "alert.new", "data": {"title": 5, "labels": 1}}, ["/data/title", "/data/labels"]),
    ],
)
def test_faults(payload: Any, pointers: list[str]) -> None:
    with pytest.raises(InvalidPayload) as error:
        signals(payload)
    assert [fault.pointer for fault in error.value.faults] == pointers


def test_the_delivery_s_name() -> None:
    assert idempotency_key(STANDARD, {"webhook-id": "w", "idempotency-key": "i"}, {}) == "w"
    assert idempotency_key(STANDARD, {"svix-id": "s"}, {}) == "s"
