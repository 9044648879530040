"""Alert destinations: where messages go, and how they are kept. Each channel defines what its
config holds; the schema is taken from there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, ValidationError

from tocsin.access.api_keys import Principal
from tocsin.access.vault import Vault, VaultError
from tocsin.delivery.channels.base import ChannelConfig
from tocsin.delivery.channels.registry import (
    CHANNELS,
    ValidConfig,
    join,
    made_secret,
    split_secrets,
    validate_config,
)
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import Fault, Secret, TargetKind, uuid7
from tocsin.resources import recording
from tocsin.resources.destination_trials import LastTestStatus
from tocsin.resources.errors import InvalidRequest, StillNeeded
from tocsin.resources.fields import (
    Flag,
    Id,
    Input,
    JsonObject,
    Name,
    Output,
    Time,
    example,
    left_out,
)
from tocsin.resources.owned import owned
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.escalation_policies import policies_naming
from tocsin.store.queries.rules import rules_naming_destination
from tocsin.store.queries.schedules import schedules_falling_back_on
from tocsin.store.queries.workspaces import read_workspace
from tocsin.store.tables import AlertDestination

_MOST_NAMED = 5

DestinationType = StrEnum("DestinationType", {kind: kind for kind in CHANNELS})  # type: ignore[misc]
DestinationType.__doc__ = "The kind of place that messages go to."


def _describe(schema: dict[str, Any]) -> None:
    schema["examples"] = [
        {
            "name": "on-call mail",
            "type": "email",
            "config": {"recipients": ["on-call@example.org"], "timezone": "Europe/Vienna"},
        }
    ]
    describe_configs(schema, CHANNELS, "DestinationIn")


def describe_configs(schema: dict[str, Any], kinds: Iterable[str], ending: str) -> None:
    """Says of `config` in a body's schema what each channel says of its own, by `type`; `ending` is
    that of the variants' names."""
    common = {name: schema.pop(name) for name in ("type", "additionalProperties", "required")}
    properties = schema.pop("properties")
    schema["oneOf"] = [
        {
            **common,
            "title": f"{kind.capitalize()}{ending}",
            "properties": {
                **properties,
                "type": {"type": "string", "const": kind},
                "config": CHANNELS[kind].config_model.model_json_schema(),
            },
        }
        for kind in kinds
    ]


class LastTestOut(Output):
    status: LastTestStatus
    at: Annotated[
        Time | None,
        Field(description="Sent: when; Failed: when; Pending: when it is due, or was asked for"),
    ]
    alert_delivery_id: Id | None
    error_code: str | None
    error_message: str | None
    confirmed: Annotated[
        bool | None,
        Field(
            description="Of Sent. False: the service accepted it, and may drop it all the same "
            "(Teams); look whether it was posted"
        ),
    ]


class AlertDestinationOut(Output):
    id: Id
    workspace_id: Id
    name: str
    type: str
    config: Annotated[JsonObject, Field(description="Its secret parts are masked")]
    is_enabled: bool
    last_test: LastTestOut
    created_at: Time
    updated_at: Time


class AlertDestinationCreated(AlertDestinationOut):
    signing_secret: Annotated[
        str | None,
        Field(
            description="Of a `webhook` for which none was given: the secret made for it, with "
            "which receivers verify; it is never shown again"
        ),
    ]


class AlertDestinationIn(Input):
    name: Name
    type: DestinationType
    config: Annotated[JsonObject, Field(description="What it holds depends on `type`")]
    is_enabled: Flag = True

    model_config = ConfigDict(json_schema_extra=_describe)


class AlertDestinationPatch(Input):
    name: Name = left_out()
    config: Annotated[
        JsonObject,
        Field(
            description="The whole config; a secret part that is left out, or sent back masked as "
            "it was shown, keeps its value"
        ),
    ] = left_out()
    is_enabled: Flag = left_out()

    model_config = example({"name": "on-call mail, nights"})


def shown_columns(row: AlertDestination) -> JsonObject:
    """What the table says of a destination, as far as it may be shown."""
    names = (
        "id",
        "workspace_id",
        "name",
        "type",
        "config",
        "is_enabled",
        "created_at",
        "updated_at",
    )
    return {name: getattr(row, name) for name in names}


def _document(row: AlertDestination) -> Mapping[str, Any]:
    """What the audit log keeps: no secret, and nothing of tests."""
    return AlertDestinationOut.model_construct(**shown_columns(row), last_test=None).model_dump(
        mode="json", exclude={"last_test"}
    )


_KIND = recording.Kind("alert_destination", _document)


@dataclass(frozen=True, slots=True)
class NewDestination:
    """One as it is asked for, yet to be stored. `signing_secret` is what was made because none was
    given; None where none had to be."""

    row: AlertDestination
    signing_secret: str | None


def make(
    vault: Vault, policy: AddressPolicy, caller: Principal, body: AlertDestinationIn, now: datetime
) -> NewDestination:
    """A destination as it is asked for, yet to be stored.

    Raises:
        InvalidRequest: with every fault of the config at its place.
    """
    valid = validated_config(body.type, body.config, policy)
    row = AlertDestination(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        name=body.name,
        type=body.type.value,
        is_enabled=body.is_enabled,
        created_at=now,
        updated_at=now,
    )
    put_config(row, valid, vault)
    return NewDestination(row, made_secret(valid, body.config))


async def create(
    session: DatabaseSession, caller: Principal, new: NewDestination, now: datetime
) -> None:
    await recording.create(session, caller, _KIND, new.row, now)


async def update(
    session: DatabaseSession,
    vault: Vault,
    policy: AddressPolicy,
    caller: Principal,
    destination_id: UUID,
    body: AlertDestinationPatch,
    now: datetime,
) -> AlertDestination:
    row = await owned(session, AlertDestination, caller, destination_id)
    values = body.given()
    config = values.pop("config", None)
    async with recording.changing(session, caller, _KIND, row, now):
        recording.assign(row, values)
        if config is not None:
            stored = _readable_config(row, vault)
            valid = validated_config(row.type, config, policy, stored)
            if valid.config != stored:
                put_config(row, valid, vault)
    return row


async def delete(
    session: DatabaseSession, caller: Principal, destination_id: UUID, now: datetime
) -> None:
    """Deletes one that nothing names.

    Raises:
        StillNeeded: a rule, an escalation policy or a schedule names it, or it is the
            workspace's fallback.
    """
    row = await owned(session, AlertDestination, caller, destination_id)
    names = await rules_naming_destination(
        session, caller.workspace_id, destination_id, _MOST_NAMED
    )
    if names:
        raise StillNeeded(f"Alert rules name it: {', '.join(names)}.")
    policies = await policies_naming(
        session, caller.workspace_id, TargetKind.DESTINATION, destination_id, _MOST_NAMED
    )
    if policies:
        raise StillNeeded(f"Escalation policies name it: {', '.join(policies)}.")
    schedules = await schedules_falling_back_on(
        session, caller.workspace_id, destination_id, _MOST_NAMED
    )
    if schedules:
        raise StillNeeded(f"It is the fallback of the schedules {', '.join(schedules)}.")
    workspace = await read_workspace(session, caller.workspace_id)
    if workspace is not None and workspace.fallback_destination_id == destination_id:
        raise StillNeeded("It is the workspace's fallback destination.")
    await recording.delete(session, caller, _KIND, row, now)


def validated_config(
    kind: str,
    document: JsonObject,
    policy: AddressPolicy,
    stored: ChannelConfig | None = None,
) -> ValidConfig:
    """A config that may be stored.

    Raises:
        InvalidRequest: with every fault of the config at its place.
    """
    outcome = validate_config(kind, document, stored=stored, policy=policy)
    if isinstance(outcome, ValidConfig):
        return outcome
    raise InvalidRequest(
        [Fault(f"/config{fault.pointer}", fault.code, fault.message) for fault in outcome]
    )


def put_config(row: AlertDestination, valid: ValidConfig, vault: Vault) -> None:
    """Sets what is stored of a config."""
    parts = split_secrets(valid)
    row.config = parts.public
    row.secret_config = vault.seal(Secret(json.dumps(parts.secret))) if parts.secret else None


def _readable_config(row: AlertDestination, vault: Vault) -> ChannelConfig | None:
    """What is stored, for its secrets to be kept; None if it cannot be read, and has to be given
    again as a whole."""
    secret = {}
    try:
        if row.secret_config is not None:
            secret = json.loads(vault.open(row.secret_config).reveal())
        return join(row.type, row.config, secret)
    except (VaultError, ValidationError, ValueError):
        return None
