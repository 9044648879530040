"""What decides about alerts: workspaces, tenants, integrations and rules, kept in memory.

A directory has a version. Every change of configuration raises it inside its own transaction, and
every transaction on alerts reads it under a shared lock: a node whose directory is old notices
before it writes, and decides again. The notification only saves that surprise most of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import structlog

from tocsin.alerts.on_call_book import OnCallBook
from tocsin.alerts.people import person_of
from tocsin.message import Named
from tocsin.model import Actor, ActorKind, Severity
from tocsin.oncall.policy_shapes import Policy
from tocsin.routing.bindings import Binding
from tocsin.routing.flapping import FlappingNumbers
from tocsin.routing.rules import (
    DestinationRef,
    InhibitionRule,
    MaintenanceWindow,
    RoutingTable,
    Rule,
    Silence,
)
from tocsin.store.database import Engine
from tocsin.store.directory_rows import (
    DirectoryRows,
    RoutingRows,
    configuration_version,
    follow_configuration,
    load_directory_rows,
)
from tocsin.store.on_call_rows import OnCallRows

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A further secret of an integration, as it is kept."""

    id: UUID
    hash: bytes


@dataclass(frozen=True, slots=True)
class IntegrationEntry:
    """What of one integration decides about its alerts. `row` is all that is configured of it."""

    id: UUID
    id_bytes: bytes
    workspace_id: UUID
    tenant_id: UUID
    name: str
    type: str
    window: timedelta
    silent_after: timedelta | None
    """After which an alert that was not repeated is taken to be over."""
    flapping: FlappingNumbers | None
    default_severity: Severity
    tenants: Mapping[str, UUID]
    """Those of its workspace that a payload may name, by slug."""
    routing: RoutingTable
    actor_json: bytes
    row: Any
    tokens: tuple[TokenEntry, ...] = ()
    bindings: tuple[Binding, ...] = ()
    """Bound heartbeats that its signals may be pings of."""
    on_call: OnCallBook | None = None
    """Whom its escalations can reach; None: its workspace has no escalation policy."""
    pages_people: bool = False
    """Whether anybody of its workspace can be paged at all, if only because somebody asks for it."""


@dataclass(frozen=True, slots=True)
class Directory:
    """One version of it. All of it is immutable. Integrations and tenants that were deleted are in it
    for the sake of their alerts, which may be live."""

    version: int
    integrations: Mapping[UUID, IntegrationEntry]
    routing: Mapping[UUID, RoutingTable]
    """By workspace."""
    workspaces: Mapping[UUID, Named]
    tenants: Mapping[UUID, Named]
    on_call: Mapping[UUID, OnCallBook] = field(default_factory=dict)
    """By workspace; none where there are neither people nor escalation policies."""


EMPTY = Directory(0, {}, {}, {}, {})


@dataclass(slots=True)
class DirectoryFeed:
    """The current directory, and how it is kept current.

    `engine` must not be one that requests use: a batch refreshes while it holds back whoever changes
    the configuration, and those may hold every connection that there is for requests.
    """

    engine: Engine
    current: Directory = EMPTY
    on_load: Callable[[DirectoryRows], None] | None = None
    """Is given the rows of each load, while others wait."""
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self, at_least: int = 0) -> Directory:
        """Load it, unless the current one is of version `at_least` already."""
        async with self._loading:
            if self.current.version == 0 or self.current.version < at_least:
                rows = await load_directory_rows(self.engine)
                self.current = directory_of(rows)
                if self.on_load is not None:
                    self.on_load(rows)
            return self.current

    async def look(self) -> Directory:
        """The directory as it is in the database at this moment."""
        return await self.refresh(await configuration_version(self.engine))

    async def follow(self, url: str) -> None:
        """Keep current by notification, forever."""
        await follow_configuration(url, self._renew)

    async def _renew(self, version: int) -> None:
        await self.refresh(version)


def directory_of(rows: DirectoryRows) -> Directory:
    by_workspace: dict[UUID, dict[str, UUID]] = {}
    for row in rows.tenants:
        if row.deleted_at is not None:
            continue
        by_workspace.setdefault(row.workspace_id, {})[row.slug] = row.id
    tokens: dict[UUID, tuple[TokenEntry, ...]] = {}
    for row in rows.tokens:
        others = tokens.get(row.integration_id, ())
        tokens[row.integration_id] = (*others, TokenEntry(row.id, row.token_hash))
    bindings: dict[UUID, tuple[Binding, ...]] = {}
    for row in rows.bound_heartbeats:
        of_integration = bindings.get(row.bound_integration_id, ())
        bindings[row.bound_integration_id] = (*of_integration, Binding.from_row(row))
    routing = {
        workspace_id: _routing_table(of_workspace)
        for workspace_id, of_workspace in rows.routing.items()
    }
    on_call = {workspace_id: _book(each) for workspace_id, each in rows.on_call.items()}
    escalating = {workspace_id for workspace_id, each in rows.on_call.items() if each.has_policies}
    reachable = {workspace_id for workspace_id, book in on_call.items() if book.reaches_anybody}
    return Directory(
        rows.version,
        {
            row.id: _entry(
                row,
                by_workspace.get(row.workspace_id, {}),
                routing[row.workspace_id],
                tokens.get(row.id, ()),
                bindings.get(row.id, ()),
                on_call[row.workspace_id] if row.workspace_id in escalating else None,
                row.workspace_id in reachable,
            )
            for row in rows.integrations
        },
        routing,
        {row.id: Named(row.id, row.name, row.slug) for row in rows.workspaces},
        {row.id: Named(row.id, row.name, row.slug) for row in rows.tenants},
        on_call,
    )


def _entry(
    row: Any,
    tenants: Mapping[str, UUID],
    routing: RoutingTable,
    tokens: tuple[TokenEntry, ...],
    bindings: tuple[Binding, ...],
    on_call: OnCallBook | None,
    pages_people: bool,
) -> IntegrationEntry:
    return IntegrationEntry(
        id=row.id,
        id_bytes=row.id.bytes,
        workspace_id=row.workspace_id,
        tenant_id=row.tenant_id,
        name=row.name,
        type=row.type,
        window=timedelta(minutes=row.deduplication_window_minutes),
        silent_after=(
            None
            if row.auto_resolve_minutes is None
            else timedelta(minutes=row.auto_resolve_minutes)
        ),
        flapping=(None if row.flapping is None else msgspec.convert(row.flapping, FlappingNumbers)),
        default_severity=row.default_severity,
        tenants=tenants,
        routing=routing,
        actor_json=msgspec.json.encode(Actor(ActorKind.SOURCE, row.name, row.id).document()),
        row=row,
        tokens=tokens,
        bindings=bindings,
        on_call=on_call,
        pages_people=pages_people,
    )


def _book(rows: OnCallRows) -> OnCallBook:
    policies = list(_readable(rows.policies, Policy.from_row))
    versions = list(_readable(rows.versions, Policy.from_row))
    return OnCallBook(
        policies={policy.id: policy for policy in policies},
        versions={(policy.id, policy.version): policy for policy in versions},
        people={id: person_of(row) for id, row in rows.people.items()},
    )


def _routing_table(rows: RoutingRows) -> RoutingTable:
    destinations = (
        DestinationRef(
            row.id,
            row.name,
            row.type,
            row.is_enabled,
            has_group_incidents=row.has_group_incidents,
            edits_messages=row.edits_messages,
        )
        for row in rows.destinations
    )
    return RoutingTable(
        rows.workspace_id,
        rules=tuple(_readable(rows.rules, Rule.from_row)),
        silences=tuple(_readable(rows.silences, Silence.from_row)),
        inhibition_rules=tuple(_readable(rows.inhibition_rules, InhibitionRule.from_row)),
        windows=tuple(_readable(rows.windows, MaintenanceWindow.from_row)),
        destinations={destination.id: destination for destination in destinations},
        fallback_destination_id=rows.fallback_destination_id,
    )


def _readable(rows: Iterable[Any], make: Callable[[Any], T]) -> Iterator[T]:
    """Those that can be read: one that a later version wrote must not stop all ingest."""
    for row in rows:
        try:
            yield make(row._mapping)
        except Exception as error:
            log.error(
                "a stored rule or silence cannot be used",
                id=str(row.id),
                error=type(error).__name__,
            )
