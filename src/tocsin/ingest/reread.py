"""The configuration changed between the reading of a webhook and its commit: read it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from tocsin.ingest.received_webhook import Webhook
from tocsin.ingest.refusals import DELETED_MEANWHILE, GONE
from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.kit.evaluation import TooMuchAtOnce
from tocsin.ingest.understand import is_large, understand

AT_ONCE = 32
"""Webhooks of one workspace that are read again while the others of their batch wait."""


class Reread(NamedTuple):
    """Whether that changed anything: then claims are made again. `unread`: workspaces with webhooks
    that nobody is to wait for; these are as they were."""

    changed: bool
    unread: frozenset[UUID]


def is_out_of_date(webhooks: list[Webhook], senders: Mapping[UUID, Sender]) -> bool:
    """Whether any was understood by a sender that is not the current one."""
    return any(senders.get(webhook.sender.id) is not webhook.sender for webhook in webhooks)


def reread(
    webhooks: list[Webhook], senders: Mapping[UUID, Sender], *, at_once: bool = True
) -> Reread:
    """Read each webhook again with its sender as it is now. What is no longer admitted is declined;
    what was declined for a secret that has been rotated since, or before the integration was
    switched on, is accepted: most senders do not retry a 401."""
    changed = False
    count: Counter[UUID] = Counter()
    unread: set[UUID] = set()
    for webhook in webhooks:
        before, sender = webhook.sender, senders.get(webhook.sender.id)
        if sender is None:
            if webhook.settled is not DELETED_MEANWHILE:
                webhook.signals = []
                # Its sender was told that it is taken, so there is to be a record of what became of it.
                webhook.settled = GONE if webhook.answered is None else DELETED_MEANWHILE
                changed = True
            continue
        if (
            webhook.replay_of_id is None
            and not webhook.is_final
            and not _reads_alike(before, sender)
        ):
            workspace_id = sender.entry.workspace_id
            count[workspace_id] += 1
            again = None
            if not at_once:
                again = _again(webhook, sender)
            elif count[workspace_id] <= AT_ONCE and not is_large(webhook.headers, webhook.body):
                again = _again_at_once(webhook, sender)
            if again is None:
                unread.add(workspace_id)
                continue
            changed = webhook.become(again) or changed
        webhook.sender = sender
    return Reread(changed, frozenset(unread))


def _again_at_once(webhook: Webhook, sender: Sender) -> Webhook | None:
    try:
        return _again(webhook, sender, at_once=True)
    except TooMuchAtOnce:
        return None


def _again(webhook: Webhook, sender: Sender, *, at_once: bool = False) -> Webhook:
    return understand(
        sender,
        webhook.headers,
        webhook.body,
        webhook.received_at,
        shown=webhook.shown,
        rejected_body_bytes=webhook.rejected_body_bytes,
        body_limit=webhook.body_limit,
        at_once=at_once,
    )


def _reads_alike(one: Sender, other: Sender) -> bool:
    return (
        one.is_active == other.is_active
        and one.profile == other.profile
        and one.mapping is other.mapping
        and one.kinds == other.kinds
        and one.timezone is other.timezone
        and one.source is other.source
        and one.entry.bindings == other.entry.bindings
    )
