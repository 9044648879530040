"""Making a signal that can be stored, and reading its times."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from datetime import datetime, timedelta
from typing import Any, Final

from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.storable import (
    clean_external_id,
    clean_json,
    clean_text,
    flat_labels,
)
from tocsin.ingest.sources.kit.times import parse_time
from tocsin.model import (
    DESCRIPTION_LIMIT,
    TITLE_LIMIT,
    Lease,
    Severity,
    Signal,
    SignalKind,
)

MAX_ALERTS: Final = 5_000
"""Alerts in one webhook; a body of the default size limit hardly holds more real ones."""

_HORIZON: Final = timedelta(days=1)


def make_signal(
    kind: SignalKind,
    external_id: str | None,
    title: str,
    *,
    flags: list[str],
    severity: Severity | None = None,
    description: str | None = None,
    triggered_at: datetime | None = None,
    occurred_at: datetime | None = None,
    labels: AnyMapping[str, Any] | None = None,
    metadata: AnyMapping[str, Any] | None = None,
    tenant: str | None = None,
    lease: Lease | None = None,
) -> Signal:
    """A storable signal: every text is cleaned and cut to its limit; what was cut is flagged."""
    if "\n" in title or "\r" in title or "\t" in title:
        title = " ".join(title.split())
    # Nearly all texts are short and plain; a look is cheaper than a call.
    if len(title) > TITLE_LIMIT or "\0" in title or not title.isascii():
        title, cut = clean_text(title, TITLE_LIMIT)
        if cut:
            flags.append("title_truncated")
    if description and (
        len(description) > DESCRIPTION_LIMIT or "\0" in description or not description.isascii()
    ):
        description, cut = clean_text(description, DESCRIPTION_LIMIT)
        if cut:
            flags.append("description_truncated")
    if external_id is not None:
        external_id, cut = clean_external_id(external_id)
        if cut:
            flags.append("external_id_truncated")
    flat: dict[str, str] = {}
    if labels:
        flat, cut = flat_labels(labels)
        if cut:
            flags.append("labels_truncated")
    if tenant is not None:
        tenant, _ = clean_text(tenant, 200)
    return Signal(
        kind,
        external_id or None,
        title,
        severity,
        description or None,
        triggered_at,
        occurred_at,
        flat,
        clean_json(metadata) if metadata else {},
        tenant or None,
        tuple(dict.fromkeys(flags)) if flags else (),
        lease,
    )


def moment(value: Any, context: Context, flags: list[str]) -> datetime | None:
    """A time of the payload in UTC. Unreadable, or more than a day ahead of the receipt (where it
    would outrank every later event), it counts as not given and is flagged."""
    if value is None:
        return None
    at, doubtful = parse_time(value, context.timezone)
    if doubtful:
        flags.append("unreadable_time")
    elif at is not None and at - context.received_at > _HORIZON:
        flags.append("time_in_future")
        return None
    return at
