"""An alert that is still open, and that nobody has taken on, is notified of again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts.actions import Action
from tocsin.timers.alert_timers import ElapsedTimers

HOUR = 3600
SENT = ("triggered", "sent", "rule")
REMINDER = ("reminder", "queued", "rule")


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url) as opened:
        yield opened


def reminders(hub: Holding) -> list[tuple[str, ...]]:
    return [row for row in hub.states(None) if row[0] == "reminder"]


def test_what_stays_open_is_notified_of_again_and_says_since_when(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.deliver()
    hub.after(HOUR - 1)
    assert hub.states(alert) == [SENT]
    hub.send("disk", title="Disk fuller")
    hub.after(1)
    assert hub.states(alert) == [SENT, REMINDER]
    row = hub.rows(alert)[-1]
    assert row["payload"]["alert"]["title"] == "Disk fuller"
    assert [rule["id"] for rule in row["detail"]["rules"]] == [str(hub.rule_id)]
    hub.after(0)
    assert hub.states(alert) == [SENT, REMINDER]
    hub.deliver()
    hub.after(HOUR)
    assert hub.states(alert) == [SENT, ("reminder", "sent", "rule"), REMINDER]
    assert hub.kinds(alert).count("reminded") == 2


def test_without_the_wish_nobody_is_reminded(hub: Holding) -> None:
    hub.rule()
    hub.send("disk")
    hub.deliver()
    hub.after(30 * 24 * HOUR)
    assert reminders(hub) == []
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]


@pytest.mark.parametrize("how", ["acknowledged", "resolved", "closed"])
def test_what_somebody_cares_for_or_what_is_over_is_not(hub: Holding, how: str) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.deliver()
    if how == "resolved":
        hub.send("disk", "resolved")
    else:
        hub.base.act(alert, Action.ACKNOWLEDGE if how == "acknowledged" else Action.CLOSE)
    hub.after(3 * HOUR)
    assert reminders(hub) == []
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]


def test_an_alert_that_is_opened_again_reminds_again(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.deliver()
    hub.base.act(alert, Action.RESOLVE)
    hub.after(3 * HOUR)
    hub.base.act(alert, Action.REOPEN)
    hub.deliver()
    hub.after(HOUR)
    assert hub.states(alert)[-2:] == [SENT, REMINDER]


def test_a_reminder_that_is_held_is_sent_when_the_hold_ends_and_is_only_one(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.deliver()
    hub.silence(4.5 * HOUR)
    for _ in range(4):
        hub.after(HOUR)
    assert hub.states(alert) == [SENT, ("reminder", "deferred", "silence")]
    hub.after(HOUR / 2)
    assert hub.states(alert) == [SENT, REMINDER]
    assert hub.rows(alert)[-1]["payload"]["held"]["after"] == "silence “DB patch”"
    hub.deliver()
    hub.after(HOUR - 1)
    assert len(reminders(hub)) == 1
    hub.after(1)
    assert len(reminders(hub)) == 2


@pytest.mark.parametrize("action", [Action.ACKNOWLEDGE, Action.RESOLVE])
def test_a_held_reminder_of_what_was_taken_on_is_canceled(hub: Holding, action: Action) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.deliver()
    hub.silence(2 * HOUR)
    hub.after(HOUR)
    hub.base.act(alert, action)
    how = "acknowledged" if action is Action.ACKNOWLEDGE else "resolved"
    assert ("reminder", "canceled", f"{how}_before_sent") in hub.states(alert)


def test_a_trigger_that_is_held_is_no_reason_to_remind(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    hub.silence(5 * HOUR)
    alert = hub.send("disk")
    hub.after(4 * HOUR)
    assert hub.states(alert) == [("triggered", "deferred", "silence")]
    hub.after(HOUR)
    hub.deliver()
    hub.after(HOUR)
    assert hub.states(alert) == [SENT, REMINDER]


def test_nobody_is_reminded_of_what_is_still_on_its_way(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.after(HOUR)
    hub.after(HOUR)
    assert hub.states(alert) == [("triggered", "queued", "rule")]
    hub.deliver()
    hub.after(HOUR)
    assert hub.states(alert) == [SENT, REMINDER]


def test_a_wish_that_comes_later_is_in_force_at_once(hub: Holding) -> None:
    hub.rule()
    alert = hub.send("disk")
    hub.deliver()
    hub.after(3 * HOUR)
    hub.change_rule(remind_every_seconds=4 * HOUR)
    hub.look()
    assert hub.sql("SELECT due_at FROM alert_timers") == [(hub.now + timedelta(hours=1),)]
    hub.change_rule(remind_every_seconds=2 * HOUR)
    hub.look()
    assert hub.states(alert) == [SENT, REMINDER]
    hub.change_rule(remind_every_seconds=None)
    hub.deliver()
    hub.after(30 * HOUR)
    assert len(reminders(hub)) == 1
    assert hub.sql("SELECT count(*) FROM alert_timers") == [(0,)]


def test_a_held_reminder_that_no_rule_asks_for_any_more_is_not_sent(hub: Holding) -> None:
    """Least of all in quiet hours, which are the rule's own."""
    hub.rule(remind_every_seconds=HOUR, quiet_hours=None)
    alert = hub.send("disk")
    hub.deliver()
    hub.change_rule(quiet_hours=hub.quiet(5))
    hub.after(HOUR)
    assert hub.states(alert) == [SENT, ("reminder", "deferred", "quiet_hours")]
    hub.change_rule(remind_every_seconds=None)
    hub.look()
    assert hub.states(alert) == [SENT, ("reminder", "canceled", "not_wanted")]


def test_who_was_notified_of_the_end_and_not_of_the_return_is_not_reminded(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR, min_severity="HIGH")
    alert = hub.send("disk")
    hub.deliver()
    hub.base.advance(60)
    hub.send("disk", severity="LOW")
    hub.base.act(alert, Action.RESOLVE)
    hub.deliver()
    hub.base.advance(60)
    hub.base.act(alert, Action.REOPEN)
    hub.after(HOUR)
    assert hub.states(alert) == [SENT, ("resolved", "sent", "rule")]
    hub.base.act(alert, Action.ACKNOWLEDGE)
    assert hub.states(alert) == [SENT, ("resolved", "sent", "rule")], "nor of who has it in hand"


def test_a_disabled_destination_is_reminded_once_it_is_enabled(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.deliver()
    hub.sql("UPDATE alert_destinations SET is_enabled = false")
    hub.after(HOUR)
    assert hub.states(alert) == [SENT]
    hub.sql("UPDATE alert_destinations SET is_enabled = true")
    hub.look()
    assert hub.states(alert) == [SENT, REMINDER]


def test_a_restart_loses_and_repeats_nothing(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alert = hub.send("disk")
    hub.deliver()
    hub.base.advance(HOUR)
    hub.restart()
    hub.look()
    hub.restart()
    hub.look()
    assert hub.states(alert) == [SENT, REMINDER]


def test_two_leaders_at_once_remind_once(hub: Holding) -> None:
    hub.rule(remind_every_seconds=HOUR)
    alerts = [hub.send(f"disk-{number}") for number in range(20)]
    hub.deliver()
    hub.base.advance(HOUR)

    async def both() -> None:
        leaders = [ElapsedTimers(hub.workspace.url, hub.base.feed) for _ in range(2)]
        due = await hub.clock.due_timers(hub.now, 100)
        await asyncio.gather(*(leader.elapse(due, hub.now) for leader in leaders))
        for leader in leaders:
            await leader.close()

    hub.base.run(both())
    assert all(hub.states(alert) == [SENT, REMINDER] for alert in alerts)
