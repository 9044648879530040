"""The holds of the plain model, each by itself: `held_by_…` says whether it holds an alert from a place
now, and its rules let it begin, move and end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.timers.plain_world import HOSTS, NAMES, SPANS, Alert, Place, World
from tocsin.alerts.actions import Acted, Action

PLACES = st.sampled_from([0, 1])


@dataclass
class Silence:
    label: str
    value: str
    starts_at: datetime
    ends_at: datetime


class Silences(World):
    silences: dict[UUID, Silence]

    def prepare(self) -> None:
        super().prepare()
        self.silences = {}

    def held_by_a_silence(self, alert: Alert, place: Place) -> bool:
        said = {"host": alert.host, "severity": alert.severity}
        return any(
            each.starts_at <= self.hub.now < each.ends_at and said[each.label] == each.value
            for each in self.silences.values()
        )

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
    def move_silence(self, data: st.DataObject, seconds: float) -> None:
        id = data.draw(st.sampled_from(list(self.silences)))
        silence = self.silences[id]
        if silence.ends_at > self.hub.now:
            silence.ends_at = self.hub.now + timedelta(seconds=seconds)
            self.hub.move_silence(id, silence.ends_at)


class Windows(World):
    """Of destinations that take each alert by itself."""

    windows: dict[UUID, Silence]

    def prepare(self) -> None:
        super().prepare()
        self.hub.sql("UPDATE alert_destinations SET type = 'pagerduty'")
        self.windows = {}

    def held_by_a_window(self, alert: Alert, place: Place) -> bool:
        said = {"host": alert.host, "severity": alert.severity}
        return any(
            each.starts_at <= self.hub.now < each.ends_at and said[each.label] == each.value
            for each in self.windows.values()
        )

    @rule(
        asks=st.sampled_from([("host", "db-1"), ("severity", "LOW")]),
        minutes=st.sampled_from([1, 2, 10]),
        begins_in=st.sampled_from([0, 60]),
    )
    def window(self, asks: tuple[str, str], minutes: int, begins_in: int) -> None:
        label, value = asks
        begins = self.hub.now + timedelta(seconds=begins_in)
        id = self.hub.window(minutes, starts_at=begins, label=label, value=value)
        self.windows[id] = Silence(label, value, begins, begins + timedelta(minutes=minutes))

    @precondition(lambda self: self.windows)
    @rule(data=st.data(), minutes=st.sampled_from([1, 10]))
    def extend_window(self, data: st.DataObject, minutes: int) -> None:
        id = data.draw(st.sampled_from(list(self.windows)))
        window = self.windows[id]
        if window.ends_at > self.hub.now:
            window.ends_at += timedelta(minutes=minutes)
            length = (window.ends_at - window.starts_at) // timedelta(minutes=1)
            self.hub.change_window(id, duration_minutes=length)

    @precondition(lambda self: self.windows)
    @rule(data=st.data(), how=st.sampled_from(["end", "delete"]))
    def end_window(self, data: st.DataObject, how: str) -> None:
        id = data.draw(st.sampled_from(list(self.windows)))
        window = self.windows[id]
        if how == "delete":
            del self.windows[id]
            self.hub.sql("DELETE FROM maintenance_windows WHERE id = %s", id)
        elif window.starts_at <= self.hub.now < window.ends_at:
            window.ends_at = self.hub.now
            self.hub.change_window(id, ended_at=self.hub.now)


class Inhibitions(World):
    """Alerts of hosts that are down hold those on the same host, and for a minute after."""

    down: dict[str, set[str]]
    grace_until: dict[str, datetime]

    def prepare(self) -> None:
        super().prepare()
        self.hub.inhibition(source={"kind": "down"}, target={"title": "Disk full"}, delay=0)
        self.down = {host: set() for host in HOSTS}
        self.grace_until = {}

    def held_by_inhibition(self, alert: Alert, place: Place) -> bool:
        until = self.grace_until.get(alert.host)
        return bool(self.down[alert.host]) or (until is not None and self.hub.now < until)

    def _say(self, name: str, host: str, status: str) -> None:
        self.tick()
        self.hub.send(name, status, title="Host down", labels={"kind": "down", "host": host})

    @rule(name=st.sampled_from(["x", "y"]), host=st.sampled_from(HOSTS))
    def host_down(self, name: str, host: str) -> None:
        """A source, or one that moves there from another host."""
        self._say(name, host, "firing")
        for other in HOSTS:
            if other != host and name in self.down[other]:
                self._leave(name, other)
        self.down[host].add(name)

    @rule(name=st.sampled_from(["x", "y"]))
    def host_up(self, name: str) -> None:
        for host in HOSTS:
            if name in self.down[host]:
                self._say(name, host, "resolved")
                self._leave(name, host)

    def _leave(self, name: str, host: str) -> None:
        self.down[host].discard(name)
        if not self.down[host]:
            self.grace_until[host] = self.hub.now + timedelta(seconds=60)


class QuietHours(World):
    def held_by_quiet_hours(self, alert: Alert, place: Place) -> bool:
        return place.quiet_until is not None and self.hub.now < place.quiet_until

    @rule(minutes=st.sampled_from([0, 5, 60]), where=PLACES)
    def change_quiet_hours(self, minutes: int, where: int) -> None:
        place = self.places[where]
        if not minutes:
            place.quiet_until = None
            self.change_rule(place, "quiet_hours", None)
            return
        self.change_rule(place, "quiet_hours", self.hub.quiet(minutes / 60))
        ends_at = self.hub.now + timedelta(minutes=minutes)
        place.quiet_until = ends_at.replace(second=0, microsecond=0)


class Cooldowns(World):
    def held_by_a_cooldown(self, alert: Alert, place: Place) -> bool:
        last = place.notified_at.get(alert.name)
        if place.cooldown is None or last is None or not alert.stories[place.name].is_pending:
            return False
        return self.hub.now < last + timedelta(seconds=place.cooldown)

    def notified(self, alert: Alert, place: Place) -> None:
        super().notified(alert, place)
        if place.cooldown is not None:
            place.notified_at[alert.name] = self.hub.now

    @rule(seconds=st.sampled_from([None, 60, 300]), where=PLACES)
    def change_cooldown(self, seconds: int | None, where: int) -> None:
        place = self.places[where]
        place.cooldown = seconds
        self.change_rule(place, "cooldown_seconds", seconds)


class Snoozes(World):
    def held_by_a_snooze(self, alert: Alert, place: Place) -> bool:
        return alert.snoozed_until is not None and self.hub.now < alert.snoozed_until

    @precondition(lambda self: self.live)
    @rule(name=st.sampled_from(NAMES), seconds=st.sampled_from([None, *SPANS]))
    def snooze(self, name: str, seconds: float | None) -> None:
        """Or, without seconds, end it."""
        if name not in self.live:
            return
        self.tick()
        id = self.live[name]
        alert = self.alerts[id]
        if seconds is None:
            done = self.hub.base.act(id, Action.UNSNOOZE)
            alert.snoozed_until = None
        else:
            alert.snoozed_until = self.hub.now + timedelta(seconds=seconds)
            done = self.hub.base.act(id, Action.SNOOZE, alert.snoozed_until)
        assert isinstance(done, Acted)
