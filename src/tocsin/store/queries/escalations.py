"""The escalations of one alert, with the steps that were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import AlertResponder, EscalationStep, StoredEscalation, User


@dataclass(frozen=True, slots=True)
class EscalationHistory:
    escalation: StoredEscalation
    steps: Sequence[EscalationStep]


async def escalations_of(session: DatabaseSession, alert_id: UUID) -> list[EscalationHistory]:
    """Newest first; of each its steps in order."""
    found = await session.scalars(
        select(StoredEscalation)
        .where(StoredEscalation.alert_id == alert_id)
        .order_by(StoredEscalation.started_at.desc(), StoredEscalation.id.desc())
    )
    escalations = list(found)
    steps: dict[UUID, list[EscalationStep]] = {}
    for step in await session.scalars(
        select(EscalationStep)
        .where(EscalationStep.escalation_id.in_([each.id for each in escalations]))
        .order_by(EscalationStep.loop, EscalationStep.step)
    ):
        steps.setdefault(step.escalation_id, []).append(step)
    return [EscalationHistory(each, steps.get(each.id, ())) for each in escalations]


async def responders_of(session: DatabaseSession, alert_id: UUID) -> Sequence[Any]:
    """Rows of `user_id, name, added_at, added_by`, in the order in which they were asked."""
    return (
        await session.execute(
            select(
                AlertResponder.user_id,
                User.name,
                AlertResponder.added_at,
                AlertResponder.added_by,
            )
            .join(User, User.id == AlertResponder.user_id)
            .where(AlertResponder.alert_id == alert_id)
            .order_by(AlertResponder.added_at, AlertResponder.user_id)
        )
    ).all()
