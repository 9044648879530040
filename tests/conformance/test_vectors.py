"""Sample payloads and signatures collected elsewhere, in the folder named by TOCSIN_VECTORS."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tocsin.ingest.proof.sns import public_key
from tocsin.ingest.proof.verify import INVALID, LiveSecret, Profile, Verified, verify
from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.decode import decode
from tocsin.ingest.sources.kit.labels_fingerprint import labels_fingerprint
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Secret, Severity, SignalKind, SignedContent

FOLDER = Path(os.environ.get("TOCSIN_VECTORS") or "/nonexistent")
# Names there that differ from ours.
TYPES = {
    "pagerduty_v3": "pagerduty",
    "pagerduty_events_v2": "pagerduty_events",
    "prometheus_api_v2": "prometheus",
    "generic_hmac": "generic",
}
# Of requests whose path names the alert; it is put beside the body.
FROM_PATH = "<path identifier, percent-decoded>"
TRIGGER = SignalKind.TRIGGER
NOW = datetime(2026, 11, 1, tzinfo=UTC)
# What says until when it fires has to be read while it does.
RECEIVED = {"prometheus_api_v2/firing.json": datetime(2020, 8, 8, 14, 33, tzinfo=UTC)}


def _load(name: str) -> list[dict[str, Any]]:
    path = FOLDER / name
    return json.loads(path.read_text()) if path.is_file() else []


PAYLOADS = [entry for entry in _load("INDEX.json") if entry["expect"] is not None]
SIGNATURES = _load("signatures.json")

pytestmark = pytest.mark.skipif(
    not PAYLOADS, reason="TOCSIN_VECTORS names no folder with INDEX.json"
)


@pytest.mark.parametrize("entry", PAYLOADS, ids=lambda entry: entry["file"])
def test_a_payload_normalises_as_expected(entry: dict[str, Any]) -> None:
    source = SOURCES.get(TYPES.get(entry["source"], entry["source"]))
    if source is None:
        pytest.skip(f"no source {entry['source']} yet")
    headers = {name.lower(): value for name, value in entry["request_headers"].items()}
    payload = decode((FOLDER / entry["file"]).read_bytes(), headers.get("content-type"))
    if any(expected["external_id"] == FROM_PATH for expected in entry["expect"]):
        payload = {"action": Path(entry["file"]).stem, "alias": FROM_PATH, "body": payload}
    signals = source.parse(
        payload, Context(headers, RECEIVED.get(entry["file"], NOW), ZoneInfo("UTC"))
    )
    # The vectors say what opens, acknowledges or ends an alert; what only changes one is ours.
    signals = [signal for signal in signals if signal.kind is not SignalKind.UPDATE]
    assert len(signals) == len(entry["expect"])
    for signal, expected in zip(signals, entry["expect"], strict=True):
        # What takes an acknowledgement back is notified like a trigger, and a trigger to the vectors.
        kind = TRIGGER if signal.kind is SignalKind.UNACKNOWLEDGE else signal.kind
        assert kind.value == expected["kind"]
        assert signal.external_id == expected["external_id"]
        assert signal.flags == ()
        if "title" in expected:
            assert signal.title == expected["title"]
        if (severity := expected.get("severity")) is not None:
            # A source that says nothing leaves it to the integration, whose default is HIGH.
            assert (signal.severity or Severity.HIGH).value == severity
        elif "severity" in expected:
            assert signal.severity is None
        if (at := expected.get("triggered_at")) is not None:
            # Of an end that does not say when it all began, the vectors mean when it ended.
            said = signal.triggered_at or (
                signal.occurred_at if signal.kind is SignalKind.RESOLVE else None
            )
            assert said == datetime.fromisoformat(at)


def _profile(type_: str, secret: str, **given: Any) -> Profile:
    preset = SOURCES[type_].preset
    fields = {name: getattr(preset, name) for name in preset.__dataclass_fields__}
    return Profile(secrets=(LiveSecret(Secret(secret)),), **(fields | given))


def _case(entry: dict[str, Any]) -> tuple[Profile, dict[str, str], bytes, datetime] | None:
    name = entry["scheme"].split()[0]
    type_ = TYPES.get(name, name)
    given: dict[str, Any] = {}
    if name == "generic_hmac":
        given = {"signature_header": entry["header"], "signature_prefix": "sha256="}
    if type_ not in SOURCES or "secret" not in entry:
        return None
    body = entry["body"].encode() if "body" in entry else (FOLDER / entry["body_file"]).read_bytes()
    headers = entry.get("headers") or {entry["header"]: entry["value"]}
    headers = {name.lower(): value for name, value in headers.items()}
    given |= _stamped(type_, headers)
    sent = (headers.get(name) for name in ("webhook-timestamp", "svix-timestamp"))
    at = int(next(filter(None, sent), headers.get(given.get("timestamp_header"), NOW.timestamp())))
    return _profile(type_, entry["secret"], **given), headers, body, datetime.fromtimestamp(at, UTC)


def _stamped(type_: str, headers: dict[str, str]) -> dict[str, Any]:
    """Grafana signs the time too once a header for it is named, whose name is its user's choice."""
    own = SOURCES[type_].preset.signature_header.lower()
    others = [name for name, value in headers.items() if name != own and value.isdigit()]
    if type_ != "grafana" or not others:
        return {}
    return {"timestamp_header": others[0], "signed_content": SignedContent.TIMESTAMP_COLON_BODY}


def _check_sns(entry: dict[str, Any]) -> None:
    key = public_key((FOLDER / entry["cert"]).read_bytes())
    assert key is not None
    folder = (FOLDER / entry["cert"]).parent
    bodies = [(folder / name).read_bytes() for name in entry["files"] if (folder / name).is_file()]
    assert bodies
    for body in bodies:
        document = json.loads(body)
        now = datetime.fromisoformat(document["Timestamp"])
        given = {"auth_scheme": "sns", "signing_keys": {document["SigningCertURL"]: key}}
        profile = _profile("aws_sns_cloudwatch", "a-secret", **given)
        assert verify(profile, {}, body, now, path_secret="a-secret") == Verified(0)
        changed = json.dumps(document | {"Message": "another"}).encode()
        assert verify(profile, {}, changed, now, path_secret="a-secret") == INVALID


@pytest.mark.parametrize("entry", SIGNATURES, ids=lambda entry: entry["scheme"])
def test_a_signature_verifies(entry: dict[str, Any]) -> None:
    if entry["scheme"].startswith("prometheus fingerprint"):
        for case in entry["cases"]:
            assert labels_fingerprint(case["labels"]) == case["fingerprint"]
        return
    if "cert" in entry:
        _check_sns(entry)
        return
    if (case := _case(entry)) is None:
        pytest.skip(f"no source verifies {entry['scheme']} yet")
    profile, headers, body, now = case
    assert verify(profile, headers, body, now) == Verified(0)
    assert verify(profile, headers, body + b" ", now) == INVALID
