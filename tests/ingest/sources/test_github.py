from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from tests.ingest.sources.sample_files import SAMPLES, context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

GITHUB = SOURCES["github"]


def one(event: str, path: str, **changes: Any) -> Signal:
    payload = load(path)
    part = payload.get("alert") or payload.get("workflow_run")
    part.update({k: v for k, v in changes.items() if k != "action"})
    payload["action"] = changes.get("action", payload["action"])
    (signal,) = GITHUB.parse(payload, context({"x-github-event": event}))
    return signal


def test_dependabot_reopened_happens_when_it_is_updated() -> None:
    signal = one("dependabot_alert", "github/dependabot_reopened.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "https://github.com/example/shop/security/dependabot/4"
    assert signal.title == "padder evaluates its input"
    assert signal.severity is Severity.CRITICAL
    assert signal.triggered_at == utc(2026, 2, 1, 9)
    assert signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels["package"] == "padder"
    assert "cve" not in signal.labels


@pytest.mark.parametrize("action", ["fixed", "dismissed", "auto_dismissed"])
def test_dependabot_ends(action: str) -> None:
    signal = one(
        "dependabot_alert",
        "github/dependabot_reopened.json",
        action=action,
        dismissed_at="2026-03-01T10:00:00Z",
    )
    assert (signal.kind, signal.occurred_at) == (SignalKind.RESOLVE, utc(2026, 3, 1, 10))


def test_code_scanning_prefers_the_security_severity() -> None:
    path = "github/code_scanning_created.json"
    signal = one("code_scanning_alert", path)
    assert signal.severity is Severity.HIGH
    assert signal.title == "Uncontrolled data used in path expression"
    assert signal.labels["path"] == "shop/files.py"
    plain = one("code_scanning_alert", path, rule={"severity": "note", "name": "n"})
    assert (plain.severity, plain.title) == (Severity.INFO, "n")
    odd = one("code_scanning_alert", path, rule={"severity": "odd", "id": "i"})
    assert (odd.severity, odd.title, odd.flags) == (None, "i", ("unknown_severity",))


def test_a_leaked_secret_is_not_leaked_further() -> None:
    signal = one("secret_scanning_alert", "github/secret_scanning_created.json")
    assert signal.title == "Secret exposed: Example API Token"
    assert signal.severity is Severity.HIGH
    assert b"extok" in (SAMPLES / "github/secret_scanning_created.json").read_bytes()
    assert b"extok" not in msgspec.json.encode(signal)


def test_a_failed_run_and_the_next_good_one() -> None:
    failed = one("workflow_run", "github/workflow_run_timed_out.json")
    good = one("workflow_run", "github/workflow_run_success.json")
    assert failed.external_id == good.external_id == "example/shop#workflow/55@main"
    assert (failed.kind, good.kind) == (SignalKind.TRIGGER, SignalKind.RESOLVE)
    assert failed.title == "ci timed out on main (example/shop)"
    assert failed.occurred_at == utc(2026, 3, 1, 9, 30)
    assert failed.occurred_at < good.occurred_at  # type: ignore[operator]


def test_a_run_that_could_not_start() -> None:
    signal = one("workflow_run", "github/workflow_run_success.json", conclusion="startup_failure")
    assert (signal.kind, signal.external_id) == (
        SignalKind.TRIGGER,
        "example/shop#workflow/55@main",
    )
    assert signal.title == "ci could not start on main (example/shop)"


@pytest.mark.parametrize("head", [{"full_name": "stranger/shop", "fork": True}, None])
@pytest.mark.parametrize("conclusion", ["failure", "success"])
def test_a_fork_s_main_is_not_ours(head: Any, conclusion: str) -> None:
    path = "github/workflow_run_success.json"
    ours = one("workflow_run", path, head_repository={"full_name": "Example/Shop", "fork": True})
    fork = one("workflow_run", path, head_repository=head, conclusion=conclusion)
    assert ours.external_id == one("workflow_run", path).external_id
    assert fork.external_id != ours.external_id
    assert (ours.labels["branch"], "fork" in ours.labels) == ("main", False)
    # Nor does a rule for the branch main take it for ours.
    assert fork.labels["branch"] == f"{fork.labels['fork']}:main"


@pytest.mark.parametrize(
    ("event", "path", "change", "reason"),
    [
        ("ping", "github/ping.json", {}, "ping"),
        ("push", "github/ping.json", {}, "push"),
        ("workflow_run", "github/workflow_run_success.json", {"action": "requested"}, "ended with"),
        (
            "code_scanning_alert",
            "github/code_scanning_created.json",
            {"action": "appeared_in_branch"},
            "appeared",
        ),
    ],
)
def test_other_events_are_ignored(event: str, path: str, change: Any, reason: str) -> None:
    payload = load(path) | change
    given = context({"x-github-event": event})
    assert GITHUB.parse(payload, given) == []
    assert reason in GITHUB.ignored_reason(payload, given)


@pytest.mark.parametrize("conclusion", ["cancelled", "skipped", "neutral", None])
def test_other_conclusions_are_ignored(conclusion: str | None) -> None:
    payload = load("github/workflow_run_success.json")
    payload["workflow_run"]["conclusion"] = conclusion
    assert GITHUB.parse(payload, context()) == []


def test_without_the_header_the_payload_decides() -> None:
    assert parse("github/ping.json") == []
    assert parse("github/dependabot_reopened.json")[0].labels["event"] == "dependabot_alert"
    with pytest.raises(InvalidPayload, match="X-GitHub-Event"):
        GITHUB.parse({"action": "created"}, context())


@pytest.mark.parametrize(
    ("event", "payload", "pointer"),
    [
        ("dependabot_alert", {"action": "created"}, "/alert"),
        ("dependabot_alert", {"action": "created", "alert": []}, "/alert"),
        ("dependabot_alert", {"action": "created", "alert": {}}, "/alert/html_url"),
        ("workflow_run", {"action": "completed"}, "/workflow_run"),
        ("ping", [], ""),
    ],
)
def test_faults(event: str, payload: Any, pointer: str) -> None:
    with pytest.raises(InvalidPayload) as error:
        GITHUB.parse(payload, context({"x-github-event": event}))
    assert error.value.faults[0].pointer == pointer


def test_a_form_of_github_s() -> None:
    raw = (SAMPLES / "github/workflow_run_timed_out.json").read_bytes()
    payload = decode(
        urlencode({"payload": raw.decode()}).encode(), "application/x-www-form-urlencoded"
    )
    assert len(GITHUB.parse(payload, context({"x-github-event": "workflow_run"}))) == 1


def test_the_delivery_s_name() -> None:
    headers = {"x-github-delivery": "guid", "x-request-id": "proxy"}
    assert idempotency_key(GITHUB, headers, {}) == "guid"
