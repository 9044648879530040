"""Slack with a bot token, against a server that speaks its API; its own library judges blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from slack_sdk.models.blocks import Block

from tests.delivery.channels import samples, services
from tests.support import receivers
from tests.support.slack import SIGNING_SECRET, TOKEN, FakeSlack
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.registry import ValidConfig, validate_config
from tocsin.delivery.channels.slack import SlackChannel
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing
from tocsin.message import Message
from tocsin.model import AlertStatus, EventType

CHANNEL = "C0123456789"


async def post(
    slack: FakeSlack,
    message: Message | None = None,
    earlier: Mapping[str, Any] | None = None,
    callbacks: str | None = "https://hub.example",
    **config: Any,
) -> Outcome:
    async def kept(delivery_id: UUID) -> Mapping[str, Any] | None:
        return earlier

    async with receivers.http(slack.take) as it, services.outbound() as out:
        document = {
            "bot_token": TOKEN,
            "signing_secret": SIGNING_SECRET,
            "channel": CHANNEL,
            "api_url": f"{it.url}/api",
            **config,
        }
        valid = validate_config("slack", document)
        assert isinstance(valid, ValidConfig), valid
        parts = Parts(out, callbacks=callbacks, earlier=kept)
        return await SlackChannel(parts).send(
            message or samples.message(), valid.config, samples.links_for, {}
        )


def blocks_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = document["attachments"][0]["blocks"]
    for block in Block.parse_all(blocks):
        block.validate_json()
    return blocks


def buttons_of(document: Mapping[str, Any]) -> list[str]:
    return [
        element["action_id"]
        for block in blocks_of(document)
        if block["type"] == "actions"
        for element in block["elements"]
    ]


async def test_a_message_is_posted_with_buttons_and_its_place_is_kept() -> None:
    slack = FakeSlack()
    outcome = await post(slack)

    assert isinstance(outcome, Sent)
    [(place, document)] = slack.messages.items()
    assert outcome.progress == {"channel": place[0], "ts": place[1]}
    assert place[0] == CHANNEL
    assert document["text"] == "CRITICAL: Disk /var almost full on db1"
    assert buttons_of(document) == ["acknowledge", "resolve"]
    [row] = [block for block in blocks_of(document) if block["type"] == "actions"]
    assert {element["value"] for element in row["elements"]} == {str(samples.DELIVERY_ID)}
    # Buttons act: nobody has to type a code, and the link only opens.
    assert "4821" not in str(document)
    assert "https://hub.example/a/" not in str(document)
    assert "https://hub.example/alerts/1" in str(document)


async def test_what_happens_to_an_alert_edits_its_message() -> None:
    slack = FakeSlack()
    first = await post(slack)
    assert isinstance(first, Sent)
    acknowledged = samples.message(
        EventType.ACKNOWLEDGED, samples.alert(status=AlertStatus.ACKNOWLEDGED)
    )
    await post(slack, acknowledged, first.progress)
    [document] = slack.messages.values()
    assert buttons_of(document) == ["resolve"]
    outcome = await post(slack, samples.message(EventType.RESOLVED), first.progress)

    assert isinstance(outcome, Sent)
    assert outcome.progress == first.progress
    [document] = slack.messages.values()
    assert [method for method, _ in slack.calls] == [
        "chat.postMessage",
        "chat.update",
        "chat.update",
    ]
    assert "resolved" in document["text"]
    assert buttons_of(document) == []


@pytest.mark.parametrize("event", [EventType.TRIGGERED, EventType.REMINDER])
async def test_news_is_a_message_of_its_own(event: EventType) -> None:
    """An edit makes no sound."""
    slack = FakeSlack()
    first = await post(slack)
    await post(slack, samples.message(event), first.progress)

    assert len(slack.messages) == 2


async def test_a_message_that_is_gone_is_posted_anew() -> None:
    slack = FakeSlack()
    outcome = await post(
        slack, samples.message(EventType.RESOLVED), {"channel": CHANNEL, "ts": "1.2"}
    )

    assert isinstance(outcome, Sent)
    assert [method for method, _ in slack.calls] == ["chat.update", "chat.postMessage"]


async def test_a_user_is_written_to_directly() -> None:
    slack = FakeSlack()
    outcome = await post(slack, channel="U0123456789")

    assert isinstance(outcome, Sent)
    assert slack.calls[0] == ("conversations.open", {"users": "U0123456789"})
    [(place, _)] = slack.messages.items()
    assert place[0] == "DU0123456789"
    assert outcome.progress is not None
    assert outcome.progress["channel"] == place[0]


@pytest.mark.parametrize(
    "more", [{"signing_secret": None}, {"callbacks": None}], ids=["no-secret", "no-public-url"]
)
async def test_where_buttons_lead_nowhere_there_are_links(more: dict[str, Any]) -> None:
    slack = FakeSlack()
    await post(slack, **more)

    [document] = slack.messages.values()
    assert buttons_of(document) == []
    assert "4821" in str(document)


async def test_a_test_has_no_buttons() -> None:
    slack = FakeSlack()
    await post(slack, samples.message(EventType.TEST))

    [document] = slack.messages.values()
    assert buttons_of(document) == []


async def test_a_message_about_several_is_edited_unless_there_are_new_ones() -> None:
    slack = FakeSlack()
    first = await post(slack, samples.several([samples.alert()] * 2))
    over = samples.several([samples.alert(status=AlertStatus.RESOLVED)] * 2)
    await post(slack, over, first.progress)
    assert [method for method, _ in slack.calls] == ["chat.postMessage", "chat.update"]
    await post(slack, samples.several([samples.alert()] * 3), first.progress)
    assert len(slack.messages) == 2


@pytest.mark.parametrize("text", [samples.HOSTILE, samples.HUGE])
async def test_the_worst_is_still_valid(text: str) -> None:
    slack = FakeSlack()
    await post(slack, samples.message(about=samples.hostile(text)))

    [document] = slack.messages.values()
    assert buttons_of(document) == ["acknowledge", "resolve"]
    assert len(blocks_of(document)) <= 50


@pytest.mark.parametrize(
    ("error", "outcome", "standing"),
    [
        ("channel_not_found", Failed, None),
        ("is_archived", Failed, None),
        ("not_in_channel", Retry, Standing.MISCONFIGURED),
        ("token_revoked", Retry, Standing.MISCONFIGURED),
        ("missing_scope", Retry, Standing.MISCONFIGURED),
        ("ratelimited", Retry, Standing.THROTTLED),
        ("internal_error", Retry, Standing.FAILING),
        ("something_new", Failed, None),
    ],
)
async def test_slacks_words(error: str, outcome: type, standing: Standing | None) -> None:
    got = await post(FakeSlack(errors={"chat.postMessage": error}))

    assert isinstance(got, outcome), got
    assert getattr(got, "standing", None) is standing
    assert TOKEN not in repr(got)


async def test_blocks_that_slack_refuses_go_as_plain_text() -> None:
    slack = FakeSlack(errors={"chat.postMessage": "invalid_blocks"})
    outcome = await post(slack)

    assert isinstance(outcome, Failed)
    assert "attachments" in slack.calls[0][1]
    assert "attachments" not in slack.calls[1][1]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "needs the url"),
        ({"url": "https://hooks.slack.com/services/T/B/x", "bot_token": TOKEN}, "needs the url"),
        ({"bot_token": TOKEN}, "needs bot_token and channel together"),
        ({"channel": CHANNEL}, "needs bot_token and channel together"),
        (
            {"url": "https://hooks.slack.com/services/T/B/x", "signing_secret": SIGNING_SECRET},
            "takes no signing_secret",
        ),
    ],
)
def test_it_is_a_webhook_or_a_bot(document: dict[str, Any], says: str) -> None:
    faults = validate_config("slack", document)

    assert isinstance(faults, list)
    assert says in faults[0].message
