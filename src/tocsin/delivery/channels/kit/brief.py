"""A message for where there is little room: a text message, a call, a notification on a phone."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.delivery.channels.kit.message_words import MessageWords
from tocsin.delivery.channels.kit.moments import JUST_NOW
from tocsin.message import SHOWN_ALERTS, Message
from tocsin.model import AlertStatus, EventType


@dataclass(frozen=True, slots=True)
class Brief:
    """`headline` is severity, state and title; `change` what has happened beyond that, `since` since
    when it is so, unless that is now, `where` its source and tenant. Each may be empty, but the
    headline. Of a message about several alerts, what is done is done to the first `shown`, and there
    are `more`."""

    headline: str
    change: str
    where: str
    description: str
    can_acknowledge: bool
    can_resolve: bool
    is_over: bool
    is_of_several: bool
    shown: int = 1
    more: int = 0
    since: str = ""

    @property
    def detail(self) -> str:
        """What else there is room for, most important first."""
        return "\n".join(
            part for part in (self.change, self.since, self.where, self.description) if part
        )


def brief(message: Message, words: MessageWords) -> Brief:
    # "Triggered" is what such a message says anyway.
    is_plain = (
        message.event_type is EventType.TRIGGERED and message.note is None and message.held is None
    )
    shown = len(message.alerts[:SHOWN_ALERTS]) or 1
    where = (fact.value for fact in words.facts if fact.name in ("Source", "Tenant"))
    return Brief(
        headline=words.summary,
        change="" if is_plain else words.change,
        where=", ".join(value for value in where if value),
        description=words.description or "",
        can_acknowledge=_has(message, AlertStatus.OPEN),
        can_resolve=_has(message, AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED),
        is_over=words.is_over,
        is_of_several=message.group is not None,
        shown=shown,
        more=0 if message.group is None else message.more_than(shown),
        since=_since(words),
    )


def _since(words: MessageWords) -> str:
    first = next(iter(words.moments), None)
    if first is None or first.age in (None, JUST_NOW):
        return ""
    return f"Since {first.clock}, {first.age}"


def _has(message: Message, *statuses: AlertStatus) -> bool:
    about = message.alerts if message.group is not None else (message.alert,)
    return any(alert is not None and alert.status in statuses for alert in about)
