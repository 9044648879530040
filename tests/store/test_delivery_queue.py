"""The statements one by one, as two nodes would run them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.support.outbox import Outbox
from tests.support.postgres import Database
from tocsin.model import EventType, HoldReason, uuid7
from tocsin.store.delivery_queue import (
    AttemptRecord,
    Backlog,
    Claim,
    Claimed,
    DeliveryQueue,
    DestinationFailures,
)
from tocsin.store.delivery_rates import SpentBucket


@dataclass
class Nodes:
    outbox: Outbox
    runner: asyncio.Runner
    one: DeliveryQueue
    two: DeliveryQueue

    def claim(self, queue: DeliveryQueue, destination: UUID, room: int = 10) -> list[Claimed]:
        claimed: list[Claimed] = self.runner.run(queue.claim([Claim(destination, room)]))
        return claimed

    def record(self, queue: DeliveryQueue, claimed: Claimed, **values: Any) -> set[UUID]:
        document = {"status": "sent", "outcome": "sent", "age_ms": 0.0, "duration_ms": 0, **values}
        document |= {"id": claimed.id, "number": claimed.attempt_count}
        document |= {"destination": claimed.alert_destination_id}
        record = msgspec.convert(document, AttemptRecord)
        reached = [record.destination] if document["outcome"] == "sent" else []
        ours: set[UUID] = self.runner.run(queue.record([record], reached))
        return ours

    def fail(self, destination: UUID, **values: Any) -> None:
        document = {"failures": 1}
        failure = DestinationFailures(destination=destination, **{**document, **values})
        self.runner.run(self.one.record_failures([failure]))

    def run_out(self) -> None:
        self.outbox.db.execute("UPDATE alert_deliveries SET lease_expires_at = now()")


@pytest.fixture
def nodes(every_database: Database) -> Iterator[Nodes]:
    outbox = Outbox(every_database)
    with asyncio.Runner() as runner:
        one = runner.run(DeliveryQueue.open(outbox.url, "one", 60.0))
        two = runner.run(DeliveryQueue.open(outbox.url, "two", 60.0))
        yield Nodes(outbox, runner, one, two)
        runner.run(one.close())
        runner.run(two.close())
    outbox.close()


def test_a_claimed_delivery_is_nobody_elses(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.outbox.plan_many(destination, 10)
    mine = {each.id for each in nodes.claim(nodes.one, destination, 6)}
    theirs = {each.id for each in nodes.claim(nodes.two, destination, 6)}
    assert (len(mine), len(theirs)) == (6, 4)
    assert not mine & theirs


def test_of_one_alert_one_message_is_under_way(nodes: Nodes) -> None:
    destination, other = nodes.outbox.destination("ops"), nodes.outbox.destination("other")
    alert = uuid7()
    first = nodes.outbox.plan(destination, alert)
    second = nodes.outbox.plan(destination, alert, EventType.RESOLVED)
    elsewhere = nodes.outbox.plan(other, alert)
    (claimed,) = nodes.claim(nodes.one, destination)
    assert claimed.id == first
    assert nodes.claim(nodes.two, destination) == []
    assert [each.id for each in nodes.claim(nodes.two, other)] == [elsewhere]
    nodes.record(nodes.one, claimed, status="queued", outcome="retry", delay=3600.0)
    assert nodes.claim(nodes.two, destination) == []
    nodes.outbox.db.execute("UPDATE alert_deliveries SET send_after = NULL")
    (claimed,) = nodes.claim(nodes.two, destination)
    assert claimed.id == first
    nodes.record(nodes.two, claimed)
    assert [each.id for each in nodes.claim(nodes.one, destination)] == [second]


def test_what_a_person_retries_waits_for_what_is_under_way(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    alert = uuid7()
    first = nodes.outbox.plan(destination, alert, status="failed")
    nodes.outbox.plan(destination, alert, EventType.RESOLVED)
    nodes.claim(nodes.one, destination)
    nodes.outbox.db.execute("UPDATE alert_deliveries SET status = 'queued' WHERE id = %s", [first])
    assert nodes.claim(nodes.two, destination) == []


def test_tests_first_then_what_is_due_again_then_what_is_fresh(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    fresh = [nodes.outbox.plan(destination) for _ in range(2)]
    again = nodes.outbox.plan(destination, send_after=datetime.now(UTC) - timedelta(seconds=1))
    test = nodes.outbox.plan(destination, event=EventType.TEST)
    nodes.outbox.plan(destination, send_after=datetime.now(UTC) + timedelta(hours=1))
    order = [nodes.claim(nodes.one, destination, 1)[0].id for _ in range(4)]
    assert order == [test, again, *fresh]
    assert nodes.claim(nodes.one, destination) == []


def test_while_held_only_tests_are_claimed(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.outbox.plan(destination)
    test = nodes.outbox.plan(destination, event=EventType.TEST)
    claims = [Claim(destination, 10, tests_only=True)]
    assert [each.id for each in nodes.runner.run(nodes.one.claim(claims))] == [test]


def test_a_lease_that_ran_out_leaves_its_attempt_unknown(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    id = nodes.outbox.plan(destination)
    (lost,) = nodes.claim(nodes.one, destination)
    nodes.run_out()
    (taken,) = nodes.claim(nodes.two, destination)
    assert (taken.id, taken.attempt_count) == (id, 2)
    assert [each["outcome"] for each in nodes.outbox.attempts(id)] == ["unknown"]
    # The node comes back: its word on the row comes too late, its attempt is on record.
    assert nodes.record(nodes.one, lost, http_status=204) == set()
    assert nodes.outbox.row(id)["leased_by"] == "two"
    assert nodes.record(nodes.two, taken) == {id}
    found = [(each["number"], each["outcome"]) for each in nodes.outbox.attempts(id)]
    assert found == [(1, "sent"), (2, "sent")]


def test_a_node_that_took_it_again_itself_is_held_to_the_newer_attempt(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    id = nodes.outbox.plan(destination)
    (first,) = nodes.claim(nodes.one, destination)
    nodes.run_out()
    (second,) = nodes.claim(nodes.one, destination)
    assert nodes.record(nodes.one, first, status="failed", outcome="failed") == set()
    assert nodes.outbox.row(id)["status"] == "queued"
    assert nodes.record(nodes.one, second) == {id}


def test_a_lease_is_renewed_only_by_its_owner(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    id = nodes.outbox.plan(destination)
    nodes.claim(nodes.one, destination)
    nodes.run_out()
    assert nodes.runner.run(nodes.two.renew([id])) == set()
    assert nodes.runner.run(nodes.one.renew([id])) == {id}
    assert nodes.claim(nodes.two, destination) == []


def test_what_is_given_back_was_never_attempted(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    id = nodes.outbox.plan(destination)
    before = nodes.outbox.row(id)
    (claimed,) = nodes.claim(nodes.one, destination)
    nodes.record(nodes.one, claimed, status="queued", outcome=None)
    after = nodes.outbox.row(id)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"give_up_at", "updated_at"}
    assert nodes.outbox.attempts(id) == []


def test_nothing_of_a_disabled_destination_is_claimed(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.outbox.plan(destination)
    nodes.outbox.db.execute("UPDATE alert_destinations SET is_enabled = false")
    assert nodes.claim(nodes.one, destination) == []


def test_withdrawing_leaves_what_is_under_way(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    first, second = nodes.outbox.plan(destination), nodes.outbox.plan(destination)
    nodes.claim(nodes.one, destination, 1)
    nodes.outbox.db.execute("UPDATE alert_destinations SET is_enabled = false")
    assert nodes.runner.run(nodes.two.withdraw([destination])) == 1
    assert nodes.outbox.row(first)["status"] == "queued"
    assert nodes.outbox.row(second)["status"] == "canceled"


def test_the_lanes_say_how_each_destination_stands(nodes: Nodes) -> None:
    due, later, held = (nodes.outbox.destination(name) for name in ("due", "later", "held"))
    nodes.outbox.destination("idle")
    nodes.outbox.plan(due)
    nodes.outbox.plan(due, status="sent")
    nodes.outbox.plan(later, send_after=datetime.now(UTC) + timedelta(seconds=100))
    nodes.outbox.plan(held)
    nodes.outbox.plan(held, event=EventType.TEST)
    gone = nodes.outbox.destination("gone")
    nodes.outbox.plan(gone)
    nodes.outbox.delete_destinations("gone")
    nodes.runner.run(nodes.one.load_destinations([due, later, held]))
    nodes.fail(held, failures=3)
    lanes = {lane.id: lane for lane in nodes.runner.run(nodes.one.due_lanes())}
    assert lanes.keys() == {due, later, held, gone}
    assert lanes[due].is_due
    assert lanes[due].next_in is None
    assert not lanes[later].is_due
    assert 90 < (lanes[later].next_in or 0) <= 100
    assert (lanes[held].held_for or 0) > 0
    assert lanes[held].hold_reason == "failing"
    assert lanes[held].test_is_due
    assert lanes[gone].is_enabled is None


def test_a_floor_hides_what_is_fresh_below_it_and_nothing_else(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    first, second = nodes.outbox.plan(destination), nodes.outbox.plan(destination)
    again = nodes.outbox.plan(destination, send_after=datetime.now(UTC) - timedelta(seconds=1))
    floor = nodes.outbox.row(second)["sequence"]
    (lane,) = nodes.runner.run(nodes.one.due_lanes({destination: floor}))
    assert lane.first_fresh == floor
    assert lane.last_sequence == nodes.outbox.row(again)["sequence"]
    (lane,) = nodes.runner.run(nodes.one.due_lanes({uuid7(): floor}))
    assert lane.first_fresh == nodes.outbox.row(first)["sequence"]
    claimed = nodes.runner.run(nodes.one.claim([Claim(destination, 10, floor=floor)]))
    assert [each.id for each in claimed] == [again, second]


def test_of_all_who_ask_one_may_probe(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.runner.run(nodes.one.load_destinations([destination]))
    nodes.fail(destination, failures=3)
    assert nodes.runner.run(nodes.one.begin_probes([destination], 30.0)) == set()
    nodes.outbox.db.execute("UPDATE destination_states SET hold_until = now()")

    async def both() -> list[set[UUID]]:
        return await asyncio.gather(
            nodes.one.begin_probes([destination], 30.0), nodes.two.begin_probes([destination], 30.0)
        )

    assert sorted(map(len, nodes.runner.run(both()))) == [0, 1]


def test_a_destination_is_held_from_the_third_failure_in_a_row(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.runner.run(nodes.one.load_destinations([destination]))
    nodes.fail(destination)
    nodes.fail(destination)
    assert nodes.outbox.state(destination)["hold_until"] is None
    nodes.fail(destination)
    state = nodes.outbox.state(destination)
    assert _left(state) == pytest.approx(5, abs=1)
    # The longer it has been failing, the longer the holds, up to a minute.
    for since, hold in ((20, 20), (3600, 60)):
        nodes.outbox.db.execute(
            "UPDATE destination_states SET failing_since = now() - make_interval(secs => %s)",
            [since],
        )
        nodes.fail(destination)
        assert _left(nodes.outbox.state(destination)) == pytest.approx(hold, abs=1)


def test_a_success_ends_the_hold_and_the_count(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.outbox.plan(destination)
    nodes.runner.run(nodes.one.load_destinations([destination]))
    nodes.fail(destination, failures=3)
    (claimed,) = nodes.claim(nodes.one, destination)
    nodes.record(nodes.one, claimed)
    state = nodes.outbox.state(destination)
    assert (state["hold_until"], state["failing_since"], state["failure_count"]) == (None, None, 0)


def test_silence_asked_for_is_kept(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.runner.run(nodes.one.load_destinations([destination]))
    nodes.fail(destination, hold=HoldReason.THROTTLED, throttle=600.0)
    nodes.fail(destination, failures=5)
    state = nodes.outbox.state(destination)
    assert state["hold_reason"] == "throttled"
    assert _left(state) == pytest.approx(600, abs=2)


@pytest.mark.parametrize(("before", "seconds"), [(0, 15), (1, 30), (3, 120), (50, 3600)])
def test_a_429_that_names_no_time_holds_longer_each_time(
    nodes: Nodes, before: int, seconds: int
) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.runner.run(nodes.one.load_destinations([destination]))
    nodes.outbox.db.execute("UPDATE destination_states SET failure_count = %s", [before])
    nodes.fail(destination, hold=HoldReason.THROTTLED)
    assert _left(nodes.outbox.state(destination)) == pytest.approx(seconds, abs=2)


def test_a_refusal_for_good_ends_a_hold_but_not_the_failing(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("ops")
    nodes.runner.run(nodes.one.load_destinations([destination]))
    nodes.fail(destination, failures=3)
    nodes.fail(destination, answered=True)
    state = nodes.outbox.state(destination)
    assert state["hold_until"] is None
    assert state["failing_since"] is not None


def test_a_bucket_is_spent_from_by_one_at_a_time(nodes: Nodes) -> None:
    key = uuid4()

    async def main() -> None:
        async with nodes.one.transaction():
            (bucket,) = await nodes.one.rates.lock_buckets({key: 3.0})
            assert bucket.tokens == 3.0
            await nodes.one.rates.spend_buckets(
                [SpentBucket(key=key, tokens=1.5, spent_at=[bucket.at])]
            )
        async with nodes.one.transaction():
            (bucket,) = await nodes.one.rates.lock_buckets({key: 3.0})
            assert bucket.tokens == 1.5
            assert len(bucket.spent_at) == 1
            async with nodes.two.transaction():
                assert await nodes.two.rates.lock_buckets({key: 3.0}) == []

    nodes.runner.run(main())


def test_the_backlog_is_as_old_as_the_oldest_that_should_be_on_its_way(nodes: Nodes) -> None:
    destination = nodes.outbox.destination("hook")
    assert nodes.runner.run(nodes.one.backlog()) == Backlog(pending=0, oldest_seconds=0)
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    # Quiet hours: nobody waits for it yet.
    nodes.outbox.plan(
        destination, status="deferred", send_after=now + hour, created_at=now - 5 * hour
    )
    assert nodes.runner.run(nodes.one.backlog()) == Backlog(pending=1, oldest_seconds=0)
    # Being retried, once more in an hour.
    nodes.outbox.plan(destination, send_after=now + hour, created_at=now - hour)
    nodes.outbox.plan(destination)
    backlog = nodes.runner.run(nodes.one.backlog())
    assert backlog.pending == 3
    assert 3_600 <= backlog.oldest_seconds < 3_660


def _left(state: dict[str, Any]) -> float:
    left: timedelta = state["hold_until"] - datetime.now(UTC)
    return left.total_seconds()
