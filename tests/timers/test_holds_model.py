"""Alerts that come, grow worse, are taken on and end; silences, quiet hours and cooldowns that begin,
move and end; leaders that die; in any order. No alert is open, unheld and unnotified for longer than
a look, and nobody is notified twice of one event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.postgres import Database
from tests.timers.holding import Holding, holding
from tocsin.alerts.actions import Acted
from tocsin.model import Action

SEVERITIES = ["LOW", "HIGH", "CRITICAL"]
HOSTS = ["db-1", "db-2"]
NAMES = ["a", "b"]
SPANS = [30.0, 90.0, 600.0]


@dataclass
class Alert:
    """As a person would describe it."""

    name: str
    severity: str
    host: str
    status: str = "OPEN"
    events: list[datetime] = field(default_factory=list)
    """When it was opened, and opened again."""


@dataclass
class Silence:
    label: str
    value: str
    starts_at: datetime
    ends_at: datetime


class Holds(RuleBasedStateMachine):
    hub: ClassVar[Holding]

    @initialize(cooldown=st.sampled_from([None, 60, 300]))
    def begin(self, cooldown: int | None) -> None:
        hub = self.hub
        for table in ("alert_deliveries", "alert_events", "resolutions", "cooldowns"):
            hub.sql(f"DELETE FROM {table}")
        hub.sql("UPDATE alert_rules SET is_enabled = false")
        hub.sql("DELETE FROM silences")
        hub.sender = hub.workspace.sender()
        hub.rule(cooldown_seconds=cooldown)
        hub.restart()
        hub.look()
        self.cooldown = cooldown
        self.quiet_until: datetime | None = None
        self.alerts: dict[UUID, Alert] = {}
        self.live: dict[str, UUID] = {}
        self.silences: dict[UUID, Silence] = {}
        self.last_notified: dict[str, datetime] = {}
        self.seen: dict[UUID, str] = {}
        self.freed: dict[UUID, datetime] = {}
        self._tick()

    def _tick(self, seconds: float = 1) -> None:
        """No two things happen at the same moment."""
        self.hub.base.advance(seconds)

    # What may happen

    @rule(
        name=st.sampled_from(NAMES),
        severity=st.sampled_from(SEVERITIES),
        host=st.sampled_from(HOSTS),
    )
    def fire(self, name: str, severity: str, host: str) -> None:
        self._tick()
        id = self.hub.send(name, severity=severity, labels={"host": host})
        if name not in self.live:
            self.live[name] = id
            self.alerts[id] = Alert(name, severity, host, events=[self.hub.now])
        alert = self.alerts[id]
        assert self.live[name] == id
        alert.severity, alert.host = severity, host
        self._observe()

    @precondition(lambda self: self.live)
    @rule(name=st.sampled_from(NAMES), delivered=st.booleans())
    def resolve(self, name: str, delivered: bool) -> None:
        if name in self.live:
            if delivered:
                self.hub.deliver()
                self._observe()
            self._tick()
            self.hub.send(name, "resolved")
            self.alerts[self.live.pop(name)].status = "RESOLVED"
            self._observe()

    @precondition(lambda self: self.live)
    @rule(name=st.sampled_from(NAMES))
    def acknowledge(self, name: str) -> None:
        if name in self.live:
            self._tick()
            done = self.hub.base.act(self.live[name], Action.ACKNOWLEDGE)
            assert isinstance(done, Acted)
            self.alerts[self.live[name]].status = "ACKNOWLEDGED"
            self._observe()

    @precondition(lambda self: len(self.alerts) > len(self.live))
    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        over = [
            id
            for id, alert in self.alerts.items()
            if alert.status == "RESOLVED" and alert.name not in self.live
        ]
        if over:
            id = data.draw(st.sampled_from(over))
            self._tick()
            assert isinstance(self.hub.base.act(id, Action.REOPEN), Acted)
            alert = self.alerts[id]
            alert.status = "OPEN"
            alert.events.append(self.hub.now)
            self.live[alert.name] = id
            self._observe()

    @rule(
        asks=st.sampled_from([("host", "db-1"), ("host", "db-2"), ("severity", "LOW")]),
        seconds=st.sampled_from(SPANS),
    )
    def silence(self, asks: tuple[str, str], seconds: float) -> None:
        label, value = asks
        id = self.hub.silence(seconds, label=label, value=value)
        ends_at = self.hub.now + timedelta(seconds=seconds)
        self.silences[id] = Silence(label, value, self.hub.now, ends_at)

    @precondition(lambda self: self.silences)
    @rule(data=st.data(), seconds=st.sampled_from([0.0, *SPANS]))
    def move(self, data: st.DataObject, seconds: float) -> None:
        id = data.draw(st.sampled_from(list(self.silences)))
        silence = self.silences[id]
        if silence.ends_at > self.hub.now:
            silence.ends_at = self.hub.now + timedelta(seconds=seconds)
            self.hub.move_silence(id, silence.ends_at)

    @rule(minutes=st.sampled_from([0, 5, 60]))
    def change_quiet_hours(self, minutes: int) -> None:
        if not minutes:
            self.quiet_until = None
            self.hub.change_rule(quiet_hours=None)
            return
        self.hub.change_rule(quiet_hours=self.hub.quiet(minutes / 60))
        ends_at = self.hub.now + timedelta(minutes=minutes)
        self.quiet_until = ends_at.replace(second=0, microsecond=0)

    @rule(seconds=st.sampled_from([None, 60, 300]))
    def change_cooldown(self, seconds: int | None) -> None:
        self.cooldown = seconds
        self.hub.change_rule(cooldown_seconds=seconds)

    @rule(seconds=st.sampled_from([1.0, 31.0, 61.0, 300.0]))
    def wait(self, seconds: float) -> None:
        self._tick(seconds)

    @precondition(lambda self: self.alerts)
    @rule()
    def deliver(self) -> None:
        self.hub.deliver()
        self._observe()

    @precondition(lambda self: self.alerts)
    @rule()
    def restart(self) -> None:
        self.hub.restart()

    # What must hold

    def _is_held(self, alert: Alert) -> bool:
        now = self.hub.now
        said = {"host": alert.host, "severity": alert.severity}
        if any(
            each.starts_at <= now < each.ends_at and said[each.label] == each.value
            for each in self.silences.values()
        ):
            return True
        if self.quiet_until is not None and now < self.quiet_until:
            return True
        last = self.last_notified.get(alert.name)
        return (
            self.cooldown is not None
            and last is not None
            and now < last + timedelta(seconds=self.cooldown)
        )

    def _observe(self) -> None:
        """Whatever has become of the messages since the last time."""
        rows = self.hub.rows()
        for row in rows:
            before, status = self.seen.get(row["id"]), row["status"]
            self.seen[row["id"]] = status
            if before == status:
                continue
            alert = self.alerts[row["alert_id"]]
            if row["event_type"] != "alerts.triggered":
                continue
            if status == "queued":
                assert not self._is_held(alert), (row["reason"], row["detail"])
                assert alert.status == "OPEN"
                self.last_notified[alert.name] = self.hub.now
            elif status == "canceled" and before == "queued":
                self.last_notified.pop(alert.name, None)

    @invariant()
    def everybody_hears_what_is_open_and_unheld(self) -> None:
        if not hasattr(self, "seen"):
            return
        self.hub.look()
        self._observe()
        rows = self.hub.rows()
        for id, alert in self.alerts.items():
            mine = [row for row in rows if row["alert_id"] == id]
            triggers = [row for row in mine if row["event_type"] == "alerts.triggered"]
            notified = [row for row in triggers if row["status"] in ("queued", "sent")]
            assert len(notified) <= len(alert.events)
            held = [row for row in mine if row["status"] == "deferred"]
            if alert.status == "OPEN":
                newest = [row for row in triggers if row["created_at"] >= alert.events[-1]]
                (only,) = newest[-1:]
                assert (only["status"] == "deferred") == self._is_deferred(alert, only), only
                assert only["status"] in ("deferred", "queued", "sent")
            for row in held:
                assert row["send_after"] > self.hub.now
                assert row["detail"]["holds"]
            # Nothing that goes out waits behind what is held.
            states = [row["status"] for row in mine if row["status"] in ("deferred", "queued")]
            assert states == sorted(states, reverse=True), states

    def _is_deferred(self, alert: Alert, trigger: dict[str, object]) -> bool:
        """One that was sent stays sent, whatever holds begin after."""
        return trigger["status"] == "deferred" and self._is_held(alert)


@pytest.fixture
def hub(database: Database) -> Iterator[Holding]:
    with holding(database.url, batch=2) as opened:
        yield opened


def test_the_model_agrees(hub: Holding) -> None:
    Holds.hub = hub
    run_state_machine_as_test(
        Holds,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
