"""New alerts per hour of the last day. Hours that are over are counted once in each process: nothing is
added to them any more, whatever becomes of their alerts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_totals import Hour, count_hours

HOURS = 24
_MOST_KEPT = 1_000
_LATE = timedelta(minutes=1)
"""So long after its end may an hour still get an alert that was on its way."""


@dataclass(slots=True)
class HoursKept:
    """Of the workspaces that were looked at last."""

    of_workspace: OrderedDict[UUID, list[Hour]] = field(default_factory=OrderedDict)

    async def read(self, session: DatabaseSession, workspace_id: UUID, now: datetime) -> list[Hour]:
        """The last 24, oldest first."""
        last = now.replace(minute=0, second=0, microsecond=0)
        first = last - timedelta(hours=HOURS - 1)
        known = [
            hour for hour in self.of_workspace.get(workspace_id, ()) if hour.begins_at >= first
        ]
        begins_at = known[-1].begins_at + timedelta(hours=1) if known else first
        missing = (last - begins_at) // timedelta(hours=1) + 1
        hours = known + await count_hours(session, workspace_id, begins_at, missing)
        over = [hour for hour in hours if hour.begins_at + timedelta(hours=1) + _LATE <= now]
        self.of_workspace[workspace_id] = over
        self.of_workspace.move_to_end(workspace_id)
        while len(self.of_workspace) > _MOST_KEPT:
            self.of_workspace.popitem(last=False)
        return hours
