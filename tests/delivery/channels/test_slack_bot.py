"""Slack with a bot token, against a server that speaks its API; its own library judges blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from slack_sdk.models.blocks import Block

from tests.delivery.channels import samples, services
from tests.support import receivers
from tests.support.slack import SIGNING_SECRET, TOKEN, FakeSlack
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit.slack_threads import (
    EVERY,
    GroupThread,
    remembered,
    thread_before,
)
from tocsin.delivery.channels.registry import ValidConfig, validate_config
from tocsin.delivery.channels.slack import SlackChannel
from tocsin.delivery.outcome import Failed, Outcome, Retry, Sent, Standing
from tocsin.message import Changes, Message
from tocsin.model import AlertStatus, EventType, Severity

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


def group(severity: Severity = Severity.HIGH, *, thread: int = 1, **changes: int) -> Message:
    """A message about a group, of which so much has changed and is open."""
    counted = Changes(**changes)
    status = AlertStatus.OPEN if counted.open else AlertStatus.RESOLVED
    alert = samples.alert(severity=severity, status=status)
    return samples.several([alert], id=UUID(int=thread), severity=severity, changes=counted)


async def story(slack: FakeSlack, *messages: Message) -> list[str]:
    """Each sent after the other; what that did."""
    kept: Mapping[str, Any] | None = None
    for message in messages:
        outcome = await post(slack, message, kept)
        assert isinstance(outcome, Sent), outcome
        kept = outcome.progress or kept
    said = []
    for method, document in slack.calls:
        reply = "reply" if not document.get("reply_broadcast") else "reply, shown in the channel"
        posted = reply if "thread_ts" in document else "post"
        said.append(posted if method == "chat.postMessage" else "edit")
    return said


async def test_a_group_is_one_message_and_its_thread() -> None:
    """The timeline of a group, from its first message to when it comes back."""
    slack = FakeSlack()
    done = await story(
        slack,
        group(new=2, open=2),
        group(Severity.CRITICAL, new=1, open=3),
        group(Severity.CRITICAL, ended=1, passed=1, open=2),
        group(Severity.CRITICAL, ended=2),
        group(new=1, open=1),
    )

    assert done == [
        "post",
        *("edit", "reply, shown in the channel"),
        "edit",
        *("edit", "reply"),
        *("edit", "reply, shown in the channel"),
    ]
    [document] = slack.messages.values()
    assert document["attachments"][0]["blocks"]
    assert "1 open" in document["text"]
    title = "Disk /var almost full on db1"
    assert [reply["text"] for reply in slack.replies] == [
        f"CRITICAL, worse than before: {title} (+1; 3 open)",
        "2 ended; all over",
        f"HIGH, open again: {title} (+1; 1 open)",
    ]
    assert buttons_of(document) == ["acknowledge", "resolve"]


async def test_every_tenth_new_alert_is_said_in_the_thread() -> None:
    slack = FakeSlack()
    done = await story(slack, *(group(new=4, open=4 * (each + 1)) for each in range(6)))

    assert done == ["post", "edit", "edit", "reply", "edit", "edit", "reply", "edit"]
    assert [reply["text"] for reply in slack.replies] == [
        "12 so far (+4; 12 open)",
        "20 so far (+4; 20 open)",
    ]
    assert not any("reply_broadcast" in reply for reply in slack.replies)


async def test_a_group_that_begins_anew_is_a_new_message() -> None:
    slack = FakeSlack()
    done = await story(slack, group(new=1, open=1), group(ended=1), group(thread=2, new=1, open=1))

    assert done == ["post", "edit", "reply", "post"]
    assert len(slack.messages) == 2


async def test_a_reply_that_could_not_be_sent_is_sent_with_the_next_attempt() -> None:
    slack = FakeSlack()
    first = await post(slack, group(new=1, open=1))
    assert isinstance(first, Sent)
    slack.reply_error = "ratelimited"
    worse = group(Severity.CRITICAL, new=1, open=2)
    assert isinstance(await post(slack, worse, first.progress), Retry)
    slack.reply_error = None
    assert isinstance(await post(slack, worse, first.progress), Sent)

    assert len(slack.messages) == 1
    assert len(slack.replies) == 1


@pytest.mark.parametrize("is_news", [True, False])
async def test_where_nobody_may_reply_news_are_a_message_of_their_own(is_news: bool) -> None:
    slack = FakeSlack(reply_error="restricted_action_thread_locked")
    severity = Severity.CRITICAL if is_news else Severity.HIGH
    second = group(severity, new=1, open=1) if is_news else group(ended=1)
    await story(slack, group(new=1, open=1), second)

    assert len(slack.messages) == (2 if is_news else 1)


async def test_a_digest_of_a_storm_is_a_message_of_its_own() -> None:
    """It says only what is new."""
    slack = FakeSlack()
    first, second = (
        structs.replace(group(new=20, open=20), event_type=EventType.STORM) for _ in range(2)
    )
    assert await story(slack, first, second) == ["post", "post"]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(Severity), st.integers(0, 7), st.integers(0, 7)), min_size=1
    )
)
def test_of_whatever_becomes_of_a_group_the_thread_says_what_it_must(
    steps: list[tuple[Severity, int, int]],
) -> None:
    before: GroupThread | None = None
    worst: Severity | None = None
    whole = 0
    for place, (severity, new, left) in enumerate(steps):
        message = group(severity, new=new, open=new + left)
        assert message.group is not None
        reply = before.reply(message, message.group) if before is not None else None
        is_open = new + left > 0
        rose = is_open and (worst is None or severity.rank > worst.rank)
        tens = (whole + new) // EVERY > whole // EVERY
        is_over = not is_open and worst is not None
        if place:
            assert (reply is not None) == (rose or is_over or (is_open and tens))
            assert (reply is not None and reply.is_loud) == rose
        whole += new
        worst = severity if is_open else None
        before = thread_before(remembered(before, message.group), message.group)
        assert before == GroupThread(worst, whole)


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
