"""What channels with several receivers in one destination share: each receiver has a result of its own,
and the order of an alert's messages is kept for each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.delivery.outcome import BEHIND, WAITING, Progress, Retry, Standing

_LOOK_AGAIN_SECONDS = 15.0


def now_to_try(pending: Sequence[str], progress: Progress, attempt: int) -> list[str]:
    """The pending receivers that may get this message now. Each attempt begins with another of them,
    so that one that stalls the service does not block the others."""
    behind = frozenset(progress.get(BEHIND, ()))
    free = [each for each in pending if each not in behind]
    first = (attempt - 1) % len(free) if free else 0
    return free[first:] + free[:first]


def with_waiting(progress: dict[str, Any], waiting: Sequence[str], total: int) -> Progress:
    """`progress` with the receivers that still wait, so that a later message of the alert may go to the
    others; unchanged if all of them wait."""
    return progress if len(waiting) == total else {**progress, WAITING: list(waiting)}


def behind_earlier(name: str) -> Retry:
    """The outcome if none could be tried: all that are left wait for an earlier message of the alert."""
    return Retry(
        "behind-earlier-message",
        f"{name}: those that do not have it yet wait for an earlier message of the same alert.",
        retry_after=_LOOK_AGAIN_SECONDS,
        standing=Standing.UNKNOWN,
    )


def standing_of(*, reached_now: bool, reached_ever: bool) -> Standing:
    """What an attempt that some receivers deferred says of the destination: it works if a receiver took
    the message in this attempt; unknown if one did only in an earlier attempt; and if none ever did,
    it counts as failing but does not delay the others."""
    if reached_now:
        return Standing.WORKING
    return Standing.UNKNOWN if reached_ever else Standing.ANSWERING
