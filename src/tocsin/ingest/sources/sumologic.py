"""Sumo Logic, webhook connection of a monitor or a scheduled search: alert and recovery payload are
templates of the user's. Read is the one of our page (docs/sources/sumologic.md).

A monitor's levels open and end on their own ("Critical", "ResolvedCritical"), so each is an alert.

Reference: SumoLogic/sumologic-documentation, docs/alerts/monitors/alert-variables.md and
docs/alerts/webhook-connections/set-up-webhook-connections.md, by which variables are escaped for JSON
and those without a value are empty.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import filled, first_text, title_or
from tocsin.model import Severity, Signal, SignalKind

_STANDING: Final = re.compile(r"\{\{[^{}]*\}\}")
_LEVELS: Final = {
    "critical": Severity.CRITICAL,
    "warning": Severity.MEDIUM,
    "missingdata": None,
}
_METADATA: Final = {
    "alert_response_url": "url",
    "query_url": "query_url",
    "source_url": "monitor_url",
    "trigger_condition": "trigger_condition",
    "trigger_value": "trigger_value",
    "trigger_time_range": "time_range",
    "num_results": "results",
    "detection_method": "detection_method",
}


class SumoLogic(BaseSource):
    type: ClassVar[str] = "sumologic"
    title: ClassVar[str] = "Sumo Logic"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a Sumo Logic webhook"), _STANDING)
        monitor = require_text(
            first_text(values.get("id"), values.get("name")),
            "/id",
            "the monitor's id is required; see the template in docs/sources/sumologic.md",
        )
        kind, level = _state(values)
        if kind is None:
            return []
        flags: list[str] = []
        if level is not None and level not in _LEVELS:
            flags.append("unknown_status")
        at = moment(values.get("trigger_time_end"), context, flags)
        own = severity_of(values.get("severity"), flags)
        return [
            make_signal(
                kind,
                f"{monitor}/{level}" if level else monitor,
                title_or(
                    f"Sumo Logic monitor {monitor}",
                    flags,
                    values.get("alert_name"),
                    values.get("name"),
                ),
                flags=flags,
                severity=None if kind is SignalKind.RESOLVE else own or _LEVELS.get(level or ""),
                description=text_of(values.get("description")),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=present(
                    {
                        "monitor": text_of(values.get("name")),
                        "level": level,
                        "monitor_type": text_of(values.get("monitor_type")),
                    }
                ),
                metadata=present(
                    {label: text_of(values.get(name)) for name, label in _METADATA.items()}
                    | {"runbook": text_of(values.get("playbook"))}
                ),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "the monitor is normal, and of which level that is the end is not said"


def _state(values: dict[str, Any]) -> tuple[SignalKind | None, str | None]:
    """What happened, and at which level; a scheduled search has none and never ends."""
    word = text_of(values.get("trigger_type"))
    if word is None:
        return SignalKind.TRIGGER, None
    level = "".join(filter(str.isalpha, word.lower()))[:40]
    if level == "normal":
        return None, None
    if level.startswith("resolved"):
        return SignalKind.RESOLVE, level.removeprefix("resolved") or None
    return SignalKind.TRIGGER, level or None
