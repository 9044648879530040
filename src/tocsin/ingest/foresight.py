"""Whether webhooks are decided before their transaction is begun, as if they were all news.

A batch of news goes in one round trip then (`AlertTransaction.begin_ahead`). One that is not has been
sent for nothing, so that is done only while batch after batch is news: a storm of duplicates, or what
Prometheus repeats all day, takes the longer road and costs nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TRUST: Final = 4
"""Batches that have to be news, one after the other."""


@dataclass(slots=True)
class Foresight:
    """Of one queue of webhooks."""

    _in_a_row: int = 0

    @property
    def expects_news(self) -> bool:
        return self._in_a_row >= TRUST

    def learn(self, *, was_news: bool) -> None:
        """What became of one batch, whichever road it took."""
        self._in_a_row = self._in_a_row + 1 if was_news else 0
