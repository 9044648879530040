from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.ingest.sources.sample_files import NOW, context, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.make_signal import MAX_ALERTS
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import TITLE_LIMIT, Severity, Signal, SignalKind

GENERIC = SOURCES["generic"]


def one(payload: Any, **given: Any) -> Signal:
    (signal,) = GENERIC.parse(payload, context(**given))
    return signal


def faults(payload: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPayload) as error:
        GENERIC.parse(payload, context())
    return [(fault.pointer, fault.code) for fault in error.value.faults]


def test_a_full_payload() -> None:
    (signal,) = parse("generic/firing.json")
    assert signal == Signal(
        SignalKind.TRIGGER,
        "7012",
        "Replica db-7 is 240 s behind",
        Severity.HIGH,
        "A report blocks the replay of WAL.",
        triggered_at=utc(2026, 3, 1, 9),
        occurred_at=utc(2026, 3, 1, 8),
        labels={"host": "db-7", "rack": "12", "tags": '["a","b"]', "primary": "false"},
        metadata={"value": 240, "runbook": "https://runbooks.example.com/lag"},
        tenant="acme",
    )


def test_a_resolve_says_when_it_ended() -> None:
    (signal,) = parse("generic/resolved.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "7012")
    assert signal.triggered_at is None
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("resolved", SignalKind.RESOLVE), ("acknowledged", SignalKind.ACKNOWLEDGE)],
)
def test_an_end_needs_no_title_where_an_id_says_whose_it_is(status: str, kind: SignalKind) -> None:
    assert one({"id": "disk-1", "status": status}) == Signal(kind, "disk-1", "disk-1")
    assert faults({"status": status}) == [("/title", "required")]


@pytest.mark.parametrize("status", ["DOWNTIMESTART", "FLAPPINGSTOP"])
def test_a_notice_of_no_problem_is_ignored(status: str) -> None:
    payload = {"id": "web-1/HTTP", "title": "web-1/HTTP", "status": status}
    assert GENERIC.parse(payload, context()) == []
    assert "downtime" in GENERIC.ignored_reason(payload, context())
    # A mapping may know better.
    assert one(payload, mapping={"kinds": {status: "trigger"}}).kind is SignalKind.TRIGGER


def test_what_takes_an_acknowledgement_back_is_not_as_old_as_that_was() -> None:
    signal = one(
        {
            "id": "a",
            "title": "x",
            "status": "unacknowledged",
            "acknowledged_at": "2026-03-01T08:00Z",
        }
    )
    assert (signal.kind, signal.occurred_at) == (SignalKind.UNACKNOWLEDGE, None)


def test_an_end_without_an_id_is_flagged() -> None:
    assert one({"title": "x", "status": "resolved"}).flags == ("no_external_id",)


def test_a_title_is_all_it_takes() -> None:
    assert one({"title": "x"}) == Signal(SignalKind.TRIGGER, None, "x")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({}, [("/title", "required")]),
        ({"title": None}, [("/title", "required")]),
        ({"title": "  "}, [("/title", "required")]),
        ({"title": 5}, [("/title", "wrong-type")]),
        ([], [("", "wrong-type")]),
        ("x", [("", "wrong-type")]),
        (None, [("", "wrong-type")]),
        (
            {
                "title": [],
                "description": 1,
                "severity": {},
                "state": 4,
                "key": 1.5,
                "startsAt": {},
                "time": True,
                "labels": [],
                "tenant": [],
            },
            [
                ("/title", "wrong-type"),
                ("/description", "wrong-type"),
                ("/severity", "wrong-type"),
                ("/state", "wrong-type"),
                ("/key", "wrong-type"),
                ("/startsAt", "wrong-type"),
                ("/time", "wrong-type"),
                ("/labels", "wrong-type"),
                ("/tenant", "wrong-type"),
            ],
        ),
    ],
)
def test_every_fault_is_named_at_once(payload: Any, expected: list[tuple[str, str]]) -> None:
    assert faults(payload) == expected


def test_what_is_doubtful_is_accepted_and_flagged() -> None:
    signal = one(
        {
            "title": "t" * 900,
            "severity": "boom",
            "status": "odd",
            "timestamp": "soon",
            "id": "i" * 3000,
            "description": "d" * 30_000,
        }
    )
    assert signal.kind is SignalKind.TRIGGER
    assert signal.severity is None
    assert signal.occurred_at is None
    assert len(signal.title) == TITLE_LIMIT
    assert set(signal.flags) == {
        "title_truncated",
        "unknown_severity",
        "unknown_status",
        "unreadable_time",
        "external_id_truncated",
        "description_truncated",
    }


def test_a_clock_far_ahead_is_not_believed() -> None:
    ahead = (NOW + timedelta(days=2)).isoformat()
    signal = one({"title": "x", "timestamp": ahead})
    assert (signal.occurred_at, signal.flags) == (None, ("time_in_future",))
    little = (NOW + timedelta(minutes=5)).isoformat()
    assert one({"title": "x", "timestamp": little}).occurred_at == NOW + timedelta(minutes=5)


def test_a_naive_time_is_in_the_integration_s_zone() -> None:
    signal = one({"title": "x", "timestamp": "2026-01-05 12:00:00"}, zone="Asia/Kolkata")
    assert signal.occurred_at == utc(2026, 1, 5, 6, 30)


@pytest.mark.parametrize("name", ["external_id", "id", "fingerprint", "key", "dedup_key"])
def test_names_of_the_id(name: str) -> None:
    assert one({"title": "x", name: "a"}).external_id == "a"
    assert one({"title": "x", name: 12}).external_id == "12"
    assert one({"title": "x", name: " "}).external_id is None


def test_nul_and_line_breaks_cannot_get_through() -> None:
    signal = one({"title": "a\0b\r\nc", "id": "\0", "labels": {"\0": "\0"}, "x\0": ["\0"]})
    assert signal.title == "a\ufffdb c"
    assert signal.external_id == "\ufffd"
    assert signal.labels == {"\ufffd": "\ufffd"}
    assert signal.metadata == {"x\ufffd": ["\ufffd"]}


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"idempotency-key": "a", "x-request-id": "b"}, "a"),
        ({"x-delivery-id": "d", "webhook-id": "w"}, "d"),
        ({"idempotency-key": "  ", "x-request-id": "b"}, "b"),
        ({"webhook-id": "w"}, "w"),
        ({"x-other": "o"}, None),
        ({}, None),
    ],
)
def test_the_idempotency_key(headers: dict[str, str], key: str | None) -> None:
    assert idempotency_key(GENERIC, headers, {"id": "not it"}) == key


def test_an_over_long_key_is_replaced_by_its_digest() -> None:
    key = idempotency_key(GENERIC, {"idempotency-key": "k" * 256}, {})
    assert key is not None
    assert len(key) == 64
    assert idempotency_key(GENERIC, {"idempotency-key": "k" * 255}, {}) == "k" * 255


def test_a_list_is_as_many_alerts() -> None:
    payload = [{"id": "a", "title": "A"}, {"id": "b", "status": "ok"}, {"status": "DOWNTIMESTART"}]
    first, second = GENERIC.parse(payload, context())
    assert (first.external_id, first.kind) == ("a", SignalKind.TRIGGER)
    assert (second.external_id, second.kind) == ("b", SignalKind.RESOLVE)


def test_every_fault_of_a_list_is_named() -> None:
    payload = [{"title": 7}, {"id": "a", "title": "A"}, "x", {"title": "B", "labels": []}]
    assert faults(payload) == [
        ("/0/title", "wrong-type"),
        ("/2", "wrong-type"),
        ("/3/labels", "wrong-type"),
    ]
    assert faults([{"title": "x"}] * (MAX_ALERTS + 1)) == [("", "too-many-alerts")]


def test_objects_in_a_form_are_texts() -> None:
    signal = one({"title": "T", "labels": '{"host": "db-7"}', "metadata": '{"n": 1}'})
    assert (signal.labels, signal.metadata) == ({"host": "db-7"}, {"n": 1})
    assert faults({"title": "T", "labels": "{broken"}) == [("/labels", "wrong-type")]
