from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

CLOUDFLARE = SOURCES["cloudflare"]
CHECK = load("cloudflare/health_check.json")
ATTACK = load("cloudflare/attack.json")


def one(payload: Any, **given: Any) -> Signal:
    (signal,) = CLOUDFLARE.parse(payload, context(**given))
    return signal


def with_data(payload: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    return payload | {"data": payload["data"] | changed}


def test_an_origin_that_is_unhealthy() -> None:
    (signal,) = parse("cloudflare/health_check.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "health_check:1fb1c0c5b4d24ac6a0b6a3d0f0a2d7a1"
    assert signal.title == "Origins of the shop: shop-origin"
    assert signal.description == CHECK["text"]
    assert signal.triggered_at == utc(2026, 3, 1, 9)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 0, 10)
    assert signal.labels == {
        "alert_type": "health_check_status_notification",
        "zone": "shop.example.com",
        "account": "Example",
        "host": "192.0.2.10",
    }
    assert (signal.severity, signal.flags) == (None, ())


def test_its_recovery_is_found_whatever_it_is_correlated_with() -> None:
    healthy = {"new_status": "Healthy", "new_health_status": "Healthy"}
    later = with_data(CHECK, healthy) | {"alert_correlation_id": "another", "ts": 1772357400}
    signal = one(later)
    assert (signal.kind, signal.external_id) == (
        SignalKind.RESOLVE,
        "health_check:1fb1c0c5b4d24ac6a0b6a3d0f0a2d7a1",
    )
    assert (signal.triggered_at, signal.occurred_at) == (None, utc(2026, 3, 1, 9, 30))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("TUNNEL_STATUS_TYPE_DOWN", SignalKind.TRIGGER),
        ("TUNNEL_STATUS_TYPE_DEGRADED", SignalKind.TRIGGER),
        ("TUNNEL_STATUS_TYPE_HEALTHY", SignalKind.RESOLVE),
        ("Healthy", SignalKind.RESOLVE),
        ("TUNNEL_STATUS_TYPE_ODD", SignalKind.TRIGGER),
        (None, SignalKind.TRIGGER),
    ],
)
def test_tunnels(status: str | None, kind: SignalKind) -> None:
    signal = one(with_data(load("cloudflare/tunnel.json"), {"new_status": status}))
    assert (signal.kind, signal.external_id) == (kind, "tunnel:c2f1")
    assert signal.title == "Tunnels: office"


def test_an_attack_begins_and_ends_under_one_correlation() -> None:
    begun = one(ATTACK)
    assert (begun.kind, begun.external_id) == (SignalKind.TRIGGER, "c1d2")
    assert begun.title == "Attacks: shop.example.com"
    assert begun.triggered_at == utc(2026, 3, 1, 9)
    assert begun.metadata["url"] == "https://dash.cloudflare.com/?to=/:account/ddos"
    ended = one(ATTACK | {"alert_event": "ALERT_STATE_EVENT_END"})
    assert (ended.kind, ended.external_id) == (SignalKind.RESOLVE, "c1d2")


def test_what_never_ends_is_one_alert_for_each_policy_and_zone() -> None:
    payload = {
        "text": "A certificate expires in 7 days",
        "alert_type": "dedicated_ssl_certificate_event_type",
        "policy_id": "p1",
        "data": {"zone_name": "example.com", "severity": "high"},
    }
    signal = one(payload)
    assert signal.external_id == "dedicated_ssl_certificate_event_type:p1:example.com"
    assert (signal.severity, signal.flags) == (Severity.HIGH, ("title_missing",))


def test_a_test_is_no_alert() -> None:
    assert parse("cloudflare/test.json") == []
    assert CLOUDFLARE.ignored_reason({}, context()) == "a test of the destination"


def test_doubts_and_faults() -> None:
    assert one(ATTACK | {"alert_event": "ODD"}).flags == ("unknown_status",)
    assert one({"text": "Something"}).flags == ("no_external_id", "title_missing")
    assert one(ATTACK | {"ts": "soon"}).flags == ("unreadable_time",)
    for payload, pointer in (("x", ""), ({"data": []}, "/data"), ({}, "/alert_type")):
        with pytest.raises(InvalidPayload) as caught:
            CLOUDFLARE.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]
