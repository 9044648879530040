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

SUMO = SOURCES["sumologic"]
CRITICAL = load("sumologic/critical.json")


def one(changed: dict[str, Any]) -> Signal:
    (signal,) = SUMO.parse(CRITICAL | changed, context())
    return signal


def test_a_monitor_that_is_critical() -> None:
    (signal,) = parse("sumologic/critical.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "00000000000468D5/critical")
    assert (signal.title, signal.severity) == ("Checkout errors", Severity.CRITICAL)
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "monitor": "Checkout errors",
        "level": "critical",
        "monitor_type": "Logs",
    }
    assert signal.metadata["url"] == "https://service.sumologic.com/ui/#/alert/1"
    assert "monitor_url" not in signal.metadata
    assert signal.flags == ()


@pytest.mark.parametrize(
    ("word", "kind", "external_id", "severity"),
    [
        ("Warning", SignalKind.TRIGGER, "warning", Severity.MEDIUM),
        ("Missing Data", SignalKind.TRIGGER, "missingdata", None),
        ("MissingData", SignalKind.TRIGGER, "missingdata", None),
        ("ResolvedCritical", SignalKind.RESOLVE, "critical", None),
        ("ResolvedWarning", SignalKind.RESOLVE, "warning", None),
        ("ResolvedMissingData", SignalKind.RESOLVE, "missingdata", None),
    ],
)
def test_each_level_opens_and_ends_on_its_own(
    word: str, kind: SignalKind, external_id: str, severity: Severity | None
) -> None:
    signal = one({"trigger_type": word})
    assert (signal.kind, signal.severity, signal.flags) == (kind, severity, ())
    assert signal.external_id == f"00000000000468D5/{external_id}"


def test_a_scheduled_search_has_no_level() -> None:
    (signal,) = parse("sumologic/search.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "00000000000468D6")
    assert (signal.severity, signal.flags) == (None, ())


def test_normal_says_of_nothing_that_it_is_over() -> None:
    assert SUMO.parse(CRITICAL | {"trigger_type": "Normal"}, context()) == []
    assert "normal" in SUMO.ignored_reason({}, context())


def test_a_severity_of_the_users_own() -> None:
    assert one({"severity": "low"}).severity is Severity.LOW


def test_doubts_and_faults() -> None:
    assert one({"trigger_type": "Odd"}).flags == ("unknown_status",)
    assert one({"trigger_time_end": "soon"}).flags == ("unreadable_time",)
    assert one({"name": "", "alert_name": "{{AlertName}}"}).flags == ("title_missing",)
    for payload, pointer in (([], ""), ({"trigger_type": "Critical"}, "/id")):
        with pytest.raises(InvalidPayload) as caught:
            SUMO.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_template_of_the_page_is_what_is_read() -> None:
    page = (DOCS / "sources" / "sumologic.md").read_text("utf-8")
    (template,) = re.findall(r"```json template\n(.*?)```", page, re.DOTALL)
    names = dict(re.findall(r'"(\w+)": "\{\{(\w+)\}\}"', template))
    assert set(names) == set(CRITICAL)
    values = {names[field]: value for field, value in CRITICAL.items()}
    filled = re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], template)
    (signal,) = SUMO.parse(msgspec.json.decode(filled), context())
    assert signal == one({})
