"""Notification rules: by which of their contact methods a person is paged, and how soon after the page
began; one list for each urgency. What they mean is decided in `oncall/contacts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, RootModel

from tocsin.access.api_keys import Principal
from tocsin.model import Urgency, uuid7
from tocsin.resources import recording
from tocsin.resources.contact_methods import KIND_NAME
from tocsin.resources.errors import MissingReference
from tocsin.resources.fields import Id, Input, Output, Whole
from tocsin.resources.members import member, require_manager
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.contact_methods import contact_method_ids
from tocsin.store.queries.notification_rules import replace_rules, rules_of
from tocsin.store.tables import NotificationRule

_CONTACT_METHOD = "0199b4a2-0000-7000-8000-0000000000c5"
MOST = 50
_EXAMPLE: list[Any] = [
    {"urgency": urgency, "delay_seconds": delay, "contact_method_id": _CONTACT_METHOD}
    for urgency, delay in (("high", 0), ("high", 300), ("low", 600))
]
LONGEST_DELAY = 86_400


class NotificationRuleIn(Input):
    urgency: Annotated[
        Urgency, Field(description="`high`: CRITICAL and HIGH; `low`: MEDIUM and below")
    ]
    delay_seconds: Annotated[
        int,
        Field(strict=True, ge=0, le=LONGEST_DELAY, description="After the page began"),
        Whole,
    ] = 0
    contact_method_id: Id
    says_end: Annotated[
        bool | None,
        Field(
            strict=True,
            description="Whether it also says that what it paged about is over; null: yes, but not by "
            "sms. Calls never do",
        ),
    ] = None


class NotificationRulesIn(RootModel[list[NotificationRuleIn]]):
    root: Annotated[list[NotificationRuleIn], Field(max_length=MOST)]

    model_config = {"json_schema_extra": {"examples": [_EXAMPLE]}}


class NotificationRuleOut(Output):
    urgency: Urgency
    delay_seconds: int
    contact_method_id: Id
    says_end: bool | None


class NotificationRulesOut(Output):
    items: Annotated[
        list[NotificationRuleOut],
        Field(description="None of an urgency: all verified contact methods are paged at once"),
    ]


def shown(rows: Sequence[NotificationRule]) -> NotificationRulesOut:
    return NotificationRulesOut(items=[NotificationRuleOut.model_validate(row) for row in rows])


async def read(
    session: DatabaseSession, caller: Principal, user_id: UUID
) -> Sequence[NotificationRule]:
    await member(session, caller, user_id)
    return await rules_of(session, caller.workspace_id, user_id)


async def replace(
    session: DatabaseSession,
    caller: Principal,
    user_id: UUID,
    body: NotificationRulesIn,
    now: datetime,
) -> Sequence[NotificationRule]:
    """Puts the list in the place of the one there was.

    Raises:
        NotInWorkspace: there is no such person.
        NotPermitted: the caller is neither they nor an admin.
        MissingReference: a contact method is not theirs.
    """
    before = _document(await read(session, caller, user_id))
    require_manager(caller, user_id)
    theirs = set(await contact_method_ids(session, caller.workspace_id, user_id))
    for index, rule in enumerate(body.root):
        if rule.contact_method_id not in theirs:
            raise MissingReference(KIND_NAME, f"/{index}/contact_method_id")
    positions = {urgency: count() for urgency in Urgency}
    rows = [
        NotificationRule(
            id=uuid7(),
            workspace_id=caller.workspace_id,
            user_id=user_id,
            urgency=rule.urgency.value,
            position=next(positions[rule.urgency]),
            delay_seconds=rule.delay_seconds,
            contact_method_id=rule.contact_method_id,
            says_end=rule.says_end,
            created_at=now,
        )
        for rule in body.root
    ]
    await replace_rules(session, caller.workspace_id, user_id, rows)
    stored = await rules_of(session, caller.workspace_id, user_id)
    after = _document(stored)
    if after != before:
        recording.record(
            session,
            caller,
            "updated",
            "notification_rules",
            user_id,
            now,
            before={"rules": before},
            after={"rules": after},
        )
    return stored


def _document(rows: Sequence[NotificationRule]) -> list[Any]:
    return [NotificationRuleOut.model_validate(row).document() for row in rows]
