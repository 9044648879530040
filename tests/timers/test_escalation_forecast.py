"""What is forecast of an escalation is what then happens, through the database and the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.postgres import Database
from tests.timers.escalations import Paging, paging, to_destination, to_schedule, to_user
from tocsin.alerts.on_call_book import OnCallBook, last_resort
from tocsin.explain.escalation_forecast import foresee, longest, look_ahead
from tocsin.model import Severity, uuid7
from tocsin.store.database import reading

TICK = 10


@pytest.fixture
def hub(database: Database) -> Iterator[Paging]:
    with paging(database.url) as opened:
        yield opened


def foreseen(hub: Paging, policy_id: UUID, severity: Severity) -> set[tuple[datetime, str]]:
    """When which contact is paged, the last resort included."""

    async def work() -> set[tuple[datetime, str]]:
        directory = await hub.base.feed.look()
        book = directory.on_call.get(hub.workspace.id, OnCallBook())
        table = directory.routing[hub.workspace.id]
        policy = book.policies[policy_id]
        async with reading(hub.base.feed.engine) as session:
            until = hub.now + longest(policy)
            ahead = await look_ahead(session, policy, book, table, hub.now, until)
        forecast = await foresee(ahead, severity, {"host": "db-1"}, hub.now)
        resort = last_resort(policy, table)
        assert resort is not None
        return {(forecast.exhausted_at, resort.name)} | {
            (step.at + page.delay, hub.names[page.destination_id])
            for step in forecast.steps
            for each in step.taken.reached
            for page in each.pages
        }

    return hub.base.run(work())


def happened(hub: Paging, alert_id: UUID) -> set[tuple[datetime, str]]:
    """The same, of what goes out while the clock runs."""
    found: set[tuple[datetime, str]] = set()
    while True:
        found |= {
            (hub.now, contact) for contact, status, _ in hub.pages(alert_id) if status == "queued"
        }
        if hub.escalation(alert_id)["state"] == "exhausted":
            return found
        hub.deliver()
        hub.after(TICK)


def replaced_later(hub: Paging, schedule_id: UUID, user: UUID, other: UUID, minutes: int) -> None:
    hub.workspace.insert(
        "schedule_overrides",
        id=uuid7(),
        workspace_id=hub.workspace.id,
        schedule_id=schedule_id,
        kind="replace",
        starts_at=hub.now + timedelta(minutes=minutes),
        ends_at=hub.now + timedelta(days=1),
        user_id=user,
        substitute_user_id=other,
        author="ana",
    )


def only(**condition: Any) -> dict[str, Any]:
    return {"condition": {"min_severity": None, "matchers": [], "hours": [], **condition}}


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.LOW])
def test_what_is_forecast_is_what_happens(hub: Paging, severity: Severity) -> None:
    ana, ben = hub.person("ana", push=0, sms=3, call=6), hub.person("ben", push=1)
    cleo, silent = hub.person("cleo", push=0), hub.person("silent")
    schedule, empty = hub.schedule(ana), hub.schedule()
    replaced_later(hub, schedule, ana, ben, minutes=8)
    chat = hub.destination("chat")
    hub.fallback()
    matchers = [{"label": "host", "op": "=~", "value": "db-.*"}]
    policy = hub.policy(
        to_schedule(empty, minutes=20),
        to_schedule(schedule, minutes=5),
        to_user(ben, silent, cleo, minutes=2, mode="round_robin"),
        to_user(silent, minutes=30),
        to_user(cleo, minutes=3, **only(min_severity="HIGH")),
        to_destination(chat, minutes=4, **only(matchers=matchers)),
        repeat=2,
    )
    hub.escalating_rule(policy)
    said = foreseen(hub, policy, severity)

    alert = hub.send("disk", severity=severity.value)

    assert happened(hub, alert) == said
    assert {name for _, name in said} >= {"push of ana", "push of ben", "chat", "fallback"}
    # Whose turn it is goes on from alert to alert, in a forecast, too.
    again = foreseen(hub, policy, severity)
    assert happened(hub, hub.send("other", severity=severity.value)) == again
