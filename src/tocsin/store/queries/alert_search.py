"""Which alerts can have the words and labels that are asked for, by the index of words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    cast,
    func,
    or_,
    select,
    tablesample,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_conditions import conditions, escaped
from tocsin.store.tables import Alert, AlertSearch, AlertSearchState, Tenant

INDEX: Final = "ix_alert_search_words_live"
MOST_FOUND: Final = 10_000
"""What more alerts have is found sooner by reading the list."""
MOST_UNCOPIED: Final = 5_000
"""Newer alerts than the copy has are read whole, so many at most."""
_SAMPLED = 500

# All copies of live alerts in the order of an index look cheap to the planner, which takes a comparison
# of long texts for one of numbers: three times as long where one in twenty has what is looked for.
BY_TRIGRAMS = text("SET LOCAL enable_indexscan = off")
AS_USUAL = text("SET LOCAL enable_indexscan = DEFAULT")

_TRIGRAM = re.compile(r"[^\W_]{3}")


async def narrowed(
    session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter
) -> AlertFilter:
    """The same, of the alerts that are meant (`ids`, in the order of the list), where the index of words
    finds them, or where each is to be asked who has it: once, and not again for every number on a page.
    The index may be some seconds behind: what it finds is asked again, newer alerts are read whole.
    """
    if wanted.faults or wanted.ids is not None:
        return wanted
    wanted = await _of_tenant(session, workspace_id, wanted)
    asked = _patterns(wanted)
    if not asked:
        return await _owned(session, workspace_id, wanted) if wanted.names_owner else wanted
    through = await session.scalar(
        select(AlertSearchState.copied_through).where(func.to_regclass(INDEX).is_not(None))
    )
    if through is None:
        return wanted
    newer = select(Alert.id).where(Alert.workspace_id == workspace_id, Alert.id > through)
    uncopied = select(func.count()).select_from(newer.limit(MOST_UNCOPIED + 1).subquery())
    if (await session.scalar(uncopied) or 0) > MOST_UNCOPIED:
        return wanted
    if await _is_frequent(session, asked, only_live=wanted.is_of_live):
        return replace(wanted, is_frequent=True)
    await session.execute(BY_TRIGRAMS)
    number, ids = (await session.execute(meant(workspace_id, wanted, asked, newer))).one()
    await session.execute(AS_USUAL)
    if number > MOST_FOUND:
        return replace(wanted, is_frequent=True)
    return AlertFilter(wanted.statuses, ids=tuple(ids.strip("{}").split(",")) if ids else ())


async def _of_tenant(
    session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter
) -> AlertFilter:
    """The same with the tenant's id in place of its name, by which an index has its alerts."""
    named = wanted.named_tenant
    if named is None:
        return wanted
    called = func.lower(named.values[0])
    ids = await session.scalars(
        select(Tenant.id)
        .where(
            Tenant.workspace_id == workspace_id,
            or_(func.lower(Tenant.slug) == called, func.lower(Tenant.name) == called),
        )
        .limit(2)
    )
    found = ids.all()
    if len(found) != 1:
        return wanted
    others = tuple(each for each in wanted.conditions if each is not named)
    return replace(wanted, conditions=others, tenant_id=found[0])


async def _owned(session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter) -> AlertFilter:
    order = [Alert.severity, Alert.id.desc()] if wanted.is_of_live else [Alert.id.desc()]
    listed = select(Alert.id).where(*conditions(workspace_id, wanted)).order_by(*order)
    ids = (await session.scalars(listed.limit(MOST_FOUND + 1))).all()
    if len(ids) > MOST_FOUND:
        return replace(wanted, is_frequent=True)
    return AlertFilter(wanted.statuses, ids=tuple(str(each) for each in ids))


async def _is_frequent(
    session: DatabaseSession, asked: Sequence[Sequence[str]], *, only_live: bool
) -> bool:
    """Whether many of a few alerts have it: an index reads long before it knows that nearly all do."""
    statement = select(AlertSearch.words)
    if only_live:
        few = statement.where(AlertSearch.is_live).order_by(AlertSearch.alert_id.desc())
        sample = few.limit(_SAMPLED).subquery()
    else:
        part = aliased(AlertSearch, tablesample(AlertSearch, func.system(0.05)))
        sample = select(part.words).limit(_SAMPLED).subquery()
    having = select(func.count()).select_from(sample).where(_like(sample.c.words, asked))
    return (await session.scalar(having) or 0) > _SAMPLED // 5


def meant(
    workspace_id: UUID,
    wanted: AlertFilter,
    asked: Sequence[Sequence[str]],
    newer: Select[UUID],
) -> Select[int, str]:
    """How many the index finds, and the ids of those that are meant, unless it finds too many."""
    found = having(workspace_id, asked, only_live=wanted.is_of_live).cte("found")
    number = select(func.count()).select_from(found).scalar_subquery()
    either = union_all(select(found.c.alert_id), newer).subquery()
    order = [Alert.severity, Alert.id.desc()] if wanted.is_of_live else [Alert.id.desc()]
    ids = func.array_agg(aggregate_order_by(Alert.id, *order))
    return select(number, cast(ids, Text)).where(
        # As an array: each is looked up, whatever the planner makes of their number.
        Alert.id == any_(func.array(select(either.c.alert_id).scalar_subquery())),
        number <= MOST_FOUND,
        *conditions(workspace_id, wanted),
    )


def having(workspace_id: UUID, asked: Sequence[Sequence[str]], *, only_live: bool) -> Select[UUID]:
    """Ids of alerts whose words are like one of each of the patterns."""
    has = _like(AlertSearch.words.expression, asked)
    of_live, of_over = (
        select(AlertSearch.alert_id)
        .where(has, AlertSearch.workspace_id == workspace_id, part)
        .limit(MOST_FOUND + 1)
        for part in (AlertSearch.is_live, ~AlertSearch.is_live)
    )
    if only_live:
        return of_live
    both = union_all(select(of_live.subquery()), select(of_over.subquery())).subquery()
    return select(both.c.alert_id).limit(MOST_FOUND + 1)


def _like(words: ColumnElement[str], asked: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    return and_(
        *(
            or_(*(words.like(func.lower(each), escape="\\") for each in alternatives))
            for alternatives in asked
        )
    )


def _patterns(wanted: AlertFilter) -> list[list[str]]:
    """For each word and each text that is asked for, what the copy must be like; none for what has no
    three letters in a row, which no index finds."""
    asked = [[f"%{escaped(word)}%"] for word in wanted.words]
    asked += [
        [_pattern(each, value) for value in each.values]
        for each in wanted.conditions
        if _is_in_words(each)
    ]
    return [each for each in asked if all(_TRIGRAM.search(pattern) for pattern in each)]


def _is_in_words(asked: TextCondition) -> bool:
    if asked.negated or asked.comparison is not Comparison.IS:
        return False
    # What is left out or empty has no line of its own, and anything may be like `*`.
    says_something = all(value.strip("*") for value in asked.values)
    return says_something and (asked.is_label or asked.name in ("title", "source"))


def _pattern(asked: TextCondition, value: str) -> str:
    like = "%".join(escaped(part) for part in value.split("*"))
    name = f"{escaped(asked.name)}=" if asked.is_label else ""
    return f"%\n{name}{like}\n%"
