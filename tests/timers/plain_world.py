"""A plain model of who is to be notified of what, as a state machine that does the same to a real hub.

What may happen to alerts stands here; each hold is a mixin of `plain_holds`: a method `held_by_…` that
says whether it holds an alert from a place now, and the rules by which it begins, moves and ends. To
add a hold is to add such a mixin to `Holds` in `test_holds_model`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.timers.holding import EVENTS, Holding
from tocsin.alerts.actions import Acted, Action

SEVERITIES = ["LOW", "HIGH", "CRITICAL"]
HOSTS = ["db-1", "db-2"]
NAMES = ["a", "b"]
SPANS = [30.0, 90.0, 600.0]
LONGEST_GATHERING = timedelta(seconds=302)
"""An interval between two messages of a group, and the moment of a look."""

EMPTIED = (
    "alert_deliveries",
    "alert_events",
    "alert_groups",
    "alert_timers",
    "webhook_deliveries",
    "alerts",
    "alert_rules",
    "alert_destinations",
    "integrations",
    "resolutions",
    "cooldowns",
    "silences",
    "maintenance_windows",
    "inhibition_rules",
    "inhibition_sources",
    "inhibition_targets",
)


@dataclass
class Place:
    """A destination, and the one rule that names it."""

    name: str
    least: str
    """The severity from which on its rule names it."""
    id: UUID
    rule_id: UUID
    quiet_until: datetime | None = None
    cooldown: int | None = None
    gathers: bool = False
    """It takes several alerts in one message."""
    notified_at: dict[str, datetime] = field(default_factory=dict)
    """By alert key: of the last trigger that began a cooldown."""

    def asks_for(self, severity: str) -> bool:
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.least)


@dataclass
class Story:
    """What a place is to know of one alert."""

    is_named: bool = False
    """Of this episode."""
    is_pending: bool = False
    """A trigger waits for the holds to end."""
    gathered_at: datetime | None = None
    """Since when it waits for its group, which is no hold."""
    notified: int = 0
    """Triggers that it was notified of."""
    acknowledged: int = 0
    ended: int = 0
    """Acknowledgements and ends of what it was notified of: it may be notified of these, too."""


@dataclass
class Alert:
    id: UUID
    name: str
    severity: str
    host: str
    stories: dict[str, Story]
    status: str = "OPEN"
    snoozed_until: datetime | None = None
    taken_on: bool = False
    opened: int = 1
    grown: int = 0
    """How often it was opened, and grew worse."""

    @property
    def is_live(self) -> bool:
        return self.status in ("OPEN", "ACKNOWLEDGED")


class World(RuleBasedStateMachine):
    hub: ClassVar[Holding]

    @initialize()
    def begin(self) -> None:
        hub = self.hub
        for table in EMPTIED:
            hub.sql(f"DELETE FROM {table}")
        hub.sender = hub.workspace.sender()
        self.places: list[Place] = []
        for name, least in (("chat", "LOW"), ("pager", "HIGH")):
            rule_id, id = hub.workspace.rule(event_types=EVENTS, min_severity=least)
            self.places.append(Place(name, least, id, rule_id))
        hub.restart()
        hub.look()
        self.alerts: dict[UUID, Alert] = {}
        self.live: dict[str, UUID] = {}
        self.prepare()
        self.tick()

    def prepare(self) -> None:
        """Of each hold, what it remembers."""

    def notified(self, alert: Alert, place: Place) -> None:
        """A place was notified of a trigger: what holds make of that."""

    def tick(self, seconds: float = 1) -> None:
        """No two things happen at the same moment."""
        self.hub.base.advance(seconds)

    def change_rule(self, place: Place, column: str, value: Any) -> None:
        self.hub.sql(f"UPDATE alert_rules SET {column} = %s WHERE id = %s", value, place.rule_id)

    # What may happen

    @rule(
        name=st.sampled_from(NAMES),
        severity=st.sampled_from(SEVERITIES),
        host=st.sampled_from(HOSTS),
    )
    def fire(self, name: str, severity: str, host: str) -> None:
        self.tick()
        known = self.live.get(name)
        before = None if known is None else self.alerts[known]
        if before is not None and before.status == "ACKNOWLEDGED":
            # One that becomes worse for those who have it in hand is another story.
            severity = min(severity, before.severity, key=SEVERITIES.index)
        id = self.hub.send(name, severity=severity, labels={"host": host})
        if before is None and id in self.alerts:
            before = self.alerts[id]
            self.comes_back(before)
        elif before is None:
            stories = {place.name: Story() for place in self.places}
            self.live[name] = id
            self.alerts[id] = Alert(id, name, severity, host, stories)
            self.trigger(self.alerts[id])
            return
        assert before is not None
        assert self.live[name] == id
        rises = SEVERITIES.index(severity) > SEVERITIES.index(before.severity)
        before.severity, before.host = severity, host
        if rises:
            before.grown += 1
            before.snoozed_until = None
            self.trigger(before)

    def comes_back(self, alert: Alert) -> None:
        """The same alert is live again, which only happens to one that flaps."""
        raise AssertionError(f"a new episode of what is over is a new alert: {alert}")

    def trigger(self, alert: Alert) -> None:
        """Whoever asks for it, and does not know of this episode, is to be notified."""
        for place in self.places:
            story = alert.stories[place.name]
            if not story.is_named and place.asks_for(alert.severity):
                story.is_named = story.is_pending = True

    @precondition(lambda self: self.live)
    @rule(
        name=st.sampled_from(NAMES),
        how=st.sampled_from(["by the sender", Action.RESOLVE, Action.CLOSE]),
        is_delivered=st.booleans(),
    )
    def end(self, name: str, how: str | Action, is_delivered: bool) -> None:
        if name not in self.live:
            return
        if is_delivered:
            self.hub.deliver()
        self.tick()
        id = self.live.pop(name)
        alert = self.alerts[id]
        stood = {place.name: self.newest_trigger(id, place) for place in self.places}
        if isinstance(how, Action):
            assert isinstance(self.hub.base.act(id, how), Acted)
        else:
            assert self.hub.send(name, "resolved") == id
        alert.status = "CLOSED" if how is Action.CLOSE else "RESOLVED"
        for place in self.places:
            story = alert.stories[place.name]
            if story.gathered_at is not None:
                place.notified_at.pop(name, None)
            elif stood[place.name] == "queued" and not story.is_pending and story.is_named:
                # It never left: nobody was notified, and no cooldown runs.
                story.notified -= 1
                place.notified_at.pop(name, None)
            elif stood[place.name] == "sent":
                story.ended += 1
            story.is_named, story.is_pending, story.gathered_at = False, False, None

    @precondition(lambda self: self.live)
    @rule(name=st.sampled_from(NAMES))
    def acknowledge(self, name: str) -> None:
        if name not in self.live:
            return
        self.tick()
        id = self.live[name]
        alert = self.alerts[id]
        assert isinstance(self.hub.base.act(id, Action.ACKNOWLEDGE), Acted)
        for place in self.places:
            story = alert.stories[place.name]
            waits = story.is_pending or story.gathered_at is not None
            if alert.status == "OPEN" and story.is_named and not waits:
                story.acknowledged += 1
            story.is_pending, story.gathered_at = False, None
        alert.status, alert.taken_on = "ACKNOWLEDGED", True

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
            alert = self.alerts[id]
            self.tick()
            assert isinstance(self.hub.base.act(id, Action.REOPEN), Acted)
            alert.status, alert.snoozed_until, alert.taken_on = "OPEN", None, False
            alert.opened += 1
            self.live[alert.name] = id
            self.trigger(alert)

    @rule(seconds=st.sampled_from([1.0, 31.0, 61.0, 300.0]))
    def wait(self, seconds: float) -> None:
        self.tick(seconds)

    @precondition(lambda self: self.alerts)
    @rule()
    def deliver(self) -> None:
        self.hub.deliver()

    @precondition(lambda self: self.alerts)
    @rule(is_amid=st.booleans())
    def restart(self, is_amid: bool) -> None:
        """The leader dies, perhaps after a part of what there was to look at."""
        if is_amid:
            self.tick()
            self.hub.glance()
        self.hub.restart()

    # What must come of it

    def is_held(self, alert: Alert, place: Place) -> bool:
        return any(held(alert, place) for held in self._holds())

    def _holds(self) -> Iterator[Any]:
        for name in dir(self):
            if name.startswith("held_by_"):
                yield getattr(self, name)

    def newest_trigger(self, id: UUID, place: Place) -> str | None:
        """How it stands; what another message carries has as good as left."""
        triggers = [
            "sent" if row["carried_by"] else row["status"]
            for row in self.hub.rows(id)
            if (row["alert_destination_id"], row["event_type"]) == (place.id, "alerts.triggered")
        ]
        return triggers[-1] if triggers else None

    @invariant()
    def everybody_is_notified_once_of_what_is_open_and_not_held(self) -> None:
        if not hasattr(self, "alerts"):
            return
        self.hub.look()
        rows: dict[tuple[UUID, UUID], list[dict[str, Any]]] = defaultdict(list)
        for row in self.hub.rows():
            rows[row["alert_id"], row["alert_destination_id"]].append(row)
        for id, alert in self.alerts.items():
            for place in self.places:
                story = alert.stories[place.name]
                is_held = self.is_held(alert, place)
                self._go_on(alert, place, story, rows[id, place.id], is_held=is_held)
                self._compare(alert, place, story, rows[id, place.id], is_held=is_held)

    def _go_on(
        self,
        alert: Alert,
        place: Place,
        story: Story,
        rows: list[dict[str, Any]],
        *,
        is_held: bool,
    ) -> None:
        """What becomes of a trigger that waits."""
        is_gathered = any(map(gathered, rows))
        if is_held:
            story.is_pending |= story.gathered_at is not None
            story.gathered_at = None
        elif story.is_pending:
            story.is_pending = False
            if is_gathered:
                story.gathered_at = self.hub.now
            else:
                story.notified += 1
            self.notified(alert, place)
        elif story.gathered_at is not None and not is_gathered:
            story.gathered_at = None
            story.notified += 1

    def _compare(
        self,
        alert: Alert,
        place: Place,
        story: Story,
        rows: list[dict[str, Any]],
        *,
        is_held: bool,
    ) -> None:
        def count(event: str, *statuses: str) -> int:
            return sum(
                row["event_type"] == f"alerts.{event}" and stands(row) in statuses for row in rows
            )

        seen = [(row["event_type"], stands(row), row["reason"]) for row in rows]
        told = place.name, alert, seen
        assert count("triggered", "queued", "sent", "carried") == story.notified, told
        assert count("triggered", "deferred") == story.is_pending, told
        assert count("triggered", "gathered") == (story.gathered_at is not None), told
        said = ("deferred", "gathered", "carried", "queued", "sent")
        ends = count("resolved", *said) + count("closed", *said)
        assert ends <= story.ended, told
        assert count("acknowledged", *said) <= story.acknowledged, told
        if not is_held:
            if not alert.is_live:
                assert ends == story.ended, told
            assert not any(status == "deferred" for _, status, _ in seen), told
        for row in rows:
            if stands(row) == "deferred":
                holds = row["detail"]["holds"]
                assert holds, told
                if row["send_after"] is None:
                    assert any(each["reason"] == "inhibited" for each in holds), told
                else:
                    assert row["send_after"] > self.hub.now, told
            if gathered(row):
                assert place.gathers, told
                assert self.hub.now - row["updated_at"] < LONGEST_GATHERING, told
        # Nothing that goes out waits behind what is held.
        pending = [status for _, status, _ in seen if status in ("deferred", "queued")]
        assert pending == sorted(pending, reverse=True), told


def gathered(row: dict[str, Any]) -> bool:
    """It waits for its group to send a message."""
    return stands(row) == "gathered"


def stands(row: dict[str, Any]) -> str:
    """Its status; of what is deferred for its group, whether a message carries it by now."""
    status = str(row["status"])
    if status != "deferred" or row["reason"] not in ("grouped", "rate_limited"):
        return status
    return "carried" if row["carried_by"] else "gathered"
