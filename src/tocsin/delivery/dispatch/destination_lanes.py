"""How much of each destination is in hand: what keeps them fair to one another. No I/O.

A lane is one destination, as one dispatcher sees it. Three bounds say how many deliveries it may
have in hand (claimed and not yet recorded):

- Its *window* starts small and grows with each success, as TCP's does, so that a receiver that never
  answers holds little. A failure closes it again.
- `concurrency` messages at most are on their way at once; what the window allows beyond that is
  claimed ahead, so that a fast receiver need not wait for the database in between.
- No lane may take more than half of what is still free of the whole, so that there is always room
  for one more destination, however many are stuck (dynamic thresholds, Choudhury and Hahne 1998).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

from tocsin.delivery.channels.base import Rate
from tocsin.delivery.dispatch.rates import is_limited

FIRST_WINDOW = 4
CLAIM_AHEAD = 4
"""A fast lane's window, in multiples of its concurrency."""
FAILURES_TO_PAUSE = 3
"""As many in a row hold a destination for every dispatcher (`record_failures.sql`)."""


class Lane:
    def __init__(self, rate: Rate) -> None:
        self.in_hand = 0
        self.turn = asyncio.Semaphore(rate.concurrency)
        self.is_paused = False
        """A failure just held the destination: what waits for its turn goes back."""
        self.has_more = False
        """The last claim took all it had room for: there may be more."""
        self._rate = rate
        self._window = FIRST_WINDOW
        self._failures = 0

    @property
    def window(self) -> int:
        # What a rate limit lets through has its tokens taken; there is nothing to claim ahead.
        ahead = 1 if is_limited(self._rate) else CLAIM_AHEAD
        return min(self._window, self._rate.concurrency * ahead)

    def succeeded(self) -> None:
        self.is_paused = False
        self._failures = 0
        self._window = min(self._window + 1, self._rate.concurrency * CLAIM_AHEAD)

    def failed(self, *, pauses: bool) -> None:
        """`pauses`: the destination asked for silence, or has just failed too often in a row."""
        self._window = FIRST_WINDOW
        self._failures += 1
        if pauses or self._failures >= FAILURES_TO_PAUSE:
            self.is_paused = True


class Floors:
    """Where each destination's fresh deliveries begin, so that a look at the queue need not read
    the dead rows before them (`due_lanes.sql`). Once a second a look does without.

    A sequence may be drawn long before its row is committed, and an old row may become fresh again
    (a person's retry, the end of quiet hours); the margin makes the first nearly impossible, and
    neither waits for longer than that second."""

    MARGIN = 10_000
    SECONDS = 1.0

    def __init__(self) -> None:
        self._floors: dict[UUID, int] = {}
        self._taken_at: float | None = None

    def at(self, now: float) -> dict[UUID, int]:
        """For a look at monotonic time `now`; empty if it is to do without."""
        if self._taken_at is None or now - self._taken_at >= self.SECONDS:
            return {}
        return self._floors

    def learn(self, first_fresh: Mapping[UUID, int], now: float) -> None:
        """What a look without floors saw; the newest sequence drawn where it saw nothing."""
        self._floors = {id: max(0, first - self.MARGIN) for id, first in first_fresh.items()}
        self._taken_at = now


class DestinationLanes:
    def __init__(self, capacity: int) -> None:
        self.floors = Floors()
        self._capacity = capacity
        self._lanes: dict[UUID, Lane] = {}
        self.in_hand = 0

    def lane(self, destination_id: UUID, rate: Rate) -> Lane:
        lane = self._lanes.get(destination_id)
        if lane is None:
            lane = self._lanes[destination_id] = Lane(rate)
        return lane

    def known(self, destination_id: UUID) -> Lane | None:
        return self._lanes.get(destination_id)

    def room(self, lane: Lane) -> int:
        free = self._capacity - self.in_hand
        return max(0, min(lane.window, free // 2) - lane.in_hand)

    def runs_low(self, destination_id: UUID) -> bool:
        """Whether it will soon have nothing in hand, and there may be more to claim."""
        lane = self._lanes[destination_id]
        return lane.has_more and lane.in_hand <= lane.window // 2

    def take(self, lane: Lane) -> None:
        lane.in_hand += 1
        self.in_hand += 1

    def release(self, destination_id: UUID) -> None:
        lane = self._lanes[destination_id]
        lane.in_hand -= 1
        self.in_hand -= 1

    def forget_idle(self) -> None:
        """Drop what has nothing in hand: rates and destinations change."""
        for destination_id in [id for id, lane in self._lanes.items() if lane.in_hand == 0]:
            del self._lanes[destination_id]
