"""What a form offers to name: the first few of a workspace, and always what is named already, so that
nothing is lost by saving a form that could not show it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.destinations import names_of_destinations, page_of_destinations
from tocsin.store.queries.escalation_policies import page_of_policies
from tocsin.store.queries.tenants import names_of_tenants, page_of_tenants
from tocsin.store.tables import AlertDestination, StoredPolicy

MOST = 200


@dataclass(frozen=True, slots=True)
class Choice:
    id: str
    name: str
    note: str = ""


async def destination_choices(
    session: DatabaseSession, workspace_id: UUID, named: Collection[str]
) -> list[Choice]:
    """By name."""
    found = await page_of_destinations(
        session, workspace_id, PageRequest(MOST), type=None, is_enabled=None
    )
    offered = [Choice(str(each.id), each.name, each.type) for each in found.rows]
    # Not by name alone: somebody's contact method has one, too, and is nobody else's to see.
    missing = await workspace_rows.known_ids(
        session, AlertDestination, workspace_id, _missing(named, offered)
    )
    return _sorted(offered, await names_of_destinations(session, workspace_id, missing))


async def tenant_choices(
    session: DatabaseSession, workspace_id: UUID, named: Collection[str]
) -> list[Choice]:
    """By name."""
    found = await page_of_tenants(session, workspace_id, PageRequest(MOST))
    offered = [Choice(str(each.id), each.name, each.slug) for each in found.rows]
    missing = _missing(named, offered)
    return _sorted(offered, await names_of_tenants(session, workspace_id, missing))


async def policy_choices(session: DatabaseSession, workspace_id: UUID, named: str) -> list[Choice]:
    """By name."""
    found = await page_of_policies(session, workspace_id, PageRequest(MOST))
    offered = [Choice(str(each.id), each.name) for each in found.rows]
    more = {}
    for policy_id in _missing([named], offered):
        row = await workspace_rows.find(session, StoredPolicy, workspace_id, policy_id)
        if row is not None:
            more[row.id] = row.name
    return _sorted(offered, more)


def _missing(named: Collection[str], offered: Iterable[Choice]) -> list[UUID]:
    known = {each.id for each in offered}
    missing = []
    for each in named:
        try:
            missing.append(UUID(each))
        except ValueError:
            continue
    return [each for each in missing if str(each) not in known]


def _sorted(offered: Iterable[Choice], named: Mapping[UUID, str]) -> list[Choice]:
    more = (Choice(str(id), name) for id, name in named.items())
    return sorted((*offered, *more), key=lambda each: each.name.lower())
