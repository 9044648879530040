from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api import past
from tests.api.conftest import Hub


@pytest.fixture
def destination(hub: Hub) -> dict[str, Any]:
    config = {"url": "https://example.org/hook"}
    return hub.admin.made(
        "/alert-destinations", {"name": "hook", "type": "webhook", "config": config}
    )


@pytest.fixture
def alert_id(hub: Hub) -> UUID:
    return past.alert(hub, past.integration(hub))


def test_one_is_read_with_every_attempt(
    hub: Hub, destination: dict[str, Any], alert_id: UUID
) -> None:
    delivery_id = past.alert_delivery(hub, destination, alert_id)
    found = hub.viewer.get(f"/alert-deliveries/{delivery_id}").json()
    assert found["status"] == "failed"
    assert found["last_error_code"] == "timeout"
    assert found["attempts"] == [
        {
            "number": 1,
            "started_at": "2026-03-01T12:00:00Z",
            "duration_ms": 12,
            "outcome": "retry",
            "http_status": None,
            "error_code": "timeout",
            "message": None,
        }
    ]
    assert found["alerts"] == []
    del found["attempts"], found["alerts"]
    assert hub.viewer.get("/alert-deliveries").json()["items"] == [found]


def test_a_message_about_several_names_them_and_what_it_carries(
    hub: Hub, destination: dict[str, Any], alert_id: UUID
) -> None:
    carrier = past.alert_delivery(hub, destination, alert_id)
    hub.sql("UPDATE alert_deliveries SET alert_id = NULL WHERE id = %s", carrier)
    hub.sql("INSERT INTO alert_delivery_alerts VALUES (%s, %s, 0)", carrier, alert_id)
    carried = past.alert_delivery(hub, destination, alert_id, status="sent", reason="grouped")
    hub.sql("UPDATE alert_deliveries SET carried_by = %s WHERE id = %s", carrier, carried)
    past.alert_delivery(hub, destination, alert_id)

    found = hub.viewer.get(f"/alert-deliveries/{carrier}").json()
    assert found["alerts"] == [{"alert_id": str(alert_id), "place": 0}]
    items = hub.viewer.get("/alert-deliveries", carried_by=carrier).json()["items"]
    assert [item["id"] for item in items] == [str(carried)]
    assert items[0]["carried_by"] == str(carrier)
    story = hub.viewer.get(f"/alerts/{alert_id}/explain").json()
    assert f"with others, in message {carrier}" in json.dumps(story)


def test_what_another_message_carries_is_canceled_with_that(
    hub: Hub, destination: dict[str, Any], alert_id: UUID
) -> None:
    carrier = past.alert_delivery(hub, destination, alert_id, status="queued")
    carried = past.alert_delivery(hub, destination, alert_id, status="deferred", reason="grouped")
    hub.sql("UPDATE alert_deliveries SET alert_id = NULL WHERE id = %s", carrier)
    hub.sql("UPDATE alert_deliveries SET carried_by = %s WHERE id = %s", carrier, carried)

    refused = hub.responder.post(f"/alert-deliveries/{carried}/cancel")
    assert refused.status == 409
    assert "Another message says it" in refused.json()["detail"]
    assert hub.responder.post(f"/alert-deliveries/{carrier}/cancel").status == 200
    assert hub.viewer.get(f"/alert-deliveries/{carried}").json()["status"] == "canceled"


def test_they_are_filtered(hub: Hub, destination: dict[str, Any], alert_id: UUID) -> None:
    failed = past.alert_delivery(hub, destination, alert_id)
    muted = past.alert_delivery(hub, destination, alert_id, status="suppressed", reason="silence")
    test = hub.responder.post(f"/alert-destinations/{destination['id']}/test").json()["id"]

    def ids(**query: object) -> list[str]:
        answer = hub.viewer.get("/alert-deliveries", **query)
        assert answer.status == 200, answer
        return [item["id"] for item in answer.json()["items"]]

    assert ids() == [test, str(muted), str(failed)]
    assert ids(status=["failed", "suppressed"]) == [str(muted), str(failed)]
    assert ids(reason="silence") == [str(muted)]
    assert ids(event_type="alerts.test") == [test]
    assert ids(alert_id=str(alert_id)) == [str(muted), str(failed)]
    assert ids(alert_destination_id=destination["id"]) == ids()
    assert ids(until="2026-03-02T00:00:00Z") == [str(muted), str(failed)]
    assert ids(since="2026-03-02T00:00:00Z") == [test]
    assert hub.viewer.get("/alert-deliveries", status="lost").slug == "validation-failed"


def test_one_that_failed_is_queued_again(
    hub: Hub, destination: dict[str, Any], alert_id: UUID
) -> None:
    delivery_id = past.alert_delivery(hub, destination, alert_id)
    path = f"/alert-deliveries/{delivery_id}"
    assert hub.viewer.post(f"{path}/retry").slug == "forbidden"
    again = hub.responder.post(f"{path}/retry").json()
    assert (again["id"], again["status"]) == (str(delivery_id), "queued")
    assert len(again["attempts"]) == 1
    refused = hub.responder.post(f"{path}/retry")
    assert (refused.status, refused.slug) == (409, "not-retryable")


def test_one_that_waits_is_called_off_and_can_be_revived(
    hub: Hub, destination: dict[str, Any], alert_id: UUID
) -> None:
    delivery_id = past.alert_delivery(hub, destination, alert_id, status="queued")
    path = f"/alert-deliveries/{delivery_id}"
    canceled = hub.responder.post(f"{path}/cancel").json()
    assert (canceled["status"], canceled["reason"]) == ("canceled", "canceled_by_user")
    assert hub.responder.post(f"{path}/cancel").slug == "not-cancelable"
    revived = hub.responder.post(f"{path}/retry").json()
    assert (revived["status"], revived["reason"]) == ("queued", "rule")
    audited = hub.admin.get("/audit-events", object_id=str(delivery_id)).json()["items"]
    assert [event["action"] for event in audited] == ["retried", "canceled"]


def test_what_cannot_be_done_says_why(
    hub: Hub, destination: dict[str, Any], alert_id: UUID
) -> None:
    test = hub.responder.post(f"/alert-destinations/{destination['id']}/test").json()["id"]
    assert hub.responder.post(f"/alert-deliveries/{test}/retry").slug == "not-retryable"
    assert hub.responder.post(f"/alert-deliveries/{test}/cancel").slug == "not-cancelable"
    under_way = past.alert_delivery(hub, destination, alert_id, status="queued")
    hub.sql(
        "UPDATE alert_deliveries SET leased_by = 'x', lease_expires_at = now() + interval '1 hour'"
        " WHERE id = %s",
        under_way,
    )
    assert hub.responder.post(f"/alert-deliveries/{under_way}/cancel").slug == "not-cancelable"
    failed = past.alert_delivery(hub, destination, alert_id)
    hub.admin.patch(f"/alert-destinations/{destination['id']}", {"is_enabled": False})
    assert hub.responder.post(f"/alert-deliveries/{failed}/retry").slug == "destination-disabled"


def test_all_that_failed_in_a_window_is_queued_again(
    hub: Hub, destination: dict[str, Any], alert_id: UUID
) -> None:
    for hours in (0, 1, 2):
        past.alert_delivery(hub, destination, alert_id, updated=past.FIRED + timedelta(hours=hours))
    other = hub.admin.made(
        "/alert-destinations",
        {"name": "mail", "type": "email", "config": {"recipients": ["a@example.org"]}},
    )
    past.alert_delivery(hub, other, alert_id, updated=past.FIRED + timedelta(hours=1))
    window = {"since": "2026-03-01T12:30:00Z", "until": "2026-03-01T13:30:00Z"}
    one = hub.responder.made(
        "/alert-deliveries/retry", window | {"destination_id": destination["id"]}
    )
    assert one == {"retried": 1}
    assert hub.responder.made("/alert-deliveries/retry", window) == {"retried": 1}
    rest = {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}
    assert hub.responder.made("/alert-deliveries/retry", rest) == {"retried": 2}
    assert hub.responder.made("/alert-deliveries/retry", rest) == {"retried": 0}


@pytest.mark.parametrize(
    ("columns", "waits_for"),
    [
        ({"hold_until": "2099-01-01T00:00:00Z", "hold_reason": "throttled"}, "throttled"),
        ({"hold_until": "2020-01-01T00:00:00Z", "hold_reason": "misconfigured"}, "misconfigured"),
        ({"rate_used_until": "2099-01-01T00:00:00Z"}, "rate"),
        ({"rate_used_until": "2020-01-01T00:00:00Z"}, None),
    ],
)
def test_a_message_that_waits_says_for_what(
    hub: Hub,
    destination: dict[str, Any],
    alert_id: UUID,
    columns: dict[str, str],
    waits_for: str | None,
) -> None:
    delivery_id = past.alert_delivery(hub, destination, alert_id, status="queued")
    sent_id = past.alert_delivery(hub, destination, alert_id, status="sent")
    names = ", ".join(columns)
    hub.sql(
        f"INSERT INTO destination_states (alert_destination_id, {names})"
        f" VALUES (%s, {', '.join(['%s'] * len(columns))}) RETURNING 1",
        destination["id"],
        *columns.values(),
    )

    one = hub.viewer.get(f"/alert-deliveries/{delivery_id}").json()
    listed = {each["id"]: each for each in hub.viewer.get("/alert-deliveries").json()["items"]}
    assert one["waits_for"] == listed[str(delivery_id)]["waits_for"]
    assert listed[str(sent_id)]["waits_for"] is None
    assert (one["waits_for"] and one["waits_for"]["reason"]) == waits_for
    said = json.dumps(hub.viewer.get(f"/alerts/{alert_id}/explain").json())
    assert ("but somebody must repair" in said) == (waits_for == "misconfigured")
    assert ("rate limit is reached; the next message" in said) == (waits_for == "rate")
