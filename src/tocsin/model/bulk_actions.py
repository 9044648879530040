"""What is done to every alert of a filter: one action, many alerts, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tocsin.model.alerts import Action


class BulkKind(StrEnum):
    """What is done to each: an `Action`, or it is assigned to somebody."""

    ACKNOWLEDGE = Action.ACKNOWLEDGE
    UNACKNOWLEDGE = Action.UNACKNOWLEDGE
    RESOLVE = Action.RESOLVE
    CLOSE = Action.CLOSE
    REOPEN = Action.REOPEN
    NOTE = Action.NOTE
    SNOOZE = Action.SNOOZE
    UNSNOOZE = Action.UNSNOOZE
    ASSIGN = "assign"

    @property
    def action(self) -> Action | None:
        """None: alerts are assigned."""
        return None if self is BulkKind.ASSIGN else Action(self.value)


class BulkState(StrEnum):
    """running → done; running → canceling → canceled, once the alert under way is finished."""

    RUNNING = "running"
    CANCELING = "canceling"
    CANCELED = "canceled"
    DONE = "done"

    @property
    def is_over(self) -> bool:
        return self in (BulkState.CANCELED, BulkState.DONE)


class BulkOutcome(StrEnum):
    """What became of one alert. `unchanged`: it had that state already."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


UNDONE_BY: Mapping[BulkKind, BulkKind] = {
    BulkKind.ACKNOWLEDGE: BulkKind.UNACKNOWLEDGE,
    BulkKind.RESOLVE: BulkKind.REOPEN,
    BulkKind.SNOOZE: BulkKind.UNSNOOZE,
}
"""What takes back what a person did by mistake."""
