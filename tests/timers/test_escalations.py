"""Escalations over a real database, minute by minute, by a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.support.postgres import Database
from tests.timers.escalations import Paging, paging, to_destination, to_schedule, to_user
from tocsin.model import Action, Actor, ActorKind, SkipReason

SENT = ("queued", "escalation")
WAITS = ("deferred", "escalation")


@pytest.fixture
def hub(database: Database) -> Iterator[Paging]:
    with paging(database.url) as opened:
        yield opened


def two_people(hub: Paging, **policy: object) -> tuple[UUID, UUID]:
    """U with a chain of three is reached first, then M; twice."""
    u, m = hub.person("U", push=0, sms=3, call=6), hub.person("M", push=0)
    columns = {"repeat": 1, **policy}
    hub.escalating_rule(hub.policy(to_user(u, minutes=5), to_user(m, minutes=10), **columns))
    return u, m


def test_the_worked_timeline(hub: Paging) -> None:
    two_people(hub)
    alert = hub.send("disk", severity="CRITICAL")
    assert hub.pages(alert) == [
        ("push of U", *SENT),
        ("sms of U", *WAITS),
        ("call of U", *WAITS),
    ]
    assert hub.due(alert) == {"sms of U": 180, "call of U": 360}
    assert hub.wait(alert) == 300
    hub.deliver()
    hub.after(180)
    assert ("sms of U", *SENT) in hub.pages(alert)
    hub.deliver()
    hub.after(120)
    assert hub.pages(alert)[-1] == ("push of M", *SENT)
    assert hub.due(alert) == {"call of U": 60}, "U's own chain goes on"
    hub.deliver()
    hub.after(60)
    assert ("call of U", *SENT) in hub.pages(alert)
    hub.base.act(alert, Action.ACKNOWLEDGE)
    assert ("call of U", "canceled", "acknowledged_before_sent") in hub.pages(alert)
    assert hub.escalation(alert)["state"] == "stopped"
    assert hub.escalation(alert)["reason"] == "acknowledged"
    before = hub.pages(alert)
    hub.after(1_000)
    assert hub.pages(alert) == before


def test_it_repeats_and_then_the_fallback_is_notified(hub: Paging) -> None:
    hub.fallback()
    two_people(hub)
    alert = hub.send("disk")
    for _ in range(6 * 60):
        hub.deliver()
        hub.after(10)
    hub.deliver()
    contacts = [contact for contact, _, _ in hub.pages(alert)]
    assert contacts == [
        *("push of U", "sms of U", "call of U", "push of M"),
        *("push of U", "sms of U", "call of U", "push of M"),
        "fallback",
    ]
    assert {status for _, status, _ in hub.pages(alert)} == {"sent"}
    assert hub.escalation(alert)["state"] == "exhausted"
    assert hub.escalation(alert)["reason"] == "no_acknowledgement"
    assert hub.kinds(alert)[-1] == "escalation_exhausted"
    (row,) = [row for row in hub.rows(alert) if row["reason"] == "fallback"]
    assert "P" in row["payload"]["note"]


def test_who_has_no_usable_contact_is_passed_at_once_and_the_timeline_says_so(hub: Paging) -> None:
    nobody, m = hub.person("N"), hub.person("M", push=0)
    hub.escalating_rule(hub.policy(to_user(nobody), to_user(m, minutes=10)))
    alert = hub.send("disk")
    assert hub.pages(alert) == [("push of M", *SENT)]
    assert hub.wait(alert) == 600
    skipped = hub.sql(
        "SELECT detail #>> '{skipped,0,reason}' FROM alert_events"
        " WHERE alert_id = %s AND kind = 'escalated' ORDER BY id",
        alert,
    )
    assert skipped == [("no_contact",), (None,)]


def test_a_step_that_is_passed_is_a_line_in_the_log_and_a_number(hub: Paging) -> None:
    nobody, m = hub.person("N"), hub.person("M", push=0)
    hub.escalating_rule(
        hub.policy(
            to_user(nobody, condition={"min_severity": "CRITICAL"}),
            to_schedule(hub.schedule()),
            to_user(nobody, m),
        )
    )
    before = {reason: _skipped(reason) for reason in SkipReason}
    with capture_logs() as logged:
        hub.send("disk", severity="LOW")
    grown = {reason: _skipped(reason) - before[reason] for reason in SkipReason}
    assert grown == {
        SkipReason.NOBODY_ON_CALL: 1,
        SkipReason.NO_CONTACT: 1,
        SkipReason.CONDITION: 0,
    }
    (line,) = [each for each in logged if "reached nobody" in each["event"]]
    assert (line["log_level"], line["step"], line["policy"]) == ("warning", 2, "P")
    assert line["reasons"] == ["nobody_on_call"]


def _skipped(reason: SkipReason) -> float:
    value = REGISTRY.get_sample_value(
        "tocsin_escalation_targets_skipped_total", {"reason": reason.value}
    )
    return value or 0.0


def test_where_nobody_can_be_reached_at_all_the_fallback_is_notified_at_once(hub: Paging) -> None:
    hub.fallback()
    hub.escalating_rule(hub.policy(to_user(hub.person("N"))))
    alert = hub.send("disk")
    assert hub.pages(alert) == [("fallback", "queued", "fallback")]
    assert hub.escalation(alert)["reason"] == "nobody_reached"


def test_a_hold_in_between_leaves_what_was_left(hub: Paging) -> None:
    two_people(hub)
    alert = hub.send("disk")
    hub.deliver()
    hub.after(120)
    hub.window(20)
    hub.after(60)
    assert hub.escalation(alert)["state"] == "held"
    assert hub.escalation(alert)["reason"] == "maintenance"
    assert hub.due(alert) == {}
    hub.after(19 * 60 - 1)
    assert hub.kinds(alert)[-1] == "escalation_held"
    hub.after(1)
    assert hub.kinds(alert)[-1] == "escalation_resumed"
    assert hub.wait(alert) == 180, "three of five minutes were left"
    assert hub.due(alert) == {"sms of U": 60, "call of U": 240}


def test_an_alert_under_a_hold_pages_nobody_before_it_ends(hub: Paging) -> None:
    two_people(hub)
    silence = hub.silence(3600)
    alert = hub.send("disk")
    assert hub.pages(alert) == []
    assert hub.escalation(alert)["state"] == "held"
    hub.move_silence(silence, hub.now)
    hub.look()
    assert hub.pages(alert)[0] == ("push of U", *SENT), "ended early: in force at once"
    assert hub.wait(alert) == 300


def test_the_quiet_hours_of_the_rule_hold_its_escalation(hub: Paging) -> None:
    u = hub.person("U", push=0)
    hub.escalating_rule(hub.policy(to_user(u)), quiet_hours=hub.quiet(1))
    alert = hub.send("disk")
    assert hub.escalation(alert)["reason"] == "quiet_hours"
    hub.after(2 * 3600)
    assert hub.pages(alert) == [("push of U", *SENT)]


def test_a_snooze_holds_it_and_its_end_goes_on(hub: Paging) -> None:
    two_people(hub)
    alert = hub.send("disk")
    hub.deliver()
    hub.base.advance(60)
    hub.base.act(alert, Action.SNOOZE, until=hub.now + timedelta(hours=1))
    assert hub.escalation(alert)["state"] == "held"
    hub.after(3600)
    assert hub.escalation(alert)["state"] == "running"
    assert hub.wait(alert) == 240


@pytest.mark.parametrize("status", ["resolved", "acknowledged"])
def test_its_source_ends_the_climb_and_every_pending_page(hub: Paging, status: str) -> None:
    two_people(hub)
    alert = hub.send("disk")
    hub.base.advance(4)
    hub.send("disk", status)
    reason = f"{status}_before_sent"
    assert hub.pages(alert) == [
        ("push of U", "canceled", reason),
        ("sms of U", "canceled", reason),
        ("call of U", "canceled", reason),
    ]
    assert hub.escalation(alert)["state"] == "stopped"
    hub.after(3600)
    assert len(hub.pages(alert)) == 3


def test_a_page_that_failed_before_is_canceled_too(hub: Paging) -> None:
    two_people(hub)
    alert = hub.send("disk")
    hub.sql("UPDATE alert_deliveries SET attempt_count = 3, send_after = now() + interval '1 min'")
    hub.base.act(alert, Action.ACKNOWLEDGE)
    assert {status for _, status, _ in hub.pages(alert)} == {"canceled"}


def test_reopened_it_begins_again(hub: Paging) -> None:
    two_people(hub)
    alert = hub.send("disk")
    hub.deliver()
    hub.base.act(alert, Action.RESOLVE)
    hub.base.advance(60)
    hub.base.act(alert, Action.REOPEN)
    assert hub.escalation(alert)["round"] == 2
    assert hub.pages(alert)[-3:] == [
        ("push of U", *SENT),
        ("sms of U", *WAITS),
        ("call of U", *WAITS),
    ]


def test_a_higher_severity_asks_the_policy_again(hub: Paging) -> None:
    u, m = hub.person("U", push=0), hub.person("M", push=0)
    only_critical = {"condition": {"min_severity": "CRITICAL"}}
    hub.escalating_rule(hub.policy(to_user(m, **only_critical), to_user(u)))
    alert = hub.send("disk", severity="HIGH")
    assert hub.pages(alert) == [("push of U", *SENT)]
    hub.base.advance(10)
    hub.send("disk", severity="CRITICAL")
    assert hub.pages(alert)[-1] == ("push of M", *SENT)
    assert hub.escalation(alert)["round"] == 2


def test_who_leaves_the_workspace_is_not_paged_any_more_and_the_next_step_begins(
    hub: Paging,
) -> None:
    u, _ = two_people(hub)
    alert = hub.send("disk")
    hub.deliver()
    hub.base.advance(60)
    hub.sql("DELETE FROM memberships WHERE user_id = %s", u)
    hub.look()
    assert hub.pages(alert) == [
        ("push of U", "sent", "escalation"),
        ("sms of U", "canceled", "user_removed"),
        ("call of U", "canceled", "user_removed"),
        ("push of M", *SENT),
    ]


def test_turns_go_round_over_alerts(hub: Paging) -> None:
    people = [hub.person(name, push=0) for name in "ABC"]
    hub.escalating_rule(hub.policy(to_user(*people, mode="round_robin")))
    alerts = [hub.send(str(number)) for number in range(4)]
    paged = [hub.pages(alert)[0][0] for alert in alerts]
    assert paged == ["push of A", "push of B", "push of C", "push of A"]


def test_a_running_escalation_ends_by_the_version_it_began_with(hub: Paging) -> None:
    two_people(hub)
    alert = hub.send("disk")
    hub.deliver()
    nobody = hub.person("N")
    hub.sql("UPDATE escalation_policies SET version = 2")
    hub.sql(
        "INSERT INTO escalation_policy_versions (escalation_policy_id, version, name, steps, repeat)"
        " SELECT id, 2, name, steps, 0 FROM escalation_policies"
    )
    assert nobody
    hub.after(300)
    assert hub.pages(alert)[-1] == ("push of M", *SENT)


def test_a_rule_and_a_policy_that_name_one_destination_notify_it_once(hub: Paging) -> None:
    hook = hub.destination("hook")
    hub.escalating_rule(hub.policy(to_destination(hook)))
    hub.sql("UPDATE alert_rules SET destination_ids = ARRAY[%s::uuid]", hook)
    alert = hub.send("disk")
    assert hub.pages(alert) == [("hook", "queued", "rule")]


def test_two_steps_are_never_taken_at_once_by_two_clocks(hub: Paging) -> None:
    two_people(hub)
    alert = hub.send("disk")
    hub.deliver()
    hub.base.advance(300)
    hub.look()
    hub.restart()
    hub.look()
    assert hub.sql("SELECT loop, step FROM escalation_steps ORDER BY 1, 2") == [(0, 0), (0, 1)]
    assert [contact for contact, _, _ in hub.pages(alert)].count("push of M") == 1


def test_who_is_on_call_when_the_step_begins_stays_for_this_step(hub: Paging) -> None:
    u, v = hub.person("U", push=0, sms=5), hub.person("V", push=0)
    schedule = hub.schedule(u)
    hub.escalating_rule(hub.policy(to_schedule(schedule, minutes=10), repeat=1))
    alert = hub.send("disk")
    assert hub.pages(alert)[0] == ("push of U", *SENT)
    hub.deliver()
    hub.base.advance(240)
    hub.cover(schedule, u, v)
    hub.after(60)
    assert ("sms of U", *SENT) in hub.pages(alert)
    hub.deliver()
    hub.after(300)
    assert hub.pages(alert)[-1] == ("push of V", *SENT), "the next loop asks who is on call then"


def test_a_schedule_without_anybody_is_passed_at_once(hub: Paging) -> None:
    m = hub.person("M", push=0)
    hub.escalating_rule(hub.policy(to_schedule(hub.schedule()), to_user(m)))
    alert = hub.send("disk")
    assert hub.pages(alert) == [("push of M", *SENT)]
    (skipped,) = hub.sql(
        "SELECT detail #>> '{skipped,0,reason}' FROM escalation_steps ORDER BY step LIMIT 1"
    )
    assert skipped == ("nobody_on_call",)


def acknowledge(hub: Paging, alert: UUID, by: UUID, until: datetime | None = None) -> None:
    actor = Actor(ActorKind.USER, hub.names[by], by)
    hub.base.run(
        hub.base.actions.act(
            hub.workspace.id, alert, Action.ACKNOWLEDGE, actor, hub.now, until=until
        )
    )


def test_an_acknowledgement_expires_and_it_starts_over(hub: Paging) -> None:
    u, _ = two_people(hub)
    alert = hub.send("disk", severity="CRITICAL")
    hub.deliver()
    hub.base.advance(60)
    acknowledge(hub, alert, u)
    ((by, until),) = hub.sql("SELECT acknowledged_by, acknowledged_until FROM alerts")
    assert (by, until) == (u, hub.now + timedelta(minutes=30))
    before = len(hub.pages(alert))
    hub.after(25 * 60)
    (reminder,) = hub.rows(alert)[before:]
    assert (reminder["event_type"], reminder["status"]) == ("alerts.reminder", "queued")
    assert hub.names[reminder["alert_destination_id"]] == "push of U"
    assert "expires at" in reminder["payload"]["note"]
    hub.deliver()
    hub.after(5 * 60 - 1)
    assert hub.sql("SELECT status::text FROM alerts") == [("ACKNOWLEDGED",)]
    hub.after(1)
    assert hub.sql("SELECT status::text, acknowledged_by, acknowledged_until FROM alerts") == [
        ("OPEN", None, None)
    ]
    assert "acknowledgement_expired" in hub.kinds(alert)
    assert hub.escalation(alert)["round"] == 2
    assert hub.pages(alert)[-3:] == [
        ("push of U", *SENT),
        ("sms of U", *WAITS),
        ("call of U", *WAITS),
    ]
    hub.deliver()
    hub.after(300)
    assert hub.pages(alert)[-1] == ("push of M", *SENT)


def test_an_acknowledgement_of_less_than_high_does_not_expire_by_itself(hub: Paging) -> None:
    u, _ = two_people(hub)
    alert = hub.send("disk", severity="MEDIUM")
    acknowledge(hub, alert, u)
    hub.after(48 * 3600)
    assert hub.sql("SELECT status::text FROM alerts") == [("ACKNOWLEDGED",)]


def test_an_acknowledgement_until_a_time_counts_so_long_with_no_policy_at_all(
    hub: Paging,
) -> None:
    hub.rule()
    alert = hub.send("disk")
    hub.deliver()
    hub.base.act(alert, Action.ACKNOWLEDGE, until=hub.now + timedelta(hours=1))
    hub.after(3600)
    assert hub.sql("SELECT status::text FROM alerts") == [("OPEN",)]
    assert hub.states(alert)[-1] == ("triggered", "queued", "rule"), "told like a trigger"


def test_who_acknowledges_again_is_on_it_for_longer(hub: Paging) -> None:
    u, _ = two_people(hub)
    alert = hub.send("disk")
    acknowledge(hub, alert, u)
    hub.after(29 * 60)
    acknowledge(hub, alert, u)
    hub.after(29 * 60)
    assert hub.sql("SELECT status::text FROM alerts") == [("ACKNOWLEDGED",)]
    hub.after(60)
    assert hub.sql("SELECT status::text FROM alerts") == [("OPEN",)]


def test_what_becomes_critical_after_it_was_acknowledged_starts_over(hub: Paging) -> None:
    u, _ = two_people(hub)
    alert = hub.send("disk", severity="HIGH")
    hub.deliver()
    hub.base.advance(420)
    acknowledge(hub, alert, u)
    hub.base.advance(60)
    hub.send("disk", severity="CRITICAL")
    assert hub.sql("SELECT status::text FROM alerts") == [("OPEN",)]
    assert hub.escalation(alert)["round"] == 2
    assert ("push of U", *SENT) in hub.pages(alert)
    hub.after(40 * 60)
    assert hub.kinds(alert).count("acknowledgement_expired") == 0
