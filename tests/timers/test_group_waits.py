"""What only waits for the message that its group sends anyway causes no look, and changes nothing: two
workspaces go through the same, of which one has its groups looked at whatever joins them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import psycopg
import pytest

from tests.support.postgres import Database
from tests.timers.holding import EVENTS, Holding, holding
from tocsin.alerts import notification_rows
from tocsin.alerts.notification_rows import GroupJoined
from tocsin.model import Severity

NAMES = ["a", "b", "c", "d", "e"]
SERVICES = ["checkout", "cart"]
SEVERITIES = ["INFO", "LOW", "HIGH", "CRITICAL"]
STATUSES = ["firing", "firing", "firing", "firing", "resolved", "resolved", "acknowledged"]
SPANS = [1, 5, 29, 31, 299, 301, 700]
INTERVALS = {"group_wait_seconds": 30, "group_interval_seconds": 300, "group_linger_seconds": 600}


class Twins:
    """`quick` as it is; of `thorough` each group is looked at after whatever joins it."""

    def __init__(self, hub: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
        hub.gather()
        self.quick, self.thorough = hub, hub.neighbour("thorough")
        self.spared = 0
        worst_news = notification_rows._worst_news

        def unless_thorough(joined: Sequence[GroupJoined]) -> Severity | None:
            is_quick = joined[0].workspace_id == hub.workspace.id
            return worst_news(joined) if is_quick else None

        monkeypatch.setattr(notification_rows, "_worst_news", unless_thorough)

    @property
    def both(self) -> tuple[Holding, Holding]:
        return self.quick, self.thorough

    def walk(self, seed: int, steps: int) -> None:
        choice = Random(seed)
        events = choice.choice([EVENTS, EVENTS[:1], [*EVENTS[:1], *EVENTS[2:]]])
        for twin in self.both:
            twin.rule(group_by=["service"])
            twin.change_rule(event_types=events)
        for _ in range(steps):
            if choice.random() < 0.3:
                self.wait(choice.choice(SPANS))
            else:
                self.post(choice)
            if choice.random() < 0.8:
                self.quick.look()
            self.agree()
        self.wait(1_500)
        self.agree()

    def post(self, choice: Random) -> None:
        self.quick.base.advance(choice.choice([0, 1]))
        batch = [
            {
                "external_id": (name := choice.choice(NAMES)),
                "title": name,
                "status": choice.choice(STATUSES),
                "severity": choice.choice(SEVERITIES),
                "labels": {"service": choice.choice(SERVICES)},
            }
            for _ in range(choice.choice([1, 1, 1, 4]))
        ]
        for twin in self.both:
            twin.base.post(twin.sender, *batch)
        quick, thorough = map(self.due, self.both)
        assert quick <= thorough
        self.spared += quick < thorough

    def due(self, twin: Holding) -> int:
        found = twin.sql(
            "SELECT count(*) FROM alert_groups WHERE workspace_id = %s AND look_at <= %s",
            twin.workspace.id,
            twin.now,
        )
        count: int = found[0][0]
        return count

    def wait(self, seconds: float) -> None:
        """With a look whenever one is due."""
        self.quick.deliver()
        while seconds > 0:
            self.quick.look()
            due = self.quick.sql("SELECT min(look_at) FROM alert_groups")[0][0]
            until = seconds if due is None else (due - self.quick.now).total_seconds()
            step = max(min(seconds, until), 0.001)
            self.quick.base.advance(step)
            seconds -= step
        self.quick.look()

    def agree(self) -> None:
        assert self.messages(self.quick) == self.messages(self.thorough)
        assert self.rows(self.quick) == self.rows(self.thorough)

    def messages(self, twin: Holding) -> list[tuple[Any, ...]]:
        found = twin.sql(
            "SELECT created_at, payload -> 'group', payload -> 'alerts' FROM alert_deliveries"
            " WHERE event_type = 'alerts.group' AND workspace_id = %s ORDER BY created_at, sequence",
            twin.workspace.id,
        )
        return sorted(
            (at, str({**group, "id": None}), sorted(each["title"] for each in alerts or ()))
            for at, group, alerts in found
        )

    def rows(self, twin: Holding) -> list[tuple[Any, ...]]:
        return twin.sql(
            "SELECT alert.title, row.event_type, row.status, row.reason, row.created_at,"
            " (SELECT created_at FROM alert_deliveries AS message WHERE message.id = row.carried_by)"
            " FROM alert_deliveries AS row JOIN alerts AS alert ON alert.id = row.alert_id"
            " WHERE row.workspace_id = %s"
            " ORDER BY alert.title, alert.created_at, row.created_at, row.event_type, row.status",
            twin.workspace.id,
        )


@pytest.fixture
def twins(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Twins]:
    with holding(database.url) as hub:
        yield Twins(hub, monkeypatch)


def test_the_same_is_sent_at_the_same_moment(twins: Twins) -> None:
    twins.walk(seed=1, steps=30)
    assert twins.spared


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 22))
def test_the_same_whatever_happens(twins: Twins, seed: int) -> None:
    twins.walk(seed, steps=80)


class TestWhoWaits:
    """Of ten thousand that join a group, not each causes a look."""

    @pytest.fixture
    def hub(self, database: Database) -> Iterator[Holding]:
        with holding(database.url) as hub:
            hub.gather()
            hub.rule(group_by=["service"], **INTERVALS)
            yield hub

    def open(self, hub: Holding, name: str, severity: str = "HIGH", status: str = "firing") -> bool:
        """Whether the group is looked at because of it."""
        labels = {"service": "checkout"}
        hub.send(name, status, severity=severity, title=name, labels=labels)
        is_due: bool = hub.sql("SELECT min(look_at) <= %s FROM alert_groups", hub.now)[0][0]
        hub.look()
        return is_due

    def test_before_the_first_message_all_but_what_is_critical(self, hub: Holding) -> None:
        assert not self.open(hub, "a")
        hub.after(1)
        assert not self.open(hub, "b", "HIGH")
        assert self.open(hub, "c", "CRITICAL")
        hub.sql("DELETE FROM alert_groups")
        assert self.open(hub, "d", "CRITICAL")

    def test_afterwards_what_is_no_worse(self, hub: Holding) -> None:
        assert not self.open(hub, "a")
        hub.after(31)
        assert self.open(hub, "b", "LOW")  # there was nothing to say
        hub.after(1)
        assert not self.open(hub, "c", "HIGH")
        assert not self.open(hub, "c", status="acknowledged")
        assert self.open(hub, "d", "CRITICAL")

    def test_an_end_waits_while_anything_that_was_shown_is_open(self, hub: Holding) -> None:
        for name in ("a", "b"):
            self.open(hub, name)
        hub.after(31)
        hub.deliver()
        assert self.open(hub, "a", status="resolved")
        hub.after(1)
        assert not self.open(hub, "c", "LOW")
        assert self.open(hub, "b", status="resolved")

    def test_whoever_looks_at_the_group_at_this_moment_is_waited_for(self, hub: Holding) -> None:
        """What they leave behind decides, not what was there when the statement began."""
        assert not self.open(hub, "a")
        with psycopg.connect(hub.workspace.url) as looker:
            looker.execute("UPDATE alert_groups SET next_at = NULL, look_at = now() + '1 hour'")
            joining = threading.Thread(
                target=hub.send,
                args=("b",),
                kwargs={"severity": "LOW", "labels": {"service": "checkout"}},
                daemon=True,
            )
            joining.start()
            self.wait_for_the_lock(hub)
        joining.join(20)
        assert hub.sql("SELECT min(look_at) <= %s FROM alert_groups", hub.now) == [(True,)]

    def wait_for_the_lock(self, hub: Holding) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            (waiting,) = hub.sql(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if waiting == (1,):
                return
            time.sleep(0.01)
        raise AssertionError("it never waited")
