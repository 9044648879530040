from __future__ import annotations

from tests.api import past
from tests.api.conftest import Hub


def test_it_goes_from_webhook_to_verdict(hub: Hub) -> None:
    sender = past.integration(hub)
    alert_id = past.alert(hub, sender, labels={"host": "db-1"})
    delivery_id = past.webhook_delivery(hub, sender, alert_id=alert_id)
    past.event(hub, alert_id, "acknowledged", webhook_delivery_id=delivery_id)
    hub.admin.made(
        "/alert-rules",
        {
            "name": "Web only",
            "event_types": ["alerts.triggered"],
            "matchers": [{"label": "host", "op": "=", "value": "web-1"}],
            "destination_ids": [],
        },
    )
    story = hub.viewer.get(f"/alerts/{alert_id}/explain").json()
    assert story["alert"]["title"] == "Disk full"
    (answer,) = story["answers"]
    assert answer["was_notified"] is False
    assert "nobody was notified" in answer["words"]
    triggered = next(
        change
        for step in story["steps"]
        for change in step["changes"]
        if change["kind"] == "triggered"
    )
    (verdict,) = triggered["rules"]
    assert verdict["matcher"] == {"label": "host", "op": "=", "value": "web-1"}
    assert any(
        step["webhook_delivery"] and step["webhook_delivery"]["id"] == str(delivery_id)
        for step in story["steps"]
    )


def test_many_repetitions_are_shown_briefly(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub))
    for _ in range(103):
        past.event(hub, alert_id, "repeated")
    story = hub.viewer.get(f"/alerts/{alert_id}/explain").json()
    assert story["repeats_left_out"] == 3
    assert len(story["steps"]) == 101
