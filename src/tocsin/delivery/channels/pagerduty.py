"""PagerDuty: Events API v2. One incident per alert, found again by its dedup key, also where one message
is about several; or, where the config asks for it, one per group."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from msgspec import structs
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate
from tocsin.delivery.channels.kit.escape import lines, one_line
from tocsin.delivery.channels.kit.http import digest, encode, judge, unanswered
from tocsin.delivery.channels.kit.message_actions import OPEN
from tocsin.delivery.channels.kit.message_words import MessageWords, describe
from tocsin.delivery.outbound import Answer, NoAnswer
from tocsin.delivery.outcome import Failed, Outcome, Progress, Retry, Sent, Standing
from tocsin.message import AlertView, Group, Message
from tocsin.model import AlertStatus, EventType, Severity, iso

ENDPOINTS = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
SUMMARY_LIMIT = 1_024
EVENT_LIMIT = 512_000
"""Bytes; a bigger event is refused, so it goes without its details."""
THROTTLED_WAIT = 30.0
"""Seconds; PagerDuty's own advice where its 429 names no time."""

_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
    Severity.INFO: "info",
}
_ACTIONS = {
    EventType.TRIGGERED: "trigger",
    EventType.REMINDER: "trigger",
    # One incident for as long as it flaps.
    EventType.FLAPPING: "trigger",
    EventType.SETTLED: "trigger",
    EventType.ACKNOWLEDGED: "acknowledge",
    EventType.RESOLVED: "resolve",
    EventType.CLOSED: "resolve",
}
_STATE_ACTIONS = {
    AlertStatus.OPEN: "trigger",
    AlertStatus.ACKNOWLEDGED: "acknowledge",
    AlertStatus.RESOLVED: "resolve",
    AlertStatus.CLOSED: "resolve",
}
_TAKEN = "taken"
"""In the progress of a message: how many of its events PagerDuty has taken."""


def _is_routing_key(text: str) -> str:
    if len(text) != 32 or not (text.isascii() and text.isalnum()):
        raise PydanticCustomError(
            "routing-key",
            "must be the 32 letters and digits of an Events API v2 integration key",
        )
    return text


class PagerDutyConfig(ChannelConfig):
    routing_key: Annotated[str, AfterValidator(_is_routing_key)] = Field(repr=False)
    region: Literal["us", "eu"] = "us"
    one_incident_per_group: bool = Field(
        default=False,
        description="What a rule groups is one incident, resolved when all of the group is over",
    )


class PagerDutyChannel:
    kind: ClassVar[str] = "pagerduty"
    config_model: ClassVar[type[ChannelConfig]] = PagerDutyConfig
    secret_fields: ClassVar = frozenset({"routing_key"})
    # About 120 events a minute per key. A resolve that overtakes its trigger is dropped and the
    # incident stays open forever; the dispatcher's order per alert sees to that.
    rate: ClassVar = Rate(per_second=2.0, burst=10, concurrency=2)

    def __init__(self, parts: Parts, endpoints: Mapping[str, str] = ENDPOINTS) -> None:
        self._outbound = parts.outbound
        self._endpoints = endpoints

    @staticmethod
    def masked(config: PagerDutyConfig) -> dict[str, Any]:
        return {"routing_key": f"…{config.routing_key[-4:]}"}

    @staticmethod
    def bucket(config: PagerDutyConfig) -> str:
        return digest("pagerduty", config.routing_key)

    async def send(
        self, message: Message, config: PagerDutyConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        words = describe(message, config.zone, links_for(message.destination_name))
        outcome: Outcome = Sent()
        every = events(
            message,
            words,
            config.routing_key,
            one_per_group=config.one_incident_per_group,
        )
        begin = min(int(progress.get(_TAKEN, 0)), len(every) - 1)
        for place, event in enumerate(every[begin:], begin):
            answer = await self._outbound.post(
                self._endpoints[config.region],
                encode(event),
                {"Content-Type": "application/json"},
            )
            if isinstance(answer, NoAnswer):
                outcome = unanswered(message.destination_name, answer)
            else:
                outcome = self._judge(message, answer)
            if not isinstance(outcome, Sent):
                # Of several, those that are taken need not be sent again.
                return replace(outcome, progress={_TAKEN: place}) if place else outcome
        return outcome

    def _judge(self, message: Message, answer: Answer) -> Outcome:
        name = message.destination_name
        said = _document(answer)
        if answer.status == 202 and said.get("status") == "success":
            return Sent(202)
        if 200 <= answer.status < 300:
            # Sending again is safe: the dedup key makes a repeat a log entry.
            return Retry(
                "answer-unexpected",
                f"{name} answered {answer.status}, but not as PagerDuty does.",
                answer.status,
            )
        if answer.status == 400:
            return Failed("refused", f"{name} refused the event: {_faults(said)}.", 400)
        if answer.status == 429:
            outcome = judge(name, answer, message.at)
            wait = outcome.retry_after if isinstance(outcome, Retry) else None
            return Retry(
                "throttled",
                f"{name} asked to be sent less (429).",
                429,
                retry_after=wait or THROTTLED_WAIT,
                standing=Standing.THROTTLED,
            )
        return judge(name, answer, message.at)


def events(
    message: Message, words: MessageWords, routing_key: str, *, one_per_group: bool = False
) -> list[dict[str, Any]]:
    """What to enqueue, in order. A test opens an incident of severity info and closes it at once,
    so that it shows in PagerDuty and nobody has to clean up."""
    if message.group is not None:
        # What a storm or a window gathered ends alert by alert, and no later message would resolve it.
        is_of_rule = message.event_type is EventType.GROUP and message.held is None
        make = _events_of_group if one_per_group and is_of_rule else _events_of_several
        return make(message, message.group, words, routing_key)
    alert = message.alert
    if alert is None:
        key = f"tocsin/test/{message.id}"
        return [
            _trigger(message, words, routing_key, key),
            {"routing_key": routing_key, "dedup_key": key, "event_action": "resolve"},
        ]
    key = _key_of(alert)
    is_over = message.event_type is EventType.SETTLED and not alert.status.is_live
    action = "resolve" if is_over else _ACTIONS[message.event_type]
    if action == "trigger":
        return [_trigger(message, words, routing_key, key)]
    return [{"routing_key": routing_key, "dedup_key": key, "event_action": action}]


def _events_of_group(
    message: Message, group: Group, words: MessageWords, routing_key: str
) -> list[dict[str, Any]]:
    """One for the group as it stands, and one for each alert that is over, which may have an incident of
    its own: from a storm, or from when it flapped. PagerDuty passes over a resolve of what it does not
    know."""
    found: list[dict[str, Any]] = [
        {"routing_key": routing_key, "dedup_key": _key_of(alert), "event_action": "resolve"}
        for alert in message.alerts
        if not alert.status.is_live
    ]
    key = f"tocsin/group/{group.id}"
    live = [alert.status for alert in message.alerts if alert.status.is_live]
    taken_on = live and not group.more and set(live) == {AlertStatus.ACKNOWLEDGED}
    if group.changes.open and not taken_on:
        return [_trigger(message, words, routing_key, key), *found]
    action = "acknowledge" if group.changes.open else "resolve"
    return [*found, {"routing_key": routing_key, "dedup_key": key, "event_action": action}]


def _events_of_several(
    message: Message, group: Group, words: MessageWords, routing_key: str
) -> list[dict[str, Any]]:
    """One for each alert that is listed; for those that are not, one incident that stands for them."""
    found = []
    for alert in message.alerts:
        key, action = _key_of(alert), _STATE_ACTIONS[alert.status]
        if action == "trigger":
            alone = structs.replace(message, alert=alert, group=None, alerts=())
            found.append(_trigger(alone, words, routing_key, key))
        else:
            found.append({"routing_key": routing_key, "dedup_key": key, "event_action": action})
    key = f"tocsin/group/{group.id}"
    if group.more and group.changes.open:
        found.append(_trigger(message, words, routing_key, key))
    elif not group.changes.open or not found:
        found.append({"routing_key": routing_key, "dedup_key": key, "event_action": "resolve"})
    return found


def _key_of(alert: AlertView) -> str:
    """A new episode of the same alert key is a new alert, and a new incident."""
    return f"tocsin/{alert.id}"


def _trigger(message: Message, words: MessageWords, routing_key: str, key: str) -> dict[str, Any]:
    alert = message.alert
    url = next((action.url for action in words.actions if action.name == OPEN), None)
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": key,
        "client": "Tocsin",
        "payload": {
            "summary": one_line(alert.title if alert else words.title, SUMMARY_LIMIT)
            or words.title,
            "source": one_line(alert.source, 255) if alert else "tocsin",
            "severity": _SEVERITIES[message.severity or Severity.INFO],
            "timestamp": iso(alert.triggered_at if alert else message.created_at),
            "custom_details": _details(message, words),
        },
    }
    if url:
        event["client_url"] = url
    # Not those that act: they take a code, which is not in here.
    links = [action for action in words.actions if not action.asks_code]
    if links:
        event["links"] = [{"href": link.url, "text": link.name} for link in links]
    if len(encode(event)) > EVENT_LIMIT:
        event["payload"]["custom_details"] = {"note": "The details were too big; open the alert."}
    return event


def _details(message: Message, words: MessageWords) -> dict[str, Any]:
    """A fixed set of keys: rules written in PagerDuty go by them."""
    alert = message.alert
    if alert is None:
        listed = {"alerts": words.description} if words.description else {}
        return {"note": words.change, **listed}
    labels = {one_line(name, 255): one_line(value, 2_000) for name, value in alert.labels.items()}
    return {
        "alert_id": str(alert.id),
        "external_id": alert.external_id and one_line(alert.external_id, 1_000),
        "severity": alert.severity.value,
        "tenant": message.tenant and one_line(message.tenant.name, 255),
        "workspace": one_line(message.workspace.name, 255),
        "rule": message.rule and one_line(message.rule.name, 255),
        "triggered": ", ".join(moment.text for moment in words.moments[:1]),
        "description": alert.description and lines(alert.description, 20_000),
        "labels": labels,
    }


def _document(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _faults(said: Mapping[str, Any]) -> str:
    """PagerDuty's own list of what is wrong; its host is fixed, so the words are its own."""
    faults = said.get("errors")
    if not isinstance(faults, list) or not faults:
        return "it gave no reason"
    return one_line("; ".join(str(fault) for fault in faults[:5]), 300)
