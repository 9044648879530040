"""How loud a message is on a phone. What is over, or taken care of, never wakes anybody."""

from __future__ import annotations

from enum import IntEnum

from tocsin.message import Message
from tocsin.model import AlertStatus, EventType, Severity

_BY_SEVERITY = {
    Severity.CRITICAL: 3,
    Severity.HIGH: 3,
    Severity.MEDIUM: 2,
    Severity.LOW: 1,
    Severity.INFO: 1,
}
_NEWS = frozenset({EventType.TRIGGERED, EventType.REMINDER, EventType.FLAPPING})


class Loudness(IntEnum):
    QUIET = 0
    NORMAL = 1
    HIGH = 2
    WAKES = 3


def loudness(message: Message) -> Loudness:
    if message.event_type is EventType.TEST or message.severity is None:
        return Loudness.NORMAL
    if message.group is not None:
        is_open = any(alert.status is AlertStatus.OPEN for alert in message.alerts)
    else:
        is_open = (
            message.event_type in _NEWS
            and message.alert is not None
            and message.alert.status is AlertStatus.OPEN
        )
    return Loudness(_BY_SEVERITY[message.severity]) if is_open else Loudness.QUIET
