"""Inhibition, minute by minute: what holds what, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.ingest.harness import Posted
from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.changes import Cause
from tocsin.alerts.transaction import AlertTransaction
from tocsin.model import Action, Reason, uuid7_bytes
from tocsin.routing.holds import HOLDS
from tocsin.store.pipe import PLANNER, Pipe

WAITS = ("triggered", "deferred", "inhibition_wait")
HELD = ("triggered", "deferred", "inhibited")
SENT = ("triggered", "queued", "rule")
OVER = [
    ("triggered", "canceled", "resolved_before_sent"),
    ("resolved", "canceled", "resolved_before_sent"),
]


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url) as opened:
        opened.rule()
        yield opened


def source(hub: Holding, name: str = "ping", host: str = "db-1", **more: Any) -> UUID:
    return hub.send(name, title="Host down", labels={"check": "ping", "host": host}, **more)


def target(hub: Holding, name: str = "disk", host: str = "db-1", **more: Any) -> UUID:
    return hub.send(name, labels={"check": "disk", "host": host}, **more)


def end(hub: Holding, name: str) -> None:
    check = "disk" if name.startswith("disk") else "ping"
    hub.send(name, "resolved", labels={"check": check, "host": "db-1"})


# The timelines of a target T at 0:00 and a source S


def test_a_source_that_comes_within_the_delay_holds_the_target(hub: Holding) -> None:
    hub.inhibition()
    hub.base.advance(60)
    t = target(hub)
    assert hub.states(t) == [WAITS]
    assert hub.rows(t)[0]["send_after"] == hub.now + timedelta(seconds=30)
    hub.after(20)
    s = source(hub)
    assert hub.states(s) == [SENT]
    hub.look()
    assert hub.states(t) == [HELD]
    row = hub.rows(t)[0]
    by = row["detail"]["holds"][0]["inhibited_by"]
    assert by["alert"] == {"id": str(s), "title": "Host down"}
    assert row["send_after"] is None
    hub.after(3600)
    assert hub.states(t) == [HELD]


def test_a_source_that_comes_later_does_not_take_back_what_was_sent(hub: Holding) -> None:
    hub.inhibition()
    hub.base.advance(60)
    t = target(hub)
    hub.after(30)
    assert hub.states(t) == [SENT]
    hub.deliver()
    hub.after(10)
    source(hub)
    hub.base.act(t, Action.ACKNOWLEDGE)
    assert hub.states(t)[-1] == ("acknowledged", "deferred", "inhibited")
    end(hub, "disk")
    assert hub.states(t)[-1] == ("resolved", "queued", "rule")


def test_what_is_open_a_minute_after_the_source_is_over_is_sent(hub: Holding) -> None:
    hub.inhibition()
    source(hub)
    hub.base.advance(60)
    t = target(hub)
    assert hub.states(t) == [HELD]
    hub.after(300)
    end(hub, "ping")
    hub.after(59)
    assert hub.states(t) == [HELD]
    hub.after(1)
    assert hub.states(t) == [SENT]
    assert hub.rows(t)[0]["payload"]["held"]["after"] == "alert “Host down”"
    assert hub.sql("SELECT count(*) FROM inhibition_sources") == [(0,)]


def test_what_is_over_within_the_grace_is_never_sent(hub: Holding) -> None:
    hub.inhibition()
    source(hub)
    t = target(hub)
    hub.after(300)
    end(hub, "ping")
    hub.after(40)
    end(hub, "disk")
    hub.after(60)
    assert hub.states(t) == OVER
    assert hub.sql("SELECT count(*) FROM inhibition_targets") == [(0,)]


def test_a_target_that_comes_within_the_grace_waits_for_its_end(hub: Holding) -> None:
    hub.inhibition(delay=0)
    source(hub)
    hub.after(300)
    end(hub, "ping")
    hub.after(20)
    t = target(hub)
    assert hub.states(t) == [HELD]
    assert hub.rows(t)[0]["send_after"] == hub.now + timedelta(seconds=40)
    hub.after(40)
    assert hub.states(t) == [SENT]


def test_two_sources_hold_while_either_lives(hub: Holding) -> None:
    hub.inhibition()
    source(hub, "ping-1")
    source(hub, "ping-2")
    t = target(hub)
    for name in ("ping-1", "ping-2"):
        hub.after(300)
        assert hub.states(t) == [HELD]
        end(hub, name)
    hub.after(59)
    assert hub.states(t) == [HELD]
    hub.after(1)
    assert hub.states(t) == [SENT]


def test_sources_that_take_turns_hold_on(hub: Holding) -> None:
    hub.inhibition()
    source(hub, "ping-0")
    t = target(hub)
    for number in range(1, 6):
        hub.after(50)
        end(hub, f"ping-{number - 1}")
        hub.after(50)
        source(hub, f"ping-{number}")
        assert hub.states(t) == [HELD], number
    hub.after(3600)
    assert hub.states(t) == [HELD]


def test_a_source_that_comes_back_holds_again(hub: Holding) -> None:
    hub.inhibition()
    source(hub)
    t = target(hub)
    hub.after(100)
    end(hub, "ping")
    hub.after(30)
    source(hub)
    hub.after(600)
    assert hub.states(t) == [HELD]


def test_an_acknowledged_source_holds_on_and_a_closed_one_does_not(hub: Holding) -> None:
    hub.inhibition(grace=0)
    s = source(hub)
    hub.base.act(s, Action.ACKNOWLEDGE)
    t = target(hub)
    assert hub.states(t) == [HELD]
    hub.after(60)
    hub.base.act(s, Action.CLOSE)
    hub.look()
    assert hub.states(t) == [SENT]


def test_critical_never_waits_but_is_held(hub: Holding) -> None:
    hub.inhibition()
    assert hub.states(target(hub, "disk-1", severity="CRITICAL")) == [SENT]
    source(hub)
    assert hub.states(target(hub, "disk-2", severity="CRITICAL")) == [HELD]


def test_what_grows_critical_waits_no_longer(hub: Holding) -> None:
    hub.inhibition()
    t = target(hub)
    assert hub.states(t) == [WAITS]
    target(hub, severity="CRITICAL")
    assert hub.states(t) == [SENT]


@pytest.mark.parametrize(
    ("of_source", "of_target"), [("db-1", "db-2"), ("", "db-1"), ("db-1", ""), ("", "")]
)
def test_labels_must_be_there_and_equal(hub: Holding, of_source: str, of_target: str) -> None:
    hub.inhibition(delay=0)
    source(hub, host=of_source)
    assert hub.states(target(hub, host=of_target)) == [SENT]


def test_without_labels_a_tenant_is_enough(hub: Holding) -> None:
    hub.inhibition(equal=(), delay=0)
    source(hub, host="a")
    assert hub.states(target(hub, host="b")) == [HELD]


def test_another_tenant_is_never_held(hub: Holding) -> None:
    hub.inhibition(equal=(), delay=0)
    source(hub)
    (tenant,) = hub.sql(
        "INSERT INTO tenants (id, workspace_id, slug, name) VALUES (gen_random_uuid(), %s, 'b', 'B')"
        " RETURNING id",
        hub.workspace.id,
    )[0]
    hub.sql("UPDATE integrations SET tenant_id = %s", tenant)
    assert hub.states(target(hub)) == [SENT]


def test_an_alert_holds_neither_itself_nor_its_like(hub: Holding) -> None:
    hub.inhibition(source={"team": "db"}, target={"check": "disk"}, delay=0)
    both = {"team": "db", "check": "disk", "host": "db-1"}
    first = hub.send("disk-1", labels=both)
    second = hub.send("disk-2", labels=both)
    assert hub.states(first) == hub.states(second) == [SENT]
    only = target(hub, "disk-3")
    assert hub.states(only) == [HELD]


def test_two_that_would_hold_each_other_are_both_sent(hub: Holding) -> None:
    hub.inhibition(source={"a": "1"}, target={"b": "1"}, delay=0)
    hub.inhibition(source={"c": "1"}, target={"d": "1"}, delay=0)
    one = hub.send("x", labels={"host": "h", "a": "1", "d": "1"})
    other = hub.send("y", labels={"host": "h", "b": "1", "c": "1"})
    assert hub.states(one) == hub.states(other) == [SENT]


def test_one_that_held_nobody_and_ends_is_no_obstacle(hub: Holding) -> None:
    """Of two sources one may not hold the target, since each would hold the other."""
    hub.inhibition(source={"a": "1"}, target={"b": "1"}, delay=0, name="r")
    hub.inhibition(source={"c": "1"}, target={"d": "1"}, delay=0, name="s")
    hub.send("mutual", labels={"host": "h", "a": "1", "d": "1"})
    hub.send("pure", labels={"host": "h", "a": "1"})
    t = hub.send("t", labels={"host": "h", "b": "1", "c": "1"})
    assert hub.states(t) == [HELD]
    hub.send("pure", "resolved", labels={"host": "h", "a": "1"})
    hub.after(60)
    assert hub.states(t) == [SENT]


def test_in_one_batch_as_well(hub: Holding) -> None:
    hub.inhibition()
    at = {"status": "firing", "severity": "HIGH", "title": "x"}
    hub.base.post(
        hub.sender,
        {**at, "external_id": "disk", "labels": {"check": "disk", "host": "db-1"}},
        {**at, "external_id": "ping", "labels": {"check": "ping", "host": "db-1"}},
    )
    assert sorted((row["status"], row["reason"]) for row in hub.rows()) == [
        ("deferred", "inhibited"),
        ("queued", "rule"),
    ]


def test_labels_that_change_change_what_holds(hub: Holding) -> None:
    hub.inhibition(grace=0)
    source(hub)
    t = target(hub)
    target(hub, host="db-2")
    hub.after(31)
    assert hub.states(t) == [SENT]
    u = target(hub, "disk-2")
    assert hub.states(u) == [HELD]
    source(hub, host="db-2")
    hub.after(31)
    assert hub.states(u) == [SENT]


@pytest.mark.parametrize("how", ["deleted", "disabled", "other labels"])
def test_a_rule_that_changes_lets_go_at_once(hub: Holding, how: str) -> None:
    rule = hub.inhibition()
    source(hub)
    hub.base.advance(60)
    t = target(hub)
    match how:
        case "deleted":
            hub.sql("DELETE FROM inhibition_rules")
        case "disabled":
            hub.sql("UPDATE inhibition_rules SET is_enabled = false")
        case _:
            hub.sql(
                "UPDATE inhibition_rules SET equal = '{other}', defined_at = %s WHERE id = %s",
                hub.now,
                rule,
            )
    hub.look()
    assert hub.states(t) == [SENT]


def test_a_new_rule_knows_what_was_live_before_it(hub: Holding) -> None:
    hub.silence(40, label="check", value="disk")
    source(hub)
    t = target(hub)
    hub.inhibition()
    u = target(hub, "disk-2", severity="LOW")
    hub.look()
    assert [hold["reason"] for hold in hub.rows(t)[0]["detail"]["holds"]][:2] == [
        "silence",
        "inhibited",
    ]
    hub.after(60)
    assert hub.rows(t)[0]["status"] == "deferred"
    assert hub.states(u)[0][1] == "deferred"
    hub.sql("UPDATE inhibition_rules SET is_enabled = false")
    hub.look()
    assert hub.states(t) == [SENT]
    end(hub, "ping")
    # What ended while the rule was off holds nothing when it is on again.
    hub.sql("UPDATE inhibition_rules SET is_enabled = true, defined_at = %s", hub.now)
    hub.after(1)
    assert hub.states(target(hub, "disk-3", severity="CRITICAL")) == [SENT]


def test_restarts_change_nothing(hub: Holding) -> None:
    hub.inhibition()
    hub.base.advance(60)
    t = target(hub)
    hub.restart()
    hub.after(20)
    source(hub)
    hub.restart()
    hub.after(300)
    assert hub.states(t) == [HELD]
    end(hub, "ping")
    hub.restart()
    hub.after(59)
    hub.restart()
    assert hub.states(t) == [HELD]
    hub.after(1)
    assert hub.states(t) == [SENT]
    hub.restart()
    hub.after(60)
    assert hub.states(t) == [SENT]


def test_many_targets_are_freed_a_batch_at_a_time(database: Database) -> None:
    with holding(database.url, batch=3) as hub:
        hub.rule()
        hub.inhibition()
        source(hub)
        targets = [target(hub, f"disk-{number}") for number in range(10)]
        assert all(hub.states(each) == [HELD] for each in targets)
        end(hub, "ping")
        hub.after(60)
        assert all(hub.states(each) == [SENT] for each in targets)


def test_explanations_name_what_holds(hub: Holding) -> None:
    hub.inhibition(name="host")
    s = source(hub)
    t = target(hub)
    (hold,) = [each for each in hub.rows(t)[0]["detail"]["holds"] if each["reason"] == "inhibited"]
    assert HOLDS[Reason.INHIBITED].words(hold) == (
        f"alert “Host down” ({s}) holds it, by inhibition rule “host”, while it is live"
    )


def test_a_source_cannot_end_while_another_node_is_just_holding_something_by_it(
    hub: Holding,
) -> None:
    hub.inhibition(delay=0, grace=0)
    source(hub)
    hub.deliver()
    base = hub.base
    at = {"title": "x", "severity": "HIGH"}
    comes = base.webhook(
        hub.sender,
        Posted(
            {
                **at,
                "status": "firing",
                "external_id": "disk",
                "labels": {"check": "disk", "host": "db-1"},
            }
        ),
    )
    ends = base.webhook(hub.sender, Posted({**at, "status": "resolved", "external_id": "ping"}))
    entry = comes.sender.entry
    cause = Cause(hub.now, hub.now, uuid7_bytes(), False)

    async def race() -> None:
        pipe = await Pipe.open(hub.workspace.url, options=PLANNER)
        transaction = AlertTransaction(pipe, base.feed, hub.now)
        await transaction.begin([AlertKey(entry.id_bytes, "disk")])
        transaction.apply(entry, comes.signals[0], cause)
        await transaction.plan()
        ending = asyncio.create_task(base.batcher.submit(ends))
        done, _ = await asyncio.wait([ending], timeout=0.5)
        assert not done
        await transaction.commit()
        await ending
        await pipe.close()

    base.run(race())
    assert [row["status"] for row in hub.rows()][1:] == ["deferred", "queued"]
    hub.look()
    assert [row["status"] for row in hub.rows()][1] == "queued"
