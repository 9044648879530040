"""The node that keeps the clock copies what alerts say by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from tests.store.test_alert_search import ONE, Alerts, words
from tests.support.node import eventually
from tests.support.postgres import Database
from tocsin.store import search_copy
from tocsin.timers import alert_search
from tocsin.timers.alert_search import keep_alert_search


async def test_what_alerts_say_is_copied_and_kept_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At once, instead of after the latest moment at which an earlier one may be committed.
    monkeypatch.setattr(search_copy, "LATEST_COMMIT", timedelta())
    monkeypatch.setattr(alert_search, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(alert_search, "REVIEW_EVERY_SECONDS", 0.05)
    alerts = Alerts(database)
    alert_id = alerts.add("pump")
    keeping = asyncio.create_task(keep_alert_search(database.url))
    try:
        await asyncio.to_thread(_follow, alerts, alert_id)
    finally:
        keeping.cancel()
    assert (await alerts.ask(words("valve"), ONE))[0] == set()
    alerts.db.close()


def _follow(alerts: Alerts, alert_id: UUID) -> None:
    eventually(lambda: "pump" in _copy(alerts, alert_id)[0], "the alert is copied")
    alerts.set(alert_id, title="valve")
    eventually(lambda: "valve" in _copy(alerts, alert_id)[0], "its new words are")
    alerts.set(alert_id, status="RESOLVED")
    eventually(lambda: not _copy(alerts, alert_id)[1], "it is known to be over")


def _copy(alerts: Alerts, alert_id: UUID) -> tuple[str, bool]:
    query = "SELECT words, is_live FROM alert_search WHERE alert_id = %s"
    row = alerts.db.execute(query, [alert_id]).fetchone()
    return ("", True) if row is None else (row[0], row[1])
