"""OpenTelemetry is asked for when it is wanted, and what goes wrong with it stops nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from tocsin.model import Secret
from tocsin.settings import Settings
from tocsin.tracing import begin_tracing
from tocsin.tracing.export import _told

WANTED = Settings(Path("/nowhere"), traces_url=Secret("http://127.0.0.1:9/v1/traces"))


def test_nobody_who_wants_no_traces_imports_it() -> None:
    program = (
        "import sys, tocsin.ingest.endpoint, tocsin.delivery.dispatch.dispatcher;"
        "from pathlib import Path; from tocsin.settings import Settings;"
        "from tocsin.tracing import begin_tracing;"
        "assert begin_tracing(Settings(Path('/nowhere'))) is None;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


def test_where_it_is_not_installed_that_is_said_and_the_hub_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace.export", None)
    with structlog.testing.capture_logs() as logs:
        assert begin_tracing(WANTED) is None
    (said,) = logs
    assert (said["log_level"], said["event"]) == (
        "error",
        "traces cannot be exported: OpenTelemetry is not installed",
    )
    assert "tocsin[otel]" in said["remedy"]


class Collector:
    """Takes what it is scripted to take."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def export(self, spans: Sequence[Any]) -> Any:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_collector_that_fails_is_said_once_and_without_its_address() -> None:
    from opentelemetry.sdk.trace.export import SpanExportResult

    fails, works = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    secret = RuntimeError("https://user:s3cret@collector.example")
    told = _told(Collector(secret, fails, secret, works, works, fails))
    with structlog.testing.capture_logs() as logs:
        results = [told.export([]) for _ in range(6)]
    assert results == [fails, fails, fails, works, works, fails]
    assert [each["event"] for each in logs] == [
        "traces cannot be exported",
        "traces are exported again",
        "traces cannot be exported",
    ]
    assert "s3cret" not in str(logs)
