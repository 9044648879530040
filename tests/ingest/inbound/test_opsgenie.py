"""What senders for Opsgenie send, and Opsgenie's own client, unchanged but for its URL."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID

import opsgenie_sdk
import pytest
from opsgenie_sdk.exceptions import OpenApiException

from tests.ingest.inbound.conftest import Outside
from tests.support.answers import Answer
from tests.timers.escalations import Paging, paging, to_user
from tocsin.heartbeats.pings import PingRefusal, Pings


class Genie:
    """One integration, and requests with its key."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.integration = outside.integration("opsgenie")
        self.key: str = self.integration["webhook_secret"]

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        headers = {"Authorization": f"geniekey {self.key}", **more.pop("headers", {})}
        answer = self.outside.request(method, f"/v2{path}", body, headers=headers, **more)
        if answer.status != 404 or answer.body:
            assert {"took", "requestId"} <= answer.json().keys()
            assert answer.headers["x-request-id"] == answer.json()["requestId"]
            assert float(answer.headers["x-response-time"]) > 0
            assert answer.headers["x-ratelimit-state"] == "OK"
        return answer

    def create(self, **body: Any) -> Answer:
        return self.call("POST", "/alerts", {"message": "Disk full", "alias": "disk", **body})

    def act(self, alias: str, verb: str, body: Any = None, method: str = "POST") -> Any:
        """What the status of the request says of it."""
        path = f"/alerts/{quote(alias, safe='')}/{verb}"
        done = self.call(
            method, path, {} if body is None else body, query={"identifierType": "alias"}
        )
        assert (done.status, done.json()["result"]) == (202, "Request will be processed"), done
        return self.status(done.json()["requestId"])

    def status(self, request_id: str) -> Any:
        answer = self.call("GET", f"/alerts/requests/{request_id}")
        assert answer.status == 200, answer
        return answer.json()["data"]

    def statuses(self) -> list[str]:
        return [alert["status"] for alert in self.outside.alerts()]


@pytest.fixture
def genie(outside: Outside) -> Genie:
    return Genie(outside)


@pytest.fixture
def client(genie: Genie) -> opsgenie_sdk.AlertApi:
    configuration = opsgenie_sdk.Configuration()
    assert genie.integration["webhook_url"].endswith("/opsgenie")
    configuration.host = f"{genie.outside.url}/opsgenie"
    configuration.api_key["Authorization"] = genie.key
    configuration.retry_count = 1
    configuration.retry_delay = 0
    configuration.back_off = 0
    return opsgenie_sdk.AlertApi(opsgenie_sdk.ApiClient(configuration))


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


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_a_heartbeat_that_nobody_has_is_answered_and_on_record(genie: Genie, method: str) -> None:
    answer = genie.call(method, "/heartbeats/nightly%2Fbackup/ping")
    assert (answer.status, answer.json()["result"]) == (202, "PONG - Heartbeat received")
    (record,) = genie.outside.records()
    assert (record[0], record[1]) == (202, "ignored")
    assert "nightly/backup" in record[2]


@pytest.fixture
def people(genie: Genie) -> Any:
    """Whom the escalations of the workspace reach."""
    with paging(genie.outside.hub.database.url) as opened:
        yield opened


def test_escalations_go_on_and_people_are_paged(
    genie: Genie, client: opsgenie_sdk.AlertApi, people: Paging
) -> None:
    u, m, h = (people.person(name, push=0) for name in "UMH")
    people.escalating_rule(people.policy(to_user(u), to_user(m, minutes=10), name="Night"))
    genie.create(priority="P1")
    (alert,) = genie.outside.alerts()
    alert_id = UUID(alert["id"])
    by_alias = {"identifier_type": "alias"}
    further = opsgenie_sdk.EscalateAlertToNextPayload(
        escalation=opsgenie_sdk.EscalationRecipient(name="night")
    )
    done = client.escalate_alert("disk", escalate_alert_to_next_payload=further, **by_alias)
    status = genie.status(done.request_id)
    assert (status["action"], status["success"]) == ("EscalateToNext", True), status
    owner = opsgenie_sdk.AssignAlertPayload(
        owner=opsgenie_sdk.UserRecipient(username="m@Example.org")
    )
    done = client.assign_alert("disk", assign_alert_payload=owner, **by_alias)
    assert genie.status(done.request_id)["status"] == "Assigned alert"
    helper = opsgenie_sdk.AddResponderToAlertPayload(
        responder=opsgenie_sdk.UserRecipient(username="h@example.org")
    )
    done = client.add_responder("disk", add_responder_to_alert_payload=helper, **by_alias)
    assert genie.status(done.request_id)["success"] is True
    assert [page[0] for page in people.pages(alert_id)] == [f"push of {name}" for name in "UMMH"]
    found = genie.outside.hub.viewer.get(f"/alerts/{alert_id}/escalation").json()
    assert found["assigned_to"] == str(m)
    assert [each["user_id"] for each in found["responders"]] == [str(h)]


@pytest.mark.parametrize(
    ("verb", "body", "words"),
    [
        ("escalate", {}, "No escalation policy is running"),
        ("escalate", {"escalation": {"name": "Other"}}, "is not the one that runs"),
        ("assign", {"owner": {"username": "nobody@example.org"}}, "No member"),
        ("assign", {"owner": {"id": "0199b4a2-0000-7000-8000-000000000000"}}, "No member"),
        ("assign", {}, "No member"),
        ("responders", {"responder": {"type": "team", "name": "ops"}}, "not teams"),
    ],
)
def test_what_cannot_be_done_about_pages_is_said(
    genie: Genie, verb: str, body: Any, words: str
) -> None:
    genie.create()
    status = genie.act("disk", verb, body)
    assert status["success"] is False
    assert words in status["status"]
    assert genie.statuses() == ["OPEN"]


@pytest.mark.parametrize("verb", ["assign", "responders"])
def test_who_cannot_be_reached_is_said(genie: Genie, people: Paging, verb: str) -> None:
    people.person("Nora")
    genie.create()
    role = "owner" if verb == "assign" else "responder"
    status = genie.act("disk", verb, {role: {"username": "nora@example.org"}})
    assert status["success"] is False
    assert status["status"].startswith("Nora has no contact method that is verified")


def test_tags_and_details_are_added_and_taken_away(genie: Genie) -> None:
    genie.create(tags=["env:prod", "urgent"], details={"region": "eu"}, entity="db-1")
    added = genie.act("disk", "tags", {"tags": ["db", "urgent"], "note": "why"})
    assert (added["action"], added["status"], added["success"]) == ("AddTags", "Added tags", True)
    assert genie.act("disk", "details", {"details": {"rack": 7, "region": "us"}})["success"]
    (alert,) = genie.outside.alerts()
    assert alert["metadata"]["tags"] == ["env:prod", "urgent", "db"]
    assert alert["metadata"]["details"] == {"region": "us", "rack": 7}
    assert alert["labels"] == {
        "env": "prod",
        "urgent": "true",
        "db": "true",
        "region": "us",
        "rack": "7",
        "entity": "db-1",
    }
    assert (alert["occurrence_count"], alert["title"]) == (1, "Disk full")
    for path, named in (("tags", {"tags": "env:prod,urgent,db"}), ("details", {"keys": "region"})):
        query = {"identifierType": "alias", **named}
        done = genie.call("DELETE", f"/alerts/disk/{path}", query=query)
        assert genie.status(done.json()["requestId"])["action"] == f"Remove{path.title()}"
    (alert,) = genie.outside.alerts()
    assert alert["metadata"]["tags"] == []
    assert alert["labels"] == {"rack": "7", "entity": "db-1"}


def test_the_client_of_opsgenie_marks_an_alert(genie: Genie, client: opsgenie_sdk.AlertApi) -> None:
    genie.create(tags=["a"])
    by_alias = {"identifier_type": "alias"}
    more = opsgenie_sdk.AddTagsToAlertPayload(tags=["b", "c"])
    client.add_tags("disk", add_tags_to_alert_payload=more, **by_alias)
    client.remove_tags("disk", tags=["a"], **by_alias)
    details = opsgenie_sdk.AddDetailsToAlertPayload(details={"rack": "7", "row": "2"})
    client.add_details("disk", add_details_to_alert_payload=details, **by_alias)
    client.remove_details("disk", keys=["row"], **by_alias)
    shown = client.get_alert("disk", **by_alias).data
    assert (shown.tags, shown.details) == (["b", "c"], {"rack": "7"})


def test_the_last_tag_leaves_no_label(genie: Genie) -> None:
    genie.create(tags=["env:prod"])
    query = {"identifierType": "alias", "tags": "env:prod"}
    assert genie.call("DELETE", "/alerts/disk/tags", query=query).status == 202
    (alert,) = genie.outside.alerts()
    assert (alert["labels"], alert["metadata"]["tags"]) == ({"tags": ""}, [])


@pytest.mark.parametrize(
    ("method", "verb", "body", "query", "field"),
    [
        ("POST", "tags", {}, {}, "tags"),
        ("POST", "tags", {"tags": "db"}, {}, "tags"),
        ("DELETE", "tags", None, {}, "tags"),
        ("POST", "details", {"details": []}, {}, "details"),
        ("DELETE", "details", None, {"keys": " ,"}, "keys"),
    ],
)
def test_marks_that_name_nothing(
    genie: Genie, method: str, verb: str, body: Any, query: dict[str, str], field: str
) -> None:
    genie.create()
    query = {"identifierType": "alias", **query}
    answer = genie.call(method, f"/alerts/disk/{verb}", body, query=query)
    assert (answer.status, list(answer.json()["errors"])) == (422, [field])


def test_an_alert_that_is_over_gets_no_tags(genie: Genie) -> None:
    genie.create()
    genie.act("disk", "close")
    assert genie.act("disk", "tags", {"tags": ["late"]})["success"] is False


def _heartbeat(genie: Genie, name: str, **more: Any) -> Any:
    document = {"name": name, "kind": "interval", "period_seconds": 3_600, "grace_seconds": 60}
    return genie.outside.hub.admin.made("/heartbeats", {**document, **more})


def test_the_client_of_opsgenie_pings_and_reads_heartbeats(
    genie: Genie, client: opsgenie_sdk.AlertApi
) -> None:
    _heartbeat(genie, "nightly/backup", severity="CRITICAL")
    api = opsgenie_sdk.HeartbeatApi(client.api_client)
    assert api.get_heartbeat("nightly/backup").data.expired is False
    assert api.ping("nightly/backup").result == "PONG - Heartbeat received"
    shown = api.get_heartbeat("nightly/backup").data
    assert (shown.interval, shown.interval_unit, shown.enabled) == (1, "hours", True)
    (listed,) = api.list_heart_beats().data.heartbeats
    assert (listed.name, listed.expired) == ("nightly/backup", False)
    (row,) = genie.outside.hub.sql("SELECT state, ping_count FROM heartbeat_statuses")
    assert row == ("up", 1)
    assert api.delete_heartbeat("nightly/backup").result == "Deleted"
    with pytest.raises(OpenApiException, match="does not exist"):
        api.get_heartbeat("no such")


def _wish(**more: Any) -> dict[str, Any]:
    return {"name": "nightly/backup", "interval": 2, "intervalUnit": "hours", **more}


def test_the_client_of_opsgenie_makes_changes_switches_and_deletes_heartbeats(
    genie: Genie, client: opsgenie_sdk.AlertApi
) -> None:
    api = opsgenie_sdk.HeartbeatApi(client.api_client)
    payload = opsgenie_sdk.CreateHeartbeatPayload(
        name="nightly/backup",
        description="See the runbook",
        interval=2,
        interval_unit="hours",
        enabled=False,
        alert_message="No backup tonight",
        alert_tags=["env:prod", "storage"],
        alert_priority="P1",
    )
    made = api.create_heartbeat(create_heartbeat_payload=payload)
    assert (made.data.name, made.data.enabled) == ("nightly/backup", False)
    (row,) = genie.outside.hub.admin.get("/heartbeats").json()["items"]
    assert (row["period_seconds"], row["grace_seconds"], row["state"]) == (7_200, 720, "paused")
    assert (row["severity"], row["labels"]) == ("CRITICAL", {"env": "prod", "storage": "true"})
    assert (row["alert_title"], row["description"]) == ("No backup tonight", "See the runbook")
    assert api.enable_heartbeat("nightly/backup").data.enabled is True
    change = opsgenie_sdk.UpdateHeartbeatPayload(interval=10, interval_unit="minutes")
    changed = api.update_heartbeat("nightly/backup", update_heartbeat_payload=change)
    assert changed.data.enabled is True
    shown = api.get_heartbeat("nightly/backup").data
    assert (shown.interval, shown.interval_unit, shown.enabled) == (10, "minutes", True)
    assert shown.description == "See the runbook"
    assert api.ping("nightly/backup").result == "PONG - Heartbeat received"
    assert api.disable_heartbeat("nightly/backup").data.enabled is False
    assert api.delete_heartbeat("nightly/backup").data.name == "nightly/backup"
    assert api.list_heart_beats().data.heartbeats == []
    audit = genie.outside.hub.admin.get("/audit-events").json()["items"]
    done = [each for each in audit if each["object_type"] == "heartbeat"]
    assert [each["action"] for each in done][::-1] == [
        "created",
        "paused",
        "resumed",
        "updated",
        "paused",
        "deleted",
    ]
    assert {each["actor"]["kind"] for each in done} == {"source"}


def test_what_is_wrong_with_a_heartbeat_is_named_as_opsgenie_names_it(genie: Genie) -> None:
    answer = genie.call("POST", "/heartbeats", {})
    assert answer.status == 422
    assert answer.json()["errors"].keys() == {"name", "interval", "intervalUnit"}
    wrong = _wish(interval=0, alertPriority="P9", alertTags="x", enabled="yes", description=5)
    answer = genie.call("POST", "/heartbeats", wrong)
    assert answer.json()["errors"].keys() == {
        "interval",
        "alertPriority",
        "alertTags",
        "enabled",
        "description",
    }
    too_long = genie.call("POST", "/heartbeats", _wish(interval=9_999, intervalUnit="days"))
    assert (too_long.status, list(too_long.json()["errors"])) == (422, ["interval"])
    assert genie.call("POST", "/heartbeats", _wish()).status == 201
    assert genie.call("POST", "/heartbeats", _wish()).status == 409
    # Another name, though the same slug would be made of it.
    assert genie.call("POST", "/heartbeats", _wish(name="nightly backup")).status == 201
    assert genie.call("PATCH", "/heartbeats/none", {"interval": 1}).status == 422
    assert genie.call("PATCH", "/heartbeats/none", {"description": "x"}).status == 404
    assert genie.call("DELETE", "/heartbeats/none").status == 404
    assert genie.call("POST", "/heartbeats/none/enable").status == 404
    assert genie.call("PUT", "/heartbeats/nightly/backup").status == 405
    assert genie.call("POST", "/heartbeats", "text").status == 400


def test_heartbeats_of_another_tenant_are_not_changed(genie: Genie) -> None:
    tenant = genie.outside.hub.admin.made("/tenants", {"slug": "other", "name": "Other"})
    theirs = _heartbeat(genie, "theirs", tenant_id=tenant["id"])
    for method, path in (
        ("PATCH", "/heartbeats/theirs"),
        ("DELETE", "/heartbeats/theirs"),
        ("POST", "/heartbeats/theirs/disable"),
    ):
        assert genie.call(method, path, {}).status == 404
    shown = genie.outside.hub.admin.get(f"/heartbeats/{theirs['id']}").json()
    assert (shown["state"], shown["name"]) == ("new", "theirs")


@pytest.mark.parametrize("path", ["nightly/backup", "nightly%2Fbackup", "nightly-backup"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_a_ping_counts_by_name_and_by_slug(genie: Genie, method: str, path: str) -> None:
    heartbeat = _heartbeat(genie, "nightly/backup", methods="post")
    answer = genie.call(method, f"/heartbeats/{path}/ping")
    assert (answer.status, answer.json()["result"]) == (202, "PONG - Heartbeat received")
    shown = genie.outside.hub.admin.get(f"/heartbeats/{heartbeat['id']}").json()
    assert shown["state"] == "up"
    assert genie.outside.records() == []


def test_a_ping_brings_back_what_is_down(genie: Genie) -> None:
    heartbeat = _heartbeat(genie, "backup")
    genie.call("GET", "/heartbeats/backup/ping")
    fail = heartbeat["ping_url"].removeprefix(genie.outside.url) + "/fail"
    assert genie.outside.request("GET", fail).status == 200
    shown = genie.call("GET", "/heartbeats/backup").json()["data"]
    assert shown["expired"] is True
    genie.call("GET", "/heartbeats/backup/ping")
    assert genie.call("GET", "/heartbeats/backup").json()["data"]["expired"] is False


def test_heartbeats_of_others_are_not_there(genie: Genie) -> None:
    other = genie.outside.other_workspace()
    document = {"name": "theirs", "kind": "interval", "period_seconds": 3_600, "grace_seconds": 60}
    theirs = other.hub.admin.made("/heartbeats", document)
    genie.call("GET", "/heartbeats/theirs/ping")
    assert genie.call("GET", "/heartbeats/theirs").status == 404
    assert genie.call("GET", "/heartbeats").json()["data"]["heartbeats"] == []
    assert other.hub.admin.get(f"/heartbeats/{theirs['id']}").json()["state"] == "new"


def test_a_ping_that_cannot_be_kept_is_asked_for_again(
    genie: Genie, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: Any, incoming: Any) -> PingRefusal:
        return PingRefusal.UNAVAILABLE

    _heartbeat(genie, "backup")
    monkeypatch.setattr(Pings, "submit", away)
    assert genie.call("GET", "/heartbeats/backup/ping").status == 503


def test_a_request_that_is_replayed_does_the_same_again(genie: Genie) -> None:
    genie.create()
    genie.act("disk", "close")
    ((create_id,), _) = genie.outside.hub.sql(
        "SELECT id FROM webhook_deliveries WHERE outcome IN ('created', 'resolved') ORDER BY id"
    )
    hub = genie.outside.hub
    answer = hub.admin.post(f"/webhook-deliveries/{create_id}/replay", {"dry_run": True})
    assert answer.json()["signals"][0]["external_id"] == "disk"
