"""Receivers that let others wait for an answer. Where a destination has others, it is not kept waiting
by these again for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 60.0
"""So long nobody waits for one; then it is tried again."""


SLOW_SECONDS = 2.0
"""What fails after more than this has let the others wait."""


class Stalls:
    """One per process and channel, by the receiver's key; nothing of it has to outlast a restart."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    def note(self, key: str, *, stalled: bool) -> None:
        """What trying it gave."""
        self._until.pop(key, None)
        if stalled:
            self._until[key] = self._now() + SECONDS

    def lasts(self, key: str) -> bool:
        until = self._until.get(key)
        if until is None:
            return False
        if until > self._now():
            return True
        del self._until[key]
        return False
