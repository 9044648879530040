"""How destinations are doing, as all dispatchers share it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from tocsin.model import AlertDeliveryStatus, HoldReason, WaitReason
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import AlertDelivery, DestinationState


@dataclass(frozen=True, slots=True)
class Wait:
    """What keeps a message that is due. Of a held destination, `until` is when it is tried next."""

    reason: WaitReason
    until: datetime


@dataclass(frozen=True, slots=True)
class DestinationStanding:
    """`hold_until` None: it is not held. `rate_used_until` may be over."""

    hold_reason: HoldReason | None
    hold_until: datetime | None
    rate_used_until: datetime | None

    def keeps(self, message: AlertDelivery, now: datetime) -> Wait | None:
        """What keeps this message waiting besides a time of its own; None if nothing does."""
        if message.status not in (AlertDeliveryStatus.QUEUED, AlertDeliveryStatus.DEFERRED):
            return None
        if message.send_after is not None and message.send_after > now:
            return None
        if self.hold_until is not None:
            reason = self.hold_reason or HoldReason.FAILING
            return Wait(WaitReason(reason.value), self.hold_until)
        if self.rate_used_until is not None and self.rate_used_until > now:
            return Wait(WaitReason.RATE, self.rate_used_until)
        return None


async def standings(
    session: DatabaseSession, destination_ids: Collection[UUID]
) -> dict[UUID, DestinationStanding]:
    """Of those that were ever sent to."""
    table = DestinationState
    rows = await session.execute(
        select(
            table.alert_destination_id, table.hold_reason, table.hold_until, table.rate_used_until
        ).where(table.alert_destination_id.in_(destination_ids))
    )
    return {
        row.alert_destination_id: DestinationStanding(
            None if row.hold_reason is None else HoldReason(row.hold_reason),
            row.hold_until,
            row.rate_used_until,
        )
        for row in rows
    }
