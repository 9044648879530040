from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from tests.ingest.sources.sample_files import NOW, context, load, parse, utc
from tocsin.ingest.proof.verify import LiveSecret, Profile, Refused, Verified, verify
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Secret, Severity, Signal, SignalKind

JIRA = SOURCES["jira"]
CREATED = load("jira/created.json")


def updated(
    category: str | None,
    *changes: dict[str, Any],
    event: str = "jira:issue_updated",
    fields: dict[str, Any] | None = None,
) -> dict[str, Any]:
    status = {"name": "Irgendwas", "statusCategory": {"key": category}}
    issue = CREATED["issue"]
    changed = issue["fields"] | {"status": status} | (fields or {})
    return CREATED | {
        "webhookEvent": event,
        "timestamp": 1772357400000,
        "issue": issue | {"fields": changed},
        "changelog": {"items": list(changes)},
    }


def moved(before: str) -> dict[str, Any]:
    return {"field": "status", "from": "1", "fromString": before, "to": "3", "toString": "x"}


def one(payload: Any) -> Signal:
    (signal,) = JIRA.parse(payload, context())
    return signal


REOPENED = {"field": "resolution", "from": "10000", "fromString": "Fertig", "to": None}


def test_an_issue_that_is_created() -> None:
    (signal,) = parse("jira/created.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "10042")
    assert (signal.title, signal.severity) == ("OPS-42 Checkout answers 5xx", Severity.CRITICAL)
    assert signal.description == "7 % of requests fail"
    assert (signal.triggered_at, signal.occurred_at) == (
        utc(2026, 3, 1, 9),
        utc(2026, 3, 1, 9, 0, 0, 123000),
    )
    assert signal.labels == {
        "team": "payments",
        "prod": "true",
        "project": "OPS",
        "issue_type": "Incident",
        "component": "checkout",
    }
    assert signal.metadata["url"] == "https://example.atlassian.net/browse/OPS-42"
    assert signal.flags == ()


@pytest.mark.parametrize(
    ("category", "changes", "kind"),
    [
        ("done", (moved("Open"),), SignalKind.RESOLVE),
        ("done", (), SignalKind.RESOLVE),
        ("indeterminate", (moved("Open"),), SignalKind.ACKNOWLEDGE),
        ("new", (moved("In Progress"),), SignalKind.UNACKNOWLEDGE),
        ("new", (moved("Done"),), SignalKind.TRIGGER),
        ("indeterminate", (moved("Resolved"),), SignalKind.TRIGGER),
        ("new", (REOPENED, moved("Fertig")), SignalKind.TRIGGER),
        ("new", ({"field": "priority", "toString": "High"},), SignalKind.UPDATE),
        ("indeterminate", (), SignalKind.UPDATE),
        ("undefined", (moved("Open"),), SignalKind.UPDATE),
        (None, (moved("Open"),), SignalKind.UPDATE),
    ],
)
def test_what_an_update_says(category: str | None, changes: Any, kind: SignalKind) -> None:
    signal = one(updated(category, *changes))
    assert (signal.kind, signal.external_id) == (kind, "10042")
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)
    at = utc(2026, 3, 1, 9, 30) if kind is SignalKind.TRIGGER else None
    assert signal.triggered_at == at


def test_an_issue_that_is_deleted_is_over() -> None:
    assert one(updated("new", event="jira:issue_deleted")).kind is SignalKind.RESOLVE


@pytest.mark.parametrize(
    ("priority", "severity", "flags"),
    [
        ({"name": "High", "id": "2"}, Severity.HIGH, ()),
        ({"name": "Lowest", "id": "5"}, Severity.INFO, ()),
        ({"name": "Blocker", "id": "10001"}, Severity.CRITICAL, ()),
        ({"name": "P1", "id": "10002"}, Severity.CRITICAL, ()),
        ({"name": "Höchste", "id": "1"}, Severity.CRITICAL, ()),
        ({"name": "Wichtig", "id": "10009"}, None, ("unknown_severity",)),
        (None, None, ()),
    ],
)
def test_priorities(priority: Any, severity: Severity | None, flags: tuple[str, ...]) -> None:
    signal = one(updated("new", fields={"priority": priority}))
    assert (signal.severity, signal.flags) == (severity, flags)


def test_other_events_are_no_alerts() -> None:
    assert parse("jira/comment.json") == []
    assert "comment_created" in JIRA.ignored_reason(load("jira/comment.json"), context())
    assert JIRA.parse({}, context()) == []


def test_its_header_names_the_delivery() -> None:
    headers = {"x-atlassian-webhook-identifier": "d-1"}
    assert idempotency_key(JIRA, headers, CREATED) == "d-1"
    assert JIRA.window_minutes > 5 * 15


def test_doubts_and_faults() -> None:
    assert one(updated("new", fields={"summary": None})).flags == ("title_missing",)
    assert one(CREATED | {"timestamp": "soon"}).flags == ("unreadable_time",)
    rich = {"description": {"type": "doc", "content": []}, "labels": "x", "components": [7]}
    assert one(updated("new", fields=rich)).description is None
    assert one(CREATED | {"changelog": {"items": "x"}}).kind is SignalKind.TRIGGER
    for payload, pointer in (
        ([], ""),
        ({"webhookEvent": "jira:issue_created"}, "/issue"),
        ({"webhookEvent": "jira:issue_created", "issue": {"fields": {}}}, "/issue/id"),
    ):
        with pytest.raises(InvalidPayload) as caught:
            JIRA.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_signature() -> None:
    body, secret = b"{}", "another secret"
    preset = {name: getattr(JIRA.preset, name) for name in JIRA.preset.__dataclass_fields__}
    profile = Profile(secrets=(LiveSecret(Secret(secret)),), **preset)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    signed = {"x-hub-signature": f"sha256={digest}"}
    assert verify(profile, signed, body, NOW) == Verified(0)
    assert verify(profile, {"x-hub-signature": digest}, body, NOW) == Refused("invalid-signature")
