"""Which trace something belongs to: what is read of a sender's word, and what follows from ids."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

import pytest

from tocsin.tracing import FinishedSpan, Tracer, context_of_webhook
from tocsin.tracing.context import TraceContext, context_of

# The example of the specification.
TRACE, PARENT = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
TEXT = f"00-{TRACE:032x}-{PARENT:016x}-01"
WEBHOOK = UUID("019a1f6e-0000-7000-8000-000000000001").bytes


def test_a_sender_says_which_trace_it_is_a_part_of() -> None:
    found = context_of({"traceparent": TEXT, "tracestate": "rojo=00f067aa0ba902b7,congo=t61"})
    assert found == TraceContext(TRACE, PARENT, True, "rojo=00f067aa0ba902b7,congo=t61")
    assert found.headers == {
        "traceparent": TEXT,
        "tracestate": "rojo=00f067aa0ba902b7,congo=t61",
    }


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE:032x}-{PARENT:016x}-00", False),
        # Other flags are for later versions.
        (f"00-{TRACE:032x}-{PARENT:016x}-fe", False),
        (f"00-{TRACE:032x}-{PARENT:016x}-ff", True),
        # So is what may follow.
        (f"cc-{TRACE:032x}-{PARENT:016x}-01-what-the-future-brings", True),
        (f" {TEXT} ", True),
    ],
)
def test_other_versions_and_flags_are_understood(text: str, is_sampled: bool) -> None:
    found = context_of({"traceparent": text})
    assert found == TraceContext(TRACE, PARENT, is_sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        f"ff-{TRACE:032x}-{PARENT:016x}-01",
        f"00-{TRACE:032x}-{PARENT:016x}-01-more",
        f"cc-{TRACE:032x}-{PARENT:016x}-01.more",
        f"00-{TRACE:032X}-{PARENT:016x}-01",
        f"00-{0:032x}-{PARENT:016x}-01",
        f"00-{TRACE:032x}-{0:016x}-01",
        f"{TEXT}, {TEXT}",
        "[redacted]",
    ],
)
def test_what_cannot_be_read_begins_another_trace(text: str) -> None:
    assert context_of({"traceparent": text}) is None
    assert context_of_webhook(WEBHOOK, {"traceparent": text}, 1.0).parent is None


@pytest.mark.parametrize("state", ["x" * 513, "umlaut=ä", "a=b\nc=d"])
def test_a_state_that_is_no_header_is_left_out(state: str) -> None:
    found = context_of({"traceparent": TEXT, "tracestate": state})
    assert found is not None
    assert "tracestate" not in found.headers


def test_the_ids_of_a_webhook_are_the_same_wherever_they_are_asked() -> None:
    alone = context_of_webhook(WEBHOOK, {}, 1.0)
    assert alone == context_of_webhook(WEBHOOK, {"host": "example.org"}, 1.0)
    within = context_of_webhook(WEBHOOK, {"traceparent": TEXT}, 1.0)
    assert (within.context.trace_id, within.parent) == (TRACE, TraceContext(TRACE, PARENT, True))
    assert within.context.span_id == alone.context.span_id


def test_a_share_is_recorded_of_those_who_say_nothing() -> None:
    ids = [uuid4().bytes for _ in range(2_000)]
    recorded = Counter(context_of_webhook(id, {}, 0.25).context.is_sampled for id in ids)
    assert 400 < recorded[True] < 600
    assert not any(context_of_webhook(id, {}, 0.0).context.is_sampled for id in ids)
    assert all(context_of_webhook(id, {}, 1.0).context.is_sampled for id in ids)
    # Whoever says something is believed.
    assert context_of_webhook(WEBHOOK, {"traceparent": TEXT}, 0.0).context.is_sampled


def test_every_attempt_has_a_span_of_its_own() -> None:
    told: list[FinishedSpan] = []
    tracer = Tracer(told.append)
    webhook, message = context_of_webhook(WEBHOOK, {"traceparent": TEXT}, 1.0).context, uuid4()
    first, second = (tracer.attempt(message, number, webhook) for number in (1, 2))
    assert first.parent == second.parent == webhook
    assert first.context.trace_id == second.context.trace_id == TRACE
    assert first.context.span_id != second.context.span_id
    # What no webhook caused.
    alone = [tracer.attempt(message, number, None) for number in (1, 2)]
    assert alone[0].context.trace_id == alone[1].context.trace_id != TRACE
    assert alone[0].parent is None


def test_what_is_not_to_be_recorded_is_told_to_nobody() -> None:
    told: list[FinishedSpan] = []
    tracer = Tracer(told.append, share=0.0)
    tracer.committed([(WEBHOOK, {})], 0.001)
    tracer.attempted(tracer.attempt(uuid4(), 1, None), 0.001, "teams", {})
    assert told == []
    tracer.committed([(WEBHOOK, {"traceparent": TEXT}), (uuid4().bytes, {})], 0.001)
    (span,) = told
    assert (span.name, span.attributes["db.operation.batch.size"]) == ("commit", 2)
    assert span.ended - span.began == 1_000_000
