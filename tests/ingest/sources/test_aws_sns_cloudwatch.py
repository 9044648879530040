from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

SNS = SOURCES["aws_sns_cloudwatch"]
ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:db-7 disk"


def one(**changed: Any) -> Signal:
    envelope = load("aws_sns_cloudwatch/alarm.json")
    message = json.dumps(json.loads(envelope["Message"]) | changed)
    (signal,) = SNS.parse(envelope | {"Message": message}, context())
    return signal


def test_an_alarm() -> None:
    (signal,) = parse("aws_sns_cloudwatch/alarm.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, ARN)
    assert (signal.title, signal.severity) == ("db-7 disk", Severity.CRITICAL)
    assert signal.description == "Grows fast. Severity: critical\n\nThreshold Crossed"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 250000)
    assert signal.labels == {
        "InstanceId": "i-7",
        "path": "/",
        "account": "123456789012",
        "region": "eu-central-1",
        "namespace": "CWAgent",
        "metric": "DiskUsed",
    }
    assert signal.metadata["Trigger"]["Threshold"] == 90
    assert signal.flags == ()


def test_ok_ends_it() -> None:
    (signal,) = parse("aws_sns_cloudwatch/ok.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, ARN)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)


def test_too_little_data_is_no_alert() -> None:
    assert parse("aws_sns_cloudwatch/insufficient_data.json") == []
    payload = load("aws_sns_cloudwatch/insufficient_data.json")
    assert "not enough data" in SNS.ignored_reason(payload, context())


def test_a_message_without_an_envelope_or_an_arn() -> None:
    (signal,) = parse("aws_sns_cloudwatch/raw_delivery.json")
    assert signal.external_id == "123456789012/Europe (Frankfurt)/db-7 disk"
    assert signal.labels["region"] == "Europe (Frankfurt)"


def test_whatever_else_is_published_is_an_alert_of_its_own() -> None:
    (signal,) = parse("aws_sns_cloudwatch/budget.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, None)
    assert signal.title == "AWS Budgets: Monthly has exceeded"
    assert signal.flags == ("no_external_id",)
    assert signal.labels == {"topic": "alerts"}


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://sns.eu-central-1.amazonaws.com/?Action=x", "sns.eu-central-1.amazonaws.com"),
        ("https://evil.example.com/", "evil.example.com"),
        ("https://[", "an unknown host"),
        (None, "an unknown host"),
    ],
)
def test_a_confirmation_is_recorded_with_the_host_to_look_at(address: Any, host: str) -> None:
    payload = load("aws_sns_cloudwatch/confirmation.json") | {"SubscribeURL": address}
    assert SNS.parse(payload, context()) == []
    assert SNS.ignored_reason(payload, context()).endswith(f"open its SubscribeURL, at {host}")


def test_doubts() -> None:
    assert one(AlarmDescription="severity: dire").severity is None
    assert one(AlarmDescription=None).severity is None
    assert one(NewStateValue="WOBBLY").flags == ("unknown_status",)
    assert one(AlarmName=None).flags == ("title_missing",)


def test_a_message_is_needed() -> None:
    for payload, pointer in (({"Type": "Notification"}, "/Message"), ([], "")):
        with pytest.raises(InvalidPayload) as caught:
            SNS.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_a_delivery_has_the_name_of_its_message() -> None:
    payload = load("aws_sns_cloudwatch/alarm.json")
    assert idempotency_key(SNS, {}, payload) == "m-1"
    assert idempotency_key(SNS, {"x-amz-sns-message-id": "m-9"}, payload) == "m-9"


def test_an_event_of_eventbridge_is_the_same_alarm() -> None:
    (signal,) = parse("aws_sns_cloudwatch/event.json")
    (own,) = parse("aws_sns_cloudwatch/alarm.json")
    assert (signal.kind, signal.external_id, signal.title) == (own.kind, ARN, own.title)
    assert (signal.severity, signal.description) == (own.severity, own.description)
    assert (signal.triggered_at, signal.labels) == (own.triggered_at, own.labels)
    assert signal.flags == ()
    event = load("aws_sns_cloudwatch/event.json")
    assert idempotency_key(SNS, {}, event) == event["id"]


def test_its_end_is_an_end_also_in_an_envelope() -> None:
    (signal,) = parse("aws_sns_cloudwatch/event_ok_in_envelope.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, ARN)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30, 0, 250000)


def test_what_an_alarm_hands_to_a_function_and_events_with_little_in_them() -> None:
    event = load("aws_sns_cloudwatch/event.json")
    handed = {
        "source": "aws.cloudwatch",
        "alarmArn": ARN,
        "accountId": "123456789012",
        "time": event["time"],
        "region": "eu-central-1",
        "alarmData": event["detail"],
    }
    assert SNS.parse(handed, context()) == SNS.parse(event, context())
    del event["resources"], event["detail"]["configuration"]
    event["detail"]["state"] = {"value": "OK"}
    (signal,) = SNS.parse(event, context())
    assert (signal.kind, signal.external_id) == (
        SignalKind.RESOLVE,
        "123456789012/eu-central-1/db-7 disk",
    )
    assert signal.occurred_at == utc(2026, 3, 1, 9)


def test_another_event_is_named_by_its_type() -> None:
    envelope = load("aws_sns_cloudwatch/alarm.json")
    del envelope["Subject"]
    message = json.dumps({"detail-type": "EC2 Spot Instance Interruption", "detail": {}}, indent=1)
    (signal,) = SNS.parse(envelope | {"Message": message}, context())
    assert signal.title == "EC2 Spot Instance Interruption"


def test_the_health_of_amazons_services_has_an_end() -> None:
    (signal,) = parse("aws_sns_cloudwatch/health.json")
    assert signal.kind is SignalKind.TRIGGER
    assert (signal.external_id or "").endswith("AWS_EC2_OPERATIONAL_ISSUE_7")
    assert signal.title == "AWS_EC2_OPERATIONAL_ISSUE"
    assert signal.description == "Instances lose their network."
    assert signal.triggered_at == utc(2026, 3, 1, 9)
    assert signal.occurred_at == utc(2026, 3, 1, 9, 5)
    assert signal.labels == {
        "account": "123456789012",
        "region": "eu-central-1",
        "service": "EC2",
        "category": "issue",
    }
    assert signal.flags == ()
    event = load("aws_sns_cloudwatch/health.json")
    event["detail"]["statusCode"] = "closed"
    envelope = load("aws_sns_cloudwatch/alarm.json") | {"Message": json.dumps(event)}
    (ended,) = SNS.parse(envelope, context())
    assert (ended.kind, ended.external_id) == (SignalKind.RESOLVE, signal.external_id)
    (bare,) = SNS.parse({"source": "aws.health"}, context())
    assert (bare.title, bare.flags) == ("AWS Health event", ("no_external_id", "title_missing"))
