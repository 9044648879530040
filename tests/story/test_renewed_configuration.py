"""The configuration may be renewed between the reading of a webhook and its commit; then the renewed
one decides, even though this process has it already when the commit looks."""

from __future__ import annotations

import asyncio
import json

from tests.support.postgres import Database
from tests.support.workspace import Workspace
from tocsin.alerts.directory import DirectoryFeed
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.senders import Senders
from tocsin.ingest.understand import understand
from tocsin.model import utc_now
from tocsin.store.database import create_engine


async def test_a_rule_made_while_a_webhook_waits_is_asked(database: Database) -> None:
    workspace = Workspace(database.url)
    sender = workspace.sender()
    body = json.dumps({"title": "Disk full", "external_id": "disk-1"}).encode()

    engine = create_engine(database.url)
    feed = DirectoryFeed(engine)
    senders = Senders(feed, workspace.vault)
    batcher = Lanes(database.url, senders, queue_limit=10, keep_rejected=10)
    before = await feed.refresh()
    headers = {name.lower(): value for name, value in sender.headers(body).items()}
    webhook = understand(senders.current[sender.id], headers, body, utc_now())
    workspace.rule(event_types=["alerts.triggered"])
    assert (await feed.look()).version > before.version
    committing = asyncio.create_task(batcher.run())
    answer = await batcher.submit(webhook)
    batcher.close()
    await committing
    await engine.dispose()

    assert answer.status_code == 201
    (alert,) = workspace.alerts(sender)
    assert (
        workspace.one("SELECT count(*) FROM alert_deliveries WHERE alert_id = %s", alert["id"]) == 1
    )
