"""One look at one group, inside the transaction that has locked it: `routing.group`, `routing.storm` and
`routing.bundle` decide, and the message is written with what is remembered of the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from tocsin.alerts.carriers import Carrier, carrier_calls, content_of
from tocsin.alerts.changes import AlertChange
from tocsin.alerts.directory import Directory
from tocsin.alerts.stored import stored_alerts
from tocsin.message import MOST_ALERTS, SHOWN_ALERTS, AlertView, Changes, Content, HeldBack, Named
from tocsin.model import EventType, Reason, Severity, uuid7, uuid7_bytes
from tocsin.routing.bundle import AT_LEAST, decide_bundle, interval_of
from tocsin.routing.group import (
    AFTER_MAINTENANCE,
    Decision,
    End,
    GroupFacts,
    Grouping,
    GroupKind,
    GroupState,
    Rest,
    Send,
    SendAt,
    decide,
)
from tocsin.routing.rules import RoutingTable, Rule
from tocsin.routing.storm import INTERVAL, decide_storm, is_calm, told_after
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe
from tocsin.store.statements import prepared


class GroupLook:
    """`facts` and `group` as they stand at `now`, which nobody else changes meanwhile."""

    def __init__(
        self, pipe: Pipe, directory: Directory, group: Any, facts: Any, now: datetime
    ) -> None:
        self._pipe = pipe
        self._directory = directory
        self._group = group
        self._facts = facts
        self._now = now
        self._asked = {"id": group.id.bytes}

    async def calls(self, *, may_leave: bool) -> list[Call] | None:
        """What to write; None if not all that waits could be had."""
        if self._group.kind == GroupKind.MAINTENANCE:
            return await self._after_maintenance(may_leave=may_leave)
        if self._is_of_pages:
            dropped = {**self._asked, "now": self._now}
            _, (self._facts,) = await self._pipe.run(
                (prepared("drop_pages_over"), dropped), (prepared("read_group"), self._asked)
            )
        group, facts = self._group, self._facts
        state = GroupState(group.last_sent_at, _severity(group.told), group.over_at)
        known = GroupFacts(
            facts.waiting,
            facts.since,
            _severity(facts.worst),
            facts.is_open,
            facts.told_open,
            facts.last_end,
        )
        match self._decide(state, known):
            case Send() if self._is_of_pages and facts.waiting < AT_LEAST:
                # One page says it in its own words.
                return [*self._release(), self._end()]
            case Send(begins):
                return await self._send(begins=begins, may_leave=may_leave)
            case SendAt(until):
                return [self._update(look_at=until, next_at=until)]
            case Rest(until, over_at):
                return [self._update(look_at=until, next_at=None, over_at=over_at, gathered=0)]
            case End():
                return [self._end()]

    def _decide(self, state: GroupState, facts: GroupFacts) -> Decision:
        group = self._group
        if self._is_storm:
            return decide_storm(state, facts, group.gathered, group.budget, self._now)
        if self._is_of_pages:
            interval = interval_of(group.budget)
            return decide_bundle(state, facts, group.opened_at, interval, self._now)
        grouping = self._grouping()
        if grouping is not None:
            return decide(grouping, state, facts, self._now)
        return Rest(self._now + timedelta(minutes=1), None) if facts.waiting else End()

    @property
    def _is_storm(self) -> bool:
        return bool(self._group.kind == GroupKind.STORM)

    @property
    def _is_of_pages(self) -> bool:
        return bool(self._group.kind == GroupKind.PAGES)

    async def _after_maintenance(self, *, may_leave: bool) -> list[Call] | None:
        """One message for all that is still open, once those that the window held had time to come; one
        alert by itself says it in its own words."""
        waiting, since = self._facts.waiting, self._facts.since
        if not waiting:
            return [self._end()]
        due = since + AFTER_MAINTENANCE
        if due > self._now:
            return [self._update(look_at=due, next_at=due)]
        if waiting > 1 and self._known_rule() is not None:
            return await self._send(begins=True, may_leave=may_leave)
        again = self._now + timedelta(seconds=1)
        return [*self._release(), self._update(look_at=again, next_at=None)]

    def _release(self) -> list[Call]:
        """What waits is sent by itself."""
        return [
            (prepared("release_group"), {**self._asked, "now": self._now}),
            (prepared("notify_deliveries"), {}),
        ]

    def _held_back(self) -> HeldBack | None:
        if self._group.kind != GroupKind.MAINTENANCE:
            return None
        return HeldBack(
            reason=Reason.MAINTENANCE.value,
            since=datetime.fromisoformat(self._group.labels["since"]),
            until=self._now,
            after=f"maintenance “{self._group.labels['name']}”",
        )

    def _grouping(self) -> Grouping | None:
        """By the rule as it is now; None if it gathers no more: what waits is looked at by itself."""
        rule = self._known_rule()
        if rule is None or rule.grouping is None:
            return None
        destination = self._table.destinations.get(self._group.alert_destination_id)
        if destination is not None and destination.edits_messages:
            return rule.grouping.where_edited()
        return rule.grouping

    def _known_rule(self) -> Rule | None:
        return self._table.by_id.get(self._group.alert_rule_id)

    @property
    def _table(self) -> RoutingTable:
        workspace_id = self._group.workspace_id
        return self._directory.routing.get(workspace_id) or RoutingTable(workspace_id)

    async def _send(self, *, begins: bool, may_leave: bool) -> list[Call] | None:
        group, now = self._group, self._now
        carrier_id = uuid7_bytes()
        carry = {**self._asked, "carrier_id": carrier_id, "now": now}
        storm, pages = self._is_storm, self._is_of_pages
        most = SHOWN_ALERTS if storm or pages else MOST_ALERTS
        tally_by = {**self._asked, "now": now, "most": most}
        (carried,), (tally,), (left,), sources = await self._pipe.run(
            (prepared("carry_group"), carry),
            (prepared("tally_pages" if pages else "tally_group"), tally_by),
            (prepared("read_group"), self._asked),
            (prepared("tally_storm"), tally_by),
        )
        if not may_leave and (left.waiting or not carried.carried):
            return None
        if not carried.carried:
            return [self._update(look_at=now + timedelta(seconds=1), next_at=now)]
        # Each page is news: none takes the place of another.
        starts_thread = pages or (begins and group.last_sent_at is not None)
        thread = uuid7() if starts_thread else group.thread_id
        carrier = Carrier(
            id=carrier_id,
            workspace_id=group.workspace_id,
            tenant_id=group.tenant_id,
            rule_id=group.alert_rule_id,
            destination_id=group.alert_destination_id,
            group_id=thread if pages else group.id,
            content=await self._content(tally, carried, sources, thread, begins=begins),
            reason=self._reason(),
            detail={"group": {"id": str(group.id), "kind": group.kind, "labels": group.labels}},
        )
        written = [*carrier_calls([carrier], now), (prepared("forget_members"), self._asked)]
        if storm and not left.waiting and self._is_calm:
            return [*written, self._end()]
        return [
            *written,
            self._update(
                thread_id=thread.bytes,
                opened_at=now if begins else group.opened_at,
                last_sent_at=now,
                told=arrays.text(self._told_after(tally)),
                gathered=0,
                over_at=None if tally.open else now,
                look_at=now,
                next_at=None,
            ),
        ]

    @property
    def _is_calm(self) -> bool:
        """Whether little has come of a storm for as long as an interval after its last digest."""
        last = self._group.last_sent_at
        is_late = last is not None and self._now >= last + INTERVAL
        return is_late and is_calm(self._group.gathered, self._group.budget)

    async def _content(
        self, tally: Any, carried: Any, sources: Sequence[Any], thread: UUID, *, begins: bool
    ) -> Content:
        """What the message says."""
        group, now = self._group, self._now
        is_digest = self._is_storm or self._is_of_pages
        listed = await self._views([id.bytes for id in tally.listed])
        changes = Changes(
            new=tally.new,
            acknowledged=carried.acknowledged,
            ended=tally.ended,
            passed=tally.passed,
            open=tally.open,
        )
        since = self._facts.since if begins else group.last_sent_at
        rule, held = self._rule(), self._held_back()
        reached = tally.new if self._is_of_pages else tally.open + tally.ended
        return content_of(
            listed,
            group_id=thread,
            title=self._title(tally, now - since, rule),
            labels=group.labels if held is None else {},
            held=held,
            changes=changes,
            since=since,
            now=now,
            unlisted=max(reached - len(listed), 0),
            workspace=self._directory.workspaces[group.workspace_id],
            tenant=self._tenant(listed),
            rule=None if is_digest else rule,
            note=_sources(sources) if is_digest else None,
            event_type=self._event_type(),
        )

    def _told_after(self, tally: Any) -> str | None:
        """What has to be exceeded for a message at once."""
        if not (self._is_storm or self._is_of_pages):
            worst: str | None = tally.worst
            return worst
        told = told_after(_severity(self._group.told), _severity(self._facts.worst))
        return None if told is None else told.value

    def _title(self, tally: Any, span: timedelta, rule: Named | None) -> str:
        if self._is_storm:
            return _storm_title(tally, span)
        if self._is_of_pages:
            return _pages_title(tally)
        held = self._held_back()
        if held is not None:
            return f"After {held.after}"
        return _title(self._group.labels, "alerts" if rule is None else rule.name)

    def _tenant(self, listed: Sequence[AlertView]) -> Named | None:
        """None of pages about alerts of several."""
        ids = {alert.tenant_id for alert in listed} if self._is_of_pages else set()
        if len(ids) > 1:
            return None
        return self._directory.tenants[ids.pop() if ids else self._group.tenant_id]

    def _event_type(self) -> EventType:
        if self._is_of_pages:
            return EventType.PAGES
        return EventType.STORM if self._is_storm else EventType.GROUP

    def _reason(self) -> Reason:
        if self._is_of_pages:
            return Reason.ESCALATION
        return Reason.RATE_LIMITED if self._is_storm else Reason.RULE

    async def _views(self, alert_ids: list[bytes]) -> list[AlertView]:
        (rows,) = await self._pipe.run((prepared("read_alerts"), {"ids": arrays.uuids(alert_ids)}))
        views = []
        for stored in stored_alerts(rows, self._directory).values():
            change = AlertChange(
                event_type=EventType.TRIGGERED,
                alert=stored.state,
                entry=stored.entry,
                actor=stored.entry.name,
                details=stored.details,
            )
            view = change.document(stored.details)
            # A digest is as small with a hundred thousand alerts as with ten.
            is_digest = self._is_storm or self._is_of_pages
            views.append(replace(view, description=None, metadata={}) if is_digest else view)
        return views

    def _rule(self) -> Named | None:
        rule = self._known_rule()
        return None if rule is None else Named(rule.id, rule.name)

    def _end(self) -> Call:
        return prepared("end_group"), self._asked

    def _update(self, **changes: Any) -> Call:
        group = self._group
        values: dict[str, Any] = {
            "id": group.id.bytes,
            "thread_id": group.thread_id.bytes,
            "opened_at": group.opened_at,
            "last_sent_at": group.last_sent_at,
            "told": arrays.text(group.told),
            "over_at": group.over_at,
            "gathered": group.gathered,
            **changes,
        }
        return prepared("update_group"), {
            name: arrays.time(value) if name.endswith("_at") else value
            for name, value in values.items()
        }


def _severity(name: str | None) -> Severity | None:
    return None if name is None else Severity(name)


def _storm_title(tally: Any, span: timedelta) -> str:
    """`Storm: 134 new in 2 min, 12 CRITICAL`."""
    seconds = max(int(span.total_seconds()), 1)
    length = f"{seconds} s" if seconds < 60 else f"{round(seconds / 60)} min"
    critical = f", {tally.new_critical} CRITICAL" if tally.new_critical else ""
    return f"Storm: {tally.new} new in {length}{critical}"


def _pages_title(tally: Any) -> str:
    """`12 alerts, 3 critical`."""
    alerts = "1 alert" if tally.new == 1 else f"{tally.new} alerts"
    return f"{alerts}, {tally.new_critical} critical" if tally.new_critical else alerts


def _sources(sources: Sequence[Any]) -> str | None:
    if not sources:
        return None
    return "Top sources: " + ", ".join(f"{each.source} ({each.count})" for each in sources) + "."


def _title(labels: Mapping[str, str], rule: str) -> str:
    """`service=checkout, region=eu`; of a group of all that a rule sends, the rule's name."""
    return ", ".join(f"{name}={value or '(none)'}" for name, value in labels.items()) or rule
