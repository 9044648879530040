"""What is done to every alert of a filter: one wish, many alerts, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class BulkKind(StrEnum):
    """What is done to each. All but `assign` are `Action` by the same words."""

    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    NOTE = "note"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    ASSIGN = "assign"


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
