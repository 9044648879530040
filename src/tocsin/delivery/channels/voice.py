"""Calls, through Twilio or a service with its interface.

The call reads severity and title and takes a key. Only a key counts as having reached somebody: a
mailbox picks up, too. Facts: see `kit/twilio.py`, `kit/twiml.py`.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate
from tocsin.delivery.channels.kit import twilio, twiml
from tocsin.delivery.channels.kit.brief import Brief, brief
from tocsin.delivery.channels.kit.escape import cut
from tocsin.delivery.channels.kit.http import unanswered
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.outbound import NoAnswer
from tocsin.delivery.outcome import Outcome, Progress, Retry, Standing
from tocsin.message import Message
from tocsin.model import EventType

ACKNOWLEDGE_KEY, ESCALATE_KEY, RESOLVE_KEY = "4", "6", "8"
GOODBYE = "No key was pressed. Goodbye."
_HEADLINE = 220
_DETAIL = 120
# Said twice, every character may become five, and the whole has a limit.
_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day"}
_SPAN = re.compile(r"\b([0-9]+) (s|min|h|d)\b")
_CODE = re.compile(r"\b[0-9]{4,8}\b")


class VoiceConfig(twilio.TwilioConfig):
    ring_seconds: int = Field(
        default=30, ge=10, le=120, description="How long it rings before it is given up"
    )

    @field_validator("sender")
    @classmethod
    def _can_call(cls, sender: str | None) -> str | None:
        if sender is not None and not sender.startswith("+"):
            raise PydanticCustomError("sender", "must be a phone number: calls come from one")
        return sender


class VoiceChannel:
    kind: ClassVar[str] = "voice"
    config_model: ClassVar[type[ChannelConfig]] = VoiceConfig
    secret_fields: ClassVar = frozenset({"auth_token"})
    # Of one phone: the second call must not come while the first is listened to.
    rate: ClassVar = Rate(per_second=1 / 60, burst=2, per_hour=15, concurrency=1)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @staticmethod
    def masked(config: VoiceConfig) -> dict[str, Any]:
        return twilio.masked(config)

    @staticmethod
    def bucket(config: VoiceConfig) -> str:
        return twilio.bucket("voice", config)

    async def send(
        self, message: Message, config: VoiceConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        account = twilio.account_of(config, self._parts.twilio)
        if account is None:
            return twilio.not_set_up(message.destination_name)
        if not account.sender.startswith("+"):
            return Retry(
                "voice-needs-number",
                f"{message.destination_name}: calls come from a phone number, and {account.sender} is "
                "none; give the destination a sender.",
                standing=Standing.MISCONFIGURED,
            )
        words = describe(message, config.zone, links_for(message.destination_name))
        callbacks = self._parts.callbacks
        place = None if callbacks is None else f"{callbacks}{twilio.CALLBACKS}/voice/{message.id}"
        form = {
            "To": config.to,
            "From": account.sender,
            "Twiml": script(message, brief(message, words), place),
            "Timeout": str(config.ring_seconds),
        }
        if place is not None:
            form |= {"StatusCallback": f"{place}/ended", "StatusCallbackEvent": "completed"}
        answer = await twilio.create(self._parts, account, "Calls", form)
        if isinstance(answer, NoAnswer):
            return unanswered(message.destination_name, answer)
        return twilio.outcome_of(message, answer, "Call taken by Twilio", reports=place is not None)


def script(message: Message, words: Brief, place: str | None) -> str:
    """What the call says, and what it listens for. Without a `place` where keys go, it only says."""
    said = spoken(words)
    choices = choices_of(words, is_test=message.event_type is EventType.TEST)
    if place is None or choices is None:
        return twiml.spoken(said)
    return twiml.asked(said, choices, place, GOODBYE)


def spoken(words: Brief) -> str:
    """As it is read out: codes digit by digit."""
    parts = ["Tocsin", cut(words.headline, _HEADLINE), *_sentences(words)]
    text = " ".join(part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in parts)
    return _CODE.sub(lambda code: ", ".join(code.group()), text.replace("·", ","))


def _sentences(words: Brief) -> list[str]:
    worst = words.description.partition("\n")[0] if words.is_of_several else ""
    parts = (_read_out(words.change), _read_out(words.since), worst, words.where)
    return [cut(part, _DETAIL) for part in parts if part]


def _read_out(text: str) -> str:
    """Spans of time in whole words: `12 min` is `12 minutes`."""
    return _SPAN.sub(
        lambda span: f"{span[1]} {_UNITS[span[2]]}{'' if span[1] == '1' else 's'}", text
    )


def choices_of(words: Brief, *, is_test: bool = False) -> str | None:
    """The keys that still make sense; None without any."""
    if is_test:
        return f"Press {ACKNOWLEDGE_KEY} to confirm that you hear this."
    choices = []
    # What is not listed is left as it is, and who presses a key is to know that.
    which = f" the first {words.shown}" if words.more else " all" if words.is_of_several else ""
    if words.can_acknowledge:
        choices += [f"{ACKNOWLEDGE_KEY} to acknowledge{which}", f"{ESCALATE_KEY} to escalate"]
    if words.can_resolve:
        choices.append(f"{RESOLVE_KEY} to resolve{which}")
    return f"Press {', '.join(choices)}." if choices else None
