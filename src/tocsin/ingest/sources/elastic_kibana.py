"""Elastic, a Kibana rule with the webhook connector: the body is a Mustache template, entered once for
each action group. Read is the one of our page (docs/sources/elastic_kibana.md).

Kibana repeats a webhook after a 5xx and after a 429; it signs nothing, but sends headers of the user's
(elastic/kibana, stack_connectors/server/connector_types/webhook).
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
from tocsin.ingest.sources.kit.tags import labels_of_tags
from tocsin.ingest.sources.kit.template import filled, first_text, title_or
from tocsin.model import Signal, SignalKind

_STANDING: Final = re.compile(r"\{\{.*\}\}")
_RECOVERED: Final = "recovered"
_GROUPS: Final = ("action_group", "action_group_name")
_LABELS: Final = {"rule_type": "rule_type", "space_id": "space", "alert_id": "alert_id"}
_METADATA: Final = ("rule_id", "rule_url", "alert_uuid", "action_group", "flapping")


class ElasticKibana(BaseSource):
    type: ClassVar[str] = "elastic_kibana"
    title: ClassVar[str] = "Elastic / Kibana"
    preset: ClassVar[Scheme] = BEARER

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        values = filled(require_object(payload, "a Kibana webhook"), _STANDING)
        rule = require_text(
            values.get("rule_id"),
            "/rule_id",
            "the rule's id is required; see docs/sources/elastic_kibana.md",
        )
        flags: list[str] = []
        title = title_or(f"Kibana rule {rule}", flags, values.get("rule_name"))
        group = _group(values)
        if not group:
            flags.append("unknown_status")
        # The alert's uuid is another one in each episode, and not known to older versions.
        alert = text_of(values.get("alert_id"))
        at = moment(values.get("date"), context, flags)
        kind = SignalKind.RESOLVE if group == _RECOVERED else SignalKind.TRIGGER
        return [
            make_signal(
                kind,
                f"{rule}/{alert}" if alert else rule,
                title,
                flags=flags,
                severity=severity_of(values.get("severity"), flags),
                description=text_of(values.get("reason")),
                triggered_at=at if kind is SignalKind.TRIGGER else None,
                occurred_at=at,
                labels=_labels(values),
                metadata=present({name: values.get(name) for name in _METADATA}),
            )
        ]


def _group(values: dict[str, Any]) -> str:
    return (first_text(*(values.get(name) for name in _GROUPS)) or "").lower()


def _labels(values: dict[str, Any]) -> dict[str, Any]:
    tags = values.get("rule_tags")
    if not isinstance(tags, list):
        tags = (text_of(tags) or "").split(",")
    own = {label: text_of(values.get(name)) for name, label in _LABELS.items()}
    return present({**labels_of_tags(tags), **own})
