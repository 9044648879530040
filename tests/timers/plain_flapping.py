"""Flapping in the plain model. What a place knows is what the last message to it says; who is notified
of what meanwhile is only bounded, for one message may stand for several."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec import convert
from psycopg.types.json import Json

from tests.timers.plain_world import NAMES, Alert, Place, Story, World, stands
from tocsin.routing.flapping import FlappingNumbers, Flaps, settles_at

NUMBERS = FlappingNumbers()
GOING = ("gathered", "carried", "queued", "sent")
TELL = ("triggered", "flapping", "settled", "resolved", "closed")


class Flapping(World):
    """It replaces the comparison of `World` by a coarser one."""

    def prepare(self) -> None:
        super().prepare()
        self.hub.sql(
            "UPDATE integrations SET flapping = %s",
            Json({name: getattr(NUMBERS, name) for name in NUMBERS.__struct_fields__}),
        )
        self.hub.base.run(self.hub.base.feed.look())

    def flapping_since(self, alert: Alert) -> datetime | None:
        ((found,),) = self.hub.sql("SELECT flaps FROM alerts WHERE id = %s", alert.id)
        flaps = None if found is None else convert(found, Flaps)
        if flaps is None or flaps.since is None:
            return None
        if alert.status != "CLOSED":
            assert settles_at(flaps, NUMBERS) > self.hub.now, alert
        return flaps.since

    def comes_back(self, alert: Alert) -> None:
        """Whoever has taken it on still has."""
        assert self.flapping_since(alert) is not None
        self.live[alert.name] = alert.id
        alert.opened += 1
        alert.status = "ACKNOWLEDGED" if alert.taken_on else "OPEN"

    @precondition(lambda self: self.alerts)
    @rule(name=st.sampled_from(NAMES), times=st.integers(2, 5), seconds=st.sampled_from([2, 60]))
    def come_and_go(self, name: str, times: int, seconds: int) -> None:
        for _ in range(times):
            if name in self.live:
                self.end(name, "by the sender", is_delivered=False)
            else:
                self.fire(name, "HIGH", "db-1")
            self.hub.look()
            self.tick(seconds)

    @rule(minutes=st.sampled_from([11, 31, 245]))
    def wait_for_long(self, minutes: int) -> None:
        self.tick(minutes * 60)

    def _go_on(self, *_: Any, is_held: bool) -> None:
        """What waits for what is not followed."""

    def _compare(
        self,
        alert: Alert,
        place: Place,
        story: Story,
        rows: list[dict[str, Any]],
        *,
        is_held: bool,
    ) -> None:
        seen = [(row["event_type"], stands(row), row["reason"]) for row in rows]
        told = place.name, alert, seen
        going = [row for row in rows if stands(row) in GOING]
        kinds = [row["event_type"].removeprefix("alerts.") for row in going]
        assert kinds.count("triggered") <= alert.opened + alert.grown, told
        since = self.flapping_since(alert)
        if since is not None:
            self._is_spared(going, since, told)
        elif not is_held:
            self._knows(alert, place, going, told)
            assert not any(stands(row) == "deferred" for row in rows), told

    def _is_spared(self, going: list[dict[str, Any]], since: datetime, told: Any) -> None:
        """Of each change while it flaps; but an outage is an outage."""
        for row in going:
            said = row["payload"]["alert"]
            if row["created_at"] > since and said["severity"] != "CRITICAL":
                assert row["event_type"] not in ("alerts.triggered", "alerts.resolved"), told

    def _knows(self, alert: Alert, place: Place, going: list[dict[str, Any]], told: Any) -> None:
        last = [row for row in going if row["event_type"].removeprefix("alerts.") in TELL][-1:]
        live = [row["payload"]["alert"]["status"] in ("OPEN", "ACKNOWLEDGED") for row in last]
        if alert.status == "OPEN" and place.asks_for(alert.severity):
            assert live == [True], told
        elif not alert.is_live:
            assert live in ([], [False]), told
