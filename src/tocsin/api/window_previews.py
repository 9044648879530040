"""What a maintenance window holds: when, of what is open now, and of the alerts of the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.auth import Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.previews import (
    MOST_SHOWN,
    AlertsPreview,
    Days,
    PreviewedAlert,
    past_of,
    shown_alert,
)
from tocsin.explain.preview import MOST_CONSIDERED, over_soon, try_cover
from tocsin.model import utc_now
from tocsin.resources import maintenance_windows
from tocsin.resources.fields import Id, Name, Output, example
from tocsin.resources.maintenance_windows import (
    MaintenanceWindowIn,
    Minutes,
    OccurrenceOut,
    routed,
    shown_occurrence,
)
from tocsin.resources.owned import owned
from tocsin.routing.maintenance import MaintenanceWindow
from tocsin.routing.recurrence import Occurrence
from tocsin.store.queries.alerts import PastAlert, live_alerts
from tocsin.store.tables import StoredWindow

router = APIRouter(
    prefix="/maintenance-windows", tags=["maintenance-windows"], route_class=JsonRoute
)

_OCCURRENCES = 5


class WindowPreviewIn(MaintenanceWindowIn):
    name: Name = "preview"
    duration_minutes: Minutes = 60
    days: Days = 7

    model_config = example(
        {
            "matchers": [{"label": "host", "op": "=~", "value": "db-.*"}],
            "timezone": "Europe/Berlin",
            "starts_at": "2036-01-01T02:00:00",
            "duration_minutes": 120,
            "rrule": "FREQ=WEEKLY;BYDAY=TU",
        }
    )


class DaysQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    days: Annotated[int, Field(ge=1, le=90, description="How many days to look back")] = 7


class LivePreview(Output):
    matched: Annotated[int, Field(description=f"Of the newest {MOST_CONSIDERED} at most")]
    is_complete: bool
    items: Annotated[
        list[PreviewedAlert], Field(description=f"Those that match, the newest {MOST_SHOWN}")
    ]


class WindowPreview(AlertsPreview):
    within: Annotated[
        int, Field(description="How many of those that match came while an occurrence lasted")
    ]
    timezone: str
    occurrences: Annotated[
        list[OccurrenceOut],
        Field(description=f"The one that lasts now and those to come, {_OCCURRENCES} in all"),
    ]
    live: Annotated[
        LivePreview, Field(description="Open or acknowledged alerts that it matches now")
    ]


@router.post("/preview", responses=problems("preview-rate-limited"))
async def preview_maintenance_window(
    context: Context, caller: Viewer, body: WindowPreviewIn
) -> WindowPreview:
    """When a window like this one would hold what. Nothing is made."""
    row = maintenance_windows.make(caller, body, utc_now())
    return await _preview(context, caller, row, body.days)


@router.get("/{maintenance_window_id:uuid}/preview", responses=problems("preview-rate-limited"))
async def preview_existing_maintenance_window(
    context: Context,
    caller: Viewer,
    maintenance_window_id: Id,
    query: Annotated[DaysQuery, Query()],
) -> WindowPreview:
    """When this window holds what, and what it would have held."""
    async with context.reading() as session:
        row = await owned(session, StoredWindow, caller, maintenance_window_id)
    return await _preview(context, caller, row, query.days)


async def _preview(
    context: ApiContext, caller: Viewer, row: StoredWindow, days: int
) -> WindowPreview:
    now, window = utc_now(), routed(row)
    with context.previews.turn(caller.key_id):
        past = await past_of(context, caller, days)
        async with context.reading() as session:
            live = await live_alerts(session, caller.workspace_id, MOST_CONSIDERED + 1)
        held = await try_cover(window, past.alerts)
        held_now = await try_cover(window, live[:MOST_CONSIDERED])
    return WindowPreview(
        since=past.since,
        considered=held.considered,
        is_complete=past.are_all and held.considered == len(past.alerts),
        matched=len(held.held),
        over_soon=over_soon(held.held),
        items=[shown_alert(alert) for alert in held.held[:MOST_SHOWN]],
        within=_within(window, held.held, past.since, now),
        timezone=row.timezone,
        occurrences=[
            shown_occurrence(each, row.timezone) for each in window.next(now, _OCCURRENCES)
        ],
        live=LivePreview(
            matched=len(held_now.held),
            is_complete=held_now.considered == len(live),
            items=[shown_alert(alert) for alert in held_now.held[:MOST_SHOWN]],
        ),
    )


def _within(
    window: MaintenanceWindow, alerts: Sequence[PastAlert], since: datetime, now: datetime
) -> int:
    lasted = [
        Occurrence(each, each + window.recurrence.length)
        for each in window.recurrence.starts(since - window.recurrence.length, now)
    ]
    return sum(
        any(each.starts_at <= alert.triggered_at < each.ends_at for each in lasted)
        for alert in alerts
    )
