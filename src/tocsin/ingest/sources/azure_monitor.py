"""Azure Monitor, action group with a webhook, by the common alert schema.

Reference: MicrosoftDocs/azure-monitor-docs, articles/azure-monitor/alerts/alerts-common-schema.md. Azure
repeats a webhook only after 408, 429, 503 and 504, and cannot sign (a token in the address is its way).
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    require_text,
    text_of,
    wrong_type,
)
from tocsin.ingest.sources.kit.template import first_text, title_or
from tocsin.model import AuthScheme, Fault, Severity, Signal, SignalKind

_SCHEMA: Final = "azureMonitorCommonAlertSchema"
_SEVERITIES: Final = dict(zip(("sev0", "sev1", "sev2", "sev3", "sev4"), Severity, strict=True))
_METADATA: Final = (
    "alertRuleId",
    "originAlertId",
    "signalType",
    "monitoringService",
    "alertTargetIDs",
    "configurationItems",
    "investigationLink",
)


class AzureMonitor(BaseSource):
    type: ClassVar[str] = "azure_monitor"
    title: ClassVar[str] = "Azure Monitor"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        data, essentials = _parts(payload)
        flags: list[str] = []
        external_id = require_text(
            first_text(essentials.get("alertId"), essentials.get("originAlertId")),
            "/data/essentials/alertId",
            "the alert's id is required",
        )
        title = title_or("Azure Monitor alert", flags, essentials.get("alertRule"))
        kind = kind_of_state(text_of(essentials.get("monitorCondition")), flags)
        fired = moment(essentials.get("firedDateTime"), context, flags)
        ended = None
        if kind is SignalKind.RESOLVE:
            ended = moment(essentials.get("resolvedDateTime"), context, flags)
        metadata = {name: essentials.get(name) for name in _METADATA}
        return [
            make_signal(
                kind,
                external_id,
                title,
                flags=flags,
                severity=_severity(essentials.get("severity"), flags),
                description=text_of(essentials.get("description")),
                triggered_at=fired,
                occurred_at=ended if kind is SignalKind.RESOLVE else fired,
                labels=_labels(essentials, data),
                metadata=present({**metadata, "alertContext": data.get("alertContext")}),
            )
        ]


def _parts(payload: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data and its essentials."""
    document = require_object(payload, "an Azure Monitor webhook")
    if (schema := document.get("schemaId")) != _SCHEMA:
        shown = f", not {schema[:100]}" if isinstance(schema, str) else ""
        message = f"expected {_SCHEMA}{shown}; turn the common alert schema on in the action group"
        raise InvalidPayload([Fault("/schemaId", "unsupported-schema", message)])
    data = document.get("data")
    if not isinstance(data, dict):
        raise InvalidPayload([wrong_type("/data", "an object", data)])
    essentials = data.get("essentials")
    if not isinstance(essentials, dict):
        raise InvalidPayload([wrong_type("/data/essentials", "an object", essentials)])
    return data, essentials


def _severity(value: Any, flags: list[str]) -> Severity | None:
    """Azure counts from Sev0, the worst, to Sev4; other tools from one."""
    word = text_of(value)
    if word is None:
        return None
    severity = _SEVERITIES.get(word.lower())
    if severity is None:
        flags.append("unknown_severity")
    return severity


def _labels(essentials: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """What the team wrote into the rule's custom properties, and what the alert is about."""
    items = essentials.get("configurationItems")
    named = [text for item in items if (text := text_of(item))] if isinstance(items, list) else []
    return present(
        {
            "service": text_of(essentials.get("monitoringService")),
            "signal": text_of(essentials.get("signalType")),
            "resource": ",".join(named[:50]),
            **object_of(data.get("customProperties")),
        }
    )
