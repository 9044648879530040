"""What inhibition has time start: looks at the targets of sources that have come or ended, and, where a
rule is new, at all live alerts, so that those that are sources already are known.

What is due stands in the database; what is remembered here is only how far the looks have come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tocsin.alerts.directory import Directory
from tocsin.store.clock import FIRST, ClockConnection, HeldAlert
from tocsin.timers.alert_batches import AlertBatches

KEYS_AT_ONCE = 20
"""So many have a batch of their targets looked at in one turn of the clock."""


@dataclass(slots=True)
class _Walk:
    """Through the targets of one key, in the order of their ids; `after` was the last. What has become
    due since it began is for the next."""

    began: datetime
    after: UUID = FIRST


@dataclass(slots=True)
class InhibitionLooks:
    """One per leader."""

    batches: AlertBatches
    _walks: dict[UUID, _Walk] = field(default_factory=dict)
    _live: list[HeldAlert] = field(default_factory=list)

    async def begin(
        self, clock: ClockConnection, before: Directory | None, after: Directory
    ) -> None:
        """Look at all live alerts of workspaces in which an inhibition rule is new or was redefined."""
        redefined = {
            id for id in after.routing if _definitions(after, id) - _definitions(before, id)
        }
        integrations = [
            entry.id for entry in after.integrations.values() if entry.workspace_id in redefined
        ]
        if integrations:
            # Those of before are among them, or stand by rules that are no more.
            self._live += await clock.live_alerts(integrations)

    @property
    def is_behind(self) -> bool:
        """Whether it is not yet known of all live alerts where they stand: whoever looks before lets go
        of what they hold."""
        return bool(self._live)

    async def work(self, clock: ClockConnection, now: datetime) -> bool:
        """Look at a batch of the live alerts, or at a batch of targets for some keys. Returns whether
        there is more to do at once."""
        size = self.batches.size
        if self._live:
            batch, self._live = self._live[:size], self._live[size:]
            await self.batches.run(batch, now)
            return True
        due = await clock.due_inhibition(now, KEYS_AT_ONCE)
        for key in due:
            walk = self._walks.setdefault(key, _Walk(now))
            alerts = await clock.inhibition_targets(key, walk.after, size)
            if alerts:
                await self.batches.run(alerts, now)
                walk.after = alerts[-1].id
            if len(alerts) < size:
                del self._walks[key]
                await clock.settle_inhibition(key, walk.began)
        return bool(due)


def _definitions(directory: Directory | None, workspace_id: UUID) -> set[tuple[UUID, datetime]]:
    table = None if directory is None else directory.routing.get(workspace_id)
    rules = () if table is None else table.inhibition_rules
    return {(rule.id, rule.defined_at) for rule in rules}
