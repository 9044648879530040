from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

ZABBIX = SOURCES["zabbix"]
PROBLEM = load("zabbix/problem.json")


def one(changed: dict[str, Any], **given: Any) -> Signal:
    (signal,) = ZABBIX.parse(PROBLEM | changed, context(**given))
    return signal


def test_a_problem() -> None:
    (signal,) = parse("zabbix/problem.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "90817")
    assert (signal.title, signal.severity) == ("Replica db-7 lags", Severity.HIGH)
    assert signal.description == "The replica is 240 s behind."
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "team": "dba,storage",
        "prod": "true",
        "host": "db-7",
        "host_group": "Databases",
    }
    assert signal.metadata["event_opdata"] == "240 s"
    assert "event_url" not in signal.metadata
    assert signal.flags == ()


def test_a_recovery_bears_the_id_of_its_problem() -> None:
    (signal,) = parse("zabbix/recovery.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "90817")
    assert (signal.triggered_at, signal.occurred_at) == (utc(2026, 3, 1, 9), utc(2026, 3, 1, 9, 30))


def test_an_acknowledgement() -> None:
    (signal,) = parse("zabbix/acknowledged.json")
    assert signal.kind is SignalKind.ACKNOWLEDGE
    assert signal.occurred_at == utc(2026, 3, 1, 9, 5)
    assert signal.metadata["event_update_user"] == "Ada"


def test_a_change_of_severity_is_an_update_even_of_what_is_acknowledged() -> None:
    (signal,) = parse("zabbix/severity_changed.json")
    assert (signal.kind, signal.severity) == (SignalKind.UPDATE, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("changed", "kind", "flags"),
    [
        ({"event_update_status": "1"}, SignalKind.UPDATE, ()),
        ({"event_update_status": "1", "event_ack_status": "Yes"}, SignalKind.ACKNOWLEDGE, ()),
        (
            {"event_update_status": "1", "event_update_action": "unacknowledged"},
            SignalKind.UNACKNOWLEDGE,
            (),
        ),
        ({"event_source": "3", "event_value": "0"}, SignalKind.RESOLVE, ()),
        ({"event_source": "1", "event_value": "{EVENT.VALUE}"}, SignalKind.TRIGGER, ()),
        ({"event_value": "{EVENT.VALUE}"}, SignalKind.TRIGGER, ("unknown_status",)),
    ],
)
def test_kinds(changed: dict[str, Any], kind: SignalKind, flags: tuple[str, ...]) -> None:
    signal = one(changed)
    assert (signal.kind, signal.flags) == (kind, flags)


def test_times_without_a_zone_are_the_servers() -> None:
    assert one({}, zone="Europe/Oslo").triggered_at == utc(2026, 3, 1, 8)
    assert one({"event_timestamp": "1772355600"}, zone="Europe/Oslo").triggered_at == utc(
        2026, 3, 1, 9
    )


def test_severity_by_word_where_there_is_no_number() -> None:
    missing = {"event_nseverity": "*UNKNOWN*"}
    assert one(missing | {"event_severity": "Disaster"}).severity is Severity.CRITICAL
    assert one(missing | {"event_severity": "Not classified"}).severity is Severity.INFO
    assert one(missing | {"event_severity": "Ärgerlich"}).flags == ("unknown_severity",)


def test_without_a_name() -> None:
    signal = one({"event_name": "", "alert_subject": "{ALERT.SUBJECT}"})
    assert (signal.title, signal.flags) == ("Zabbix event 90817", ("title_missing",))


def test_tags_of_any_form() -> None:
    assert one({"event_tags": [{"tag": "a", "value": "b"}]}).labels["a"] == "b"
    assert one({"event_tags": "text"}).labels["text"] == "true"
    for broken in ("[", "{", 7, ["x"], {"tag": "a"}):
        assert set(one({"event_tags": broken}).labels) == {"host", "host_group"}


def test_an_event_without_an_id_is_refused() -> None:
    with pytest.raises(InvalidPayload) as caught:
        one({"event_id": "{EVENT.ID}"})
    assert [fault.pointer for fault in caught.value.faults] == ["/event_id"]


def test_another_script_is_ignored_with_the_way_out() -> None:
    assert parse("zabbix/another_script.json") == []
    assert "docs/sources/zabbix.md" in ZABBIX.ignored_reason({}, context())


def test_words_in_the_place_of_numbers_and_of_json() -> None:
    (signal,) = parse("zabbix/words.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "90818")
    assert signal.severity is Severity.MEDIUM
    assert signal.labels == {"team": "web,ops", "prod": "true", "host": "web-1"}
    assert signal.flags == ()


def test_where_the_event_is_shown() -> None:
    (signal,) = parse("zabbix/words.json")
    assert signal.metadata["event_url"] == (
        "https://zabbix.example.com/tr_events.php?triggerid=51&eventid=90818"
    )
    own = one({"zabbix_url": "https://zabbix.example.com", "event_url": "https://wiki/7"})
    assert own.metadata["event_url"] == "https://wiki/7"
    assert "event_url" not in one({"zabbix_url": "{$ZABBIX.URL}"}).metadata
