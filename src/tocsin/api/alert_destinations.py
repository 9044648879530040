"""Alert destinations: where messages go, whether they would arrive, and test messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.access.api_keys import Principal
from tocsin.api.alert_deliveries import AlertDeliveryOut
from tocsin.api.auth import Admin, Responder, Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery
from tocsin.api.trials import queued
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import utc_now
from tocsin.resources import destinations, recording
from tocsin.resources.destination_trials import last_tests, plan_trial
from tocsin.resources.destinations import (
    AlertDestinationCreated,
    AlertDestinationIn,
    AlertDestinationOut,
    AlertDestinationPatch,
    DestinationType,
    LastTestOut,
    shown_columns,
)
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_deliveries import read_delivery
from tocsin.store.queries.destinations import page_of_destinations
from tocsin.store.tables import AlertDestination

router = APIRouter(prefix="/alert-destinations", tags=["alert-destinations"], route_class=JsonRoute)


class AlertDestinationQuery(PageQuery):
    type: DestinationType | None = None
    is_enabled: bool | None = None


async def _shown(
    session: DatabaseSession, caller: Principal, rows: Sequence[AlertDestination]
) -> list[AlertDestinationOut]:
    ids = [row.id for row in rows]
    tests = await last_tests(session, caller.workspace_id, ids)
    return [
        AlertDestinationOut(
            **shown_columns(row), last_test=LastTestOut.model_validate(tests[row.id])
        )
        for row in rows
    ]


def _policy(context: ApiContext) -> AddressPolicy:
    return AddressPolicy.of(context.settings.outbound_allow)


@router.get("")
async def list_alert_destinations(
    context: Context, caller: Viewer, query: Annotated[AlertDestinationQuery, Query()]
) -> Page[AlertDestinationOut]:
    async with context.reading() as session:
        page = await page_of_destinations(
            session,
            caller.workspace_id,
            query.request(),
            type=query.type,
            is_enabled=query.is_enabled,
        )
        items = await _shown(session, caller, page.rows)
    return Page(items=items, next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_alert_destination(
    context: Context, caller: Admin, body: AlertDestinationIn
) -> AlertDestinationCreated:
    """Its config is checked on entry, field by field. Nothing is sent to it before a test or an alert
    is."""
    now = utc_now()
    new = destinations.make(context.vault, _policy(context), caller, body, now)
    async with context.configuring() as session:
        await destinations.create(session, caller, new, now)
        (shown,) = await _shown(session, caller, [new.row])
    return AlertDestinationCreated(**shown.model_dump(), signing_secret=new.signing_secret)


@router.get("/{alert_destination_id:uuid}")
async def get_alert_destination(
    context: Context, caller: Viewer, alert_destination_id: Id
) -> AlertDestinationOut:
    async with context.reading() as session:
        row = await owned(session, AlertDestination, caller, alert_destination_id)
        (shown,) = await _shown(session, caller, [row])
    return shown


@router.patch("/{alert_destination_id:uuid}", responses=problems("name-taken"))
async def update_alert_destination(
    context: Context, caller: Admin, alert_destination_id: Id, body: AlertDestinationPatch
) -> AlertDestinationOut:
    async with context.configuring() as session:
        row = await destinations.update(
            session,
            context.vault,
            _policy(context),
            caller,
            alert_destination_id,
            body,
            utc_now(),
        )
        (shown,) = await _shown(session, caller, [row])
    return shown


@router.delete("/{alert_destination_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_alert_destination(
    context: Context, caller: Admin, alert_destination_id: Id
) -> Response:
    """Deletes one that no rule names. What still waits for it is canceled."""
    async with context.configuring() as session:
        await destinations.delete(session, caller, alert_destination_id, utc_now())
    return Response(status_code=204)


@router.post(
    "/{alert_destination_id:uuid}/test",
    name="test_alert_destination",
    status_code=202,
    responses=problems("destination-disabled", "test-rate-limited"),
)
async def try_alert_destination(
    context: Context, caller: Responder, alert_destination_id: Id
) -> AlertDeliveryOut:
    """Sends a test message the way a real alert is sent: three attempts at most, within a
    minute. The destination's `last_test` says what became of it."""
    async with context.writing() as session:
        await owned(session, AlertDestination, caller, alert_destination_id)
        trial = queued(
            await plan_trial(session, caller.workspace_id, alert_destination_id),
            "alert destination",
        )
        recording.record(
            session,
            caller,
            "tested",
            "alert_destination",
            alert_destination_id,
            utc_now(),
            after={"alert_delivery_id": str(trial.alert_delivery_id)},
        )
        row = await read_delivery(session, trial.alert_delivery_id)
        return AlertDeliveryOut.model_validate(row)
