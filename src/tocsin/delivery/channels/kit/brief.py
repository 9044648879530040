"""A message for where there is little room: a text message, a call, a notification on a phone."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.delivery.channels.kit.message_words import MessageWords
from tocsin.message import Message
from tocsin.model import AlertStatus, EventType


@dataclass(frozen=True, slots=True)
class Brief:
    """`headline` is severity, state and title; `detail` what else there is room for, most important
    first."""

    headline: str
    detail: str
    can_acknowledge: bool
    can_resolve: bool
    is_over: bool


def brief(message: Message, words: MessageWords) -> Brief:
    detail = [words.change]
    if message.event_type is EventType.TRIGGERED and message.note is None and message.held is None:
        # "Triggered" is what such a message says anyway.
        detail = []
    where = ", ".join(
        fact.value for fact in words.facts if fact.name in ("Source", "Tenant") and fact.value
    )
    if where:
        detail.append(where)
    if message.alert is not None or message.group is not None:
        detail.append(words.description or "")
    return Brief(
        headline=words.summary,
        detail="\n".join(part for part in detail if part),
        can_acknowledge=_has(message, AlertStatus.OPEN),
        can_resolve=_has(message, AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED),
        is_over=words.is_over,
    )


def _has(message: Message, *statuses: AlertStatus) -> bool:
    about = message.alerts if message.group is not None else (message.alert,)
    return any(alert is not None and alert.status in statuses for alert in about)
