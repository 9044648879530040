"""Slack: an incoming webhook with Block Kit inside an attachment, which has the colour bar; a workflow,
or a server with an interface like Slack's; or a bot, whose messages are edited and have buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate, Url
from tocsin.delivery.channels.kit import escape, slack_bot
from tocsin.delivery.channels.kit.brief import brief
from tocsin.delivery.channels.kit.http import digest, encode, judge, unanswered
from tocsin.delivery.channels.kit.message_words import MessageWords, describe
from tocsin.delivery.channels.kit.slack_blocks import TEXT_LIMIT, one_text, payload, plain, render
from tocsin.delivery.channels.kit.slack_bot import Said, SlackBot
from tocsin.delivery.channels.kit.slack_dialects import Dialect
from tocsin.delivery.channels.kit.slack_threads import (
    CHANNEL,
    TS,
    GroupThread,
    ThreadReply,
    is_kept_up,
    remembered,
    thread_before,
)
from tocsin.delivery.outbound import Answer, NoAnswer, Outbound, parse_url, shown
from tocsin.delivery.outcome import Failed, Outcome, Progress, Retry, Sent
from tocsin.message import Message
from tocsin.model import REDACTED, Action, EventType, Secret

# Answers that name what will not change by itself (api.slack.com, "incoming webhooks").
_DEAD = frozenset(
    {"no_service", "no_service_id", "no_team", "team_disabled", "channel_not_found"}
    | {"channel_is_archived", "invalid_token", "posting_to_general_channel_denied"}
)
_REFUSED = frozenset(
    {"invalid_payload", "invalid_blocks", "invalid_attachments", "no_text", "user_not_found"}
    | {"too_many_attachments", "action_prohibited", "msg_blocks_too_long"}
)
_TOO_FANCY = frozenset({"invalid_blocks", "invalid_attachments", "msg_blocks_too_long"})


_NOT_OK = "not_ok"
_SLACK_HOSTS = (".slack.com", ".slack-gov.com")
_HOOK_PATHS = ("/services/", "/workflows/", "/triggers/")


def _is_slack_hook(url: str) -> str:
    # Other hosts are let through: a user's own proxy may be in between.
    target = parse_url(url)
    if target.host.endswith(_SLACK_HOSTS) and not target.path.startswith(_HOOK_PATHS):
        raise PydanticCustomError(
            "slack-url",
            "is not an incoming webhook; it must read https://hooks.slack.com/services/…",
        )
    return url


_Id = Annotated[str, Field(pattern=r"^[CDGUW][A-Z0-9]{6,20}$")]


class SlackConfig(ChannelConfig):
    """An incoming webhook by its `url`, or a bot by its token and where it is to post."""

    url: Annotated[Url, AfterValidator(_is_slack_hook)] | None = Field(default=None, repr=False)
    bot_token: Annotated[str, Field(pattern=r"^xox[a-z]-[A-Za-z0-9\-]{8,250}$")] | None = Field(
        default=None, repr=False, description="The bot's token (xoxb-…)"
    )
    signing_secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{16,128}$")] | None = Field(
        default=None, repr=False, description="The app's; with it, messages have buttons"
    )
    channel: _Id | None = Field(
        default=None, description="The channel's id (C…), or a user's (U…) for direct messages"
    )
    api_url: Url | None = Field(default=None, description="Of a server with Slack's interface")

    bound_secrets: ClassVar[Mapping[str, tuple[str, ...]]] = {"bot_token": ("api_url",)}

    @model_validator(mode="after")
    def _is_one_of_two(self) -> SlackConfig:
        bot = (self.bot_token, self.channel)
        if (self.url is None) == (not any(bot)):
            raise PydanticCustomError(
                "slack-config", "needs the url of an incoming webhook, or bot_token and channel"
            )
        if self.url is None and not all(bot):
            raise PydanticCustomError("slack-config", "needs bot_token and channel together")
        if self.url is not None and (self.signing_secret or self.api_url):
            raise PydanticCustomError(
                "slack-config", "has a url, which takes no signing_secret and no api_url"
            )
        return self

    @property
    def has_buttons(self) -> bool:
        return self.bot_token is not None and self.signing_secret is not None


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The last message about the same: where it stands, and what it said of its group."""

    place: Mapping[str, str]
    thread: GroupThread | None = None


class SlackChannel:
    kind: ClassVar[str] = "slack"
    config_model: ClassVar[type[ChannelConfig]] = SlackConfig
    secret_fields: ClassVar = frozenset({"url", "bot_token", "signing_secret"})
    rate: ClassVar = Rate(per_second=1.0, burst=10, concurrency=1)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._outbound = parts.outbound

    @staticmethod
    def masked(config: SlackConfig) -> dict[str, Any]:
        return {
            "url": None if config.url is None else shown(config.url),
            "bot_token": REDACTED if config.bot_token else None,
            "signing_secret": REDACTED if config.signing_secret else None,
        }

    @staticmethod
    def bucket(config: SlackConfig) -> str:
        if config.url is not None:
            return digest("slack", config.url)
        return digest("slack", config.bot_token or "", config.channel or "")

    async def send(
        self, message: Message, config: SlackConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        words = describe(message, config.zone, links_for(message.destination_name))
        if config.url is None:
            return await self._send_as_bot(message, config, words, progress)
        answer = await self._post(config, payload(words, Dialect.of(config.url)))
        if isinstance(answer, Answer) and _word(answer) in _TOO_FANCY:
            # Better a plain page than none.
            answer = await self._post(config, plain(words))
        if isinstance(answer, NoAnswer):
            return unanswered(message.destination_name, answer)
        return self._judge(message, answer)

    async def _post(self, config: SlackConfig, payload: dict[str, Any]) -> Answer | NoAnswer:
        return await self._outbound.post(
            config.url or "", encode(payload), {"Content-Type": "application/json; charset=utf-8"}
        )

    async def _send_as_bot(
        self, message: Message, config: SlackConfig, words: MessageWords, progress: Progress
    ) -> Outcome:
        bot = bot_of(self._outbound, config)
        place = await self._place(message, bot, config, progress)
        if not isinstance(place, str):
            return place
        whole = bot_payload(message, config, words, with_buttons=self._parts.callbacks is not None)
        earlier = await self._earlier(message)
        if earlier is not None and slack_bot.edits(message):
            said = await _say(bot, "chat.update", whole, words, earlier.place)
            if isinstance(said, NoAnswer):
                return unanswered(message.destination_name, said)
            if not said.is_lost:
                edited = _bot_outcome(message, said, earlier.thread)
                return await self._reply(message, bot, earlier, edited, whole, words)
        said = await _say(bot, "chat.postMessage", whole, words, {CHANNEL: place})
        if isinstance(said, NoAnswer):
            return unanswered(message.destination_name, said)
        return _bot_outcome(message, said)

    async def _reply(
        self,
        message: Message,
        bot: SlackBot,
        earlier: _Earlier,
        edited: Outcome,
        whole: dict[str, Any],
        words: MessageWords,
    ) -> Outcome:
        """In the thread of a group's message that was just edited, if something is worth it. `edited` is
        the outcome where there is nothing to say, or nobody may reply to what is no news."""
        if not isinstance(edited, Sent) or message.group is None or earlier.thread is None:
            return edited
        reply = earlier.thread.reply(message, message.group)
        if reply is None:
            return edited
        said = await bot.call("chat.postMessage", {**_in_thread(reply), **_thread_of(earlier)})
        if isinstance(said, Said) and said.is_locked:
            if not reply.is_loud:
                return edited
            # Better a message of its own than one that nobody hears.
            channel = {CHANNEL: earlier.place[CHANNEL]}
            said = await _say(bot, "chat.postMessage", whole, words, channel)
            if isinstance(said, Said):
                return _bot_outcome(message, said, earlier.thread)
        if isinstance(said, NoAnswer):
            return unanswered(message.destination_name, said)
        return edited if said.error is None else slack_bot.outcome_of(message, said)

    async def _place(
        self, message: Message, bot: SlackBot, config: SlackConfig, progress: Progress
    ) -> str | Outcome:
        """Where to post: the channel, or the direct messages with a user, opened first."""
        channel = config.channel or ""
        if not channel.startswith(("U", "W")):
            return channel
        said = await bot.call("conversations.open", {"users": channel})
        if isinstance(said, NoAnswer):
            return unanswered(message.destination_name, said)
        opened = said.text(CHANNEL, "id")
        return opened if opened is not None else slack_bot.outcome_of(message, said)

    async def _earlier(self, message: Message) -> _Earlier | None:
        """The last message about the same; None if it is not known where it stands."""
        if self._parts.earlier is None or message.event_type is EventType.TEST:
            return None
        kept = await self._parts.earlier(message.id)
        if kept is None or not (kept.get(CHANNEL) and kept.get(TS)):
            return None
        place = {CHANNEL: str(kept[CHANNEL]), TS: str(kept[TS])}
        if message.group is None or not is_kept_up(message):
            return _Earlier(place)
        thread = thread_before(kept, message.group)
        return None if thread is None else _Earlier(place, thread)

    def _judge(self, message: Message, answer: Answer) -> Outcome:
        """Success is the word `ok`, or `{"ok": true}` of a workflow and of servers like Slack."""
        name = message.destination_name
        said = _word(answer)
        if answer.status == 200 and said == "ok":
            return Sent(200)
        if said in _DEAD:
            return Failed(
                "gone",
                f"{name} no longer exists at Slack ({said}); make a new incoming webhook.",
                answer.status,
                disables_destination=True,
            )
        if said in _REFUSED:
            return Failed("refused", f"{name} refused the message ({said}).", answer.status)
        if said == _NOT_OK:
            return Failed("refused", f"{name} refused the message.", answer.status)
        if 200 <= answer.status < 300 and _is_page(answer):
            return Retry(
                "answer-unexpected",
                f"{name} answered {answer.status} with a web page, not with Slack's “ok”.",
                answer.status,
            )
        if 200 <= answer.status < 300:
            # Sent again, it would most likely be posted again, and again.
            return Sent(
                answer.status,
                f"{name} answered {answer.status}, but not with Slack's “ok”; look whether it was "
                "posted.",
                confirmed=False,
                code="answer-unexpected",
            )
        return judge(name, answer, message.at)


def bot_of(outbound: Outbound, config: SlackConfig) -> SlackBot:
    return SlackBot(outbound, Secret(config.bot_token or ""), config.api_url or slack_bot.API)


def bot_payload(
    message: Message, config: SlackConfig, words: MessageWords, *, with_buttons: bool
) -> dict[str, Any]:
    """What a bot posts: with buttons where they lead back to us, else with links."""
    if not (with_buttons and config.has_buttons):
        return render(words)
    short = brief(message, words)
    actions = [Action.ACKNOWLEDGE] if short.can_acknowledge else []
    actions += [Action.RESOLVE] if short.can_resolve else []
    if message.event_type is EventType.TEST:
        actions = []
    buttons = slack_bot.buttons(actions, str(message.id)) if actions else None
    return render(slack_bot.without_links(words), buttons)


async def _say(
    bot: SlackBot, method: str, whole: dict[str, Any], words: MessageWords, where: Mapping[str, str]
) -> Said | NoAnswer:
    said = await bot.call(method, {**whole, **where})
    if isinstance(said, Said) and said.is_too_fancy:
        # Better a plain page than none.
        said = await bot.call(method, {**plain(words), **where})
    return said


def _in_thread(reply: ThreadReply) -> dict[str, Any]:
    loud = {"reply_broadcast": True} if reply.is_loud else {}
    return {**one_text(escape.slack(reply.text, TEXT_LIMIT)), **loud}


def _thread_of(earlier: _Earlier) -> dict[str, str]:
    return {CHANNEL: earlier.place[CHANNEL], "thread_ts": earlier.place[TS]}


def _bot_outcome(message: Message, said: Said, before: GroupThread | None = None) -> Outcome:
    if said.error is not None:
        return slack_bot.outcome_of(message, said)
    channel, ts = said.text(CHANNEL), said.text(TS)
    kept: dict[str, Any] | None = {CHANNEL: channel, TS: ts} if channel and ts else None
    if kept is not None and message.group is not None and is_kept_up(message):
        kept |= remembered(before, message.group)
    return Sent(200, f"Posted to {message.destination_name}.", progress=kept)


def _word(answer: Answer) -> str | None:
    """What was answered in one word: Slack's own, or that of a JSON object, if it is one that we know.
    Anything else is not repeated."""
    word = answer.body[:100].decode("ascii", "replace").strip()
    if word.startswith("{"):
        word = _verdict_of(answer.body)
    return word if word in ("ok", _NOT_OK) or word in _DEAD or word in _REFUSED else None


def _verdict_of(body: bytes) -> str:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ""
    if said.get("ok") is True or said.get("success") is True or said.get("result") == "success":
        return "ok"
    if "ok" in said or "success" in said or "result" in said:
        error = said.get("error")
        return error if error in _DEAD or error in _REFUSED else _NOT_OK
    return ""


def _is_page(answer: Answer) -> bool:
    return answer.body[:200].lstrip().startswith(b"<")
