"""What the tests of this room start from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.paths import SAMPLES
from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.decode import decode
from tocsin.ingest.sources.kit.kinds import own_kinds
from tocsin.ingest.sources.kit.mapping import compile_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Signal

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def context(
    headers: dict[str, str] | None = None,
    *,
    zone: str = "UTC",
    mapping: dict[str, Any] | None = None,
    kinds: dict[str, str] | None = None,
    now: datetime = NOW,
) -> Context:
    compiled = compile_mapping(mapping) if mapping is not None else None
    return Context(headers or {}, now, ZoneInfo(zone), compiled, kinds=own_kinds(kinds or {}))


def load(path: str) -> Any:
    return decode((SAMPLES / path).read_bytes(), "application/json")


def parse(path: str, headers: dict[str, str] | None = None, **given: Any) -> list[Signal]:
    """The signals of a sample; its folder is the source's type."""
    source = SOURCES[path.partition("/")[0]]
    return source.parse(load(path), context(headers, **given))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]
