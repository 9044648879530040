"""Grafana Alerting, webhook contact point, payload version 1 (and version 4 from an imported
Mimir receiver).

The signature is bare hex over the body, or over `timestamp:body` once a timestamp header is
configured in Grafana (grafana/alerting, http/hmac.go). Grafana does not retry a failed webhook.

Grafana 10 and older may still send the alerting of dashboards, which was there before: one rule of one
panel, without times and unsigned (pkg/services/alerting/notifiers/webhook.go).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.alert_group import parse_group
from tocsin.ingest.sources.kit.fingerprint import Path
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal
from tocsin.ingest.sources.kit.reading import object_of, present, text_of
from tocsin.ingest.sources.kit.signal_fields import severity_of_labels
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import Signal

# What Grafana raises in the place of a rule that has no data or cannot be evaluated.
_STATES: Final = {"DatasourceNoData": "No data", "DatasourceError": "Error"}
_TESTING: Final = "testing the alert notification"
_NEITHER: Final = frozenset(("paused", "pending"))
_DASHBOARD_METADATA: Final = (
    "ruleUrl",
    "imageUrl",
    "evalMatches",
    "dashboardId",
    "panelId",
    "orgId",
)
_MARK: Final = re.compile(r"^\[[A-Za-z ]{1,20}\]\s*")


class Grafana(BaseSource):
    type: ClassVar[str] = "grafana"
    title: ClassVar[str] = "Grafana Alerting"
    preset: ClassVar[Scheme] = Scheme(signature_header="X-Grafana-Alerting-Signature")
    # An end is only a lease that ran out; the alert may go on, with its first start.
    sends_in_order: ClassVar[bool] = True
    volatile: ClassVar[tuple[Path, ...]] = (
        ("externalURL",),
        ("alerts", "*", "imageURL"),
        ("imageUrl",),
    )

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        if _is_test(payload):
            return []
        if _is_of_dashboard(payload):
            signal = _dashboard_alert(payload)
            return [] if signal is None else [signal]
        return parse_group(payload, context, _describe)

    def ignored_reason(self, payload: Any, context: Context) -> str:
        if _is_test(payload):
            return "a test notification of the contact point"
        if _is_of_dashboard(payload):
            return "the rule is paused or pending: neither a problem nor its end"
        return "the notification carries no alert"


def _is_test(payload: Any) -> bool:
    """The contact point's Test button sends an alert that no rule has and that never resolves."""
    document = object_of(payload)
    if document.get("ruleName") == "Test notification":
        return _TESTING in (text_of(document.get("message")) or "").lower()
    alerts = document.get("alerts")
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


def _is_of_dashboard(payload: Any) -> bool:
    document = object_of(payload)
    return "alerts" not in document and first_text(document.get("ruleId")) is not None


def _dashboard_alert(document: dict[str, Any]) -> Signal | None:
    state = text_of(document.get("state"))
    if (state or "").lower() in _NEITHER:
        return None
    rule = text_of(document.get("ruleId"))
    flags: list[str] = []
    tags = object_of(document.get("tags"))
    return make_signal(
        kind_of_state(state, flags),
        f"rule:{rule}",
        title_or(
            f"Grafana rule {rule}",
            flags,
            document.get("ruleName"),
            # What its title begins with is the state, which changes.
            _MARK.sub("", text_of(document.get("title")) or ""),
        ),
        flags=flags,
        severity=severity_of_labels(tags, flags),
        description=text_of(document.get("message")),
        labels=tags,
        metadata=present(
            {**{name: document.get(name) for name in _DASHBOARD_METADATA}, "state": state}
        ),
    )
