"""New Relic, workflow with a webhook destination: one issue, by a Handlebars template.

Read are New Relic's default template and the one of our page (docs/sources/newrelic.md), which also says
who acknowledged. New Relic signs nothing; it sends headers of the user's.
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
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import filled, first_text, title_or
from tocsin.model import Signal, SignalKind

_STANDING: Final = re.compile(r"\{\{.*\}\}")
_ACKNOWLEDGED: Final = ("acknowledgedAt", "acknowledgedBy", "owner")
_NOBODY: Final = frozenset(("n/a", "none", "null", "0"))
# Nobody can have seen it yet: what has an owner is owned by whoever owns what it is about.
_CREATED: Final = "created"
_LABELS: Final = {
    "alertPolicyNames": "policy",
    "alertConditionNames": "condition",
    "impactedEntities": "entity",
    "workflowName": "workflow",
    "accountId": "account",
}
_USED: Final = frozenset(("id", "issueId", "title", "priority", "createdAt", "description"))
_MAX_NAMES: Final = 20


class NewRelic(BaseSource):
    type: ClassVar[str] = "newrelic"
    title: ClassVar[str] = "New Relic"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a New Relic webhook"), _STANDING)
        external_id = require_text(
            first_text(values.get("id"), values.get("issueId")),
            "/id",
            "the issue's id is required; see the template in docs/sources/newrelic.md",
        )
        flags: list[str] = []
        title = title_or(f"New Relic issue {external_id}", flags, _names(values.get("title")))
        kind = _kind(values, flags)
        labels = {label: _names(values.get(name)) for name, label in _LABELS.items()}
        metadata = {name: value for name, value in values.items() if name not in _USED}
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=severity_of(values.get("priority"), flags),
                description=_names(values.get("description")),
                triggered_at=moment(values.get("createdAt"), context, flags),
                occurred_at=moment(values.get("updatedAt"), context, flags),
                labels=present(labels),
                metadata=present(metadata),
            )
        ]


def _kind(values: dict[str, Any], flags: list[str]) -> SignalKind:
    """An acknowledged issue stays ACTIVATED; only who did it, or when, shows it."""
    state = text_of(values.get("state"))
    kind = kind_of_state(state, flags)
    if kind is not SignalKind.TRIGGER or (state or "").lower() == _CREATED:
        return kind
    names = (_names(values.get(name)) for name in _ACKNOWLEDGED)
    if any(name is not None and name.lower() not in _NOBODY for name in names):
        return SignalKind.ACKNOWLEDGE
    return kind


def _names(value: Any) -> str | None:
    """One text, or the texts of a list: older templates give a title in one."""
    if isinstance(value, list):
        return ", ".join(text for item in value[:_MAX_NAMES] if (text := text_of(item))) or None
    return text_of(value)
