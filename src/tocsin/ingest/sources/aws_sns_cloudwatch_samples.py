"""Webhooks as Amazon SNS sends them about an alarm of CloudWatch."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)

_ACCOUNT: Final = "123456789012"


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    state = "OK" if event.kind == RESOLVE else "ALARM"
    name = f"{event.scene.name}-{event.n}"
    topic = f"arn:aws:sns:{event.region}:{_ACCOUNT}:{event.scene.team}"
    message_id = event.uuid("message")
    alarm = {
        "AlarmName": event.summary,
        "AlarmDescription": f"{event.scene.detail} severity: {event.scene.severity}",
        "AWSAccountId": _ACCOUNT,
        "NewStateValue": state,
        "NewStateReason": f"Threshold Crossed: the alarm is {state}.",
        "StateChangeTime": f"{event.now:%Y-%m-%dT%H:%M:%S}.{event.now.microsecond // 1000:03}+0000",
        "Region": "Europe (Frankfurt)",
        "AlarmArn": f"arn:aws:cloudwatch:{event.region}:{_ACCOUNT}:alarm:{name}",
        "OldStateValue": "ALARM" if event.kind == RESOLVE else "OK",
        "Trigger": {
            "MetricName": "CPUUtilization",
            "Namespace": "AWS/EC2",
            "Dimensions": [{"name": "InstanceId", "value": event.host}],
        },
    }
    headers = {
        "User-Agent": "Amazon Simple Notification Service Agent",
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic,
    }
    return headers, {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": f'{state}: "{event.summary}"',
        "Message": msgspec.json.encode(alarm).decode(),
        "Timestamp": iso(event.now),
        "SignatureVersion": "1",
        "Signature": "bm90IHNpZ25lZA==",
        "SigningCertURL": f"https://sns.{event.region}.amazonaws.com/sample.pem",
    }
