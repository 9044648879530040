from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

SENTRY = SOURCES["sentry"]


def issue(action: str = "created", **changed: Any) -> Signal:
    payload = load("sentry/issue_created.json")
    data = {"issue": payload["data"]["issue"] | changed}
    (signal,) = SENTRY.parse({"action": action, "data": data}, context())
    return signal


def test_a_new_issue() -> None:
    (signal,) = parse("sentry/issue_created.json", {"sentry-hook-resource": "issue"})
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "issue:4711")
    assert (signal.title, signal.severity) == ("KeyError: 'total'", Severity.HIGH)
    assert signal.description == "shop.views in pay"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {"project": "shop", "level": "error"}
    assert signal.metadata["web_url"] == "https://shop.sentry.io/issues/4711/"
    assert signal.flags == ()


def test_an_issue_alert_and_its_issue_are_one_alert() -> None:
    (signal,) = parse("sentry/issue_alert.json", {"sentry-hook-resource": "event_alert"})
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "issue:4711")
    assert (signal.severity, signal.triggered_at) == (
        Severity.CRITICAL,
        utc(2026, 3, 1, 9, 0, 5, 500000),
    )
    assert signal.labels == {
        "browser": "Firefox 140",
        "server_name": "web-1",
        "project": "1",
        "environment": "production",
        "level": "fatal",
        "rule": "Every new error",
    }
    (ended,) = parse("sentry/issue_resolved.json")
    assert (ended.kind, ended.external_id) == (SignalKind.RESOLVE, signal.external_id)


def test_an_issue_that_comes_back_starts_now() -> None:
    (signal,) = parse("sentry/issue_unresolved.json")
    assert (signal.kind, signal.triggered_at) == (SignalKind.TRIGGER, None)


@pytest.mark.parametrize("action", ["assigned", "archived", "ignored"])
def test_taken_or_put_away_is_acknowledged(action: str) -> None:
    assert issue(action).kind is SignalKind.ACKNOWLEDGE


def test_metric_alerts() -> None:
    (signal,) = parse("sentry/metric_critical.json", {"sentry-hook-resource": "metric_alert"})
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "metric_alert:12")
    assert (signal.title, signal.severity) == ("Many errors", Severity.CRITICAL)
    assert signal.triggered_at == utc(2026, 3, 1, 9)
    assert signal.labels == {"project": "shop,api", "environment": "production"}
    (ended,) = parse("sentry/metric_resolved.json")
    assert (ended.kind, ended.severity) == (SignalKind.RESOLVE, None)
    assert ended.occurred_at == utc(2026, 3, 1, 9, 30)
    warning = load("sentry/metric_critical.json") | {"action": "warning"}
    assert SENTRY.parse(warning, context())[0].severity is Severity.MEDIUM


def test_levels() -> None:
    assert issue(level="sample").severity is Severity.INFO
    assert issue(level="warning").severity is Severity.MEDIUM
    assert issue(level="grim").flags == ("unknown_severity",)
    assert issue(title=None).flags == ("title_missing",)


def test_other_resources_are_ignored_with_a_reason() -> None:
    headers = {"sentry-hook-resource": "installation"}
    assert parse("sentry/installation.json", headers) == []
    assert parse("sentry/installation.json") == []
    payload = load("sentry/installation.json")
    reason = SENTRY.ignored_reason(payload, context(headers))
    assert reason == "installation created opens, changes or ends no alert"


@pytest.mark.parametrize(
    ("resource", "action", "data", "pointer"),
    [
        ("issue", "created", {"issue": 1}, "/data/issue"),
        ("issue", "created", {"issue": {}}, "/data/issue/id"),
        ("event_alert", "triggered", {"event": {}}, "/data/event/issue_id"),
        ("metric_alert", "open", {"metric_alert": {}}, "/data/metric_alert/id"),
        ("metric_alert", "open", None, "/data/metric_alert"),
    ],
)
def test_faults(resource: str, action: str, data: Any, pointer: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        SENTRY.parse({"action": action, "data": data}, context({"sentry-hook-resource": resource}))
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_id_of_a_request_names_no_delivery() -> None:
    assert idempotency_key(SENTRY, {"request-id": "a"}, load("sentry/issue_created.json")) is None


def test_the_older_webhook_of_a_project_is_about_the_same_issue() -> None:
    (signal,) = parse("sentry/project_webhook.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "issue:4711")
    assert (signal.title, signal.severity) == ("KeyError: 'total'", Severity.CRITICAL)
    assert signal.triggered_at == utc(2026, 3, 1, 9, 0, 5, 500000)
    assert signal.labels == {
        "server_name": "web-1",
        "project": "shop",
        "environment": "production",
        "level": "fatal",
        "rule": "Every new error",
    }
    assert signal.metadata["web_url"].startswith("https://shop.sentry.io/issues/4711/")
    assert signal.flags == ()
    bare = {"id": 7, "project_slug": "shop", "message": "x", "event": None}
    assert SENTRY.parse(bare, context())[0].external_id == "issue:7"
