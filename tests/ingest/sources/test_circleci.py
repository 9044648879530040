from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from tests.ingest.sources.sample_files import NOW, context, load, parse, utc
from tocsin.ingest.proof.verify import LiveSecret, Profile, Refused, Verified, verify
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Secret, Signal, SignalKind

CIRCLE = SOURCES["circleci"]
FAILED = load("circleci/workflow_failed.json")


def one(payload: Any, **given: Any) -> Signal:
    (signal,) = CIRCLE.parse(payload, context(**given))
    return signal


def ended_as(status: str | None) -> dict[str, Any]:
    return FAILED | {"workflow": FAILED["workflow"] | {"status": status}}


def on(vcs: dict[str, Any]) -> dict[str, Any]:
    pipeline = FAILED["pipeline"]
    return FAILED | {"pipeline": pipeline | {"vcs": pipeline["vcs"] | vcs}}


def test_a_workflow_that_failed() -> None:
    (signal,) = parse("circleci/workflow_failed.json")
    assert signal.kind is SignalKind.TRIGGER
    assert signal.external_id == "github/shop/checkout/main/build-and-deploy"
    assert signal.title == "Workflow build-and-deploy failed on main"
    assert signal.description == "Round prices up"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 170000)
    assert signal.labels == {
        "project": "checkout",
        "organization": "shop",
        "workflow": "build-and-deploy",
        "branch": "main",
    }
    assert signal.metadata["url"].endswith("/workflows/wf-1")
    assert "ada@example.com" not in str(signal.metadata)
    assert signal.flags == ()


def test_its_next_success_ends_it() -> None:
    signal = one(ended_as("success"))
    assert (signal.kind, signal.external_id) == (
        SignalKind.RESOLVE,
        "github/shop/checkout/main/build-and-deploy",
    )


def test_a_job_of_gitlab_that_bears_the_type_of_a_workflow() -> None:
    (signal,) = parse("circleci/job_gitlab.json")
    assert (signal.kind, signal.external_id) == (
        SignalKind.RESOLVE,
        "circleci/Dda/6Ek/main/build/unit tests",
    )
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30, 12, 982000)
    assert (signal.labels["job"], signal.labels["branch"]) == ("unit tests", "main")


def test_a_branch_of_a_fork_is_another() -> None:
    fork = one(on({"origin_repository_url": "https://github.com/eve/checkout"}))
    assert fork.external_id != one(FAILED).external_id
    assert fork.labels["fork"] == "https://github.com/eve/checkout"


def test_a_tag_where_there_is_no_branch() -> None:
    signal = one(on({"branch": None, "tag": "v1.2"}))
    assert signal.external_id == "github/shop/checkout/v1.2/build-and-deploy"
    assert signal.labels["tag"] == "v1.2"


@pytest.mark.parametrize("status", ["canceled", "unauthorized", "CANCELED"])
def test_what_was_stopped_is_no_alert(status: str) -> None:
    assert CIRCLE.parse(ended_as(status), context()) == []
    assert status.lower() in CIRCLE.ignored_reason(ended_as(status), context())


def test_a_ping_is_no_alert() -> None:
    assert parse("circleci/ping.json") == []
    assert "ping" in CIRCLE.ignored_reason(load("circleci/ping.json"), context())


def test_its_id_names_the_delivery() -> None:
    assert idempotency_key(CIRCLE, {}, FAILED) == "d-1"


def test_doubts_and_faults() -> None:
    assert one(ended_as("odd")).flags == ("unknown_status",)
    assert one(ended_as("error")).kind is SignalKind.TRIGGER
    for payload, pointer in (
        ("x", ""),
        (FAILED | {"project": None}, "/project/slug"),
        (FAILED | {"workflow": {"status": "failed"}}, "/workflow/name"),
    ):
        with pytest.raises(InvalidPayload) as caught:
            CIRCLE.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("header", "is_right"),
    [
        ("v1={}", True),
        ("v2=00,v1={}", True),
        ("v1={},v2=00", True),
        ("{}", False),
        ("v2={}", False),
    ],
)
def test_the_signature_is_the_one_of_version_1(header: str, is_right: bool) -> None:
    body, secret = b'{"id": "d-1"}', "another secret"
    preset = {name: getattr(CIRCLE.preset, name) for name in CIRCLE.preset.__dataclass_fields__}
    profile = Profile(secrets=(LiveSecret(Secret(secret)),), **preset)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    outcome = verify(profile, {"circleci-signature": header.format(digest)}, body, NOW)
    assert outcome == (Verified(0) if is_right else Refused("invalid-signature"))
