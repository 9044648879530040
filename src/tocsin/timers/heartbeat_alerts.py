"""What the alert of a heartbeat says. Pure.

All alerts of one heartbeat have one alert key, so that cooldowns and flapping know them; each time that
it is down is an alert of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.heartbeats.beat import ChangeReason, HeartbeatState, StateChange
from tocsin.heartbeats.rows import schedule_of
from tocsin.heartbeats.schedule import described, spelled
from tocsin.model import DESCRIPTION_LIMIT, Severity, Signal, SignalKind, iso

_ENDED_BY = {
    ChangeReason.RECOVERED: "the heartbeat is back",
    ChangeReason.SCHEDULE_CHANGED: "by its new schedule it is not missed",
    ChangeReason.PAUSED: "the heartbeat was paused",
    ChangeReason.DELETED: "the heartbeat was deleted",
}
_BEGAN_WITH = {
    ChangeReason.TIMEOUT: "no ping came in time",
    ChangeReason.NEVER_PINGED: "its first ping did not come in time",
    ChangeReason.OVERRUN: "a run did not end in time",
    ChangeReason.FAIL: "a ping reported a failure",
}


class WaitingChange(Struct):
    """A change with which an alert begins or ends. `row` has the columns of
    `waiting_heartbeat_changes`."""

    change: StateChange
    row: Any

    @classmethod
    def of(cls, row: Any) -> WaitingChange:
        before, after = HeartbeatState(row.before), HeartbeatState(row.after)
        return cls(StateChange(row.at, before, after, ChangeReason(row.reason)), row)

    @property
    def is_of_loss(self) -> bool:
        """Whether the alert of a loss says it. Who reports a failure is not missing."""
        return self.row.loss_id is not None and (
            self.change.after is not HeartbeatState.DOWN
            or self.change.reason is not ChangeReason.FAIL
        )


def external_id(heartbeat_id: UUID) -> str:
    return f"heartbeat:{heartbeat_id}"


def loss_external_id(tenant_id: UUID) -> str:
    return f"heartbeats-lost:{tenant_id}"


def loss_signal(row: Any, tenant: str | None) -> Signal:
    """Of what is lost together. `row` has the columns of `move_heartbeat_losses`."""
    if not row.missing:
        return loss_settled_signal(row)
    title = f"{row.missing} heartbeats are missing"
    if row.missing != row.lost:
        title = f"{row.missing} of {row.lost} heartbeats are still missing"
    unnamed = row.missing - len(row.names)
    others = f" and {unnamed} more" if unnamed else ""
    lines = (
        "They went missing together: look for what they have in common, a network or the way to here.",
        "Each is shown as down; those that do not come back with the others get alerts of their own.",
        "",
        f"Missing: {', '.join(row.names)}{others}.",
    )
    return Signal(
        kind=SignalKind.TRIGGER if row.is_new else SignalKind.UPDATE,
        external_id=loss_external_id(row.tenant_id),
        title=title,
        severity=next(each for each in Severity if each.value in row.severities),
        description="\n".join(lines)[:DESCRIPTION_LIMIT],
        triggered_at=row.began_at,
        labels={**_common(row.labels), "reason": "lost_together"},
        metadata={"lost": row.lost, "missing": row.missing},
        tenant=tenant,
    )


def loss_settled_signal(row: Any) -> Signal:
    return Signal(
        SignalKind.RESOLVE, loss_external_id(row.tenant_id), "Heartbeats are missing together"
    )


def _common(labels: Sequence[str]) -> dict[str, str]:
    """What all of them say, so that rules for all of them match."""
    first, *others = [msgspec.json.decode(each) for each in labels]
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }


def signal_of(waiting: WaitingChange, tenant: str | None) -> Signal:
    """The trigger or the resolve that a change is."""
    row, change = waiting.row, waiting.change
    if change.after is not HeartbeatState.DOWN:
        return Signal(
            SignalKind.RESOLVE, external_id(row.heartbeat_id), row.name, occurred_at=change.at
        )
    return Signal(
        kind=SignalKind.TRIGGER,
        external_id=external_id(row.heartbeat_id),
        title=_title(row, change),
        severity=Severity(row.severity),
        description=_description(row, change),
        triggered_at=change.at,
        occurred_at=change.at,
        labels={**row.labels, "heartbeat": row.slug, "reason": change.reason.value},
        metadata=_metadata(row),
        tenant=tenant,
    )


def detail_of(waiting: WaitingChange) -> dict[str, Any]:
    """What the timeline adds."""
    change = waiting.change
    words = _BEGAN_WITH if change.after is HeartbeatState.DOWN else _ENDED_BY
    return {"because": words.get(change.reason, change.reason.value)}


def _title(row: Any, change: StateChange) -> str:
    match change.reason:
        case ChangeReason.FAIL if row.exit_code is not None:
            return f"{row.name} reported failure (exit {row.exit_code})"
        case ChangeReason.FAIL:
            return f"{row.name} reported failure"
        case ChangeReason.OVERRUN:
            return f"{row.name} did not finish in time"
        case ChangeReason.NEVER_PINGED:
            return row.alert_title or f"{row.name} has never pinged"
        case _:
            return row.alert_title or f"{row.name} missed its heartbeat"


def _description(row: Any, change: StateChange) -> str:
    lines = []
    if change.reason is ChangeReason.OVERRUN and row.max_run_seconds is not None:
        longest = timedelta(seconds=row.max_run_seconds)
        lines.append(f"Started {iso(change.at - longest)}; it may run for {spelled(longest)}.")
    elif change.reason is ChangeReason.TIMEOUT:
        grace = timedelta(seconds=row.grace_seconds)
        lines.append(f"Expected by {iso(change.at - grace)}, with a grace of {spelled(grace)}.")
    elif change.reason is ChangeReason.NEVER_PINGED:
        lines.append(_never_pinged(row))
    schedule = schedule_of(row.kind, row.period_seconds, tuple(row.expressions), row.timezone)
    lines.append(f"Schedule: {described(schedule)}.")
    if row.last_ping_at is not None and change.reason is not ChangeReason.FAIL:
        lines.append(f"Last ping: {iso(row.last_ping_at)}.")
    if row.description:
        lines += ["", row.description]
    if row.body:
        lines += ["", row.body]
    return "\n".join(lines)[:DESCRIPTION_LIMIT]


def _never_pinged(row: Any) -> str:
    words = "Its first ping was expected"
    if row.expect_first_within_seconds is not None:
        words += f" within {spelled(timedelta(seconds=row.expect_first_within_seconds))}"
    if row.waiting_since is not None:
        words += f" of {iso(row.waiting_since)}"
    return f"{words}: is its job set up, and does it know the address?"


def _metadata(row: Any) -> dict[str, Any]:
    found = {
        "heartbeat_id": str(row.heartbeat_id),
        "last_ping_at": None if row.last_ping_at is None else iso(row.last_ping_at),
        "exit_code": row.exit_code,
    }
    return {name: value for name, value in found.items() if value is not None}
