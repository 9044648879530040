"""A token bucket per key, in this process, with a burst of one second's worth."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

_KEYS_REMEMBERED = 10_000


@dataclass(slots=True)
class Throttle:
    per_second: float
    _buckets: dict[UUID, tuple[float, float]] = field(default_factory=dict)

    def admits(self, key: UUID) -> bool:
        """Take one token; False if there is none."""
        now = time.monotonic()
        burst = max(self.per_second, 1.0)
        tokens, at = self._buckets.get(key, (burst, now))
        tokens = min(burst, tokens + (now - at) * self.per_second)
        if len(self._buckets) > _KEYS_REMEMBERED:
            self._buckets.clear()
        admitted = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if admitted else tokens, now)
        return admitted
