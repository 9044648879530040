"""Spans on their way to a collector, by OTLP over HTTP. The only file that imports OpenTelemetry, and it
does so when traces are wanted."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import structlog

from tocsin.model import Secret
from tocsin.tracing.spans import FinishedSpan, SpanKind

log = structlog.get_logger(__name__)

QUEUE_LIMIT: Final = 8_192
"""Spans that wait for the collector; beyond it the oldest go unsent."""
BATCH_LIMIT: Final = 512
EVERY_MILLISECONDS: Final = 1_000
PATIENCE_SECONDS: Final = 5
"""For the collector's answer, and for what is left at the end."""


class TracingUnavailableError(Exception):
    """OpenTelemetry is not installed."""


class Exporting:
    """Sends spans from a thread of its own; nobody waits for it.

    Raises:
        TracingUnavailableError: the extra of OpenTelemetry is not installed.
    """

    def __init__(self, url: Secret, headers: Mapping[str, Secret]) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingUnavailableError from error
        # Its own lines name the address, which may hold a secret; `_told` says what is to be said.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        inner = OTLPSpanExporter(
            endpoint=url.reveal_text(),
            headers={name: value.reveal_text() for name, value in headers.items()},
            timeout=PATIENCE_SECONDS,
        )
        self._processor = BatchSpanProcessor(
            _told(inner),
            max_queue_size=QUEUE_LIMIT,
            max_export_batch_size=BATCH_LIMIT,
            schedule_delay_millis=EVERY_MILLISECONDS,
        )
        self._resource = Resource(
            {
                "service.name": "tocsin",
                "service.version": version("tocsin"),
                "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            }
        )
        self._converted = _converter(self._resource)

    def put(self, span: FinishedSpan) -> None:
        self._processor.on_end(self._converted(span))

    def close(self) -> None:
        """Send what is left, for some seconds at most."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def _converter(resource: Any) -> Callable[[FinishedSpan], Any]:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import (
        SpanContext,
        Status,
        StatusCode,
        TraceFlags,
        TraceState,
    )
    from opentelemetry.trace import (
        SpanKind as Kind,
    )

    scope = InstrumentationScope("tocsin", version("tocsin"))
    kinds = {
        SpanKind.INTERNAL: Kind.INTERNAL,
        SpanKind.SERVER: Kind.SERVER,
        SpanKind.CLIENT: Kind.CLIENT,
    }

    def converted(span: FinishedSpan) -> Any:
        own, parent = span.traced.context, span.traced.parent
        flags = TraceFlags(TraceFlags.SAMPLED)
        state = TraceState.from_header([own.state]) if own.state else TraceState()
        return ReadableSpan(
            name=span.name,
            context=SpanContext(own.trace_id, own.span_id, False, flags, state),
            parent=None
            if parent is None
            else SpanContext(parent.trace_id, parent.span_id, True, flags, state),
            resource=resource,
            attributes=dict(span.attributes),
            kind=kinds[span.kind],
            instrumentation_scope=scope,
            status=Status(StatusCode.UNSET if span.error is None else StatusCode.ERROR, span.error),
            start_time=span.began,
            end_time=span.ended,
        )

    return converted


def _told(inner: Any) -> Any:
    """As `inner`, which says nothing: when it begins to fail, and when it works again, is logged."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Told(SpanExporter):
        _is_failing = False

        def export(self, spans: Sequence[Any]) -> SpanExportResult:
            try:
                result: SpanExportResult = inner.export(spans)
            except Exception as error:
                # Its text may hold the address.
                self._say(True, error=type(error).__name__)
                return SpanExportResult.FAILURE
            self._say(result is not SpanExportResult.SUCCESS)
            return result

        def _say(self, fails: bool, **more: str) -> None:
            if fails and not self._is_failing:
                log.warning(
                    "traces cannot be exported",
                    **more,
                    remedy="the collector at TOCSIN_TRACES_URL does not take spans; the others go on",
                )
            elif self._is_failing and not fails:
                log.info("traces are exported again")
            self._is_failing = fails

        def shutdown(self) -> None:
            inner.shutdown()

    return Told()
