"""Traces of one process, if its settings ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from tocsin.settings import Settings
from tocsin.tracing.spans import Tracer

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tracing:
    """`close` sends what is left, and may take some seconds."""

    tracer: Tracer
    close: Callable[[], None]


def begin_tracing(settings: Settings) -> Tracing | None:
    """None: nobody asks for traces, or they cannot be made here, which is no reason not to deliver."""
    if settings.traces_url is None:
        return None
    from tocsin.tracing.export import Exporting, TracingUnavailableError

    try:
        exporting = Exporting(settings.traces_url, settings.traces_headers)
    except TracingUnavailableError:
        log.error(
            "traces cannot be exported: OpenTelemetry is not installed",
            remedy="pip install 'tocsin[otel]', or unset TOCSIN_TRACES_URL",
        )
        return None
    return Tracing(Tracer(exporting.put, settings.traces_share), exporting.close)
