"""Realistic webhooks of every source, for the demo, the benchmark and the tests.

Each source has its own in `<type>_samples.py` beside it: `KINDS` that it sends, and `sample`, which
makes headers and document of one event. Deterministic: the same arguments give the same bytes.
Samples with one `n` are about one alert. They are not signed; see `tocsin.ingest.proof.sign`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import msgspec

from tocsin.ingest.sources.kit.sample_events import TRIGGER, SampleEvent
from tocsin.ingest.sources.registry import SOURCES


def sample(
    type: str,
    kind: str,
    *,
    n: int,
    now: datetime,
    started_at: datetime | None = None,
) -> tuple[dict[str, str], bytes]:
    """Headers (without signature) and body of one webhook of a source.

    `kind`: `trigger`, `resolve` or `acknowledge`. `started_at` is when the alert fired; default
    `now` for a trigger, some minutes before it for the others.

    Raises:
        ValueError: the source is unknown, or says nothing of that kind (see `kinds`).
    """
    if kind not in kinds(type):
        raise ValueError(f"{type} sends no {kind}; it sends {', '.join(kinds(type))}")
    if started_at is None:
        started_at = now if kind == TRIGGER else now - timedelta(minutes=4 + n % 9)
    headers, document = _module(type).sample(SampleEvent(kind, n, now, started_at))
    return {"Content-Type": "application/json", **headers}, msgspec.json.encode(document)


def kinds(type: str) -> tuple[str, ...]:
    """The kinds that a source can send.

    Raises:
        ValueError: there is no such source.
    """
    sent: tuple[str, ...] = _module(type).KINDS
    return sent


def _module(type: str) -> Any:
    if type not in SOURCES:
        raise ValueError(f"no samples of {type!r}; there are {', '.join(sorted(SOURCES))}")
    return import_module(f"tocsin.ingest.sources.{type}_samples")
