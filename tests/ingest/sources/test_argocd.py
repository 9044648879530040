from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tests.support.paths import DOCS
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

ARGO = SOURCES["argocd"]
DEGRADED = load("argocd/degraded.json")


def one(changed: dict[str, Any]) -> Signal:
    (signal,) = ARGO.parse(DEGRADED | changed, context())
    return signal


def test_an_application_that_is_degraded() -> None:
    (signal,) = parse("argocd/degraded.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "argocd/checkout")
    assert (signal.title, signal.severity) == ("checkout: degraded", Severity.CRITICAL)
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "team": "payments",
        "severity": "critical",
        "application": "checkout",
        "project": "shop",
        "cluster": "https://kubernetes.default.svc",
        "namespace": "checkout",
    }
    assert signal.metadata["url"] == "https://argocd.example.com/applications/checkout"
    assert signal.flags == ()


@pytest.mark.parametrize(
    ("health", "operation", "kind", "title"),
    [
        ("Degraded", "Succeeded", SignalKind.TRIGGER, "degraded"),
        ("Degraded", None, SignalKind.TRIGGER, "degraded"),
        ("Healthy", "Failed", SignalKind.TRIGGER, "sync failed"),
        ("Progressing", "Error", SignalKind.TRIGGER, "sync failed"),
        ("Degraded", "Failed", SignalKind.TRIGGER, "sync failed and degraded"),
        ("Healthy", "Succeeded", SignalKind.RESOLVE, "degraded or not synced"),
        ("Healthy", None, SignalKind.RESOLVE, "degraded or not synced"),
        ("Healthy", "Running", None, ""),
        ("Progressing", "Succeeded", None, ""),
        ("Suspended", "Succeeded", None, ""),
        ("Missing", None, None, ""),
        (None, None, None, ""),
    ],
)
def test_health_and_the_last_sync_together(
    health: str | None, operation: str | None, kind: SignalKind | None, title: str
) -> None:
    payload = DEGRADED | {"health": health, "operation": operation}
    signals = ARGO.parse(payload, context())
    assert [signal.kind for signal in signals] == ([] if kind is None else [kind])
    if kind is None:
        assert (health or "unknown health") in ARGO.ignored_reason(payload, context())
    else:
        assert signals[0].title == f"checkout: {title}"
        assert signals[0].external_id == "argocd/checkout"


def test_doubts_and_faults() -> None:
    assert one({"time": None}).occurred_at is None
    assert one({"labels": "x"}).severity is None
    assert one({"labels": {"severity": "odd"}}).flags == ("unknown_severity",)
    assert one({"application_namespace": "<no value>"}).external_id == "checkout"
    for payload, pointer in (([], ""), ({"health": "Degraded"}, "/application")):
        with pytest.raises(InvalidPayload) as caught:
            ARGO.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_template_of_the_page_makes_what_is_read() -> None:
    page = (DOCS / "sources" / "argocd.md").read_text("utf-8")
    (body,) = re.findall(r"body: \|\n(.*?)\n  trigger", page, re.DOTALL)
    named = dict(re.findall(r'"(\w+)": (.+?),?\n', body + "\n"))
    assert set(named) == set(DEGRADED)
    # What stands there once Go has filled it in: each value is JSON, or text inside quotes.
    lines = [f'"{name}": ' + (msgspec.json.encode(DEGRADED[name]).decode()) for name in named]
    (signal,) = ARGO.parse(msgspec.json.decode("{" + ",".join(lines) + "}"), context())
    assert signal == one({})
    for name, value in named.items():
        is_quoted = value.startswith('"')
        assert is_quoted or "toJson" in value, name
        assert value.count("{{") == value.count("}}")
        assert value.count("{{ with") == value.count("{{ end }}")
