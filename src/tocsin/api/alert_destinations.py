"""Alert destinations: where messages go, whether they would arrive, and test messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.access.vault import VaultError
from tocsin.api.alert_deliveries import AlertDeliveryOut
from tocsin.api.auth import Admin, Responder, Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import ApiProblem, not_found
from tocsin.delivery.channels.base import ChannelConfig
from tocsin.delivery.channels.registry import made_secret
from tocsin.delivery.last_test import last_tests
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import utc_now, uuid7
from tocsin.resources import recording
from tocsin.resources.destination_tests import (
    INTERVAL_SECONDS,
    DestinationDisabled,
    DestinationNotFound,
    TestRateLimited,
    create_test,
)
from tocsin.resources.destinations import (
    AlertDestinationCreated,
    AlertDestinationIn,
    AlertDestinationOut,
    AlertDestinationPatch,
    DestinationType,
    LastTestOut,
    put_config,
    shown_columns,
    stored_config,
    validated,
)
from tocsin.resources.fields import Id
from tocsin.resources.owned import name_taken, owned
from tocsin.store import audit
from tocsin.store.tables import AlertDelivery, AlertDestination, AlertRule, Workspace

router = APIRouter(prefix="/alert-destinations", tags=["alert-destinations"], route_class=JsonRoute)


class AlertDestinationQuery(PageQuery):
    type: DestinationType | None = None
    is_enabled: bool | None = None


async def _shown(
    session: AsyncSession, workspace_id: UUID, rows: Sequence[AlertDestination]
) -> list[AlertDestinationOut]:
    tests = await last_tests(await session.connection(), workspace_id, [row.id for row in rows])
    return [
        AlertDestinationOut(
            **shown_columns(row), last_test=LastTestOut.model_validate(tests[row.id])
        )
        for row in rows
    ]


def _document(row: AlertDestination) -> dict[str, object]:
    """What the audit log keeps: no secret, and nothing of tests."""
    return AlertDestinationOut.model_construct(**shown_columns(row), last_test=None).model_dump(
        mode="json", exclude={"last_test"}
    )


def _policy(context: ApiContext) -> AddressPolicy:
    return AddressPolicy.of(context.settings.outbound_allow)


@router.get("")
async def list_alert_destinations(
    context: Context, caller: Viewer, query: Annotated[AlertDestinationQuery, Query()]
) -> Page[AlertDestinationOut]:
    statement = select(AlertDestination).where(AlertDestination.workspace_id == caller.workspace_id)
    if query.type is not None:
        statement = statement.where(AlertDestination.type == query.type.value)
    if query.is_enabled is not None:
        statement = statement.where(AlertDestination.is_enabled == query.is_enabled)
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session, statement, key=AlertDestination.id, query=query, list_name="alert-destinations"
        )
        items = await _shown(session, caller.workspace_id, rows)
    return Page(items=items, next_cursor=next_cursor)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_alert_destination(
    context: Context, caller: Admin, body: AlertDestinationIn
) -> AlertDestinationCreated:
    """Its config is checked on entry, field by field. It is not sent to before a test or an alert
    is."""
    now = utc_now()
    valid = validated(body.type, body.config, _policy(context))
    row = AlertDestination(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        name=body.name,
        type=body.type.value,
        is_enabled=body.is_enabled,
        created_at=now,
        updated_at=now,
    )
    put_config(row, valid, context.vault)
    try:
        async with context.configuring() as session:
            session.add(row)
            await session.flush()
            recording.record(
                session,
                caller,
                "created",
                "alert_destination",
                row.id,
                now,
                after=_document(row),
            )
            (shown,) = await _shown(session, caller.workspace_id, [row])
    except IntegrityError as error:
        raise name_taken(error, AlertDestination, body.name) from None
    return AlertDestinationCreated(
        **shown.model_dump(), signing_secret=made_secret(valid, body.config)
    )


@router.get("/{alert_destination_id:uuid}")
async def get_alert_destination(
    context: Context, caller: Viewer, alert_destination_id: Id
) -> AlertDestinationOut:
    async with context.reading() as session:
        row = await owned(session, AlertDestination, caller, alert_destination_id)
        (shown,) = await _shown(session, caller.workspace_id, [row])
    return shown


def _readable_config(context: ApiContext, row: AlertDestination) -> ChannelConfig | None:
    """What is stored, for its secrets to be kept; None if it cannot be read, and has to be given
    anew as a whole."""
    try:
        return stored_config(row, context.vault)
    except (VaultError, ValidationError, ValueError):
        return None


@router.patch("/{alert_destination_id:uuid}", responses=problems("name-taken"))
async def update_alert_destination(
    context: Context, caller: Admin, alert_destination_id: Id, body: AlertDestinationPatch
) -> AlertDestinationOut:
    now = utc_now()
    try:
        async with context.configuring() as session:
            row = await owned(session, AlertDestination, caller, alert_destination_id)
            before, sealed = _document(row), row.secret_config
            with session.no_autoflush:
                for name in body.model_fields_set - {"config"}:
                    setattr(row, name, getattr(body, name))
                if "config" in body.model_fields_set:
                    stored = _readable_config(context, row)
                    valid = validated(row.type, body.config, _policy(context), stored)
                    if valid.config != stored:
                        put_config(row, valid, context.vault)
            was, became = audit.changed(before, _document(row))
            if became or row.secret_config != sealed:
                row.updated_at = now
                await session.flush()
                recording.record(
                    session,
                    caller,
                    "updated",
                    "alert_destination",
                    row.id,
                    now,
                    before=was,
                    after=became,
                )
            (shown,) = await _shown(session, caller.workspace_id, [row])
    except IntegrityError as error:
        raise name_taken(error, AlertDestination, body.name) from None
    return shown


@router.delete("/{alert_destination_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_alert_destination(
    context: Context, caller: Admin, alert_destination_id: Id
) -> Response:
    """Deletes one that no rule names. What still waits for it is canceled."""
    async with context.configuring() as session:
        row = await owned(session, AlertDestination, caller, alert_destination_id)
        rules = select(AlertRule.name).where(
            AlertRule.workspace_id == caller.workspace_id,
            AlertRule.destination_ids.contains([alert_destination_id]),
        )
        if names := (await session.scalars(rules.limit(5))).all():
            raise ApiProblem("in-use", f"Alert rules name it: {', '.join(names)}.")
        workspace = await session.get(Workspace, caller.workspace_id)
        if workspace is not None and workspace.fallback_destination_id == alert_destination_id:
            raise ApiProblem("in-use", "It is the workspace's fallback destination.")
        before = _document(row)
        await session.delete(row)
        await session.flush()
        recording.record(
            session,
            caller,
            "deleted",
            "alert_destination",
            alert_destination_id,
            utc_now(),
            before=before,
        )
    return Response(status_code=204)


@router.post(
    "/{alert_destination_id:uuid}/test",
    status_code=202,
    responses=problems("destination-disabled", "test-rate-limited"),
)
async def test_alert_destination(
    context: Context, caller: Responder, alert_destination_id: Id
) -> AlertDeliveryOut:
    """Sends a test message on the road that a real alert takes: three attempts at most, within a
    minute. The destination's `last_test` says what became of it."""
    async with context.writing() as session:
        outcome = await create_test(
            await session.connection(), caller.workspace_id, alert_destination_id
        )
        if isinstance(outcome, DestinationNotFound):
            raise not_found("alert destination")
        if isinstance(outcome, DestinationDisabled):
            raise ApiProblem("destination-disabled", "The destination is switched off.")
        if isinstance(outcome, TestRateLimited):
            raise ApiProblem(
                "test-rate-limited",
                f"One test in {INTERVAL_SECONDS} seconds; try again in {outcome.retry_after}.",
                headers={"Retry-After": str(outcome.retry_after)},
            )
        recording.record(
            session,
            caller,
            "tested",
            "alert_destination",
            alert_destination_id,
            utc_now(),
            after={"alert_delivery_id": str(outcome.alert_delivery_id)},
        )
        row = await session.get_one(AlertDelivery, outcome.alert_delivery_id)
        return AlertDeliveryOut.model_validate(row)
