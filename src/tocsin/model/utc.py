"""The present, and times as text."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`, microseconds only if there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def optional_iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
