"""Who would be woken when: the forecast of an escalation policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tocsin.alerts.on_call_book import OnCallBook, last_resort
from tocsin.api.auth import Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.explain import forecast_words as words
from tocsin.explain.escalation_forecast import Ahead, foresee, longest, look_ahead
from tocsin.model import Severity, TargetKind, utc_now
from tocsin.oncall.forecast import ForecastStep
from tocsin.oncall.policy import Reached, Skipped
from tocsin.oncall.policy_shapes import PolicyTarget
from tocsin.resources.escalation_policies import routed
from tocsin.resources.fields import NO_NUL, Id, Output, Time
from tocsin.resources.owned import owned
from tocsin.store.tables import StoredPolicy

router = APIRouter(
    prefix="/escalation-policies", tags=["escalation-policies"], route_class=JsonRoute
)

_MOST_LABELS = 50
_AN_INSTANT = timedelta(seconds=1)


def _labels(texts: list[str]) -> list[str]:
    if any(not text.partition("=")[1] or not text.partition("=")[0] for text in texts):
        raise ValueError("must read NAME=VALUE")
    return texts


class ForecastQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    severity: Severity = Severity.CRITICAL
    labels: Annotated[
        list[Annotated[str, Field(max_length=2_000, pattern=NO_NUL)]],
        Field(
            default_factory=list,
            max_length=_MOST_LABELS,
            description="`NAME=VALUE`, once for each label of the alert",
        ),
        AfterValidator(_labels),
    ]
    at: Annotated[
        Time | None, Field(default=None, description="When the alert opens; left out: now")
    ]


class NamedOut(Output):
    id: Id
    name: str


class ForecastTarget(NamedOut):
    type: TargetKind


class ForecastPage(Output):
    at: Time
    delay_seconds: Annotated[int, Field(description="Since the step began")]
    alert_destination_id: Id
    type: Annotated[str | None, Field(description="The kind of channel")]
    name: str


class ForecastRecipient(Output):
    target: ForecastTarget
    user: Annotated[NamedOut | None, Field(description="null: a destination is notified")]
    cause: Annotated[str | None, Field(description="Why that person is on call then")]
    pages: Annotated[
        list[ForecastPage],
        Field(description="None: an earlier step has paged them, and what that began goes on"),
    ]


class ForecastSkip(Output):
    reason: str
    target: ForecastTarget | None
    user: NamedOut | None
    words: str


class ForecastStepOut(Output):
    loop: Annotated[int, Field(description="How often all steps have been taken before")]
    step: Annotated[int, Field(description="From 0")]
    at: Time
    until: Annotated[Time | None, Field(description="When the next begins; null: at once")]
    recipients: list[ForecastRecipient]
    skipped: list[ForecastSkip]


class EscalationForecast(Output):
    policy: NamedOut
    version: int
    at: Time
    severity: Severity
    labels: dict[str, str]
    timezone: Annotated[str, Field(description="Of the first schedule it names, else UTC")]
    steps: list[ForecastStepOut]
    reaches_nobody: bool
    exhausted_at: Annotated[Time, Field(description="When `last_resort` is notified")]
    last_resort: NamedOut | None
    ack_timeout_minutes: Annotated[
        int | None, Field(description="After so long an acknowledgement expires; null: never")
    ]
    warnings: list[str]


async def ahead_of(
    context: ApiContext, caller: Viewer, policy_id: Id, since: Time, span: timedelta
) -> Ahead:
    """All that decides about this policy, for as long as it runs, or for `span` if that is longer."""
    directory = await context.senders.feed.look()
    async with context.reading() as session:
        policy = routed(await owned(session, StoredPolicy, caller, policy_id))
        book = directory.on_call.get(caller.workspace_id, OnCallBook())
        table = directory.routing[caller.workspace_id]
        until = since + max(longest(policy), span)
        return await look_ahead(session, policy, book, table, since, until)


@router.get("/{escalation_policy_id:uuid}/preview", responses=problems("preview-rate-limited"))
async def preview_escalation_policy(
    context: Context,
    caller: Viewer,
    escalation_policy_id: Id,
    query: Annotated[ForecastQuery, Query()],
) -> EscalationForecast:
    """Names and clock times of what would happen if such an alert opened then, nothing held it and
    nobody answered: with the schedules, people and contact methods that there are now."""
    at = query.at or utc_now()
    labels = dict(text.partition("=")[::2] for text in query.labels)
    ahead = await ahead_of(context, caller, escalation_policy_id, at, _AN_INSTANT)
    with context.previews.turn(caller.key_id):
        forecast = await foresee(ahead, query.severity, labels, at)
    resort = last_resort(ahead.policy, ahead.table)
    expires = ahead.policy.ack_timeout(query.severity)
    return EscalationForecast(
        policy=NamedOut(id=ahead.policy.id, name=ahead.policy.name),
        version=ahead.policy.version,
        at=at,
        severity=query.severity,
        labels=labels,
        timezone=ahead.timezone,
        steps=[_step(ahead, step) for step in forecast.steps],
        reaches_nobody=forecast.reaches_nobody,
        exhausted_at=forecast.exhausted_at,
        last_resort=None if resort is None else NamedOut(id=resort.id, name=resort.name),
        ack_timeout_minutes=None if expires is None else expires // timedelta(minutes=1),
        warnings=[*words.warnings(ahead, forecast)],
    )


def _step(ahead: Ahead, step: ForecastStep) -> ForecastStepOut:
    return ForecastStepOut(
        loop=step.taken.loop,
        step=step.taken.step,
        at=step.at,
        until=step.until,
        recipients=[_recipient(ahead, step, each) for each in step.taken.reached],
        skipped=[_skip(ahead, each) for each in step.taken.skipped],
    )


def _recipient(ahead: Ahead, step: ForecastStep, reached: Reached) -> ForecastRecipient:
    return ForecastRecipient(
        target=shown_target(ahead, reached.target),
        user=_user(ahead, reached.user_id),
        cause=reached.cause or None,
        pages=[
            ForecastPage(
                at=step.at + page.delay,
                delay_seconds=int(page.delay.total_seconds()),
                alert_destination_id=page.destination_id,
                type=ahead.channel(page.destination_id),
                name=words.destination_name(ahead, page.destination_id),
            )
            for page in reached.pages
        ],
    )


def _skip(ahead: Ahead, skip: Skipped) -> ForecastSkip:
    return ForecastSkip(
        reason=skip.reason.value,
        target=None if skip.target is None else shown_target(ahead, skip.target),
        user=_user(ahead, skip.user_id),
        words=words.skip_words(ahead, skip),
    )


def shown_target(ahead: Ahead, target: PolicyTarget) -> ForecastTarget:
    return ForecastTarget(type=target.type, id=target.id, name=words.target_name(ahead, target))


def _user(ahead: Ahead, user_id: Id | None) -> NamedOut | None:
    if user_id is None:
        return None
    return NamedOut(id=user_id, name=ahead.book.name(user_id))
