"""What holds of every source, whatever it is sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.sources.kit.test_fingerprint import JSON
from tests.ingest.sources.kit.test_storable import storable
from tests.ingest.sources.sample_files import NOW, SAMPLES, context
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.kit.fingerprint import fingerprint
from tocsin.ingest.sources.kit.storable import EXTERNAL_ID_BYTES
from tocsin.ingest.sources.registry import SOURCES, get, idempotency_key
from tocsin.ingest.sources.samples import kinds, sample
from tocsin.model import (
    DESCRIPTION_LIMIT,
    LABEL_VALUE_LIMIT,
    TITLE_LIMIT,
    Severity,
    Signal,
    SignalKind,
)

REAL = [decode(path.read_bytes(), None) for path in sorted(SAMPLES.rglob("*.json"))]
EVENTS = st.sampled_from(
    [
        "",
        "ping",
        "push",
        "workflow_run",
        "dependabot_alert",
        "code_scanning_alert",
        "secret_scanning_alert",
        "event_alert",
        "metric_alert",
        "issue",
    ]
)
NASTY = st.sampled_from(["\0", "", "$X", "9" * 50, "\x7f\n", "é" * 2500, "0001-01-01T00:00:00Z"])


@st.composite
def bent(draw: st.DrawFn) -> Any:
    """A real payload with a few values replaced by others."""
    payload = msgspec.json.decode(msgspec.json.encode(draw(st.sampled_from(REAL))))
    for _ in range(draw(st.integers(0, 4))):
        at = payload
        while isinstance(at, (dict, list)) and at:
            key = draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
            inner = at[key]
            if isinstance(inner, (dict, list)) and inner and draw(st.integers(0, 4)):
                at = inner
                continue
            at[key] = draw(JSON | NASTY)
            break
    return payload


def check(signal: Signal) -> None:
    assert isinstance(signal.kind, SignalKind)
    assert signal.severity is None or isinstance(signal.severity, Severity)
    assert signal.title.strip()
    assert len(signal.title) <= TITLE_LIMIT
    assert signal.description is None or len(signal.description) <= DESCRIPTION_LIMIT
    assert signal.external_id is None or 0 < len(signal.external_id.encode()) <= EXTERNAL_ID_BYTES
    for text in (signal.title, signal.description, signal.external_id, signal.tenant):
        assert storable(text)
    for name, value in signal.labels.items():
        assert type(name) is str
        assert type(value) is str
        assert len(value) <= LABEL_VALUE_LIMIT
    assert storable(signal.labels)
    assert type(signal.metadata) is dict
    assert storable(signal.metadata)
    for at in (signal.triggered_at, signal.occurred_at):
        assert at is None or at.utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    assert all(type(flag) is str for flag in signal.flags)


@pytest.mark.parametrize("type_", sorted(SOURCES))
@settings(max_examples=150)
@given(payload=JSON | bent(), event=EVENTS)
def test_signals_or_faults_and_nothing_else(type_: str, payload: Any, event: str) -> None:
    source = SOURCES[type_]
    given_ = context({"x-github-event": event} | ({"sentry-hook-resource": event} if event else {}))
    before = msgspec.json.encode(payload)
    try:
        signals = source.parse(payload, given_)
    except InvalidPayload as error:
        assert error.faults  # noqa: PT017
        assert all(f.message and (not f.pointer or f.pointer[0] == "/") for f in error.faults)  # noqa: PT017
        return
    for signal in signals:
        check(signal)
    if not signals:
        assert source.ignored_reason(payload, given_)
    key = idempotency_key(source, {}, payload)
    assert key is None or (0 < len(key) <= 255 and storable(key))
    fingerprint(payload, source.volatile)
    assert msgspec.json.encode(payload) == before


@pytest.mark.parametrize("type_", sorted(SOURCES))
@pytest.mark.parametrize("n", range(9))
def test_the_samples_are_what_they_say(type_: str, n: int) -> None:
    source = SOURCES[type_]
    ids = set()
    for kind in kinds(type_):
        headers, body = sample(type_, kind, n=n, now=NOW)
        assert (headers, body) == sample(type_, kind, n=n, now=NOW)
        lowered = {name.lower(): value for name, value in headers.items()}
        payload = decode(body, lowered["content-type"])
        (signal,) = source.parse(payload, context(lowered))
        assert signal.kind.value == kind
        assert signal.flags == ()
        ids.add(signal.external_id)
    assert len(ids) == 1
    other = sample(type_, "trigger", n=n + 1, now=NOW)
    assert other != sample(type_, "trigger", n=n, now=NOW)


def test_samples_know_their_limits() -> None:
    with pytest.raises(ValueError, match="sends no acknowledge"):
        sample("grafana", "acknowledge", n=1, now=NOW)
    with pytest.raises(ValueError, match="no samples of"):
        sample("nosuch", "trigger", n=1, now=NOW)


def test_the_registry() -> None:
    assert get("generic") is SOURCES["generic"]
    assert get("nosuch") is None
    for type_, source in SOURCES.items():
        assert source.type == type_
        assert source.title
        assert all(name == name.lower() for name in source.key_headers)
        assert len(source.preset.make_secret()) >= 32
        assert source.preset.make_secret() != source.preset.make_secret()


def test_only_those_whose_end_is_a_lease_send_in_order() -> None:
    assert {name for name, source in SOURCES.items() if source.sends_in_order} == {
        "alertmanager",
        "grafana",
        "prometheus",
    }


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("sentry/issue_created.json", [("action",)]),
        ("sentry/metric_resolved.json", [("action",)]),
        ("github/dependabot_reopened.json", [("action",)]),
        ("github/workflow_run_timed_out.json", [("action",), ("workflow_run", "conclusion")]),
        ("gitlab/incident_opened.json", [("object_attributes", "action")]),
        ("gitlab/pipeline_failed.json", [("object_attributes", "status")]),
        ("pagerduty/triggered.json", [("event", "data", "urgency")]),
    ],
)
def test_words_count_in_either_case(path: str, places: list[tuple[str, ...]]) -> None:
    source = SOURCES[path.partition("/")[0]]
    payload = decode((SAMPLES / path).read_bytes(), None)
    before = source.parse(payload, context())
    for *parents, name in places:
        at = payload
        for parent in parents:
            at = at[parent]
        at[name] = at[name].upper()
    after = source.parse(payload, context())
    assert [(each.kind, each.external_id, each.severity) for each in after] == [
        (each.kind, each.external_id, each.severity) for each in before
    ]
    assert before
