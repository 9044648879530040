"""What a notification on a phone says, whichever service carries it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tocsin.delivery.channels.kit.brief import Brief, brief
from tocsin.delivery.channels.kit.loudness import Loudness, loudness
from tocsin.delivery.channels.kit.message_actions import ActionLink
from tocsin.delivery.channels.kit.message_words import MessageWords
from tocsin.message import Links, Message
from tocsin.model.cutting import beginning


@dataclass(frozen=True, slots=True)
class PushNotice:
    """`subject` is what all messages about one alert, or one group, have in common: a later one may take
    the place of an earlier one. `acknowledge` is a link, good with the code and nothing else; `look` is
    where its sender says to look first, with what that is called."""

    id: UUID
    subject: str
    title: str
    body: str
    loudness: Loudness
    open: str | None
    acknowledge: str | None
    code: str | None
    look: ActionLink | None = None


def notice(message: Message, words: MessageWords, links: Links) -> PushNotice:
    short: Brief = brief(message, words)
    may_acknowledge = short.can_acknowledge and links.acknowledge and links.code
    return PushNotice(
        id=message.id,
        subject=words.reference or message.id.hex[-8:],
        title=short.headline,
        body=short.detail or words.change,
        loudness=loudness(message),
        # Without a public URL there is only a path, which leads nowhere from a phone.
        open=links.alert if links.alert.startswith(("http://", "https://")) else None,
        acknowledge=links.acknowledge if may_acknowledge else None,
        code=links.code if may_acknowledge else None,
        look=next((each for each in words.actions if not each.is_ours), None),
    )


def cut_bytes(text: str, limit: int) -> str:
    """At most so many bytes of UTF-8, no character and no address in part."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return text
    text = raw.decode("utf-8")
    end = len(raw[: limit - 3].decode("utf-8", "ignore"))
    return beginning(text, end) + "…"
