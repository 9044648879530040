from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.ingest.sources.sample_files import NOW, context, load, parse, utc
from tocsin.ingest.proof.sign import sign
from tocsin.ingest.proof.verify import LiveSecret, Profile, Verified, verify
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import AuthScheme, Secret, Severity, Signal, SignalKind

GITLAB = SOURCES["gitlab"]


def one(name: str, **changed: Any) -> Signal:
    payload = load(f"gitlab/{name}.json")
    attributes = payload.get("object_attributes", {})
    (signal,) = GITLAB.parse(payload | {"object_attributes": attributes | changed}, context())
    return signal


def test_an_incident() -> None:
    (signal,) = parse("gitlab/incident_opened.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "shop/checkout#23")
    assert (signal.title, signal.severity) == ("Checkout fails", Severity.CRITICAL)
    assert signal.triggered_at == utc(2026, 3, 1, 9)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 5)
    assert signal.labels == {
        "project": "shop/checkout",
        "team": "payments",
        "prod": "true",
        "escalation_policy": "On-call",
    }
    assert signal.metadata["user"] == "Ada"
    assert signal.flags == ()


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"action": "reopen"}, SignalKind.TRIGGER),
        ({"action": "update"}, SignalKind.UPDATE),
        ({"action": "update", "escalation_status": "acknowledged"}, SignalKind.ACKNOWLEDGE),
        ({"action": "update", "escalation_status": "resolved"}, SignalKind.RESOLVE),
        ({"action": "close", "escalation_status": "triggered"}, SignalKind.RESOLVE),
    ],
)
def test_what_happens_to_an_incident(changed: dict[str, Any], kind: SignalKind) -> None:
    assert one("incident_opened", **changed).kind is kind


def test_an_incident_that_is_opened_again_starts_now() -> None:
    assert one("incident_opened", action="reopen").triggered_at == utc(2026, 3, 1, 9, 5)


def test_other_events_are_ignored_with_a_reason() -> None:
    for name, reason in (
        ("issue_opened", "this issue neither fails nor recovers, or is no incident"),
        ("push", "the event push opens, changes or ends no alert"),
    ):
        payload = load(f"gitlab/{name}.json")
        assert GITLAB.parse(payload, context()) == []
        assert GITLAB.ignored_reason(payload, context()) == reason


@pytest.mark.parametrize(
    ("state", "kind", "flags"),
    [
        ("detected", SignalKind.TRIGGER, ()),
        ("confirmed", SignalKind.ACKNOWLEDGE, ()),
        ("resolved", SignalKind.RESOLVE, ()),
        ("dismissed", SignalKind.RESOLVE, ()),
        ("odd", SignalKind.TRIGGER, ("unknown_status",)),
    ],
)
def test_vulnerabilities(state: str, kind: SignalKind, flags: tuple[str, ...]) -> None:
    signal = one("vulnerability", state=state)
    assert (signal.kind, signal.severity, signal.flags) == (kind, Severity.HIGH, flags)
    assert signal.external_id.endswith("/vulnerabilities/9")  # type: ignore[union-attr]


def test_a_pipeline_fails_and_is_resolved_by_its_like() -> None:
    (signal,) = parse("gitlab/pipeline_failed.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "pipeline:14:main:schedule")
    assert (signal.title, signal.description) == ("Pipeline of main failed", "Add a test")
    assert signal.triggered_at == utc(2026, 3, 1, 9, 10)
    succeeded = one("pipeline_failed", status="success")
    assert (succeeded.kind, succeeded.external_id) == (SignalKind.RESOLVE, signal.external_id)
    assert one("pipeline_failed", source="push").external_id != signal.external_id
    running = load("gitlab/pipeline_failed.json")
    running["object_attributes"]["status"] = "running"
    assert GITLAB.parse(running, context()) == []


def test_jobs_and_deployments() -> None:
    (job,) = parse("gitlab/job_failed.json")
    assert (job.kind, job.external_id) == (SignalKind.TRIGGER, "job:14:main:test")
    assert job.labels == {
        "project": "Shop / checkout",
        "ref": "main",
        "job": "test",
        "stage": "check",
    }
    allowed = load("gitlab/job_failed.json") | {"build_allow_failure": True}
    assert GITLAB.parse(allowed, context()) == []
    (deployed,) = parse("gitlab/deployment_success.json")
    assert (deployed.kind, deployed.external_id) == (
        SignalKind.RESOLVE,
        "deployment:14:production",
    )
    assert deployed.occurred_at == utc(2026, 3, 1, 9)


def test_doubts() -> None:
    assert one("incident_opened", severity="unknown").severity is None
    assert one("incident_opened", severity="dire").flags == ("unknown_severity",)
    assert one("incident_opened", title=" ").flags == ("title_missing",)


def test_faults() -> None:
    incident = {"type": "incident"}
    for payload, pointer in (
        ({"object_kind": "issue"}, "/object_attributes"),
        ({"object_kind": "issue", "object_attributes": incident}, "/object_attributes/iid"),
        ({"object_kind": "vulnerability", "object_attributes": {}}, "/object_attributes/url"),
        (1, ""),
    ):
        with pytest.raises(InvalidPayload) as caught:
            GITLAB.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_a_delivery_keeps_its_name_over_retries() -> None:
    assert idempotency_key(GITLAB, {"idempotency-key": "a"}, {}) == "a"


def test_a_signing_token_verifies_by_the_settings_of_the_page() -> None:
    preset = {name: getattr(GITLAB.preset, name) for name in GITLAB.preset.__dataclass_fields__}
    token = LiveSecret(Secret("whsec_" + "QUJD" * 11))
    plain = Profile(secrets=(token,), **preset)
    assert plain.auth_scheme is AuthScheme.TOKEN
    headers = {"x-gitlab-token": token.secret.reveal_text()}
    assert verify(plain, headers, b"{}", NOW) == Verified(0)
    signed = {
        "auth_scheme": "hmac",
        "signature_header": "webhook-signature",
        "signature_format": "base64",
        "signature_prefix": "v1,",
        "signed_content": "id.timestamp.body",
        "timestamp_header": "webhook-timestamp",
    }
    profile = Profile(secrets=(token,), **(preset | signed))
    at = datetime(2026, 3, 1, tzinfo=UTC)
    sent = {k.lower(): v for k, v in sign(profile, b"{}", at, delivery_id="d-1").items()}
    assert set(sent) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert verify(profile, sent, b"{}", at) == Verified(0)
