"""How often one API key may ask what its matchers would have done: previews are the dearest reads."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from uuid import UUID

from tocsin.api.problem_answers import ApiProblem

_KEYS_REMEMBERED = 1_000

FREE_SECONDS = 2.0
"""A preview that takes no longer is followed by no pause: most of them."""


class PreviewTurns:
    """For each key one at a time, and after a long one a pause as long as it took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free_at: dict[UUID, float] = {}
        """By key; infinity while a preview is under way."""

    @contextlib.contextmanager
    def turn(self, key_id: UUID) -> Iterator[None]:
        """Hold the key's turn while a preview is made.

        Raises:
            ApiProblem: it is not this key's turn.
        """
        began = self._clock()
        free_at = self._free_at.get(key_id, began)
        if free_at > began:
            wait = 1 if math.isinf(free_at) else math.ceil(free_at - began)
            raise ApiProblem(
                "preview-rate-limited",
                f"This API key has asked for a preview just now; try again in {wait} s.",
                headers={"Retry-After": str(wait)},
            )
        self._forget(began)
        self._free_at[key_id] = math.inf
        try:
            yield
        finally:
            now = self._clock()
            took = now - began
            self._free_at[key_id] = now + took if took > FREE_SECONDS else now

    def _forget(self, now: float) -> None:
        if len(self._free_at) > _KEYS_REMEMBERED:
            self._free_at = {key: at for key, at in self._free_at.items() if at > now}
