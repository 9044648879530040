from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

DATADOG = SOURCES["datadog"]


def one(payload: Any) -> Signal:
    (signal,) = DATADOG.parse(payload, context())
    return signal


def test_triggered() -> None:
    (signal,) = parse("datadog/triggered.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "5551230000000000042"
    assert signal.title == "Replication lag"
    assert signal.severity is Severity.HIGH
    assert signal.description == "Replica db-7 is 240 s behind."
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 8)
    assert signal.labels == {
        "env": "prod",
        "host": "db-7",
        "monitor": "true",
        "team": "dba,storage",
        "org": "Example",
    }
    assert signal.metadata["alert_scope"] == "host:db-7,env:prod"
    assert signal.flags == ()


def test_recovered_ends_the_same_cycle() -> None:
    (signal,) = parse("datadog/recovered.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "5551230000000000042")
    assert signal.title == "Replication lag"


def test_a_warning_is_medium_at_most() -> None:
    assert parse("datadog/warn.json")[0].severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("transition", "kind", "flags"),
    [
        ("Re-Triggered", SignalKind.TRIGGER, ()),
        ("No Data", SignalKind.TRIGGER, ()),
        ("Renotify", SignalKind.TRIGGER, ()),
        ("recovered", SignalKind.RESOLVE, ()),
        ("Null", SignalKind.TRIGGER, ("unknown_status",)),
        ("Re-Notify", SignalKind.TRIGGER, ()),
        ("Re-No Data", SignalKind.TRIGGER, ()),
        ("Recovered from Warn", SignalKind.RESOLVE, ()),
        ("Recovered from No Data", SignalKind.RESOLVE, ()),
        ("Recovery", SignalKind.RESOLVE, ()),
        ("Resolved", SignalKind.RESOLVE, ()),
        ("Recoveredish", SignalKind.TRIGGER, ("unknown_status",)),
    ],
)
def test_transitions(transition: str, kind: SignalKind, flags: tuple[str, ...]) -> None:
    signal = one(load("datadog/triggered.json") | {"alert_transition": transition})
    assert (signal.kind, signal.flags) == (kind, flags)


@pytest.mark.parametrize(
    ("title", "alert_type", "kind"),
    [
        ("[Recovered from Warn on {host:a}] CPU", "error", SignalKind.RESOLVE),
        ("[Renotified] [Recovered on {host:a}] CPU", "error", SignalKind.RESOLVE),
        ("[Triggered on {host:a}] CPU", "success", SignalKind.TRIGGER),
        ("CPU", "success", SignalKind.RESOLVE),
        ("CPU", "error", SignalKind.TRIGGER),
    ],
)
@pytest.mark.parametrize("transition", [None, "Null"])
def test_where_the_transition_says_nothing_the_title_and_the_type_do(
    title: str, alert_type: str, kind: SignalKind, transition: str | None
) -> None:
    payload = {"alert_title": title, "alert_type": alert_type, "alert_cycle_key": "7"}
    signal = one(payload | ({"alert_transition": transition} if transition else {}))
    assert signal.kind is kind
    assert signal.flags == (("unknown_status",) if transition else ())


@pytest.mark.parametrize(
    "mark", ["Renotified", "Re-Notified", "Renotify", "P1", "Re-Triggered on {host:b}", "Reminder"]
)
def test_marks_in_front_of_a_title_make_no_other_alert(mark: str) -> None:
    plain = one({"title": "[Triggered on {host:b}] Disk"})
    marked = one({"title": f"[{mark}] [Triggered on {{host:b}}] Disk"})
    assert (marked.external_id, marked.title) == (plain.external_id, "Disk")


def test_the_id_of_a_monitor_is_enough_for_a_recovery() -> None:
    signal = one({"alert_id": "7", "alert_transition": "Recovered"})
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "7")


def test_the_default_template_is_correlated_by_title() -> None:
    payload = load("datadog/default_template.json")
    signal = one(payload)
    assert signal.external_id == "title:Replication lag|host:db-7"
    assert signal.flags == ("correlated_by_title",)
    recovered = one(payload | {"title": "[Recovered on {host:db-7}] Replication lag"})
    assert recovered.kind is SignalKind.RESOLVE
    assert recovered.external_id == signal.external_id


def test_variables_left_standing_are_absent() -> None:
    (signal,) = parse("datadog/unreplaced.json")
    assert signal.external_id == "90210:host:db-7,env:prod"
    assert signal.severity is Severity.HIGH
    assert "$" not in msgspec.json.encode(signal).decode()


def test_the_nested_form_of_the_template() -> None:
    flat = load("datadog/triggered.json")
    nested = {name: value for name, value in flat.items() if not name.startswith("alert_")}
    nested["alert"] = {
        n.removeprefix("alert_"): v for n, v in flat.items() if n.startswith("alert_")
    }
    assert one(nested) == one(flat)


def test_a_form() -> None:
    flat = load("datadog/triggered.json")
    body = urlencode(flat).encode()
    assert one(decode(body, "application/x-www-form-urlencoded")) == one(flat)
    nested = {"title": "x", "alert": '{"cycle_key": "7", "transition": "Recovered"}'}
    signal = one(decode(urlencode(nested).encode(), "application/x-www-form-urlencoded"))
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "7")


@pytest.mark.parametrize(
    ("title", "stripped"),
    [
        ("[Warn on {a:b}] x", "x"),
        ("[P1] [Re-No Data on {a:b,c:d}] [db] x", "[db] x"),
        ("[Triggered] x", "x"),
        ("[db] x", "[db] x"),
        ("[Triggered on {a:b", "[Triggered on {a:b"),
        ("plain", "plain"),
        ("[prod] [Triggered on {a:b}] x", "[prod] x"),
        ("[prod]  x", "[prod] x"),
    ],
)
def test_titles(title: str, stripped: str) -> None:
    assert one({"title": title}).title == stripped


def test_wild_numbers_of_tags_and_prefixes_are_bounded() -> None:
    signal = one({"title": "[P1] " * 50, "tags": ",".join(f"a:{n}" for n in range(2000))})
    assert signal.labels["a"].count(",") == 499
    assert signal.title.startswith("[P1]")


def test_an_empty_payload_is_refused() -> None:
    with pytest.raises(InvalidPayload, match="docs/sources/datadog"):
        one({"hello": "world"})


def test_the_event_s_id_names_the_delivery() -> None:
    payload = load("datadog/triggered.json")
    assert idempotency_key(DATADOG, {}, payload) == "8110020030040050060"
    assert idempotency_key(DATADOG, {}, payload | {"id": "90210"}) is None
    assert idempotency_key(DATADOG, {}, payload | {"id": "$ID"}) is None


def test_other_names_for_its_variables() -> None:
    (signal,) = parse("datadog/other_names.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "42:host:db-7")
    assert (signal.title, signal.severity) == ("Replication lag", Severity.HIGH)
    assert signal.description == "Replica db-7 is 2 s behind."
    assert signal.labels == {"env": "prod", "host": "db-7"}
    assert signal.metadata["link"] == "https://app.datadoghq.com/monitors/42"
    assert signal.flags == ()


@pytest.mark.parametrize(
    "given",
    [
        {"alertId": "42", "alertScope": "host:a", "alertTransition": "Recovered"},
        {"monitor_id": 42, "scopes": "host:a", "transition": "Recovered"},
        {"alert": {"id": "42", "scope": "host:a", "transition": "Recovered"}},
        {"alert": {"alert_id": "42", "alert_scope": "host:a", "alert_transition": "Recovered"}},
    ],
)
def test_one_alert_by_whatever_names(given: dict[str, Any]) -> None:
    signal = one({"title": "CPU", "date": "1772353800000"} | given)
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "42:host:a")


def test_the_priority_of_an_event_is_no_severity() -> None:
    assert one({"title": "[Triggered] CPU", "priority": "low"}).severity is None
    assert one({"title": "[Triggered] CPU", "priority": "P1"}).severity is Severity.CRITICAL
    both = {"title": "[Triggered] CPU", "priority": "P1", "alert_priority": "P4"}
    assert one(both).severity is Severity.LOW
