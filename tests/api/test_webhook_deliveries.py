from __future__ import annotations

import json

from tests.api import past
from tests.api.conftest import Hub


def test_the_body_comes_back_as_it_was_sent(hub: Hub) -> None:
    body = '{"b": 1.50, "a": 12345678901234567890, "a": "\\u0000 \\ud800", "z": [1e400]}'
    delivery_id = past.webhook_delivery(hub, past.integration(hub), body)
    answer = hub.viewer.get(f"/webhook-deliveries/{delivery_id}")
    assert f'"raw_payload": {body}}}'.encode() in answer.body
    assert answer.json()["raw_payload"]["b"] == 1.5
    assert answer.json()["headers"]["x-webhook-signature"] == "[redacted]"


def test_a_body_that_is_not_json_is_a_string(hub: Hub) -> None:
    sender = past.integration(hub)
    delivery_id = past.webhook_delivery(hub, sender, json.dumps("<xml>ä</xml>"), outcome="invalid")
    found = hub.viewer.get(f"/webhook-deliveries/{delivery_id}").json()
    assert found["raw_payload"] == "<xml>ä</xml>"


def test_it_names_every_alert_it_carried(hub: Hub) -> None:
    sender = past.integration(hub)
    delivery_id = past.webhook_delivery(hub, sender)
    alerts = [past.alert(hub, sender, f"Alert {number}") for number in range(2)]
    for alert_id in alerts:
        past.event(hub, alert_id, "repeated", webhook_delivery_id=delivery_id)
    found = hub.viewer.get(f"/webhook-deliveries/{delivery_id}").json()
    assert found["alert_id"] is None
    assert found["alert_ids"] == sorted(str(alert_id) for alert_id in alerts)
    for alert_id in alerts:
        listed = hub.viewer.get("/webhook-deliveries", alert_id=str(alert_id)).json()["items"]
        assert [item["id"] for item in listed] == [str(delivery_id)]


def test_deliveries_are_filtered(hub: Hub) -> None:
    shop, bank = past.integration(hub, "shop"), past.integration(hub, "bank")
    alert_id = past.alert(hub, shop)
    created = past.webhook_delivery(hub, shop, alert_id=alert_id)
    rejected = past.webhook_delivery(hub, shop, outcome="rejected", status_code=401)
    other = past.webhook_delivery(hub, bank)

    def ids(**query: object) -> list[str]:
        answer = hub.viewer.get("/webhook-deliveries", **query)
        return [item["id"] for item in answer.json()["items"]]

    assert ids() == [str(other), str(rejected), str(created)]
    assert ids(integration_id=shop["id"]) == [str(rejected), str(created)]
    assert ids(status_code=401) == [str(rejected)]
    assert ids(outcome="created") == [str(other), str(created)]
    assert ids(alert_id=str(alert_id)) == [str(created)]
    assert ids(since="2026-03-01T12:00:02Z") == []
    assert ids(until="2026-03-01T12:00:02Z") == ids()
