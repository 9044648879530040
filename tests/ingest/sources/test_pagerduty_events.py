from __future__ import annotations

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, SignalKind

EVENTS = SOURCES["pagerduty_events"]
TRIGGER = load("pagerduty_events/trigger.json")


def test_trigger() -> None:
    (signal,) = parse("pagerduty_events/trigger.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "db-1/replication")
    assert (signal.title, signal.severity) == ("Replication of db-1 is behind", Severity.MEDIUM)
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "source": "db-1",
        "component": "postgres",
        "group": "shop",
        "class": "replication",
    }
    assert signal.metadata["custom_details"] == {"lag": "90 s", "peers": [1, 2]}
    assert signal.metadata["images"][0]["alt"] == "Lag"
    assert signal.metadata["client_url"] == "https://example.org/probe"
    assert "routing_key" not in str(signal)
    assert signal.flags == ()


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_what_ends_or_takes_an_alert_needs_no_words(action: str) -> None:
    (signal,) = parse(f"pagerduty_events/{action}.json")
    assert (signal.kind.value, signal.external_id) == (action, "db-1/replication")


@pytest.mark.parametrize(
    ("word", "severity", "flags"),
    [
        ("critical", Severity.CRITICAL, ()),
        ("error", Severity.HIGH, ()),
        ("warning", Severity.MEDIUM, ()),
        ("info", Severity.INFO, ()),
        ("page-me", None, ("unknown_severity",)),
        (None, None, ()),
    ],
)
def test_severities(word: str | None, severity: Severity | None, flags: tuple[str, ...]) -> None:
    event = {**TRIGGER, "payload": {**TRIGGER["payload"], "severity": word}}
    (signal,) = EVENTS.parse(event, context())
    assert (signal.severity, signal.flags) == (severity, flags)


@pytest.mark.parametrize(
    ("event", "pointers"),
    [
        ({}, ["/event_action"]),
        ({"event_action": "explode"}, ["/event_action"]),
        ({"event_action": ["trigger"]}, ["/event_action"]),
        ({"event_action": "trigger"}, ["/payload/summary"]),
        ({"event_action": "trigger", "payload": "text"}, ["/payload"]),
        ({"event_action": "resolve"}, ["/dedup_key"]),
    ],
)
def test_faults(event: object, pointers: list[str]) -> None:
    with pytest.raises(InvalidPayload) as caught:
        EVENTS.parse(event, context())
    assert [fault.pointer for fault in caught.value.faults] == pointers


def test_details_of_any_type_are_kept() -> None:
    for details in ("text", ["a"], 3):
        event = {**TRIGGER, "payload": {**TRIGGER["payload"], "custom_details": details}}
        (signal,) = EVENTS.parse(event, context())
        assert signal.metadata["custom_details"] == details
