"""Reminders in the plain model: whoever was notified of an alert that is open is notified again after a
time, not while somebody has it in hand or something holds it, and not sooner."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.timers.plain_world import HOSTS, NAMES, Alert, Place, Story, World
from tocsin.alerts.elapsed import STILL_PENDING

AMID = timedelta(seconds=3)
"""What may pass within one step of the story."""


@dataclass
class Reminding:
    """Of one alert at one place: when it was last notified that it is open, at the earliest and at the
    latest, since when nothing is on its way there, and the reminders that are known."""

    told_at: datetime | None = None
    arrived_at: datetime | None = None
    quiet_since: datetime | None = None
    known: dict[UUID, str] = field(default_factory=dict)


class Reminders(World):
    """At the place that gathers nothing."""

    reminded: dict[UUID, Reminding]
    remind_every: timedelta | None

    def prepare(self) -> None:
        super().prepare()
        self.reminded = {}
        self.remind_every = None
        self.change_reminders(60)

    def look(self) -> None:
        self.everybody_is_notified_once_of_what_is_open_and_not_held()

    @rule(name=st.sampled_from(NAMES), times=st.integers(1, 4), seconds=st.sampled_from([31, 301]))
    def stays_open(self, name: str, times: int, seconds: int) -> None:
        """What is sent arrives, and nobody does anything."""
        if name not in self.live:
            self.fire(name, "HIGH", HOSTS[0])
        for _ in range(times):
            self.look()
            self.hub.deliver()
            self.look()
            self.tick(seconds)

    @rule(seconds=st.sampled_from([None, 60, 400]))
    def change_reminders(self, seconds: int | None) -> None:
        self.remind_every = None if seconds is None else timedelta(seconds=seconds)
        self.change_rule(self.places[1], "remind_every_seconds", seconds)

    def notified(self, alert: Alert, place: Place) -> None:
        super().notified(alert, place)
        if place is self.places[1]:
            known = self.reminded.setdefault(alert.id, Reminding())
            known.told_at = known.arrived_at = self.hub.now

    def _compare(
        self,
        alert: Alert,
        place: Place,
        story: Story,
        rows: list[dict[str, Any]],
        *,
        is_held: bool,
    ) -> None:
        super()._compare(alert, place, story, rows, is_held=is_held)
        if place is not self.places[1]:
            return
        known = self.reminded.setdefault(alert.id, Reminding())
        if alert.status != "OPEN":
            known.told_at = None
        reminders = [row for row in rows if row["event_type"] == "alerts.reminder"]
        told = alert, known, [(row["event_type"], row["status"], row["reason"]) for row in rows]
        for row in reminders:
            before = known.known.get(row["id"])
            if before != row["status"]:
                self._goes_on(alert, known, before, row["status"], told, is_held=is_held)
                known.known[row["id"]] = row["status"]
        waiting = [row["status"] for row in reminders if row["status"] in ("queued", "deferred")]
        assert len(waiting) <= 1, told
        self._none_is_missing(known, rows, told, is_held=is_held)

    def _goes_on(
        self,
        alert: Alert,
        known: Reminding,
        before: str | None,
        status: str,
        told: Any,
        *,
        is_held: bool,
    ) -> None:
        """A reminder that is new, or of which something has become."""
        now = self.hub.now
        if before is None:
            assert known.told_at is not None, told
            assert self.remind_every is not None, told
            assert now - known.told_at > self.remind_every - AMID, told
        match before, status:
            case (None, "deferred"):
                assert is_held, told
                assert alert.status == "OPEN", told
            case (None | "deferred", "queued"):
                assert not is_held, told
                assert alert.status == "OPEN", told
                known.told_at = known.arrived_at = now
            case ("queued", "sent"):
                known.arrived_at = now
            case ("deferred" | "queued", "canceled"):
                assert alert.status != "OPEN" or self.remind_every is None, told
            case _:
                raise AssertionError((before, status, told))

    def _none_is_missing(
        self, known: Reminding, rows: list[dict[str, Any]], told: Any, *, is_held: bool
    ) -> None:
        now = self.hub.now
        if any(row["status"] in ("queued", "deferred") for row in rows):
            known.quiet_since = None
            known.arrived_at = now
            return
        if known.quiet_since is None:
            known.quiet_since = now
        if known.told_at is None or known.arrived_at is None or self.remind_every is None:
            return
        due = max(known.arrived_at + self.remind_every, known.quiet_since + STILL_PENDING)
        if not is_held:
            assert now < due, f"nobody was reminded: {told}"
