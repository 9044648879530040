"""Text messages, through Twilio or a service with its interface.

Severity and title come first, and a reply with the code acknowledges. Facts: see `kit/twilio.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate
from tocsin.delivery.channels.kit import sms_text, twilio
from tocsin.delivery.channels.kit.brief import Brief, brief
from tocsin.delivery.channels.kit.http import unanswered
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.outbound import NoAnswer
from tocsin.delivery.outcome import Outcome, Progress
from tocsin.message import Links, Message


class SmsConfig(twilio.TwilioConfig):
    segments: int = Field(
        default=2, ge=1, le=6, description="At most so many; each is charged as a message"
    )


class SmsChannel:
    kind: ClassVar[str] = "sms"
    config_model: ClassVar[type[ChannelConfig]] = SmsConfig
    secret_fields: ClassVar = frozenset({"auth_token"})
    # Of one phone. A long-code number sends one segment a second, which Twilio queues for.
    rate: ClassVar = Rate(per_second=0.5, burst=5, per_hour=60, concurrency=1)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @staticmethod
    def masked(config: SmsConfig) -> dict[str, Any]:
        return twilio.masked(config)

    @staticmethod
    def bucket(config: SmsConfig) -> str:
        return twilio.bucket("sms", config)

    async def send(
        self, message: Message, config: SmsConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        account = twilio.account_of(config, self._parts.twilio)
        if account is None:
            return twilio.not_set_up(message.destination_name)
        links = links_for(message.destination_name)
        words = brief(message, describe(message, config.zone, links))
        callbacks = self._parts.callbacks
        form = {
            "To": config.to,
            "Body": text(words, links if callbacks else None, config.segments),
            "MessagingServiceSid" if account.sender.startswith("MG") else "From": account.sender,
        }
        if callbacks is not None:
            form["StatusCallback"] = f"{callbacks}{twilio.CALLBACKS}/sms/{message.id}"
        answer = await twilio.create(self._parts, account, "Messages", form)
        if isinstance(answer, NoAnswer):
            return unanswered(message.destination_name, answer)
        return twilio.outcome_of(message, answer, "Taken by Twilio", reports=callbacks is not None)


def text(words: Brief, links: Links | None, most: int) -> str:
    """The message in at most so many segments. Without `links`, replies have no way back."""
    return sms_text.fit(words.headline, words.detail, _how_to_reply(words, links), most)


def _how_to_reply(words: Brief, links: Links | None) -> str:
    if links is None or links.reply_code is None:
        return ""
    if words.can_acknowledge:
        return f"Reply: ack {links.reply_code}"
    return f"Reply: resolve {links.reply_code}" if words.can_resolve else ""
