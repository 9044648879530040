"""Inhibition rules: which alerts hold which others while they are live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.model import Fault, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import (
    NO_NUL,
    Flag,
    Id,
    Input,
    JsonObject,
    Name,
    Output,
    Time,
    Whole,
    example,
    left_out,
    unique,
)
from tocsin.resources.owned import owned
from tocsin.resources.rules import Matchers
from tocsin.routing.inhibition import InhibitionRule
from tocsin.routing.inhibition_circles import circle_through
from tocsin.routing.validation import LABEL_LIMIT, validate_matchers
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.inhibition_rules import enabled_rules
from tocsin.store.tables import StoredInhibitionRule

MOST_SECONDS = 24 * 3600
MOST_EQUAL = 20

_DEFINING = frozenset({"is_enabled", "source_matchers", "target_matchers", "equal"})
"""What says who the sources and the targets are."""

Seconds = Annotated[int, Field(strict=True, ge=0, le=MOST_SECONDS), Whole]
LabelName = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=LABEL_LIMIT, pattern=NO_NUL)
]
EqualLabels = Annotated[
    list[LabelName],
    Field(
        max_length=MOST_EQUAL,
        description="Labels that both have, with the same value; the tenant is always the same",
        json_schema_extra={"uniqueItems": True},
    ),
    AfterValidator(unique),
]
Asking = Annotated[Matchers, Field(min_length=1)]
Delay = Annotated[
    Seconds,
    Field(description="So long a trigger waits for a source to come after it; CRITICAL never does"),
]
Grace = Annotated[
    Seconds, Field(description="So long after the last source has ended targets are still held")
]


class InhibitionRuleOut(Output):
    id: Id
    workspace_id: Id
    name: str
    is_enabled: bool
    source_matchers: list[JsonObject]
    target_matchers: list[JsonObject]
    equal: list[str]
    delay_seconds: int
    grace_seconds: int
    created_at: Time
    updated_at: Time


class InhibitionRuleIn(Input):
    name: Name
    is_enabled: Flag = True
    source_matchers: Asking
    target_matchers: Asking
    equal: Annotated[EqualLabels, Field(default_factory=list)]
    delay_seconds: Delay = 30
    grace_seconds: Grace = 60

    model_config = example(
        {
            "name": "A host that is down",
            "source_matchers": [{"label": "check", "op": "=", "value": "host"}],
            "target_matchers": [{"label": "check", "op": "=~", "value": "disk|cpu|http"}],
            "equal": ["host"],
        }
    )


class InhibitionRulePatch(Input):
    name: Name = left_out()
    is_enabled: Flag = left_out()
    source_matchers: Asking = left_out()
    target_matchers: Asking = left_out()
    equal: EqualLabels = left_out()
    delay_seconds: Delay = left_out()
    grace_seconds: Grace = left_out()

    model_config = example({"delay_seconds": 60})


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    for name in ("source_matchers", "target_matchers"):
        if name in values:
            values[name] = [matcher.model_dump() for matcher in values[name]]
    return values


def _document(row: StoredInhibitionRule) -> Mapping[str, Any]:
    return InhibitionRuleOut.model_validate(row).document()


_KIND = recording.Kind("inhibition_rule", _document)


def routed(row: StoredInhibitionRule) -> InhibitionRule:
    """As routing sees it."""
    columns = StoredInhibitionRule.__table__.columns
    return InhibitionRule.from_row({column.name: getattr(row, column.name) for column in columns})


def _check_matchers(row: StoredInhibitionRule) -> None:
    """Raises InvalidRequest: they cannot be used, or ask for nothing."""
    faults = [
        *validate_matchers(row.source_matchers, "/source_matchers", required=True),
        *validate_matchers(row.target_matchers, "/target_matchers", required=True),
    ]
    if faults:
        raise InvalidRequest(faults)


async def _check(session: DatabaseSession, row: StoredInhibitionRule) -> None:
    _check_matchers(row)
    if not row.is_enabled:
        return
    others = [routed(each) for each in await enabled_rules(session, row.workspace_id, row.id)]
    circle = circle_through(routed(row), others)
    if circle is not None:
        names = " → ".join(f"“{rule.name}”" for rule in (*circle, circle[0]))
        words = f"what these rules hold back holds back what holds them: {names}"
        raise InvalidRequest([Fault("/target_matchers", "circle", words)])


def make(caller: Principal, body: InhibitionRuleIn, now: datetime) -> StoredInhibitionRule:
    """A rule as it is asked for, yet to be stored.

    Raises:
        InvalidRequest: its matchers cannot be used.
    """
    names = InhibitionRuleIn.model_fields
    row = StoredInhibitionRule(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        defined_at=now,
        created_at=now,
        updated_at=now,
        **_columns({name: getattr(body, name) for name in names}),
    )
    _check_matchers(row)
    return row


async def create(
    session: DatabaseSession, caller: Principal, row: StoredInhibitionRule, now: datetime
) -> None:
    """Stores a rule that `make` made.

    Raises:
        InvalidRequest: with others it makes a circle.
        NameTaken: another has its name.
    """
    await _check(session, row)
    await recording.create(session, caller, _KIND, row, now)


async def update(
    session: DatabaseSession,
    caller: Principal,
    rule_id: UUID,
    body: InhibitionRulePatch,
    now: datetime,
) -> StoredInhibitionRule:
    values = _columns(body.given())
    row = await owned(session, StoredInhibitionRule, caller, rule_id)
    async with recording.changing(session, caller, _KIND, row, now):
        if any(getattr(row, name) != values[name] for name in _DEFINING & values.keys()):
            row.defined_at = now
        recording.assign(row, values)
        with session.no_autoflush:
            await _check(session, row)
    return row


async def delete(session: DatabaseSession, caller: Principal, rule_id: UUID, now: datetime) -> None:
    row = await owned(session, StoredInhibitionRule, caller, rule_id)
    await recording.delete(session, caller, _KIND, row, now)
