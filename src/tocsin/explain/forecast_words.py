"""A forecast with names, and what of it somebody should know, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from tocsin.alerts.on_call_book import last_resort
from tocsin.explain.escalation_forecast import Ahead
from tocsin.model import SkipReason, TargetKind
from tocsin.oncall.forecast import Forecast
from tocsin.oncall.policy import Skipped
from tocsin.oncall.policy_shapes import PolicyTarget


def target_name(ahead: Ahead, target: PolicyTarget) -> str:
    match target.type:
        case TargetKind.USER:
            return ahead.book.name(target.id)
        case TargetKind.DESTINATION:
            return destination_name(ahead, target.id)
        case TargetKind.SCHEDULE:
            found = ahead.schedules.get(target.id)
            return "a schedule since deleted" if found is None else found.name


def destination_name(ahead: Ahead, id: UUID) -> str:
    found = ahead.table.destinations.get(id)
    return "a destination since deleted" if found is None else found.name


def skip_words(ahead: Ahead, skip: Skipped) -> str:
    """Why somebody is not notified."""
    if skip.reason is SkipReason.CONDITION or skip.target is None:
        return skip.words or skip.reason.value
    name = target_name(ahead, skip.target)
    if skip.reason is SkipReason.NOBODY_ON_CALL:
        return f"nobody is on call in {name}"
    if skip.user_id is not None:
        return f"{ahead.book.name(skip.user_id)} has no contact method that can be used"
    return f"{name} takes no messages"


def warnings(ahead: Ahead, forecast: Forecast) -> Iterator[str]:
    """What may leave somebody asleep who should not be."""
    resort = last_resort(ahead.policy, ahead.table)
    if forecast.reaches_nobody:
        last = "nobody at all is" if resort is None else f"only {resort.name} is"
        yield f"It reaches nobody: {last} notified."
    elif resort is None:
        yield (
            "If nobody answers, nobody else is notified: neither the policy nor the workspace has a "
            "destination for that."
        )
    for step in forecast.steps:
        if step.taken.is_passed and step.taken.loop == 0:
            why = _sentence(skip_words(ahead, skip) for skip in step.taken.skipped)
            yield f"Step {step.taken.step + 1} is passed: {why}."


def _sentence(parts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(parts))
