"""How many alerts are live of each severity: counted each time, unless there are so many that a
second makes no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_counts import SeverityCount, count_severities

MANY = 1_000
KEPT_FOR = timedelta(seconds=2)


@dataclass(slots=True)
class SeverityCounts:
    """Of the workspaces that were looked at just now."""

    kept: dict[UUID, tuple[datetime, Sequence[SeverityCount]]] = field(default_factory=dict)

    async def read(
        self, session: DatabaseSession, workspace_id: UUID, now: datetime
    ) -> Sequence[SeverityCount]:
        self.kept = {each: known for each, known in self.kept.items() if now - known[0] < KEPT_FOR}
        if workspace_id in self.kept:
            return self.kept[workspace_id][1]
        counts = await count_severities(session, workspace_id)
        if sum(each.live.number for each in counts) > MANY:
            self.kept[workspace_id] = (now, counts)
        return counts


@dataclass(frozen=True, slots=True)
class SeverityLine:
    severity: str
    count: str
    note: str
    """How many nobody has; empty where there are none, or too many to know."""

    @property
    def is_none(self) -> bool:
        return self.count == "0"


def severity_line(each: SeverityCount) -> SeverityLine:
    number = each.live.number
    alone = number - each.acknowledged.number
    note = f"{alone:,} unowned" if alone else "all in hand"
    is_known = 0 < number <= each.live.most
    return SeverityLine(each.severity.value, each.live.words, note if is_known else "")
