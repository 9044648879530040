from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tests.support.paths import DOCS
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

DYNATRACE = SOURCES["dynatrace"]
OPEN = load("dynatrace/open.json")


def one(changed: dict[str, Any]) -> Signal:
    (signal,) = DYNATRACE.parse(OPEN | changed, context())
    return signal


def test_a_problem() -> None:
    (signal,) = parse("dynatrace/open.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "-7316592340171921231_1772355600000V2"
    assert (signal.title, signal.severity) == ("Failure rate increase", Severity.HIGH)
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "team": "payments",
        "env": "prod",
        "urgent": "true",
        "impact": "SERVICE",
        "problem_severity": "ERROR",
        "entity": "Failure rate increase on Web service checkout",
    }
    assert signal.metadata["problem"] == "P-26031234"
    assert signal.metadata["root_cause"] == "payments"
    assert signal.metadata["url"].startswith("https://abc12345.live.dynatrace.com/")
    assert signal.flags == ()


def test_its_end() -> None:
    details = OPEN["ProblemDetailsJSONv2"] | {"status": "CLOSED", "endTime": 1772357400000}
    signal = one({"State": "RESOLVED", "ProblemDetailsJSONv2": details})
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, one({}).external_id)
    assert (signal.occurred_at, signal.severity) == (utc(2026, 3, 1, 9, 30), None)


def test_events_that_join_a_problem_change_its_words() -> None:
    signal = one({"State": "MERGED"})
    assert (signal.kind, signal.occurred_at) == (SignalKind.UPDATE, None)


@pytest.mark.parametrize(
    ("word", "severity", "flags"),
    [
        ("AVAILABILITY", Severity.CRITICAL, ()),
        ("MONITORING_UNAVAILABLE", Severity.HIGH, ()),
        ("PERFORMANCE", Severity.MEDIUM, ()),
        ("RESOURCE_CONTENTION", Severity.MEDIUM, ()),
        ("CUSTOM_ALERT", None, ()),
        ("{ProblemSeverity}", None, ()),
        ("ODD", None, ("unknown_severity",)),
    ],
)
def test_severities(word: str, severity: Severity | None, flags: tuple[str, ...]) -> None:
    signal = one({"ProblemSeverity": word})
    assert (signal.severity, signal.flags) == (severity, flags)


def test_a_test_is_no_alert() -> None:
    assert parse("dynatrace/test.json") == []
    assert DYNATRACE.ignored_reason({}, context()) == "a test of the notification"


def test_the_example_of_dynatrace_itself_reads_too() -> None:
    (signal,) = DYNATRACE.parse(
        load("dynatrace/test.json") | {"ProblemTitle": "CPU saturation"}, context()
    )
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "99999")
    assert signal.metadata["url"] == "https://example.com"
    assert (signal.labels["testtag1"], signal.labels["testtag2"]) == ("true", "true")
    assert (signal.occurred_at, signal.flags) == (None, ())


def test_doubts_and_faults() -> None:
    assert one({"State": "ODD"}).flags == ("unknown_status",)
    assert one({"PID": "{PID}"}).external_id == "P-26031234"
    assert one({"ProblemDetailsJSONv2": {"startTime": "soon"}}).flags == ("unreadable_time",)
    assert one({"ProblemDetailsJSONv2": '{"startTime": 1772355600000}'}).triggered_at == utc(
        2026, 3, 1, 9
    )
    for payload, pointer in (([], ""), ({"State": "OPEN"}, "/PID")):
        with pytest.raises(InvalidPayload) as caught:
            DYNATRACE.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_template_of_the_page_is_what_is_read() -> None:
    page = (DOCS / "sources" / "dynatrace.md").read_text("utf-8")
    (template,) = re.findall(r"```text template\n(.*?)```", page, re.DOTALL)

    def filled_in(found: re.Match[str]) -> str:
        value = OPEN[found[1]]
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    filled = re.sub(r"\{(\w+)\}", filled_in, template)
    (signal,) = DYNATRACE.parse(msgspec.json.decode(filled), context())
    assert signal == one({})
