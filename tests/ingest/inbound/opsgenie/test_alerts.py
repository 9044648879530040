"""Alerts as senders for Opsgenie make, change and read them, its own client among them."""

from __future__ import annotations

import json
from typing import Any

import opsgenie_sdk
import pytest

from tests.ingest.inbound.opsgenie.conftest import Genie


def test_the_sdk_of_opsgenie_creates_acknowledges_notes_and_closes(
    genie: Genie, client: opsgenie_sdk.AlertApi
) -> None:
    made = client.create_alert(
        create_alert_payload=opsgenie_sdk.CreateAlertPayload(
            message="Disk full",
            alias="db-1/disk",
            description="/var is at 98 %",
            tags=["env:prod", "urgent"],
            details={"region": "eu"},
            entity="db-1",
            source="probe",
            priority="P1",
        )
    )
    assert made.result == "Request will be processed"
    status = client.get_request_status(made.request_id).data
    assert (status.is_success, status.action, status.alias) == (True, "Create", "db-1/disk")
    (alert,) = genie.outside.alerts()
    assert alert["id"] == status.alert_id
    assert (alert["title"], alert["severity"], alert["external_id"]) == (
        "Disk full",
        "CRITICAL",
        "db-1/disk",
    )
    assert alert["labels"] == {
        "env": "prod",
        "urgent": "true",
        "region": "eu",
        "entity": "db-1",
        "source": "probe",
    }

    by_alias = {"identifier": "db-1/disk", "identifier_type": "alias"}
    shown = client.get_alert(**by_alias).data
    assert (shown.id, shown.status, shown.priority, shown.count) == (alert["id"], "open", "P1", 1)
    assert (shown.tags, shown.details) == (["env:prod", "urgent"], {"region": "eu"})
    assert shown.description == "/var is at 98 %"

    client.acknowledge_alert(**by_alias)
    assert genie.statuses() == ["ACKNOWLEDGED"]
    assert client.get_alert(identifier=alert["id"]).data.acknowledged is True
    client.add_note(
        **by_alias, add_note_to_alert_payload=opsgenie_sdk.AddNoteToAlertPayload(note="looking")
    )
    assert [note.note for note in client.list_notes(**by_alias).data] == ["looking"]
    assert [each.id for each in client.list_alerts(query="status:open").data] == [alert["id"]]
    assert client.count_alerts(query="status:closed").data.count == 0

    client.update_alert_priority(
        **by_alias,
        update_alert_priority_payload=opsgenie_sdk.UpdateAlertPriorityPayload(priority="P2"),
    )
    client.close_alert(**by_alias)
    (closed,) = genie.outside.alerts()
    assert (closed["status"], closed["severity"]) == ("RESOLVED", "HIGH")
    with pytest.raises(opsgenie_sdk.ApiException):
        client.get_alert(identifier="no such")


def test_an_alias_that_is_open_is_counted_and_closed_it_is_new(genie: Genie) -> None:
    for _ in range(3):
        assert genie.create().status == 202
    (alert,) = genie.outside.alerts()
    assert alert["occurrence_count"] == 3
    assert genie.act("disk", "close")["status"] == "Closed alert"
    genie.create()
    assert genie.statuses() == ["RESOLVED", "OPEN"]
    shown = genie.call("GET", "/alerts/disk", query={"identifierType": "alias"}).json()["data"]
    assert (shown["status"], shown["count"]) == ("open", 1)


def test_opsgenie_counts_to_a_hundred_and_this_goes_on(genie: Genie) -> None:
    genie.create()
    genie.outside.hub.sql("UPDATE alerts SET occurrence_count = 150")
    genie.create()
    shown = genie.call("GET", "/alerts/disk", query={"identifierType": "alias"}).json()["data"]
    assert shown["count"] == 100
    assert genie.outside.alerts()[0]["occurrence_count"] == 151


def test_what_each_action_does(genie: Genie) -> None:
    genie.create(priority="P3", description="first", tags=["a"])
    assert genie.act("disk", "acknowledge")["action"] == "Acknowledge"
    assert genie.statuses() == ["ACKNOWLEDGED"]
    assert genie.act("disk", "unacknowledge")["isSuccess"] is True
    assert genie.statuses() == ["OPEN"]
    for verb, value in (("message", "Disk fuller"), ("description", "second"), ("priority", "P1")):
        assert genie.act("disk", verb, {verb: value}, method="PUT")["isSuccess"] is True
    (alert,) = genie.outside.alerts()
    assert (alert["title"], alert["description"], alert["severity"]) == (
        "Disk fuller",
        "second",
        "CRITICAL",
    )
    assert alert["labels"] == {"a": "true"}
    assert genie.act("disk", "notes", {"note": "hm"})["action"] == "AddNote"
    until = {"endTime": "2036-01-01T00:00:00Z"}
    assert genie.act("disk", "snooze", until)["isSuccess"] is True
    shown = genie.call("GET", "/alerts/disk", query={"identifierType": "alias"}).json()["data"]
    assert (shown["snoozed"], shown["snoozedUntil"]) == (True, "2036-01-01T00:00:00Z")
    logs = genie.call("GET", "/alerts/disk/logs", query={"identifierType": "alias"}).json()["data"]
    assert "noted: hm" in [each["log"] for each in logs]
    done = genie.call("DELETE", "/alerts/disk", query={"identifierType": "alias"})
    assert done.status == 202
    assert genie.statuses() == ["RESOLVED"]


@pytest.mark.parametrize("verb", ["teams", "actions/restart"])
def test_what_is_not_done_is_said_in_the_status(genie: Genie, verb: str) -> None:
    genie.create()
    status = genie.act("disk", verb, {"team": {"name": "x"}})
    assert status["isSuccess"] is False
    assert "Tocsin does not" in status["status"]
    assert genie.statuses() == ["OPEN"]


@pytest.mark.parametrize("verb", ["close", "acknowledge", "notes", "snooze", "escalate"])
@pytest.mark.parametrize("kind", ["id", "alias", "tiny"])
def test_an_alert_that_is_not_there_is_202_and_no_success(
    genie: Genie, verb: str, kind: str
) -> None:
    body = {"note": "x", "endTime": "2036-01-01T00:00:00Z"}
    done = genie.call("POST", f"/alerts/nowhere/{verb}", body, query={"identifierType": kind})
    assert done.status == 202
    status = genie.status(done.json()["requestId"])
    assert (status["success"], status["alertId"]) == (False, "")
    assert status["status"]


@pytest.mark.parametrize("alias", ["a/b", "a b+c", "%2F", "ü🚒", "x" * 512, "close/acknowledge"])
def test_aliases_of_any_form(genie: Genie, alias: str) -> None:
    genie.create(alias=alias)
    assert genie.act(alias, "acknowledge")["alias"] == alias
    assert genie.act(alias, "close")["isSuccess"] is True
    assert genie.statuses() == ["RESOLVED"]


def test_a_client_that_leaves_slashes_as_they_are(genie: Genie) -> None:
    genie.create(alias="a/b/c")
    assert (
        genie.call("POST", "/alerts/a/b/c/close", query={"identifierType": "alias"}).status == 202
    )
    assert genie.statuses() == ["RESOLVED"]


def test_by_id_and_by_tiny_id_and_without_an_alias(genie: Genie) -> None:
    made = genie.create(alias=None)
    status = genie.status(made.json()["requestId"])
    assert status["alias"]
    genie.create(alias=None)
    assert genie.statuses() == ["OPEN", "OPEN"]
    alert_id = status["alertId"]
    # An empty body will do.
    assert genie.call("POST", f"/alerts/{alert_id}/acknowledge").status == 202
    assert genie.statuses() == ["ACKNOWLEDGED", "OPEN"]
    tiny = genie.call("GET", f"/alerts/{alert_id}").json()["data"]["tinyId"]
    assert (
        genie.call("POST", f"/alerts/{tiny}/close", query={"identifierType": "tiny"}).status == 202
    )
    assert genie.statuses() == ["RESOLVED", "OPEN"]


def test_lists(genie: Genie) -> None:
    for n in range(5):
        genie.create(alias=str(n), priority=f"P{n + 1}", tags=["web"] if n % 2 else [])
    genie.act("0", "close")

    def listed(**query: Any) -> list[str]:
        answer = genie.call("GET", "/alerts", query=query)
        assert answer.status == 200, answer
        return [each["alias"] for each in answer.json()["data"]]

    assert listed() == ["4", "3", "2", "1", "0"]
    assert listed(query="status:open AND tag:web") == ["3", "1"]
    assert listed(query="NOT priority:P1", limit=2, offset=1, order="asc") == ["2", "3"]
    assert genie.call("GET", "/alerts/count", query={"query": "status=closed"}).json()["data"] == {
        "count": 1
    }
    odd = genie.call("GET", "/alerts", query={"query": "createdAt > 17 OR x"})
    assert odd.status == 422


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        ({}, 422, {"message": "Message can not be empty."}),
        ({"message": 3}, 422, {"message": "expected a string, got a number"}),
        ({"message": "x", "priority": "P9"}, 422, {"priority": "must be one of P1 to P5"}),
        ([], 400, None),
        ("text", 400, None),
    ],
)
def test_bodies_that_are_refused(genie: Genie, body: Any, status: int, errors: Any) -> None:
    answer = genie.call("POST", "/alerts", body)
    assert (answer.status, answer.json().get("errors")) == (status, errors)
    assert genie.statuses() == []


def test_what_is_too_long_is_cut_and_what_is_no_text_is_kept_as_one(genie: Genie) -> None:
    assert genie.create(message="x" * 700, details={"n": 3, "on": True}).status == 202
    (alert,) = genie.outside.alerts()
    assert len(alert["title"]) == 500
    assert (alert["labels"]["n"], alert["labels"]["on"]) == ("3", "true")


def test_bad_json_and_bad_keys(genie: Genie) -> None:
    headers = {"Authorization": f"GenieKey {genie.key}"}
    answer = genie.outside.request("POST", "/v2/alerts", raw=b"{", headers=headers)
    assert answer.status == 400
    for headers in (
        {},
        {"Authorization": "GenieKey wrong"},
        {"Authorization": f"Bearer {genie.key}"},
    ):
        answer = genie.outside.request("POST", "/v2/alerts", {"message": "x"}, headers=headers)
        assert answer.status == 401
        assert set(answer.json()) == {"message", "took", "requestId"}
    in_query = genie.outside.request(
        "POST", "/v2/alerts", {"message": "x"}, query={"apiKey": genie.key}
    )
    assert in_query.status == 202
    assert genie.key not in json.dumps(genie.outside.records())
    genie.outside.hub.admin.patch(f"/integrations/{genie.integration['id']}", {"is_active": False})
    assert genie.create().status == 403


def test_one_integration_sees_nothing_of_another(genie: Genie) -> None:
    made = genie.create()
    alert_id = genie.status(made.json()["requestId"])["alertId"]
    other = Genie.__new__(Genie)
    other.outside = genie.outside.other_workspace()
    other.integration = other.outside.integration("opsgenie")
    other.key = other.integration["webhook_secret"]
    assert other.call("GET", "/alerts").json()["data"] == []
    assert other.call("GET", f"/alerts/{alert_id}").status == 404
    assert other.call("GET", f"/alerts/requests/{made.json()['requestId']}").status == 404
    for verb in ("close", "acknowledge", "notes"):
        assert other.call("POST", f"/alerts/{alert_id}/{verb}", {"note": "x"}).status == 202
        by_alias = {"identifierType": "alias"}
        assert (
            other.call("POST", f"/alerts/disk/{verb}", {"note": "x"}, query=by_alias).status == 202
        )
    assert genie.statuses() == ["OPEN"]
    assert genie.outside.hub.sql("SELECT 1 FROM alert_events WHERE kind = 'noted'") == []


def test_the_status_of_a_request_that_nobody_made(genie: Genie) -> None:
    answer = genie.call("GET", "/alerts/requests/0199b4a2-0000-7000-8000-000000000000")
    assert answer.status == 404
    assert answer.headers["x-opsgenie-errortype"] == "RequestNotProcessed"


def test_a_request_that_is_replayed_does_the_same_again(genie: Genie) -> None:
    genie.create()
    genie.act("disk", "close")
    ((create_id,), _) = genie.outside.hub.sql(
        "SELECT id FROM webhook_deliveries WHERE outcome IN ('created', 'resolved') ORDER BY id"
    )
    hub = genie.outside.hub
    answer = hub.admin.post(f"/webhook-deliveries/{create_id}/replay", {"dry_run": True})
    assert answer.json()["signals"][0]["external_id"] == "disk"
