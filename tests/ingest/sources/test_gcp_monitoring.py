from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import AuthScheme, Severity, Signal, SignalKind

GCP = SOURCES["gcp_monitoring"]


def one(**changed: Any) -> Signal:
    payload = load("gcp_monitoring/open.json")
    (signal,) = GCP.parse(payload | {"incident": payload["incident"] | changed}, context())
    return signal


def test_open() -> None:
    (signal,) = parse("gcp_monitoring/open.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "0.m1n2")
    assert (signal.title, signal.severity) == ("CPU of the shop", Severity.MEDIUM)
    assert signal.description == "CPU of shop-1 is 0.95\n\nSee the runbook."
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "project": "shop",
        "resource_type": "gce_instance",
        "instance_name": "shop-1",
        "zone": "europe-west1-b",
        "team": "shop",
    }
    assert signal.metadata["observed_value"] == "0.95"
    assert signal.flags == ()


def test_closed() -> None:
    (signal,) = parse("gcp_monitoring/closed.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "0.m1n2")
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)


def test_without_a_severity_the_policys_label_counts() -> None:
    assert parse("gcp_monitoring/closed.json")[0].severity is Severity.CRITICAL
    assert one(severity=None).severity is None
    assert one(severity="no severity").flags == ()
    assert one(severity="Error").severity is Severity.HIGH
    assert one(severity="Dire").flags == ("unknown_severity",)


def test_acknowledged_and_doubtful_states() -> None:
    assert one(state="acknowledged").kind is SignalKind.ACKNOWLEDGE
    assert (one(state=None).kind, one(state=None).flags) == (
        SignalKind.TRIGGER,
        ("unknown_status",),
    )


def test_documentation_may_be_a_text_and_names_may_be_missing() -> None:
    assert one(documentation="Do this", summary=None).description == "Do this"
    assert one(policy_name=None).title == "CPU above 90 %"
    bare = one(policy_name=None, condition_name=None, documentation=None)
    assert bare.flags == ("title_missing",)


def test_the_test_button_is_ignored() -> None:
    assert parse("gcp_monitoring/test.json") == []
    reason = GCP.ignored_reason(load("gcp_monitoring/test.json"), context())
    assert reason == "a test notification of the channel"


def test_faults() -> None:
    for payload, pointer in (
        ({}, "/incident"),
        ({"incident": []}, "/incident"),
        ({"incident": {}}, "/incident/incident_id"),
        ("x", ""),
    ):
        with pytest.raises(InvalidPayload) as caught:
            GCP.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_it_proves_itself_by_a_password() -> None:
    assert GCP.preset.auth_scheme is AuthScheme.BASIC


def test_what_pubsub_pushes_is_the_same_incident() -> None:
    (signal,) = parse("gcp_monitoring/pushed.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "0.p7")
    assert (signal.title, signal.severity) == ("Queue too long", Severity.MEDIUM)
    assert signal.flags == ()
    pushed = load("gcp_monitoring/pushed.json")
    assert idempotency_key(GCP, {}, pushed) == "9001"
    for data in ("not base64!", "////", "bm8=", 7):
        with pytest.raises(InvalidPayload):
            GCP.parse({"message": {"data": data}}, context())
