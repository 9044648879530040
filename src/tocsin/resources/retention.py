"""How long history is kept, how much of it there is, and what goes next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.model import KeptHistory, Role
from tocsin.model.figures import Certainty, Figure
from tocsin.resources.fields import Output, Time
from tocsin.resources.workspaces import is_of_installation
from tocsin.settings import Settings
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.retention_figures import (
    HistoryFigures,
    figures_of_installation,
    figures_of_workspace,
)
from tocsin.store.queries.retention_passes import RetentionPass, newest_passes

MOST_DAYS: Final = 36_500


class FigureOut(Output):
    """Counted up to a bound; beyond it as the database's statistics have it."""

    number: int
    certainty: Annotated[
        Certainty,
        Field(description="`more`: there are more than that, and nobody has counted how many"),
    ]


class KeptHistoryOut(Output):
    """History of one table."""

    table: str
    kind: Annotated[KeptHistory, Field(description="By which it is kept: one setting per kind")]
    days: Annotated[int, Field(description="For how many days it is kept")]
    set_by: Annotated[str | None, Field(description="Where that was set; null: it is the default")]
    rows: FigureOut
    oldest_at: Annotated[Time | None, Field(description="Of the oldest row that is left")]
    due: Annotated[
        FigureOut | None,
        Field(
            description="What the next pass deletes, and with `days` what it would; null: its rows go "
            "with what they belong to"
        ),
    ]
    last_pass_at: Annotated[
        Time | None, Field(description="When the newest pass over its kind began")
    ]


class WholeTableOut(KeptHistoryOut):
    """A table with the history of all workspaces."""

    size: Annotated[int, Field(description="On disk, with its indexes, in bytes")]
    is_under_way: Annotated[
        bool, Field(description="That pass has not ended: it is at work, or was broken off")
    ]
    deleted: Annotated[
        int | None, Field(description="Rows of its kind that the newest pass which ended deleted")
    ]
    last_deleted_at: Annotated[
        Time | None, Field(description="When a pass last found any of its kind to delete")
    ]
    last_deleted: Annotated[int | None, Field(description="How many that were")]


class RetentionOut(Output):
    tried_days: Annotated[
        int | None, Field(description="`due` is of this many days, for every kind; null: as is")
    ]
    items: Annotated[list[KeptHistoryOut], Field(description="What this workspace has")]
    installation: Annotated[
        list[WholeTableOut] | None,
        Field(
            description="What all workspaces have together; null for all but admins of `default`"
        ),
    ]


async def look(
    session: DatabaseSession,
    caller: Principal,
    settings: Settings,
    now: datetime,
    tried_days: int | None = None,
) -> RetentionOut:
    """Of the caller's workspace; for an admin of `default` also of the installation."""
    before = bounds(settings.retention, now, tried_days)
    passes = await newest_passes(session)
    own = await figures_of_workspace(session, caller.workspace_id, before)
    whole = None
    if caller.role is Role.ADMIN and await is_of_installation(session, caller):
        whole = await figures_of_installation(session, before)
    return RetentionOut(
        tried_days=tried_days,
        items=[_own(each, settings, passes.get(each.kind)) for each in own],
        installation=None
        if whole is None
        else [_whole(each, settings, passes.get(each.kind)) for each in whole],
    )


def bounds(
    days: Mapping[KeptHistory, int], now: datetime, tried_days: int | None
) -> dict[KeptHistory, datetime]:
    """What is older than this goes, of each kind."""
    return {
        kind: now - timedelta(days=kept if tried_days is None else tried_days)
        for kind, kept in days.items()
    }


def _own(each: HistoryFigures, settings: Settings, last: RetentionPass | None) -> KeptHistoryOut:
    return KeptHistoryOut(
        table=each.table,
        kind=each.kind,
        days=settings.retention[each.kind],
        set_by=settings.retention_origins[each.kind],
        rows=_figure(each.rows),
        oldest_at=each.oldest_at,
        due=None if each.due is None else _figure(each.due),
        last_pass_at=None if last is None else last.began_at,
    )


def _whole(each: HistoryFigures, settings: Settings, last: RetentionPass | None) -> WholeTableOut:
    return WholeTableOut(
        **_own(each, settings, last).model_dump(),
        size=each.size or 0,
        is_under_way=last is not None and last.ended_at is None,
        deleted=None if last is None else last.deleted,
        last_deleted_at=None if last is None else last.last_deleted_at,
        last_deleted=None if last is None or last.last_deleted_at is None else last.last_deleted,
    )


def _figure(each: Figure) -> FigureOut:
    return FigureOut(number=each.number, certainty=each.certainty)
