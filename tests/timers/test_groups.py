"""Groups by a clock that a test moves: what each message says, and what becomes of every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Json

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts.actions import Action
from tocsin.store.groups import GroupsConnection
from tocsin.timers.groups import Groups


class Gathering:
    """A hub with one rule that groups by service, and the looks that time starts."""

    def __init__(self, hub: Holding) -> None:
        self.hub = hub
        hub.rule(group_by=["service"])
        self.start = hub.now
        self.restart()

    def restart(self) -> None:
        """Another node takes over."""
        self.close()
        self.groups = Groups(self.hub.workspace.url, self.hub.base.feed)
        self.connection = self.hub.base.run(GroupsConnection.open(self.hub.workspace.url))

    def close(self) -> None:
        if hasattr(self, "groups"):
            self.hub.base.run(self.groups.close())
            self.hub.base.run(self.connection.close())

    def at(self, minutes: int, seconds: int = 0) -> None:
        """Move the clock there, with a look whenever one is due."""
        until = (minutes * 60 + seconds) - (self.hub.now - self.start).total_seconds()
        assert until >= 0
        for _ in range(200):
            self.hub.look()
            self.look()
            due = self.hub.sql("SELECT min(look_at) FROM alert_groups")[0][0]
            left = (minutes * 60 + seconds) - (self.hub.now - self.start).total_seconds()
            step = left if due is None else min(left, (due - self.hub.now).total_seconds())
            if step <= 0:
                break
            self.hub.base.advance(step)

    def look(self) -> None:
        self.hub.base.run(self.groups.work(self.connection, self.hub.now))

    def open(
        self, name: str, severity: str = "HIGH", service: str = "checkout", **more: Any
    ) -> UUID:
        id = self.hub.send(name, severity=severity, title=name, labels={"service": service}, **more)
        self.look()
        return id

    def end(self, name: str, *, look: bool = True, **more: Any) -> None:
        labels = {"service": "checkout"}
        self.hub.send(name, "resolved", title=name, labels=labels, **more)
        if look:
            self.look()

    def messages(self) -> list[dict[str, Any]]:
        found = self.hub.sql(
            "SELECT id, payload, created_at, urgency::text FROM alert_deliveries"
            " WHERE event_type = 'alerts.group' ORDER BY sequence"
        )
        return [
            {
                "id": row[0],
                "at": int((row[2] - self.start).total_seconds()),
                "group": row[1]["group"],
                "alerts": [each["title"] for each in row[1].get("alerts", ())],
                "urgency": row[3],
            }
            for row in found
        ]

    def said(self) -> list[tuple[int, str]]:
        from tocsin.delivery.channels.kit.change_words import changes_words
        from tocsin.message import Changes

        return [
            (each["at"], changes_words(Changes(**each["group"]["changes"])))
            for each in self.messages()
        ]

    def sent(self) -> None:
        """What is queued was sent, as a dispatcher has it."""
        self.hub.sql(
            "UPDATE alert_deliveries SET status = 'sent', sent_at = now() WHERE status = 'queued'"
        )
        self.hub.sql(
            "UPDATE alert_deliveries m SET status = 'sent' FROM alert_deliveries c"
            " WHERE m.carried_by = c.id AND c.status = 'sent' AND m.status = 'deferred'"
        )


@pytest.fixture
def it(database: Database) -> Iterator[Gathering]:
    with holding(database.url) as hub:
        gathering = Gathering(hub)
        yield gathering
        gathering.close()


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted"])
def test_the_timeline(it: Gathering, restarts: bool) -> None:
    def at(minutes: int, seconds: int = 0) -> None:
        if restarts:
            it.restart()
        it.at(minutes, seconds)
        it.sent()

    first = it.open("A1")
    at(0, 10)
    it.open("A2")
    at(1)
    it.open("A3", "CRITICAL")
    at(2)
    it.end("A2")
    at(2, 20)
    it.open("A4")
    at(2, 50)
    it.end("A4")
    at(7)
    it.end("A1", look=False)
    it.end("A3")
    at(9)
    it.open("A1")
    at(10)
    it.end("A1")
    at(25)
    again = it.open("A1")
    at(26)

    assert it.said() == [
        (30, "+2; 2 open"),
        (60, "+1; 3 open"),
        (360, "1 ended, 1 came and went; 2 open"),
        (420, "2 ended; all over"),
        (540, "+1; 1 open"),
        (600, "1 ended; all over"),
        (1_530, "+1; 1 open"),
    ]
    messages = it.messages()
    assert messages[1]["alerts"][0] == "A3"
    assert messages[1]["urgency"] == "CRITICAL"
    threads = [each["group"]["id"] for each in messages]
    assert len(set(threads[:6])) == 1
    assert threads[6] != threads[0]
    assert messages[0]["group"]["title"] == "service=checkout"
    # Every row says what became of it, and which message said it.
    assert it.hub.states(first) == [
        ("triggered", "sent", "grouped"),
        ("resolved", "sent", "grouped"),
    ]
    rows = it.hub.sql(
        "SELECT alert_id, carried_by FROM alert_deliveries WHERE alert_id IS NOT NULL"
    )
    carried = {row[1] for row in rows if row[0] in (first, again)}
    assert carried == {messages[place]["id"] for place in (0, 3, 6)}


def test_the_timeline_where_one_message_is_edited(it: Gathering) -> None:
    """An edit makes no sound, so the counts are kept up to date sooner."""
    it.hub.sql(
        "UPDATE alert_destinations SET type = 'slack', config = %s",
        Json({"channel": "C0123456789", "timezone": "UTC"}),
    )
    it.open("A1")
    it.at(0, 10)
    it.open("A2")
    it.at(1)
    it.open("A3", "CRITICAL")
    it.at(2)
    it.end("A2")
    it.at(2, 20)
    it.open("A4")
    it.at(2, 50)
    it.end("A4")
    it.at(7)
    it.end("A1", look=False)
    it.end("A3")
    it.at(9)
    it.open("A1")
    it.at(10)

    assert it.said() == [
        (30, "+2; 2 open"),
        (60, "+1; 3 open"),
        (120, "1 ended; 2 open"),
        (150, "+1; 3 open"),
        (180, "1 ended; 2 open"),
        (420, "2 ended; all over"),
        (540, "+1; 1 open"),
    ]
    assert len({each["group"]["id"] for each in it.messages()}) == 1


def test_pagerduty_gathers_while_it_is_told_to(it: Gathering) -> None:
    def tells(asked: bool) -> None:
        it.hub.sql(
            "UPDATE alert_destinations SET type = 'pagerduty', config = %s",
            Json({"one_incident_per_group": asked}),
        )

    tells(True)
    it.open("A1")
    it.open("A2")
    it.at(1)
    assert it.said() == [(30, "+2; 2 open")]
    waiting = it.open("A3", "MEDIUM")
    assert it.hub.states(waiting) == [("triggered", "deferred", "grouped")]
    tells(False)
    it.at(1, 1)
    assert it.hub.states(waiting) == [("triggered", "queued", "rule")]
    alone = it.open("A4")
    assert it.hub.states(alone) == [("triggered", "queued", "rule")]


def test_what_is_over_before_its_message_is_not_told(it: Gathering) -> None:
    over = it.open("A1")
    it.at(0, 10)
    it.end("A1")
    it.at(20)

    assert it.messages() == []
    assert [state[1:] for state in it.hub.states(over)] == [
        ("canceled", "resolved_before_sent")
    ] * 2
    assert it.hub.sql("SELECT count(*) FROM alert_groups") == [(0,)]
    assert it.hub.sql("SELECT count(*) FROM alert_group_members") == [(0,)]


def test_held_members_join_when_their_hold_ends(it: Gathering) -> None:
    it.hub.silence(120, label="host", value="db-9")
    held = it.hub.send("A1", labels={"service": "checkout", "host": "db-9"}, title="A1")
    it.open("A2")
    it.at(1)
    assert it.said() == [(30, "+1; 1 open")]
    assert it.hub.states(held) == [("triggered", "deferred", "silence")]
    it.at(2)
    assert it.hub.states(held) == [("triggered", "deferred", "grouped")]
    it.at(6)
    assert it.said()[1:] == [(330, "+1; 2 open")]
    (row,) = it.hub.rows(held)
    assert row["detail"]["held"]["reason"] == "silence"


def test_a_silence_takes_out_what_waits(it: Gathering) -> None:
    waiting = it.open("A1")
    it.hub.silence(3_600, label="service", value="checkout")
    it.at(1)

    assert it.messages() == []
    assert it.hub.states(waiting) == [("triggered", "deferred", "silence")]


def test_a_member_acknowledged_before_the_message_is_not_news(it: Gathering) -> None:
    taken = it.open("A1")
    it.open("A2")
    it.hub.send("A1", "acknowledged", title="A1", labels={"service": "checkout"})
    it.at(1)

    assert it.said() == [(30, "+1; 1 open")]
    assert it.hub.states(taken)[0] == ("triggered", "canceled", "acknowledged_before_sent")


def test_what_follows_a_told_member_goes_with_its_group(it: Gathering) -> None:
    told = it.open("A1", "CRITICAL")
    it.sent()
    it.at(1)
    it.hub.send("A1", "acknowledged", title="A1", labels={"service": "checkout"})
    it.at(6)

    assert it.said() == [(0, "+1; 1 open"), (300, "1 acknowledged; 1 open")]
    assert it.hub.states(told)[1] == ("acknowledged", "deferred", "grouped")


def test_one_that_becomes_worse_while_it_waits_is_sent_at_once(it: Gathering) -> None:
    it.open("A1", "LOW")
    it.at(0, 10)
    it.open("A1", "CRITICAL")

    assert it.said() == [(10, "+1; 1 open")]


def test_replays_of_the_same_webhook_change_nothing(it: Gathering) -> None:
    for _ in range(3):
        it.open("A1", occurred="2026-01-01T00:00:00Z")
    it.at(1)
    for _ in range(3):
        it.open("A1", occurred="2026-01-01T00:00:00Z")
    it.at(10)

    assert it.said() == [(30, "+1; 1 open")]


def test_services_are_groups_of_their_own(it: Gathering) -> None:
    it.open("A1")
    it.open("B1", service="cart")
    it.at(1)

    assert sorted(each["group"]["title"] for each in it.messages()) == [
        "service=cart",
        "service=checkout",
    ]


def test_a_rule_that_gathers_no_more_lets_go_at_once(it: Gathering) -> None:
    waiting = it.open("A1")
    it.hub.change_rule(group_by=None)
    it.at(0, 1)

    assert it.hub.states(waiting) == [("triggered", "queued", "rule")]
    it.at(2)
    assert it.messages() == []
    assert it.hub.sql("SELECT count(*) FROM alert_groups") == [(0,)]


def test_other_labels_move_what_waits_to_another_group(it: Gathering) -> None:
    it.open("A1")
    it.hub.change_rule(group_by=["severity"])
    it.at(1)

    assert [each["group"]["title"] for each in it.messages()] == ["severity=HIGH"]


def test_a_row_that_somebody_is_changing_is_waited_for(it: Gathering) -> None:
    waiting = it.open("A1")
    it.hub.base.advance(30)
    with psycopg.connect(it.hub.workspace.url) as other:
        other.execute("SELECT FROM alert_deliveries WHERE alert_id = %s FOR UPDATE", [waiting])
        it.look()
        assert it.messages() == []
    it.hub.base.advance(2)
    it.look()
    assert it.said() == [(32, "+1; 1 open")]


def test_explain_says_what_it_waits_for_and_until_when(it: Gathering) -> None:
    it.open("A1")
    rows = it.hub.sql("SELECT next_at FROM alert_groups")
    assert (rows[0][0] - it.start).total_seconds() == 30
    (row,) = it.hub.rows()
    assert row["detail"]["group"]["labels"] == {"service": "checkout"}


def test_what_was_said_by_itself_meanwhile_is_known_to_its_group(it: Gathering) -> None:
    alert = it.open("A1")
    it.hub.change_rule(group_by=None)
    it.at(0, 1)
    it.hub.deliver()
    assert it.hub.states(alert) == [("triggered", "sent", "rule")]
    it.hub.change_rule(group_by=["service"])
    it.at(0, 2)
    it.hub.base.act(alert, Action.ACKNOWLEDGE)
    it.at(6)
    (message,) = it.messages()
    assert message["alerts"] == ["A1"]
    assert it.said()[0][1] == "1 acknowledged; 1 open"
