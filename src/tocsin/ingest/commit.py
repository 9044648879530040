"""One transaction for many webhooks: which are new, what their signals do, what is answered."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.changes import Cause
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.alerts.transaction import AlertTransaction
from tocsin.ingest.alert_leases import STILL_FIRING, AlertLeases
from tocsin.ingest.duplicates import Duplicates
from tocsin.ingest.foresight import Foresight
from tocsin.ingest.known_alerts import KnownAlerts
from tocsin.ingest.received_webhook import Accepted, Webhook
from tocsin.ingest.refusals import GONE
from tocsin.ingest.reread import Reread, is_out_of_date, reread
from tocsin.ingest.senders import Senders
from tocsin.ingest.webhook_rows import insert_webhooks
from tocsin.model import WebhookStatus
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe
from tocsin.store.statements import prepared
from tocsin.turns import Pace


async def commit_webhooks(
    pipe: Pipe,
    senders: Senders,
    webhooks: list[Webhook],
    *,
    now: datetime,
    keep_rejected: int,
    budgets: MatchingBudgets,
    pace: Pace | None = None,
    foresight: Foresight | None = None,
    known: KnownAlerts | None = None,
    dry_run: bool = False,
) -> frozenset[UUID]:
    """Decide and store all of `webhooks`, or none; each has its `answer` afterwards.

    With `foresight` what is most likely news goes in one round trip, and is decided once more if it
    was not. Alerts that are `known`, and only repeated, are renewed without being read. With `dry_run`
    everything is decided and nothing stays.

    Returns the workspaces whose rules ask for more than `budgets` allow, or whose webhooks are to be
    read again apart (see `reread`): nothing was stored then.

    Raises:
        psycopg.Error: nothing was stored, or (connection lost at the commit) nobody knows.
    """
    for webhook in webhooks:
        webhook.answer, webhook.duplicate_of = webhook.settled, None
    # Of an integration that is gone there is nothing to keep a record by.
    webhooks = [webhook for webhook in webhooks if webhook.settled is not GONE]
    duplicates = Duplicates.of(webhooks)
    transaction = AlertTransaction(pipe, senders.feed, now, budgets, pace)
    once_more = partial(
        commit_webhooks,
        pipe,
        senders,
        webhooks,
        now=now,
        keep_rejected=keep_rejected,
        budgets=budgets,
        pace=pace,
        known=known,
        dry_run=dry_run,
    )
    leases = AlertLeases.of(webhooks, now, known)
    renewal = None if leases is None else leases.renewal
    is_ahead = foresight is not None and foresight.expects_news and renewal is None
    claim = duplicates.claim(now, all_or_void=is_ahead)
    first = [] if claim is None else [claim]
    keys = _alert_keys(webhooks)
    if is_ahead:
        transaction.begin_ahead(keys, *first)
    else:
        of_first, _ = await transaction.begin(keys, *first, renewal=renewal)
        claimed = [row for rows in of_first for row in rows]
        await duplicates.settle(transaction, claimed)
        if foresight is not None:
            is_new = transaction.knows_nothing and not claimed and renewal is None
            foresight.learn(was_news=is_new)
    again = Reread(False, frozenset())
    if is_out_of_date(webhooks, senders.current):
        again = reread(webhooks, senders.current)
    if again.unread:
        await transaction.rollback()
        return again.unread
    if again.changed:
        await transaction.rollback()
        return await once_more(foresight=foresight)
    flags = [webhook.flags for webhook in webhooks]
    if leases is not None:
        await leases.read(transaction, webhooks)
    for webhook in webhooks:
        if webhook.answer is None:
            duplicates.find(transaction, webhook)
        if webhook.answer is None:
            webhook.answer = await _decide(webhook, transaction, leases, pace)
            duplicates.hold(webhook)
    await transaction.plan()
    if budgets.overdrawn:
        await transaction.rollback()
        return budgets.overdrawn
    stored = await transaction.commit(
        insert_webhooks(webhooks, now),
        *duplicates.calls(),
        *(map(duplicates.release, first) if is_ahead else ()),
        *([] if leases is None else leases.calls()),
        *_trim_rejected(webhooks, keep_rejected),
        dry_run=dry_run,
    )
    if foresight is not None and not stored:
        foresight.learn(was_news=False)
        for webhook, before in zip(webhooks, flags, strict=True):
            webhook.flags = before
        return await once_more()
    return frozenset()


def _alert_keys(webhooks: list[Webhook]) -> list[AlertKey]:
    return list(
        {
            AlertKey(webhook.sender.entry.id_bytes, signal.external_id): None
            for webhook in webhooks
            for signal in webhook.signals
            if signal.external_id is not None
        }
    )


_RANKS = {status: rank for rank, status in enumerate(WebhookStatus)}
_rank = _RANKS.__getitem__


async def _decide(
    webhook: Webhook, transaction: AlertTransaction, leases: AlertLeases | None, pace: Pace | None
) -> Accepted:
    """Apply every signal of one webhook, in order."""
    cause = Cause(
        received_at=webhook.received_at,
        at=webhook.stored_at or webhook.received_at,
        webhook_delivery_id=webhook.id,
        in_order=webhook.sender.source.sends_in_order,
    )
    results: dict[bytes, WebhookStatus] = {}
    reason = None
    for signal in webhook.signals:
        if pace is not None and pace.is_due:
            await pace.rest()
        if leases is not None:
            if (alert_id := leases.renewed(webhook, signal)) is not None:
                results[alert_id] = WebhookStatus.UPDATED
                continue
            if leases.outlives(transaction, webhook, signal):
                reason = STILL_FIRING
                continue
        step = transaction.apply(webhook.sender.entry, signal, cause)
        if leases is not None:
            leases.keep(webhook, signal, step)
        reason = step.reason or reason
        for flag in step.flags:
            webhook.flag(flag)
        if step.alert_id is not None:
            before = results.get(step.alert_id, step.status)
            results[step.alert_id] = min(step.status, before, key=_rank)
    return Accepted(
        min(results.values(), key=_rank, default=WebhookStatus.IGNORED),
        tuple(results.items()),
        reason,
    )


def _trim_rejected(webhooks: list[Webhook], keep: int) -> list[Call]:
    """Keep the newest `keep` rejected ones of each integration that got another."""
    ids = sorted({each.sender.entry.id_bytes for each in webhooks if each.is_rejected})
    if not ids:
        return []
    return [(prepared("trim_rejected"), {"integration_ids": arrays.uuids(ids), "keep": keep})]
