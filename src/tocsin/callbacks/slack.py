"""Buttons of Slack: what was pressed is done at once, in the name of who pressed it.

Facts: docs.slack.dev/interactivity/handling-user-interaction (a form with one field, `payload`; answered
within three seconds; `response_url` replaces the message, or says something to one person).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from tocsin.access.vault import Vault
from tocsin.alerts.actions import Actions
from tocsin.callbacks.acting import Answered, act
from tocsin.callbacks.reading import TooMuch, config_of, fields_of, read_body
from tocsin.delivery.channels.kit import slack_bot
from tocsin.delivery.channels.kit.escape import one_line, slack
from tocsin.delivery.channels.kit.http import encode
from tocsin.delivery.channels.slack import SlackConfig, bot_of
from tocsin.delivery.outbound import Outbound, UrlRefused, parse_url
from tocsin.model import Action, Actor, ActorKind, Secret, utc_now
from tocsin.store.database import Engine, reading
from tocsin.store.queries.callbacks import CallingDestination, SentMessage, find_sent, member_of

log = structlog.get_logger(__name__)

BODY_LIMIT = 262_144
"""Bytes; Slack sends the whole message back."""
WHO_SECONDS = 1.5
"""For Slack to say who somebody is; it waits three seconds for all of our answer."""
NOT_PERMITTED = (
    "You may look at this workspace's alerts, but not act on them: your role in Tocsin is viewer. An "
    "admin of the workspace changes that, with: tocsin user edit YOUR-ADDRESS --role responder"
)

_ACTS = {"responder", "admin"}
_HOOK_HOSTS = (".slack.com", ".slack-gov.com")


@dataclass(frozen=True, slots=True)
class Pressed:
    """What was pressed, by whom, and the message as it stands there. Yet to be believed."""

    delivery_id: UUID
    action: Action
    user_id: str
    user_name: str
    response_url: str = field(repr=False)
    message: Mapping[str, Any] = field(repr=False)


class SlackCallbacks:
    def __init__(self, engine: Engine, vault: Vault, actions: Actions, outbound: Outbound) -> None:
        self._engine = engine
        self._vault = vault
        self._actions = actions
        self._outbound = outbound

    async def interaction(self, request: Request) -> Response:
        body = await read_body(request, BODY_LIMIT)
        if isinstance(body, TooMuch):
            return _refused()
        pressed = read_pressed(body)
        if pressed is None:
            # A link, or another app's: there is nothing to do, and nothing to be warned of.
            return Response(status_code=200)
        async with reading(self._engine) as session:
            found = await find_sent(session, pressed.delivery_id)
        config = None if found is None else config_of(found[0], self._vault)
        if (
            found is None
            or not isinstance(config, SlackConfig)
            or config.signing_secret is None
            or not slack_bot.is_signed(
                Secret(config.signing_secret),
                request.headers.get("X-Slack-Request-Timestamp", ""),
                body,
                request.headers.get("X-Slack-Signature", ""),
                utc_now(),
            )
        ):
            return _refused()
        destination, message = found
        answer = await self._obey(pressed, config, destination, message)
        await self._say(pressed, config, answer)
        return Response(status_code=200)

    async def _obey(
        self,
        pressed: Pressed,
        config: SlackConfig,
        destination: CallingDestination,
        message: SentMessage,
    ) -> Answered:
        actor = await self._who(pressed, config, destination)
        if actor is None:
            return Answered(False, NOT_PERMITTED)
        answered = await act(
            self._engine, self._actions, destination, message, pressed.action, actor
        )
        return Answered(answered.is_done, f"{answered.text} ({actor.name})")

    async def _who(
        self, pressed: Pressed, config: SlackConfig, destination: CallingDestination
    ) -> Actor | None:
        """The member with the mail address that Slack has of them; None if that one may only look.
        Who is no member acts as whoever reads the destination, as with the links of other messages."""
        email = None
        try:
            async with asyncio.timeout(WHO_SECONDS):
                email = await bot_of(self._outbound, config).email_of(pressed.user_id)
        except TimeoutError:
            log.warning(
                "Slack did not say in time who pressed a button", destination=destination.name
            )
        if email:
            async with reading(self._engine) as session:
                member = await member_of(session, destination.workspace_id, email)
            if member is not None:
                may_act = member.role in _ACTS
                return Actor(ActorKind.USER, member.name, member.id) if may_act else None
        name = one_line(pressed.user_name, 80) or "somebody"
        return Actor(ActorKind.RECIPIENT, f"{name} in {destination.name}", destination.id)

    async def _say(self, pressed: Pressed, config: SlackConfig, answer: Answered) -> None:
        """In the message, in the place of the buttons; or, if nothing was done, to who pressed."""
        if not _is_slacks(pressed.response_url, config):
            return
        document = (
            {"replace_original": True, **settled(pressed, answer.text)}
            if answer.is_done
            else {
                "response_type": "ephemeral",
                "replace_original": False,
                "text": slack(answer.text, 500),
            }
        )
        await self._outbound.post(
            pressed.response_url, encode(document), {"Content-Type": "application/json"}
        )


def read_pressed(body: bytes) -> Pressed | None:
    """One of our buttons, as far as it is said in what was posted."""
    fields = fields_of(body)
    if isinstance(fields, TooMuch):
        return None
    try:
        document = msgspec.json.decode(dict(fields).get("payload", ""))
        [button] = document["actions"]
        if document["type"] != "block_actions" or button["block_id"] != slack_bot.BUTTONS:
            return None
        return Pressed(
            UUID(button["value"]),
            Action(button["action_id"]),
            str(document["user"]["id"]),
            str(document["user"].get("name") or document["user"].get("username") or ""),
            str(document["response_url"]),
            document["message"],
        )
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError, ValueError, AttributeError):
        return None


def settled(pressed: Pressed, text: str) -> dict[str, Any]:
    """The message as it was, with what was done in the place of what was pressed. Resolving is left to
    be pressed after acknowledging."""
    said = {"type": "section", "text": {"type": "plain_text", "text": slack(text, 1_000)}}
    attachments = []
    for attachment in pressed.message.get("attachments") or []:
        blocks = []
        for block in attachment.get("blocks") or []:
            if block.get("block_id") != slack_bot.BUTTONS:
                blocks.append(block)
                continue
            blocks.append(said)
            if pressed.action is Action.ACKNOWLEDGE:
                blocks.append(slack_bot.buttons([Action.RESOLVE], str(pressed.delivery_id)))
        kept = {name: attachment[name] for name in ("color", "fallback") if name in attachment}
        attachments.append({**kept, "blocks": blocks})
    return {"text": pressed.message.get("text", ""), "attachments": attachments}


def _is_slacks(url: str, config: SlackConfig) -> bool:
    """Where to answer is in what Slack signed; it is held to Slack's hosts all the same."""
    try:
        host = parse_url(url).host
        own = None if config.api_url is None else parse_url(config.api_url).host
    except UrlRefused:
        return False
    return host.endswith(_HOOK_HOSTS) or host == own


def _refused() -> Response:
    return Response("The request is not signed by the app that it is about.\n", 403)
