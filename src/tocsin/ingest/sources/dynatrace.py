"""Dynatrace, problem notification "Custom integration": the payload is a template of the user's. Read is
the one of our page (docs/sources/dynatrace.md), and Dynatrace's own example.

Reference: Dynatrace's documentation of webhook integration and of the Problems API; payloads that others
published.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.presets import BEARER
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import (
    filled,
    first_text,
    nested,
    nested_object,
    title_or,
)
from tocsin.model import Severity, Signal, SignalKind

_STANDING: Final = re.compile(r"\{[A-Za-z0-9]+\}")
_TEST: Final = "Dynatrace problem notification test run"
_STATES: Final = {
    "open": SignalKind.TRIGGER,
    # Further events joined a problem that is open.
    "merged": SignalKind.UPDATE,
    "resolved": SignalKind.RESOLVE,
}
_SEVERITIES: Final = {
    "availability": Severity.CRITICAL,
    "monitoring_unavailable": Severity.HIGH,
    "error": Severity.HIGH,
    "slowdown": Severity.MEDIUM,
    "performance": Severity.MEDIUM,
    "resource": Severity.MEDIUM,
    "resource_contention": Severity.MEDIUM,
}
# The integration's default says how bad these are.
_ANY: Final = frozenset(("custom_alert", "custom_annotation", "custom", "info"))
_TIMES: Final = ("startTime", "endTime")
_MAX_ENTITIES: Final = 20
_TAG_CONTEXT: Final = re.compile(r"^\[[^\]]*\]")


class Dynatrace(BaseSource):
    type: ClassVar[str] = "dynatrace"
    title: ClassVar[str] = "Dynatrace"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a Dynatrace notification"), _STANDING)
        external_id = require_text(
            first_text(values.get("PID"), values.get("ProblemID")),
            "/PID",
            "the problem's id is required; see the template in docs/sources/dynatrace.md",
        )
        if _is_test(values):
            return []
        flags: list[str] = []
        state = text_of(values.get("State"))
        kind = _STATES.get((state or "").lower())
        if kind is None:
            kind = kind_of_state(state, flags)
        details = nested_object(values.get("ProblemDetailsJSONv2")) or nested_object(
            values.get("ProblemDetailsJSON")
        )
        started, ended = (_time(details.get(name), context, flags) for name in _TIMES)
        return [
            make_signal(
                kind,
                external_id,
                title_or(f"Dynatrace problem {external_id}", flags, values.get("ProblemTitle")),
                flags=flags,
                severity=None if kind is SignalKind.RESOLVE else _severity(values, flags),
                description=text_of(values.get("ProblemDetailsText")),
                triggered_at=started,
                occurred_at={SignalKind.TRIGGER: started, SignalKind.RESOLVE: ended}.get(kind),
                labels=_labels(values),
                metadata=_metadata(values, details),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "a test of the notification"


def _is_test(values: dict[str, Any]) -> bool:
    return text_of(values.get("ProblemTitle")) == _TEST


def _time(value: Any, context: Context, flags: list[str]) -> Any:
    """Milliseconds since 1970; -1 while a problem is open."""
    return None if text_of(value) in (None, "-1", "-1.0") else moment(value, context, flags)


def _severity(values: dict[str, Any], flags: list[str]) -> Severity | None:
    word = (text_of(values.get("ProblemSeverity")) or "").lower()
    severity = _SEVERITIES.get(word)
    if severity is None and word and word not in _ANY:
        flags.append("unknown_severity")
    return severity


def _labels(values: dict[str, Any]) -> dict[str, str]:
    """The tags of what is affected, without where they come from: `[AWS]env:prod` is `env=prod`."""
    tags = nested(values.get("Tags"))
    texts = tags if isinstance(tags, list) else (text_of(tags) or "").split(",")
    names = (_TAG_CONTEXT.sub("", (text_of(each) or "").strip()) for each in texts)
    labels = labels_of_tags(names)
    own = {
        "impact": text_of(values.get("ProblemImpact")),
        "problem_severity": text_of(values.get("ProblemSeverity")),
        "entity": first_text(values.get("ImpactedEntityNames"), values.get("ImpactedEntity")),
    }
    return {**labels, **{name: text for name, text in own.items() if text}}


def _metadata(values: dict[str, Any], details: dict[str, Any]) -> dict[str, Any]:
    entities = nested(values.get("ImpactedEntities"))
    root = object_of(details.get("rootCauseEntity"))
    return present(
        {
            "problem": text_of(values.get("ProblemID")),
            "url": first_text(values.get("ProblemURL"), values.get("Problem URL")),
            "state": text_of(values.get("State")),
            "root_cause": text_of(root.get("name")),
            "entities": entities[:_MAX_ENTITIES] if isinstance(entities, list) else None,
        }
    )
