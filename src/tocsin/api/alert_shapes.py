"""Alerts and their timelines as the API shows them, and the filters of their list."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tocsin.api.pagination import PageQuery
from tocsin.model import AlertEventKind, AlertStatus, Severity
from tocsin.resources.fields import (
    NO_NUL,
    Id,
    Input,
    JsonObject,
    Labels,
    Note,
    Output,
    Time,
    example,
)


class AlertOut(Output):
    id: Id
    workspace_id: Id
    tenant_id: Id
    integration_id: Id
    title: str
    description: str | None
    severity: Severity
    status: AlertStatus
    source: Annotated[str, Field(description="The name of the integration")]
    external_id: Annotated[str | None, Field(description="The monitoring tool's own id")]
    triggered_at: Annotated[Time, Field(description="When it fired, by the payload")]
    acknowledged_at: Time | None
    resolved_at: Time | None
    closed_at: Time | None
    metadata_: Annotated[JsonObject, Field(serialization_alias="metadata")]
    labels: Labels
    occurrence_count: int
    last_received_at: Time
    last_signal_at: Annotated[
        Time, Field(description="The sender's time of the newest signal applied")
    ]
    created_at: Time
    updated_at: Time


class AlertQuery(PageQuery):
    status: Annotated[list[AlertStatus], Field(default_factory=list, description="Any of these")]
    severity: Annotated[list[Severity], Field(default_factory=list, description="Any of these")]
    integration_id: Id | None = None
    tenant_id: Id | None = None
    q: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=NO_NUL,
            description="Text in title, description, source or external_id, in any case",
        ),
    ] = None
    since: Annotated[Time | None, Field(description="Triggered then or later")] = None
    until: Annotated[Time | None, Field(description="Triggered before")] = None


class AlertEventOut(Output):
    id: Id
    alert_id: Id
    kind: AlertEventKind
    at: Time
    actor: Annotated[dict[str, str], Field(description="kind, name and, if there is one, id")]
    webhook_delivery_id: Id | None
    detail: JsonObject


class OptionalNote(Input):
    note: Annotated[Note | None, Field(description="Kept in the timeline")] = None

    model_config = example({"note": "Looking into it"})


class RequiredNote(Input):
    note: Note

    model_config = example({"note": "The disk was full"})
