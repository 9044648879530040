"""Whether time passed in which nobody watched heartbeats. Pure.

Whoever was expected meanwhile may have tried without success, so it must not be found missing for
that. Two clocks tell: the wall clock, which may be put forward or back, and a monotonic one, which only
ever goes on (and stands still while the machine sleeps).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

AWAY_AFTER = timedelta(seconds=15)
"""Nobody watched for longer than that before this leader: the hub was down."""

STALLED_AFTER = timedelta(seconds=60)
"""Longer than that between two looks of one leader: the machine was too busy to look."""

JUMPED_AFTER_SECONDS = 5.0
"""So much further than the steady clock went that of the wall: it was put forward, or the machine slept.
Less does no harm, as no grace is shorter than a minute."""


@dataclass(slots=True)
class LeaderWatch:
    """The looks of one leader."""

    looked_at: datetime | None = None
    _lead: float = 0.0
    """Of the clock of the wall over the steady one, in seconds: the least since it was put forward."""

    def look(self, now: datetime, steady_seconds: float) -> bool:
        """Note a look; whether nobody watched since the one before, if there was one."""
        before, self.looked_at = self.looked_at, now
        lead = now.timestamp() - steady_seconds
        if before is None:
            self._lead = lead
            return False
        jumped = lead - self._lead > JUMPED_AFTER_SECONDS
        if jumped or lead < self._lead:
            self._lead = lead
        return jumped or now - before > STALLED_AFTER
