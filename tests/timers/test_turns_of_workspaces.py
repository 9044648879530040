"""What one workspace holds, and what its rules ask of that, delays nobody else's ends of holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts import matching_budgets
from tocsin.timers import alert_batches

HELD = ("triggered", "deferred", "silence")
SENT = ("triggered", "queued", "rule")
COSTLY = {"label": "path", "op": "=~", "value": "(a?){500}a{500}a*"}
"""Against 2,000 letters, three times what a transaction may spend."""
LABELS = {"host": "db-1", "path": "a" * 2_000}
BATCH = 4


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url, batch=BATCH) as opened:
        yield opened


@pytest.fixture
def neighbour(hub: Holding) -> Holding:
    return hub.neighbour()


class Gate:
    """Stands before what is matched in a thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_open = True
        self.passed = 0
        work_aside = matching_budgets.aside

        async def held(work: Any) -> None:
            while not self.is_open:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await work_aside(work)
            self.passed += 1

        monkeypatch.setattr(matching_budgets, "aside", held)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def held(hub: Holding, count: int, **fields: Any) -> list[UUID]:
    """Alerts that a silence holds for a minute."""
    alerts = [hub.send(f"disk-{n}", **fields) for n in range(count)]
    assert [hub.states(alert) for alert in alerts] == [[HELD]] * count
    return alerts


def test_costly_rules_delay_their_own_workspace_only(
    hub: Holding, neighbour: Holding, gate: Gate
) -> None:
    hub.rule(matchers=Json([COSTLY]))
    neighbour.rule()
    for each in (hub, neighbour):
        each.silence(60)
    mine, theirs = held(hub, 6, labels=LABELS), held(neighbour, 6)
    hub.look()
    hub.base.advance(60)
    gate.is_open, gate.passed = False, 0
    for _ in range(4):
        hub.glance()
    assert [neighbour.states(alert) for alert in theirs] == [[SENT]] * 6
    assert [hub.states(alert) for alert in mine] == [[HELD]] * 6
    # Nor is what comes after held up.
    neighbour.silence(60)
    later = neighbour.send("later")
    hub.base.advance(60)
    hub.glance()
    hub.glance()
    assert neighbour.states(later) == [SENT]
    assert hub.ends.is_busy
    gate.is_open = True
    hub.look()
    assert [hub.states(alert) for alert in mine] == [[SENT]] * 6
    assert gate.passed > 0


def test_what_is_never_answered_is_looked_at_all_the_same(
    hub: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.rule(matchers=Json([COSTLY]))
    hub.silence(60)
    alerts = held(hub, 2, labels=LABELS)
    hub.look()
    hub.base.advance(60)

    async def in_vain(work: Any) -> None:
        pass

    monkeypatch.setattr(matching_budgets, "aside", in_vain)
    for _ in range(3 * alert_batches.TRIES):
        hub.glance()
    assert [hub.states(alert) for alert in alerts] == [[SENT]] * 2


def test_many_that_end_at_once_leave_others_their_turn(hub: Holding, neighbour: Holding) -> None:
    for each in (hub, neighbour):
        each.rule()
        each.silence(60)
    mine = held(hub, 5 * BATCH)
    hub.base.advance(1)
    neighbour.silence(60)
    theirs = neighbour.send("disk")
    hub.look()
    hub.base.advance(60)
    assert hub.glance()
    assert neighbour.states(theirs) == [SENT]
    waiting = [alert for alert in mine if hub.states(alert) == [HELD]]
    assert len(waiting) == 4 * BATCH
    hub.look()
    assert [hub.states(alert) for alert in mine] == [[SENT]] * len(mine)


def test_a_change_where_much_is_held_leaves_others_their_turn(
    hub: Holding, neighbour: Holding
) -> None:
    for each in (hub, neighbour):
        each.rule()
    many, few = hub.silence(600), neighbour.silence(600)
    mine, theirs = held(hub, 5 * BATCH), held(neighbour, 1)
    hub.look()
    hub.move_silence(many, hub.now)
    assert hub.glance()
    neighbour.move_silence(few, hub.now)
    for _ in range(2):
        assert hub.glance()
    assert [neighbour.states(alert) for alert in theirs] == [[SENT]]
    assert [hub.states(alert) for alert in mine].count([HELD]) >= 3 * BATCH
    hub.look()
    assert [hub.states(alert) for alert in mine] == [[SENT]] * len(mine)


def test_a_change_during_a_sweep_begins_it_anew(hub: Holding) -> None:
    hub.rule()
    silence = hub.silence(600)
    alerts = held(hub, 3 * BATCH)
    hub.look()
    extended = hub.now + timedelta(seconds=1_200)
    hub.move_silence(silence, extended)
    assert hub.glance()
    assert [row["send_after"] for row in hub.rows()].count(extended) == BATCH
    hub.move_silence(silence, hub.now)
    hub.look()
    assert [hub.states(alert) for alert in alerts] == [[SENT]] * len(alerts)
