"""Heartbeats as Opsgenie's clients ping, make and change them."""

from __future__ import annotations

from typing import Any

import opsgenie_sdk
import pytest
from opsgenie_sdk.exceptions import OpenApiException

from tests.ingest.inbound.opsgenie.conftest import Genie
from tocsin.heartbeats.pings import PingRefusal, Pings


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_a_heartbeat_that_nobody_has_is_answered_and_on_record(genie: Genie, method: str) -> None:
    answer = genie.call(method, "/heartbeats/nightly%2Fbackup/ping")
    assert (answer.status, answer.json()["result"]) == (202, "PONG - Heartbeat received")
    (record,) = genie.outside.records()
    assert (record[0], record[1]) == (202, "ignored")
    assert "nightly/backup" in record[2]


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
