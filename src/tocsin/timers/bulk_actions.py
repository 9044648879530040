"""Bulk actions are worked through: each alert by itself, as if a person had acted on it alone.

The node that keeps the clock does it, over a connection of its own, so that nobody who acts on one alert
waits for it. Every workspace has its own line of work, and they take the connection in turn: a workspace
with ten thousand alerts to do delays another by one alert. What became of an alert is written in the
transaction that changes it; a node that dies leaves the rest to whoever takes over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from tocsin.alerts.actions import (
    Acted,
    ActionNotAllowed,
    ActionOutcome,
    Actions,
    AlertNotFound,
)
from tocsin.alerts.directory import DirectoryFeed
from tocsin.alerts.on_call_actions import NobodyPaged, OnCallActions, OnCallOutcome
from tocsin.model import Actor, ActorKind, utc_now
from tocsin.model.bulk_actions import BulkKind, BulkOutcome
from tocsin.store import arrays
from tocsin.store.bulk_news import BulkNews
from tocsin.store.described import described
from tocsin.store.failures import CONNECTION_LOST
from tocsin.store.pipe import Call, Row
from tocsin.store.reconnecting import Reconnecting
from tocsin.store.statements import prepared

BATCH: Final = 20
"""Alerts between two looks at whether somebody has called it off."""

EVERY_SECONDS: Final = 5.0
"""So late at most is a bulk action noticed of which no notification came."""

FAULTY_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


async def keep_bulk_actions(url: str, feed: DirectoryFeed) -> None:
    """Forever, on the node that keeps the clock."""
    work = BulkWork(url, feed)
    try:
        await Reconnecting(lambda: BulkNews.open(url)).forever(
            work.keep,
            failed=lambda error: log.error("bulk actions are not worked on", **described(error)),
        )
    finally:
        await work.close()


class BulkWork:
    """One per leader."""

    def __init__(
        self, url: str, feed: DirectoryFeed, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._actions = Actions(url, feed)
        self._now = now
        self._lines: dict[UUID, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Leave the rest to others."""
        lines = list(self._lines.values())
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await self._actions.close()

    async def keep(self, news: BulkNews) -> None:
        """Until the connection fails."""
        while True:
            for workspace_id in await news.workspaces():
                if workspace_id not in self._lines:
                    line = asyncio.create_task(self._line(workspace_id), name="bulk actions")
                    self._lines[workspace_id] = line
            await news.wait(EVERY_SECONDS)

    async def _line(self, workspace_id: UUID) -> None:
        try:
            while await self.work(workspace_id):
                pass
        except Exception as error:
            log.error(
                "a bulk action is not worked on", workspace_id=str(workspace_id), **described(error)
            )
            await asyncio.sleep(FAULTY_SECONDS)
        finally:
            del self._lines[workspace_id]

    async def work(self, workspace_id: UUID) -> bool:
        """End what is over, and act on the next few alerts; whether there may be more to do.

        Raises:
            psycopg.Error: the database went away; what is not done is still to be done.
        """
        asked = {"workspace_id": workspace_id.bytes}
        _, rows = await self._run(
            (prepared("end_bulk_actions"), {**asked, "now": self._now()}),
            (prepared("next_bulk_alerts"), {**asked, "most": BATCH}),
        )
        for row in rows:
            await self._act(workspace_id, row)
        return bool(rows)

    async def _run(self, *calls: Call) -> list[list[Row]]:
        async with self._actions.connected() as pipe:
            return await pipe.run(*calls)

    async def _act(self, workspace_id: UUID, row: Row) -> None:
        try:
            outcome = await self._do(workspace_id, row, self._now())
        except CONNECTION_LOST:
            raise
        except Exception as error:
            # One alert must not keep the others waiting forever.
            log.error("a bulk action failed", alert_id=str(row.alert_id), **described(error))
            await self._run(_settled(row, BulkOutcome.REFUSED, "an error in Tocsin; see its log"))
            return
        if outcome is not None:
            await self._run(_settled(row, *outcome))

    async def _do(
        self, workspace_id: UUID, row: Row, now: datetime
    ) -> tuple[BulkOutcome, str] | None:
        """What became of it; None: it was changed, and that is written with the change."""
        kind, actor, wish = BulkKind(row.kind), _actor(row.actor), row.wish
        note = wish.get("note")
        also = [_settled(row, BulkOutcome.CHANGED)]
        done: ActionOutcome | OnCallOutcome
        if kind.action is None:
            user_id = UUID(wish["user_id"]) if wish.get("user_id") else None
            done = await OnCallActions(self._actions).assign(
                workspace_id, row.alert_id, actor, now, user_id, note, also
            )
        else:
            until = datetime.fromisoformat(wish["until"]) if "until" in wish else None
            done = await self._actions.act(
                workspace_id, row.alert_id, kind.action, actor, now, note, until, also
            )
        match done:
            case Acted(is_changed=True):
                return None
            case Acted():
                return BulkOutcome.UNCHANGED, ""
            case AlertNotFound():
                return BulkOutcome.REFUSED, "it is gone"
            case ActionNotAllowed(status=status):
                return BulkOutcome.REFUSED, f"it is {status.value.lower()}"
            case NobodyPaged(people=(person,)):
                return BulkOutcome.REFUSED, person.words
            case _:
                return BulkOutcome.REFUSED, "its source has reported it again, and that is open"


def _settled(row: Row, outcome: BulkOutcome, reason: str = "") -> Call:
    return (
        prepared("settle_bulk_alert"),
        {
            "bulk_action_id": row.bulk_action_id.bytes,
            "place": row.place,
            "outcome": arrays.text(outcome.value),
            "reason": arrays.text(reason),
        },
    )


def _actor(document: dict[str, Any]) -> Actor:
    known = document.get("id")
    return Actor(
        ActorKind(document["kind"]), document["name"], None if known is None else UUID(known)
    )
