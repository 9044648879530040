"""Slack with a bot: messages that are edited as their alert changes, buttons, and direct messages.

Facts: docs.slack.dev/reference/methods (chat.postMessage, chat.update, conversations.open, users.info),
/interactivity/handling-user-interaction, /authentication/verifying-requests-from-slack. An answer is 200
with `ok` false and the word for what is wrong; 429 names a time. A message is found again by its channel
and its `ts`. A request of Slack is signed with HMAC-SHA256 over `v0:TIMESTAMP:BODY`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from tocsin.delivery.channels.kit.http import encode, judge
from tocsin.delivery.channels.kit.message_words import MessageWords
from tocsin.delivery.channels.kit.slack_threads import CHANNEL, TS, is_kept_up
from tocsin.delivery.outbound import Answer, NoAnswer, Outbound
from tocsin.delivery.outcome import Failed, Outcome, Retry, Standing
from tocsin.message import Message
from tocsin.model import Action, EventType, Secret

API = "https://slack.com/api"
BUTTONS = "tocsin"
"""The block of the buttons; their values name the message."""
TOLERANCE_SECONDS = 300
"""How old a signed request may be, as Slack advises."""
_VERBS = {Action.ACKNOWLEDGE: "Acknowledge", Action.RESOLVE: "Resolve"}

# What is said in place of what was said before; all else is news, and an edit makes no sound.
_EDITS = frozenset(
    {
        EventType.ACKNOWLEDGED,
        EventType.RESOLVED,
        EventType.CLOSED,
        EventType.FLAPPING,
        EventType.SETTLED,
    }
)

_GONE = frozenset({"channel_not_found", "is_archived", "user_not_found", "user_disabled"})
_TO_MEND = {
    "not_in_channel": "its app is not in the channel: type /invite and the app's name there",
    "invalid_auth": "Slack does not accept the bot token",
    "not_authed": "Slack does not accept the bot token",
    "account_inactive": "the app was removed from the Slack workspace",
    "token_revoked": "the bot token was revoked",
    "token_expired": "the bot token has expired",
    "missing_scope": "the app lacks a scope (OAuth & Permissions → Scopes)",
    "restricted_action": "an admin of the Slack workspace restricts who may post there",
    "cannot_dm_bot": "it is a bot, which takes no direct messages",
}
_TOO_FANCY = frozenset(
    {"invalid_blocks", "invalid_attachments", "msg_blocks_too_long", "msg_too_long"}
)
_LOST = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"}
)
_LOCKED = frozenset(
    {"thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"}
    | {"restricted_action_thread_only_channel"}
)
_PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


@dataclass(frozen=True, slots=True)
class Said:
    """What Slack answered to a method: `error` is its word, None for success."""

    answer: Answer
    error: str | None
    document: Mapping[str, Any] = field(repr=False)

    @property
    def is_too_fancy(self) -> bool:
        return self.error in _TOO_FANCY

    @property
    def is_lost(self) -> bool:
        """The message that was to be edited is not there any more."""
        return self.error in _LOST

    @property
    def is_locked(self) -> bool:
        """Nothing can be said in that thread."""
        return self.error in _LOCKED

    def text(self, *path: str) -> str | None:
        value: Any = self.document
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class SlackBot:
    """The methods of Slack's API, with one bot's token."""

    outbound: Outbound
    token: Secret
    api_url: str = field(default=API, repr=False)

    async def call(self, method: str, document: Mapping[str, Any]) -> Said | NoAnswer:
        return await self._post(method, encode(document), "application/json; charset=utf-8")

    async def email_of(self, user: str) -> str | None:
        """A user's mail address, if Slack tells it. This method takes a form and nothing else."""
        said = await self._post(
            "users.info", urlencode({"user": user}).encode(), "application/x-www-form-urlencoded"
        )
        return said.text("user", "profile", "email") if isinstance(said, Said) else None

    async def _post(self, method: str, body: bytes, content_type: str) -> Said | NoAnswer:
        answer = await self.outbound.post(
            f"{self.api_url.rstrip('/')}/{method}",
            body,
            {
                "Content-Type": content_type,
                "Authorization": f"Bearer {self.token.reveal_text()}",
            },
        )
        return answer if isinstance(answer, NoAnswer) else _said(answer)


def _said(answer: Answer) -> Said:
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # An answer that is cut off after what counts is still an answer.
        document = _beginning(answer.body)
    if not isinstance(document, dict):
        document = {}
    if document.get("ok") is True:
        return Said(answer, None, document)
    error = document.get("error")
    return Said(answer, error if isinstance(error, str) else "", document)


def _beginning(body: bytes) -> dict[str, Any]:
    """`ok`, `channel` and `ts` of a long answer: Slack repeats the whole message after them."""
    found: dict[str, Any] = {}
    if body.startswith(b'{"ok":true'):
        found["ok"] = True
    for name in (CHANNEL, TS):
        _, is_there, rest = body[:400].partition(f'"{name}":"'.encode())
        if is_there:
            found[name] = rest.partition(b'"')[0].decode("ascii", "replace")
    return found


def outcome_of(message: Message, said: Said) -> Outcome:
    """What a refusal means."""
    name, error, status = message.destination_name, said.error or "", said.answer.status
    if error in _GONE:
        return Failed(
            "gone",
            f"{name} no longer exists at Slack ({error}).",
            status,
            disables_destination=True,
        )
    if error in _TO_MEND:
        return Retry(
            "slack-refused",
            f"{name}: {_TO_MEND[error]} ({error}).",
            status,
            standing=Standing.MISCONFIGURED,
        )
    if error in _LIMITED or status == 429:
        outcome = judge(name, replace(said.answer, status=429), message.at)
        assert isinstance(outcome, Retry)
        return outcome
    if error in _TOO_FANCY:
        return Failed("refused", f"{name} refused the message ({error}).", status)
    if error in _PASSING or (200 <= status < 300 and not error):
        return Retry(
            "answer-unexpected", f"{name}: answered {status}, but not as Slack does.", status
        )
    if 200 <= status < 300:
        return Failed("refused", f"{name} refused the message.", status)
    return judge(name, said.answer, message.at)


def edits(message: Message) -> bool:
    """Whether it takes the place of what was said before, rather than being news."""
    if message.group is not None:
        return is_kept_up(message) or message.group.changes.new == 0
    return message.event_type in _EDITS


# Buttons


def without_links(words: MessageWords) -> MessageWords:
    """For where buttons act: no links that ask for a code."""
    kept = tuple(action for action in words.actions if not action.asks_code)
    return replace(words, actions=kept, code=None)


def buttons(actions: list[Action], value: str) -> dict[str, Any]:
    elements: list[dict[str, Any]] = []
    for action in actions:
        verb = _VERBS[action]
        button: dict[str, Any] = {
            "type": "button",
            "action_id": action.value,
            "text": {"type": "plain_text", "text": verb, "emoji": False},
            "value": value,
            "accessibility_label": f"{verb} what this message is about",
        }
        if action is Action.ACKNOWLEDGE:
            button["style"] = "primary"
        elements.append(button)
    return {"type": "actions", "block_id": BUTTONS, "elements": elements}


# Requests of Slack


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    signed = b"v0:" + timestamp.encode("ascii", "replace") + b":" + body
    return "v0=" + hmac.digest(secret.reveal(), signed, hashlib.sha256).hex()


def is_signed(secret: Secret, timestamp: str, body: bytes, given: str, now: datetime) -> bool:
    """In constant time; a request that is too old is not."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    expected = signature(secret, timestamp, body).encode()
    return hmac.compare_digest(expected, given.encode("utf-8", "replace"))
