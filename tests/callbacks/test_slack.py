"""Buttons of Slack, each press signed by Slack's own library."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from slack_sdk.signature import SignatureVerifier

from tests.api.server import Answer
from tests.callbacks.conftest import Called
from tests.support import receivers
from tests.support.outbox import dispatching, until
from tests.support.slack import SIGNING_SECRET, TOKEN, FakeSlack
from tocsin.callbacks import slack as buttons
from tocsin.model import EventType, uuid7

CHANNEL = "C0123456789"


@dataclass
class Posted:
    """One message that stands in Slack, and Slack itself for as long as a test goes on."""

    called: Called
    slack: FakeSlack
    url: str
    destination_id: UUID
    delivery_id: UUID
    users: dict[str, UUID] = field(default_factory=dict)

    @property
    def message(self) -> Mapping[str, Any]:
        return next(iter(self.slack.messages.values()))

    def press(
        self,
        action: str = "acknowledge",
        user: str = "U0000000ADA",
        secret: str = SIGNING_SECRET,
        at: float | None = None,
        **changes: Any,
    ) -> Answer:
        payload = {
            "type": "block_actions",
            "user": {"id": user, "name": "ada.l"},
            "actions": [
                {"block_id": "tocsin", "action_id": action, "value": str(self.delivery_id)}
            ],
            "response_url": f"{self.url}/response/1",
            "message": self.message,
            **changes,
        }
        body = urlencode({"payload": json.dumps(payload)})
        timestamp = str(int(time.time() if at is None else at))
        signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
        return self.called.client.request(
            "POST",
            "/callbacks/slack/interactions",
            raw=body.encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Slack-Request-Timestamp": timestamp,
                "X-Slack-Signature": signature or "",
            },
        )

    def member(self, slack_user: str, email: str, role: str) -> UUID:
        user_id = uuid7()
        db = self.called.outbox.db
        db.execute(
            "INSERT INTO users (id, email, name) VALUES (%s, %s, 'Ada Lovelace')", [user_id, email]
        )
        db.execute(
            "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, %s)",
            [user_id, self.called.outbox.workspace_id, role],
        )
        self.slack.emails[slack_user] = email.upper()
        return user_id


@pytest.fixture
async def posted(called: Called):  # type: ignore[no-untyped-def]
    slack = FakeSlack()
    async with receivers.http(slack.take) as it:
        destination_id = called.outbox.destination(
            "ops channel",
            kind="slack",
            bot_token=TOKEN,
            signing_secret=SIGNING_SECRET,
            channel=CHANNEL,
            api_url=f"{it.url}/api",
        )
        delivery_id = called.outbox.plan(destination_id)
        async with dispatching(called.outbox.url):
            called.outbox.announce()
            await until(lambda: called.outbox.row(delivery_id)["status"] == "sent")
        yield Posted(called, slack, it.url, destination_id, delivery_id)


async def pressed(posted: Posted, *arguments: Any, **more: Any) -> Answer:
    """The press is of another thread, so that Slack can answer what it is asked meanwhile."""
    import asyncio

    return await asyncio.to_thread(posted.press, *arguments, **more)


async def test_a_button_acts_at_once_in_the_name_of_the_member(posted: Posted) -> None:
    user_id = posted.member("U0000000ADA", "ada@example.com", "responder")

    answer = await pressed(posted)

    assert answer.status == 200
    assert posted.called.status_of(posted.delivery_id) == "ACKNOWLEDGED"
    [(kind, actor)] = posted.called.events(posted.delivery_id)
    assert kind == "acknowledged"
    assert actor == {"kind": "user", "name": "Ada Lovelace", "id": str(user_id)}
    [said] = posted.slack.said
    assert said["replace_original"] is True
    assert "Acknowledged: Disk. (Ada Lovelace)" in json.dumps(said)
    # What is left to do can still be pressed.
    assert '"action_id": "resolve"' in json.dumps(said)
    assert '"action_id": "acknowledge"' not in json.dumps(said)

    await pressed(posted, "resolve")
    assert posted.called.status_of(posted.delivery_id) == "RESOLVED"


async def test_who_may_only_look_is_told_so(posted: Posted) -> None:
    posted.member("U0000000ADA", "ada@example.com", "viewer")

    assert (await pressed(posted)).status == 200

    assert posted.called.status_of(posted.delivery_id) == "OPEN"
    [said] = posted.slack.said
    assert said["response_type"] == "ephemeral"
    assert said["text"] == buttons.NOT_PERMITTED


async def test_a_member_of_another_workspace_is_none_here(posted: Posted) -> None:
    posted.member("U0000000ADA", "ada@example.com", "admin")
    db = posted.called.outbox.db
    other = uuid7()
    db.execute("INSERT INTO workspaces (id, slug, name) VALUES (%s, 'other', 'Other')", [other])
    db.execute("UPDATE memberships SET workspace_id = %s", [other])

    await pressed(posted)

    [(_, actor)] = posted.called.events(posted.delivery_id)
    assert actor["kind"] == "recipient"
    assert actor["name"] == "ada.l in ops channel"


@pytest.mark.parametrize(
    "changes",
    [{"secret": "another0123456789abcdef"}, {"at": 1_000_000_000.0}, {"at": time.time() + 3_600}],
    ids=["another-secret", "old", "of-the-future"],
)
async def test_nothing_is_done_without_slacks_signature(
    posted: Posted, changes: dict[str, Any]
) -> None:
    assert (await pressed(posted, **changes)).status == 403
    assert posted.called.status_of(posted.delivery_id) == "OPEN"
    assert posted.slack.said == []


async def test_one_apps_secret_is_not_good_for_another(posted: Posted) -> None:
    """A message of somebody else's destination, named in a request that is signed with one's own."""
    other_secret = "ffffffffffffffffffffffffffffffff"
    outbox = posted.called.outbox
    outbox.destination(
        "theirs", kind="slack", bot_token=TOKEN, signing_secret=other_secret, channel=CHANNEL
    )

    assert (await pressed(posted, secret=other_secret)).status == 403
    assert posted.called.status_of(posted.delivery_id) == "OPEN"


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "view_submission"},
        {"actions": []},
        {"actions": [{"block_id": "x", "action_id": "acknowledge", "value": str(uuid7())}]},
        {"actions": [{"block_id": "tocsin", "action_id": "delete", "value": str(uuid7())}]},
        {"actions": [{"block_id": "tocsin", "action_id": "resolve", "value": "nonsense"}]},
    ],
)
async def test_what_is_not_a_button_of_ours_is_overlooked(
    posted: Posted, changes: dict[str, Any]
) -> None:
    assert (await pressed(posted, **changes)).status == 200
    assert posted.called.status_of(posted.delivery_id) == "OPEN"


async def test_an_answer_goes_to_slack_and_nowhere_else(posted: Posted) -> None:
    async with receivers.http(receivers.answer()) as elsewhere:
        address = elsewhere.url.replace("127.0.0.1", "127.0.0.2")
        await pressed(posted, response_url=f"{address}/inside")
        assert elsewhere.received == []
    assert posted.called.status_of(posted.delivery_id) == "ACKNOWLEDGED"


async def test_an_end_edits_the_message_that_stands_there(posted: Posted) -> None:
    """By the road that every message takes: where it stands is kept with the one before."""
    outbox = posted.called.outbox
    alert_id = outbox.row(posted.delivery_id)["alert_id"]
    end = outbox.plan(posted.destination_id, alert_id, EventType.RESOLVED)
    async with dispatching(outbox.url):
        outbox.announce()
        await until(lambda: outbox.row(end)["status"] == "sent")

    assert [method for method, _ in posted.slack.calls] == ["chat.postMessage", "chat.update"]
    assert len(posted.slack.messages) == 1
    assert "resolved" in posted.message["text"]
    assert outbox.row(end)["progress"] == outbox.row(posted.delivery_id)["progress"]
