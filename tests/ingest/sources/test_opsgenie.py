from __future__ import annotations

import pytest

from tests.ingest.sources.sample_files import context, load, parse
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.opsgenie import Opsgenie
from tocsin.model import Severity, SignalKind

CREATE = load("opsgenie/create.json")


def test_create() -> None:
    (signal,) = parse("opsgenie/create.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "checkout/queue")
    assert (signal.title, signal.severity) == ("Queue of checkout grows", Severity.HIGH)
    assert signal.description == "9,000 orders wait"
    assert signal.labels == {
        "env": "prod",
        "urgent": "true",
        "region": "eu",
        "orders": "9000",
        "entity": "checkout",
        "source": "probe-1",
    }
    assert signal.metadata["responders"] == [{"type": "team", "name": "shop"}]
    assert signal.flags == ()
    assert signal.triggered_at is None


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("acknowledge", SignalKind.ACKNOWLEDGE),
        ("unacknowledge", SignalKind.UNACKNOWLEDGE),
        ("close", SignalKind.RESOLVE),
        ("delete", SignalKind.RESOLVE),
        ("priority", SignalKind.UPDATE),
        ("message", SignalKind.UPDATE),
        ("description", SignalKind.UPDATE),
        ("create", SignalKind.TRIGGER),
    ],
)
def test_actions(action: str, kind: SignalKind) -> None:
    document = {"action": action, "alias": "x", "body": CREATE}
    (signal,) = Opsgenie().parse(document, context())
    assert (signal.kind, signal.external_id) == (kind, "x")


def test_a_new_priority_leaves_the_words() -> None:
    (signal,) = parse("opsgenie/priority.json")
    assert (signal.title, signal.severity) == ("Queue of checkout grows", Severity.CRITICAL)
    assert (signal.description, signal.labels) == (None, {})


def test_other_actions_are_no_signals() -> None:
    for document in ({"action": "escalate"}, {"action": "note", "reason": "it is done"}):
        assert Opsgenie().parse(document, context()) == []
    assert Opsgenie().ignored_reason({"action": "note", "reason": "x"}, context()) == "x"
    assert "escalate" in Opsgenie().ignored_reason({"action": "escalate"}, context())


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({}, ["/message"]),
        ({"message": "  "}, ["/message"]),
        ({"message": [], "alias": 3}, ["/message", "/alias"]),
        ({"message": "x", "priority": "P0"}, ["/priority"]),
        ({"action": "close"}, ["/alias"]),
        ({"action": "close", "alias": "x", "body": "text"}, ["/body"]),
        ("text", [""]),
    ],
)
def test_faults(document: object, pointers: list[str]) -> None:
    with pytest.raises(InvalidPayload) as caught:
        Opsgenie().parse(document, context())
    assert [fault.pointer for fault in caught.value.faults] == pointers


@pytest.mark.parametrize(
    ("priority", "severity"), [("p1", Severity.CRITICAL), ("", None), (" ", None)]
)
def test_a_priority_in_small_letters_or_none(priority: str, severity: Severity | None) -> None:
    (signal,) = Opsgenie().parse({"message": "x", "priority": priority}, context())
    assert (signal.severity, signal.flags) == (severity, ())
