from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.fingerprint import fingerprint
from tocsin.ingest.sources.kit.labels_fingerprint import labels_fingerprint
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, SignalKind

ALERTMANAGER = SOURCES["alertmanager"]


def test_one_signal_per_alert_by_its_own_status() -> None:
    firing, resolved = parse("alertmanager/firing_and_resolved.json")
    assert (firing.kind, resolved.kind) == (SignalKind.TRIGGER, SignalKind.RESOLVE)
    assert firing.external_id == "b1946ac92492d234"
    assert firing.title == "NodeDown on web-3:9100"
    assert firing.description == "web-3:9100 has been in trouble for ten minutes."
    assert (firing.severity, resolved.severity) == (Severity.CRITICAL, Severity.MEDIUM)
    assert firing.triggered_at == firing.occurred_at == utc(2026, 3, 1, 8, 15, 30, 123456)
    assert resolved.triggered_at == utc(2026, 3, 1, 6)
    assert resolved.occurred_at == utc(2026, 3, 1, 8, 16, 0, 500_000)
    assert firing.labels["cluster"] == "fra1"
    assert firing.metadata["annotations"]["runbook_url"] == "https://runbooks.example.com/node"
    assert firing.metadata["receiver"] == "tocsin-prod"
    assert firing.metadata["notification_reason"] == "some alerts resolved"
    assert firing.flags == ()


def test_cut_groups_are_flagged() -> None:
    (signal,) = parse("alertmanager/truncated.json")
    assert signal.flags == ("alerts_truncated",)
    assert signal.metadata["truncated_alerts"] == 17


def test_a_custom_payload_of_one_alert() -> None:
    (signal,) = parse("alertmanager/custom_single.json")
    assert (signal.title, signal.severity) == ("Watchdog", Severity.INFO)
    assert signal.external_id == labels_fingerprint({"alertname": "Watchdog", "severity": "none"})


def test_a_bare_list_of_alerts() -> None:
    alerts = load("alertmanager/firing_and_resolved.json")["alerts"]
    assert len(ALERTMANAGER.parse(alerts, context())) == 2


def test_a_foreign_payload_is_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidPayload, match="generic with a mapping"):
        parse("alertmanager/custom_text.json")


def test_no_alerts_is_no_fault() -> None:
    payload = {"alerts": []}
    assert ALERTMANAGER.parse(payload, context()) == []
    assert "no alert" in ALERTMANAGER.ignored_reason(payload, context())


def test_faults_of_all_alerts_are_named() -> None:
    payload: Any = {
        "alerts": [
            {"labels": {"alertname": "fine"}},
            {"labels": [], "status": 1, "fingerprint": 2},
            5,
            {},
        ]
    }
    with pytest.raises(InvalidPayload) as error:
        ALERTMANAGER.parse(payload, context())
    assert [fault.pointer for fault in error.value.faults] == [
        "/alerts/1/labels",
        "/alerts/1/status",
        "/alerts/1/fingerprint",
        "/alerts/2",
        "/alerts/3/labels",
    ]


def test_status_falls_back_to_the_group_and_then_to_an_alarm() -> None:
    alert = {"labels": {"alertname": "x"}}
    (signal,) = ALERTMANAGER.parse({"status": "resolved", "alerts": [alert]}, context())
    assert signal.kind is SignalKind.RESOLVE
    (signal,) = ALERTMANAGER.parse({"alerts": [alert]}, context())
    assert (signal.kind, signal.flags) == (SignalKind.TRIGGER, ("unknown_status",))


def test_a_wild_number_of_alerts_is_refused() -> None:
    payload = {"alerts": [{"labels": {"a": "b"}}] * 5001}
    with pytest.raises(InvalidPayload, match="max_alerts"):
        ALERTMANAGER.parse(payload, context())


def test_what_the_alerts_share_is_kept_small() -> None:
    payload = load("alertmanager/truncated.json") | {"groupLabels": {"x": "y" * 5000}}
    (signal,) = ALERTMANAGER.parse(payload, context())
    assert signal.metadata["group"] == "[left out: too large]"
    assert "annotations" in signal.metadata


def test_an_alert_without_a_fingerprint_has_prometheus_own() -> None:
    # FNV-1a 64 of the empty input is its offset basis.
    assert labels_fingerprint({}) == "cbf29ce484222325"
    assert labels_fingerprint({"b": "2", "a": "1"}) == labels_fingerprint({"a": "1", "b": "2"})
    wild = {"a": "x" * 100_000}
    assert labels_fingerprint(wild) != labels_fingerprint({"a": "x" * 100_001})
    assert len(labels_fingerprint(wild)) == 16


def test_two_replicas_send_one_and_the_same() -> None:
    one = load("alertmanager/firing_and_resolved.json")
    other = load("alertmanager/firing_and_resolved.json")
    other["externalURL"] = "http://am-b.example.com:9093"
    other["alerts"][0]["generatorURL"] = "http://prom-b.example.com:9090/graph?g0.expr=up"
    assert fingerprint(one, ALERTMANAGER.volatile) == fingerprint(other, ALERTMANAGER.volatile)
    other["alerts"][0]["status"] = "resolved"
    assert fingerprint(one, ALERTMANAGER.volatile) != fingerprint(other, ALERTMANAGER.volatile)


def test_no_alerts_may_be_written_null() -> None:
    payload = {"version": "4", "status": "resolved", "receiver": "r", "alerts": None}
    assert SOURCES["alertmanager"].parse(payload, context()) == []


@pytest.mark.parametrize("empty", [None, {}, [], ""])
def test_empty_annotations_of_whatever_type_are_none(empty: Any) -> None:
    alert = {"status": "firing", "labels": {"alertname": "Down"}, "annotations": empty}
    (signal,) = ALERTMANAGER.parse({"alerts": [alert]}, context())
    assert (signal.title, signal.flags) == ("Down", ())
