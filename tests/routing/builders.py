"""Values to route with: each maker takes only what a test is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity
from tocsin.routing.plan import NO_HISTORY, History, NotifiedTrigger, PlannedDelivery, plan
from tocsin.routing.quiet_hours import QuietHours, QuietWindow
from tocsin.routing.rules import (
    DestinationRef,
    Matcher,
    RoutingTable,
    Rule,
    Silence,
    Subject,
)

NOW = datetime(2026, 5, 13, 12, 0, tzinfo=UTC)  # a Wednesday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

QUEUED, DEFERRED, SENT, FAILED, SUPPRESSED, CANCELED = (
    AlertDeliveryStatus.QUEUED,
    AlertDeliveryStatus.DEFERRED,
    AlertDeliveryStatus.SENT,
    AlertDeliveryStatus.FAILED,
    AlertDeliveryStatus.SUPPRESSED,
    AlertDeliveryStatus.CANCELED,
)

EVERY_DAY = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})

ALL_EVENTS = frozenset(
    {EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED, EventType.CLOSED}
)

WORKSPACE, TENANT, OTHER_TENANT, INTEGRATION, ALERT = (UUID(int=each) for each in range(1, 6))


def rule_id(number: int) -> UUID:
    return UUID(int=0xA000 + number)


def destination_id(number: int) -> UUID:
    return UUID(int=0xD000 + number)


SLACK, PAGER, GONE = (destination_id(each) for each in range(1, 4))


def subject(
    labels: Mapping[str, str] | None = None,
    severity: Severity = Severity.HIGH,
    external_id: str | None = "disk-7",
    **changes: Any,
) -> Subject:
    values: dict[str, Any] = {
        "tenant_id": TENANT,
        "integration_id": INTEGRATION,
        "external_id": external_id,
        "title": "Disk almost full on db-7",
        "severity": severity,
        "source": "datadog-production",
        "type": "datadog",
        "labels": {"team": "db", "host": "db-7"} if labels is None else labels,
    }
    return Subject(**(values | changes))


def rule(number: int = 1, *destinations: UUID, **changes: Any) -> Rule:
    values: dict[str, Any] = {
        "id": rule_id(number),
        "name": f"rule {number}",
        "is_enabled": True,
        "event_types": ALL_EVENTS,
        "min_severity": None,
        "tenant_ids": None,
        "matchers": (),
        "destination_ids": destinations or (SLACK,),
        "position": number,
    }
    return Rule(**(values | changes))


def silence(*matchers: Matcher, starts_at: datetime, ends_at: datetime, number: int = 1) -> Silence:
    return Silence(
        id=UUID(int=0x5000 + number),
        matchers=matchers or (Matcher("team", "=", "db"),),
        starts_at=starts_at,
        ends_at=ends_at,
        author="ana",
        comment="moving the disks",
    )


def destination(id: UUID = SLACK, *, is_enabled: bool = True) -> DestinationRef:
    return DestinationRef(id, f"destination {id.int:x}", "slack", is_enabled)


def table(
    *rules: Rule, silences: tuple[Silence, ...] = (), disabled: frozenset[UUID] = frozenset()
) -> RoutingTable:
    """Knows SLACK and PAGER; GONE was deleted."""
    known = (SLACK, PAGER)
    return RoutingTable(
        workspace_id=WORKSPACE,
        rules=rules,
        silences=silences,
        destinations={id: destination(id, is_enabled=id not in disabled) for id in known},
    )


def quiet_window(
    start: str = "22:00",
    end: str = "07:00",
    timezone: str = "UTC",
    days: frozenset[str] = EVERY_DAY,
    breakthrough: Severity | None = None,
    **more: Any,
) -> QuietWindow:
    return QuietWindow(days, start, end, timezone, breakthrough, **more)


def quiet_hours(*args: Any, **more: Any) -> QuietHours:
    """One window, as `quiet_window` makes it."""
    return QuietHours((quiet_window(*args, **more),))


def planned(
    routing: RoutingTable,
    event_type: EventType = EventType.TRIGGERED,
    history: History = NO_HISTORY,
    now: datetime = NOW,
    about: Subject | None = None,
) -> dict[UUID, PlannedDelivery]:
    """The plan by destination, which also proves that none is notified twice."""
    made = plan(routing, event_type, about or subject(), history, now)
    by_destination = {each.destination_id: each for each in made.deliveries}
    assert len(by_destination) == len(made.deliveries)
    return by_destination


def notified(
    status: AlertDeliveryStatus,
    reason: Reason = Reason.RULE,
    send_after: datetime | None = None,
    destination: UUID = SLACK,
    rules: tuple[int, ...] = (1,),
) -> History:
    """The trigger as it stands at one destination."""
    ids = frozenset(rule_id(each) for each in rules)
    return History(notified_trigger={destination: NotifiedTrigger(status, reason, send_after, ids)})
