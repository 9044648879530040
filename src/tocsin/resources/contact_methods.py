"""Contact methods: how one person is reached. Each is an alert destination with a `user_id`, so that it
takes the road, the queue, the retries and the log of all messages; but no rule, list or fallback of the
workspace can name it.

Its owner sees it in full, tries it and verifies it; everybody else sees it masked. An admin may add one
for somebody, who then enters the code that is sent to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from tocsin.access.api_keys import Principal
from tocsin.access.vault import Vault
from tocsin.delivery.channels.addresses import with_addresses_masked
from tocsin.delivery.channels.registry import CHANNELS, CONTACT_KINDS, ValidConfig
from tocsin.delivery.outbound import AddressPolicy
from tocsin.model import REDACTED, Fault, uuid7
from tocsin.resources import recording
from tocsin.resources.destination_trials import TrialOutcome, TrialQueued, plan_trial
from tocsin.resources.destinations import (
    LastTestOut,
    describe_configs,
    put_config,
    validated_config,
)
from tocsin.resources.errors import InvalidRequest, NotInWorkspace
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
from tocsin.resources.members import member, require_manager, require_owner
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.contact_methods import (
    contact_method_ids,
    find_contact_method,
    forget_contact_method,
)
from tocsin.store.tables import AlertDestination, User

MOST = 20
"""Contact methods of one person in one workspace."""

KIND_NAME = "contact method"

ContactMethodType = StrEnum("ContactMethodType", {kind: kind for kind in CONTACT_KINDS})  # type: ignore[misc]
ContactMethodType.__doc__ = "The kind of way by which a person is reached."


def _describe(schema: dict[str, Any]) -> None:
    schema["examples"] = [
        {"type": "email", "config": {"recipients": ["ana@example.org"]}, "label": "work mail"}
    ]
    describe_configs(schema, CONTACT_KINDS, "ContactMethodIn")


class ContactMethodOut(Output):
    id: Id
    workspace_id: Id
    user_id: Id
    type: str
    label: str
    config: Annotated[
        JsonObject,
        Field(description="Its secret parts are masked, and its address for all but its owner"),
    ]
    is_enabled: bool
    verified_at: Annotated[
        Time | None, Field(description="Null: it is not paged until its owner enters the code")
    ]
    last_test: LastTestOut
    created_at: Time
    updated_at: Time


class ContactMethodIn(Input):
    type: ContactMethodType
    config: Annotated[
        JsonObject,
        Field(
            description="As of a destination of this type, with one address; it depends on `type`"
        ),
    ]
    label: Annotated[Name, Field(description="Left out: the person's name and the type")] = (
        left_out()
    )

    model_config = ConfigDict(json_schema_extra=_describe)


class ContactMethodPatch(Input):
    label: Name = left_out()
    is_enabled: Flag = left_out()

    model_config = example({"label": "work phone"})


def shown(row: AlertDestination, caller: Principal, last_test: Any) -> ContactMethodOut:
    """The contact method as the caller may see it."""
    is_owner = caller.user_id is not None and caller.user_id == row.user_id
    return ContactMethodOut(
        **_columns(row, is_owner=is_owner), last_test=LastTestOut.model_validate(last_test)
    )


def _columns(row: AlertDestination, *, is_owner: bool) -> dict[str, Any]:
    names = ("id", "workspace_id", "user_id", "type", "is_enabled", "verified_at")
    return {
        **{name: getattr(row, name) for name in (*names, "created_at", "updated_at")},
        "label": row.name,
        "config": row.config if is_owner else _masked(row),
    }


def _masked(row: AlertDestination) -> dict[str, Any]:
    channel = CHANNELS.get(row.type)
    if channel is None:
        # A later version wrote it: who knows what is an address.
        return dict.fromkeys(row.config, REDACTED)
    return with_addresses_masked(channel.config_model, row.config)


def _document(row: AlertDestination) -> Mapping[str, Any]:
    """What the audit log keeps, which every admin reads."""
    return ContactMethodOut.model_construct(
        **_columns(row, is_owner=False), last_test=None
    ).model_dump(mode="json", exclude={"last_test"})


KIND = recording.Kind("contact_method", _document)


async def contact_method(
    session: DatabaseSession, caller: Principal, contact_method_id: UUID
) -> AlertDestination:
    """The contact method of a member of the caller's workspace.

    Raises:
        NotInWorkspace: there is none.
    """
    row = await find_contact_method(session, caller.workspace_id, contact_method_id)
    if row is None:
        raise NotInWorkspace(KIND_NAME)
    return row


def owner_of(row: AlertDestination) -> UUID:
    assert row.user_id is not None
    return row.user_id


async def create(
    session: DatabaseSession,
    vault: Vault,
    policy: AddressPolicy,
    caller: Principal,
    user_id: UUID,
    body: ContactMethodIn,
    now: datetime,
) -> AlertDestination:
    """Adds one, not yet verified.

    Raises:
        NotInWorkspace: there is no such person.
        NotPermitted: the caller is neither they nor an admin.
        InvalidRequest: with every fault of the config at its place; or they have too many.
    """
    user = (await member(session, caller, user_id)).user
    require_manager(caller, user_id)
    if len(await contact_method_ids(session, caller.workspace_id, user_id)) >= MOST:
        message = f"one person has at most {MOST} contact methods; delete one first"
        raise InvalidRequest([Fault("", "too-many", message)])
    row = AlertDestination(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        user_id=user_id,
        name=body.label or f"{user.name}: {body.type.value}",
        type=body.type.value,
        is_enabled=True,
        created_at=now,
        updated_at=now,
    )
    put_config(row, _valid(body, user, policy), vault)
    await recording.create(session, caller, KIND, row, now)
    return row


def _valid(body: ContactMethodIn, user: User, policy: AddressPolicy) -> ValidConfig:
    valid = validated_config(body.type, {"timezone": user.timezone, **body.config}, policy)
    faults = [
        Fault(f"/config/{name}", "too-many", "a contact method has one address; add another one")
        for name, value in valid.config.model_dump(mode="json").items()
        if isinstance(value, list) and len(value) > 1
    ]
    if faults:
        raise InvalidRequest(faults)
    return valid


async def update(
    session: DatabaseSession,
    caller: Principal,
    contact_method_id: UUID,
    body: ContactMethodPatch,
    now: datetime,
) -> AlertDestination:
    row = await contact_method(session, caller, contact_method_id)
    require_manager(caller, owner_of(row))
    values = body.given()
    if "label" in values:
        values["name"] = values.pop("label")
    async with recording.changing(session, caller, KIND, row, now):
        recording.assign(row, values)
    return row


async def delete(
    session: DatabaseSession, caller: Principal, contact_method_id: UUID, now: datetime
) -> None:
    """Deletes one, with its lines of notification rules; pages that still wait for it are canceled."""
    row = await contact_method(session, caller, contact_method_id)
    require_manager(caller, owner_of(row))
    await forget_contact_method(session, row.id)
    await recording.delete(session, caller, KIND, row, now)


@dataclass(frozen=True, slots=True)
class NotVerified:
    """Its code has not been entered yet."""


async def plan_test(
    session: DatabaseSession, caller: Principal, contact_method_id: UUID, now: datetime
) -> TrialOutcome | NotVerified:
    """Plans a test message, as a page is sent.

    Raises:
        NotPermitted: it is not the caller's own.
    """
    row = await contact_method(session, caller, contact_method_id)
    require_owner(caller, owner_of(row))
    if row.verified_at is None:
        return NotVerified()
    outcome = await plan_trial(session, caller.workspace_id, contact_method_id)
    if isinstance(outcome, TrialQueued):
        recording.record(
            session,
            caller,
            "tested",
            KIND.name,
            contact_method_id,
            now,
            after={"alert_delivery_id": str(outcome.alert_delivery_id)},
        )
    return outcome
