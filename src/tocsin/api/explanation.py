"""Why was I (not) notified: what is on record about one alert, as a story."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from tocsin.api.alerts import InhibitionStandingOut
from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.explain.load import MOST_REPEATS, load
from tocsin.explain.story import explain
from tocsin.model import EventType, utc_now
from tocsin.resources.fields import Id, JsonObject, Output, Time
from tocsin.resources.owned import owned
from tocsin.store.queries.configuration_version import configuration_version
from tocsin.store.queries.inhibition_standings import inhibition_standing
from tocsin.store.tables import Alert
from tocsin.turns import at_once_aside

router = APIRouter(prefix="/alerts", tags=["alerts"], route_class=JsonRoute)


class MessageWordsOut(Output):
    event_type: EventType
    words: str


class AnswerOut(Output):
    destination_id: Annotated[Id | None, Field(description="Null: nobody was to be notified")]
    destination_name: str | None
    was_notified: bool
    words: str
    messages: Annotated[
        list[MessageWordsOut],
        Field(description="What became of each message to it, in the order in which they were due"),
    ]


class StepOut(Output):
    at: Time
    cause: Literal["webhook_delivery", "action"]
    webhook_delivery: JsonObject | None
    words: str
    changes: Annotated[
        list[JsonObject],
        Field(
            description="What it did to the alert, each with every rule's verdict and the alert "
            "deliveries made because of it, each of these with its attempts"
        ),
    ]


class ExplanationOut(Output):
    alert: JsonObject
    inhibition: InhibitionStandingOut
    answers: Annotated[list[AnswerOut], Field(description="Per destination, in plain words")]
    steps: Annotated[list[StepOut], Field(description="What came in, in order of time")]
    repeats_left_out: Annotated[
        int, Field(description=f"Of many repetitions the newest {MOST_REPEATS} are shown")
    ]


@router.get("/{alert_id:uuid}/explain")
async def explain_alert(context: Context, caller: Viewer, alert_id: Id) -> ExplanationOut:
    """From webhook delivery to alert, each rule's verdict with the matcher that decided, each
    alert delivery and attempt."""
    async with context.reading() as session:
        alert = await owned(session, Alert, caller, alert_id)
        record, left_out = await load(session, alert)
        standing = await inhibition_standing(session, alert_id)
        version = await configuration_version(session)
    directory = await context.senders.feed.refresh(version)
    story = await at_once_aside(explain, record, directory.routing[caller.workspace_id], utc_now())
    inhibition = InhibitionStandingOut.model_validate(standing)
    return ExplanationOut(**story, inhibition=inhibition, repeats_left_out=left_out)
