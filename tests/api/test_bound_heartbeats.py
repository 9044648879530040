"""Heartbeats that are bound to an integration: a Watchdog's alerts are pings, and no alerts."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Hub
from tests.api.test_heartbeats import alerts, eventually

WATCHDOG = {"alertname": "Watchdog", "severity": "none", "cluster": "eu"}
BOUND = {"name": "prometheus", "period_seconds": 300}


def post(hub: Hub, sender: dict[str, Any], *given: tuple[str, dict[str, str]]) -> dict[str, Any]:
    """As Alertmanager does: each alert with its status and labels."""
    body = {
        "version": "4",
        "status": "firing",
        "groupKey": "{}",
        "alerts": [
            {
                "status": status,
                "labels": labels,
                "annotations": {},
                "startsAt": "2026-03-01T12:00:00Z",
                "endsAt": "2026-03-01T12:05:00Z"
                if status == "resolved"
                else "0001-01-01T00:00:00Z",
            }
            for status, labels in given
        ],
    }
    url = urlsplit(sender["webhook_url"])
    base = urlsplit(hub.admin.base_url)
    connection = http.client.HTTPConnection(base.hostname or "", base.port or 0, timeout=30)
    connection.request(
        "POST",
        url.path,
        json.dumps(body),
        {"Content-Type": "application/json", "Authorization": f"Bearer {sender['webhook_secret']}"},
    )
    answer = connection.getresponse()
    said: dict[str, Any] = json.loads(answer.read())
    assert answer.status in (200, 201), said
    return said


@pytest.fixture
def sender(hub: Hub) -> dict[str, Any]:
    return hub.admin.made("/integrations", {"name": "am", "type": "alertmanager"})


def found(hub: Hub) -> list[dict[str, Any]]:
    return list(hub.viewer.get("/heartbeats").json()["items"])


def test_a_watchdog_is_a_ping_and_no_alert(hub: Hub, sender: dict[str, Any]) -> None:
    hub.admin.made("/heartbeats", BOUND | {"bound_integration_id": sender["id"]})
    said = post(hub, sender, ("firing", WATCHDOG))
    assert (said["status"], said["alerts"]) == ("ignored", [])
    said = post(hub, sender, ("firing", WATCHDOG), ("firing", {"alertname": "DiskFull"}))
    assert said["status"] == "created"
    post(hub, sender, ("resolved", WATCHDOG))
    (heartbeat,) = found(hub)
    assert (heartbeat["state"], heartbeat["ping_count"]) == ("up", 2)
    assert [alert["title"] for alert in alerts(hub, "OPEN")] == ["DiskFull"]
    (ping, _) = hub.viewer.get(f"/heartbeats/{heartbeat['id']}/pings").json()["items"]
    assert (ping["method"], ping["kind"]) == ("signal", "success")
    record = hub.viewer.get("/webhook-deliveries").json()["items"]
    assert record[-1]["outcome"] == "ignored"


def test_each_set_of_labels_is_expected_by_itself(hub: Hub, sender: dict[str, Any]) -> None:
    body = BOUND | {"bound_integration_id": sender["id"], "bound_labels": ["cluster", "replica"],
                    "labels": {"team": "sre"}}  # fmt: skip
    parent = hub.admin.made("/heartbeats", body)
    for cluster, replica in (("eu", "a"), ("eu", "b"), ("us", "a"), ("eu", "a")):
        labels = WATCHDOG | {"cluster": cluster, "replica": replica}
        post(hub, sender, ("firing", labels))
    post(hub, sender, ("firing", WATCHDOG))
    children = [each for each in found(hub) if each["parent_id"] == parent["id"]]
    assert sorted((each["name"], each["ping_count"]) for each in children) == [
        ("prometheus cluster=eu replica=", 1),
        ("prometheus cluster=eu replica=a", 2),
        ("prometheus cluster=eu replica=b", 1),
        ("prometheus cluster=us replica=a", 1),
    ]
    (first,) = [each for each in children if each["ping_count"] == 2]
    assert first["labels"] == {"team": "sre", "cluster": "eu", "replica": "a"}
    assert {each["period_seconds"] for each in children} == {300}
    (deleted, *_) = [each for each in children if each["labels"]["cluster"] == "us"]
    hub.admin.delete(f"/heartbeats/{deleted['id']}")
    post(hub, sender, ("firing", WATCHDOG | {"cluster": "us", "replica": "a"}))
    assert len(found(hub)) == len(children)
    (alone,) = [each for each in found(hub) if each["id"] == parent["id"]]
    assert (alone["state"], alone["ping_count"]) == ("new", 0)
    hub.sql(
        "UPDATE heartbeat_statuses SET due_at = now(), look_at = now() WHERE due_at IS NOT NULL"
    )
    eventually(lambda: len(alerts(hub, "OPEN")) == 3)
    hub.admin.delete(f"/heartbeats/{parent['id']}")
    assert found(hub) == []
    eventually(lambda: not alerts(hub, "OPEN"))


def test_binding_and_unbinding_are_in_force_at_once(hub: Hub, sender: dict[str, Any]) -> None:
    assert post(hub, sender, ("firing", WATCHDOG))["status"] == "created"
    made = hub.admin.made("/heartbeats", BOUND | {"bound_integration_id": sender["id"]})
    assert post(hub, sender, ("firing", WATCHDOG))["status"] == "ignored"
    matchers = [{"label": "alertname", "op": "=", "value": "Other"}]
    hub.admin.patch(f"/heartbeats/{made['id']}", {"bound_matchers": matchers})
    assert post(hub, sender, ("firing", WATCHDOG))["status"] != "ignored"
    assert hub.admin.delete(f"/integrations/{sender['id']}").status == 409
    hub.admin.delete(f"/heartbeats/{made['id']}")
    assert hub.admin.delete(f"/integrations/{sender['id']}").status == 204


def test_nobody_binds_to_what_is_anothers(hub: Hub, sender: dict[str, Any]) -> None:
    answer = hub.stranger.post("/heartbeats", BOUND | {"bound_integration_id": sender["id"]})
    assert (answer.status, answer.slug) == (404, "not-found")


def test_whoever_sends_labels_cannot_fill_the_table(
    hub: Hub, sender: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.heartbeats.pings.BOUND_LIMIT", 3)
    body = BOUND | {"bound_integration_id": sender["id"], "bound_labels": ["cluster"]}
    hub.admin.made("/heartbeats", body)
    for number in range(6):
        labels = WATCHDOG | {"cluster": f"c{number}"}
        assert post(hub, sender, ("firing", labels))["status"] == "ignored"
    assert len(found(hub)) == 4


def test_a_change_reaches_those_that_were_made_for_it(hub: Hub, sender: dict[str, Any]) -> None:
    body = BOUND | {"bound_integration_id": sender["id"], "bound_labels": ["cluster"],
                    "labels": {"team": "sre"}}  # fmt: skip
    parent = hub.admin.made("/heartbeats", body)
    for cluster in ("eu", "us", "ap"):
        post(hub, sender, ("firing", WATCHDOG | {"cluster": cluster}))
    by_cluster = {each["labels"]["cluster"]: each["id"] for each in found(hub) if each["parent_id"]}
    # What a person has set for one of them stays.
    hub.admin.patch(
        f"/heartbeats/{by_cluster['us']}", {"period_seconds": 900, "labels": {"a": "b"}}
    )
    hub.admin.patch(f"/heartbeats/{by_cluster['ap']}", {"severity": "LOW"})
    before = {each["id"]: each for each in found(hub)}
    changes = {
        "period_seconds": 600,
        "grace_seconds": 120,
        "severity": "CRITICAL",
        "labels": {"team": "ops"},
    }
    hub.admin.patch(f"/heartbeats/{parent['id']}", changes)
    after = {each["id"]: each for each in found(hub)}
    eu, us, ap = (after[by_cluster[name]] for name in ("eu", "us", "ap"))
    names = ("period_seconds", "grace_seconds", "severity")
    assert [eu[name] for name in names] == [600, 120, "CRITICAL"]
    assert eu["labels"] == {"team": "ops", "cluster": "eu"}
    assert eu["expected_at"] > before[eu["id"]]["expected_at"]
    # Its schedule is one thing: half of it from here and half from there would be neither.
    assert [us[name] for name in names] == [900, before[us["id"]]["grace_seconds"], "CRITICAL"]
    assert us["labels"] == {"a": "b"}
    assert [ap[name] for name in names] == [600, 120, "LOW"]
    assert {each["name"] for each in after.values()} == {each["name"] for each in before.values()}
    # Each is in the audit log, and a second time nothing changes.
    audited = hub.sql("SELECT count(*) FROM audit_events WHERE object_id = %s", eu["id"])
    hub.admin.patch(f"/heartbeats/{parent['id']}", changes)
    assert hub.sql("SELECT count(*) FROM audit_events WHERE object_id = %s", eu["id"]) == audited
    assert audited == [(1,)]
