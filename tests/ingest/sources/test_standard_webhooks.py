from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
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
    assert (signal.title, signal.flags) == (
        "custom.thing",
        ("title_missing", "no_external_id"),
    )


def test_the_type_outranks_the_state() -> None:
    (signal,) = signals({"type": "alert.resolved", "data": {"title": "x", "status": "firing"}})
    assert signal.kind is SignalKind.RESOLVE
    (signal,) = signals({"type": "alert.updated", "data": {"title": "x", "status": "acknowledged"}})
    assert signal.kind is SignalKind.ACKNOWLEDGE


@pytest.mark.parametrize("name", ["alert_id", "alertId", "incident_id", "incidentId"])
def test_what_names_the_alert_is_its_id_where_it_has_none_of_its_own(name: str) -> None:
    for verb, kind in (("firing", SignalKind.TRIGGER), ("resolved", SignalKind.RESOLVE)):
        (signal,) = signals({"type": f"disk_alert.{verb}", "data": {name: "al-1", "name": "Disk"}})
        assert (signal.kind, signal.external_id, signal.flags) == (kind, "al-1", ())


def test_an_alert_that_nothing_can_resolve_is_flagged() -> None:
    (signal,) = signals({"type": "alert.firing", "data": {"title": "x"}})
    assert signal.flags == ("no_external_id",)


def test_the_data_may_stand_below_the_type() -> None:
    incident = {"id": "01X", "name": "Pay page down", "severity": {"id": "s1", "name": "Critical"}}
    (signal,) = signals({"event_type": "incident.opened_v2", "incident.opened_v2": incident})
    assert (signal.kind, signal.external_id, signal.title, signal.severity) == (
        SignalKind.TRIGGER,
        "01X",
        "Pay page down",
        Severity.CRITICAL,
    )


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("active", SignalKind.TRIGGER),
        ("live", SignalKind.TRIGGER),
        ("closed", SignalKind.RESOLVE),
        ("declined", SignalKind.RESOLVE),
        ("learning", SignalKind.RESOLVE),
    ],
)
def test_a_changed_status_says_where_the_incident_stands(category: str, kind: SignalKind) -> None:
    name = "public_incident.incident_status_updated_v2"
    data = {"id": "01X", "name": "x", "incident_status": {"name": "Any", "category": category}}
    (signal,) = signals({"event_type": name, name: data})
    assert signal.kind is kind


def test_an_event_about_a_part_of_an_incident_is_ignored() -> None:
    for name in ("public_incident.follow_up_created_v1", "incident.action_closed"):
        assert signals({"type": name, "data": {"id": "1", "title": "Write it up"}}) == []


@pytest.mark.parametrize("name", ["type", "event_type", "eventType"])
def test_the_type_has_several_names_and_the_rest_may_be_flat(name: str) -> None:
    (signal,) = signals({name: "checkAlertClosed", "id": "c-1", "title": "Check"})
    assert (signal.kind, signal.external_id, signal.title) == (SignalKind.RESOLVE, "c-1", "Check")


@pytest.mark.parametrize("payload", [{"x": 1}, {"type": "alert.new", "data": {"title": 5}}])
def test_a_fault_points_to_a_mapping(payload: Any) -> None:
    with pytest.raises(InvalidPayload) as error:
        signals(payload)
    assert "mapping" in error.value.faults[0].message


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
