"""How the tenants of a workspace stand: what is live of each, and what does not work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from tocsin.model import Severity
from tocsin.model.ids import uuid7_at_least
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_conditions import escaped
from tocsin.store.queries.health import LOOKED_AT, QUIET_LEAST, SourceHeard
from tocsin.store.statements import statement

MOST_TENANTS: Final = 2_000
MOST_LIVE: Final = 1_000
"""Live alerts of each tenant are counted up to here, the worst first."""
MOST_SOURCES: Final = 5_000
MOST_MESSAGES: Final = 10_000
FAILED_WITHIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TenantRow:
    """`live`: by severity. `failed_messages` were given up in the last day, `stuck_messages` wait for a
    destination that fails."""

    id: UUID
    slug: str
    name: str
    live: Mapping[Severity, int]
    missed_heartbeats: int
    failed_messages: int
    stuck_messages: int

    @property
    def has_more(self) -> bool:
        """Whether it has more live alerts than were counted."""
        return sum(self.live.values()) > MOST_LIVE


@dataclass(frozen=True, slots=True)
class OldestOpen:
    """The alert that nobody has had for longest."""

    alert_id: UUID
    title: str
    severity: Severity
    triggered_at: datetime


@dataclass(frozen=True, slots=True)
class TenantDetails:
    """`newest_at`: when the newest live alert came. `holders`: who has some of the worst."""

    oldest_open: OldestOpen | None
    newest_at: datetime | None
    holders: tuple[str, ...]


async def tenant_rows(
    session: DatabaseSession, workspace_id: UUID, now: datetime, *, q: str | None = None
) -> list[TenantRow]:
    """Those whose name or slug has `q` in it, by name; one more than `MOST_TENANTS` at most."""
    rows = await _ask(
        session,
        "tenant_board",
        {
            "workspace_id": workspace_id,
            "pattern": None if q is None else f"%{escaped(q)}%",
            "since": uuid7_at_least(now - FAILED_WITHIN),
            "most_tenants": MOST_TENANTS + 1,
            "most_live": MOST_LIVE + 1,
            "most_messages": MOST_MESSAGES,
        },
    )
    return [
        TenantRow(
            row["id"],
            row["slug"],
            row["name"],
            dict(zip(Severity, row["counts"], strict=True)),
            row["missed_heartbeats"],
            row["failed_messages"],
            row["stuck_messages"],
        )
        for row in rows
    ]


async def sources_of_tenants(
    session: DatabaseSession, workspace_id: UUID, now: datetime
) -> Mapping[UUID, Sequence[SourceHeard]]:
    """The active integrations of each tenant, by name. How often one uses to be heard is only known of
    those that may be silent."""
    rows = await _ask(
        session,
        "tenant_sources",
        {
            "workspace_id": workspace_id,
            "heard_before": now - QUIET_LEAST,
            "looked_at": LOOKED_AT,
            "most_sources": MOST_SOURCES,
        },
    )
    found: dict[UUID, list[SourceHeard]] = {}
    for row in rows:
        gap = row["usual_gap"] if row["number"] > 4 else None
        source = SourceHeard(row["id"], row["name"], row["last_at"], gap)
        found.setdefault(row["tenant_id"], []).append(source)
    return found


async def details_of_tenants(
    session: DatabaseSession, ids: Sequence[UUID]
) -> Mapping[UUID, TenantDetails]:
    found = {}
    for row in await _ask(session, "tenant_details", {"ids": list(ids)}):
        oldest = None
        if row["alert_id"] is not None:
            oldest = OldestOpen(
                row["alert_id"], row["title"], Severity(row["severity"]), row["triggered_at"]
            )
        found[row["tenant_id"]] = TenantDetails(oldest, row["newest_at"], tuple(row["names"] or ()))
    return found


async def _ask(
    session: DatabaseSession, name: str, values: dict[str, Any]
) -> Sequence[Mapping[str, Any]]:
    connection = await session.connection()
    found = await connection.exec_driver_sql(statement(name).decode(), values)
    return [dict(row) for row in found.mappings()]
