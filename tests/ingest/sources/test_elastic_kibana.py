from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

KIBANA = SOURCES["elastic_kibana"]


def one(**changed: Any) -> Signal:
    (signal,) = KIBANA.parse(load("elastic_kibana/active.json") | changed, context())
    return signal


def test_active() -> None:
    (signal,) = parse("elastic_kibana/active.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "r1/web-1")
    assert (signal.title, signal.severity) == ("High CPU", Severity.CRITICAL)
    assert signal.description == "CPU is at 97 %"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 123000)
    assert signal.labels == {
        "prod": "true",
        "team": "web",
        "alert_id": "web-1",
        "rule_type": "observability.rules.custom_threshold",
        "space": "default",
    }
    assert signal.metadata["rule_url"] == "https://kibana.example.com/r1"
    assert signal.flags == ()


def test_recovered() -> None:
    (signal,) = parse("elastic_kibana/recovered.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "r1/web-1")
    assert (signal.triggered_at, signal.occurred_at) == (None, utc(2026, 3, 1, 9, 30))


def test_another_episode_is_the_same_alert_key() -> None:
    assert one(alert_uuid="u2").external_id == one().external_id


def test_what_was_not_filled_in_is_absent() -> None:
    (signal,) = parse("elastic_kibana/unreplaced.json")
    assert (signal.external_id, signal.title) == ("r1", "Kibana rule r1")
    assert signal.kind is SignalKind.TRIGGER
    assert set(signal.flags) == {"title_missing", "unknown_status", "unknown_severity"}


def test_without_a_rule_it_is_refused() -> None:
    for payload, pointer in (({"rule_id": "{{rule.id}}"}, "/rule_id"), ([], "")):
        with pytest.raises(InvalidPayload) as caught:
            KIBANA.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_name_of_the_action_group_is_as_good_as_its_id() -> None:
    assert one(action_group=None, action_group_name="Recovered").kind is SignalKind.RESOLVE
