"""Whether the clock of a sender is behind, by what it posts of alerts that it repeats while they fire.

What fires is repeated with an end that lies ahead, what is over with the time at which it ended. An end
that is past, and yet moves on with every post, says that the alert fires, and that its sender's clock is
behind by more than it names ends ahead: nothing of it would ever open. Nobody can measure how far, as
such requests have no time of their own, so it is a doubt on record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from tocsin.ingest.received_webhook import Webhook
from tocsin.model import SignalKind

CLOCK_BEHIND: Final = "sender_clock_behind"
"""Flags a webhook that says so."""

MOVES: Final = 3
"""Ends in a row that were each later than the one before. Each of two or three replicas may see the end
of an alert at another time; after that they repeat the same ends."""

REMEMBERED: Final = 10_000
"""Alerts; of more, all are forgotten, and learned again within some minutes."""


class _PastEnd(NamedTuple):
    at: datetime
    moves: int


class SenderClocks:
    """Of one process, which sees enough of what a sender repeats."""

    def __init__(self) -> None:
        self._ends: dict[tuple[bytes, str], _PastEnd] = {}

    def look(self, webhook: Webhook) -> None:
        """Flag it, where its sender's clock is behind."""
        sender_id = webhook.sender.entry.id_bytes
        for signal in webhook.signals:
            if signal.external_id is None:
                continue
            if signal.kind is not SignalKind.RESOLVE:
                if self._ends:
                    self._ends.pop((sender_id, signal.external_id), None)
            elif signal.occurred_at is not None and (
                self._moves(sender_id, signal.external_id, signal.occurred_at) >= MOVES
            ):
                webhook.flag(CLOCK_BEHIND)

    def _moves(self, sender_id: bytes, external_id: str, end: datetime) -> int:
        key = sender_id, external_id
        before = self._ends.get(key)
        moves = before.moves + 1 if before is not None and end > before.at else 0
        if before is None and len(self._ends) >= REMEMBERED:
            self._ends.clear()
        self._ends[key] = _PastEnd(end, moves)
        return moves
