"""The overview: the last days in numbers, bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api import past
from tests.api.conftest import Hub
from tocsin.model import uuid7
from tocsin.store.queries import overview as querying


def ended(hub: Hub, sender: dict[str, Any], title: str, minutes: float, **more: Any) -> Any:
    now = datetime.now(UTC)
    alert_id = past.alert(hub, sender, title, fired=now, **more)
    hub.sql(
        "UPDATE alerts SET resolved_at = %s, status = 'RESOLVED' WHERE id = %s",
        now + timedelta(minutes=minutes),
        alert_id,
    )
    return alert_id


def rule(hub: Hub) -> tuple[dict[str, Any], dict[str, Any]]:
    destination = hub.admin.made(
        "/alert-destinations",
        {"name": "log", "type": "webhook", "config": {"url": "https://example.org/hook"}},
    )
    made = hub.admin.made(
        "/alert-rules",
        {
            "name": "disks",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
        },
    )
    return made, destination


def sent(hub: Hub, alert_id: Any, made: dict[str, Any], seconds: float = 2) -> None:
    now = datetime.now(UTC)
    hub.sql(
        "INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_id,"
        " alert_destination_id, event_type, status, reason, created_at, sent_at)"
        " SELECT %s, workspace_id, tenant_id, %s, id, %s, 'alerts.triggered', 'sent', 'rule', %s, %s"
        " FROM alerts WHERE id = %s",
        uuid7(),
        made["id"],
        made["destination_ids"][0],
        now,
        now + timedelta(seconds=seconds),
        alert_id,
    )


def test_what_came_what_was_noise_and_how_long_it_took(hub: Hub) -> None:
    sender = past.integration(hub)
    for minutes in (1, 2, 5):
        ended(hub, sender, "Disk full", minutes)
    taken = ended(hub, sender, "Load", 10, severity="CRITICAL")
    hub.sql(
        "UPDATE alerts SET acknowledged_at = triggered_at + interval '90 s' WHERE id = %s", taken
    )
    past.alert(hub, sender, "Open", fired=datetime.now(UTC))
    found = hub.viewer.get("/overview", days=1).json()
    totals = found["totals"]
    assert (totals["count"], totals["over"], totals["taken"], totals["by_itself"]) == (5, 4, 1, 3)
    assert totals["acknowledged_after"] == {"half": 90.0, "nine_tenths": 90.0}
    assert totals["over_after"]["half"] == 210.0
    assert sum(sum(each["counts"].values()) for each in found["items"]) == 5
    assert [each["severity"] for each in found["severities"]] == ["CRITICAL", "HIGH"]
    noisiest = found["noisiest_alerts"][0]
    assert (noisiest["title"], noisiest["count"], noisiest["over_soon"]) == ("Disk full", 3, 2)
    assert found["noisiest_sources"][0]["count"] == 5
    assert found["counted_since"] == found["since"]


def test_the_coach_offers_a_wait_and_what_takes_it_back(hub: Hub) -> None:
    sender = past.integration(hub)
    made, destination = rule(hub)
    for _ in range(12):
        sent(hub, ended(hub, sender, "Disk full", 2), made)
    # CRITICAL never waits, so that a wait spares nothing of it.
    sent(hub, ended(hub, sender, "Down", 1, severity="CRITICAL"), made)
    found = hub.viewer.get("/overview", days=7).json()
    (advice,) = found["advice"]
    assert (advice["notified"], advice["spared"], advice["wait_minutes"]) == (13, 12, 4)
    assert found["destinations"] == [
        {
            "alert_destination_id": destination["id"],
            "name": "log",
            "sent": 13,
            "failed": 0,
            "half": 2.0,
            "ninety_nine": 2.0,
        }
    ]
    path = f"/alert-rules/{made['id']}"
    assert hub.admin.request("PATCH", path, advice["change"]).status == 200
    assert hub.viewer.get("/overview").json()["advice"] == []
    undone = hub.admin.request("PATCH", path, advice["undo"]).json()
    assert (undone["group_by"], undone["group_wait_seconds"]) == (None, 30)


def test_no_more_is_counted_than_the_bound_and_it_is_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = past.integration(hub)
    for number in range(4):
        past.alert(hub, sender, f"No. {number}", fired=datetime.now(UTC))
    from tocsin.resources import overview

    for module in (querying, overview):
        monkeypatch.setattr(module, "MOST_COUNTED", 3)
    found = hub.viewer.get("/overview").json()
    assert found["totals"]["count"] == 3
    assert found["counted_since"] > found["since"]


def test_days_that_cannot_be(hub: Hub) -> None:
    for days in ("0", "91", "x"):
        assert hub.viewer.get("/overview", days=days).status == 422
    assert hub.viewer.get("/overview", dayz="1").status == 422
