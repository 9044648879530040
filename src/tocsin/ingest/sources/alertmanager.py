"""Prometheus Alertmanager, `webhook_config`, payload version 4.

Alertmanager cannot sign; it sends a bearer token. It retries 5xx only, and a pair of replicas may
both send: what differs between their copies is volatile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.alert_group import parse_group
from tocsin.ingest.sources.kit.fingerprint import Path
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import text_of
from tocsin.model import Signal


class Alertmanager(BaseSource):
    type: ClassVar[str] = "alertmanager"
    title: ClassVar[str] = "Prometheus Alertmanager"
    preset: ClassVar[Scheme] = BEARER
    # An end is only a lease that ran out; the alert may go on, with its first start.
    sends_in_order: ClassVar[bool] = True
    volatile: ClassVar[tuple[Path, ...]] = (
        ("externalURL",),
        ("notification_reason",),
        ("alerts", "*", "generatorURL"),
    )

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        return parse_group(payload, context, _describe)

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "the notification carries no alert"


def _describe(
    labels: Mapping[str, Any], annotations: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    title = text_of(annotations.get("summary")) or text_of(labels.get("alertname"))
    for name in ("description", "message", "details"):
        if text := text_of(annotations.get(name)):
            return title, text
    return title, None
