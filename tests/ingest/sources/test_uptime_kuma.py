from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

KUMA = SOURCES["uptime_kuma"]
DOWN = load("uptime_kuma/down.json")


def one(payload: Any, **given: Any) -> Signal:
    (signal,) = KUMA.parse(payload, context(**given))
    return signal


def test_down() -> None:
    (signal,) = parse("uptime_kuma/down.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "7")
    assert (signal.title, signal.severity) == ("Shop", Severity.CRITICAL)
    assert signal.description == "connect ECONNREFUSED"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 123000)
    assert signal.labels == {"team": "web", "severity": "critical", "prod": "true", "type": "http"}
    assert signal.flags == ()


def test_up_ends_it() -> None:
    (signal,) = parse("uptime_kuma/up.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "7")
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)


def test_its_times_are_utc_whatever_the_integrations_zone() -> None:
    assert one(DOWN, zone="Asia/Tokyo").triggered_at == utc(2026, 3, 1, 9, 0, 0, 123000)


def test_maintenance_and_tests_are_ignored_with_a_reason() -> None:
    for name, reason in (
        ("maintenance", "the monitor is pending or under maintenance"),
        ("test", "a test of the notification"),
    ):
        payload = load(f"uptime_kuma/{name}.json")
        assert KUMA.parse(payload, context()) == []
        assert KUMA.ignored_reason(payload, context()) == reason


def test_a_certificate_is_one_alert_however_often_it_is_said() -> None:
    (signal,) = parse("uptime_kuma/certificate.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "certificate:Shop")
    assert (signal.title, signal.severity) == ("Certificate of Shop expires", Severity.MEDIUM)
    assert signal.flags == ()


def test_any_other_notice_is_an_alert_of_its_own() -> None:
    signal = one({"heartbeat": None, "monitor": None, "msg": "Docker host lost"})
    assert (signal.title, signal.external_id) == ("Docker host lost", None)
    assert signal.flags == ("no_external_id",)


def test_json_in_the_field_of_a_form() -> None:
    assert one({"data": msgspec.json.encode(DOWN).decode()}).external_id == "7"


def test_doubts() -> None:
    beat, monitor = DOWN["heartbeat"], DOWN["monitor"]
    assert one(DOWN | {"heartbeat": beat | {"status": 9}}).flags == ("unknown_status",)
    assert one(DOWN | {"monitor": monitor | {"name": ""}}).flags == ("title_missing",)
    assert one(DOWN | {"monitor": None}).external_id == "7"
    assert one(DOWN | {"monitor": monitor | {"tags": None}}).severity is None


def test_faults() -> None:
    for payload, pointer in (
        ({}, "/heartbeat"),
        ({"heartbeat": "x"}, "/heartbeat"),
        ({"heartbeat": {"status": 0}}, "/monitor/id"),
        ([], ""),
    ):
        with pytest.raises(InvalidPayload) as caught:
            KUMA.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_fields_of_an_address() -> None:
    """By GET each member is a text of its own."""
    fields = {name: msgspec.json.encode(DOWN[name]).decode() for name in ("heartbeat", "monitor")}
    assert one(fields | {"msg": DOWN["msg"]}) == one(DOWN)
    assert KUMA.parse({"msg": "tocsin Testing"}, context()) == []


def test_a_form_in_parts_reads_the_same() -> None:
    said = msgspec.json.encode(DOWN)
    body = b'--b0\r\nContent-Disposition: form-data; name="data"\r\n\r\n' + said + b"\r\n--b0--\r\n"
    assert one(decode(body, "multipart/form-data; boundary=b0")) == one(DOWN)


def test_a_domain_name_is_one_alert_however_many_days_are_left() -> None:
    for days in (21, 14, 7):
        message = f"Domain name example.com will expire in {days} days"
        signal = one({"heartbeat": None, "monitor": None, "msg": message})
        assert (signal.external_id, signal.title) == (
            "domain:example.com",
            "Domain name example.com expires",
        )
        assert (signal.severity, signal.flags) == (Severity.MEDIUM, ())
