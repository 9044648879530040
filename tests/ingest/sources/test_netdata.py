from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ingest.sources.page_scripts import FORM, run, script_of
from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

NETDATA = SOURCES["netdata"]
AGENT = load("netdata/agent_critical.json")
CLOUD = load("netdata/cloud_warning.json")
GONE = load("netdata/unreachable.json")


def one(payload: Any) -> Signal:
    (signal,) = NETDATA.parse(payload, context())
    return signal


def test_an_agents_alert() -> None:
    (signal,) = parse("netdata/agent_critical.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "db-7/disk_space._var/disk_space_usage"
    assert (signal.title, signal.severity) == ("disk_space_usage on db-7", Severity.CRITICAL)
    assert signal.description == "disk /var space utilization\n\n97.1%"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "alert": "disk_space_usage",
        "host": "db-7",
        "chart": "disk_space._var",
        "roles": "sysadmin",
    }
    assert signal.metadata["url"] == "https://app.netdata.cloud/spaces/example"
    assert signal.flags == ()


@pytest.mark.parametrize("status", ["CLEAR", "REMOVED"])
def test_its_end(status: str) -> None:
    signal = one(AGENT | {"status": status})
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, one(AGENT).external_id)
    assert (signal.severity, signal.triggered_at) == (None, None)


def test_its_event_names_the_delivery() -> None:
    assert idempotency_key(NETDATA, {}, AGENT) == "db-7/1772355301"
    assert idempotency_key(NETDATA, {}, CLOUD) is None


def test_an_alert_of_the_cloud() -> None:
    (signal,) = parse("netdata/cloud_warning.json")
    assert (signal.kind, signal.external_id) == (
        SignalKind.TRIGGER,
        "example/system.ram/ram_in_use",
    )
    assert (signal.title, signal.severity) == ("ram_in_use of system.ram", Severity.MEDIUM)
    assert signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels["class"] == "Utilization"
    assert signal.metadata["other_critical_alerts"] == 1
    ended = one(CLOUD | {"severity": "clear"})
    assert (ended.kind, ended.external_id) == (SignalKind.RESOLVE, signal.external_id)


def test_a_node_that_the_cloud_names_is_its_own() -> None:
    assert one(CLOUD | {"node": "db-7"}).external_id == "db-7/system.ram/ram_in_use"


def test_a_node_that_is_unreachable() -> None:
    (signal,) = parse("netdata/unreachable.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "db-7/reachability")
    assert (signal.title, signal.severity) == ("db-7 is unreachable", Severity.CRITICAL)
    back = one(GONE | {"status": {"reachable": True, "text": "reachable"}, "severity": "info"})
    assert (back.kind, back.external_id) == (SignalKind.RESOLVE, "db-7/reachability")


def test_what_is_no_alert() -> None:
    assert parse("netdata/test.json") == []
    assert "token" in NETDATA.ignored_reason(load("netdata/test.json"), context())
    unknown = AGENT | {"status": "UNINITIALIZED"}
    assert NETDATA.parse(unknown, context()) == []
    assert NETDATA.ignored_reason(unknown, context()) == "the alert has no state yet"


def test_doubts_and_faults() -> None:
    assert one(AGENT | {"status": "ODD"}).flags == ("unknown_status",)
    assert one(AGENT | {"when": "soon"}).flags == ("unreadable_time",)
    for payload, pointer in (
        ([], ""),
        ({"message": "x"}, "/alert"),
        (GONE | {"status": "down"}, "/status/reachable"),
        (GONE | {"host": None}, "/host"),
    ):
        with pytest.raises(InvalidPayload) as caught:
            NETDATA.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_function_of_the_page_sends_what_is_read(tmp_path: Path) -> None:
    variables = "".join(f"{name}={value!r}\n" for name, value in AGENT.items())
    script = f"""{script_of("netdata")}
docurl() {{ curl "$@"; printf 200; }}
info() {{ :; }}
error() {{ exit 1; }}
sent=0
{variables}
custom_sender tocsin
[ "$sent" = 1 ]
"""
    # It names an event `info` too: a function and a variable of one name are two things to a shell.
    asked = run(script, tmp_path, shell="bash")
    assert "@/etc/netdata/tocsin.header" in asked.arguments
    assert NETDATA.parse(decode(asked.form, FORM), context()) == NETDATA.parse(AGENT, context())
