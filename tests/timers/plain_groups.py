"""Groups in the plain model: one place gathers, by labels that change. A trigger that waits for its
group is no longer held, and some message carries it soon; how often one goes is checked of them all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.timers.plain_world import HOSTS, NAMES, SEVERITIES, World

INTERVAL = 300


class Groups(World):
    def prepare(self) -> None:
        super().prepare()
        self.hub.gather()
        place = self.places[0]
        self.hub.sql("UPDATE alert_destinations SET type = 'webhook' WHERE id = %s", place.id)
        place.gathers = True
        self.change_rule(place, "group_by", ["host"])

    @rule(by=st.sampled_from([None, [], ["host"], ["severity"]]))
    def change_groups(self, by: list[str] | None) -> None:
        self.change_rule(self.places[0], "group_by", by)

    @rule(severity=st.sampled_from(SEVERITIES))
    def fire_all(self, severity: str) -> None:
        for name, host in zip(NAMES, HOSTS, strict=True):
            self.fire(name, severity, host)

    def teardown(self) -> None:
        """In the end nothing waits for its group any more."""
        if not hasattr(self, "alerts"):
            return
        for _ in range(2):
            self.tick(INTERVAL + 3)
            self.everybody_is_notified_once_of_what_is_open_and_not_held()
        self.a_group_says_each_thing_once_and_no_more_than_it_may()

    @invariant()
    def a_group_says_each_thing_once_and_no_more_than_it_may(self) -> None:
        if not hasattr(self, "alerts"):
            return
        before: dict[UUID, Message] = {}
        for group_id, kind, at, group, carried in self.hub.sql(
            "SELECT c.group_id, c.detail #>> '{group,kind}', c.created_at, c.payload -> 'group',"
            " (SELECT array_agg(m.alert_id) FROM alert_deliveries m WHERE m.carried_by = c.id"
            "  AND m.event_type = 'alerts.triggered')"
            " FROM alert_deliveries c WHERE c.event_type = 'alerts.group' ORDER BY c.sequence"
        ):
            message = Message(at, group)
            assert len(carried or ()) == len(set(carried or ())), "one alert twice in a message"
            assert message.new <= len(carried or ()), group
            if kind == "rule" and group_id in before:
                assert message.may_follow(before[group_id]), (group, before[group_id].__dict__)
            before[group_id] = message


class Message:
    def __init__(self, at: Any, group: dict[str, Any]) -> None:
        changes = group["changes"]
        self.at, self.new, self.open = at, changes.get("new", 0), changes.get("open", 0)
        self.worst = SEVERITIES.index(group["severity"])

    def may_follow(self, other: Message) -> bool:
        """After an interval; earlier where it is worse, or all that had been said was over, or is."""
        waited = (self.at - other.at).total_seconds() >= INTERVAL
        was_over = self.open == self.new
        return waited or was_over or not self.open or self.worst > other.worst
