"""Realistic webhooks of every source, for the demo, the benchmark and the tests.

Deterministic: the same arguments give the same bytes. Samples with one `n` are about one alert.
Signing is not theirs; see `tocsin.ingest.proof.sign`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tocsin.ingest.sources.sample_bodies import ACKNOWLEDGE, BODIES, RESOLVE, TRIGGER
from tocsin.ingest.sources.sample_scenes import Shot


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
    headers, document = BODIES[type](Shot(kind, n, now, started_at))
    return {"Content-Type": "application/json", **headers}, msgspec.json.encode(document)


def kinds(type: str) -> tuple[str, ...]:
    """The kinds that a source can send.

    Raises:
        ValueError: there is no such source.
    """
    if type not in BODIES:
        raise ValueError(f"no samples of {type!r}; there are {', '.join(sorted(BODIES))}")
    if type in ("generic", "pagerduty", "standard_webhooks"):
        return (TRIGGER, ACKNOWLEDGE, RESOLVE)
    return (TRIGGER, RESOLVE)
