"""Escalation policies: who is reached, step by step; what they may say and name, and how they are
kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from tocsin.access.api_keys import Principal
from tocsin.model import Severity, StepMode, TargetKind, uuid7
from tocsin.oncall.policy_shapes import Policy
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest, MissingReference, StillNeeded
from tocsin.resources.fields import (
    Id,
    Input,
    JsonObject,
    Name,
    Output,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
    unique,
)
from tocsin.resources.owned import owned, require
from tocsin.resources.rules import Day, Matchers, WallTime, every_day
from tocsin.routing.validation import WINDOWS_LIMIT, validate_matchers
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.people import load_people
from tocsin.store.queries.escalation_policies import add_version
from tocsin.store.queries.rules import rules_naming_policy
from tocsin.store.tables import AlertDestination, StoredPolicy, StoredSchedule

MOST_STEPS = 20
MOST_TARGETS = 50
LEAST_WAIT, MOST_WAIT = 10, 7 * 24 * 3600
MOST_REPEATS = 9
MOST_ACK_MINUTES = 7 * 24 * 60
_MOST_NAMED = 5


class TargetIn(Input):
    """A member of the workspace, a schedule (whoever is on call then), or a destination."""

    type: TargetKind
    id: Id

    def __hash__(self) -> int:
        return hash((self.type, self.id))


class HoursIn(Input):
    """Days on which the time begins; an end at or before the start is on the next day."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7, default_factory=every_day)]
    start: WallTime
    end: WallTime
    timezone: Timezone


class ConditionIn(Input):
    """What must hold when the step begins, all of it; else it is passed at once."""

    min_severity: Severity | None = None
    matchers: Annotated[Matchers, Field(default_factory=list)]
    hours: Annotated[
        list[HoursIn],
        Field(
            max_length=WINDOWS_LIMIT,
            default_factory=list,
            description="Only while any of these lasts; none: always",
        ),
    ]


class StepIn(Input):
    targets: Annotated[
        list[TargetIn],
        Field(min_length=1, max_length=MOST_TARGETS, json_schema_extra={"uniqueItems": True}),
        AfterValidator(unique),
    ]
    mode: Annotated[
        StepMode,
        Field(description="`round_robin`: one target each time, the next one for the next alert"),
    ] = StepMode.EVERYONE
    wait_seconds: Annotated[
        int,
        Field(
            strict=True,
            ge=LEAST_WAIT,
            le=MOST_WAIT,
            description="How long it waits for an acknowledgement before the next step begins",
        ),
        Whole,
    ] = 300
    condition: ConditionIn | None = None


Steps = Annotated[list[StepIn], Field(min_length=1, max_length=MOST_STEPS)]
Repeat = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MOST_REPEATS,
        description="How often all steps are repeated after nobody has answered the last one",
    ),
    Whole,
]
OnExhausted = Annotated[
    Id | None,
    Field(
        description="The destination that is notified when nobody has answered; null: the "
        "workspace's fallback"
    ),
]
AckTimeout = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=MOST_ACK_MINUTES,
        description="After so long an acknowledgement expires, and the escalation starts over; 0: "
        "never; null: 30 for CRITICAL and HIGH, never for others",
    ),
    Whole,
]


class EscalationPolicyOut(Output):
    id: Id
    workspace_id: Id
    name: str
    version: Annotated[
        int, Field(description="An escalation ends by the version with which it began")
    ]
    steps: list[JsonObject]
    repeat: int
    on_exhausted_destination_id: Id | None
    ack_timeout_minutes: int | None
    created_at: Time
    updated_at: Time


class EscalationPolicyIn(Input):
    name: Name
    steps: Steps
    repeat: Repeat = 0
    on_exhausted_destination_id: OnExhausted = None
    ack_timeout_minutes: AckTimeout | None = None

    model_config = example(
        {
            "name": "Database on call",
            "steps": [
                {
                    "targets": [{"type": "user", "id": "0199b4a2-0000-7000-8000-0000000000aa"}],
                    "wait_seconds": 300,
                },
                {
                    "targets": [
                        {"type": "destination", "id": "0199b4a2-0000-7000-8000-0000000000d5"}
                    ],
                    "wait_seconds": 600,
                    "condition": {"min_severity": "HIGH"},
                },
            ],
            "repeat": 1,
        }
    )


class EscalationPolicyPatch(Input):
    name: Name = left_out()
    steps: Steps = left_out()
    repeat: Repeat = left_out()
    on_exhausted_destination_id: OnExhausted = None
    ack_timeout_minutes: AckTimeout | None = None

    model_config = example({"repeat": 2, "ack_timeout_minutes": 60})


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    if "steps" in values:
        values["steps"] = [step.model_dump(mode="json") for step in values["steps"]]
    return values


def _document(row: StoredPolicy) -> Mapping[str, Any]:
    return EscalationPolicyOut.model_validate(row).document()


def routed(row: StoredPolicy) -> Policy:
    """As the engine sees it."""
    columns = StoredPolicy.__table__.columns
    return Policy.from_row({column.name: getattr(row, column.name) for column in columns})


_KIND = recording.Kind("escalation_policy", _document)


def _check(steps: list[JsonObject]) -> None:
    faults = [
        fault
        for place, step in enumerate(steps)
        if step["condition"] is not None
        for fault in validate_matchers(
            step["condition"]["matchers"], f"/steps/{place}/condition/matchers"
        )
    ]
    if faults:
        raise InvalidRequest(faults)


async def _check_references(session: DatabaseSession, caller: Principal, row: StoredPolicy) -> None:
    named: dict[TargetKind, dict[UUID, str]] = {kind: {} for kind in TargetKind}
    for place, step in enumerate(row.steps):
        for number, target in enumerate(step["targets"]):
            pointer = f"/steps/{place}/targets/{number}/id"
            named[TargetKind(target["type"])].setdefault(UUID(target["id"]), pointer)
    for kind, pointers in named.items():
        known = await _known(session, caller.workspace_id, kind, list(pointers))
        for target_id, pointer in pointers.items():
            if target_id not in known:
                raise MissingReference(kind.value, pointer)
    if row.on_exhausted_destination_id is not None:
        await require(
            session,
            AlertDestination,
            caller,
            row.on_exhausted_destination_id,
            "/on_exhausted_destination_id",
        )


async def _known(
    session: DatabaseSession, workspace_id: UUID, kind: TargetKind, ids: list[UUID]
) -> set[UUID]:
    """Those of the ids that a policy of the workspace may name."""
    if not ids:
        return set()
    match kind:
        case TargetKind.USER:
            return set(await load_people(session, workspace_id, ids))
        case TargetKind.DESTINATION:
            return await workspace_rows.known_ids(session, AlertDestination, workspace_id, ids)
        case TargetKind.SCHEDULE:
            return await workspace_rows.known_ids(session, StoredSchedule, workspace_id, ids)


def make(caller: Principal, body: EscalationPolicyIn, now: datetime) -> StoredPolicy:
    """A policy as it is asked for, yet to be stored.

    Raises:
        InvalidRequest: a matcher cannot be used.
    """
    names = EscalationPolicyIn.model_fields
    row = StoredPolicy(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        version=1,
        created_at=now,
        updated_at=now,
        **_columns({name: getattr(body, name) for name in names}),
    )
    _check(row.steps)
    return row


async def create(
    session: DatabaseSession, caller: Principal, row: StoredPolicy, now: datetime
) -> None:
    """Stores a policy that `make` made.

    Raises:
        MissingReference: somebody or something that it names is not there.
        NameTaken: another has its name.
    """
    await _check_references(session, caller, row)
    await recording.create(session, caller, _KIND, row, now)
    await add_version(session, row, now)


async def update(
    session: DatabaseSession,
    caller: Principal,
    policy_id: UUID,
    body: EscalationPolicyPatch,
    now: datetime,
) -> StoredPolicy:
    """Makes a new version of it; what runs by an older one ends by that."""
    values = _columns(body.given())
    row = await owned(session, StoredPolicy, caller, policy_id)
    version = row.version
    _check(values.get("steps", []))
    async with recording.changing(session, caller, _KIND, row, now):
        recording.assign(row, values)
        with session.no_autoflush:
            await _check_references(session, caller, row)
        if workspace_rows.is_changed(session, row):
            row.version += 1
    if row.version != version:
        await add_version(session, row, now)
    return row


async def delete(
    session: DatabaseSession, caller: Principal, policy_id: UUID, now: datetime
) -> None:
    """Deletes one that no rule names; what runs by it goes on to its end.

    Raises:
        StillNeeded: a rule names it.
    """
    row = await owned(session, StoredPolicy, caller, policy_id)
    names = await rules_naming_policy(session, caller.workspace_id, policy_id, _MOST_NAMED)
    if names:
        raise StillNeeded(f"Alert rules name it: {', '.join(names)}.")
    await recording.delete(session, caller, _KIND, row, now)
