"""What waits in a storm, by a clock that a test moves: it is looked at as everything that waits is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.json import encode

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts.actions import Action
from tocsin.routing.storm import storm_id
from tocsin.store.delivery_queue import DeliveryQueue
from tocsin.store.delivery_rates import WaitingForRate

WAITS = ("triggered", "deferred", "rate_limited")


class Storm:
    """One at the hub's destination, which a dispatcher feeds."""

    def __init__(self, hub: Holding) -> None:
        self.hub = hub
        hub.gather()
        self.queue = hub.base.run(DeliveryQueue.open(hub.workspace.url, "node", 30.0))

    def close(self) -> None:
        self.hub.base.run(self.queue.close())

    def begin(self) -> None:
        hub = self.hub
        ((tenant_id,),) = hub.sql("SELECT DISTINCT tenant_id FROM alert_deliveries")
        waiting = WaitingForRate(
            hub.destination_id, tenant_id, hub.workspace.id, hub.rule_id, waiting=100
        )
        id = storm_id(hub.destination_id, tenant_id)
        hub.base.run(self.queue.rates.begin_storm(id, "storm", waiting, budget=7.5))
        self.look()

    def look(self) -> None:
        """What a claim does first, and the leader then."""
        self.hub.base.run(self.queue.rates.gather_storms([self.hub.destination_id]))
        # Its clock is the database's, which is ahead of the test's.
        self.hub.sql("UPDATE alert_groups SET look_at = %s WHERE look_at <= now()", self.hub.now)
        self.hub.look()

    def after(self, seconds: float) -> None:
        self.hub.base.advance(seconds)
        self.hub.look()
        self.look()

    def many(self, count: int, name: str = "disk", **fields: Any) -> list[UUID]:
        return [
            self.hub.send(f"{name}-{number}", severity="LOW", **fields) for number in range(count)
        ]

    def sent(self) -> None:
        self.hub.deliver()

    def digests(self) -> list[dict[str, Any]]:
        return [
            row["payload"] | {"reason": row["reason"]}
            for row in self.hub.rows()
            if row["event_type"] == "alerts.storm"
        ]

    def said(self) -> list[str]:
        return [each["group"]["title"].partition(" in ")[0] for each in self.digests()]


@pytest.fixture
def storm(database: Database) -> Iterator[Storm]:
    with holding(database.url) as hub:
        hub.rule()
        opened = Storm(hub)
        yield opened
        opened.close()


def test_what_becomes_critical_while_it_waits_is_said_at_once(storm: Storm) -> None:
    hub = storm.hub
    storm.many(5)
    storm.begin()
    assert storm.said() == ["Storm: 5 new"]
    storm.after(10)
    late = hub.send("late", severity="LOW")
    storm.look()
    assert hub.states(late) == [WAITS]
    storm.after(10)
    assert len(storm.said()) == 1
    hub.send("late", severity="CRITICAL")
    storm.after(1)
    assert storm.digests()[-1]["group"]["title"] == "Storm: 1 new in 21 s, 1 CRITICAL"
    assert storm.digests()[-1]["alerts"][0]["external_id"] == "late"
    (row,) = hub.rows(late)
    assert row["carried_by"] is not None


def test_what_becomes_critical_after_a_digest_said_it_is_said_again_at_once(storm: Storm) -> None:
    hub = storm.hub
    storm.many(5)
    storm.begin()
    storm.sent()
    storm.after(10)
    hub.send("disk-3", severity="CRITICAL")
    storm.look()
    assert storm.said() == ["Storm: 5 new", "Storm: 1 new"]
    assert storm.digests()[-1]["alerts"][0]["severity"] == "CRITICAL"
    storm.sent()
    # And once: what it says again is no news.
    hub.send("disk-3", severity="CRITICAL")
    storm.after(301)
    assert len(storm.said()) == 2


def test_a_critical_does_not_wait_after_a_digest_without_one(storm: Storm) -> None:
    storm.many(5)
    storm.begin()
    storm.after(10)
    storm.hub.send("first", severity="CRITICAL")
    storm.look()
    storm.after(10)
    storm.hub.send("second", severity="CRITICAL")
    storm.many(5, "more")
    storm.look()
    assert len(storm.said()) == 2
    storm.after(300)
    assert len(storm.said()) == 3
    storm.many(5, "again")
    storm.look()
    storm.after(300)
    assert len(storm.said()) == 4
    storm.after(10)
    storm.hub.send("third", severity="CRITICAL")
    storm.look()
    assert len(storm.said()) == 5


@pytest.mark.parametrize("how", ["silence", "snooze", "window", "quiet hours"])
def test_a_hold_that_begins_takes_out_what_waits(storm: Storm, how: str) -> None:
    hub = storm.hub
    storm.many(5)
    storm.begin()
    storm.after(10)
    held, other = (
        hub.send("held", severity="LOW"),
        hub.send("other", severity="LOW", labels={"host": "db-2"}),
    )
    storm.look()
    if how == "silence":
        hub.silence(600)
    elif how == "snooze":
        hub.base.act(held, Action.SNOOZE, hub.now + timedelta(seconds=600))
    elif how == "window":
        hub.window(10)
    else:
        hub.change_rule(quiet_hours=hub.quiet(1))
    hub.restart()
    storm.after(1)
    reason = {"silence": "silence", "snooze": "snoozed", "window": "maintenance"}.get(how)
    assert hub.states(held) == [("triggered", "deferred", reason or "quiet_hours")]
    assert hub.rows(held)[0]["detail"]["holds"]
    if how != "quiet hours":
        assert hub.states(other) == [WAITS]
    storm.after(300)
    assert storm.said() == ["Storm: 5 new"] + ["Storm: 1 new"] * (how != "quiet hours")
    # It is still wrong when the hold ends.
    storm.after(3600)
    storm.after(300)
    if how == "window":
        # That has a message of its own for all that is still open.
        storm.after(5)
    assert hub.rows(held)[0]["payload"]["held"]["reason"] == (reason or "quiet_hours")
    assert hub.rows(held)[0]["carried_by"] is not None or hub.states(held)[0][1] == "queued"


def test_a_window_that_begins_by_the_clock_does_so_too(storm: Storm) -> None:
    hub = storm.hub
    hub.window(10, starts_at=hub.now + timedelta(seconds=30))
    storm.many(5, labels={"host": "db-2"})
    storm.begin()
    storm.after(10)
    held = hub.send("held", severity="LOW")
    storm.look()
    assert hub.states(held) == [WAITS]
    storm.after(20)
    assert hub.states(held) == [("triggered", "deferred", "maintenance")]


@pytest.mark.parametrize("how", ["resolved", Action.RESOLVE, Action.CLOSE])
def test_what_is_over_is_not_said(storm: Storm, how: str | Action) -> None:
    hub = storm.hub
    storm.many(5)
    storm.begin()
    storm.after(10)
    alert = hub.send("late", severity="LOW")
    storm.look()
    if isinstance(how, Action):
        hub.base.act(alert, how)
    else:
        hub.send("late", "resolved")
    assert {(status, why) for _, status, why in hub.states(alert)} == {
        ("canceled", "resolved_before_sent")
    }
    storm.after(300)
    assert storm.said() == ["Storm: 5 new"]


def test_what_is_taken_on_meanwhile_is_said_with_that(storm: Storm) -> None:
    hub = storm.hub
    storm.many(5)
    storm.begin()
    storm.after(10)
    alert = hub.send("late", severity="LOW")
    storm.look()
    hub.base.act(alert, Action.ACKNOWLEDGE)
    storm.after(1)
    assert hub.states(alert) == [WAITS, ("acknowledged", "deferred", "rate_limited")]
    storm.after(300)
    assert storm.digests()[-1]["group"]["changes"] == {
        "new": 1, "acknowledged": 1, "ended": 0, "passed": 0, "open": 6,
    }  # fmt: skip


def test_messages_of_groups_are_gathered_and_their_alerts_name_the_digest(storm: Storm) -> None:
    hub = storm.hub
    storm.many(5)
    storm.begin()
    hub.change_rule(group_by=["host"])
    storm.after(1)
    alerts = [hub.send(f"g-{host}", severity="LOW", labels={"host": host}) for host in "abc"]
    storm.after(31)
    groups = [row for row in hub.rows() if row["event_type"] == "alerts.group"]
    assert {(row["status"], row["reason"]) for row in groups} == {("canceled", "superseded")}
    assert len(groups) == 3
    assert [hub.states(alert) for alert in alerts] == [[WAITS]] * 3
    storm.after(300)
    assert storm.said() == ["Storm: 5 new", "Storm: 3 new"]
    digest = [row["id"] for row in hub.rows() if row["event_type"] == "alerts.storm"][-1]
    assert {hub.rows(alert)[0]["carried_by"] for alert in alerts} == {digest}
    storm.sent()
    assert [hub.states(alert)[0][1] for alert in alerts] == ["sent"] * 3


def test_a_digest_is_as_small_for_many_as_for_few(storm: Storm) -> None:
    long = "x" * 2_000
    storm.many(200, description=long, details={"trace": long * 5})
    storm.hub.send("worst", severity="HIGH", description=long)
    storm.begin()
    (digest,) = storm.digests()
    assert digest["group"]["changes"]["new"] == 201
    assert len(digest["alerts"]) == 10
    assert digest["alerts"][0]["external_id"] == "worst"
    assert digest["group"]["more"] == 191
    assert len(encode(digest)) < 16_000
    listed = storm.hub.sql(
        "SELECT count(*) FROM alert_delivery_alerts a JOIN alert_deliveries d"
        " ON d.id = a.alert_delivery_id WHERE d.event_type = 'alerts.storm'"
    )
    assert listed == [(10,)]


def test_a_storm_of_which_all_was_withdrawn_ends(storm: Storm) -> None:
    hub = storm.hub
    storm.many(3)
    hub.base.advance(1)
    for number in range(3):
        hub.send(f"disk-{number}", "resolved")
    hub.send("other", severity="LOW")
    hub.send("other", "resolved")
    storm.begin()
    storm.after(301)
    storm.after(301)
    assert storm.digests() == []
    assert hub.sql("SELECT count(*) FROM alert_groups") == [(0,)]
