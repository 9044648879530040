"""How a transaction of alerts begins: all locks, in the one order, then what is known under them.

Begun ahead, it expects that nothing is known, and is decided by that before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from tocsin.alerts.alert_key import AlertKey
from tocsin.store import arrays
from tocsin.store.pipe import BEGIN, Call, HeldCalls, Pipe
from tocsin.store.statements import prepared

SENT_AT_ONCE = 128
"""Alert keys that take the server longer to lock and look up than it costs to wake it for them."""


def opening(
    keys: Sequence[AlertKey],
    locks: Iterable[int],
    first: Sequence[Call],
    under_locks: Sequence[Call],
    now: datetime,
) -> list[Call]:
    """Begin, execute `first`, take `locks`, execute `under_locks`, and read `keys`."""
    return [*_locking(locks, first), *under_locks, reading(keys, now)]


def reading(keys: Sequence[AlertKey], now: datetime) -> Call:
    """The statement that reads what is known of `keys`, and the version of the configuration."""
    if not keys:
        return prepared("read_configuration"), {}
    return prepared("read_alert_keys"), _asked(keys, now)


class BegunAhead(Struct):
    """A transaction that goes with the next trip of its pipe."""

    held: HeldCalls
    was_doubted: bool = False
    """With reason: what was expected besides is not so either."""

    @classmethod
    def on(
        cls,
        pipe: Pipe,
        keys: Sequence[AlertKey],
        first: Sequence[Call],
        version: int,
        now: datetime,
    ) -> BegunAhead:
        """Each of `first` gives a row only where it makes void what the transaction writes."""
        held = pipe.hold(
            *_locking({key.lock for key in keys}, first),
            (prepared("void_unless_news"), {**_asked(keys, now), "version": version}),
        )
        if len(keys) >= SENT_AT_ONCE:
            pipe.send_held()
        return cls(held)

    @property
    def is_sent(self) -> bool:
        return self.held.rows is not None

    @property
    def is_void(self) -> bool:
        """Whether it has turned out that something is known."""
        if self.was_doubted or self.held.rows is None:
            return self.was_doubted
        _begin, _configuration, *of_first, _locks, of_keys = self.held.rows
        return any(of_first) or bool(of_keys)


def _locking(locks: Iterable[int], first: Sequence[Call]) -> list[Call]:
    return [
        (BEGIN, {}),
        (prepared("lock_configuration"), {}),
        *first,
        (prepared("lock_alert_keys"), {"locks": arrays.bigints(sorted(locks))}),
    ]


def _asked(keys: Sequence[AlertKey], now: datetime) -> dict[str, Any]:
    return {
        "integration_ids": arrays.uuids([key.integration_id for key in keys]),
        "external_ids": arrays.texts([key.external_id for key in keys]),
        "now": now,
    }
