"""What a row of the list says of an alert besides its title: what happens with it, and who was notified.

One chip, the one that decides, and one line below it. Pure: whoever asks brings what is on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tocsin.model import AlertDeliveryStatus, AlertStatus, Reason
from tocsin.store.queries.alert_list import (
    LastAcknowledgement,
    LatestDelivery,
    ListedAlert,
    ListedEscalation,
)

_MOST_NAMED = 2


class ChipKind(StrEnum):
    NEXT = "next"
    """Something will happen."""
    OWNED = "owned"
    """Somebody has it."""
    HELD = "held"
    LOST = "lost"
    """Nobody could be notified."""
    OVER = "ok"
    NONE = "none"
    """Nothing is left to happen by itself."""


@dataclass(frozen=True, slots=True)
class Chip:
    """`icon` by its name in the set; `end` is what a narrow screen keeps."""

    kind: ChipKind
    icon: str
    words: str
    until: datetime | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotifiedDestination:
    """A destination, and when it was notified."""

    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class RowNote:
    chip: Chip
    notified: tuple[NotifiedDestination, ...]
    more: int
    """So many destinations more than are named."""
    not_notified: str | None
    """Why, where nobody was."""
    owner: str | None


def row_note(
    alert: ListedAlert,
    deliveries: Sequence[LatestDelivery],
    taken: LastAcknowledgement | None,
    now: datetime,
    escalation: ListedEscalation | None = None,
    next_whom: str | None = None,
) -> RowNote:
    """`next_whom` is whom the escalation reaches next, in words; empty: nobody is left."""
    sent = sorted(
        (each for each in deliveries if each.sent_at is not None),
        key=lambda each: each.sent_at or now,
        reverse=True,
    )
    owner = None
    if taken is not None and alert.status is AlertStatus.ACKNOWLEDGED:
        owner = taken.actor.get("name")
    return RowNote(
        chip=_chip(alert, deliveries, taken, now, escalation, next_whom),
        notified=tuple(
            NotifiedDestination(each.destination_name, each.sent_at) for each in sent[:_MOST_NAMED]
        ),
        more=max(0, len(sent) - _MOST_NAMED),
        not_notified=None if sent else _why_nobody(deliveries),
        owner=owner,
    )


def _chip(
    alert: ListedAlert,
    deliveries: Sequence[LatestDelivery],
    taken: LastAcknowledgement | None,
    now: datetime,
    escalation: ListedEscalation | None,
    next_whom: str | None,
) -> Chip:
    if not alert.status.is_live:
        ended = alert.closed_at or alert.resolved_at
        return Chip(ChipKind.OVER, "circle-check", alert.status.value.lower(), since=ended)
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        by = f" · {alert.snoozed_by}" if alert.snoozed_by else ""
        return Chip(ChipKind.HELD, "alarm-clock", f"snoozed{by}", until=alert.snoozed_until)
    if alert.status is AlertStatus.ACKNOWLEDGED:
        name = "acknowledged" if taken is None else taken.actor.get("name", "acknowledged")
        return Chip(ChipKind.OWNED, "check", name, since=alert.acknowledged_at)
    if escalation is not None and escalation.exhausted is not None:
        words = _UNANSWERED.get(escalation.exhausted, "nobody answered")
        return Chip(ChipKind.LOST, "circle-x", words)
    if escalation is not None:
        words = _next_words(escalation, next_whom)
        return Chip(ChipKind.NEXT, "phone-outgoing", words, until=escalation.due_at)
    lost = [each for each in deliveries if each.status is AlertDeliveryStatus.FAILED]
    if lost:
        words = f"not notified · “{lost[0].destination_name}” fails"
        return Chip(ChipKind.LOST, "circle-x", words)
    held = [each for each in deliveries if each.status is AlertDeliveryStatus.DEFERRED]
    if held:
        return _held_chip(held[0])
    withheld = [each for each in deliveries if each.status is AlertDeliveryStatus.SUPPRESSED]
    pending = [each for each in deliveries if each.status is AlertDeliveryStatus.QUEUED]
    failing = [each for each in pending if each.attempt_count]
    if failing:
        first = failing[0]
        words = f"“{first.destination_name}” fails, attempt {first.attempt_count}"
        return Chip(ChipKind.LOST, "circle-x", words, until=first.send_after)
    if pending:
        words = f"next: {pending[0].destination_name}"
        return Chip(ChipKind.NEXT, "send", words, until=pending[0].send_after)
    if withheld and len(withheld) == len(deliveries):
        return Chip(ChipKind.HELD, "bell-off", withheld[0].reason.replace("_", " "))
    if not deliveries:
        return Chip(ChipKind.LOST, "circle-slash", "not notified · no rule names anybody")
    return Chip(ChipKind.NONE, "circle-dashed", "nobody has it")


def _next_words(escalation: ListedEscalation, whom: str | None) -> str:
    if whom is None:
        return f"next: step {escalation.step + 2}"
    return f"next: {whom}" if whom else "escalation ends"


_UNANSWERED = {"nobody_reached": "nobody could be reached"}

_HELD_ICONS = {
    Reason.MAINTENANCE: ("wrench", "maintenance"),
    Reason.INHIBITED: ("git-merge", "inhibited"),
    Reason.INHIBITION_WAIT: ("git-merge", "waits for its cause"),
    Reason.FLAPPING: ("activity", "flapping"),
    Reason.SNOOZED: ("alarm-clock", "snoozed"),
    Reason.QUIET_HOURS: ("moon", "quiet hours"),
    Reason.SILENCE: ("bell-off", "silence"),
    Reason.COOLDOWN: ("timer", "cooldown"),
    Reason.GROUPED: ("layers", "grouped"),
    Reason.RATE_LIMITED: ("layers", "gathered for a digest"),
    Reason.BUNDLED: ("layers", "gathered with other pages"),
}


def _held_chip(delivery: LatestDelivery) -> Chip:
    icon, words = _HELD_ICONS.get(Reason(delivery.reason), ("clock", delivery.reason))
    name = _name_of_hold(delivery.detail)
    said = f"{words} · “{name}”" if name else words
    return Chip(ChipKind.HELD, icon, said, until=delivery.send_after)


def _name_of_hold(detail: dict[str, Any]) -> str | None:
    first: dict[str, Any] = next(iter(detail.get("holds") or ()), {})
    for kind in ("window", "silence", "inhibition_rule", "source"):
        evidence = first.get(kind)
        if isinstance(evidence, dict):
            name = evidence.get("name") or evidence.get("title") or evidence.get("comment")
            if name:
                return str(name)
    return None


def _why_nobody(deliveries: Sequence[LatestDelivery]) -> str:
    if not deliveries:
        return "no rule names anybody for it"
    first = deliveries[0]
    match first.status:
        case AlertDeliveryStatus.DEFERRED:
            return f"{first.destination_name} waits"
        case AlertDeliveryStatus.QUEUED:
            return f"on its way to {first.destination_name}"
        case AlertDeliveryStatus.FAILED:
            return f"{first.destination_name}: {first.last_error_message or 'given up'}"
        case _:
            return f"{first.destination_name}: {first.reason.replace('_', ' ')}"
