"""What an outcome means for the row: the next status, when, and in which words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tocsin.delivery.dispatch.backoff import ALERTS, HELD, ONCE, TESTS, Schedule, bounded, delay
from tocsin.delivery.outcome import Failed, Outcome, Progress, Retry, Sent, Standing
from tocsin.model import AlertDeliveryStatus, AttemptOutcome, EventType, HoldReason, Reason
from tocsin.store.delivery_queue import Claimed, DestinationFailures

MESSAGE_LIMIT = 500
CODE_LIMIT = 100
_HOLDS = {
    Standing.THROTTLED: HoldReason.THROTTLED,
    Standing.DOWN: HoldReason.FAILING,
    Standing.MISCONFIGURED: HoldReason.MISCONFIGURED,
}
_HELD_FOR_ALL = (Standing.DOWN, Standing.MISCONFIGURED)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """We were stopped during the attempt: nobody knows. Counts as not sent."""


@dataclass(frozen=True, slots=True)
class NotAttempted:
    """It was claimed and goes back as it was."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """It was claimed too late to be sent at all."""


@dataclass(frozen=True, slots=True)
class PageOver:
    """Nobody is to be paged of it any more."""

    reason: Reason


Result = Outcome | Interrupted | NotAttempted | TooLate | PageOver


@dataclass(frozen=True, slots=True)
class RowUpdate:
    """`status` is the row's next; `outcome` the attempt's, None if there was none."""

    status: AlertDeliveryStatus
    outcome: AttemptOutcome | None
    delay: float | None = None
    code: str | None = None
    message: str | None = None
    http_status: int | None = None
    progress: Progress | None = None
    confirmed: bool | None = None
    reason: Reason | None = None


def decide(claimed: Claimed, result: Result, *, elapsed: float, dice: float) -> RowUpdate:
    """The next status of the row, and what goes on record, for one result.

    Args:
        elapsed: seconds since the claim.
        dice: uniform in [0, 1), for the jitter.
    """
    match result:
        case Sent():
            return RowUpdate(
                AlertDeliveryStatus.SENT,
                AttemptOutcome.SENT,
                code=_code(result.code),
                message=clean(result.message),
                http_status=_status(result.http_status),
                progress=result.progress,
                confirmed=result.confirmed,
            )
        case Retry():
            return _retry(claimed, result, elapsed=elapsed, dice=dice)
        case Failed():
            return RowUpdate(
                AlertDeliveryStatus.FAILED,
                AttemptOutcome.FAILED,
                code=_code(result.code),
                message=clean(result.message),
                http_status=_status(result.http_status),
                progress=result.progress,
            )
        case Interrupted():
            return RowUpdate(
                AlertDeliveryStatus.QUEUED,
                AttemptOutcome.UNKNOWN,
                delay=0.0,
                code="interrupted",
                message="the dispatcher was stopped during this attempt; it may have arrived, "
                "and counts as not sent",
            )
        case NotAttempted():
            return RowUpdate(AlertDeliveryStatus.QUEUED, None)
        case PageOver():
            return RowUpdate(AlertDeliveryStatus.CANCELED, None, reason=result.reason)
        case TooLate():
            return RowUpdate(
                AlertDeliveryStatus.FAILED,
                None,
                code="expired",
                message="given up: it waited for too long before it could be sent",
            )


def _retry(claimed: Claimed, retry: Retry, *, elapsed: float, dice: float) -> RowUpdate:
    wait = delay(
        _schedule(claimed, retry),
        claimed.attempt_count,
        dice=dice,
        retry_after=retry.retry_after,
        seconds_left=claimed.seconds_left - elapsed,
    )
    words = clean(retry.message)
    if wait is None:
        words = f"{(words or '').rstrip('.')}; given up after {_times(claimed.attempt_count)}"
    return RowUpdate(
        AlertDeliveryStatus.FAILED if wait is None else AlertDeliveryStatus.QUEUED,
        AttemptOutcome.RETRY,
        delay=wait,
        code=_code(retry.code),
        message=words,
        http_status=_status(retry.http_status),
        progress=retry.progress,
    )


def _schedule(claimed: Claimed, retry: Retry) -> Schedule:
    if claimed.event_type == EventType.TEST:
        # Somebody waits for it, and no second attempt within its minute would go better.
        return ONCE if retry.standing is Standing.MISCONFIGURED else TESTS
    # Where the destination is held for all, that paces the attempts: what stands in front must be
    # there to be the probe.
    return HELD if retry.standing in _HELD_FOR_ALL else ALERTS


def reached_by(results: Iterable[tuple[Claimed, Result]]) -> set[UUID]:
    """Destinations that took something of a group of attempts."""
    return {claimed.alert_destination_id for claimed, result in results if _has_worked(result)}


def _has_worked(result: Result) -> bool:
    return isinstance(result, Sent) or (
        isinstance(result, Retry) and result.standing is Standing.WORKING
    )


def failures_of(results: Iterable[tuple[Claimed, Result]]) -> list[DestinationFailures]:
    """What a group of attempts says against each destination; nothing where one got through."""
    results = list(results)
    reached = reached_by(results)
    failures: dict[UUID, DestinationFailures] = {}
    for claimed, result in results:
        destination = claimed.alert_destination_id
        standing = _standing(result)
        throttled = standing is Standing.THROTTLED
        if standing in (Standing.WORKING, Standing.UNKNOWN):
            continue
        if destination in reached and not throttled:
            continue
        if claimed.event_type == EventType.TEST and not throttled:
            # A test is somebody trying; it neither holds real alerts nor alarms the fallback.
            continue
        failure = failures.setdefault(
            destination,
            DestinationFailures(destination=destination, failures=0),
        )
        failure.failures += 1
        failure.answered |= standing is Standing.ANSWERING
        if (hold := _HOLDS.get(standing)) and failure.hold is not HoldReason.THROTTLED:
            failure.hold = hold
        if throttled and isinstance(result, Retry) and result.retry_after is not None:
            failure.throttle = max(failure.throttle or 0.0, bounded(result.retry_after))
    return list(failures.values())


def _standing(result: Result) -> Standing:
    match result:
        case Sent():
            return Standing.WORKING
        case Retry():
            return result.standing
        case Failed():
            return Standing.ANSWERING
        case _:
            return Standing.UNKNOWN


def clean(text: str | None) -> str | None:
    """Fit for a column of text and a page: no control characters, no lone surrogates, not long."""
    if text is None:
        return None
    text = text.encode("utf-8", "replace").decode()
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"


def _code(code: str | None) -> str | None:
    cleaned = clean(code)
    return None if cleaned is None else cleaned[:CODE_LIMIT]


def _status(status: int | None) -> int | None:
    """A column of two bytes; a server may answer any number."""
    return status if status is not None and 0 <= status <= 32_767 else None


def _times(count: int) -> str:
    return "one attempt" if count == 1 else f"{count} attempts"
