"""Maintenance windows, hour by hour: what they hold, and what becomes of it when they end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.model import Action, uuid7
from tocsin.store.groups import GroupsConnection
from tocsin.timers.groups import Groups

HELD = ("triggered", "deferred", "maintenance")
SENT = ("triggered", "queued", "rule")
GATHERED = ("triggered", "deferred", "grouped")
OVER = ("triggered", "canceled", "maintenance_over")


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url) as opened:
        opened.rule()
        yield opened


def end(hub: Holding) -> None:
    """What is still open is gathered for a moment, then sent."""
    groups = Groups(hub.workspace.url, hub.base.feed)
    connection = hub.base.run(GroupsConnection.open(hub.workspace.url))
    for _ in range(4):
        hub.base.advance(2)
        hub.look()
        hub.base.run(groups.work(connection, hub.now))
    hub.base.run(groups.close())
    hub.base.run(connection.close())


def messages(hub: Holding) -> list[dict[str, Any]]:
    return [row["payload"] for row in hub.rows() if row["event_type"] == "alerts.group"]


def test_what_is_still_open_at_the_end_is_sent_and_says_so(hub: Holding) -> None:
    window = hub.window(60)
    alert = hub.send("disk")
    assert hub.states(alert) == [HELD]
    (row,) = hub.rows(alert)
    assert row["send_after"] == hub.now + timedelta(hours=1)
    (held,) = row["detail"]["holds"]
    assert (held["window"]["id"], held["window"]["name"]) == (str(window), "DB patch")
    hub.after(3599)
    assert hub.states(alert) == [HELD]
    hub.after(1)
    assert hub.states(alert) == [GATHERED]
    end(hub)
    assert hub.states(alert) == [SENT]
    assert hub.rows(alert)[0]["payload"]["held"]["after"] == "maintenance “DB patch”"


def test_what_is_over_at_the_end_is_never_sent(hub: Holding) -> None:
    hub.window(60)
    alert = hub.send("disk")
    hub.base.advance(60)
    hub.send("disk", "resolved")
    hub.after(3600)
    assert {row["status"] for row in hub.rows(alert)} == {"canceled"}


def test_who_was_notified_before_it_is_notified_of_the_end(hub: Holding) -> None:
    alert = hub.send("disk")
    hub.deliver()
    hub.window(60)
    hub.send("disk", "resolved")
    assert hub.states(alert)[-1] == ("resolved", "queued", "rule")


def test_it_is_ended_early(hub: Holding) -> None:
    window = hub.window(60)
    alert = hub.send("disk")
    hub.after(1800)
    hub.change_window(window, ended_at=hub.now)
    hub.look()
    assert hub.states(alert) == [GATHERED]
    assert hub.states(hub.send("cpu")) == [SENT]


@pytest.mark.parametrize("how", ["disabled", "deleted", "other matchers"])
def test_it_ends_by_a_change(hub: Holding, how: str) -> None:
    window = hub.window(60, rrule="FREQ=DAILY")
    alert = hub.send("disk")
    match how:
        case "disabled":
            hub.change_window(window, is_enabled=False)
        case "deleted":
            hub.sql("DELETE FROM maintenance_windows")
        case _:
            hub.sql("UPDATE maintenance_windows SET matchers = '[{\"label\": \"host\", "
                    "\"op\": \"=\", \"value\": \"db-2\"}]'")  # fmt: skip
    hub.look()
    assert hub.states(alert) == [SENT if how == "other matchers" else GATHERED]


def test_extended_just_before_its_end_it_sends_nothing(hub: Holding) -> None:
    window = hub.window(120)
    alert = hub.send("disk")
    hub.after(119 * 60)
    hub.change_window(window, duration_minutes=180)
    hub.after(61)
    assert hub.states(alert) == [HELD]
    assert hub.rows(alert)[0]["send_after"] == hub.now + timedelta(seconds=3600 - 1)


def test_each_occurrence_holds_by_itself(hub: Holding) -> None:
    hub.window(60, rrule="FREQ=DAILY")
    first = hub.send("disk")
    hub.after(3600)
    assert hub.states(first) == [GATHERED]
    between = hub.send("cpu")
    assert hub.states(between) == [SENT]
    hub.after(23 * 3600)
    second = hub.send("net")
    assert hub.states(second) == [HELD]
    # What was ended early is that occurrence, and not the next.
    hub.sql("UPDATE maintenance_windows SET ended_at = %s", hub.now)
    hub.look()
    assert hub.states(second) == [GATHERED]
    hub.after(24 * 3600)
    assert hub.states(hub.send("fan")) == [HELD]


def test_occurrences_that_touch_hold_on(hub: Holding) -> None:
    hub.window(24 * 60, rrule="FREQ=DAILY;COUNT=2")
    alert = hub.send("disk")
    hub.after(24 * 3600)
    assert hub.states(alert) == [HELD]
    hub.after(24 * 3600)
    assert hub.states(alert) == [GATHERED]


def test_a_window_that_begins_later_takes_over_what_waits(hub: Holding) -> None:
    hub.silence(1800)
    hub.window(60, starts_at=hub.now + timedelta(minutes=20))
    alert = hub.send("disk")
    assert hub.states(alert) == [("triggered", "deferred", "silence")]
    hub.after(1800)
    assert hub.states(alert) == [HELD]
    assert hub.rows(alert)[0]["send_after"] == hub.now + timedelta(minutes=50)


def test_one_that_notifies_nobody_at_its_end(hub: Holding) -> None:
    hub.window(60, on_end="nothing")
    alert = hub.send("disk")
    hub.after(3600)
    assert hub.states(alert) == [OVER]
    hub.send("disk", "resolved")
    assert hub.states(alert) == [OVER, ("resolved", "suppressed", "trigger_not_sent")]


@pytest.mark.parametrize("on_end", ["nothing", "notify_open"])
def test_deleting_it_ends_it_as_it_says(hub: Holding, on_end: str) -> None:
    hub.window(60, on_end=on_end)
    alert = hub.send("disk")
    hub.sql("DELETE FROM maintenance_windows")
    hub.look()
    assert hub.states(alert) == [OVER if on_end == "nothing" else GATHERED]


def test_what_it_lets_go_of_itself_is_sent_all_the_same(hub: Holding) -> None:
    hub.window(60, on_end="nothing", breakthrough_severity="CRITICAL")
    moved, worse = hub.send("disk"), hub.send("cpu")
    hub.send("disk", labels={"host": "db-9"})
    hub.send("cpu", severity="CRITICAL")
    assert hub.states(moved) == hub.states(worse) == [SENT]


def test_what_grows_worse_after_an_end_that_notified_nobody_is_sent(hub: Holding) -> None:
    hub.window(60, on_end="nothing")
    alert = hub.send("disk")
    hub.after(3600)
    assert hub.states(alert) == [OVER]
    hub.send("disk", severity="CRITICAL")
    assert hub.states(alert) == [OVER, SENT]


def test_it_holds_for_its_tenants_only(hub: Holding) -> None:
    hub.window(60, tenant_ids=[uuid7()])
    assert hub.states(hub.send("disk")) == [SENT]
    (tenant,) = hub.sql("SELECT id FROM tenants LIMIT 1")[0]
    hub.sql("UPDATE maintenance_windows SET tenant_ids = %s", [tenant])
    assert hub.states(hub.send("cpu")) == [HELD]


def test_wall_clock_starts_and_elapsed_ends_across_a_clock_change(hub: Holding) -> None:
    hub.window(60, rrule="FREQ=DAILY", starts_at=datetime(2026, 1, 1, 2, 30, tzinfo=hub.now.tzinfo))
    hub.sql("UPDATE maintenance_windows SET timezone = 'Europe/Berlin'")
    # The clocks go back at 01:00 UTC: 02:30 occurs at 00:30 and at 01:30.
    for minute, held in ((29, False), (30, True), (89, True), (90, False), (119, False)):
        hub.base.now = datetime(2026, 10, 25, 0, 0, tzinfo=hub.now.tzinfo) + timedelta(
            minutes=minute
        )
        assert (hub.states(hub.send(f"disk-{minute}")) == [HELD]) is held, minute


def test_a_restart_in_between_changes_nothing(hub: Holding) -> None:
    hub.window(60)
    alerts = [hub.send(f"disk-{n}") for n in range(12)]
    hub.after(1800)
    hub.restart()
    hub.after(1799)
    assert all(hub.states(alert) == [HELD] for alert in alerts)
    hub.restart()
    hub.after(1)
    hub.restart()
    hub.look()
    assert all(hub.states(alert) == [GATHERED] for alert in alerts)
    end(hub)
    assert len(messages(hub)) == 1


# One message for all that is still open


@pytest.mark.parametrize("how", ["at its time", "early", "deleted"])
def test_twelve_open_alerts_are_one_message_per_destination(hub: Holding, how: str) -> None:
    hub.workspace.rule(event_types=["alerts.triggered"])
    window = hub.window(60)
    alerts = [hub.send(f"disk-{n}", severity="CRITICAL" if n == 5 else "LOW") for n in range(14)]
    hub.send("disk-12", "resolved")
    hub.base.act(alerts[13], Action.ACKNOWLEDGE)
    hub.after(1800)
    match how:
        case "at its time":
            hub.base.advance(1800)
        case "early":
            hub.change_window(window, ended_at=hub.now)
        case _:
            hub.sql("DELETE FROM maintenance_windows")
    end(hub)
    first, second = messages(hub)
    for message in (first, second):
        changes = {name: count for name, count in message["group"]["changes"].items() if count}
        assert changes == {"new": 12, "open": 12}
        assert message["group"]["title"] == "After maintenance “DB patch”"
        assert message["held"]["after"] == "maintenance “DB patch”"
        assert message["alerts"][0]["severity"] == "CRITICAL"
    carried = [row for row in hub.rows(alerts[0]) if row["event_type"] == "alerts.triggered"]
    assert [(row["status"], row["reason"]) for row in carried] == [("deferred", "grouped")] * 2
    assert hub.sql("SELECT count(*) FROM alert_groups") == [(0,)]
    end(hub)
    assert len(messages(hub)) == 2


def test_what_ends_while_others_are_gathered_is_not_sent(hub: Holding) -> None:
    hub.window(60)
    alerts = [hub.send(f"disk-{n}") for n in range(3)]
    hub.after(3600)
    assert [hub.states(each) for each in alerts] == [[GATHERED]] * 3
    hub.send("disk-0", "resolved")
    hub.send("disk-1", title="Fuller")
    end(hub)
    (message,) = messages(hub)
    assert message["group"]["changes"]["open"] == 2
    assert {each["title"] for each in message["alerts"]} == {"Fuller", "Disk full"}
    assert {row["status"] for row in hub.rows(alerts[0])} == {"canceled"}


def test_what_takes_no_groups_gets_each_by_itself(hub: Holding) -> None:
    hub.sql("UPDATE alert_destinations SET type = 'pagerduty'")
    hub.window(60)
    alerts = [hub.send(f"disk-{n}") for n in range(3)]
    hub.after(3600)
    assert [hub.states(each) for each in alerts] == [[SENT]] * 3


def test_a_rule_that_is_gone_leaves_each_to_itself(hub: Holding) -> None:
    hub.window(60)
    alerts = [hub.send(f"disk-{n}") for n in range(3)]
    hub.after(3600)
    hub.sql("UPDATE alert_rules SET deleted_at = now(), is_enabled = false")
    end(hub)
    assert [hub.states(each) for each in alerts] == [[SENT]] * 3
