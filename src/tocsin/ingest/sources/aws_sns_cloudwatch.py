"""Amazon CloudWatch alarms by way of an SNS topic, subscribed by HTTPS.

SNS posts an envelope, as text/plain, in which `Message` is a text: for an alarm it is JSON. It repeats
what a 5xx answered, and never what a 4xx did; an id is the same on each attempt. Reference:
awsdocs/amazon-sns-developer-guide, sns-message-and-json-formats.md.

An alarm comes as its own action sends it, or as an event of EventBridge, by SNS or straight from an API
destination; both name the same alarm by the same ARN.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from tocsin.ingest.proof.scheme import Scheme
from tocsin.ingest.sources.base import BaseSource, Context
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.kinds import kind_of_state
from tocsin.ingest.sources.kit.make_signal import make_signal, moment
from tocsin.ingest.sources.kit.reading import (
    object_of,
    present,
    require_object,
    required,
    text_of,
)
from tocsin.ingest.sources.kit.severity import parse_severity
from tocsin.ingest.sources.kit.tags import labels_of_objects
from tocsin.ingest.sources.kit.template import first_text, nested_object, title_or
from tocsin.model import AuthScheme, Severity, Signal, SignalKind

_CONFIRMATIONS: Final = {
    "SubscriptionConfirmation": "a subscription that waits to be confirmed",
    "UnsubscribeConfirmation": "the end of a subscription, which can be taken back",
}
_HEALTH: Final = "aws.health"
_NOT_KNOWN: Final = "INSUFFICIENT_DATA"
# CloudWatch has no severity; a team may write one into the alarm's description.
_SEVERITY: Final = re.compile(r"\bseverity\s*[:=]\s*([A-Za-z0-9-]{1,20})", re.IGNORECASE)
_METADATA: Final = (
    "AlarmArn",
    "AlarmRule",
    "AWSAccountId",
    "NewStateReason",
    "OldStateValue",
    "Region",
    "Trigger",
)


class AwsSnsCloudWatch(BaseSource):
    type: ClassVar[str] = "aws_sns_cloudwatch"
    title: ClassVar[str] = "Amazon CloudWatch (SNS)"
    preset: ClassVar[Scheme] = Scheme(auth_scheme=AuthScheme.URL)
    key_headers: ClassVar[tuple[str, ...]] = ("x-amz-sns-message-id",)

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        envelope = require_object(payload, "an SNS message")
        if (alarm := _alarm_in(envelope)) is not None:
            # Raw message delivery: no envelope.
            return _alarm(alarm, context)
        if envelope.get("source") == _HEALTH:
            return [_health(envelope, context)]
        if text_of(envelope.get("Type")) in _CONFIRMATIONS:
            return []
        message = text_of(envelope.get("Message"))
        if message is None:
            hint = "the Message of an SNS envelope is required"
            raise InvalidPayload([required("/Message", hint)])
        published = nested_object(message)
        if (alarm := _alarm_in(published)) is not None:
            return _alarm(alarm, context)
        if published.get("source") == _HEALTH:
            return [_health(published, context)]
        return [_other(envelope, message, published, context)]

    def ignored_reason(self, payload: Any, context: Context) -> str:
        envelope = object_of(payload)
        what = _CONFIRMATIONS.get(text_of(envelope.get("Type")) or "")
        if what is not None:
            return f"{what}: open its SubscribeURL, at {_host(envelope.get('SubscribeURL'))}"
        return "the alarm has not enough data to be in one state or the other"

    def delivery_key(self, payload: Any) -> str | None:
        document = object_of(payload)
        event = document.get("id") if "detail-type" in document else None
        return first_text(document.get("MessageId"), event)


def _alarm_in(document: dict[str, Any]) -> dict[str, Any] | None:
    """The alarm, by the names that its own action has for what it says; None if it is none."""
    if "AlarmName" in document and "NewStateValue" in document:
        return document
    # In `alarmData` is what an alarm hands to a function, which may pass it on.
    detail = object_of(document.get("detail")) or object_of(document.get("alarmData"))
    state = detail.get("state")
    if "alarmName" not in detail or not isinstance(state, dict):
        return None
    configuration = object_of(detail.get("configuration"))
    arns = document.get("resources")
    return {
        "AlarmName": detail["alarmName"],
        "AlarmDescription": configuration.get("description"),
        "AlarmArn": first_text(
            document.get("alarmArn"), *(arns[:1] if isinstance(arns, list) else ())
        ),
        "AlarmRule": configuration.get("alarmRule"),
        "AWSAccountId": first_text(document.get("account"), document.get("accountId")),
        "Region": document.get("region"),
        "NewStateValue": state.get("value"),
        "NewStateReason": state.get("reason"),
        "OldStateValue": object_of(detail.get("previousState")).get("value"),
        "StateChangeTime": first_text(state.get("timestamp"), document.get("time")),
        "Trigger": _trigger(configuration),
    }


def _trigger(configuration: dict[str, Any]) -> dict[str, Any]:
    metrics = configuration.get("metrics")
    first = object_of(metrics[0]) if isinstance(metrics, list) and metrics else {}
    metric = object_of(object_of(first.get("metricStat")).get("metric"))
    dimensions = object_of(metric.get("dimensions"))
    return present(
        {
            "MetricName": metric.get("name"),
            "Namespace": metric.get("namespace"),
            "Dimensions": [{"name": name, "value": value} for name, value in dimensions.items()],
        }
    )


def _alarm(alarm: dict[str, Any], context: Context) -> list[Signal]:
    state = text_of(alarm.get("NewStateValue")) or ""
    if state == _NOT_KNOWN:
        return []
    flags: list[str] = []
    kind = kind_of_state(state, flags)
    name = text_of(alarm.get("AlarmName"))
    if name is None:
        flags.append("title_missing")
    places = (alarm.get("AWSAccountId"), alarm.get("Region"), name)
    # Older messages have no ARN.
    external_id = text_of(alarm.get("AlarmArn")) or "/".join(text_of(each) or "" for each in places)
    described = text_of(alarm.get("AlarmDescription"))
    texts = (described, text_of(alarm.get("NewStateReason")))
    at = moment(alarm.get("StateChangeTime"), context, flags)
    return [
        make_signal(
            kind,
            external_id,
            name or "CloudWatch alarm",
            flags=flags,
            severity=_severity(described),
            description="\n\n".join(text for text in texts if text) or None,
            triggered_at=at if kind is SignalKind.TRIGGER else None,
            occurred_at=at,
            labels=_labels(alarm),
            metadata=present({name: alarm.get(name) for name in _METADATA}),
        )
    ]


def _other(
    envelope: dict[str, Any], message: str, published: dict[str, Any], context: Context
) -> Signal:
    """Whatever else was published to the topic: budgets, health events, a team's own words."""
    flags = ["no_external_id"]
    at = moment(envelope.get("Timestamp"), context, flags)
    return make_signal(
        SignalKind.TRIGGER,
        None,
        # Of an event of EventBridge the first line would be a brace.
        first_text(
            envelope.get("Subject"), published.get("detail-type"), message.partition("\n")[0]
        )
        or "SNS message",
        flags=flags,
        description=message,
        triggered_at=at,
        occurred_at=at,
        labels=present({"topic": (text_of(envelope.get("TopicArn")) or "").rpartition(":")[2]}),
        metadata=present({"TopicArn": text_of(envelope.get("TopicArn"))}),
    )


def _health(event: dict[str, Any], context: Context) -> Signal:
    """What is the matter with a service of Amazon itself, and when it is over."""
    detail = object_of(event.get("detail"))
    flags: list[str] = []
    arn = text_of(detail.get("eventArn"))
    if arn is None:
        flags.append("no_external_id")
    is_over = (text_of(detail.get("statusCode")) or "").lower() == "closed"
    began = moment(detail.get("startTime"), context, flags)
    changed = moment(first_text(detail.get("lastUpdatedTime"), event.get("time")), context, flags)
    texts = detail.get("eventDescription")
    first = object_of(texts[0]) if isinstance(texts, list) and texts else {}
    return make_signal(
        SignalKind.RESOLVE if is_over else SignalKind.TRIGGER,
        arn,
        title_or("AWS Health event", flags, detail.get("eventTypeCode"), event.get("detail-type")),
        flags=flags,
        description=text_of(first.get("latestDescription")),
        triggered_at=began,
        occurred_at=changed,
        labels=present(
            {
                "account": first_text(detail.get("affectedAccount"), event.get("account")),
                "region": first_text(detail.get("eventRegion"), event.get("region")),
                "service": text_of(detail.get("service")),
                "category": text_of(detail.get("eventTypeCategory")),
            }
        ),
        metadata=present({"affectedEntities": detail.get("affectedEntities")}),
    )


def _severity(description: str | None) -> Severity | None:
    found = _SEVERITY.search(description or "")
    return parse_severity(found[1])[0] if found else None


def _labels(alarm: dict[str, Any]) -> dict[str, str]:
    trigger = object_of(alarm.get("Trigger"))
    labels = labels_of_objects(trigger.get("Dimensions"), "name")
    arn = (text_of(alarm.get("AlarmArn")) or "").split(":")
    for name, value in (
        ("account", text_of(alarm.get("AWSAccountId"))),
        ("region", arn[3] if len(arn) > 3 else text_of(alarm.get("Region"))),
        ("namespace", text_of(trigger.get("Namespace"))),
        ("metric", text_of(trigger.get("MetricName"))),
    ):
        if value:
            labels.setdefault(name, value)
    return labels


def _host(address: Any) -> str:
    try:
        return urlsplit(text_of(address) or "").hostname or "an unknown host"
    except ValueError:
        return "an unknown host"
