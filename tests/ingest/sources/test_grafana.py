from __future__ import annotations

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.fingerprint import fingerprint
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, SignalKind

GRAFANA = SOURCES["grafana"]


def test_firing() -> None:
    (signal,) = parse("grafana/firing.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "2f7e9a00c1d2e3f4"
    assert signal.title == "Queue too long"
    assert signal.description == "The provider throttles."
    assert signal.severity is Severity.HIGH
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 8, 0, 0, 500_000)
    assert signal.metadata["annotations"]["summary"] == "18,400 messages wait"
    assert signal.metadata["values"] == {"A": 18400, "C": 1}
    assert signal.metadata["ruleUID"] == "abc"
    assert "panelURL" not in signal.metadata


def test_resolved() -> None:
    (signal,) = parse("grafana/resolved.json")
    assert signal.kind is SignalKind.RESOLVE
    assert signal.occurred_at == utc(2026, 3, 1, 8, 30)


def test_no_data_names_the_rule() -> None:
    (signal,) = parse("grafana/no_data.json")
    assert signal.title == "No data: Queue too long"
    assert signal.severity is None
    assert signal.metadata["annotations"] == {"grafana_state_reason": "NoData"}


def test_a_summary_stands_in_for_a_missing_name_and_description() -> None:
    payload = load("grafana/firing.json")
    alert = payload["alerts"][0]
    del alert["annotations"]["description"]
    assert GRAFANA.parse(payload, context())[0].description == "18,400 messages wait"
    del alert["labels"]["alertname"]
    assert GRAFANA.parse(payload, context())[0].title == "18,400 messages wait"


def test_the_test_button_is_no_alert() -> None:
    assert parse("grafana/test_button.json") == []
    assert "test" in GRAFANA.ignored_reason(load("grafana/test_button.json"), context())


def test_a_new_screenshot_is_no_new_event() -> None:
    one, other = load("grafana/firing.json"), load("grafana/firing.json")
    other["alerts"][0]["imageURL"] = "https://grafana.example.com/public/img/2.png"
    assert fingerprint(one, GRAFANA.volatile) == fingerprint(other, GRAFANA.volatile)


def test_a_rule_of_a_dashboard_by_the_alerting_of_older_versions() -> None:
    (signal,) = parse("grafana/dashboard_rule.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "rule:41")
    assert (signal.title, signal.severity) == ("Disk of db-7", Severity.CRITICAL)
    assert signal.description == "Free space runs out."
    assert signal.labels == {"team": "storage", "severity": "critical"}
    assert signal.metadata["ruleUrl"].startswith("https://grafana.example.com/d/abc")
    assert (signal.triggered_at, signal.flags) == (None, ())
    (ended,) = parse("grafana/dashboard_rule_ok.json")
    assert (ended.kind, ended.external_id) == (SignalKind.RESOLVE, "rule:41")


@pytest.mark.parametrize(
    ("state", "kind", "flags"),
    [
        ("no_data", SignalKind.TRIGGER, ()),
        ("OK", SignalKind.RESOLVE, ()),
        ("odd", SignalKind.TRIGGER, ("unknown_status",)),
    ],
)
def test_states_of_a_rule_of_a_dashboard(
    state: str, kind: SignalKind, flags: tuple[str, ...]
) -> None:
    (signal,) = GRAFANA.parse(load("grafana/dashboard_rule.json") | {"state": state}, context())
    assert (signal.kind, signal.flags) == (kind, flags)


def test_a_paused_rule_and_the_older_test_button_are_no_alerts() -> None:
    paused = load("grafana/dashboard_rule.json") | {"state": "paused"}
    assert GRAFANA.parse(paused, context()) == []
    assert "paused" in GRAFANA.ignored_reason(paused, context())
    assert parse("grafana/dashboard_test.json") == []
    assert "test" in GRAFANA.ignored_reason(load("grafana/dashboard_test.json"), context())


@pytest.mark.parametrize(
    ("labels", "severity", "flags"),
    [
        ({"Severity": "critical"}, Severity.CRITICAL, ()),
        ({"severity": "", "priority": "P4"}, Severity.LOW, ()),
        ({"severity": "low", "priority": "P1"}, Severity.LOW, ()),
        ({"priority": "best effort"}, None, ()),
        ({"severity": "odd", "priority": "P1"}, None, ("unknown_severity",)),
    ],
)
def test_where_no_label_says_the_severity_another_may(
    labels: dict[str, str], severity: Severity | None, flags: tuple[str, ...]
) -> None:
    payload = load("grafana/firing.json")
    alert = payload["alerts"][0]
    del alert["labels"]["severity"]
    alert["labels"] |= labels
    (signal,) = GRAFANA.parse(payload, context())
    assert (signal.severity, signal.flags) == (severity, flags)


def test_nothing_is_left_out_by_a_count_of_none_as_a_text() -> None:
    payload = load("grafana/firing.json")
    for count, flags in ((0, ()), ("0", ()), ("3", ("alerts_truncated",))):
        (signal,) = GRAFANA.parse(payload | {"truncatedAlerts": count}, context())
        assert signal.flags == flags
