"""The delivery states against a plain model: any order of planning, claiming, recording, dying,
canceling, retrying and disabling leaves every row where the model says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.outbox import Outbox, cancel_before_sent
from tests.support.postgres import Database
from tocsin.delivery.dispatch.row_update import (
    Interrupted,
    NotAttempted,
    Result,
    decide,
    reached_by,
)
from tocsin.delivery.outcome import Failed, Retry, Sent
from tocsin.model import EventType, uuid7
from tocsin.resources.deliveries import Canceled, Requeued, cancel, retry
from tocsin.store.database import connect, create_engine, writing
from tocsin.store.delivery_queue import AttemptRecord, Claim, Claimed, DeliveryQueue

PENDING = ("queued", "deferred")
ALERTS = range(3)
DESTINATIONS = range(2)
NODES = ("one", "two")

RESULTS: tuple[Result, ...] = (
    Sent(204),
    Retry("refused", "said no", 503, retry_after=1.0),
    Failed("gone", "is gone", 404),
    Interrupted(),
    NotAttempted(),
)


@dataclass
class Row:
    """One alert delivery, as plainly as can be."""

    id: UUID
    destination: int
    alert: int
    event: EventType
    status: str = "queued"
    attempt_count: int = 0
    leased_by: str | None = None
    attempts: dict[int, str] = field(default_factory=dict)
    waits: bool = False
    """It was refused and its next attempt is not due."""


class Deliveries(RuleBasedStateMachine):
    outbox: Outbox
    runner: asyncio.Runner

    held = Bundle("held")
    """Look in the hands of nodes, some of which have lost their lease since."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.enabled = dict.fromkeys(DESTINATIONS, True)
        self.destinations = [self.outbox.destination(f"d {uuid7()}") for _ in DESTINATIONS]
        self.alerts = [uuid7() for _ in ALERTS]
        self.engine = create_engine(self.outbox.url)
        self.queues = {
            node: self.run(DeliveryQueue.open(self.outbox.url, node, 3600.0)) for node in NODES
        }

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        for queue in self.queues.values():
            self.run(queue.close())
        self.run(self.engine.dispose())

    async def _with_session(self, work: Any) -> Any:
        async with writing(self.engine) as session:
            return await work(session)

    # What may happen

    @rule(
        alert=st.sampled_from(ALERTS),
        destination=st.sampled_from(DESTINATIONS),
        event=st.sampled_from([EventType.TRIGGERED, EventType.ACKNOWLEDGED, EventType.RESOLVED]),
    )
    def plan(self, alert: int, destination: int, event: EventType) -> None:
        id = self.outbox.plan(self.destinations[destination], self.alerts[alert], event)
        self.rows.append(Row(id, destination, alert, event))

    @rule(target=held, node=st.sampled_from(NODES), room=st.integers(1, 4))
    def claim(self, node: str, room: int) -> Any:
        claims = [Claim(self.destinations[each], room) for each in DESTINATIONS]
        claimed: list[Claimed] = self.run(self.queues[node].claim(claims))
        got = {each.id for each in claimed}
        for destination in DESTINATIONS:
            may = [row for row in self.rows if row.destination == destination and self._due(row)]
            of_it = [row for row in may if row.id in got]
            assert len(of_it) == min(room, len(may))
        assert got <= {row.id for row in self.rows if self._due(row)}
        for each in claimed:
            row = self._row(each.id)
            if row.leased_by is not None:
                row.attempts.setdefault(row.attempt_count, "unknown")
            row.status, row.leased_by = "queued", node
            row.attempt_count += 1
            assert each.attempt_count == row.attempt_count
        return multiple(*((node, each) for each in claimed))

    @rule(hand=consumes(held), result=st.sampled_from(RESULTS))
    def record(self, hand: tuple[str, Claimed], result: Result) -> None:
        node, claimed = hand
        update = decide(claimed, result, elapsed=0.0, dice=0.0)
        number = claimed.attempt_count
        ours = self.run(
            self.queues[node].record(
                [
                    AttemptRecord(
                        id=claimed.id,
                        number=number,
                        destination=claimed.alert_destination_id,
                        status=update.status,
                        outcome=update.outcome,
                        delay=update.delay,
                        code=update.code,
                        message=update.message,
                        age_ms=0.0,
                        duration_ms=0,
                    )
                ],
                reached_by([(claimed, result)]),
            )
        )
        row = self._row(claimed.id)
        if update.outcome is not None and row.attempts.get(number, "unknown") == "unknown":
            row.attempts[number] = update.outcome
        # A node that died and came back after its lease ran out may still record, as long as
        # nobody else has taken the delivery.
        holds = row.leased_by is not None and row.leased_by.removesuffix("†") == node
        if holds and row.attempt_count == number:
            assert ours == {claimed.id}
            row.status, row.leased_by = update.status, None
            row.waits = isinstance(result, Retry)
            if update.outcome is None:
                row.attempt_count -= 1
        else:
            assert ours == set()

    @rule(hand=held)
    def lease_runs_out(self, hand: tuple[str, Claimed]) -> None:
        """Its node died, or was cut off. It may come back and try to record (`record`)."""
        row = self._row(hand[1].id)
        if row.leased_by == hand[0] and row.attempt_count == hand[1].attempt_count:
            self.outbox.db.execute(
                "UPDATE alert_deliveries SET lease_expires_at = now() WHERE id = %s", [row.id]
            )
            row.leased_by += "†"

    @rule()
    def backoff_passes(self) -> None:
        self.outbox.db.execute(
            "UPDATE alert_deliveries SET send_after = now()"
            " WHERE send_after > now() AND status = 'queued'"
        )
        for row in self.rows:
            row.waits = False

    @rule(alert=st.sampled_from(ALERTS))
    def cancel_unsent(self, alert: int) -> None:
        async def work() -> Any:
            async with await connect(self.outbox.url) as connection, connection.transaction():
                return await cancel_before_sent(connection, [self.alerts[alert]])

        expected = set()
        for destination in DESTINATIONS:
            lane = [r for r in self.rows if (r.destination, r.alert) == (destination, alert)]
            unsent = [
                row
                for row in lane
                if row.event is EventType.TRIGGERED
                and row.status in PENDING
                and row.attempt_count == 0
                and row.leased_by is None
            ]
            if unsent:
                expected |= {row.id for row in unsent}
                first = lane.index(unsent[0])
                for row in lane[first:]:
                    if row.status in PENDING:
                        row.status = "canceled"
        assert {each.alert_delivery_id for each in self.run(work())} == expected

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def person_retries(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.rows))
        outcome = self.run(self._with_session(lambda c: retry(c, self.outbox.workspace_id, row.id)))
        allowed = row.status in ("failed", "canceled") and self.enabled[row.destination]
        assert (outcome == Requeued()) == allowed
        if allowed:
            row.status, row.waits, row.leased_by = "queued", False, None

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def person_cancels(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.rows))
        outcome = self.run(
            self._with_session(lambda c: cancel(c, self.outbox.workspace_id, row.id))
        )
        allowed = row.status in PENDING and not self._is_leased(row)
        assert (outcome == Canceled()) == allowed
        if allowed:
            row.status, row.leased_by = "canceled", None

    @rule(destination=st.sampled_from(DESTINATIONS), enabled=st.booleans())
    def switch(self, destination: int, enabled: bool) -> None:
        self.outbox.db.execute(
            "UPDATE alert_destinations SET is_enabled = %s WHERE id = %s",
            [enabled, self.destinations[destination]],
        )
        self.enabled[destination] = enabled

    @rule(node=st.sampled_from(NODES))
    def withdraw(self, node: str) -> None:
        self.run(self.queues[node].withdraw(self.destinations))
        for row in self.rows:
            is_off = not self.enabled[row.destination]
            if is_off and row.status in PENDING and not self._is_leased(row):
                row.status, row.leased_by = "canceled", None

    # What must hold

    @invariant()
    def every_row_is_where_the_model_says(self) -> None:
        found = {
            row[0]: row[1:]
            for row in self.outbox.db.execute(
                "SELECT id, status::text, attempt_count, leased_by FROM alert_deliveries"
                " WHERE alert_destination_id = ANY (%s)",
                [self.destinations],
            )
        }
        for row in self.rows:
            leased_by = row.leased_by and row.leased_by.removesuffix("†")
            assert found[row.id] == (row.status, row.attempt_count, leased_by)

    @invariant()
    def every_attempt_is_on_record(self) -> None:
        found: dict[UUID, dict[int, str]] = {}
        for id, number, outcome in self.outbox.db.execute(
            "SELECT alert_delivery_id, number, outcome FROM alert_delivery_attempts"
            " WHERE alert_delivery_id = ANY (%s)",
            [[row.id for row in self.rows]],
        ):
            found.setdefault(id, {})[number] = outcome
        assert found == {row.id: row.attempts for row in self.rows if row.attempts}

    @invariant()
    def at_most_one_of_an_alert_is_under_way(self) -> None:
        under_way = [(r.destination, r.alert) for r in self.rows if self._is_leased(r)]
        assert len(under_way) == len(set(under_way))

    # The model

    def _row(self, id: UUID) -> Row:
        return next(row for row in self.rows if row.id == id)

    @staticmethod
    def _is_leased(row: Row) -> bool:
        return row.leased_by is not None and not row.leased_by.endswith("†")

    def _due(self, row: Row) -> bool:
        """Pending, free, its time has come, and nothing of its alert before it or under way."""
        if row.status not in PENDING or self._is_leased(row) or row.waits:
            return False
        lane = [r for r in self.rows if (r.destination, r.alert) == (row.destination, row.alert)]
        before = lane[: lane.index(row)]
        return (
            self.enabled[row.destination]
            and not any(other.status in PENDING for other in before)
            and not any(self._is_leased(other) for other in lane)
        )


@pytest.mark.parametrize(
    ("examples", "steps"), [(25, 25), pytest.param(150, 40, marks=pytest.mark.slow)]
)
@pytest.mark.timeout(1_200)
def test_the_states_of_a_delivery(database: Database, examples: int, steps: int) -> None:
    outbox = Outbox(database)
    with asyncio.Runner() as runner:
        machine = type("Machine", (Deliveries,), {"outbox": outbox, "runner": runner})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    outbox.close()
