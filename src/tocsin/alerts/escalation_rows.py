"""The rows of escalations, their steps and pages, as parameters of the statements that write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.model import EscalationState
from tocsin.oncall.policy import Progress
from tocsin.store import arrays
from tocsin.store.columns import (
    Integer,
    Json,
    OptionalText,
    OptionalTime,
    OptionalUuid,
    Text,
    Time,
    Uuid,
    columns,
)
from tocsin.store.pipe import Call, Row
from tocsin.store.statements import prepared

encoded = msgspec.json.Encoder().encode
"""A value as JSON."""


@dataclass(frozen=True, slots=True)
class RunningEscalation:
    """One that is live, as the database has it or as this transaction begins it."""

    id: bytes
    policy_id: UUID
    policy_version: int
    rule_id: UUID
    progress: Progress

    @classmethod
    def of_row(cls, row: Row) -> RunningEscalation:
        return cls(
            row.id.bytes,
            row.escalation_policy_id,
            row.policy_version,
            row.alert_rule_id,
            Progress(
                loop=row.loop,
                step=row.step,
                due_at=row.step_due_at,
                since=row.updated_at,
                people=frozenset(UUID(each) for each in row.paged),
                state=EscalationState(row.state),
                held_since=row.held_since,
            ),
        )


class EscalationRow(Struct):
    """One row of `escalations`, as it is inserted."""

    id: Uuid
    workspace_id: Uuid
    alert_id: Uuid
    escalation_policy_id: Uuid
    policy_version: Integer
    alert_rule_id: Uuid
    round: Integer
    state: Text
    reason: OptionalText
    loop: Integer
    step: Integer
    step_due_at: OptionalTime
    next_at: OptionalTime
    held_since: OptionalTime
    paged: Json


class EscalationUpdate(Struct):
    """What changes of it."""

    id: Uuid
    state: Text
    reason: OptionalText
    loop: Integer
    step: Integer
    step_due_at: OptionalTime
    next_at: OptionalTime
    held_since: OptionalTime
    paged: Json

    @classmethod
    def of(
        cls, id: bytes, progress: Progress, reason: str | None, next_at: datetime | None
    ) -> EscalationUpdate:
        return cls(
            id,
            progress.state,
            reason,
            progress.loop,
            progress.step,
            progress.due_at,
            next_at,
            progress.held_since,
            encoded(sorted(str(each) for each in progress.people)),
        )


class EscalationStepRow(Struct):
    """One row of `escalation_steps`."""

    escalation_id: Uuid
    loop: Integer
    step: Integer
    detail: Json


class PageRow(Struct):
    """One page, or what goes to a fallback: a row of `alert_deliveries`."""

    id: Uuid
    workspace_id: Uuid
    tenant_id: Uuid
    alert_rule_id: OptionalUuid
    alert_destination_id: Uuid
    alert_id: Uuid
    event_type: Text
    status: Text
    send_after: OptionalTime
    payload: Json
    reason: Text
    detail: Json
    urgency: Text
    escalation_id: OptionalUuid
    user_id: OptionalUuid


class CanceledPages(Struct):
    alert_ids: Uuid
    reasons: Text


class HeldPages(Struct):
    alert_ids: Uuid
    escalation_ids: Uuid
    since: Time
    reasons: Text


class ResumedPages(Struct):
    alert_ids: Uuid
    escalation_ids: Uuid


class PostponedPages(Struct):
    alert_ids: Uuid
    until: Time


class AcknowledgementRow(Struct):
    ids: Uuid
    by: OptionalUuid
    until: OptionalTime


class TurnRow(Struct):
    policy_ids: Uuid
    steps: Integer
    next: Integer


@dataclass(slots=True)
class EscalationRows:
    """All that one transaction writes of escalations."""

    begun: list[EscalationRow] = field(default_factory=list)
    updated: list[EscalationUpdate] = field(default_factory=list)
    steps: list[EscalationStepRow] = field(default_factory=list)
    pages: list[PageRow] = field(default_factory=list)
    canceled: list[CanceledPages] = field(default_factory=list)
    held: list[HeldPages] = field(default_factory=list)
    resumed: list[ResumedPages] = field(default_factory=list)
    postponed: list[PostponedPages] = field(default_factory=list)
    released: set[bytes] = field(default_factory=set)
    """Alerts that nothing holds: pages of theirs that are due go out."""
    acknowledged: list[AcknowledgementRow] = field(default_factory=list)
    turns: list[TurnRow] = field(default_factory=list)

    def calls(self, now: datetime) -> list[Call]:
        """The statements that write all of it, in order."""
        at = {"now": now}
        calls: list[Call] = []

        def write(name: str, kind: type[Struct], rows: Sequence[Struct], **more: Any) -> None:
            if rows:
                calls.append((prepared(name), {**columns(kind, rows), **more}))

        write("set_acknowledgements", AcknowledgementRow, self.acknowledged)
        write("cancel_pages", CanceledPages, self.canceled, **at)
        write("hold_pages", HeldPages, self.held, **at)
        write("resume_pages", ResumedPages, self.resumed, **at)
        write("postpone_pages", PostponedPages, self.postponed, **at)
        if self.released:
            asked = {"alert_ids": arrays.uuids(sorted(self.released)), **at}
            calls.append((prepared("release_pages"), asked))
        # What ends makes room for what begins: of one policy one is live.
        write("update_escalations", EscalationUpdate, self.updated, **at)
        write("insert_escalations", EscalationRow, self.begun, **at)
        write("insert_escalation_steps", EscalationStepRow, self.steps, **at)
        write("set_turns", TurnRow, self.turns)
        write("insert_pages", PageRow, self.pages, **at)
        if self.pages or self.released:
            calls.append((prepared("notify_deliveries"), {}))
        return calls
