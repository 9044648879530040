"""Microsoft Teams: an Adaptive Card posted to a Workflows webhook.

Accepted is not posted: the flow answers 202 as soon as it starts, and may fail afterwards without
reporting it. Only a flow that ends with a Response action answers 200 when the card is there.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tocsin.delivery.channels.base import ChannelConfig, LinksFor, Parts, Rate, Url
from tocsin.delivery.channels.kit import card
from tocsin.delivery.channels.kit.escape import macro_free
from tocsin.delivery.channels.kit.http import digest, encode, judge, unanswered
from tocsin.delivery.channels.kit.message_words import MessageWords, describe
from tocsin.delivery.outbound import Answer, NoAnswer, parse_url, shown
from tocsin.delivery.outcome import Failed, Outcome, Progress, Retry, Sent, Standing
from tocsin.message import Message

THROTTLED_WAIT = 15.0
"""Seconds, where a 429 names no time."""


def _is_workflow(url: str) -> str:
    # The only host that is certain to be wrong; which hosts are right has changed before.
    if parse_url(url).host.endswith((".webhook.office.com", "outlook.office.com")):
        raise PydanticCustomError(
            "teams-retired-connector",
            "is an Office 365 connector, which Microsoft has retired; make a workflow “When a "
            "Teams webhook request is received” in Teams and enter its URL",
        )
    return url


class TeamsConfig(ChannelConfig):
    url: Annotated[Url, AfterValidator(_is_workflow)] = Field(repr=False)
    payload: Literal["message", "card"] = "message"
    """What the flow expects: the template takes a message that carries the card; one made by hand
    that feeds the whole body to "Post card" takes the bare card."""


class TeamsChannel:
    kind: ClassVar[str] = "teams"
    config_model: ClassVar[type[ChannelConfig]] = TeamsConfig
    secret_fields: ClassVar = frozenset({"url"})
    rate: ClassVar = Rate(per_second=1.0, burst=3, per_hour=90, concurrency=1)

    def __init__(self, parts: Parts) -> None:
        self._outbound = parts.outbound

    @staticmethod
    def masked(config: TeamsConfig) -> dict[str, Any]:
        return {"url": shown(config.url)}

    @staticmethod
    def bucket(config: TeamsConfig) -> str:
        return digest("teams", config.url)

    async def send(
        self, message: Message, config: TeamsConfig, links_for: LinksFor, progress: Progress
    ) -> Outcome:
        words = describe(message, config.zone, links_for(message.destination_name))
        answer = await self._outbound.post(
            config.url, encode(render(words, config)), {"Content-Type": "application/json"}
        )
        if isinstance(answer, NoAnswer):
            return unanswered(message.destination_name, answer)
        return self._judge(message, answer)

    def _judge(self, message: Message, answer: Answer) -> Outcome:
        name = message.destination_name
        status = answer.status
        if 200 <= status < 300:
            return _taken(name, answer)
        if status in (404, 410):
            return Failed(
                "gone",
                f"{name}: its workflow is deleted or turned off ({status}); turn it on or "
                "enter the URL of a new one.",
                status,
                disables_destination=True,
            )
        if status in (401, 403):
            return Failed(
                "unauthorized",
                f"{name}: its workflow refused us ({status}); the trigger must allow "
                "“Anyone”, and the URL be entered whole.",
                status,
            )
        if status == 400:
            return Failed(
                "refused",
                f"{name}: its workflow does not understand the message (400); try the other "
                "payload setting.",
                status,
            )
        outcome = judge(name, answer, message.at)
        if isinstance(outcome, Retry) and status == 429:
            return Retry(
                outcome.code,
                outcome.message,
                status,
                retry_after=outcome.retry_after or THROTTLED_WAIT,
                standing=Standing.THROTTLED,
            )
        return outcome


def render(words: MessageWords, config: TeamsConfig) -> dict[str, Any]:
    """The body for the flow's kind."""
    content = card.render(words)
    if config.payload == "card":
        return content
    return {
        "type": "message",
        "summary": macro_free(words.summary),
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                # The trigger's schema demands it, though there is nothing to say.
                "contentUrl": None,
                "content": content,
            }
        ],
    }


def _taken(name: str, answer: Answer) -> Sent:
    if b"error" in answer.body.lower():
        return Sent(
            answer.status,
            f"{name} took the message and answered with an error text; look whether it arrived.",
            confirmed=False,
            code="accepted-with-error",
        )
    if answer.status == 200:
        return Sent(200, f"Posted to {name}.")
    return Sent(
        answer.status,
        f"Accepted by the workflow of {name}, which has yet to post it; whether it did shows only "
        "in Teams.",
        confirmed=False,
    )
