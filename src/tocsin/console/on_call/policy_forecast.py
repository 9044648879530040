"""Who would be woken when, as the pages of a policy show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.alerts.on_call_book import OnCallBook, last_resort
from tocsin.console.getting_in.door import Call
from tocsin.explain import forecast_words
from tocsin.explain.escalation_forecast import Ahead, foresee, longest, look_ahead
from tocsin.model import Severity
from tocsin.oncall.forecast import ForecastStep
from tocsin.oncall.policy_shapes import Policy
from tocsin.store.database import DatabaseSession


@dataclass(frozen=True, slots=True)
class Waking:
    """One person, or one destination, in one step."""

    name: str
    is_person: bool
    cause: str
    pages: tuple[tuple[datetime, str], ...]
    """When and by what; none: an earlier step pages them already."""


@dataclass(frozen=True, slots=True)
class StepLine:
    number: int
    loop: int
    at: datetime
    wakings: tuple[Waking, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForecastShown:
    ahead: Ahead
    lines: Sequence[StepLine]
    warnings: Sequence[str]
    exhausted_at: datetime
    resort: str | None


async def forecast_of(
    call: Call,
    session: DatabaseSession,
    policy: Policy,
    severity: Severity,
    reach: timedelta = timedelta(seconds=1),
) -> ForecastShown:
    """If such an alert opened now. Schedules are known for as long as `reach` at least."""
    workspace_id = call.visitor.workspace_id
    directory = await call.context.senders.feed.look()
    book = directory.on_call.get(workspace_id, OnCallBook())
    until = call.now + max(longest(policy), reach)
    table = directory.routing[workspace_id]
    ahead = await look_ahead(session, policy, book, table, call.now, until)
    forecast = await foresee(ahead, severity, {}, call.now)
    resort = last_resort(policy, ahead.table)
    return ForecastShown(
        ahead,
        [_line(ahead, step) for step in forecast.steps],
        [*forecast_words.warnings(ahead, forecast)],
        forecast.exhausted_at,
        None if resort is None else resort.name,
    )


def _line(ahead: Ahead, step: ForecastStep) -> StepLine:
    return StepLine(
        number=step.taken.step + 1,
        loop=step.taken.loop,
        at=step.at,
        wakings=tuple(
            Waking(
                name=forecast_words.target_name(ahead, each.target)
                if each.user_id is None
                else ahead.book.name(each.user_id),
                is_person=each.user_id is not None,
                cause=each.cause or "",
                pages=tuple(
                    (
                        step.at + page.delay,
                        ahead.channel(page.destination_id) or "message",
                    )
                    for page in each.pages
                ),
            )
            for each in step.taken.reached
        ),
        skipped=tuple(forecast_words.skip_words(ahead, each) for each in step.taken.skipped),
    )
