"""A message about several alerts, in the words of every channel and within its limits."""

from __future__ import annotations

import json
from datetime import timedelta
from email.parser import BytesParser
from email.policy import default
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from msgspec import structs

from tests.delivery.channels import samples, services
from tests.delivery.channels.test_teams import SCHEMA
from tests.support import receivers
from tocsin.delivery.channels import apprise, pagerduty
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit import card, mail, slack_blocks
from tocsin.delivery.channels.kit.change_words import changes_words
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.channels.kit.slack_dialects import attachment, variables
from tocsin.delivery.channels.webhook import BODY_LIMIT, render
from tocsin.delivery.outcome import Retry, Sent
from tocsin.message import AlertView, Changes, HeldBack, Message
from tocsin.model import AlertStatus, EventType, Severity

OVER = {"status": AlertStatus.RESOLVED, "resolved_at": samples.AT + timedelta(minutes=3)}


def alerts(count: int, **changes: Any) -> list[AlertView]:
    return [
        samples.alert(id=UUID(int=samples.ALERT_ID.int + place), title=f"Disk {place}", **changes)
        for place in range(count)
    ]


def words(message: Message) -> Any:
    return describe(message, ZoneInfo("UTC"), samples.links_for("on-call"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (Changes(new=3, ended=1, passed=1, open=7), "+3, 1 ended, 1 came and went; 7 open"),
        (Changes(new=2, open=2), "+2; 2 open"),
        (Changes(acknowledged=2, open=4), "2 acknowledged; 4 open"),
        (Changes(ended=2), "2 ended; all over"),
        (Changes(open=12), "12 open"),
    ],
)
def test_what_changed_is_said_first_and_in_few_words(changes: Changes, said: str) -> None:
    assert changes_words(changes) == said
    shown = words(samples.several(alerts(1), changes=changes))
    assert shown.change == f"{said}."


def test_at_most_ten_are_shown_and_the_rest_is_counted() -> None:
    shown = words(samples.several(alerts(12), more=30))

    lines = shown.description.split("\n")
    assert len(lines) == 11
    assert lines[0] == "CRITICAL · open · Disk 0 (prometheus-production)"
    assert lines[-1] == "and 32 more"
    assert [action.name for action in shown.actions] == [
        "Acknowledge these",
        "Resolve these",
        "Open in Tocsin",
    ]


def test_all_over_is_said_and_no_colour_warns() -> None:
    message = samples.several(alerts(2, **OVER))

    assert words(message).title == "team=orders (all over)"
    heading = card.render(words(message))["body"][0]
    assert heading["style"] == "good"


@pytest.mark.parametrize("text", [samples.HOSTILE, samples.HUGE, "&" * 9_000], ids=lambda t: t[:4])
def test_the_worst_fits_into_every_channel(text: str) -> None:
    one = structs.replace(samples.hostile(text), title=text[:1_000])
    message = samples.several([one] * 100, title=text[:1_000], more=10_000)
    shown = words(message)

    shape = card.render(shown)
    jsonschema.validate(shape, SCHEMA)
    assert card.size(shape) <= card.CARD_LIMIT
    blocks = slack_blocks.render(shown)["attachments"][0]["blocks"]
    assert len(blocks) <= 50
    assert all(
        len(each.get("text", {}).get("text", "")) <= slack_blocks.SECTION_LIMIT for each in blocks
    )
    assert slack_blocks.size_of(blocks) <= slack_blocks.WHOLE_LIMIT
    assert len(variables(shown)["description"]) <= 4_000
    assert len(attachment(shown, "#000")["text"]) <= 8_000
    assert len(mail.build(message, shown, "ada@example.com", SENDER)) <= mail.MAIL_LIMIT
    assert apprise.body(shown)
    body = json.loads(render(message))
    assert len(render(message)) <= BODY_LIMIT
    assert len(body["alerts"]) + body["group"]["more"] == 10_100


SENDER = mail.FromAddress.of("hub@hub.example")


def test_webhooks_get_a_list_and_what_changed() -> None:
    both = [*alerts(1), *alerts(1, **OVER)]
    body = json.loads(render(samples.several(both)))

    assert list(body)[-3:] == ["alert", "group", "alerts"]
    assert (body["event_type"], body["alert"]) == ("alerts.group", None)
    assert [each["status"] for each in body["alerts"]] == ["OPEN", "RESOLVED"]
    assert body["group"] == {
        "id": "01939c1e-0000-7000-8000-0000000000aa",
        "title": "team=orders",
        "severity": "CRITICAL",
        "since": "2026-11-21T20:58:15Z",
        "changes": {"new": 1, "acknowledged": 0, "ended": 1, "passed": 0, "open": 1},
        "labels": {"team": "orders"},
        "more": 0,
    }


def test_mails_of_one_group_are_one_thread_whatever_changes() -> None:
    first = samples.several(alerts(1))
    then = samples.several(alerts(5), changes=Changes(new=4, open=5))
    last = samples.several(alerts(5, **OVER), severity=Severity.LOW)

    seen = [
        BytesParser(policy=default).parsebytes(mail.build(each, words(each), "a@b.example", SENDER))
        for each in (first, then, last)
    ]
    assert {each["References"] for each in seen} == {
        "<group.01939c1e-0000-7000-8000-0000000000aa@hub.example>"
    }
    subjects = [each["Subject"] for each in seen]
    assert subjects[0] == "[1 open] Alerts: team=orders (000000aa)"
    assert subjects[2] == "[All over] Alerts: team=orders (000000aa)"
    # Mail clients overlook what stands in brackets.
    assert len({subject.partition("] ")[2] for subject in subjects}) == 1


def test_pagerduty_keeps_one_incident_per_alert() -> None:
    acknowledged = alerts(1, status=AlertStatus.ACKNOWLEDGED)
    message = samples.several([*alerts(2), *acknowledged, *alerts(1, **OVER)])
    events = pagerduty.events(message, words(message), services.SECRET)

    assert [event["event_action"] for event in events] == [
        "trigger",
        "trigger",
        "acknowledge",
        "resolve",
    ]
    single = pagerduty.events(samples.message(), words(samples.message()), services.SECRET)
    assert events[0]["dedup_key"] == single[0]["dedup_key"]
    assert events[0]["payload"]["custom_details"]["alert_id"] == str(samples.ALERT_ID)


def test_at_pagerduty_one_incident_stands_for_what_is_not_listed() -> None:
    message = samples.several(alerts(2), more=40)
    *_, last = pagerduty.events(message, words(message), services.SECRET)
    over = samples.several(alerts(1, **OVER))
    *_, end = pagerduty.events(over, words(over), services.SECRET)

    assert last["event_action"] == "trigger"
    assert last["dedup_key"] == end["dedup_key"] == f"tocsin/group/{message.group.id}"  # type: ignore[union-attr]
    assert end["event_action"] == "resolve"


async def test_pagerduty_is_not_sent_again_what_it_has_taken() -> None:
    answers = iter([202, 503])

    async def answer(request: Any) -> Any:
        status = next(answers, 202)
        body = '{"status":"success"}' if status == 202 else "busy"
        return await receivers.answer(status, body)(request)

    async with receivers.http(answer) as it, services.outbound() as out:
        channel = pagerduty.PagerDutyChannel(Parts(out), {"us": it.url, "eu": it.url})
        config = pagerduty.PagerDutyConfig(routing_key=services.SECRET)
        message = samples.several(alerts(3))
        first = await channel.send(message, config, samples.links_for, {})
        assert isinstance(first, Retry)
        second = await channel.send(message, config, samples.links_for, first.progress or {})
        keys = [json.loads(each.body)["dedup_key"][-2:] for each in it.received]

    assert isinstance(second, Sent)
    assert keys == ["a1", "a2", "a2", "a3"]


def test_what_held_them_is_said() -> None:
    held = {"reason": "maintenance", "since": samples.AT, "until": samples.AT + timedelta(hours=2)}
    shown = words(
        samples.several(
            alerts(2),
            changes=Changes(open=2),
            held=HeldBack(**held, after="maintenance “DB patch”"),
        )
    )

    assert shown.change == (
        "2 open. Still firing after maintenance “DB patch”, which held this back for 2 h."
    )


def test_a_message_about_one_alert_is_as_it_was() -> None:
    body = json.loads(render(samples.message()))

    assert list(body) == ["id", "event_type", "created_at", "workspace", "tenant", "rule", "alert"]
    assert samples.message(EventType.GROUP).group is not None
