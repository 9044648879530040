"""Nagios, Icinga, Checkmk: one shape, three names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.sources.page_scripts import FORM, run, script_of
from tests.ingest.sources.sample_files import context, load, parse, utc
from tests.support.paths import DOCS
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

URL = "https://tocsin.example.com/webhooks/x"
FAMILY = ("nagios", "icinga", "checkmk")
PROBLEM = load("nagios/service_problem.json")


def one(changed: dict[str, Any], type_: str = "nagios", **given: Any) -> Signal:
    (signal,) = SOURCES[type_].parse(PROBLEM | changed, context(**given))
    return signal


@pytest.mark.parametrize("type_", FAMILY)
def test_a_problem_of_a_service(type_: str) -> None:
    signal = one({}, type_)
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "db-7!Disk /var")
    assert (signal.title, signal.severity) == ("Disk /var on db-7", Severity.CRITICAL)
    assert signal.description == (
        "DISK CRITICAL - free space: /var 512 MB (3%)\n\ninodes: 12%\ntrend: full at noon"
    )
    assert (signal.triggered_at, signal.occurred_at) == (
        utc(2026, 3, 1, 9),
        utc(2026, 3, 1, 9, 1),
    )
    assert signal.labels == {
        "host": "db-7",
        "service": "Disk /var",
        "address": "192.0.2.7",
        "hostgroups": "databases,linux",
    }
    assert signal.metadata == {
        "host_alias": "Database 7",
        "state": "CRITICAL",
        "runbook_url": "https://runbooks.example.com/disk",
        "url": "https://graphs.example.com/db-7",
    }
    assert signal.flags == ()


def test_a_recovery_bears_the_name_of_its_problem() -> None:
    (signal,) = parse("nagios/service_recovery.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "db-7!Disk /var")
    assert (signal.severity, signal.triggered_at) == (None, None)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30, 1)


def test_a_host_that_is_down() -> None:
    (signal,) = parse("nagios/host_down.json")
    assert (signal.external_id, signal.title) == ("db-7", "Host db-7")
    assert (signal.severity, signal.labels) == (Severity.CRITICAL, {"host": "db-7"})
    assert signal.occurred_at == utc(2026, 3, 1, 9, 1)


def test_an_acknowledgement_in_the_names_of_icingas_own_scripts() -> None:
    (signal,) = parse("icinga/acknowledged.json")
    assert (signal.kind, signal.external_id) == (SignalKind.ACKNOWLEDGE, "db-7!disk /var")
    assert signal.occurred_at == utc(2026, 3, 1, 9, 5)
    assert (signal.metadata["author"], signal.metadata["comment"]) == ("ada", "Cleaning up")


def test_the_environment_of_checkmk() -> None:
    (signal,) = parse("checkmk/warning.json")
    assert (signal.external_id, signal.severity) == ("db-7!CPU load", Severity.MEDIUM)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 1, 0, 123456)
    assert signal.labels["site"] == "prod"
    assert signal.metadata["url"].startswith("https://mon.example.com/prod/check_mk/")


def test_checkmk_says_what_it_is_about() -> None:
    assert one({"WHAT": "HOST", "HOSTSTATE": "DOWN"}, "checkmk").external_id == "db-7"


@pytest.mark.parametrize(
    ("word", "state", "kind"),
    [
        ("PROBLEM", "WARNING", SignalKind.TRIGGER),
        ("RECOVERY", "OK", SignalKind.RESOLVE),
        ("ACKNOWLEDGEMENT", "CRITICAL", SignalKind.ACKNOWLEDGE),
        ("CUSTOM", "CRITICAL", SignalKind.UPDATE),
        ("CUSTOM", "OK", None),
        ("FLAPPINGSTART", "CRITICAL", None),
        ("FLAPPINGSTART", "OK", None),
        ("FLAPPINGSTOP", "CRITICAL", None),
        ("FLAPPINGSTOP", "OK", SignalKind.RESOLVE),
        ("FLAPPINGDISABLED", "OK", SignalKind.RESOLVE),
        ("DOWNTIMESTART", "OK", None),
        ("DOWNTIMEEND", "CRITICAL", None),
        ("DOWNTIMEEND", "OK", SignalKind.RESOLVE),
        ("DOWNTIMECANCELLED", "OK", SignalKind.RESOLVE),
        ("DOWNTIMEREMOVED", "OK", SignalKind.RESOLVE),
        ("ALERTHANDLER (OK)", "OK", None),
        ("", "CRITICAL", SignalKind.TRIGGER),
        ("", "OK", SignalKind.RESOLVE),
    ],
)
@pytest.mark.parametrize("type_", FAMILY)
def test_types(type_: str, word: str, state: str, kind: SignalKind | None) -> None:
    payload = PROBLEM | {"NOTIFICATIONTYPE": word, "SERVICESTATE": state}
    signals = SOURCES[type_].parse(payload, context())
    assert [signal.kind for signal in signals] == ([] if kind is None else [kind])
    if kind is None:
        assert word in SOURCES[type_].ignored_reason(payload, context())
    else:
        assert signals[0].flags == ()


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        ("CRITICAL", Severity.CRITICAL),
        ("WARN", Severity.MEDIUM),
        ("UNKN", Severity.MEDIUM),
        ("Unknown", Severity.MEDIUM),
    ],
)
def test_severities(state: str, severity: Severity) -> None:
    assert one({"SERVICESTATE": state}).severity is severity
    assert one({"SERVICESTATE": state, "SEVERITY": "low"}).severity is Severity.LOW
    host = {"SERVICEDESC": "", "HOSTSTATE": "UNREACHABLE"}
    assert one(host).severity is Severity.HIGH


def test_times() -> None:
    unchanged = one({"LASTSERVICESTATECHANGE": "-1", "TIMET": ""})
    assert (unchanged.triggered_at, unchanged.occurred_at, unchanged.flags) == (None, None, ())
    us = {"TIMET": "", "LONGDATETIME": "Sun Mar 1 10:01:00 CET 2026"}
    assert one(us).occurred_at == utc(2026, 3, 1, 9, 1)
    doubtful = one({"TIMET": "", "DATETIME": "03-02-2026 10:00:00"})
    assert (doubtful.occurred_at, doubtful.flags) == (doubtful.triggered_at, ("unreadable_time",))
    zoned = one({"TIMET": "", "DATETIME": "2026-03-01 10:01:00"}, zone="Europe/Oslo")
    assert zoned.occurred_at == utc(2026, 3, 1, 9, 1)


def test_doubts_and_faults() -> None:
    assert one({"NOTIFICATIONTYPE": "ODD"}).flags == ("unknown_status",)
    assert one({"SERVICESTATE": "ODD"}).flags == ("unknown_severity",)
    assert one({"NOTIFICATIONTYPE": 7, "SERVICEOUTPUT": ["x"]}).description is not None
    for payload, pointer in (({"NOTIFICATIONTYPE": "PROBLEM"}, "/hostname"), ("x", "")):
        with pytest.raises(InvalidPayload) as caught:
            SOURCES["icinga"].parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_another_script_is_ignored_with_the_way_out() -> None:
    for payload in ({}, {"text": "hello"}):
        assert SOURCES["nagios"].parse(payload, context()) == []
        assert "docs/sources/nagios.md" in SOURCES["nagios"].ignored_reason(payload, context())


@pytest.mark.parametrize(
    ("type_", "prefix"), [("nagios", "NAGIOS_"), ("icinga", "ICINGA_"), ("checkmk", "NOTIFY_")]
)
def test_the_script_of_the_page_sends_what_is_read(type_: str, prefix: str, tmp_path: Path) -> None:
    nasty = "50% \"full\" & $(touch /nowhere) `id` 'x' ü=@/etc/passwd"
    environment = {
        **{f"{prefix}{name}": str(value) for name, value in PROBLEM.items()},
        f"{prefix}SERVICEOUTPUT": nasty,
        "OMD_ROOT": "/omd/sites/prod",
        "NOTIFY_PARAMETER_1": URL,
    }
    asked = run(script_of(type_), tmp_path, URL, environment=environment)
    assert URL in asked.arguments
    assert any(each.startswith("@/") and "tocsin.header" in each for each in asked.arguments)
    payload = decode(asked.form, FORM)
    (signal,) = SOURCES[type_].parse(payload, context())
    assert signal.external_id == "db-7!Disk /var"
    assert signal.description is not None
    assert signal.description.startswith(nasty)
    assert signal.flags == ()
    assert signal.labels == one({}).labels


def test_the_script_drops_what_is_no_utf_8(tmp_path: Path) -> None:
    environment = {"NAGIOS_HOSTNAME": "db-7", "NAGIOS_HOSTSTATE": "DOWN"}
    output = b"Temp\xe9rature".decode("utf-8", "surrogateescape")
    environment["NAGIOS_HOSTOUTPUT"] = output
    asked = run(script_of("nagios"), tmp_path, URL, environment=environment)
    (signal,) = SOURCES["nagios"].parse(decode(asked.form, FORM), context())
    assert signal.description == "Temprature"


def test_checkmks_place_gets_its_server(tmp_path: Path) -> None:
    environment = {
        "OMD_ROOT": "/omd/sites/prod",
        "NOTIFY_PARAMETER_1": URL,
        "NOTIFY_MONITORING_HOST": "mon.example.com",
        "NOTIFY_OMD_SITE": "prod",
        "NOTIFY_WHAT": "HOST",
        "NOTIFY_HOSTNAME": "db-7",
        "NOTIFY_HOSTSTATE": "DOWN",
        "NOTIFY_HOSTURL": "/check_mk/index.py?start_url=x",
    }
    asked = run(script_of("checkmk"), tmp_path, environment=environment)
    (signal,) = SOURCES["checkmk"].parse(decode(asked.form, FORM), context())
    assert signal.metadata["url"] == "https://mon.example.com/prod/check_mk/index.py?start_url=x"


def test_icingas_configuration_sets_what_the_script_reads() -> None:
    page = (DOCS / "sources" / "icinga.md").read_text("utf-8")
    read = set(re.findall(r"[A-Z]{4,}", page[page.index("for name in") : page.index("; do")]))
    set_ = {name.removeprefix("ICINGA_") for name in re.findall(r"ICINGA_[A-Z]+(?= = )", page)}
    assert set_ <= read
