"""Alertmanager's API v2 as Prometheus, amtool, karma and Grafana use it: what they rely on, point by
point, with the traps that lie in it."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.ingest.inbound.alertmanager_client import ZERO, Api, alert, at
from tests.ingest.inbound.conftest import Outside


@pytest.fixture
def api(outside: Outside) -> Api:
    return Api(outside)


def test_alerts_open_repeat_and_resolve(api: Api) -> None:
    assert api.integration["webhook_url"].endswith(api.base)
    assert api.post().status == 200  # nothing is no fault
    answer = api.post(alert("Down", instance="db-1"), alert("Slow", instance="db-1"))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert api.statuses() == ["OPEN", "OPEN"]
    first, _ = api.outside.alerts()
    assert (first["title"], first["severity"]) == ("Down it is", "CRITICAL")
    assert first["labels"]["instance"] == "db-1"

    api.post(alert("Down", instance="db-1"))
    assert [each["occurrence_count"] for each in api.outside.alerts()] == [2, 1]
    # A restarted Prometheus forgets since when; that is no new episode.
    later = {**alert("Down", instance="db-1"), "startsAt": at(seconds=-30)}
    api.post(later)
    assert api.statuses() == ["OPEN", "OPEN"]
    api.post(alert("Down", instance="db-1", ends=at(seconds=-1)))
    assert api.statuses() == ["RESOLVED", "OPEN"]
    api.post(alert("Down", instance="db-1", ends=at(seconds=-1)))
    api.post(alert("Down", instance="db-1"))
    assert api.statuses() == ["RESOLVED", "OPEN", "OPEN"]


def test_a_repeat_is_counted_and_no_entry_of_the_timeline(api: Api) -> None:
    for _ in range(3):
        api.post(alert())
    ((kinds,),) = api.outside.hub.sql("SELECT array_agg(kind) FROM alert_events")
    assert kinds == ["triggered"]


@pytest.mark.parametrize("ends", [ZERO, None])
def test_no_end_is_an_end_in_five_minutes(api: Api, ends: str | None) -> None:
    given = {**alert(), "endsAt": ends, "startsAt": ZERO}
    assert api.post(given).status == 200
    ((left,),) = api.outside.hub.sql("SELECT ends_at - now() FROM alert_leases")
    assert timedelta(minutes=4, seconds=30) < left <= timedelta(minutes=5)


def test_nothing_good_is_lost_for_something_bad_beside_it(api: Api) -> None:
    bad = [
        {"labels": {"alertname": ""}},
        {**alert("Turned"), "startsAt": at(), "endsAt": at(minutes=-1)},
        {"labels": {"alertname": 3}},
        {"labels": {"alertname": "Odd"}, "endsAt": "tomorrow"},
        "nonsense",
    ]
    answer = api.post(alert("Good"), *bad, alert("Fine"))
    assert answer.status == 400
    said = answer.json()
    assert isinstance(said, str)
    for words in ("at least one label pair", "start time must be before end time", "/3/", "/5"):
        assert words in said
    assert api.names() == ["Fine", "Good"]
    (record,) = api.outside.records()
    assert record[:2] == (400, "created")
    assert "alerts_left_out" in record[4]


def test_no_alerts_at_all_are_taken(api: Api) -> None:
    answer = api.outside.request("POST", f"{api.base}/api/v2/alerts", raw=b"[]", key=api.token)
    assert (answer.status, answer.body) == (200, b"")
    assert api.statuses() == []


def test_what_its_schema_refuses_is_an_object(api: Api) -> None:
    answer = api.post({"annotations": {"summary": "no labels"}})
    assert answer.status == 422
    assert answer.json() == {"code": 602, "message": "alerts.0.labels in body is required"}
    path = f"{api.base}/api/v2/alerts"
    for raw in (b"{", b"", b'{"labels": {}}', b'"text"'):
        answer = api.outside.request("POST", path, raw=raw, key=api.token)
        assert answer.status in (400, 422)
        assert set(answer.json()) == {"code", "message"}
    assert api.statuses() == []


def test_who_may_post(api: Api) -> None:
    path, body = f"{api.base}/api/v2/alerts", [alert()]
    basic = b64encode(f"anybody:{api.token}".encode()).decode()
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = api.outside.request("POST", path, body, headers=headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert set(answer.json()) == {"code", "message"}
    assert api.outside.request("POST", path, body, key=api.outside.hub.viewer.key).status == 403
    stranger = api.outside.hub.stranger.key
    assert api.outside.request("POST", path, body, key=stranger).status == 404
    assert api.statuses() == []

    assert api.outside.request("POST", path, body, headers={"Authorization": f"Basic {basic}"})
    assert api.outside.request("POST", path, body, key=api.key).status == 200
    in_path = f"{api.base}/{api.token}/api/v2/alerts"
    assert api.outside.request("POST", in_path, body).status == 200
    # At the root the token says which integration.
    assert api.outside.request("POST", "/api/v2/alerts", body, key=api.token).status == 200
    assert api.outside.request("POST", "/api/v2/alerts", body, key="x" * 40).status == 401
    (only,) = api.outside.alerts()
    assert only["occurrence_count"] == 4
    for row in api.outside.records():
        assert api.token not in json.dumps(row)


def test_a_token_with_odd_characters_in_the_path(api: Api) -> None:
    token = "a.b~c-d_e" * 3
    path = f"/integrations/{api.integration['id']}/tokens"
    api.outside.hub.admin.made(path, {"label": "old", "token": token})
    assert api.outside.request("POST", f"{api.base}/{token}/api/v2/alerts", [alert()]).status == 200


def test_a_token_reads_nothing(api: Api) -> None:
    for path in ("alerts", "alerts/groups", "silences", "receivers", "status"):
        url = f"{api.base}/api/v2/{path}"
        assert api.outside.request("GET", url, key=api.token).status == 401
        assert api.outside.request("GET", url).status == 401


def test_alerts_as_they_are_read(api: Api) -> None:
    assert api.get("alerts") == []
    api.post(alert("Down", instance="db-1"), alert("Up", empty=""))
    found = api.get("alerts")
    assert [each["fingerprint"] for each in found] == sorted(e["fingerprint"] for e in found)
    (down,) = api.get("alerts", filter="alertname=Down")
    assert set(down) == {
        *("annotations", "endsAt", "fingerprint", "receivers", "startsAt", "status", "updatedAt"),
        *("generatorURL", "labels"),
    }
    assert down["labels"] == {"alertname": "Down", "severity": "critical", "instance": "db-1"}
    assert down["status"] == {
        "state": "active",
        "silencedBy": [],
        "inhibitedBy": [],
        "mutedBy": [],
    }
    assert down["receivers"] == [{"name": "tocsin"}]
    for name in ("startsAt", "endsAt", "updatedAt"):
        assert len(down[name]) == len("2026-01-01T00:00:00.000Z")
    assert down["endsAt"] > at()
    assert down["annotations"] == {"summary": "Down it is"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"filter": 'instance=""'}, ["Up"]),
        ({"filter": "instance!="}, ["Down"]),
        ({"filter": ['alertname=~"D.*"', "severity=critical"]}, ["Down"]),
        ({"filter": "alertname!~D.*"}, ["Up"]),
        ({"active": "false"}, []),
        ({"unprocessed": "false"}, ["Down", "Up"]),
        ({"inhibited": "false", "silenced": "false"}, ["Down", "Up"]),
        ({"receiver": "tocs"}, []),
        ({"receiver": "tocs.*"}, ["Down", "Up"]),
    ],
)
def test_queries(api: Api, query: Any, names: list[str]) -> None:
    api.post(alert("Down", instance="db-1"), alert("Up"))
    assert api.names(**query) == names


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"filter": "{a=b}"}, 400),
        ({"filter": "a=~("}, 400),
        ({"receiver": "("}, 400),
        ({"active": "maybe"}, 422),
    ],
)
def test_queries_that_cannot_be_read(api: Api, query: Any, status: int) -> None:
    answer = api.read("alerts", **query)
    assert answer.status == status
    assert isinstance(answer.json(), str if status == 400 else dict)


def test_groups_receivers_and_status(api: Api) -> None:
    hub = api.outside.hub
    hook = {"name": "on call", "type": "webhook", "config": {"url": "https://example.org/x"}}
    destination = hub.admin.made("/alert-destinations", hook)
    rule = {
        "name": "all",
        "event_types": ["alerts.triggered"],
        "destination_ids": [destination["id"]],
    }
    hub.admin.made("/alert-rules", rule)
    api.post(alert("Down", instance="db-1"), alert("Down", instance="db-2"), alert("Up"))
    groups = api.get("alerts/groups")
    assert [(group["labels"], group["receiver"], len(group["alerts"])) for group in groups] == [
        ({"alertname": "Down"}, {"name": "on call"}, 2),
        ({"alertname": "Up"}, {"name": "on call"}, 1),
    ]
    assert api.get("alerts/groups", receiver="on") == []
    assert {"name": "on call"} in api.get("receivers")
    status = api.get("status")
    assert status["cluster"] == {"name": "", "peers": [], "status": "disabled"}
    assert status["versionInfo"]["version"].count(".") == 2
    assert "receivers:" in status["config"]["original"]


def test_what_another_source_sent_is_read_at_the_root(api: Api) -> None:
    events = api.outside.integration("pagerduty_events")
    event = {
        "routing_key": events["webhook_secret"],
        "event_action": "trigger",
        "dedup_key": "x",
        "payload": {"summary": "Disk full", "source": "db-1", "severity": "error"},
    }
    assert api.outside.request("POST", "/v2/enqueue", event).status == 202
    api.post(alert())
    assert len(api.get("alerts")) == 1
    everything = api.outside.request("GET", "/api/v2/alerts", key=api.key).json()
    (other,) = (each for each in everything if "tocsin_title" in each["labels"])
    assert other["labels"] == {
        "source": "db-1",
        "tocsin_title": "Disk full",
        "tocsin_severity": "HIGH",
        "tocsin_source": "a pagerduty_events",
    }
    assert other["annotations"] == {"summary": "Disk full"}
    # Whatever label is shown, a silence made of it holds.
    for name, value in other["labels"].items():
        made = api.silence((name, value, False))
        assert made.status == 200
        (again,) = api.outside.request(
            "GET", "/api/v2/alerts", key=api.key, query={"filter": "tocsin_title=Disk full"}
        ).json()
        assert made.json()["silenceID"] in again["status"]["silencedBy"], name


def test_a_silence_holds_and_ends(api: Api) -> None:
    api.post(alert("Down", severity="page"), alert("Up"))
    made = api.silence(("alertname", "Do.*", True), ("severity", "page", False))
    silence_id = made.json()["silenceID"]
    (down,) = api.get("alerts", filter="alertname=Down")
    assert down["status"]["state"] == "suppressed"
    assert down["status"]["silencedBy"] == [silence_id]
    assert api.names(silenced="false") == ["Up"]

    shown = api.get(f"silence/{silence_id}")
    assert shown["matchers"] == [
        {"name": "alertname", "value": "Do.*", "isRegex": True, "isEqual": True},
        {"name": "severity", "value": "page", "isRegex": False, "isEqual": True},
    ]
    assert (shown["createdBy"], shown["comment"]) == ("ada", "patching")
    assert shown["status"] == {"state": "active"}
    assert [each["id"] for each in api.get("silences", filter="alertname=~Do.*")] == [silence_id]
    assert api.get("silences", filter="alertname=Down") == []

    url = f"{api.base}/api/v2/silence/{silence_id}"
    for _ in range(2):
        answer = api.outside.request("DELETE", url, key=api.key)
        assert (answer.status, answer.body) == (200, b"")
    assert api.get(f"silence/{silence_id}")["status"] == {"state": "expired"}
    assert api.names(silenced="false") == ["Down", "Up"]
    events = api.outside.hub.admin.get("/audit-events", object_type="silence").json()["items"]
    assert [event["action"] for event in events] == ["expired", "created"]
    assert events[0]["actor"]["kind"] == "api_key"


def test_a_silence_that_is_changed(api: Api) -> None:
    matcher = ("alertname", "Down", False)
    first = api.silence(matcher).json()["silenceID"]
    shown = api.get(f"silence/{first}")
    # Only its end: the same one.
    longer = api.silence(matcher, id=first, startsAt=shown["startsAt"], endsAt=at(hours=2))
    assert longer.json() == {"silenceID": first}
    # Another start, or other matchers: another one, and the old one is over.
    moved = api.silence(matcher, id=first, startsAt=at(minutes=10)).json()["silenceID"]
    assert moved != first
    assert [each["status"]["state"] for each in api.get("silences")] == ["pending", "expired"]
    assert api.silence(matcher, id=str(uuid4())).status == 404


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, 400),
        ({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400),
        ({"matchers": []}, 422),
        ({"matchers": None}, 422),
        ({"createdBy": None}, 422),
        ({"endsAt": ZERO}, 400),
        ({"endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-01-01T00:00:00Z"}, 400),
        ({"matchers": [{"name": 3, "value": "x", "isRegex": False}]}, 400),
    ],
)
def test_silences_that_are_refused(api: Api, changed: Any, status: int) -> None:
    answer = api.silence(("a", "b", False), **changed)
    assert answer.status == status, answer
    assert answer.json()
    assert api.get("silences") == []


def test_silence_paths(api: Api) -> None:
    assert api.read("silence/abc").status == 422
    answer = api.read(f"silence/{uuid4()}")
    assert (answer.status, answer.body) == (404, b"")
    viewer = api.outside.hub.viewer.key
    url = f"{api.base}/api/v2/silences"
    assert api.outside.request("GET", url, key=viewer).status == 200
    assert api.outside.request("POST", url, {}, key=viewer).status == 403


def test_what_is_anothers_is_not_there(api: Api) -> None:
    made = api.silence(("alertname", "Down", False)).json()["silenceID"]
    api.post(alert())
    stranger = api.outside.hub.stranger.key
    for path in ("alerts", "alerts/groups", "silences", f"silence/{made}", "status"):
        url = f"{api.base}/api/v2/{path}"
        assert api.outside.request("GET", url, key=stranger).status == 404, path
    for path in ("alerts", "alerts/groups", "silences"):
        assert api.outside.request("GET", f"/api/v2/{path}", key=stranger).json() == []
    root = f"/api/v2/silence/{made}"
    assert api.outside.request("GET", root, key=stranger).status == 404
    assert api.outside.request("DELETE", root, key=stranger).status == 404
    assert api.get(f"silence/{made}")["status"] == {"state": "active"}


def test_paths_that_programs_probe(api: Api) -> None:
    for base in ("", api.base):
        for path in ("/-/healthy", "/-/ready"):
            assert api.outside.request("GET", base + path).body == b"OK"
            head = api.outside.request("HEAD", base + path)
            assert (head.status, head.body) == (200, b"")
    # Grafana takes a 200 here for the wrong kind of server.
    for path in ("/alertmanager/api/v2/status", f"{api.base}/alertmanager/api/v2/status"):
        assert api.outside.request("GET", path, key=api.key).status != 200
    assert api.outside.request("GET", "/api/v1/alerts", key=api.key).status == 200  # Tocsin's own
    assert api.outside.request("GET", f"{api.base}/api/v1/alerts", key=api.key).status == 410
    assert api.read("nonsense").status == 404
    wrong = api.outside.request("DELETE", f"{api.base}/api/v2/alerts", key=api.key)
    assert wrong.status == 405
    allowed = api.outside.request("OPTIONS", f"{api.base}/api/v2/silences")
    assert "Authorization" in allowed.headers["access-control-allow-headers"]


def test_of_two_senders_one_resolves(api: Api) -> None:
    one, other = ({"X-Forwarded-For": f"10.0.0.{n}"} for n in (1, 2))
    api.post(alert(), headers=one)
    api.post(alert(), headers=other)
    api.post(alert(ends=at(seconds=-1)), headers=one)
    assert api.statuses() == ["OPEN"]
    assert [row[1] for row in api.outside.records()] == ["created", "updated", "ignored"]
    api.post(alert(ends=at(seconds=-1)), headers=other)
    assert api.statuses() == ["RESOLVED"]
    assert api.outside.hub.sql("SELECT * FROM alert_leases") == []


def test_what_is_silenced_when_it_comes_notifies_nobody(api: Api) -> None:
    hub = api.outside.hub
    hook = {"name": "on call", "type": "webhook", "config": {"url": "https://example.org/x"}}
    destination = hub.admin.made("/alert-destinations", hook)
    rule = {
        "name": "all",
        "event_types": ["alerts.triggered"],
        "destination_ids": [destination["id"]],
    }
    hub.admin.made("/alert-rules", rule)
    api.silence(("alertname", "Down", False))
    api.post(alert("Down"), alert("Up"))
    sent = hub.sql("SELECT status::text, reason FROM alert_deliveries ORDER BY id")
    assert sent == [("deferred", "silence"), ("queued", "rule")]
