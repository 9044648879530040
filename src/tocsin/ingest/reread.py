"""The configuration changed between the reading of a webhook and its commit: read it again."""

from __future__ import annotations

from tocsin.alerts.directory import IntegrationEntry, Snapshot
from tocsin.ingest.refusals import GONE
from tocsin.ingest.understand import understand
from tocsin.ingest.webhook import Webhook

__all__ = ["GONE", "recheck"]


def recheck(webhooks: list[Webhook], snapshot: Snapshot) -> bool:
    """Give each webhook its integration as it is now, and what that makes of it. What is no longer
    admitted is declined; what was declined by a secret that has been rotated since, or before the
    integration was switched on, is let in: most senders do not retry a 401.

    Returns whether that made any difference: then it is to be claimed for anew.
    """
    changed = False
    for webhook in webhooks:
        before, entry = webhook.entry, snapshot.integrations.get(webhook.entry.id)
        if entry is None:
            webhook.signals, webhook.settled = [], GONE
            changed = True
            continue
        webhook.entry = entry
        if webhook.replay_of_id is not None or _reads_alike(before, entry):
            continue
        if webhook.is_final:
            continue
        again = understand(
            entry,
            webhook.headers,
            webhook.body,
            webhook.received_at,
            path_secret=webhook.path_secret,
            rejected_body_bytes=webhook.rejected_body_bytes,
        )
        changed = webhook.become(again) or changed
    return changed


def _reads_alike(one: IntegrationEntry, other: IntegrationEntry) -> bool:
    return (
        one.is_active == other.is_active
        and one.profile == other.profile
        and one.mapping is other.mapping
        and one.timezone is other.timezone
        and one.source is other.source
    )
