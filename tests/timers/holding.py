"""A hub with rules and silences, by a clock that a test moves, and the looks that time starts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Json

from tests.ingest.harness import Harness, harness
from tests.support.workspace import Sender
from tocsin.ingest.received_webhook import Accepted
from tocsin.model import uuid7
from tocsin.store.clock import ClockConnection, HeldAlert
from tocsin.store.groups import GroupsConnection
from tocsin.timers.alert_timers import ElapsedTimers
from tocsin.timers.groups import Groups
from tocsin.timers.holds import HoldEnds

EVENTS = ["alerts.triggered", "alerts.acknowledged", "alerts.resolved", "alerts.closed"]
PATIENCE = 30.0
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Holding:
    """One integration, one destination, and a rule that names it for everything."""

    def __init__(self, base: Harness, batch: int = 200) -> None:
        self.base = base
        # Silences that are over by the database's clock are none.
        base.now = datetime.now(UTC).replace(microsecond=0)
        self.workspace = base.workspace
        self.sender: Sender = self.workspace.sender()
        self.batch = batch
        self.ends = HoldEnds(self.workspace.url, base.feed, batch=batch)
        self.timers = ElapsedTimers(self.workspace.url, base.feed, batch=batch)
        self.db = self.workspace.connection()
        self.clock = base.run(ClockConnection.open(self.workspace.url))
        self.groups: Groups | None = None

    def neighbour(self, name: str = "neighbour") -> Holding:
        """The same hub as another workspace has it."""
        other = copy(self)
        other.workspace = self.workspace.other_workspace(name)
        other.sender = other.workspace.sender()
        return other

    def close(self) -> None:
        self.base.run(self.ends.close())
        self.base.run(self.timers.close())
        self.base.run(self.clock.close())
        if self.groups is not None:
            self.base.run(self.groups.close())
            self.base.run(self.groups_connection.close())
        self.db.close()

    def gather(self) -> None:
        """From now on each look is at groups, too."""
        if self.groups is None:
            self.groups = Groups(self.workspace.url, self.base.feed)
            self.groups_connection = self.base.run(GroupsConnection.open(self.workspace.url))

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        cursor = self.db.execute(statement, parameters)
        return [] if cursor.description is None else cursor.fetchall()

    @property
    def now(self) -> datetime:
        return self.base.now

    def rule(self, **columns: Any) -> UUID:
        self.rule_id, self.destination_id = self.workspace.rule(event_types=EVENTS, **columns)
        return self.rule_id

    def change_rule(self, **columns: Any) -> None:
        for name, value in columns.items():
            self.sql(f"UPDATE alert_rules SET {name} = %s WHERE id = %s", value, self.rule_id)

    def quiet(self, hours: float, **more: Any) -> Json:
        """Quiet hours that began an hour ago and end in so many; in whole minutes."""
        start, end = self.now - timedelta(hours=1), self.now + timedelta(hours=hours)
        span = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
        return Json([{"days": DAYS, **span, "timezone": "UTC", **more}])

    def silence(
        self,
        seconds: float,
        *,
        label: str = "host",
        op: str = "=",
        value: str = "db-1",
        comment: str = "DB patch",
    ) -> UUID:
        silence_id = uuid7()
        self.workspace.insert(
            "silences",
            id=silence_id,
            workspace_id=self.workspace.id,
            matchers=Json([{"label": label, "op": op, "value": value}]),
            starts_at=self.now,
            ends_at=self.now + timedelta(seconds=seconds),
            author="ana",
            comment=comment,
        )
        return silence_id

    def move_silence(self, silence_id: UUID, ends_at: datetime) -> None:
        self.sql("UPDATE silences SET ends_at = %s WHERE id = %s", ends_at, silence_id)

    def window(
        self,
        minutes: int,
        *,
        starts_at: datetime | None = None,
        rrule: str | None = None,
        label: str = "host",
        value: str = "db-1",
        **columns: Any,
    ) -> UUID:
        """A maintenance window that begins now, or at an instant."""
        window_id, starts_at = uuid7(), starts_at or self.now
        self.workspace.insert(
            "maintenance_windows",
            id=window_id,
            workspace_id=self.workspace.id,
            name="DB patch",
            comment="",
            matchers=Json([{"label": label, "op": "=", "value": value}]),
            timezone="UTC",
            starts_at=starts_at.replace(tzinfo=None),
            duration_minutes=minutes,
            rrule=rrule,
            last_starts_at=None if rrule else starts_at,
            author="ana",
            **columns,
        )
        return window_id

    def change_window(self, window_id: UUID, **columns: Any) -> None:
        for name, value in columns.items():
            self.sql(f"UPDATE maintenance_windows SET {name} = %s WHERE id = %s", value, window_id)

    def inhibition(
        self,
        *,
        source: dict[str, str] | None = None,
        target: dict[str, str] | None = None,
        equal: Sequence[str] = ("host",),
        delay: int = 30,
        grace: int = 60,
        name: str | None = None,
    ) -> UUID:
        """By default alerts of check `ping` hold those of check `disk` on the same host."""
        rule_id = uuid7()
        asked = {"source": source or {"check": "ping"}, "target": target or {"check": "disk"}}
        self.workspace.insert(
            "inhibition_rules",
            id=rule_id,
            workspace_id=self.workspace.id,
            name=name or f"rule {rule_id}",
            equal=list(equal),
            delay_seconds=delay,
            grace_seconds=grace,
            defined_at=self.now,
            **{
                f"{side}_matchers": Json(
                    [{"label": label, "op": "=", "value": value} for label, value in labels.items()]
                )
                for side, labels in asked.items()
            },
        )
        return rule_id

    def send(self, external_id: str | None, status: str = "firing", **fields: Any) -> UUID:
        payload: dict[str, Any] = {
            "title": "Disk full",
            "status": status,
            "severity": "HIGH",
            "labels": {"host": "db-1"},
            **fields,
        }
        if external_id is not None:
            payload["external_id"] = external_id
        (answer,) = self.base.post(self.sender, payload)
        assert isinstance(answer, Accepted), answer
        assert answer.alert_id is not None, answer
        return UUID(bytes=answer.alert_id)

    def look(self) -> None:
        """What the clock does each time it looks."""

        began = time.monotonic()
        while self.glance() or self.ends.is_busy or self.timers.is_busy:
            assert time.monotonic() - began < PATIENCE, "there is always more to look at"
        if self.groups is not None:
            self.base.run(self.groups.work(self.groups_connection, self.now))

    def glance(self) -> bool:
        """One turn of the clock; whether it says that there is more to do at once."""

        async def work() -> bool:
            state = await self.clock.state()
            version = state.configuration_version
            more_held = await self.ends.work(self.clock, version, self.now)
            return await self.timers.work(self.clock, version, self.now) or more_held

        return self.base.run(work())

    def restart(self) -> None:
        """The leader dies, and another takes over."""
        self.base.run(self.ends.close())
        self.base.run(self.timers.close())
        self.ends = HoldEnds(self.workspace.url, self.base.feed, batch=self.batch)
        self.timers = ElapsedTimers(self.workspace.url, self.base.feed, batch=self.batch)
        if self.groups is not None:
            self.base.run(self.groups.close())
            self.groups = Groups(self.workspace.url, self.base.feed)

    def after(self, seconds: float) -> None:
        self.base.advance(seconds)
        self.look()

    def deliver(self) -> None:
        """Everything that is queued and next in its lane is sent."""
        while self.sql(
            "UPDATE alert_deliveries d SET status = 'sent', attempt_count = 1, sent_at = %s"
            " WHERE status = 'queued' AND NOT EXISTS (SELECT FROM alert_deliveries e"
            " WHERE coalesce(e.alert_id, e.group_id) = coalesce(d.alert_id, d.group_id)"
            " AND e.alert_destination_id = d.alert_destination_id"
            " AND e.sequence < d.sequence AND e.status IN ('queued', 'deferred')) RETURNING id",
            self.now,
        ):
            self.sql(
                "UPDATE alert_deliveries m SET status = c.status, sent_at = c.sent_at"
                " FROM alert_deliveries c WHERE m.carried_by = c.id AND c.status = 'sent'"
                " AND m.status = 'deferred'"
            )

    def rows(self, alert_id: UUID | None = None) -> list[dict[str, Any]]:
        columns = (
            "id, alert_id, alert_destination_id, event_type, status::text, reason, send_after, detail,"
            " payload, carried_by, updated_at"
        )
        names = [name.removesuffix("::text") for name in columns.split(", ")]
        found = self.sql(
            f"SELECT {columns}, created_at FROM alert_deliveries"
            " WHERE %s::uuid IS NULL OR alert_id = %s ORDER BY sequence",
            alert_id,
            alert_id,
        )
        return [dict(zip([*names, "created_at"], row, strict=True)) for row in found]

    def kinds(self, alert_id: UUID) -> list[str]:
        """Of its timeline."""
        found = self.sql("SELECT kind FROM alert_events WHERE alert_id = %s ORDER BY id", alert_id)
        return [kind for (kind,) in found]

    def states(self, alert_id: UUID | None) -> list[tuple[str, str, str]]:
        return [
            (row["event_type"].removeprefix("alerts."), row["status"], row["reason"])
            for row in self.rows(alert_id)
        ]

    def held(self, alert_ids: Sequence[UUID]) -> list[HeldAlert]:
        found = self.sql(
            "SELECT id, integration_id, external_id FROM alerts WHERE id = ANY (%s) ORDER BY id",
            list(alert_ids),
        )
        return [HeldAlert(*row) for row in found]


@contextmanager
def holding(url: str, *, batch: int = 200) -> Iterator[Holding]:
    with harness(url) as base:
        opened = Holding(base, batch)
        try:
            yield opened
        finally:
            opened.close()
