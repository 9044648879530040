"""When heartbeats are lost together. Pure.

Where a network is cut, or what all of them ping through is gone, one message says more than a page for
each. That is so when one falls due while many others are well past their time, too: by the middle of
their grace most of those that only run late have pinged.
"""

from __future__ import annotations

from datetime import timedelta

FEWEST = 10
"""Fewer that are missing are told one by one."""

SHARE = 0.2
"""Of those that are expected."""

SETTLED_AFTER = timedelta(minutes=5)
"""Some came back, and for so long no more did: those that are missing then are so each by itself."""


def is_loss(missing: int, expected: int) -> bool:
    """Whether so many missing ones of so many that are expected are lost together."""
    return missing >= FEWEST and missing > SHARE * expected
