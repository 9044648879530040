"""Heartbeats that are lost together: one alert for all of them, and none of them is forgotten.

A loss begins when one falls due while many are missing (`heartbeats/loss.py`), for the heartbeats of
one integration and tenant. Whatever times out there while it lasts goes down as always, and is of the
loss: it opens no alert of its own. The loss ends when all are back, or when some came back and then no
more do: what is missing still has alerts of its own from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.changes import Cause
from tocsin.alerts.directory import DirectoryFeed
from tocsin.alerts.transaction import AlertTransaction
from tocsin.heartbeats.beat import HeartbeatState
from tocsin.heartbeats.loss import SETTLED_AFTER, is_loss
from tocsin.model import Signal, uuid7_bytes
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe
from tocsin.store.statements import prepared
from tocsin.timers.heartbeat_alerts import (
    WaitingChange,
    loss_external_id,
    loss_settled_signal,
    loss_signal,
)

NAMED: Final = 30
"""Of those that are missing, in what the alert says."""

log = structlog.get_logger(__name__)


async def begin_losses(pipe: Pipe, now: datetime) -> bool:
    """Notice those that begin; whether any is under way where something falls due."""
    (groups,) = await pipe.run((prepared("due_heartbeat_groups"), {"now": now}))
    new: list[Any] = []
    for group in groups:
        if group.loss_id is None:
            asked = {
                "now": now,
                "integration_ids": arrays.uuids([group.integration_id.bytes]),
                "tenant_ids": arrays.uuids([group.tenant_id.bytes]),
            }
            ((found,),) = await pipe.run((prepared("missing_heartbeats"), asked))
            if is_loss(found.missing, found.expected):
                log.warning(
                    "heartbeats are lost together",
                    integration_id=str(group.integration_id),
                    missing=found.missing,
                    expected=found.expected,
                )
                new.append(group)
    if new:
        begun = {
            "now": now,
            "ids": arrays.uuids([uuid7_bytes() for _ in new]),
            "integration_ids": arrays.uuids([each.integration_id.bytes for each in new]),
            "tenant_ids": arrays.uuids([each.tenant_id.bytes for each in new]),
        }
        await pipe.run((prepared("begin_heartbeat_loss"), begun))
    return bool(new) or any(group.loss_id is not None for group in groups)


def mark_lost(ids: Sequence[bytes]) -> Call:
    """What went down just now is of the loss that is under way there, if one is."""
    return prepared("mark_lost_heartbeats"), {"ids": arrays.uuids(ids)}


def loss_key(integration_id: UUID, tenant_id: UUID) -> AlertKey:
    return AlertKey(integration_id.bytes, loss_external_id(tenant_id))


async def move_losses(
    transaction: AlertTransaction, changes: Sequence[WaitingChange], now: datetime
) -> None:
    """Say in the alerts of losses what these changes, all of lost heartbeats, make of them."""
    lost: Counter[UUID] = Counter()
    returned: Counter[UUID] = Counter()
    back: list[bytes] = []
    for each in changes:
        if each.change.after is HeartbeatState.DOWN:
            lost[each.row.loss_id] += 1
        else:
            returned[each.row.loss_id] += 1
            back.append(each.row.heartbeat_id.bytes)
    if back:
        await transaction.run((prepared("unmark_lost_heartbeats"), {"ids": arrays.uuids(back)}))
    ids = list(lost.keys() | returned.keys())
    moved = {
        "ids": arrays.uuids([id.bytes for id in ids]),
        "lost": arrays.integers([lost[id] for id in ids]),
        "returned": arrays.integers([returned[id] for id in ids]),
        "now": now,
        "most": NAMED,
    }
    over: list[bytes] = []
    for row in await transaction.run((prepared("move_heartbeat_losses"), moved)):
        _apply(transaction, row, loss_signal(row, _tenant(transaction, row)), now)
        if not row.missing:
            over.append(row.id.bytes)
    if over:
        await transaction.run((prepared("end_heartbeat_losses"), {"ids": arrays.uuids(over)}))


async def end_losses(pipe: Pipe, feed: DirectoryFeed, now: datetime) -> None:
    """Those of which some came back, and then no more did."""
    asked = {"before": now - SETTLED_AFTER}
    (quiet,) = await pipe.run((prepared("quiet_heartbeat_losses"), asked))
    if not quiet:
        return
    transaction = AlertTransaction(pipe, feed, now)
    keys = [loss_key(row.integration_id, row.tenant_id) for row in quiet]
    ids = arrays.uuids([row.id.bytes for row in quiet])
    (gone,), _ = await transaction.begin(keys, (prepared("end_heartbeat_losses"), {"ids": ids}))
    ended = {row.id for row in gone}
    for row in quiet:
        if row.id in ended:
            _apply(transaction, row, loss_settled_signal(row), now)
    await transaction.plan()
    await transaction.commit()


def _apply(transaction: AlertTransaction, row: Any, signal: Signal, now: datetime) -> None:
    entry = transaction.directory.integrations[row.integration_id]
    cause = Cause(now, now, webhook_delivery_id=None, in_order=True)
    transaction.apply(entry, signal, cause, {"because": "many heartbeats went missing together"})


def _tenant(transaction: AlertTransaction, row: Any) -> str | None:
    directory = transaction.directory
    slug = directory.tenants[row.tenant_id].slug
    return slug if slug in directory.integrations[row.integration_id].tenants else None
