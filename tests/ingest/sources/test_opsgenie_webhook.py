from __future__ import annotations

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, SignalKind

OPSGENIE = SOURCES["opsgenie_webhook"]
CREATE = load("opsgenie_webhook/create.json")


def test_create() -> None:
    (signal,) = parse("opsgenie_webhook/create.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "a-1")
    assert (signal.title, signal.severity) == ("Checkout fails", Severity.CRITICAL)
    assert signal.description == "5xx"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "prod": "true",
        "region": "eu",
        "entity": "checkout",
        "source": "probe",
        "team": "on-call",
    }
    assert signal.metadata["alias"] == "checkout-5xx"
    assert signal.flags == ()


def test_acknowledge_and_close_say_when_in_nanoseconds() -> None:
    (taken,) = parse("opsgenie_webhook/acknowledge.json")
    assert (taken.kind, taken.occurred_at) == (SignalKind.ACKNOWLEDGE, utc(2026, 3, 1, 9, 5))
    (closed,) = parse("opsgenie_webhook/close.json")
    assert (closed.kind, closed.external_id) == (SignalKind.RESOLVE, "a-1")
    assert closed.occurred_at == utc(2026, 3, 1, 9, 30)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("UnAcknowledge", SignalKind.UNACKNOWLEDGE),
        ("Delete", SignalKind.RESOLVE),
        ("UpdatePriority", SignalKind.UPDATE),
        ("Update Message", SignalKind.UPDATE),
    ],
)
def test_other_actions(action: str, kind: SignalKind) -> None:
    (signal,) = OPSGENIE.parse(CREATE | {"action": action}, context())
    assert signal.kind is kind


def test_notes_are_ignored_with_a_reason() -> None:
    assert parse("opsgenie_webhook/note.json") == []
    reason = OPSGENIE.ignored_reason(load("opsgenie_webhook/note.json"), context())
    assert reason == "the action AddNote opens, changes or ends no alert"


def test_doubts_and_faults() -> None:
    (bare,) = OPSGENIE.parse({"action": "Create", "alert": {"alertId": "a"}}, context())
    assert (bare.title, bare.flags) == ("Opsgenie alert a", ("title_missing",))
    for payload, pointer in (
        ({"action": "Create"}, "/alert"),
        ({"action": "Create", "alert": {}}, "/alert/alertId"),
        ([], ""),
    ):
        with pytest.raises(InvalidPayload) as caught:
            OPSGENIE.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]
