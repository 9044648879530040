"""People who can be paged, a policy, and the clock that goes on with escalations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Json

from tests.ingest.harness import harness
from tests.oncall.builders import layer, rotation
from tests.timers.holding import EVENTS, PATIENCE, Holding
from tocsin.alerts.actions import Acted
from tocsin.alerts.on_call_actions import OnCallActions
from tocsin.model import Actor, ActorKind, uuid7
from tocsin.oncall.documents import layer_document
from tocsin.timers.escalations import DueEscalations

Step = Mapping[str, Any]


class Paging(Holding):
    """As `Holding`, with a rule that names nothing but an escalation policy."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.escalations = DueEscalations(self.workspace.url, self.base.feed, batch=self.batch)
        self.names: dict[UUID, str] = {}

    def close(self) -> None:
        self.base.run(self.escalations.close())
        super().close()

    def restart(self) -> None:
        super().restart()
        self.base.run(self.escalations.close())
        self.escalations = DueEscalations(self.workspace.url, self.base.feed, batch=self.batch)

    def glance(self) -> bool:
        more = super().glance()

        async def work() -> bool:
            version = (await self.clock.state()).configuration_version
            return await self.escalations.work(self.clock, version, self.now)

        return self.base.run(work()) or more

    def destination(self, name: str, user_id: UUID | None = None) -> UUID:
        id = uuid7()
        verified = {} if user_id is None else {"user_id": user_id, "verified_at": self.now}
        self.workspace.insert(
            "alert_destinations",
            id=id,
            workspace_id=self.workspace.id,
            name=name,
            type="webhook",
            config=Json({"url": "http://127.0.0.1:9/"}),
            **verified,
        )
        self.names[id] = name
        return id

    def person(self, name: str, **minutes: float) -> UUID:
        """A member who is paged by these contact methods, so many minutes after the step began."""
        id = uuid7()
        self.workspace.insert("users", id=id, email=f"{name}@example.org", name=name)
        self.workspace.insert(
            "memberships", user_id=id, workspace_id=self.workspace.id, role="responder"
        )
        self.names[id] = name
        for place, (method, delay) in enumerate(minutes.items()):
            contact = self.destination(f"{method} of {name}", id)
            for urgency in ("high", "low"):
                self.workspace.insert(
                    "notification_rules",
                    id=uuid7(),
                    workspace_id=self.workspace.id,
                    user_id=id,
                    urgency=urgency,
                    position=place,
                    delay_seconds=int(delay * 60),
                    contact_method_id=contact,
                )
        return id

    def policy(self, *steps: Step, repeat: int = 0, **columns: Any) -> UUID:
        id = uuid7()
        shared = {
            "name": "P",
            "steps": Json(list(steps)),
            "repeat": repeat,
            "version": 1,
            **columns,
        }
        self.workspace.insert(
            "escalation_policies", id=id, workspace_id=self.workspace.id, **shared
        )
        self.workspace.insert("escalation_policy_versions", escalation_policy_id=id, **shared)
        return id

    def schedule(self, *users: UUID) -> UUID:
        """One layer in which these are on call in turn, day by day; without any nobody ever is."""
        id, since = uuid7(), self.now - timedelta(days=1)
        self.workspace.insert(
            "schedules",
            id=id,
            workspace_id=self.workspace.id,
            name=str(id),
            timezone="UTC",
            layers=Json([]),
            effective_from=since,
        )
        layers = [layer_document(layer(rotation("daily", f"{since:%F}", "00:00"), *users))]
        self.workspace.insert(
            "schedule_versions",
            schedule_id=id,
            effective_from=since,
            timezone="UTC",
            layers=Json(layers if users else []),
        )
        return id

    def cover(self, schedule_id: UUID, user: UUID, substitute: UUID) -> None:
        """From now on, for a day, somebody is on call in another's place."""
        self.workspace.insert(
            "schedule_overrides",
            id=uuid7(),
            workspace_id=self.workspace.id,
            schedule_id=schedule_id,
            kind="replace",
            starts_at=self.now,
            ends_at=self.now + timedelta(days=1),
            user_id=user,
            substitute_user_id=substitute,
            author="ana",
        )

    def escalating_rule(self, policy_id: UUID, **columns: Any) -> UUID:
        self.rule_id = uuid7()
        self.workspace.insert(
            "alert_rules",
            id=self.rule_id,
            workspace_id=self.workspace.id,
            name=f"rule-{self.rule_id.hex}",
            event_types=EVENTS,
            destination_ids=[],
            escalation_policy_id=policy_id,
            **columns,
        )
        return self.rule_id

    def ask_to_help(self, alert_id: UUID, *users: UUID) -> None:
        asked = OnCallActions(self.base.actions).add_responders(
            self.workspace.id, alert_id, Actor(ActorKind.USER, "Ana"), self.now, users
        )
        assert isinstance(self.base.run(asked), Acted)

    def fallback(self) -> UUID:
        id = self.destination("fallback")
        self.sql(
            "UPDATE workspaces SET fallback_destination_id = %s WHERE id = %s",
            id,
            self.workspace.id,
        )
        return id

    def pages(self, alert_id: UUID) -> list[tuple[str, str, str]]:
        """Contact, status and reason of each, in the order in which they were made."""
        return [
            (self.names[row["alert_destination_id"]], row["status"], row["reason"])
            for row in self.rows(alert_id)
        ]

    def due(self, alert_id: UUID) -> dict[str, float]:
        """In how many seconds each page goes out that waits for its time."""
        return {
            self.names[row["alert_destination_id"]]: (row["send_after"] - self.now).total_seconds()
            for row in self.rows(alert_id)
            if row["status"] == "deferred" and row["send_after"] is not None
        }

    def escalation(self, alert_id: UUID) -> dict[str, Any]:
        """The newest of an alert."""
        names = "state, reason, loop, step, step_due_at, next_at, round"
        found = self.sql(
            f"SELECT state::text, {names.removeprefix('state, ')} FROM escalations"
            " WHERE alert_id = %s ORDER BY round DESC, started_at DESC LIMIT 1",
            alert_id,
        )
        return dict(zip(names.split(", "), found[0], strict=True)) if found else {}

    def wait(self, alert_id: UUID) -> float:
        """Seconds until the step that was taken last has waited in vain."""
        due = self.escalation(alert_id)["step_due_at"]
        assert due is not None
        return float((due - self.now).total_seconds())


def to_user(*users: UUID, minutes: float = 5, **more: Any) -> Step:
    targets = [{"type": "user", "id": str(id)} for id in users]
    return {"targets": targets, "wait_seconds": int(minutes * 60), **more}


def to_schedule(*schedules: UUID, minutes: float = 5, **more: Any) -> Step:
    targets = [{"type": "schedule", "id": str(id)} for id in schedules]
    return {"targets": targets, "wait_seconds": int(minutes * 60), **more}


def to_destination(*destinations: UUID, minutes: float = 5, **more: Any) -> Step:
    targets = [{"type": "destination", "id": str(id)} for id in destinations]
    return {"targets": targets, "wait_seconds": int(minutes * 60), **more}


@contextmanager
def paging(url: str, batch: int = 200) -> Iterator[Paging]:
    with harness(url) as base:
        opened = Paging(base, batch)
        try:
            yield opened
        finally:
            opened.close()


__all__ = ["PATIENCE", "Paging", "Sequence", "paging", "to_destination", "to_user"]
