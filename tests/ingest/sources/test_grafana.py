from __future__ import annotations

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
