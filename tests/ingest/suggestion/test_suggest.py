"""A mapping proposed from samples: how often it is right, and what it says."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from tests.ingest.sources.kit.test_fingerprint import JSON
from tests.ingest.sources.sample_files import NOW, context
from tests.ingest.sources.test_every_source import bent
from tocsin.ingest.sources.kit.decode import decode
from tocsin.ingest.sources.kit.mapping import compile_mapping, validate_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.sources.samples import kinds, sample
from tocsin.ingest.suggestion.suggest import Suggestion, suggest
from tocsin.model import Signal, SignalKind

COMPARED = ("title", "description", "severity", "kind", "external_id", "triggered_at")
AT_FIRST = ("title", "triggered_at")
"""What only a beginning has to say."""
MOST_RIGHT = 0.9
"""Of the signals of a source that have a field: then the field counts as found."""


def _samples(type_: str) -> tuple[list[Any], list[Signal]]:
    """Payloads of a tool, and what the tool's own source makes of them."""
    payloads, expected = [], []
    for n in range(6):
        for kind in kinds(type_):
            headers, body = sample(type_, kind, n=n, now=NOW)
            lowered = {name.lower(): value for name, value in headers.items()}
            payload = decode(body, lowered["content-type"])
            payloads.append(payload)
            expected += SOURCES[type_].parse(payload, context(lowered))
    return payloads, expected


def _found(type_: str) -> dict[str, bool]:
    """By field, whether a mapping that was suggested reads what the source reads. An external id need
    not be the same text: it must be one for what is one alert, and another for another."""
    payloads, expected = _samples(type_)
    mapping = compile_mapping(suggest(payloads).mapping)
    read = [signal for payload in payloads for signal in mapping.signals(payload, context())]
    if len(read) != len(expected):
        return dict.fromkeys(COMPARED, False)
    pairs = list(zip(expected, read, strict=True))
    found = {}
    for field in COMPARED:
        right = [
            getattr(one, field) == getattr(other, field)
            for one, other in pairs
            if getattr(one, field) is not None
            and (field not in AT_FIRST or one.kind is SignalKind.TRIGGER)
        ]
        if right:
            found[field] = sum(right) >= MOST_RIGHT * len(right)
    ids = {(one.external_id, other.external_id) for one, other in pairs}
    there_and_back = {one for one, _ in ids}, {other for _, other in ids}
    found["external_id"] = all(len(each) == len(ids) for each in there_and_back)
    return found


def test_it_finds_two_fields_of_three_over_all_sources() -> None:
    """And no fewer of any one. What it misses is mostly what a source puts together of several values,
    which no single expression for a place can be."""
    right, asked = Counter[str](), Counter[str]()
    for type_ in SOURCES:
        for field, is_right in _found(type_).items():
            asked[field] += 1
            right[field] += is_right
    share = {field: right[field] / asked[field] for field in asked}
    assert sum(right.values()) / sum(asked.values()) >= 2 / 3, (right, asked)
    assert min(share.values()) >= 0.5, share


@pytest.mark.parametrize(
    "type_", ["alertmanager", "elastic_kibana", "generic", "splunk", "standard_webhooks"]
)
def test_these_are_read_without_a_fault(type_: str) -> None:
    assert all(_found(type_).values()), _found(type_)


def _own(n: int, state: str, **more: Any) -> dict[str, Any]:
    return {
        "vorfall": {"kennung": "x", "id": f"v-{n % 3}", "msg_id": f"m-{n}-{state}"},
        "meldung": {"headline": f"Pumpe {n % 3} steht still", "level": "high", "state": state},
        "since": 1_772_355_600 + n,
        "host": f"pump-{n % 3}",
        "is_test": False,
        **more,
    }


def _by_field(found: Suggestion) -> dict[str, tuple[str, str]]:
    return {each.field: (each.expression, each.confidence) for each in found.fields}


def test_a_tool_of_ones_own() -> None:
    payloads = [_own(n, state) for n in range(3) for state in ("down", "weg")]
    found = suggest(payloads)
    assert _by_field(found) == {
        "title": ("meldung.headline", "sure"),
        "severity": ("meldung.level", "sure"),
        "kind": ("meldung.state", "sure"),
        "external_id": ("vorfall.id", "likely"),
        "triggered_at": ("since", "sure"),
        "labels/host": ("host", "likely"),
        "ignore": ("is_test", "likely"),
    }
    assert found.unknown_words == {"kinds": ["weg"]}
    assert (found.missing, found.samples) == ([], 6)
    assert all(each.reason and each.found_in == each.of == 6 for each in found.fields)
    reasons = {each.field: each.reason for each in found.fields}
    assert reasons["severity"] == "It is named level and all its values (high) are known severities"


def test_what_lasts_from_beginning_to_end_is_the_id() -> None:
    events = [
        {"title": f"Disk {n}", "id": f"{n}-{state}", "ref": {"key": f"disk-{n}"}, "status": state}
        for n in range(3)
        for state in ("firing", "resolved")
    ]
    assert _by_field(suggest(events))["external_id"][0] == "ref.key"


def test_several_alerts_in_one_payload() -> None:
    events = [{"what": "x", "subject": f"Disk {n}", "state": "down", "id": n} for n in range(3)]
    found = suggest([{"site": "Oslo", "data": {"rows": events}}])
    assert found.mapping["alerts"] == "data.rows"
    assert (found.mapping["title"], found.samples) == ("subject", 3)
    assert suggest([events]).mapping["alerts"] == "@"
    nested = suggest([{"severity": "low", "alerts": events}])
    assert nested.mapping["severity"] == "_root.severity"


def test_a_host_and_what_is_checked_on_it_name_an_alert() -> None:
    event = {"hostname": "db-1", "servicedesc": "Disk", "output": "95 % full", "state": "down"}
    (signal,) = compile_mapping(suggest([event]).mapping).signals(event, context())
    assert signal.external_id == "db-1/Disk"
    del event["servicedesc"]
    (signal,) = compile_mapping(suggest([{**event, "servicedesc": "x"}]).mapping).signals(
        event, context()
    )
    assert signal.external_id == "db-1"


def test_a_truth_may_be_the_state() -> None:
    for name, over in (("is_firing", False), ("resolved", True)):
        events = [{"title": f"Disk {n}", "id": n, name: n % 2 == 0} for n in range(4)]
        mapping = suggest(events).mapping
        (signal,) = compile_mapping(mapping).signals(events[0], context())
        assert (signal.kind is SignalKind.RESOLVE) is over


def test_what_is_not_there_is_said() -> None:
    found = suggest([{"text": "Something is wrong with the pump"}])
    assert found.mapping == {"title": "text"}
    assert [each.partition(":")[0] for each in found.missing] == ["severity", "kind", "external_id"]
    assert suggest([]).mapping == {}


def test_names_that_jmespath_quotes() -> None:
    payloads = [{"a-b": {"alert title": f"Disk {n} full"}} for n in range(2)]
    mapping = suggest(payloads).mapping
    assert mapping["title"] == '"a-b"."alert title"'
    assert compile_mapping(mapping).signals(payloads[1], context())[0].title == "Disk 1 full"


@settings(max_examples=150)
@given(payload=JSON | bent())
def test_whatever_it_is_shown_it_suggests_what_can_be_used(payload: Any) -> None:
    found = suggest([payload, payload])
    assert validate_mapping(found.mapping) == []
    json.dumps(found.mapping)


GREEDY: dict[str, list[Any]] = {
    "names": [
        {f"created_{i}_at": f"Mon Jan {n % 28} 2026 {i}" for i in range(4_000)} for n in range(50)
    ],
    "lists": [{f"l{i}": [{f"id{k}": k for k in range(300)}] * 50 for i in range(60)}] * 50,
    "texts": [{"title": "x" * 1_000_000, "status": "é " * 400_000}] * 50,
    "elements": [[{"id": i, "status": "down"} for i in range(20_000)]] * 50,
}


@pytest.mark.parametrize("payloads", GREEDY.values(), ids=GREEDY)
def test_work_is_bounded(payloads: list[Any]) -> None:
    began = time.thread_time()
    suggest(payloads)
    assert time.thread_time() - began < 4
