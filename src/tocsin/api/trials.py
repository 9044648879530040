"""What a trial of a destination is answered with, where none is made."""

from __future__ import annotations

from tocsin.api.problem_answers import ApiProblem, not_found
from tocsin.resources.destination_trials import (
    INTERVAL_SECONDS,
    DestinationDisabled,
    DestinationNotFound,
    TrialOutcome,
    TrialQueued,
    TrialRateLimited,
)


def queued(outcome: TrialOutcome, kind: str) -> TrialQueued:
    """The trial that was made, of a thing of this kind.

    Raises:
        ApiProblem: none was.
    """
    match outcome:
        case DestinationNotFound():
            raise not_found(kind)
        case DestinationDisabled():
            raise ApiProblem("destination-disabled", f"The {kind} is switched off.")
        case TrialRateLimited(retry_after=seconds):
            raise ApiProblem(
                "test-rate-limited",
                f"One test in {INTERVAL_SECONDS} seconds; try again in {seconds}.",
                headers={"Retry-After": str(seconds)},
            )
        case TrialQueued():
            return outcome
