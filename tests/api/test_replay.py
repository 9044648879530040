from __future__ import annotations

import json

from tests.api import past
from tests.api.conftest import Hub

BODY = json.dumps({"title": "Disk full", "severity": "low", "id": "e-1", "level": "fatal"})


def _counts(hub: Hub) -> list[tuple[int]]:
    tables = ("alerts", "alert_events", "webhook_deliveries", "audit_events")
    return [hub.sql(f"SELECT count(*) FROM {table}")[0] for table in tables]


def test_a_dry_run_shows_what_todays_mapping_gives_and_keeps_nothing(hub: Hub) -> None:
    sender = past.integration(hub)
    alert_id = past.alert(hub, sender, severity="LOW", external_id="e-1")
    delivery_id = past.webhook_delivery(hub, sender, BODY, alert_id=alert_id)
    past.event(hub, alert_id, "repeated", webhook_delivery_id=delivery_id)
    hub.admin.patch(f"/integrations/{sender['id']}", {"mapping": {"severity": "level"}})
    before = _counts(hub)
    found = hub.responder.made(f"/webhook-deliveries/{delivery_id}/replay", {"dry_run": True})
    assert (found["dry_run"], found["delivery_id"]) == (True, None)
    (signal,) = found["signals"]
    assert (signal["severity"], signal["title"]) == ("CRITICAL", "Disk full")
    assert {
        "alert_id": str(alert_id),
        "field": "severity",
        "stored": "LOW",
        "now": "CRITICAL",
    } in found["differences"]
    assert _counts(hub) == before


def test_a_replay_makes_an_alert_and_is_on_record(hub: Hub) -> None:
    sender = past.integration(hub)
    delivery_id = past.webhook_delivery(hub, sender, BODY, outcome="invalid", status_code=400)
    found = hub.responder.post(f"/webhook-deliveries/{delivery_id}/replay").json()
    assert (found["status"], found["status_code"]) == ("created", 201)
    (made,) = found["alerts"]
    assert hub.viewer.get(f"/alerts/{made['alert_id']}").json()["title"] == "Disk full"
    again = hub.viewer.get(f"/webhook-deliveries/{found['delivery_id']}").json()
    assert again["replay_of_id"] == str(delivery_id)
    assert again["raw_payload"] == json.loads(BODY)
    (audited,) = hub.admin.get("/audit-events", action="replayed").json()["items"]
    assert audited["object_id"] == str(delivery_id)


def test_what_nobody_signed_is_not_taken_by_the_back_door(hub: Hub) -> None:
    delivery_id = past.webhook_delivery(
        hub, past.integration(hub), BODY, outcome="rejected", status_code=401
    )
    path = f"/webhook-deliveries/{delivery_id}/replay"
    assert hub.admin.post(path).slug == "not-replayable"
    assert hub.admin.post(path, {"dry_run": True}).status == 200
    assert hub.responder.post(path, {"accept_unverified": True}).slug == "not-replayable"
    assert hub.admin.made(path, {"accept_unverified": True})["status"] == "created"
    (audited,) = hub.admin.get("/audit-events", action="replayed").json()["items"]
    assert audited["after"]["accept_unverified"] is True
    hub.sql("UPDATE webhook_deliveries SET flags = '{payload_truncated}'")
    assert hub.admin.post(path, {"dry_run": True}).slug == "payload-truncated"


def test_a_body_that_means_nothing_says_so_again(hub: Hub) -> None:
    delivery_id = past.webhook_delivery(
        hub, past.integration(hub), '["not an object"]', outcome="invalid", status_code=400
    )
    found = hub.responder.made(f"/webhook-deliveries/{delivery_id}/replay", {"dry_run": True})
    assert (found["status"], found["status_code"]) == ("invalid", 400)
    assert found["errors"]
    assert hub.viewer.post(f"/webhook-deliveries/{delivery_id}/replay").slug == "forbidden"
