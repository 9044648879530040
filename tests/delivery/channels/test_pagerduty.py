from __future__ import annotations

import json
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels import pagerduty
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.channels.registry import ValidConfig, validate_config
from tocsin.delivery.outcome import Failed, Retry, Sent, Standing
from tocsin.message import HeldBack, Message
from tocsin.model import AlertStatus, EventType, Severity

TAKEN = receivers.answer(202, '{"status":"success","message":"Event processed"}')


def events(message: Message) -> list[dict[str, Any]]:
    words = describe(message, ZoneInfo("UTC"), samples.links_for("on-call"))
    return pagerduty.events(message, words, services.SECRET)


async def post(
    handler: receivers.Handler, message: Message | None = None, **config: Any
) -> tuple[Any, list[dict[str, Any]]]:
    async with receivers.http(handler) as it, services.outbound() as out:
        channel = pagerduty.PagerDutyChannel(Parts(out), {"us": it.url, "eu": f"{it.url}/eu"})
        outcome = await channel.send(
            message or samples.message(),
            pagerduty.PagerDutyConfig(routing_key=services.SECRET, **config),
            samples.links_for,
            {},
        )
        return outcome, [json.loads(received.body) for received in it.received]


def test_a_trigger_says_what_an_incident_needs() -> None:
    [event] = events(samples.message())

    assert event["event_action"] == "trigger"
    assert event["dedup_key"] == f"tocsin/{samples.ALERT_ID}"
    assert event["client_url"] == "https://hub.example/alerts/1"
    payload = event["payload"]
    assert payload["summary"] == "Disk /var almost full on db1"
    assert payload["source"] == "prometheus-production"
    assert payload["severity"] == "critical"
    assert payload["timestamp"] == "2026-11-21T20:58:15Z"
    assert payload["custom_details"]["labels"]["team"] == "orders"


@pytest.mark.parametrize(
    ("event", "action"),
    [
        (EventType.ACKNOWLEDGED, "acknowledge"),
        (EventType.RESOLVED, "resolve"),
        (EventType.CLOSED, "resolve"),
    ],
)
def test_what_follows_names_the_same_incident(event: EventType, action: str) -> None:
    assert events(samples.message(event)) == [
        {
            "routing_key": services.SECRET,
            "dedup_key": events(samples.message())[0]["dedup_key"],
            "event_action": action,
        }
    ]


def test_an_alert_that_flaps_is_one_incident_until_it_has_settled() -> None:
    open_one, over = samples.alert(), samples.alert(status=AlertStatus.RESOLVED)
    for event, about, action in (
        (EventType.FLAPPING, over, "trigger"),
        (EventType.SETTLED, open_one, "trigger"),
        (EventType.SETTLED, over, "resolve"),
        (EventType.REMINDER, open_one, "trigger"),
    ):
        [made] = events(samples.message(event, about))
        assert (made["event_action"], made["dedup_key"]) == (action, f"tocsin/{samples.ALERT_ID}")


def test_every_severity_has_one_that_pagerduty_knows() -> None:
    known = {
        severity: events(samples.message(about=samples.alert(severity=severity)))[0]["payload"][
            "severity"
        ]
        for severity in Severity
    }

    assert list(known.values()) == ["critical", "error", "warning", "info", "info"]


async def test_a_test_leaves_no_incident_open() -> None:
    outcome, posted = await post(TAKEN, samples.message(EventType.TEST))

    assert isinstance(outcome, Sent)
    assert [event["event_action"] for event in posted] == ["trigger", "resolve"]
    assert posted[0]["payload"]["severity"] == "info"
    assert posted[0]["dedup_key"] == posted[1]["dedup_key"]


def test_a_summary_is_never_blank_and_never_too_long() -> None:
    blank = events(samples.message(about=samples.alert(title="\u200b\n ")))
    long = events(samples.message(about=samples.alert(title="x" * 5_000)))

    assert blank[0]["payload"]["summary"] == "Untitled alert"
    assert len(long[0]["payload"]["summary"]) == 1_024


def test_an_event_that_is_too_big_goes_without_its_details() -> None:
    labels = {f"label-{index}": "é" * 2_000 for index in range(300)}
    [event] = events(samples.message(about=samples.alert(labels=labels)))

    assert len(json.dumps(event, ensure_ascii=False).encode()) <= pagerduty.EVENT_LIMIT
    assert event["payload"]["custom_details"] == {
        "note": "The details were too big; open the alert."
    }


def of_group(*states: AlertStatus, **group: Any) -> list[tuple[str, str]]:
    """What is enqueued where a group is one incident: actions, and whose."""
    alerts = [
        samples.alert(id=UUID(int=number), status=status) for number, status in enumerate(states, 1)
    ]
    message = samples.several(alerts, **group)
    words = describe(message, ZoneInfo("UTC"), samples.links_for("on-call"))
    made = pagerduty.events(message, words, services.SECRET, one_per_group=True)
    names = {f"tocsin/group/{message.group and message.group.id}": "group"}
    names |= {f"tocsin/{alert.id}": f"alert {alert.id.int}" for alert in alerts}
    return [(event["event_action"], names[event["dedup_key"]]) for event in made]


def test_a_group_is_one_incident_where_that_is_asked_for() -> None:
    open_one, taken, over = AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED, AlertStatus.RESOLVED

    assert of_group(open_one, open_one) == [("trigger", "group")]
    assert of_group(open_one, taken) == [("trigger", "group")]
    assert of_group(taken, taken) == [("acknowledge", "group")]
    # Of those that are not listed, nobody knows.
    assert of_group(taken, taken, more=1) == [("trigger", "group")]
    # One that is over may have had an incident of its own: from a storm, or while it flapped.
    assert of_group(open_one, over) == [("trigger", "group"), ("resolve", "alert 2")]
    assert of_group(over, over) == [
        ("resolve", "alert 1"),
        ("resolve", "alert 2"),
        ("resolve", "group"),
    ]


def test_its_incident_says_what_the_group_has() -> None:
    message = samples.several([samples.alert(severity=Severity.HIGH)] * 3)
    words = describe(message, ZoneInfo("UTC"), samples.links_for("on-call"))
    [event] = pagerduty.events(message, words, services.SECRET, one_per_group=True)

    assert event["payload"]["severity"] == "error"
    assert event["payload"]["summary"] == words.title
    assert event["payload"]["custom_details"]["note"] == "+3; 3 open."
    assert "Disk /var almost full on db1" in event["payload"]["custom_details"]["alerts"]


@pytest.mark.parametrize("gathered", ["storm", "window"])
def test_what_a_storm_or_a_window_gathered_is_an_incident_for_each(gathered: str) -> None:
    """Their alerts end one by one: no later message would resolve an incident of all."""
    message = samples.several([samples.alert()])
    message = (
        structs.replace(message, event_type=EventType.STORM)
        if gathered == "storm"
        else structs.replace(
            message,
            held=HeldBack(reason="maintenance", since=samples.AT, until=samples.AT, after="…"),
        )
    )
    words = describe(message, ZoneInfo("UTC"), samples.links_for("on-call"))
    [event] = pagerduty.events(message, words, services.SECRET, one_per_group=True)

    assert event["dedup_key"] == f"tocsin/{samples.ALERT_ID}"


@pytest.mark.parametrize("said", [True, "true", "yes"])
def test_the_command_line_may_say_it_in_words(said: object) -> None:
    document = {"routing_key": "0" * 32, "one_incident_per_group": said}
    valid = validate_config("pagerduty", document)

    assert isinstance(valid, ValidConfig)
    assert valid.config.one_incident_per_group is True


async def test_the_config_decides() -> None:
    group = samples.several([samples.alert()])
    _, [each] = await post(TAKEN, group)
    _, [one] = await post(TAKEN, group, one_incident_per_group=True)

    assert group.group is not None
    assert each["dedup_key"] == f"tocsin/{samples.ALERT_ID}"
    assert one["dedup_key"] == f"tocsin/group/{group.group.id}"


async def test_a_refusal_repeats_pagerdutys_reasons() -> None:
    outcome, _ = await post(
        receivers.answer(400, '{"status":"invalid event","errors":["\'source\' is missing"]}')
    )

    assert isinstance(outcome, Failed)
    assert "'source' is missing" in outcome.message


async def test_an_answer_that_pagerduty_would_not_give_counts_as_not_sent() -> None:
    outcome, _ = await post(receivers.answer(202, "<html>"))

    assert isinstance(outcome, Retry)


async def test_throttling_without_a_time_waits_as_pagerduty_advises() -> None:
    outcome, _ = await post(receivers.answer(429))

    assert isinstance(outcome, Retry)
    assert (outcome.retry_after, outcome.standing) == (30.0, Standing.THROTTLED)


async def test_the_region_picks_the_host() -> None:
    async with receivers.http(TAKEN) as it, services.outbound() as out:
        channel = pagerduty.PagerDutyChannel(Parts(out), {"us": it.url, "eu": f"{it.url}/eu"})
        config = pagerduty.PagerDutyConfig(routing_key=services.SECRET, region="eu")
        await channel.send(samples.message(), config, samples.links_for, {})
        assert it.received[0].path == "/eu"
    assert pagerduty.ENDPOINTS["eu"] == "https://events.eu.pagerduty.com/v2/enqueue"


def test_a_routing_key_is_checked_and_not_repeated() -> None:
    faults = validate_config("pagerduty", {"routing_key": "not-a-key"})

    assert isinstance(faults, list)
    assert faults[0].pointer == "/routing_key"
    assert "not-a-key" not in faults[0].message
