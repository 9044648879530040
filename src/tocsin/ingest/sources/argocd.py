"""Argo CD, notifications by webhook: how an application is, by the template of our page
(docs/sources/argocd.md).

One application is one alert. It is open while the application is degraded or its last sync failed, so
that it does not matter which of the two a notification was sent for, or whether one was lost.

Reference: argoproj/argo-cd, docs/operator-manual/notifications, notifications_catalog.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import filled, first_text
from tocsin.model import Signal, SignalKind

_STANDING: Final = re.compile(r"\{\{.*\}\}|<no value>|<nil>")
_BAD_HEALTH: Final = frozenset(("degraded",))
_BAD_SYNC: Final = frozenset(("failed", "error"))
_LABELS: Final = {"project": "project", "destination": "cluster", "namespace": "namespace"}
_METADATA: Final = ("url", "health", "sync", "operation", "revision", "repository")


class ArgoCD(BaseSource):
    type: ClassVar[str] = "argocd"
    title: ClassVar[str] = "Argo CD"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "an Argo CD notification"), _STANDING)
        name = require_text(
            values.get("application"),
            "/application",
            "the application is required; see the template in docs/sources/argocd.md",
        )
        kind = _kind(values)
        if kind is None:
            return []
        flags: list[str] = []
        at = moment(first_text(values.get("time"), values.get("finished_at")), context, flags)
        labels = {each: text_of(value) for each, value in object_of(values.get("labels")).items()}
        own = {label: text_of(values.get(each)) for each, label in _LABELS.items()}
        control = text_of(values.get("application_namespace"))
        return [
            make_signal(
                kind,
                f"{control}/{name}" if control else name,
                f"{name}: {_what(values)}",
                flags=flags,
                severity=severity_of(labels.get("severity"), flags),
                description=first_text(
                    values.get("operation_message"), values.get("health_message")
                ),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=present({**labels, "application": name, **own}),
                metadata=present({each: text_of(values.get(each)) for each in _METADATA}),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        values = object_of(payload)
        health = (text_of(values.get("health")) or "of unknown health")[:40]
        return f"the application is {health} and its last sync did not fail: neither good nor bad"


def _kind(values: dict[str, Any]) -> SignalKind | None:
    """What the application's health and its last sync say together; None while neither is settled."""
    health, operation = _word(values, "health"), _word(values, "operation")
    if health in _BAD_HEALTH or operation in _BAD_SYNC:
        return SignalKind.TRIGGER
    if health == "healthy" and operation in ("succeeded", ""):
        return SignalKind.RESOLVE
    return None


def _what(values: dict[str, Any]) -> str:
    """What is wrong; of an end, what may have been."""
    parts = []
    if _word(values, "operation") in _BAD_SYNC:
        parts.append("sync failed")
    if _word(values, "health") in _BAD_HEALTH:
        parts.append("degraded")
    return " and ".join(parts) or "degraded or not synced"


def _word(values: dict[str, Any], name: str) -> str:
    return (text_of(values.get(name)) or "").lower()
