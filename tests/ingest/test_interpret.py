"""What becomes of a verified body before anything is written."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

from tocsin.ingest.received_webhook import Webhook
from tocsin.ingest.sources.kit.kinds import NO_KINDS
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.understand import interpret

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(body: bytes) -> Webhook:
    entry: Any = SimpleNamespace(
        source=SOURCES["generic"], timezone=ZoneInfo("UTC"), mapping=None, kinds=NO_KINDS
    )
    entry.entry = SimpleNamespace(bindings=())
    return interpret(cast("Any", entry), {}, body, NOW)


def test_what_was_repaired_is_flagged_and_kept_as_it_came() -> None:
    body = rb'{"title": "Deploy failed \ud83d", "id": "d", "load": NaN, "status": "what"}'
    webhook = read(body)
    assert webhook.flags == ("text_repaired", "nan_as_null", "unknown_status")
    assert webhook.signals[0].title == "Deploy failed \ufffd"
    assert webhook.raw_payload.startswith(b'"')


def test_a_plain_body_has_no_flags() -> None:
    body = b'{"title": "Deploy failed"}'
    assert (read(body).flags, read(body).raw_payload) == ((), body)
