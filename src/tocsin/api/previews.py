"""What a rule or a silence would have done to the alerts of the last days."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tocsin.api.auth import Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.explain.preview import (
    MOST_CONSIDERED,
    SOON,
    PastAlerts,
    count_groups,
    draft_rule,
    draft_silence,
    over_soon,
    past_alerts,
    try_cover,
    try_rule,
)
from tocsin.model import AlertStatus, Severity, utc_now
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import Id, Input, JsonObject, Output, Time, Whole, example
from tocsin.resources.rules import GroupBy, Matchers, TenantIds, Unless
from tocsin.routing.rules import Rule, Silence
from tocsin.store.queries.alerts import PastAlert

router = APIRouter(route_class=JsonRoute)

MOST_SHOWN = 200
_MOST_MISSES = 50

Days = Annotated[
    int, Field(strict=True, ge=1, le=90, description="How many days to look back"), Whole
]


class RulePreviewIn(Input):
    min_severity: Severity | None = None
    tenant_ids: TenantIds | None = None
    matchers: Annotated[Matchers, Field(default_factory=list)]
    unless: Annotated[Unless, Field(default_factory=list)]
    group_by: GroupBy | None = None
    days: Days = 7

    model_config = example(
        {"min_severity": "HIGH", "matchers": [{"label": "service", "op": "=", "value": "db"}]}
    )


class SilencePreviewIn(Input):
    matchers: Annotated[Matchers, Field(min_length=1)]
    days: Days = 7

    model_config = example({"matchers": [{"label": "service", "op": "=", "value": "db"}]})


class PreviewedAlert(Output):
    alert_id: Id
    title: str
    severity: Severity
    status: AlertStatus
    source: str
    tenant_id: Id
    triggered_at: Time


class MissedAlert(PreviewedAlert):
    code: str
    words: Annotated[str, Field(description="What spoke against it, for people")]
    matcher: Annotated[JsonObject | None, Field(description="The matcher that decided")]


class AlertsPreview(Output):
    since: Time
    considered: Annotated[int, Field(description=f"The newest {MOST_CONSIDERED} at most")]
    is_complete: Annotated[
        bool,
        Field(
            description="False: older alerts of these days were not considered, because they are "
            "too many, or because it costs too much to ask these matchers about all of them"
        ),
    ]
    matched: int
    over_soon: Annotated[
        int,
        Field(description=f"Of those, how many were over within {SOON.seconds // 60} minutes"),
    ]
    items: Annotated[
        list[PreviewedAlert], Field(description=f"Those that match, the newest {MOST_SHOWN}")
    ]


class RulePreview(AlertsPreview):
    groups: Annotated[
        int | None,
        Field(description="How many groups `group_by` makes of those that match; null without it"),
    ]
    refusals: Annotated[
        dict[str, int],
        Field(description="How many were refused: by severity, tenant, matcher, unless"),
    ]
    misses: Annotated[
        list[MissedAlert], Field(description=f"The newest {_MOST_MISSES} that do not match")
    ]


def shown_alert(alert: PastAlert) -> PreviewedAlert:
    return PreviewedAlert(
        alert_id=alert.id,
        title=alert.title,
        severity=alert.severity,
        status=alert.status,
        source=alert.source,
        tenant_id=alert.tenant_id,
        triggered_at=alert.triggered_at,
    )


async def past_of(context: ApiContext, caller: Viewer, days: int) -> PastAlerts:
    since = utc_now() - timedelta(days=days)
    async with context.reading() as session:
        return await past_alerts(session, caller.workspace_id, since)


@router.post(
    "/alert-rules/preview", tags=["alert-rules"], responses=problems("preview-rate-limited")
)
async def preview_alert_rule(context: Context, caller: Viewer, body: RulePreviewIn) -> RulePreview:
    """Which past alerts a rule would have notified of, and what spoke against the others. Nothing is
    sent; event types, cooldown and quiet hours do not count here."""
    documents = [matcher.model_dump() for matcher in body.matchers]
    unless = [[matcher.model_dump() for matcher in each] for each in body.unless]
    rule = draft_rule(documents, body.min_severity, body.tenant_ids, unless)
    if not isinstance(rule, Rule):
        raise InvalidRequest(rule)
    with context.previews.turn(caller.key_id):
        past = await past_of(context, caller, body.days)
        outcome = await try_rule(rule, past)
    return RulePreview(
        since=past.since,
        considered=outcome.considered,
        is_complete=past.are_all and outcome.considered == len(past.alerts),
        matched=len(outcome.matched),
        groups=None if body.group_by is None else count_groups(outcome.matched, body.group_by),
        over_soon=over_soon(outcome.matched),
        items=[shown_alert(alert) for alert in outcome.matched[:MOST_SHOWN]],
        refusals={code.value: count for code, count in outcome.refusals.items()},
        misses=[
            MissedAlert(
                **shown_alert(preview.alert).model_dump(),
                code=preview.code.value,
                words=preview.words,
                matcher=None if preview.matcher is None else preview.matcher.document(),
            )
            for preview in outcome.misses[:_MOST_MISSES]
        ],
    )


@router.post("/silences/preview", tags=["silences"], responses=problems("preview-rate-limited"))
async def preview_silence(
    context: Context, caller: Viewer, body: SilencePreviewIn
) -> AlertsPreview:
    """Which past alerts a silence with these matchers would have muted."""
    documents = [matcher.model_dump() for matcher in body.matchers]
    silence = draft_silence(documents, utc_now())
    if not isinstance(silence, Silence):
        raise InvalidRequest(silence)
    with context.previews.turn(caller.key_id):
        past = await past_of(context, caller, body.days)
        outcome = await try_cover(silence, past.alerts)
    return AlertsPreview(
        since=past.since,
        considered=outcome.considered,
        is_complete=past.are_all and outcome.considered == len(past.alerts),
        matched=len(outcome.held),
        over_soon=over_soon(outcome.held),
        items=[shown_alert(alert) for alert in outcome.held[:MOST_SHOWN]],
    )
