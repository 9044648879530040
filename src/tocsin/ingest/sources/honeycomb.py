"""Honeycomb, recipient of the kind webhook, default payload: a trigger, or a burn alert of an SLO.

The shared secret comes as it is in `X-Honeycomb-Webhook-Token`; a delivery is named in
`X-Honeycomb-Webhook-Delivery-ID`, which stays the same over retries.

Reference: Honeycomb's documentation of webhooks, honeycombio/examples (webhook-listener-triggers).
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
)
from tocsin.ingest.sources.kit.signal_fields import severity_of
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import AuthScheme, Signal, SignalKind

_LABELS: Final = {
    "environment": "environment",
    "dataset_name": "dataset",
    "dataset": "dataset",
    "alert_type": "alert_type",
}
_METADATA: Final = (
    "id",
    "operator",
    "threshold",
    "exhaustion_minutes",
    "sli_url",
    "version",
)
_MAX_GROUPS: Final = 20


class Honeycomb(BaseSource):
    type: ClassVar[str] = "honeycomb"
    title: ClassVar[str] = "Honeycomb"
    preset: ClassVar[Scheme] = Scheme(
        auth_scheme=AuthScheme.TOKEN, signature_header="X-Honeycomb-Webhook-Token"
    )
    key_headers: ClassVar[tuple[str, ...]] = ("x-honeycomb-webhook-delivery-id",)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        document = require_object(payload, "a Honeycomb webhook")
        if document.get("is_test") is True:
            return []
        slo = object_of(document.get("slo"))
        external_id = require_text(
            first_text(document.get("id"), document.get("trigger_id"), document.get("name")),
            "/id",
            "the id or the name of the trigger is required",
        )
        flags: list[str] = []
        title = title_or(
            f"Honeycomb trigger {external_id}", flags, document.get("name"), slo.get("name")
        )
        kind = kind_of_state(text_of(document.get("status")), flags)
        at = moment(document.get("timestamp"), context, flags)
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=severity_of(document.get("severity"), flags),
                description=_description(document),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=_labels(document, slo),
                metadata=_metadata(document),
            )
        ]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "a test of the webhook"


def _description(document: dict[str, Any]) -> str | None:
    """What happened, and what the trigger's owner wrote about it."""
    texts = [
        first_text(document.get("description"), document.get("summary")),
        text_of(document.get("trigger_description")),
    ]
    return "\n\n".join(dict.fromkeys(text for text in texts if text)) or None


def _labels(document: dict[str, Any], slo: dict[str, Any]) -> dict[str, str]:
    labels = present({"slo": text_of(slo.get("name"))})
    for name, label in _LABELS.items():
        if (text := text_of(document.get(name))) is not None:
            labels.setdefault(label, text)
    return labels


def _metadata(document: dict[str, Any]) -> dict[str, Any]:
    groups = document.get("result_groups_triggered")
    return present(
        {
            **{name: document.get(name) for name in _METADATA},
            "url": first_text(document.get("trigger_url"), document.get("slo_url")),
            "dashboard_url": text_of(document.get("result_url")),
            "groups": groups[:_MAX_GROUPS] if isinstance(groups, list) else None,
        }
    )
