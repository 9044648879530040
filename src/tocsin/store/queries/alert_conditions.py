"""What is asked of alerts, as conditions of a statement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    all_,
    and_,
    any_,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from tocsin.model import AlertDeliveryStatus, AlertEventKind, AlertStatus
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.store.tables import Alert, AlertDelivery, AlertEvent, Integration, Tenant

LIVE = tuple(status for status in AlertStatus if status.is_live)


def conditions(workspace_id: UUID, wanted: AlertFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Alert.workspace_id == workspace_id]
    statuses = wanted.statuses
    if wanted.names_owner and (not statuses or AlertStatus.ACKNOWLEDGED in statuses):
        # Nothing else can have an owner, and an index has what somebody has alone.
        statuses = frozenset({AlertStatus.ACKNOWLEDGED})
    if len(statuses) == 1:
        (status,) = statuses
        found.append(Alert.status == status)
    elif statuses:
        # Live ones as their partial index has it, or the planner does not see it.
        found.append(Alert.status.in_(LIVE if wanted.is_of_live else sorted(statuses)))
    if wanted.severities:
        found.append(Alert.severity.in_(sorted(wanted.severities)))
    if wanted.since is not None:
        found.append(Alert.triggered_at >= wanted.since)
    if wanted.until is not None:
        found.append(Alert.triggered_at < wanted.until)
    if wanted.least_count is not None:
        found.append(Alert.occurrence_count >= wanted.least_count)
    if wanted.held is not None:
        held = exists().where(
            AlertDelivery.alert_id == Alert.id,
            AlertDelivery.status == AlertDeliveryStatus.DEFERRED,
        )
        found.append(held if wanted.held else not_(held))
    if wanted.tenant_id is not None:
        found.append(Alert.tenant_id == wanted.tenant_id)
    if wanted.ids is not None:
        found.append(Alert.id == any_(array_of_ids(wanted.ids)))
    if wanted.taken_by is not None:
        found += [
            Alert.status == AlertStatus.ACKNOWLEDGED,
            Alert.acknowledged_by == wanted.taken_by,
        ]
    if wanted.not_taken_by is not None:
        found.append(Alert.acknowledged_by.is_distinct_from(wanted.not_taken_by))
    if wanted.words:
        found.append(_unguessed(_says(wanted.words)))
    found += [_condition(each) for each in wanted.conditions]
    return found


def _unguessed(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same, of which the planner takes half of the alerts to be: it would guess that next to none
    are, read them all and sort them, where the first fifty in order are enough."""
    return func.coalesce(condition, false())


def array_of_ids(ids: Sequence[str]) -> ColumnElement[Any]:
    return cast(literal("{" + ",".join(ids) + "}"), ARRAY(Uuid()))


def _says(words: Sequence[str]) -> ColumnElement[bool]:
    """Whether its texts have each of them, in any case; they are put together once for all words."""
    texts = func.concat_ws("\n", Alert.title, Alert.description, Alert.source, Alert.external_id)
    patterns = func.string_to_array(
        func.lower("\n".join(f"%{escaped(word)}%" for word in words)), "\n"
    )
    return func.lower(texts).like(all_(patterns))


def _condition(asked: TextCondition) -> ColumnElement[bool]:
    if not asked.is_label and asked.name == "owner":
        holds: ColumnElement[bool] = _is_owned_by(asked)
    elif not asked.is_label and asked.name == "type":
        holds = exists().where(Integration.id == Alert.integration_id, _is(Integration.type, asked))
    elif not asked.is_label and asked.name == "tenant":
        # Of a list that names tenants, too: this one is looked up for itself.
        holds = (
            exists()
            .where(
                Tenant.id == Alert.tenant_id, or_(_is(Tenant.slug, asked), _is(Tenant.name, asked))
            )
            .correlate(Alert)
        )
    elif asked.is_label:
        # A label that is not there is the empty text, as rules see it.
        holds = _unguessed(_is(func.coalesce(label(asked.name), ""), asked))
    else:
        holds = _unguessed(_is(Alert.title if asked.name == "title" else Alert.source, asked))
    return not_(holds) if asked.negated else holds


def _is_owned_by(asked: TextCondition) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    named = tuple(value for value in asked.values if value.lower() != "nobody")
    if len(named) < len(asked.values):
        parts.append(Alert.status == AlertStatus.OPEN)
    if named:
        last = (
            select(AlertEvent.actor["name"].astext)
            .where(
                AlertEvent.alert_id == Alert.id,
                AlertEvent.kind == AlertEventKind.ACKNOWLEDGED.value,
            )
            .order_by(AlertEvent.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        one = TextCondition(asked.name, asked.comparison, named)
        parts.append(and_(Alert.status == AlertStatus.ACKNOWLEDGED, _is(last, one)))
    return or_(*parts)


def label(name: str) -> ColumnElement[Any]:
    label: ColumnElement[Any] = Alert.labels[name].astext
    return label


def _is(column: Any, asked: TextCondition) -> ColumnElement[bool]:
    """In any case; a value with `*` is a pattern."""
    if asked.comparison is Comparison.MATCHES:
        matched: ColumnElement[bool] = column.regexp_match(f"^(?:{asked.values[0]})$")
        return matched
    alternatives = []
    for value in asked.values:
        if "*" in value:
            pattern = "%".join(escaped(part) for part in value.split("*"))
            alternatives.append(column.ilike(pattern, escape="\\"))
        else:
            alternatives.append(func.lower(column) == value.lower())
    return or_(*alternatives)


def escaped(part: str) -> str:
    """As a pattern has it, so that it stands for itself."""
    return re.sub(r"([\\%_])", r"\\\1", part)
