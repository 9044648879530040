"""The board of tenants, for whoever looks after several: how each stands, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from tocsin.model import Severity
from tocsin.resources.fields import Id, Output, Time
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, decode_cursor, encode_cursor
from tocsin.store.queries.health import SourceHeard
from tocsin.store.queries.tenant_board import (
    FAILED_WITHIN,
    MOST_LIVE,
    MOST_TENANTS,
    TenantDetails,
    TenantRow,
    details_of_tenants,
    sources_of_tenants,
    tenant_rows,
)

_LIST: Final = "tenant-board"


class OldestOpenOut(Output):
    alert_id: Id
    title: str
    severity: Severity
    triggered_at: Time


class TenantStanding(Output):
    tenant_id: Id
    slug: str
    name: str
    live: Annotated[
        dict[Severity, int],
        Field(description=f"Live alerts, counted up to {MOST_LIVE:,}, the worst first"),
    ]
    has_more: Annotated[bool, Field(description="It has more than were counted")]
    oldest_open: Annotated[
        OldestOpenOut | None, Field(description="The alert that nobody has had for longest")
    ]
    held_by: Annotated[
        list[str], Field(description="Who has acknowledged some of its worst alerts")
    ]
    last_heard_at: Annotated[
        Time | None,
        Field(description="Of its integrations' newest webhook and its newest live alert"),
    ]
    silent_sources: Annotated[
        list[str], Field(description="Integrations that have been silent for longer than usual")
    ]
    missed_heartbeats: int
    failed_messages: Annotated[
        int,
        Field(description=f"Messages given up in the last {FAILED_WITHIN.days * 24} hours"),
    ]
    stuck_messages: Annotated[
        int, Field(description="Messages that wait for a destination that fails")
    ]


class TenantBoardOut(Output):
    items: list[TenantStanding]
    next_cursor: Annotated[
        str | None,
        Field(
            description="Pass it on as cursor for what follows; null at the end. The order may change "
            "between pages"
        ),
    ]
    count: Annotated[int, Field(description="Of the tenants that were asked for")]
    critical: Annotated[int, Field(description="So many have a critical alert")]
    troubled: Annotated[
        int, Field(description="So many have a live alert, or something that does not work")
    ]
    is_cut: Annotated[
        bool,
        Field(description=f"Only the first {MOST_TENANTS:,} by name were looked at: ask for some"),
    ]


@dataclass(frozen=True, slots=True)
class RankedTenant:
    """A tenant with its silent integrations, and when one of its integrations was heard last."""

    row: TenantRow
    silent: tuple[str, ...]
    heard_at: datetime | None

    @property
    def troubles(self) -> int:
        """How many kinds of things do not work."""
        row = self.row
        kinds = (self.silent, row.missed_heartbeats, row.failed_messages, row.stuck_messages)
        return sum(map(bool, kinds))

    @property
    def is_quiet(self) -> bool:
        return not self.troubles and not any(self.row.live.values())

    @property
    def rank(self) -> tuple[object, ...]:
        """The worst first: what is critical or high, what does not work, then all else."""
        worst = [self.row.live[each] for each in Severity]
        return (
            *(-number for number in worst[:2]),
            -self.troubles,
            *(-number for number in worst[2:]),
            self.row.name.lower(),
            self.row.id,
        )


async def look(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    now: datetime,
    *,
    q: str | None = None,
) -> TenantBoardOut:
    """A page of the board.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    after = None if request.cursor is None else decode_cursor(_LIST, request.cursor)
    rows = await tenant_rows(session, workspace_id, now, q=q)
    sources = await sources_of_tenants(session, workspace_id, now)
    standings = ranked([standing(row, sources.get(row.id, ()), now) for row in rows[:MOST_TENANTS]])
    begin = begins_after(standings, after)
    shown = standings[begin : begin + request.limit]
    details = await details_of_tenants(session, [each.row.id for each in shown])
    has_next = begin + request.limit < len(standings)
    return TenantBoardOut(
        items=[_shown(each, details[each.row.id]) for each in shown],
        next_cursor=encode_cursor(_LIST, shown[-1].row.id) if has_next else None,
        count=len(standings),
        critical=sum(each.row.live[Severity.CRITICAL] > 0 for each in standings),
        troubled=sum(not each.is_quiet for each in standings),
        is_cut=len(rows) > MOST_TENANTS,
    )


def standing(row: TenantRow, sources: Sequence[SourceHeard], now: datetime) -> RankedTenant:
    silent = tuple(each.name for each in sources if each.is_silent(now))
    heard = max((each.last_at for each in sources if each.last_at), default=None)
    return RankedTenant(row, silent, heard)


def ranked(standings: Sequence[RankedTenant]) -> list[RankedTenant]:
    return sorted(standings, key=lambda each: each.rank)


def begins_after(standings: Sequence[RankedTenant], last: UUID | None) -> int:
    """Where a page goes on; at the beginning if its last tenant is not there any more."""
    ids = [each.row.id for each in standings]
    return ids.index(last) + 1 if last in ids else 0


def _shown(each: RankedTenant, details: TenantDetails) -> TenantStanding:
    row, oldest = each.row, details.oldest_open
    times = [at for at in (each.heard_at, details.newest_at) if at is not None]
    return TenantStanding(
        tenant_id=row.id,
        slug=row.slug,
        name=row.name,
        live=dict(row.live),
        has_more=row.has_more,
        oldest_open=None if oldest is None else OldestOpenOut.model_validate(oldest),
        held_by=sorted(details.holders),
        last_heard_at=max(times, default=None),
        silent_sources=list(each.silent),
        missed_heartbeats=row.missed_heartbeats,
        failed_messages=row.failed_messages,
        stuck_messages=row.stuck_messages,
    )
