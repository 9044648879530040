"""Alerts of tools that never say that something is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts.actions import Action

DAY = 24 * 3600


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url) as opened:
        opened.rule()
        yield opened


def auto_resolve(hub: Holding, minutes: int | None) -> None:
    hub.sql("UPDATE integrations SET auto_resolve_minutes = %s", minutes)
    hub.base.run(hub.base.feed.look())


def status(hub: Holding) -> list[str]:
    return [row[0] for row in hub.sql("SELECT status::text FROM alerts ORDER BY id")]


def test_what_is_not_repeated_for_a_day_is_taken_to_be_over(hub: Holding) -> None:
    auto_resolve(hub, 24 * 60)
    alert, heard_at = hub.send("disk"), hub.now
    hub.deliver()
    hub.after(DAY - 1)
    assert status(hub) == ["OPEN"]
    hub.after(1)
    assert status(hub) == ["RESOLVED"]
    row = hub.rows(alert)[-1]
    assert (row["event_type"], row["status"]) == ("alerts.resolved", "queued")
    assert row["payload"]["no_news_since"] == heard_at.isoformat().replace("+00:00", "Z")
    assert row["payload"]["actor"] == "tocsin"
    (event,) = hub.sql("SELECT detail, actor FROM alert_events WHERE kind = 'resolved'")
    assert event[0]["reason"] == "no_news"
    assert event[1]["kind"] == "system"
    hub.after(DAY)
    assert hub.kinds(alert).count("resolved") == 1
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]


def test_every_repeat_pushes_it_on_without_a_write_of_its_own(hub: Holding) -> None:
    auto_resolve(hub, 24 * 60)
    hub.send("disk")
    hub.look()
    timers = hub.sql("SELECT xmin::text, due_at FROM alert_timers")
    for _ in range(5):
        hub.base.advance(DAY / 6)
        hub.send("disk")
        assert hub.sql("SELECT xmin::text, due_at FROM alert_timers") == timers
    hub.after(DAY / 6)  # the timer is due, and finds news
    assert hub.sql("SELECT due_at FROM alert_timers") == [(hub.now + timedelta(hours=20),)]
    hub.after(20 * 3600 - 1)
    assert status(hub) == ["OPEN"]
    hub.after(1)
    assert status(hub) == ["RESOLVED"]


def test_a_taken_on_alert_is_resolved_too_and_one_that_is_over_is_left_alone(hub: Holding) -> None:
    auto_resolve(hub, 60)
    taken, over = hub.send("a"), hub.send("b")
    hub.base.act(taken, Action.ACKNOWLEDGE)
    hub.base.act(over, Action.CLOSE)
    hub.after(3600)
    assert status(hub) == ["RESOLVED", "CLOSED"]
    assert hub.kinds(over) == ["triggered", "closed"]


def test_a_new_signal_is_a_new_episode(hub: Holding) -> None:
    auto_resolve(hub, 60)
    first = hub.send("disk")
    hub.after(3600)
    hub.base.advance(120)
    assert hub.send("disk") != first
    assert status(hub) == ["RESOLVED", "OPEN"]
    hub.after(3600)
    assert status(hub) == ["RESOLVED", "RESOLVED"]


def test_reopened_it_gets_the_whole_time_again(hub: Holding) -> None:
    auto_resolve(hub, 60)
    alert = hub.send("disk")
    hub.after(3600)
    hub.base.act(alert, Action.REOPEN)
    hub.after(3599)
    assert status(hub) == ["OPEN"]
    hub.after(1)
    assert status(hub) == ["RESOLVED"]


def test_a_change_of_the_setting_is_in_force_at_once(hub: Holding) -> None:
    hub.send("disk")
    hub.send(None)
    hub.base.advance(1800)
    auto_resolve(hub, 60)
    hub.look()
    assert hub.sql("SELECT DISTINCT due_at FROM alert_timers") == [
        (hub.now + timedelta(minutes=30),)
    ]
    auto_resolve(hub, 20)
    hub.look()
    assert status(hub) == ["RESOLVED", "RESOLVED"]
    hub.send("other")
    auto_resolve(hub, None)
    hub.after(DAY)
    assert status(hub)[-1] == "OPEN"
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]


def test_a_restart_changes_nothing(hub: Holding) -> None:
    auto_resolve(hub, 60)
    alert = hub.send("disk")
    hub.base.advance(3600)
    for _ in range(2):
        hub.restart()
        hub.look()
    assert hub.kinds(alert) == ["triggered", "resolved"]


def test_without_the_setting_no_timer_is_written(hub: Holding) -> None:
    hub.send("disk")
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]
