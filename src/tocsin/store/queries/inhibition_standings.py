"""By what an alert is held, and what it holds back, as it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from tocsin.model import AlertDeliveryStatus, AlertStatus
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    InhibitionSource,
    InhibitionTarget,
    StoredInhibitionRule,
)

MOST_SHOWN = 50

_NO_KEYS = literal([], ARRAY(Uuid()))


@dataclass(frozen=True, slots=True)
class InhibitedPair:
    """The other alert of a rule: one that holds, or one that is held. `ended_at`: when the one that
    holds ended; within the time of grace it holds all the same."""

    alert_id: UUID
    title: str
    rule_id: UUID
    rule_name: str
    since: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class InhibitionStanding:
    """`inhibits` are at most `MOST_SHOWN` of `inhibits_count`, those with messages that are held."""

    inhibited_by: Sequence[InhibitedPair]
    inhibits: Sequence[InhibitedPair]
    inhibits_count: int


async def inhibition_standing(session: DatabaseSession, alert_id: UUID) -> InhibitionStanding:
    source, target, rule = InhibitionSource, InhibitionTarget, StoredInhibitionRule
    own = (
        select(func.coalesce(func.array_agg(source.key), _NO_KEYS))
        .where(source.alert_id == alert_id, source.ended_at.is_(None))
        .scalar_subquery()
    )
    holding = (
        select(source.alert_id, source.title, rule.id, rule.name, source.since, source.ended_at)
        .join(target, and_(target.key == source.key, target.alert_id == alert_id))
        .join(rule, rule.id == source.inhibition_rule_id)
        .where(
            source.alert_id != alert_id,
            ~source.targets.overlap(own),
            rule.is_enabled,
            or_(
                source.ended_at.is_(None),
                source.ended_at + _seconds(rule.grace_seconds) > func.now(),
            ),
        )
        .order_by(source.since, source.alert_id)
        .limit(MOST_SHOWN)
    )
    held, other = aliased(Alert), aliased(InhibitionTarget)
    behind = (
        select(held.id, held.title, rule.id, rule.name, source.since, source.ended_at)
        .select_from(source)
        .join(rule, rule.id == source.inhibition_rule_id)
        .join(other, and_(other.key == source.key, other.alert_id != source.alert_id))
        .join(held, held.id == other.alert_id)
        .where(
            source.alert_id == alert_id,
            source.ended_at.is_(None),
            rule.is_enabled,
            held.status.in_([AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED]),
            exists().where(
                AlertDelivery.alert_id == held.id,
                AlertDelivery.status == AlertDeliveryStatus.DEFERRED,
            ),
        )
    )
    count = await session.scalar(select(func.count()).select_from(behind.subquery()))
    shown = await session.execute(behind.order_by(held.id).limit(MOST_SHOWN))
    return InhibitionStanding(
        [InhibitedPair(*row) for row in await session.execute(holding)],
        [InhibitedPair(*row) for row in shown],
        count or 0,
    )


def _seconds(column: Any) -> ColumnElement[datetime]:
    return func.make_interval(0, 0, 0, 0, 0, 0, column)
