"""The configuration changed between the check of a webhook and its commit: check it again."""

from __future__ import annotations

from datetime import datetime

from tocsin.ingest.configuration import IntegrationEntry, Snapshot
from tocsin.ingest.verify import Refused, verify
from tocsin.ingest.webhook import Declined, Webhook

GONE = Declined("integration-not-found", 404, "There is no such integration.", "rejected")
INACTIVE = Declined("integration-inactive", 403, "This integration is not active.", "rejected")


def recheck(webhooks: list[Webhook], snapshot: Snapshot, now: datetime) -> bool:
    """Give each webhook its integration as it is now, and settle what that no longer admits.

    Returns whether any was settled: then what was claimed for it has to be undone."""
    declined_any = False
    for webhook in webhooks:
        entry = snapshot.integrations.get(webhook.entry.id)
        declined = GONE if entry is None else _objection(webhook, entry, now)
        if entry is not None:
            webhook.entry = entry
        if declined is not None and webhook.replay_of_id is None:
            webhook.signals = []
            webhook.settled = declined
            declined_any = True
    return declined_any


def _objection(webhook: Webhook, entry: IntegrationEntry, now: datetime) -> Declined | None:
    if webhook.is_rejected:
        return None
    if not entry.is_active:
        return INACTIVE
    if entry.profile is None or entry.profile == webhook.entry.profile:
        return None
    verdict = verify(
        entry.profile, webhook.headers, webhook.body, now, path_secret=webhook.path_secret
    )
    if isinstance(verdict, Refused):
        return Declined(verdict.code, 401, "The signature could not be verified.", "rejected")
    return None
