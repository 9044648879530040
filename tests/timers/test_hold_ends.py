"""What becomes of held messages: hour by hour, by a clock that is set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.model import Action
from tocsin.timers.holds import HoldEnds

HELD = ("triggered", "deferred", "silence")
SENT = ("triggered", "queued", "rule")


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url) as opened:
        yield opened


def test_what_is_still_open_when_the_silence_ends_is_sent_and_says_so(hub: Holding) -> None:
    hub.rule()
    hub.silence(3600)
    alert = hub.send("disk")
    (row,) = hub.rows(alert)
    assert hub.states(alert) == [HELD]
    assert row["send_after"] == hub.now + timedelta(hours=1)
    assert [hold["silence"]["comment"] for hold in row["detail"]["holds"]] == ["DB patch"]
    hub.after(3599)
    assert hub.states(alert) == [HELD]
    hub.send("disk", title="Disk fuller")
    hub.after(1)
    assert hub.states(alert) == [SENT]
    (row,) = hub.rows(alert)
    assert row["payload"]["held"]["after"] == "silence “DB patch”"
    assert row["payload"]["held"]["reason"] == "silence"
    assert row["payload"]["alert"]["title"] == "Disk fuller"
    assert row["payload"]["alert"]["occurrence_count"] == 2
    assert row["detail"]["held"]["after"] == "silence “DB patch”"
    hub.after(1)
    assert hub.states(alert) == [SENT]


def test_what_is_over_before_the_silence_ends_is_never_sent(hub: Holding) -> None:
    hub.rule()
    hub.silence(3600)
    alert = hub.send("disk")
    hub.base.advance(60)
    hub.send("disk", "resolved")
    over = [
        ("triggered", "canceled", "resolved_before_sent"),
        ("resolved", "canceled", "resolved_before_sent"),
    ]
    assert hub.states(alert) == over
    hub.after(3600)
    assert hub.states(alert) == over


def test_what_was_taken_on_before_the_silence_ends_is_never_sent(hub: Holding) -> None:
    hub.rule()
    hub.silence(3600)
    alert = hub.send("disk")
    hub.base.act(alert, Action.ACKNOWLEDGE)
    hub.after(3600)
    assert hub.states(alert) == [
        ("triggered", "canceled", "acknowledged_before_sent"),
        ("acknowledged", "canceled", "acknowledged_before_sent"),
    ]
    hub.send("disk", "resolved")
    assert hub.states(alert)[-1] == ("resolved", "suppressed", "trigger_not_sent")


def test_another_hold_takes_over(hub: Holding) -> None:
    hub.rule()
    hub.silence(1800)
    alert = hub.send("disk")
    hub.change_rule(quiet_hours=hub.quiet(3))
    hub.after(1800)
    assert hub.states(alert) == [("triggered", "deferred", "quiet_hours")]
    (row,) = hub.rows(alert)
    assert row["send_after"] > hub.now
    hub.after(3 * 3600)
    assert hub.states(alert) == [SENT]


def test_ending_shortening_and_extending_a_silence_is_in_force_at_once(hub: Holding) -> None:
    hub.rule()
    silence = hub.silence(3600)
    alert = hub.send("disk")
    hub.move_silence(silence, hub.now + timedelta(hours=2))
    hub.look()
    assert hub.rows(alert)[0]["send_after"] == hub.now + timedelta(hours=2)
    hub.move_silence(silence, hub.now + timedelta(minutes=10))
    hub.look()
    assert hub.rows(alert)[0]["send_after"] == hub.now + timedelta(minutes=10)
    hub.move_silence(silence, hub.now)
    hub.look()
    assert hub.states(alert) == [SENT]


def test_a_silence_that_is_extended_just_before_its_end_sends_nothing(hub: Holding) -> None:
    hub.rule()
    silence = hub.silence(3600)
    alert = hub.send("disk")
    hub.after(3599)
    hub.move_silence(silence, hub.now + timedelta(hours=1))
    hub.after(2)
    assert hub.states(alert) == [HELD]


def test_changes_of_a_rule_are_in_force_at_once(hub: Holding) -> None:
    hub.rule(quiet_hours=hub.quiet(3))
    quiet = hub.send("a")
    hub.change_rule(quiet_hours=None, cooldown_seconds=600)
    hub.look()
    assert hub.states(quiet) == [SENT]
    hub.deliver()
    hub.send("a", "resolved")
    hub.base.advance(1)
    again = hub.send("a")
    assert hub.states(again) == [("triggered", "deferred", "cooldown")]
    hub.change_rule(cooldown_seconds=60)
    hub.look()
    assert hub.rows(again)[0]["send_after"] == hub.now + timedelta(seconds=59)
    hub.sql(
        "UPDATE alert_rules SET deleted_at = now(), is_enabled = false WHERE id = %s", hub.rule_id
    )
    hub.look()
    assert hub.states(again) == [SENT]


def test_who_was_notified_before_the_silence_learns_that_it_is_over(hub: Holding) -> None:
    hub.rule()
    alert = hub.send("disk")
    hub.deliver()
    hub.silence(3600)
    hub.base.act(alert, Action.ACKNOWLEDGE)
    assert hub.states(alert)[-1] == ("acknowledged", "deferred", "silence")
    hub.send("disk", "resolved")
    # The end does not wait behind what is held.
    assert hub.states(alert) == [
        ("triggered", "sent", "rule"),
        ("acknowledged", "canceled", "resolved_before_sent"),
        ("resolved", "queued", "rule"),
    ]


def test_a_problem_that_stays_is_sent_when_the_cooldown_ends(hub: Holding) -> None:
    hub.rule(cooldown_seconds=600)
    hub.send("disk")
    hub.deliver()
    hub.send("disk", "resolved")
    hub.base.advance(60)
    blip = hub.send("disk")
    hub.send("disk", "resolved")
    assert hub.states(blip)[0] == ("triggered", "canceled", "resolved_before_sent")
    hub.base.advance(60)
    stays = hub.send("disk")
    # The blip that nobody heard of has not ended the cooldown of what was sent.
    assert hub.states(stays) == [("triggered", "deferred", "cooldown")]
    hub.after(479)
    assert hub.states(stays) == [("triggered", "deferred", "cooldown")]
    hub.after(1)
    assert hub.states(stays) == [SENT]
    hub.deliver()
    hub.send("disk", "resolved")
    hub.base.advance(599)
    assert hub.states(hub.send("disk")) == [("triggered", "deferred", "cooldown")]


def test_a_severity_that_breaks_through_frees_the_message_at_once(hub: Holding) -> None:
    hub.rule(quiet_hours=hub.quiet(3, breakthrough_severity="CRITICAL"))
    alert = hub.send("disk")
    hub.send("disk", severity="CRITICAL")
    assert hub.states(alert) == [SENT]
    assert hub.rows(alert)[0]["payload"]["alert"]["severity"] == "CRITICAL"


def test_within_one_batch_as_well(hub: Holding) -> None:
    hub.rule(quiet_hours=hub.quiet(3, breakthrough_severity="CRITICAL"))
    low = {"title": "Disk", "status": "firing", "external_id": "disk", "severity": "LOW"}
    first, _ = hub.base.post(hub.sender, low, {**low, "severity": "CRITICAL"})
    (row,) = hub.rows()
    assert (row["status"], row["reason"]) == ("queued", "rule"), first


def test_labels_that_no_silence_asks_for_any_more_free_the_message(hub: Holding) -> None:
    hub.rule()
    hub.silence(3600)
    alert = hub.send("disk")
    hub.send("disk", labels={"host": "db-2"})
    assert hub.states(alert) == [SENT]


def test_alerts_without_an_id_of_the_sender_are_looked_at_too(hub: Holding) -> None:
    hub.rule()
    hub.silence(3600)
    alerts = [hub.send(None, title=f"Disk {n}") for n in range(3)]
    hub.after(3600)
    assert [hub.states(alert) for alert in alerts] == [[SENT]] * 3


def test_a_silence_holds_on_when_no_rule_names_the_destination_any_more(hub: Holding) -> None:
    hub.rule()
    hub.silence(3600)
    alert = hub.send("disk")
    hub.sql("UPDATE alert_rules SET is_enabled = false")
    hub.look()
    assert hub.states(alert) == [HELD]
    hub.after(3600)
    assert hub.states(alert) == [SENT]


def test_what_is_held_for_a_destination_that_is_gone_is_canceled(hub: Holding) -> None:
    hub.rule()
    hub.silence(3600)
    alert = hub.send("disk")
    hub.sql("UPDATE alert_destinations SET is_enabled = false")
    hub.look()
    assert hub.states(alert) == [("triggered", "canceled", "destination_disabled")]


def test_two_leaders_for_a_moment_do_no_harm(hub: Holding) -> None:
    hub.rule()
    hub.silence(60)
    alerts = [hub.send(f"disk-{n}") for n in range(40)]
    hub.base.advance(60)
    held = hub.held(alerts)

    async def race() -> None:
        leaders = [HoldEnds(hub.workspace.url, hub.base.feed) for _ in range(2)]
        try:
            await asyncio.gather(*(each.look(held, hub.now) for each in leaders))
        finally:
            for each in leaders:
                await each.close()

    hub.base.run(race())
    assert [hub.states(alert) for alert in alerts] == [[SENT]] * 40


def test_one_that_cannot_be_looked_at_does_not_hold_the_others(hub: Holding) -> None:
    hub.rule()
    hub.silence(60)
    alerts = [hub.send(f"disk-{n}") for n in range(5)]
    hub.sql(
        "UPDATE alert_deliveries SET reason = 'of another version' WHERE alert_id = %s", alerts[2]
    )
    hub.after(60)
    states = [hub.states(alert)[0][1] for alert in alerts]
    assert states == ["queued", "queued", "deferred", "queued", "queued"]


def test_a_snooze_holds_what_is_not_sent_yet_and_ends_by_itself(hub: Holding) -> None:
    hub.rule(quiet_hours=hub.quiet(1))
    alert = hub.send("disk")
    until = hub.now + timedelta(hours=3)
    hub.base.act(alert, Action.SNOOZE, until)
    (row,) = hub.rows(alert)
    assert (row["status"], row["reason"], row["send_after"]) == ("deferred", "snoozed", until)
    assert [hold["reason"] for hold in row["detail"]["holds"]] == ["snoozed", "quiet_hours"]
    hub.after(2 * 3600)
    assert hub.states(alert) == [("triggered", "deferred", "snoozed")]
    hub.after(3600)
    assert hub.states(alert) == [SENT]
    assert hub.rows(alert)[0]["payload"]["held"]["after"] == "a snooze by Ada"


def test_unsnoozing_is_in_force_at_once(hub: Holding) -> None:
    hub.rule()
    hub.silence(60)
    alert = hub.send("disk")
    hub.base.act(alert, Action.SNOOZE, hub.now + timedelta(hours=1))
    hub.after(60)
    assert hub.states(alert) == [("triggered", "deferred", "snoozed")]
    hub.base.act(alert, Action.UNSNOOZE)
    assert hub.states(alert) == [SENT]


def test_a_snooze_ends_when_the_severity_rises_or_the_alert_is_reopened(hub: Holding) -> None:
    hub.rule()
    hub.silence(60)
    alert = hub.send("disk")
    hub.base.act(alert, Action.SNOOZE, hub.now + timedelta(hours=1))
    hub.after(60)
    hub.send("disk", severity="CRITICAL")
    assert hub.states(alert) == [SENT]
    hub.deliver()
    hub.base.act(alert, Action.SNOOZE, hub.now + timedelta(hours=1))
    hub.send("disk", "resolved")
    assert hub.states(alert)[-1] == ("resolved", "queued", "rule")
    hub.deliver()
    hub.base.advance(1)
    hub.base.act(alert, Action.REOPEN)
    assert hub.states(alert)[-1] == SENT
    assert "unsnoozed" in hub.workspace.timeline(alert)


def test_what_grows_worse_after_it_was_reopened_reaches_those_it_had_reached_before(
    hub: Holding,
) -> None:
    hub.rule(min_severity="HIGH")
    alert = hub.send("disk", severity="CRITICAL")
    hub.deliver()
    hub.base.advance(1)
    hub.send("disk", severity="LOW")
    hub.base.advance(1)
    hub.send("disk", "resolved")
    hub.deliver()
    hub.base.advance(1)
    hub.base.act(alert, Action.REOPEN)
    assert [row["event_type"] for row in hub.rows(alert)] == ["alerts.triggered", "alerts.resolved"]
    hub.base.advance(1)
    hub.send("disk", severity="CRITICAL")
    assert hub.states(alert)[2:] == [("triggered", "queued", "rule")]
    hub.deliver()
    hub.base.advance(1)
    hub.send("disk", severity="LOW")
    hub.base.advance(1)
    hub.send("disk", severity="CRITICAL")
    assert len(hub.states(alert)) == 3
