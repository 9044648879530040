from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api import past
from tests.api.conftest import Hub


def test_an_alert_goes_through_its_states(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub), external_id="e-1")
    path = f"/alerts/{alert_id}"
    acknowledged = hub.responder.made(f"{path}/acknowledge", {"note": "Looking"})
    assert acknowledged["status"] == "ACKNOWLEDGED"
    assert acknowledged["acknowledged_at"].endswith("Z")
    assert hub.responder.post(f"{path}/resolve").json()["status"] == "RESOLVED"
    reopened = hub.responder.post(f"{path}/reopen").json()
    assert (reopened["status"], reopened["resolved_at"]) == ("OPEN", None)
    assert hub.responder.post(f"{path}/note", {"note": "Again"}).json()["status"] == "OPEN"
    closed = hub.responder.post(f"{path}/close").json()
    assert closed["status"] == "CLOSED"
    found = hub.viewer.get(path).json()
    del found["inhibition"]
    assert closed == found
    timeline = hub.viewer.get(f"{path}/timeline").json()["items"]
    assert [event["kind"] for event in timeline] == [
        "triggered",
        "acknowledged",
        "resolved",
        "reopened",
        "noted",
        "closed",
    ]
    assert timeline[1]["actor"]["name"] == "test responder"
    assert timeline[1]["detail"] == {"note": "Looking"}
    audited = hub.admin.get("/audit-events", object_id=str(alert_id)).json()["items"]
    assert [event["action"] for event in audited] == [
        event["kind"] for event in reversed(timeline[1:])
    ]
    assert audited[-1]["before"] == {"status": "OPEN"}


def test_messages_carry_the_note_and_name_the_labels_that_rules_match_on(hub: Hub) -> None:
    url = {"url": "https://example.com/"}
    destination = hub.admin.made(
        "/alert-destinations", {"name": "hook", "type": "webhook", "config": url}
    )
    matchers = [
        {"label": "labels.team", "op": "=", "value": "orders"},
        {"label": "severity", "op": "!=", "value": "INFO"},
        {"label": "absent", "op": "=", "value": ""},
    ]
    rule = {
        "name": "taken",
        "event_types": ["alerts.acknowledged"],
        "destination_ids": [destination["id"]],
        "matchers": matchers,
    }
    hub.admin.made("/alert-rules", rule)
    labels = {"team": "orders", "host": "db1"}
    alert_id = past.alert(hub, past.integration(hub), external_id="e-1", labels=labels)
    hub.responder.made(f"/alerts/{alert_id}/acknowledge", {"note": "Looking"})

    ((payload,),) = hub.sql("SELECT payload FROM alert_deliveries")
    assert (payload["actor"], payload["said"]) == ("test responder", "Looking")
    assert payload["matched_labels"] == ["team"]


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("ACKNOWLEDGED", "reopen"),
        ("RESOLVED", "acknowledge"),
        ("RESOLVED", "unacknowledge"),
        ("CLOSED", "unacknowledge"),
        ("CLOSED", "reopen"),
        ("CLOSED", "acknowledge"),
        ("CLOSED", "resolve"),
    ],
)
def test_what_its_status_does_not_allow_is_409(hub: Hub, status: str, action: str) -> None:
    alert_id = past.alert(hub, past.integration(hub), status=status)
    answer = hub.responder.post(f"/alerts/{alert_id}/{action}")
    assert (answer.status, answer.slug) == (409, "transition-not-allowed")
    assert status in answer.json()["detail"]
    assert hub.viewer.get(f"/alerts/{alert_id}").json()["status"] == status


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("ACKNOWLEDGED", "acknowledge"),
        ("OPEN", "reopen"),
        ("OPEN", "unacknowledge"),
        ("RESOLVED", "resolve"),
        ("CLOSED", "close"),
    ],
)
def test_the_status_it_has_is_nothing_to_change(hub: Hub, status: str, action: str) -> None:
    alert_id = past.alert(hub, past.integration(hub), status=status)
    before = hub.viewer.get(f"/alerts/{alert_id}/timeline").json()["items"]
    answer = hub.responder.post(f"/alerts/{alert_id}/{action}")
    assert (answer.status, answer.json()["status"]) == (200, status)
    assert hub.viewer.get(f"/alerts/{alert_id}/timeline").json()["items"] == before


def test_an_acknowledgement_is_taken_back_and_a_snooze_stays(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub), external_id="e-3")
    path = f"/alerts/{alert_id}"
    until = "2036-01-01T00:00:00Z"
    hub.responder.made(f"{path}/snooze", {"until": until})
    hub.responder.made(f"{path}/acknowledge", {})
    opened = hub.responder.made(f"{path}/unacknowledge", {"note": "Not mine"})
    assert (opened["status"], opened["acknowledged_at"]) == ("OPEN", None)
    assert (opened["acknowledged_by"], opened["snoozed_until"]) == (None, until)
    last = hub.viewer.get(f"{path}/timeline").json()["items"][-1]
    assert (last["kind"], last["detail"]) == ("unacknowledged", {"note": "Not mine"})
    (audited, *_) = hub.admin.get("/audit-events", object_id=str(alert_id)).json()["items"]
    assert (audited["action"], audited["after"]["status"]) == ("unacknowledged", "OPEN")


def test_one_whose_problem_is_open_again_is_not_reopened(hub: Hub) -> None:
    sender = past.integration(hub)
    old = past.alert(hub, sender, status="RESOLVED", external_id="e-1")
    past.alert(hub, sender, external_id="e-1")
    answer = hub.responder.post(f"/alerts/{old}/reopen")
    assert (answer.status, answer.slug) == (409, "open-alert-exists")


def test_a_note_must_say_something(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub))
    for body in ({}, {"note": ""}, {"note": None}, {"note": "a\0b"}):
        assert hub.responder.post(f"/alerts/{alert_id}/note", body).slug == "validation-failed"


def test_acting_takes_a_responder_and_an_alert(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub))
    for action in ("acknowledge", "resolve", "close", "reopen"):
        assert hub.viewer.post(f"/alerts/{alert_id}/{action}").slug == "forbidden"
        assert hub.responder.post(f"/alerts/{uuid4()}/{action}").slug == "not-found"


def test_an_alert_is_snoozed_for_a_while_and_woken(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub), external_id="e-2")
    path = f"/alerts/{alert_id}"
    snoozed = hub.responder.made(f"{path}/snooze", {"minutes": 60, "note": "Known"})
    assert snoozed["status"] == "OPEN"
    assert snoozed["snoozed_by"] == "test responder"
    assert snoozed["snoozed_until"] > snoozed["updated_at"]
    until = "2036-01-01T00:00:00Z"
    assert hub.responder.made(f"{path}/snooze", {"until": until})["snoozed_until"] == until
    assert hub.viewer.get(f"{path}/explain").json()["alert"]["snoozed_until"] == until
    assert hub.responder.post(f"{path}/unsnooze").json()["snoozed_until"] is None
    assert hub.responder.post(f"{path}/unsnooze").status == 200
    timeline = hub.viewer.get(f"{path}/timeline").json()["items"]
    kinds = [event["kind"] for event in timeline]
    assert kinds == ["triggered", "snoozed", "snoozed", "unsnoozed"]
    assert timeline[1]["detail"]["note"] == "Known"
    audited = hub.admin.get("/audit-events", object_id=str(alert_id)).json()["items"]
    assert audited[1]["after"] == {"status": "OPEN", "until": until}
    assert hub.viewer.post(f"{path}/snooze", {"minutes": 5}).status == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"minutes": 5, "until": "2036-01-01T00:00:00Z"},
        {"until": "2020-01-01T00:00:00Z"},
        {"minutes": 0},
    ],
)
def test_a_snooze_says_once_how_long(hub: Hub, body: dict[str, object]) -> None:
    alert_id = past.alert(hub, past.integration(hub))
    answer = hub.responder.post(f"/alerts/{alert_id}/snooze", body)
    assert answer.status == 422, answer


def test_what_is_over_is_not_snoozed(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub), status="RESOLVED")
    answer = hub.responder.post(f"/alerts/{alert_id}/snooze", {"minutes": 5})
    assert (answer.status, answer.slug) == (409, "transition-not-allowed")
