"""Repeats that say nothing new: the database renews their alerts, and nobody reads or decides anything.

Each is renewed only if it still is what it was when it was last heard of. What such a repeat does is
what `correlate` says of it, for the one case that is most of what comes in: an alert that is live, of
the same severity and words, and nothing that has come before is newer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from tocsin.alerts.alert_key import AlertKey
from tocsin.store.columns import Text, Time, Uuid, columns
from tocsin.store.pipe import Call, Row
from tocsin.store.statements import prepared


class Repeat(Struct):
    """One alert that fires still: what it was when it was last heard of, and what its sender says."""

    id: Uuid
    words_digest: Uuid
    severity: Text
    said_at: Time
    received_at: Time
    sender: Uuid
    ends_at: Time
    lapses_at: Time


@dataclass(slots=True)
class Renewal:
    """Of one transaction; each alert key has one repeat at most."""

    repeats: Mapping[AlertKey, Repeat]
    locks: frozenset[int]
    """Of these keys."""
    _renewed: frozenset[bytes] = field(default_factory=frozenset)

    def call(self, now: datetime) -> Call:
        """The statement that renews them, under their locks; its rows are for `settle`."""
        repeats = sorted(self.repeats.values(), key=_id)
        given = {**columns(Repeat, repeats), "now": now, "count": len(repeats)}
        return prepared("renew_alerts"), given

    def settle(self, rows: list[Row]) -> None:
        if rows:
            self._renewed = frozenset(alert_id.bytes for alert_id in rows[0].renewed or ())
        else:
            self._renewed = frozenset(repeat.id for repeat in self.repeats.values())

    @property
    def others(self) -> list[AlertKey]:
        """Keys of those that are not what they were."""
        if len(self._renewed) == len(self.repeats):
            return []
        return [key for key, repeat in self.repeats.items() if repeat.id not in self._renewed]

    def has_renewed(self, alert_id: bytes) -> bool:
        return alert_id in self._renewed


def _id(repeat: Repeat) -> bytes:
    return repeat.id
