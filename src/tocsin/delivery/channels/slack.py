"""Slack: an incoming webhook with Block Kit inside an attachment, which has the colour bar; a workflow,
or a server with an interface like Slack's; or a bot, whose messages are edited and have buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate, Url
from tocsin.delivery.channels.kit import escape, slack_bot
from tocsin.delivery.channels.kit.brief import brief
from tocsin.delivery.channels.kit.http import digest, encode, judge, unanswered
from tocsin.delivery.channels.kit.message_words import MessageWords, Moment, describe
from tocsin.delivery.channels.kit.slack_bot import CHANNEL, TS, Said, SlackBot
from tocsin.delivery.channels.kit.slack_dialects import Dialect, attachment, variables
from tocsin.delivery.outbound import Answer, NoAnswer, Outbound, parse_url, shown
from tocsin.delivery.outcome import Failed, Outcome, Progress, Retry, Sent
from tocsin.message import Message
from tocsin.model import REDACTED, Action, EventType, Secret, Severity

# Slack's limits, counted in characters after escaping; beyond them it answers `invalid_blocks`
# without saying where. The whole message stays far below an undocumented cap near 12,000.
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FIELDS_PER_SECTION = 10
TEXT_LIMIT = 1_000
DESCRIPTION_LIMIT = 2_500
FACT_LIMIT = 250
WHOLE_LIMIT = 8_000

_COLOURS = {
    Severity.CRITICAL: "#C50F1F",
    Severity.HIGH: "#D83B01",
    Severity.MEDIUM: "#C19C00",
    Severity.LOW: "#0078D4",
    Severity.INFO: "#6B6B6B",
}
_DONE = "#107C10"

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
    if target.host.endswith(_SLACK_HOSTS) and not target.url.raw_path.startswith(_HOOK_PATHS):
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
            said = await _say(bot, "chat.update", whole, words, earlier)
            if isinstance(said, Said) and not said.is_lost:
                return _bot_outcome(message, said)
            if isinstance(said, NoAnswer):
                return unanswered(message.destination_name, said)
        said = await _say(bot, "chat.postMessage", whole, words, {CHANNEL: place})
        if isinstance(said, NoAnswer):
            return unanswered(message.destination_name, said)
        return _bot_outcome(message, said)

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

    async def _earlier(self, message: Message) -> dict[str, str] | None:
        """Where the last message about the same stands."""
        if self._parts.earlier is None or message.event_type is EventType.TEST:
            return None
        kept = await self._parts.earlier(message.id)
        if kept is None or not (kept.get(CHANNEL) and kept.get(TS)):
            return None
        return {CHANNEL: str(kept[CHANNEL]), TS: str(kept[TS])}

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
    return slack_bot.with_buttons(render(slack_bot.without_links(words)), actions, str(message.id))


async def _say(
    bot: SlackBot, method: str, whole: dict[str, Any], words: MessageWords, where: dict[str, str]
) -> Said | NoAnswer:
    said = await bot.call(method, {**whole, **where})
    if isinstance(said, Said) and said.is_too_fancy:
        # Better a plain page than none.
        said = await bot.call(method, {**plain(words), **where})
    return said


def _bot_outcome(message: Message, said: Said) -> Outcome:
    if said.error is not None:
        return slack_bot.outcome_of(message, said)
    channel, ts = said.text(CHANNEL), said.text(TS)
    kept = {CHANNEL: channel, TS: ts} if channel and ts else None
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


def payload(words: MessageWords, dialect: Dialect) -> dict[str, Any]:
    match dialect:
        case Dialect.WORKFLOW:
            return dict(variables(words))
        case Dialect.COMPATIBLE:
            attached = attachment(words, _colour(words))
            return {**plain(words), "text": attached["fallback"], "attachments": [attached]}
        case Dialect.INCOMING_WEBHOOK:
            return render(words)


def render(words: MessageWords) -> dict[str, Any]:
    """The whole payload. `text` is what notifications and screen readers use, and the first line
    on screen; senders' texts stand only where Slack reads no markup."""
    blocks: list[dict[str, Any]] = [_section(words.change)]
    if words.description:
        blocks.append(_section(escape.cut(words.description, DESCRIPTION_LIMIT)))
    tail = _tail(words)
    room = WHOLE_LIMIT - _size([*blocks, *tail]) - len(plain(words)["text"])
    facts = [*words.facts, *words.labels]
    fields: list[dict[str, Any]] = []
    for fact in facts:
        field = _plain(f"{fact.name}\n{fact.value or '–'}", FACT_LIMIT)
        room -= len(field["text"])
        if room < 0:
            break
        fields.append(field)
    for start in range(0, len(fields), FIELDS_PER_SECTION):
        some = fields[start : start + FIELDS_PER_SECTION]
        blocks.append({"type": "section", "fields": some})
    if more := words.more_labels + len(facts) - len(fields):
        blocks.append(_context(f"and {more} more labels"))
    return {
        **plain(words),
        "attachments": [
            {
                "color": _colour(words),
                "fallback": escape.slack(words.summary, TEXT_LIMIT),
                "blocks": [*blocks, *tail],
            }
        ],
    }


def _tail(words: MessageWords) -> list[dict[str, Any]]:
    """What must never be cut: links, code, times."""
    blocks: list[dict[str, Any]] = []
    if actions := _actions(words):
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": actions}})
    if words.code_hint:
        blocks.append(_section(words.code_hint))
    blocks.append(_context(" · ".join(_moment(each) for each in words.moments)))
    blocks.append({"type": "context", "elements": [_plain(words.footer, FIELD_LIMIT)]})
    return blocks


def plain(words: MessageWords) -> dict[str, Any]:
    """The message without formatting: what is sent if Slack rejects the blocks."""
    return {
        "text": escape.slack(words.summary, TEXT_LIMIT),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _colour(words: MessageWords) -> str:
    if words.severity is None:
        return _COLOURS[Severity.INFO]
    return _DONE if words.is_over else _COLOURS[words.severity]


def _plain(text: str, limit: int) -> dict[str, Any]:
    # Slack asks for the three escapes in plain_text as well, and shows them as characters.
    return {"type": "plain_text", "text": escape.slack(text, limit), "emoji": False}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text, SECTION_LIMIT)}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _moment(moment: Moment) -> str:
    """In the destination's zone if it has one, else in each reader's own; always in UTC too."""
    if moment.local:
        return escape.slack(f"{moment.name} {moment.text}", 200)
    unix = int(moment.at.timestamp())
    return f"{moment.name} <!date^{unix}^{{date_short_pretty}} {{time_secs}}|{moment.utc}>" + (
        f" ({moment.utc})"
    )


def _actions(words: MessageWords) -> str:
    """Links, not buttons: without an interactivity URL a button shows the reader a warning."""
    return "   ·   ".join(
        f"<{escape.slack_url(action.url)}|{escape.slack(action.name, 75)}>"
        for action in words.actions
    )


def _size(blocks: list[dict[str, Any]]) -> int:
    """Characters of text over all blocks."""
    return sum(
        len(part["text"])
        for block in blocks
        for part in [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        if part
    )
