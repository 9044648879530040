from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

HONEYCOMB = SOURCES["honeycomb"]
TRIGGERED = load("honeycomb/triggered.json")


def one(changed: dict[str, Any]) -> Signal:
    (signal,) = HONEYCOMB.parse(TRIGGERED | changed, context())
    return signal


def test_a_trigger() -> None:
    (signal,) = parse("honeycomb/triggered.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "HpPzqZtCNA5")
    assert signal.title == "Checkout is slow"
    assert signal.description == (
        "Current value is greater than the threshold value (2)\n\n"
        "Runbook: https://runbooks.example.com/checkout"
    )
    assert signal.metadata["url"].endswith("/triggers/HpPzqZtCNA5")
    assert signal.metadata["dashboard_url"].endswith("/result/1")
    assert signal.metadata["groups"] == [{"Group": {"region": "eu"}, "Result": 5}]
    assert (signal.severity, signal.flags) == (None, ())


def test_ok_ends_it() -> None:
    signal = one({"status": "OK"})
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "HpPzqZtCNA5")


def test_a_burn_alert() -> None:
    (signal,) = parse("honeycomb/burn_alert.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "IdlLjelDnWKh")
    assert signal.severity is Severity.CRITICAL
    assert signal.labels == {"alert_type": "exhaustion_time"}
    assert signal.metadata["url"] == "https://ui.honeycomb.io/shop/slo/yo8JPUKErFE"


def test_a_test_is_no_alert() -> None:
    assert HONEYCOMB.parse(TRIGGERED | {"is_test": True}, context()) == []
    assert HONEYCOMB.ignored_reason({}, context()) == "a test of the webhook"


def test_its_header_names_the_delivery() -> None:
    headers = {"x-honeycomb-webhook-delivery-id": "d-1", "x-request-id": "r-1"}
    assert idempotency_key(HONEYCOMB, headers, TRIGGERED) == "d-1"


def test_without_an_id_the_name_counts() -> None:
    assert one({"id": ""}).external_id == "Checkout is slow"


def test_doubts_and_faults() -> None:
    assert one({"status": "ODD"}).flags == ("unknown_status",)
    assert one({"status": None}).flags == ("unknown_status",)
    assert one({"name": None}).flags == ("title_missing",)
    assert one({"severity": "odd"}).flags == ("unknown_severity",)
    assert "groups" not in one({"result_groups_triggered": "all"}).metadata
    for payload, pointer in (([], ""), ({"status": "OK"}, "/id")):
        with pytest.raises(InvalidPayload) as caught:
            HONEYCOMB.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]
