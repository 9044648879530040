"""New Relic, workflow with a webhook destination: one issue, by a Handlebars template.

Read are New Relic's default template and the one of our page (docs/sources/newrelic.md), which also says
who acknowledged. New Relic signs nothing; it sends headers of the user's.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import parse_kind
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import present, require_object, required, text_of
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import filled, first_text
from tocsin.model import AuthScheme, Signal, SignalKind

_STANDING: Final = re.compile(r"\{\{.*\}\}")
_ACKNOWLEDGED: Final = ("acknowledgedAt", "acknowledgedBy", "owner")
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
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN, signature_header="Authorization", signature_prefix="Bearer "
    )

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a New Relic webhook"), _STANDING)
        external_id = first_text(values.get("id"), values.get("issueId"))
        if external_id is None:
            message = "the issue's id is required; see the template in docs/sources/newrelic.md"
            raise InvalidPayload([required("/id", message)])
        flags: list[str] = []
        title = _names(values.get("title"))
        if title is None:
            title = f"New Relic issue {external_id}"
            flags.append("title_missing")
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
    kind, doubtful = parse_kind(text_of(values.get("state")) or "unknown state")
    if doubtful or kind is None:
        flags.append("unknown_status")
    if kind is not SignalKind.RESOLVE and any(values.get(name) for name in _ACKNOWLEDGED):
        return SignalKind.ACKNOWLEDGE
    return kind or SignalKind.TRIGGER


def _names(value: Any) -> str | None:
    """One text, or the texts of a list: older templates give a title in one."""
    if isinstance(value, list):
        return ", ".join(text for item in value[:_MAX_NAMES] if (text := text_of(item))) or None
    return text_of(value)
