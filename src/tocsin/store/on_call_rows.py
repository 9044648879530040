"""Whom the escalations of workspaces can reach, as rows of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.model import EscalationState
from tocsin.store.people import PersonRow, load_all_people
from tocsin.store.tables import StoredEscalation, StoredPolicy, StoredPolicyVersion

_LIVE = [state for state in EscalationState if state.is_live]


@dataclass(slots=True)
class OnCallRows:
    """Of one workspace. `policies` without those that were deleted; `versions` those that are current,
    of deleted ones too, and those by which escalations still run."""

    policies: list[Any] = field(default_factory=list)
    versions: list[Any] = field(default_factory=list)
    people: Mapping[UUID, PersonRow] = field(default_factory=dict)
    has_policies: bool = False
    """Or had, so that escalations may still run."""


async def load_on_call_rows(connection: AsyncConnection) -> dict[UUID, OnCallRows]:
    """By workspace; only of those that have people, or have or had an escalation policy."""
    found: dict[UUID, OnCallRows] = {}
    policies = select(*StoredPolicy.__table__.columns)
    for row in await connection.execute(policies):
        of_workspace = found.setdefault(row.workspace_id, OnCallRows(has_policies=True))
        if row.deleted_at is None:
            of_workspace.policies.append(row)
    for workspace_id, people in (await load_all_people(connection)).items():
        found.setdefault(workspace_id, OnCallRows()).people = people
    version, policy, escalation = StoredPolicyVersion, StoredPolicy, StoredEscalation
    runs = exists().where(
        escalation.escalation_policy_id == version.escalation_policy_id,
        escalation.policy_version == version.version,
        escalation.state.in_(_LIVE),
    )
    versions = (
        select(
            policy.workspace_id,
            version.escalation_policy_id.label("id"),
            version.version,
            version.name,
            version.steps,
            version.repeat,
            version.on_exhausted_destination_id,
            version.ack_timeout_minutes,
        )
        .join(policy, policy.id == version.escalation_policy_id)
        .where(or_(version.version == policy.version, runs))
    )
    for row in await connection.execute(versions):
        found[row.workspace_id].versions.append(row)
    return found
