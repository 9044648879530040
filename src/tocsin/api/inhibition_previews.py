"""What an inhibition rule would have held back of the alerts of the last days."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.previews import MOST_SHOWN, AlertsPreview, Days, past_of, shown_alert
from tocsin.explain.inhibition_preview import try_inhibition
from tocsin.explain.preview import over_soon
from tocsin.model import utc_now
from tocsin.resources import inhibition_rules
from tocsin.resources.fields import Name, example
from tocsin.resources.inhibition_rules import InhibitionRuleIn, routed

router = APIRouter(prefix="/inhibition-rules", tags=["inhibition-rules"], route_class=JsonRoute)


class InhibitionPreviewIn(InhibitionRuleIn):
    name: Name = "preview"
    days: Days = 7

    model_config = example(
        {
            "source_matchers": [{"label": "check", "op": "=", "value": "host"}],
            "target_matchers": [{"label": "check", "op": "=~", "value": "disk|cpu|http"}],
            "equal": ["host"],
        }
    )


class InhibitionPreview(AlertsPreview):
    sources: Annotated[
        int, Field(description="How many of those considered would have held others")
    ]


@router.post("/preview", responses=problems("preview-rate-limited"))
async def preview_inhibition_rule(
    context: Context, caller: Viewer, body: InhibitionPreviewIn
) -> InhibitionPreview:
    """Which past alerts a rule would have held back, because a source was live when they came, or came
    within the delay. Nothing is made."""
    now = utc_now()
    rule = routed(inhibition_rules.make(caller, body, now))
    with context.previews.turn(caller.key_id):
        past = await past_of(context, caller, body.days)
        outcome = await try_inhibition(rule, past.alerts, now)
    return InhibitionPreview(
        since=past.since,
        considered=outcome.considered,
        is_complete=past.are_all and outcome.considered == len(past.alerts),
        matched=len(outcome.held),
        over_soon=over_soon(outcome.held),
        items=[shown_alert(alert) for alert in outcome.held[:MOST_SHOWN]],
        sources=outcome.sources,
    )
