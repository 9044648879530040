"""Saved views: filters of the list of alerts with a name, a person's own or everybody's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from tocsin.access.api_keys import Principal
from tocsin.model import Fault, Role, uuid7
from tocsin.resources import recording
from tocsin.resources.alert_query import LONGEST, read_query
from tocsin.resources.errors import InvalidRequest, NotInWorkspace, NotPermitted
from tocsin.resources.fields import NO_NUL, Id, Input, Name, Output, Time, example, left_out
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_counts import Count, count_alerts
from tocsin.store.queries.alert_search import narrowed
from tocsin.store.queries.saved_views import count_views, find_view
from tocsin.store.tables import SavedView

MOST_OWN = 50
MOST_SHARED = 100

Query = Annotated[str, StringConstraints(strict=True, max_length=LONGEST, pattern=NO_NUL)]
GroupBy = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=60, pattern=NO_NUL)
]


class SavedViewIn(Input):
    name: Name
    query: Annotated[Query, Field(description="As in the query bar of the list of alerts")]
    group_by: Annotated[GroupBy | None, Field(description="A label; null: flat")] = None
    is_shared: Annotated[
        bool, Field(description="Everybody's in the workspace, which takes a responder")
    ] = False

    model_config = example(
        {"name": "Critical databases", "query": "severity:critical host:db*", "is_shared": True}
    )


class SavedViewPatch(Input):
    name: Name = left_out()
    query: Query = left_out()
    group_by: GroupBy | None = left_out()

    model_config = example({"query": "severity:critical,high host:db*"})


class SavedViewOut(Output):
    id: Id
    workspace_id: Id
    user_id: Annotated[Id | None, Field(description="Whose it is; null: everybody's")]
    name: str
    query: str
    group_by: str | None
    created_at: Time


class SavedViewDetailOut(SavedViewOut):
    count: Annotated[int, Field(description="Alerts in it now, counted up to a bound")]
    has_more: Annotated[bool, Field(description="There are more than `count`")]


def show(row: SavedView) -> SavedViewOut:
    return SavedViewOut.model_validate(row)


KIND = recording.Kind("saved_view", lambda row: show(row).document())


async def count(session: DatabaseSession, workspace_id: UUID, query: str, now: datetime) -> Count:
    """How many alerts a view has now; none where it cannot be read."""
    wanted = read_query(query, now)
    if wanted.faults:
        return Count(0)
    return await count_alerts(session, workspace_id, await narrowed(session, workspace_id, wanted))


async def detail(session: DatabaseSession, row: SavedView, now: datetime) -> SavedViewDetailOut:
    counted = await count(session, row.workspace_id, row.query, now)
    return SavedViewDetailOut(
        **dict(show(row)),
        count=min(counted.number, counted.most),
        has_more=counted.number > counted.most,
    )


async def visible(session: DatabaseSession, caller: Principal, view_id: UUID) -> SavedView:
    """Their own, or everybody's.

    Raises:
        NotInWorkspace: there is none.
    """
    row = await find_view(session, caller.workspace_id, caller.user_id, view_id)
    if row is None:
        raise NotInWorkspace(workspace_rows.called(SavedView))
    return row


async def create(
    session: DatabaseSession, caller: Principal, body: SavedViewIn, now: datetime
) -> SavedView:
    """Keeps it, as the caller's own or as everybody's.

    Raises:
        InvalidRequest: the query cannot be read, there are too many, or it would be nobody's.
        NotPermitted: it would be everybody's, and the caller only looks.
    """
    if not body.is_shared and caller.user_id is None:
        message = "this key is nobody's, so its views are everybody's: set is_shared"
        raise InvalidRequest([Fault("/is_shared", "owner", message)])
    owner = None if body.is_shared else caller.user_id
    _permit(caller, owner)
    _check(body.query, now)
    most = MOST_SHARED if owner is None else MOST_OWN
    if await count_views(session, caller.workspace_id, owner) >= most:
        whose = "a workspace" if owner is None else "one person"
        message = f"{whose} has at most {most} saved views; delete one first"
        raise InvalidRequest([Fault("", "too_many", message)])
    row = SavedView(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        user_id=owner,
        name=body.name,
        query=body.query,
        group_by=body.group_by,
        created_at=now,
    )
    await recording.create(session, caller, KIND, row, now)
    return row


async def update(
    session: DatabaseSession, caller: Principal, view_id: UUID, body: SavedViewPatch, now: datetime
) -> SavedView:
    row = await visible(session, caller, view_id)
    _permit(caller, row.user_id)
    values: dict[str, Any] = body.given()
    if "query" in values:
        _check(values["query"], now)
    async with recording.changing(session, caller, KIND, row, now):
        recording.assign(row, values)
    return row


async def delete(
    session: DatabaseSession, caller: Principal, view_id: UUID, now: datetime
) -> SavedView:
    """What was deleted."""
    row = await visible(session, caller, view_id)
    _permit(caller, row.user_id)
    await recording.delete(session, caller, KIND, row, now)
    return row


def _permit(caller: Principal, owner: UUID | None) -> None:
    if owner is None and not caller.role.includes(Role.RESPONDER):
        raise NotPermitted("a view of everybody's takes the role responder")


def _check(query: str, now: datetime) -> None:
    if faults := read_query(query, now).faults:
        raise InvalidRequest([Fault("/query", "query", each) for each in faults])
