"""From wall-clock time to the instant that it means. The one place for schedules.

- A time that is left out (clocks go forward) is as much later as the clock was moved: 02:30 is 03:30.
- A time that comes twice is the first for whatever begins, the second for what ends: this errs towards
  somebody being on call.

Differences of two aware times of one zone are wall-clock time in Python; elapsed time is only what UTC
says. So everything here goes from local (naive) to UTC, and back.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def earliest(local: datetime, zone: tzinfo) -> datetime:
    """The instant at which something begins, or one hands over to the next."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def latest(local: datetime, zone: tzinfo) -> datetime:
    """The instant at which something ends."""
    first = local.replace(tzinfo=zone)
    second = first.replace(fold=1)
    # In a gap the offset of the second is the larger, and would be a time before the gap.
    return max(first, second, key=_offset_west).astimezone(UTC)


def _offset_west(at: datetime) -> float:
    offset = at.utcoffset()
    assert offset is not None
    return -offset.total_seconds()


def local_time(at: datetime, zone: tzinfo) -> datetime:
    """What the clock on the wall shows at an instant."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def is_left_out(local: datetime, zone: tzinfo) -> bool:
    """Whether the clock never shows this."""
    return local_time(earliest(local, zone), zone) != local
