"""What this dispatcher holds, and until when it may act on it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

from tocsin.store.delivery_queue import Claimed

LEASE_SECONDS = 60.0


class Leases:
    """Ends are kept in our own monotonic time, counted from before the claim was sent: never later
    than the database's."""

    def __init__(self, lease_seconds: float = LEASE_SECONDS) -> None:
        self.seconds = lease_seconds
        self._ends: dict[UUID, float] = {}

    def add(self, claimed: Iterable[Claimed], asked_at: float) -> None:
        for each in claimed:
            self._ends[each.id] = asked_at + self.seconds

    def drop(self, id: UUID) -> None:
        self._ends.pop(id, None)

    def allows(self, id: UUID) -> bool:
        """Whether an attempt may begin: there is still time to finish it, or to renew."""
        return self._ends.get(id, 0.0) - time.monotonic() > self.seconds / 2

    def to_renew(self) -> list[UUID]:
        """Those with a third of their time used."""
        soon = time.monotonic() + self.seconds * 2 / 3
        return [id for id, end in self._ends.items() if end < soon]

    def renewed(self, asked: Iterable[UUID], kept: set[UUID], asked_at: float) -> list[UUID]:
        """Returns those that were lost to another node; what is under way of them runs on."""
        lost = []
        for id in asked:
            if id in kept:
                if id in self._ends:
                    self._ends[id] = asked_at + self.seconds
            elif self._ends.pop(id, None) is not None:
                lost.append(id)
        return lost
