"""The configuration changed between the check of a webhook and its commit: check it again."""

from __future__ import annotations

from tocsin.ingest.configuration import Snapshot
from tocsin.ingest.pipeline import INACTIVE, REFUSALS, understand
from tocsin.ingest.webhook import Declined, Webhook

GONE = Declined("integration-not-found", 404, "There is no such integration.", "rejected")

# What depends on the configuration alone; a body that is too large stays so.
_ARGUABLE = (INACTIVE, *REFUSALS.values())


def recheck(webhooks: list[Webhook], snapshot: Snapshot) -> bool:
    """Give each webhook its integration as it is now. What that no longer admits is declined; what
    was declined by a secret that has been rotated since, or before the integration was switched
    on, is let in: most senders do not retry a 401.

    Returns whether any changed sides: then it is to be claimed for anew.
    """
    changed = False
    for webhook in webhooks:
        before, entry = webhook.entry, snapshot.integrations.get(webhook.entry.id)
        if entry is None:
            webhook.signals, webhook.settled = [], GONE
            changed = True
            continue
        webhook.entry = entry
        if webhook.replay_of_id is not None or (
            entry.is_active == before.is_active and entry.profile == before.profile
        ):
            continue
        if isinstance(webhook.settled, Declined) and webhook.settled not in _ARGUABLE:
            continue
        again = understand(
            entry,
            webhook.headers,
            webhook.body,
            webhook.received_at,
            path_secret=webhook.path_secret,
            rejected_body_bytes=webhook.rejected_body_bytes,
        )
        if again.is_rejected or webhook.is_rejected:
            webhook.become(again)
            changed = True
    return changed
