from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.ingest.sources.page_scripts import FORM
from tests.ingest.sources.sample_files import context, load, parse, utc
from tests.support.paths import DOCS
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

PRTG = SOURCES["prtg"]
DOWN = load("prtg/down.json")


def one(changed: dict[str, Any], **given: Any) -> Signal:
    (signal,) = PRTG.parse(DOWN | changed, context(**given))
    return signal


def test_a_sensor_that_is_down() -> None:
    (signal,) = parse("prtg/down.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "2271")
    assert (signal.title, signal.severity) == ("Ping on sw-3", Severity.CRITICAL)
    assert signal.description == "Request timed out (ICMP error # 11010)"
    assert signal.labels == {
        "pingsensor": "true",
        "team": "network",
        "device": "sw-3",
        "group": "Network",
        "probe": "Local Probe",
        "host": "192.0.2.3",
    }
    assert signal.metadata["url"] == "https://prtg.example.com/sensor.htm?id=2271"
    assert signal.metadata["runbook_url"] == "https://runbooks.example.com/switches"
    assert "location" not in signal.metadata
    assert (signal.occurred_at, signal.flags) == (None, ())


def test_up_ends_it() -> None:
    (signal,) = parse("prtg/up.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "2271")
    assert signal.severity is None


@pytest.mark.parametrize(
    ("status", "kind", "flags"),
    [
        ("Up", SignalKind.RESOLVE, ()),
        ("Up (was: Down)", SignalKind.RESOLVE, ()),
        ("Warning ended (now: Up)", SignalKind.RESOLVE, ()),
        ("Warning ended (now: Down)", SignalKind.TRIGGER, ()),
        ("Down", SignalKind.TRIGGER, ()),
        ("Down ESCALATION", SignalKind.TRIGGER, ()),
        ("Down (Partial)", SignalKind.TRIGGER, ()),
        ("Down (Acknowledged)", SignalKind.ACKNOWLEDGE, ()),
        ("Unusual", SignalKind.TRIGGER, ()),
        ("OK", SignalKind.RESOLVE, ()),
        ("Fehler", SignalKind.TRIGGER, ("unknown_status",)),
        ("%status", SignalKind.TRIGGER, ("unknown_status",)),
    ],
)
def test_states(status: str, kind: SignalKind, flags: tuple[str, ...]) -> None:
    signal = one({"status": status})
    assert (signal.kind, signal.flags) == (kind, flags)


@pytest.mark.parametrize(
    "status", ["Paused", "Paused (Paused by schedule)", "Unknown", "Down ended (now: Paused)"]
)
def test_what_is_neither_good_nor_bad(status: str) -> None:
    assert PRTG.parse(DOWN | {"status": status}, context()) == []
    assert "neither a problem" in PRTG.ignored_reason(DOWN | {"status": status}, context())


@pytest.mark.parametrize(
    ("priority", "status", "severity"),
    [
        ("*****", "Down", Severity.CRITICAL),
        ("5", "Down", Severity.CRITICAL),
        (4, "Down", Severity.HIGH),
        ("***", "Down", Severity.MEDIUM),
        ("*", "Down", Severity.INFO),
        ("*****", "Warning", Severity.MEDIUM),
        ("*", "Unusual", Severity.INFO),
        ("", "Down", None),
        ("", "Warning", Severity.MEDIUM),
    ],
)
def test_more_stars_are_worse(priority: Any, status: str, severity: Severity | None) -> None:
    signal = one({"priority": priority, "status": status})
    assert (signal.severity, signal.flags) == (severity, ())


def test_times_where_they_are_added() -> None:
    at = one({"datetime": "2026-03-01 10:00:00"}, zone="Europe/Oslo").triggered_at
    assert at == utc(2026, 3, 1, 9)
    assert one({"datetime": "03/01/2026 10:00:00 AM"}).flags == ("unreadable_time",)


def test_doubts_and_faults() -> None:
    assert one({"priority": "9"}).flags == ("unknown_severity",)
    assert one({"name": "", "sensor": "Ping v2"}).title == "Ping v2 on sw-3"
    assert one({"name": "%name"}).flags == ("title_missing",)
    for payload, pointer in (([], ""), (DOWN | {"sensorid": "%sensorid"}, "/sensorid")):
        with pytest.raises(InvalidPayload) as caught:
            PRTG.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_payload_of_the_page_is_what_is_read() -> None:
    page = (DOCS / "sources" / "prtg.md").read_text("utf-8")
    (template,) = re.findall(r"```text template\n(.*?)\n```", page, re.DOTALL)
    form = re.sub(r"%([a-z]+)", lambda found: quote_plus(DOWN.get(found[1], "")), template)
    (signal,) = PRTG.parse(decode(form.encode(), FORM), context())
    assert signal == one({})


def test_either_of_two_placeholders_for_one_thing() -> None:
    values = {name: value for name, value in DOWN.items() if name not in ("status", "device")}
    (signal,) = PRTG.parse(values | {"state": "Up", "server": "sw-3"}, context())
    assert (signal.kind, signal.labels["device"]) == (SignalKind.RESOLVE, "sw-3")
    assert one({"state": "Up"}).kind is SignalKind.TRIGGER
