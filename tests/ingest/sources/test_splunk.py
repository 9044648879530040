from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

SPLUNK = SOURCES["splunk"]


def one(**changed: Any) -> Signal:
    payload = load("splunk/found.json")
    (signal,) = SPLUNK.parse(payload | {"result": payload["result"] | changed}, context())
    return signal


def test_found() -> None:
    (signal,) = parse("splunk/found.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "search/admin/Many errors")
    assert (signal.title, signal.severity) == ("Many errors", Severity.CRITICAL)
    assert signal.description == "GET / 500"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "app": "search",
        "owner": "admin",
        "host": "web-1",
        "source": "/var/log/web",
        "sourcetype": "access",
        "index": "main",
    }
    assert signal.metadata["result"]["count"] == "73"
    assert signal.flags == ()


def test_a_search_may_send_the_end() -> None:
    (signal,) = parse("splunk/recovered.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "errors/web-1")
    assert one(tocsin_id="errors/web-1").external_id == signal.external_id
    assert one(tocsin_status="odd").flags == ("unknown_status",)


def test_a_search_may_say_that_it_is_nothing() -> None:
    payload = load("splunk/found.json") | {"result": {"tocsin_status": "downtime start"}}
    assert SPLUNK.parse(payload, context()) == []
    assert "tocsin_status" in SPLUNK.ignored_reason(payload, context())


def test_without_a_name_the_job_is_all_there_is() -> None:
    (signal,) = parse("splunk/nameless.json")
    assert (signal.external_id, signal.title) == ("s-9", "Splunk alert")
    assert set(signal.flags) == {"title_missing", "unreadable_time"}


def test_urgency_stands_for_severity() -> None:
    assert one(severity=None, urgency="medium").severity is Severity.MEDIUM
    assert one(severity="dire").flags == ("unknown_severity",)


def test_faults() -> None:
    for payload, pointer in (
        ({"result": [], "sid": "s"}, "/result"),
        ({"result": {}}, "/search_name"),
        ([], ""),
    ):
        with pytest.raises(InvalidPayload) as caught:
            SPLUNK.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]
