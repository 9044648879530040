"""What happened, in a sentence: what a message says below its title."""

from __future__ import annotations

from datetime import datetime

from tocsin.delivery.channels.kit.escape import one_line
from tocsin.delivery.channels.kit.moments import duration
from tocsin.message import AlertView, Changes, Group, Message
from tocsin.model import EventType

_NAME = 100
_VALUE = 300


def change_of(message: Message, alert: AlertView) -> str:
    """What happened to the alert, what the person noted, what held that back, and why it comes here if
    no rule says so."""
    return _happened(message, alert) + _said(message) + _held(message) + _note(message)


def change_of_several(message: Message, group: Group) -> str:
    return f"{changes_words(group.changes)}.{_held(message)}{_note(message)}"


def changes_words(changes: Changes) -> str:
    """`+3, 1 ended, 1 came and went; 7 open`."""
    parts = [
        (f"+{changes.new}", changes.new),
        (f"{changes.acknowledged} acknowledged", changes.acknowledged),
        (f"{changes.ended} ended", changes.ended),
        (f"{changes.passed} came and went", changes.passed),
    ]
    changed = ", ".join(words for words, count in parts if count)
    left = f"{changes.open} open" if changes.open else "all over"
    return f"{changed}; {left}" if changed else left


def _said(message: Message) -> str:
    return f" “{one_line(message.said, _VALUE)}”" if message.said else ""


def _note(message: Message) -> str:
    return f" {one_line(message.note, _VALUE)}" if message.note else ""


def _held(message: Message) -> str:
    held = message.held
    if held is None:
        return ""
    fires = message.event_type is EventType.TRIGGERED or message.group is not None
    still = "Still firing" if fires else "Sent"
    span = duration(held.until - held.since)
    return f" {still} after {one_line(held.after, _VALUE)}, which held this back for {span}."


def _happened(message: Message, alert: AlertView) -> str:
    by = f" by {one_line(message.actor, _NAME)}" if message.actor else ""
    match message.event_type:
        case EventType.ACKNOWLEDGED:
            return f"Acknowledged{by}{_after(alert, alert.acknowledged_at)}."
        case EventType.RESOLVED if message.no_news_since is not None:
            return f"{_no_news(message.no_news_since, alert)}; taken to be over. Nobody said so."
        case EventType.FLAPPING | EventType.SETTLED:
            return _flapping(message, alert)
        case EventType.REMINDER:
            span = duration(_sent_at(message) - alert.triggered_at)
            return f"Still open after {span}; nobody has acknowledged it yet."
        case EventType.RESOLVED:
            return f"Resolved{by}{_after(alert, alert.resolved_at)}."
        case EventType.CLOSED:
            return f"Closed{by}{_after(alert, alert.closed_at)}."
        case _ if alert.occurrence_count > 1:
            return f"Triggered; reported {alert.occurrence_count} times so far."
        case _:
            return "Triggered; nobody has acknowledged it yet."


def _flapping(message: Message, alert: AlertView) -> str:
    flapping = message.flapping
    at = _sent_at(message)
    counted = "It keeps coming and going"
    if flapping is not None:
        counted = f"{flapping.changes} changes in {duration(at - flapping.first_at)}"
    if message.event_type is EventType.FLAPPING:
        now = f"now it is {alert.status.lower()}"
        return (
            f"Flapping: {counted}; {now}. You hear when it has settled, and meanwhile now and then."
        )
    span = "" if flapping is None else f" after {duration(at - flapping.since)} of flapping"
    return f"Settled{span} ({counted}): it is {alert.status.lower()}."


def _sent_at(message: Message) -> datetime:
    return message.created_at if message.held is None else message.held.until


def _no_news(since: datetime, alert: AlertView) -> str:
    span = duration((alert.resolved_at or alert.last_received_at) - since)
    return f"No news for {span}"


def _after(alert: AlertView, at: datetime | None) -> str:
    return "" if at is None else f", {duration(at - alert.triggered_at)} after it was triggered"
