from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

AZURE = SOURCES["azure_monitor"]
ID = "/subscriptions/s1/providers/Microsoft.AlertsManagement/alerts/a1"


def one(**changed: Any) -> Signal:
    payload = deepcopy(load("azure_monitor/fired.json"))
    payload["data"]["essentials"] |= changed
    (signal,) = AZURE.parse(payload, context())
    return signal


def test_fired() -> None:
    (signal,) = parse("azure_monitor/fired.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, ID)
    assert (signal.title, signal.severity) == ("web cpu", Severity.HIGH)
    assert signal.description == "CPU above 90 %"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 123456)
    assert signal.labels == {
        "service": "Platform",
        "signal": "Metric",
        "resource": "web-1",
        "team": "web",
    }
    assert signal.metadata["alertContext"]["condition"]["windowSize"] == "PT5M"
    assert signal.flags == ()


def test_resolved_ends_it() -> None:
    (signal,) = parse("azure_monitor/resolved.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, ID)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Sev0", Severity.CRITICAL),
        ("Sev1", Severity.HIGH),
        ("Sev2", Severity.MEDIUM),
        ("Sev3", Severity.LOW),
        ("sev4", Severity.INFO),
    ],
)
def test_severities_are_azures_own_scale(word: str, severity: Severity) -> None:
    assert one(severity=word).severity is severity


def test_doubts() -> None:
    assert one(severity="Sev9").flags == ("unknown_severity",)
    assert one(monitorCondition="Wobbling").flags == ("unknown_status",)
    assert one(monitorCondition=None).kind is SignalKind.TRIGGER
    assert one(alertRule="").flags == ("title_missing",)
    assert one(alertId=None).external_id == "o1"


def test_faults() -> None:
    for payload, pointer in (
        (load("azure_monitor/activity_log.json"), "/schemaId"),
        ({"schemaId": "azureMonitorCommonAlertSchema"}, "/data"),
        ({"schemaId": "azureMonitorCommonAlertSchema", "data": {}}, "/data/essentials"),
        (
            {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {}}},
            "/data/essentials/alertId",
        ),
        ([], ""),
    ):
        with pytest.raises(InvalidPayload) as caught:
            AZURE.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_an_older_schema_says_what_to_turn_on() -> None:
    with pytest.raises(InvalidPayload, match="turn the common alert schema on"):
        parse("azure_monitor/activity_log.json")
