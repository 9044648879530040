"""Alert destinations as the API takes and shows them. What a config holds is each channel's own
matter; its schema is taken from there."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from tocsin.access.vault import Vault
from tocsin.api.problems import invalid
from tocsin.delivery.channels.base import ChannelConfig
from tocsin.delivery.channels.registry import (
    CHANNELS,
    ValidConfig,
    join,
    split_secrets,
    validate_config,
)
from tocsin.delivery.last_test import TestStatus
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import Fault, Secret
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
from tocsin.store.tables import AlertDestination

DestinationType = StrEnum("DestinationType", {kind: kind for kind in CHANNELS})  # type: ignore[misc]
DestinationType.__doc__ = "The kind of place that messages go to."


def _describe(schema: dict[str, Any]) -> None:
    """Says of `config` what each channel says of its own, by `type`."""
    schema["examples"] = [
        {
            "name": "on-call mail",
            "type": "email",
            "config": {"recipients": ["on-call@example.org"], "timezone": "Europe/Vienna"},
        }
    ]
    schema["oneOf"] = [
        {
            "title": f"Of type {kind}",
            "properties": {
                "type": {"const": kind},
                "config": channel.config_model.model_json_schema(),
            },
        }
        for kind, channel in CHANNELS.items()
    ]


class LastTestOut(Output):
    status: TestStatus
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


def validated(
    kind: str,
    document: JsonObject,
    policy: AddressPolicy,
    stored: ChannelConfig | None = None,
) -> ValidConfig:
    """Raises ApiProblem `validation-failed` with every fault of the config at its place."""
    outcome = validate_config(kind, document, stored=stored, policy=policy)
    if isinstance(outcome, ValidConfig):
        return outcome
    raise invalid(
        [Fault(f"/config{fault.pointer}", fault.code, fault.message) for fault in outcome]
    )


def put_config(row: AlertDestination, valid: ValidConfig, vault: Vault) -> None:
    """Sets what is stored of a config."""
    parts = split_secrets(valid)
    row.config = parts.public
    row.secret_config = vault.seal(Secret(json.dumps(parts.secret))) if parts.secret else None


def stored_config(row: AlertDestination, vault: Vault) -> ChannelConfig:
    """The config that a row keeps, with its secrets.

    Raises:
        VaultError: its secrets cannot be decrypted.
        ValueError: what is stored fits no channel of this version any more.
    """
    secret = {}
    if row.secret_config is not None:
        secret = json.loads(vault.open(row.secret_config).reveal())
    return join(row.type, row.config, secret)
