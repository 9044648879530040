"""Traces for OpenTelemetry, where the operator wants them: from a webhook to the last attempt to send
its messages, on whatever node each happens."""

from tocsin.tracing.begin import Tracing, begin_tracing
from tocsin.tracing.context import TraceContext, Traced, context_of_webhook
from tocsin.tracing.spans import FinishedSpan, SpanKind, Tracer

__all__ = [
    "FinishedSpan",
    "SpanKind",
    "TraceContext",
    "Traced",
    "Tracer",
    "Tracing",
    "begin_tracing",
    "context_of_webhook",
]
