"""An alert that keeps coming and going, minute by minute, by a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts.actions import Action

DEFAULT = {
    "half_life_minutes": 15,
    "start": 3,
    "stop": 1,
    "quiet_minutes": 10,
    "longest_minutes": 240,
    "digest_minutes": 30,
}


class Flapping:
    """One alert key, and what is sent of it: everything that is queued is delivered at once."""

    def __init__(self, hub: Holding) -> None:
        self.hub = hub
        self.minutes = 0.0
        self.sent: list[tuple[float, str]] = []
        self.alerts: list[UUID] = []
        self.is_up = False

    def until(self, minutes: float) -> None:
        while self.minutes < minutes:
            step = min(1.0, minutes - self.minutes)
            self.minutes += step
            self.hub.after(step * 60)
            self.note()

    def change(self, **fields: Any) -> None:
        self.is_up = not self.is_up
        alert = self.hub.send("disk", "firing" if self.is_up else "resolved", **fields)
        if alert not in self.alerts:
            self.alerts.append(alert)
        self.note()

    def flap(self, last: float, every: float = 2, **fields: Any) -> None:
        """It opens now and changes until minute `last`."""
        while True:
            self.change(**fields)
            if self.minutes + every > last:
                return
            self.until(self.minutes + every)

    def note(self) -> None:
        found = self.hub.sql(
            "SELECT event_type FROM alert_deliveries WHERE status = 'queued' ORDER BY sequence"
        )
        self.hub.deliver()
        left = self.hub.sql("SELECT count(*) FROM alert_deliveries WHERE status = 'queued'")
        assert left == [(0,)], "something stands in the way"
        self.sent += [(self.minutes, event.removeprefix("alerts.")) for (event,) in found]


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url) as opened:
        opened.sql("UPDATE integrations SET flapping = %s", Json(DEFAULT))
        opened.base.run(opened.base.feed.look())
        opened.rule()
        yield opened


def test_the_timeline(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=20)
    assert flapping.sent == [
        (0, "triggered"),
        (2, "resolved"),
        (4, "triggered"),
        (6, "flapping"),
    ]
    flapping.until(120)
    assert [event for _, event in flapping.sent[4:]] == ["flapping", "settled"]
    assert flapping.sent[4][0] == 36
    # p is 7.2 at the last change: 43 minutes until it is below 1.
    assert flapping.sent[5][0] == 63
    final = hub.rows(flapping.alerts[-1])[-1]
    assert final["payload"]["alert"]["status"] == "OPEN"
    assert final["payload"]["flapping"]["changes"] == 11
    # Two episodes before it flapped, and all the others are one alert.
    assert len(flapping.alerts) == 2
    assert hub.sql("SELECT occurrence_count FROM alerts ORDER BY id") == [(1,), (5,)]
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]


def test_a_final_state_that_is_over_is_said_once(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=18)
    flapping.until(120)
    assert [event for _, event in flapping.sent] == [
        *("triggered", "resolved", "triggered", "flapping", "flapping", "settled")
    ]
    assert hub.rows(flapping.alerts[-1])[-1]["payload"]["alert"]["status"] == "RESOLVED"
    flapping.change()
    assert flapping.sent[-1] == (120, "triggered")
    assert len(flapping.alerts) == 3


def test_the_end_after_it_has_settled_open_is_notified_of(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=20)
    flapping.until(90)
    assert flapping.sent[-1][1] == "settled"
    flapping.change()
    assert flapping.sent[-1] == (90, "resolved")


def test_a_critical_trigger_is_always_sent(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=12, severity="CRITICAL")
    assert flapping.sent == [
        (0, "triggered"),
        (2, "resolved"),
        (4, "triggered"),
        (6, "flapping"),
        (8, "triggered"),
        (12, "triggered"),
    ]


def test_what_grows_critical_while_it_flaps_is_sent(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=8)
    assert flapping.sent[-1] == (6, "flapping")
    hub.send("disk", severity="CRITICAL")
    flapping.note()
    assert flapping.sent[-1] == (8, "triggered")


def test_what_is_acknowledged_stays_so_when_it_comes_back(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=8)
    hub.base.act(flapping.alerts[-1], Action.ACKNOWLEDGE)
    flapping.change()
    flapping.until(10)
    flapping.change()
    assert hub.sql("SELECT status::text FROM alerts WHERE id = %s", flapping.alerts[-1]) == [
        ("ACKNOWLEDGED",)
    ]


def test_closing_it_ends_it_and_the_next_episode_is_a_new_alert(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=8)
    hub.base.act(flapping.alerts[-1], Action.CLOSE)
    flapping.note()
    assert flapping.sent[-1] == (8, "closed")
    flapping.is_up = False
    flapping.until(10)
    flapping.change()
    assert len(flapping.alerts) == 3
    assert hub.states(flapping.alerts[-1]) == [("triggered", "deferred", "flapping")]
    flapping.until(120)
    # Nobody was notified of the new one; it is open, so it is said.
    assert flapping.sent[-1][1] == "settled"


def test_another_key_does_not_flap(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=6)
    other = hub.send("other")
    assert hub.states(other) == [("triggered", "queued", "rule")]


def test_a_silence_holds_what_is_said_of_it_and_the_final_state_is_sent(hub: Holding) -> None:
    hub.silence(180 * 60)
    flapping = Flapping(hub)
    flapping.flap(last=20)
    flapping.until(179)
    assert flapping.sent == []
    flapping.until(185)
    assert flapping.sent == [(180, "settled")]
    states = hub.states(flapping.alerts[-1])
    assert {status for _, status, _ in states[:-1]} <= {"canceled"}


def test_what_came_and_went_within_a_silence_is_never_said(hub: Holding) -> None:
    hub.silence(180 * 60)
    flapping = Flapping(hub)
    flapping.flap(last=18)
    flapping.until(200)
    assert flapping.sent == []


def test_it_can_be_switched_off_and_that_is_in_force_at_once(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=8)
    assert flapping.sent[-1] == (6, "flapping")
    hub.sql("UPDATE integrations SET flapping = NULL")
    hub.look()
    flapping.note()
    assert flapping.sent[-1] == (8, "settled")
    flapping.flap(last=20)
    assert [event for _, event in flapping.sent[5:]] == ["resolved", "triggered"] * 3 + ["resolved"]


def test_after_four_hours_it_is_said_anew(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=260, every=4)
    events = [event for _, event in flapping.sent]
    assert events.count("settled") == 1
    settled = events.index("settled")
    assert events[settled + 1] == "flapping"


def test_a_restart_changes_nothing(hub: Holding) -> None:
    flapping = Flapping(hub)
    flapping.flap(last=20)
    for minute in (36, 36.5, 61, 90):
        flapping.until(minute - 0.5)
        hub.restart()
        flapping.until(minute)
    assert [event for _, event in flapping.sent[3:]] == ["flapping", "flapping", "settled"]


def test_only_ends_are_listened_to(hub: Holding) -> None:
    hub.change_rule(event_types=["alerts.resolved"])
    flapping = Flapping(hub)
    flapping.flap(last=18)
    assert [event for _, event in flapping.sent] == ["resolved"]
    flapping.until(120)
    assert [event for _, event in flapping.sent] == ["resolved", "resolved"]


def test_repeats_count_for_nothing_and_write_nothing(hub: Holding) -> None:
    for _ in range(8):
        alert = hub.send("disk")
        hub.base.advance(10)
    assert hub.sql("SELECT flaps FROM alerts WHERE id = %s", alert) == [(None,)]


def test_without_numbers_it_never_flaps(hub: Holding) -> None:
    hub.sql("UPDATE integrations SET flapping = NULL")
    flapping = Flapping(hub)
    flapping.flap(last=20)
    assert {event for _, event in flapping.sent} == {"triggered", "resolved"}
    assert hub.sql("SELECT DISTINCT flaps FROM alerts") == [(None,)]
