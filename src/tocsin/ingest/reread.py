"""The configuration changed between the reading of a webhook and its commit: read it again."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tocsin.ingest.received_webhook import Webhook
from tocsin.ingest.refusals import GONE
from tocsin.ingest.senders import Sender
from tocsin.ingest.understand import understand


def is_out_of_date(webhooks: list[Webhook], senders: Mapping[UUID, Sender]) -> bool:
    """Whether any was understood by a sender that is not the current one."""
    return any(senders.get(webhook.sender.id) is not webhook.sender for webhook in webhooks)


def reread(webhooks: list[Webhook], senders: Mapping[UUID, Sender]) -> bool:
    """Read each webhook again with its sender as it is now. What is no longer admitted is declined;
    what was declined for a secret that has been rotated since, or before the integration was
    switched on, is accepted: most senders do not retry a 401.

    Returns whether that changed anything: then its claims are made again.
    """
    changed = False
    for webhook in webhooks:
        before, sender = webhook.sender, senders.get(webhook.sender.id)
        if sender is None:
            webhook.signals, webhook.settled = [], GONE
            changed = True
            continue
        webhook.sender = sender
        if webhook.replay_of_id is not None or _reads_alike(before, sender):
            continue
        if webhook.is_final:
            continue
        again = understand(
            sender,
            webhook.headers,
            webhook.body,
            webhook.received_at,
            path_secret=webhook.path_secret,
            proof=webhook.proof,
            rejected_body_bytes=webhook.rejected_body_bytes,
            body_limit=webhook.body_limit,
        )
        changed = webhook.become(again) or changed
    return changed


def _reads_alike(one: Sender, other: Sender) -> bool:
    return (
        one.is_active == other.is_active
        and one.profile == other.profile
        and one.mapping is other.mapping
        and one.timezone is other.timezone
        and one.source is other.source
    )
