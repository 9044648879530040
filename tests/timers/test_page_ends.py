"""Whoever was paged is told that it is over, unless they have ended it themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.support.postgres import Database
from tests.timers.escalations import Paging, paging, to_user
from tests.timers.test_flapping import DEFAULT
from tocsin.alerts.page_ends import MOST_WAITING
from tocsin.model import Action, Actor, ActorKind

TOLD = ("queued", "paged_before")


@pytest.fixture
def hub(database: Database) -> Iterator[Paging]:
    with paging(database.url) as opened:
        yield opened


def paged(hub: Paging) -> tuple[UUID, UUID, UUID]:
    """U was paged by two contact methods, M a step later by one."""
    u, m = hub.person("U", push=0, mail=1, late=60), hub.person("M", push=0)
    hub.escalating_rule(hub.policy(to_user(u, minutes=5), to_user(m, minutes=10)))
    alert = hub.send("disk", severity="CRITICAL")
    hub.deliver()
    for _ in range(6):
        hub.after(60)
        hub.deliver()
    return alert, u, m


def ends(hub: Paging, alert: UUID) -> list[tuple[str, ...]]:
    return [
        (hub.names[row["alert_destination_id"]], row["status"], row["reason"])
        for row in hub.rows(alert)
        if row["event_type"] in ("alerts.resolved", "alerts.closed")
    ]


def test_whoever_was_paged_is_told_that_its_source_has_resolved_it(hub: Paging) -> None:
    alert, u, _ = paged(hub)
    hub.send("disk", "resolved")

    # Not by the contact method that was not used yet.
    assert sorted(ends(hub, alert)) == [
        ("mail of U", *TOLD),
        ("push of M", *TOLD),
        ("push of U", *TOLD),
    ]
    row = hub.rows(alert)[-1]
    assert row["payload"]["alert"]["status"] == "RESOLVED"
    assert row["payload"]["note"] == "You were paged about it."
    assert hub.sql(
        "SELECT DISTINCT urgency::text FROM alert_deliveries WHERE reason = 'paged_before'"
    ) == [("INFO",)]
    assert hub.sql(
        "SELECT count(*) FROM alert_deliveries WHERE reason = 'paged_before' AND user_id = %s", u
    ) == [(2,)]


def test_not_who_has_ended_it(hub: Paging) -> None:
    alert, u, _ = paged(hub)
    hub.base.act(alert, Action.RESOLVE, actor=Actor(ActorKind.USER, "U", u))

    assert ends(hub, alert) == [("push of M", *TOLD)]


def test_not_who_has_ended_it_by_a_link_or_a_reply(hub: Paging) -> None:
    alert, u, _ = paged(hub)
    ((contact,),) = hub.sql(
        "SELECT id FROM alert_destinations WHERE user_id = %s AND name = 'mail of U'", u
    )
    hub.base.act(alert, Action.CLOSE, actor=Actor(ActorKind.RECIPIENT, "u@example.org", contact))

    assert ends(hub, alert) == [("push of M", *TOLD)]


def test_nobody_is_told_twice_of_one_end_and_again_of_the_next(hub: Paging) -> None:
    alert, _, _ = paged(hub)
    hub.send("disk", "resolved")
    hub.deliver()
    hub.base.act(alert, Action.CLOSE)
    assert len(ends(hub, alert)) == 3

    again = hub.send("disk", severity="CRITICAL")
    hub.send("disk", "resolved")
    assert ends(hub, again) == [], "no page of it had left"


def test_what_was_acknowledged_and_reopened_is_told_by_its_last_page(hub: Paging) -> None:
    alert, _, _ = paged(hub)
    hub.base.act(alert, Action.RESOLVE)
    hub.deliver()
    hub.after(60)
    hub.base.act(alert, Action.REOPEN)
    hub.deliver()
    hub.after(1)
    hub.send("disk", "resolved")
    assert ends(hub, alert)[3:] == [("push of U", *TOLD)]


@pytest.mark.parametrize(
    ("kind", "says_end", "is_told"),
    [
        ("sms", None, False),
        ("sms", True, True),
        ("voice", None, False),
        ("voice", True, False),
        ("push", None, True),
        ("push", False, False),
    ],
)
def test_the_kind_and_the_rule_decide(
    hub: Paging, kind: str, says_end: bool | None, is_told: bool
) -> None:
    u = hub.person("U", push=0)
    hub.sql("UPDATE alert_destinations SET type = %s", kind)
    hub.sql("UPDATE notification_rules SET says_end = %s", says_end)
    hub.escalating_rule(hub.policy(to_user(u)))
    alert = hub.send("disk", severity="CRITICAL")
    hub.deliver()
    hub.send("disk", "resolved")

    assert ends(hub, alert) == ([("push of U", *TOLD)] if is_told else [])


def test_of_many_ends_at_once_ten_are_told(hub: Paging) -> None:
    u = hub.person("U", push=0)
    hub.escalating_rule(hub.policy(to_user(u)))
    alerts = [hub.send(f"disk-{each}", severity="CRITICAL") for each in range(MOST_WAITING + 2)]
    hub.deliver()
    for each in range(MOST_WAITING + 2):
        hub.send(f"disk-{each}", "resolved")

    told = [end[1:] for alert in alerts for end in ends(hub, alert)]
    assert told == [TOLD] * MOST_WAITING + [("suppressed", "too_many_ends")] * 2


def test_low_urgency_waits_for_the_end_of_quiet_hours(hub: Paging) -> None:
    u = hub.person("U", push=0)
    hub.escalating_rule(hub.policy(to_user(u)))
    alert = hub.send("disk", severity="LOW")
    hub.deliver()
    hub.sql("UPDATE users SET quiet_hours = %s WHERE id = %s", hub.quiet(3), u)
    hub.send("disk", "resolved")

    (row,) = [row for row in hub.rows(alert) if row["reason"] == "paged_before"]
    assert timedelta(hours=2) < row["send_after"] - hub.now <= timedelta(hours=3)


def test_who_was_asked_to_help_where_there_is_neither_rule_nor_policy(hub: Paging) -> None:
    u = hub.person("U", push=0)
    alert = hub.send("disk", severity="HIGH")
    hub.ask_to_help(alert, u)
    (row,) = hub.rows(alert)
    assert (row["status"], row["reason"]) == ("queued", "escalation")
    assert row["payload"]["rule"] is None
    hub.deliver()
    hub.send("disk", "resolved")

    assert ends(hub, alert) == [("push of U", *TOLD)]


def test_what_waits_for_a_helper_goes_when_it_is_over(hub: Paging) -> None:
    u = hub.person("U", push=0)
    alert = hub.send("disk", severity="HIGH")
    hub.ask_to_help(alert, u)
    hub.send("disk", "resolved")

    assert [row["status"] for row in hub.rows(alert)] == ["canceled"]


def test_while_it_flaps_its_end_is_none(hub: Paging) -> None:
    u = hub.person("U", push=0)
    hub.escalating_rule(hub.policy(to_user(u, minutes=600)))
    hub.sql("UPDATE integrations SET flapping = %s", Json(DEFAULT))
    hub.base.run(hub.base.feed.look())
    for _ in range(3):
        alert = hub.send("disk", severity="CRITICAL")
        hub.deliver()
        hub.after(60)
        hub.send("disk", "resolved")
        hub.deliver()
        hub.after(60)
    told = len(ends(hub, alert))
    hub.send("disk", severity="CRITICAL")
    hub.deliver()
    hub.after(60)
    hub.send("disk", "resolved")
    hub.deliver()
    assert len(ends(hub, alert)) == told
    for _ in range(20):
        hub.after(600)
    assert ends(hub, alert)[told:] == [("push of U", *TOLD)]
