from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.sources.kit.test_fingerprint import JSON
from tests.ingest.sources.sample_files import context, load, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.mapping import FIELDS, compile_mapping, validate_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

GENERIC = SOURCES["generic"]

MAPPING: dict[str, Any] = {
    "alerts": "events",
    "title": "what",
    "severity": "lvl",
    "kind": "st",
    "external_id": "join('-', ['door', to_string(ref.id)])",
    "triggered_at": "at",
    "labels": {"site": "where.site", "probe": "_root.src", "nothing": "nowhere"},
    "metadata": "{n: ref.id}",
    "severities": {"Boom": "CRITICAL"},
    "kinds": {"gone": "resolve", "muted": "ignore"},
}


def signals(payload: Any, mapping: dict[str, Any]) -> list[Signal]:
    return GENERIC.parse(payload, context(mapping=mapping))


def test_several_alerts_in_one_webhook() -> None:
    resolved, odd = signals(load("generic/mapped.json"), MAPPING)
    assert resolved == Signal(
        SignalKind.RESOLVE,
        "door-17",
        "Door open",
        Severity.CRITICAL,
        triggered_at=utc(2026, 3, 1, 8),
        labels={"site": "Oslo", "probe": "probe-2"},
        metadata={"n": 17},
    )
    assert odd.title == "Alert door-19"
    assert odd.severity is Severity.MEDIUM
    assert odd.kind is SignalKind.TRIGGER
    assert set(odd.flags) == {"title_missing", "unknown_status", "unreadable_time"}


def test_what_is_not_mapped_is_read_from_its_default_place_where_it_fits() -> None:
    payload = {"name": "Full", "severity": "low", "id": 3, "status": 500, "labels": [], "time": {}}
    (signal,) = signals(payload, {"title": "name"})
    assert (signal.title, signal.severity, signal.external_id) == ("Full", Severity.LOW, "3")
    assert signal.flags == ("unknown_status",)


def test_a_mapped_field_hides_the_default_ones() -> None:
    payload = {"title": "x", "id": "new each time", "ref": None, "status": "closed"}
    (signal,) = signals(payload, {"external_id": "ref", "kind": "phase"})
    assert (signal.external_id, signal.kind) == (None, SignalKind.TRIGGER)


@pytest.mark.parametrize(
    ("found", "is_ignored"),
    [
        (True, True),
        ("yes", True),
        (0, True),
        ([0], True),
        (False, False),
        (None, False),
        ("", False),
        ([], False),
        ({}, False),
    ],
)
def test_what_ignore_finds_true_is_no_alert(found: Any, is_ignored: bool) -> None:
    mapping = {"ignore": "silent", "alerts": "events"}
    other = {"title": "other", "silent": False}
    given = signals({"events": [{"title": "x", "silent": found}, other]}, mapping)
    assert [signal.title for signal in given] == ["other"] if is_ignored else ["x", "other"]


def test_ignore_may_compare_and_sees_the_whole_payload() -> None:
    mapping = {"alerts": "events", "ignore": "_root.env == 'test' || level < `3`"}
    events = [{"title": "a", "level": 2}, {"title": "b", "level": 5}]
    assert [each.title for each in signals({"env": "prod", "events": events}, mapping)] == ["b"]
    assert signals({"env": "test", "events": events}, mapping) == []


def test_labels_by_one_expression() -> None:
    (signal,) = signals({"title": "x", "tags": {"a": 1}}, {"labels": "tags"})
    assert signal.labels == {"a": "1"}
    (signal,) = signals({"title": "x", "tags": ["a"]}, {"labels": "tags"})
    assert (signal.labels, signal.flags) == ({}, ("labels_not_an_object",))


@pytest.mark.parametrize(("payload", "expected"), [({"e": None}, []), ({"e": []}, []), ({}, [])])
def test_no_alerts_found_is_ignored(payload: Any, expected: list[Signal]) -> None:
    assert signals(payload, {"alerts": "e"}) == expected


@pytest.mark.parametrize(
    ("mapping", "payload", "pointer"),
    [
        ({"title": "length(n)"}, {"n": 5}, "/mapping/title"),
        ({"labels": {"a": "keys(n)"}}, {"n": 5}, "/mapping/labels/a"),
        ({"alerts": "n"}, {"n": [5]}, "/mapping/alerts"),
        ({"alerts": "n"}, {"n": "x"}, "/mapping/alerts"),
        ({"title": "sum(n)"}, {"n": [10**400, 1.5]}, "/mapping/title"),
    ],
)
def test_an_expression_that_fails_says_which(mapping: Any, payload: Any, pointer: str) -> None:
    with pytest.raises(InvalidPayload) as error:
        signals(payload, mapping)
    (fault,) = error.value.faults
    assert (fault.pointer, fault.code) == (pointer, "mapping-failed" if pointer else "")


def test_a_good_mapping_has_no_faults() -> None:
    assert validate_mapping(MAPPING) == []
    assert validate_mapping({"title": None}) == []


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        ([], "", "wrong-type"),
        ({"titel": "x"}, "/titel", "unknown-field"),
        ({"title": "a..b"}, "/title", "invalid-expression"),
        ({"title": ""}, "/title", "invalid-expression"),
        ({"title": "nosuch(a)"}, "/title", "invalid-expression"),
        ({"title": 5}, "/title", "wrong-type"),
        ({"title": "a" * 5000}, "/title", "too-long"),
        ({"title": "(" * 2000}, "/title", "invalid-expression"),
        ({"labels": {"a/b": "["}}, "/labels/a~1b", "invalid-expression"),
        ({"labels": []}, "/labels", "wrong-type"),
        ({"severities": {"x": "BAD"}}, "/severities/x", "unknown-value"),
        ({"severities": []}, "/severities", "wrong-type"),
        ({"kinds": {"x": "close"}}, "/kinds/x", "unknown-value"),
    ],
)
def test_faults_are_said_by_field(document: Any, pointer: str, code: str) -> None:
    (fault,) = validate_mapping(document)
    assert (fault.pointer, fault.code) == (pointer, code)
    with pytest.raises(InvalidPayload):
        compile_mapping(document)


def test_what_all_alerts_share_is_not_kept_with_each() -> None:
    payload = {"events": [{"title": "x"}] * 500, "pad": "y" * 50_000}
    found = signals(payload, {"alerts": "events", "metadata": "_root"})
    assert len(found) == 500
    assert found[0].metadata["pad"] == payload["pad"]
    assert found[-1].metadata == {"value": "[left out: too large]"}


def test_equal_documents_share_one_compilation() -> None:
    assert compile_mapping({"title": "a", "kind": "b"}) is compile_mapping(
        {"kind": "b", "title": "a"}
    )


EXPRESSIONS = st.sampled_from(
    [
        "a",
        "b.c",
        "@",
        "keys(@)",
        "a[0]",
        "*",
        "to_number(a)",
        '`"\\ud800"`',
        "join('', a)",
        "{x: a}",
    ]
)


MAPPED = tuple(name for name in FIELDS if name not in ("severities", "kinds"))


@given(
    payload=JSON,
    mapping=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(MAPPED, EXPRESSIONS),
    ),
)
def test_any_mapping_on_any_payload_gives_signals_or_its_own_faults(
    payload: Any, mapping: dict[str, Any]
) -> None:
    try:
        found = signals(payload, mapping)
    except InvalidPayload as error:
        # A default field that does not fit is no fault under a mapping.
        assert all(fault.pointer.startswith("/mapping/") for fault in error.faults)  # noqa: PT017
    else:
        for signal in found:
            assert signal.title
            assert signal.title.encode()
