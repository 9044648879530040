"""Grafana Alerting, webhook contact point, payload version 1 (and version 4 from an imported
Mimir receiver).

The signature is bare hex over the body, or over `timestamp:body` once a timestamp header is
configured in Grafana (grafana/alerting, http/hmac.go). Grafana does not retry a failed webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.alert_group import parse_group
from tocsin.ingest.sources.kit.fingerprint import Path
from tocsin.ingest.sources.kit.reading import object_of, text_of
from tocsin.model import Signal

# What Grafana raises in the place of a rule that has no data or cannot be evaluated.
_STATES: Final = {"DatasourceNoData": "No data", "DatasourceError": "Error"}


class Grafana(BaseSource):
    type: ClassVar[str] = "grafana"
    title: ClassVar[str] = "Grafana Alerting"
    preset: ClassVar[Scheme] = Scheme(signature_header="X-Grafana-Alerting-Signature")
    # An end is only a lease that ran out; the alert may go on, with its first start.
    sends_in_order: ClassVar[bool] = True
    volatile: ClassVar[tuple[Path, ...]] = (("externalURL",), ("alerts", "*", "imageURL"))

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        if _is_test(payload):
            return []
        return parse_group(payload, context, _describe)

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if _is_test(payload):
            return "a test notification of the contact point"
        return "the notification carries no alert"


def _is_test(payload: Any) -> bool:
    """The contact point's Test button sends an alert that no rule has and that never resolves."""
    alerts = object_of(payload).get("alerts")
    if not isinstance(alerts, list) or len(alerts) != 1:
        return False
    labels = object_of(object_of(alerts[0]).get("labels"))
    return labels.get("alertname") == "TestAlert" and labels.get("instance") == "Grafana"


def _describe(
    labels: Mapping[str, Any], annotations: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    name = text_of(labels.get("alertname"))
    summary = text_of(annotations.get("summary"))
    description = text_of(annotations.get("description")) or text_of(annotations.get("message"))
    if name in _STATES and (rule := text_of(labels.get("rulename"))):
        name = f"{_STATES[name]}: {rule}"
    if name is None:
        return summary, description
    return name, description or summary
