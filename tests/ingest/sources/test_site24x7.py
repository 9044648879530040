from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.ingest.sources.page_scripts import FORM
from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

SITE = SOURCES["site24x7"]
DOWN = load("site24x7/down.json")


def one(changed: dict[str, Any], **given: Any) -> Signal:
    (signal,) = SITE.parse(DOWN | changed, context(**given))
    return signal


def test_down() -> None:
    (signal,) = parse("site24x7/down.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "107164000000025001")
    assert (signal.title, signal.severity) == ("Shop", Severity.CRITICAL)
    assert signal.description == "Service Unavailable"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "team": "web",
        "prod": "true",
        "web": "true",
        "monitor_type": "URL",
        "monitor_groups": "Web",
    }
    assert signal.metadata["url"] == DOWN["MONITOR_DASHBOARD_LINK"]
    assert signal.metadata["root_cause_url"] == DOWN["RCA_LINK"]
    assert signal.flags == ()


def test_up_ends_it() -> None:
    (signal,) = parse("site24x7/up.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "107164000000025001")
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)
    assert (signal.severity, signal.triggered_at) == (None, None)


def test_a_recovery_with_the_times_of_its_problem_is_not_before_it() -> None:
    assert one({"STATUS": "UP"}).occurred_at == one({}).occurred_at


@pytest.mark.parametrize(
    ("status", "severity"),
    [("CRITICAL", Severity.HIGH), ("TROUBLE", Severity.MEDIUM), ("Down", Severity.CRITICAL)],
)
def test_severities(status: str, severity: Severity) -> None:
    assert one({"STATUS": status}).severity is severity


@pytest.mark.parametrize(
    ("iso", "unix", "text", "zone", "at"),
    [
        (None, "1772355604037", "odd", "UTC", utc(2026, 3, 1, 9, 0, 4, 37000)),
        (None, 1772355604037, None, "UTC", utc(2026, 3, 1, 9, 0, 4, 37000)),
        (None, None, "1 Mar 2026 20:00:00 AEDT", "UTC", utc(2026, 3, 1, 9)),
        (None, None, "March 1, 2026 1:00 AM PST", "UTC", utc(2026, 3, 1, 9)),
        (None, None, "March 1, 2026 2:30 PM IST", "Asia/Kolkata", utc(2026, 3, 1, 9)),
        ("2026-03-01T01:00:00-0800", None, None, "UTC", utc(2026, 3, 1, 9)),
    ],
)
def test_its_times(iso: Any, unix: Any, text: Any, zone: str, at: Any) -> None:
    changed = {
        "INCIDENT_TIME_ISO": iso,
        "OUTAGE_TIME_UNIX_FORMAT": unix,
        "INCIDENT_TIME": text,
    }
    signal = one(changed, zone=zone)
    assert (signal.occurred_at, signal.flags) == (at, ())


def test_a_zone_with_two_meanings_is_flagged() -> None:
    changed = {"INCIDENT_TIME_ISO": None, "OUTAGE_TIME_UNIX_FORMAT": None}
    signal = one(changed | {"INCIDENT_TIME": "March 1, 2026 2:30 PM IST"})
    assert (signal.occurred_at, signal.flags) == (None, ("unreadable_time",))


@pytest.mark.parametrize("status", ["MAINTENANCE", "SUSPENDED", "Configuration Error"])
def test_what_is_neither_up_nor_down(status: str) -> None:
    assert SITE.parse(DOWN | {"STATUS": status}, context()) == []
    assert "neither up nor down" in SITE.ignored_reason(DOWN | {"STATUS": status}, context())


def test_a_form_reads_the_same() -> None:
    plain = {name: value for name, value in DOWN.items() if not isinstance(value, list)}
    form = urlencode(plain | {"TAGS": "team:web,prod"}).encode()
    (signal,) = SITE.parse(decode(form, FORM), context())
    assert (signal.external_id, signal.occurred_at) == (one({}).external_id, one({}).occurred_at)
    assert (signal.labels["team"], signal.labels["prod"]) == ("web", "true")


def test_doubts_and_faults() -> None:
    assert one({"STATUS": "ODD"}).flags == ("unknown_status",)
    assert one({"MONITOR_ID": None}).external_id == "Shop"
    for payload, pointer in (([], ""), ({"STATUS": "DOWN"}, "/MONITOR_ID")):
        with pytest.raises(InvalidPayload) as caught:
            SITE.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_monitors_id_by_the_name_of_its_variable() -> None:
    values = {name: value for name, value in DOWN.items() if name != "MONITOR_ID"}
    (signal,) = SITE.parse(values | {"MONITORID": "7"}, context())
    assert signal.external_id == "7"
