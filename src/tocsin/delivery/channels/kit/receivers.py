"""What channels with several receivers in one destination share: each receiver has a result of its own,
and the order of an alert's messages is kept for each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.delivery.outcome import BEHIND, WAITING, Progress, Retry, Standing

_LOOK_AGAIN_SECONDS = 15.0


def now_to_try(pending: Sequence[str], progress: Progress, attempt: int) -> list[str]:
    """Those of the receivers still to be reached to whom this message may go now. Each attempt begins
    with another of them, so that one who stalls the service does not stand in the others' way."""
    behind = frozenset(progress.get(BEHIND, ()))
    free = [each for each in pending if each not in behind]
    first = (attempt - 1) % len(free) if free else 0
    return free[first:] + free[:first]


def with_waiting(progress: dict[str, Any], waiting: Sequence[str], total: int) -> Progress:
    """What to remember, and who is left, so that a later message of the alert may go to the others;
    where nobody is done with this one, there are none."""
    return progress if len(waiting) == total else {**progress, WAITING: list(waiting)}


def behind_earlier(name: str) -> Retry:
    """The outcome where nobody could be tried: all that are left still wait for an earlier message of
    the same alert."""
    return Retry(
        "behind-earlier-message",
        f"{name}: whoever does not have it yet waits for an earlier message of the same alert.",
        retry_after=_LOOK_AGAIN_SECONDS,
        standing=Standing.UNKNOWN,
    )


def standing_of(*, reached_now: bool, reached_ever: bool) -> Standing:
    """What is said of the destination by an attempt that some receivers put off: it works if somebody
    took the message in this attempt; whether it does is unknown if only somebody did before; and if
    nobody ever did, it counts as failing without holding the others up."""
    if reached_now:
        return Standing.WORKING
    return Standing.UNKNOWN if reached_ever else Standing.ANSWERING
