"""Heartbeats from the outside: configured by the API, pinged over HTTP, their alerts in the API."""

from __future__ import annotations

import http.client
import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from tests.api.conftest import Hub

DAILY = {"name": "Nightly backup", "kind": "cron", "expressions": ["30 2 * * *"],
         "timezone": "Europe/Vienna", "grace_seconds": 3600}  # fmt: skip


def ping(
    hub: Hub, path: str, method: str = "POST", body: bytes = b""
) -> tuple[int, bytes, dict[str, str]]:
    url = urlsplit(hub.admin.base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 0, timeout=20)
    connection.request(method, path, body)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, said, {name.lower(): value for name, value in answer.getheaders()}


def path_of(made: dict[str, Any]) -> str:
    return urlsplit(made["ping_url"]).path


def eventually(question: Any) -> Any:
    until = time.monotonic() + 60
    while not (found := question()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def alerts(hub: Hub, status: str) -> list[dict[str, Any]]:
    return list(hub.viewer.get("/alerts", status=status).json()["items"])


def test_made_with_what_is_usual_and_its_own_integration(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    UUID(made["ping_token"])
    assert made["ping_url"].endswith(f"/ping/{made['ping_token']}")
    assert (made["slug"], made["state"], made["severity"]) == ("nightly-backup", "new", "HIGH")
    shown = hub.viewer.get(f"/heartbeats/{made['id']}").json()
    assert shown["ping_url"].endswith("/ping/[redacted]")
    assert "ping_token" not in shown
    other = hub.admin.made("/heartbeats", {"name": "Other", "period_seconds": 60})
    assert other["integration_id"] == made["integration_id"]
    integration = hub.viewer.get(f"/integrations/{made['integration_id']}").json()
    assert (integration["type"], integration["name"]) == ("heartbeat", "heartbeats")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"expressions": ["* * *"]}, "/expressions/0"),
        ({"expressions": []}, "/expressions"),
        ({"period_seconds": 60}, "/period_seconds"),
        ({"grace_seconds": 10}, "/grace_seconds"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"ping_token": "short"}, "/ping_token"),
        ({"labels": {"a": "x" * 20_000}}, "/labels/a"),
        ({"bound_labels": ["cluster"]}, "/bound_labels"),
        ({"expect_first_within_seconds": 59}, "/expect_first_within_seconds"),
    ],
)
def test_what_could_not_work_is_refused(hub: Hub, change: dict[str, Any], pointer: str) -> None:
    answer = hub.admin.post("/heartbeats", DAILY | change)
    assert (answer.status, answer.slug) == (422, "validation-failed")
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


def test_only_integrations_of_its_type(hub: Hub) -> None:
    other = hub.admin.made("/integrations", {"name": "shop", "type": "generic"})
    answer = hub.admin.post("/heartbeats", DAILY | {"integration_id": other["id"]})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/integration_id"]
    answer = hub.admin.post("/heartbeats", DAILY | {"integration_id": str(uuid4())})
    assert answer.status == 404


def test_names_slugs_and_tokens_are_ones_own(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    for change in (
        {},
        {"name": "Nightly  backup"},
        {"name": "x", "ping_token": made["ping_token"]},
    ):
        answer = hub.admin.post("/heartbeats", DAILY | change)
        assert (answer.status, answer.slug) == (409, "name-taken"), change
        assert made["ping_token"].encode() not in answer.body
    hub.stranger.made("/heartbeats", DAILY)


def test_roles(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    path = f"/heartbeats/{made['id']}"
    assert hub.responder.post("/heartbeats", DAILY).status == 403
    assert hub.responder.patch(path, {"grace_seconds": 60}).status == 403
    assert hub.responder.post(f"{path}/pause", {}).status == 200
    assert hub.viewer.post(f"{path}/resume", {}).status == 403


def test_pings_over_http_and_the_alert_of_a_failure(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    path = path_of(made)
    status, said, headers = ping(hub, path, "GET")
    assert (status, said) == (200, b"OK")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["ping-body-limit"] == "10000"
    assert hub.viewer.get(f"/heartbeats/{made['id']}").json()["state"] == "up"
    assert ping(hub, f"{path}/start", "HEAD")[:2] == (200, b"")
    assert ping(hub, f"{path}/7", body=b"cannot write\0" + b"x" * 20_000)[0] == 200
    (alert,) = eventually(lambda: alerts(hub, "OPEN"))
    assert alert["title"] == "Nightly backup reported failure (exit 7)"
    listed = hub.viewer.get(f"/heartbeats/{made['id']}/pings").json()["items"]
    assert [each["kind"] for each in listed] == ["fail", "start", "success"]
    assert (listed[0]["exit_code"], listed[0]["body"][:13]) == (7, "cannot write�")
    assert len(listed[0]["body"]) == 10_000
    assert ping(hub, f"{path}/0")[0] == 200
    eventually(lambda: alerts(hub, "RESOLVED"))
    changes = hub.viewer.get(f"/heartbeats/{made['id']}/changes").json()["items"]
    assert [each["after"] for each in changes] == ["up", "down", "up"]
    why = hub.viewer.get(f"/alerts/{alert['id']}/explain").body
    assert b"a ping reported a failure" in why
    assert b"the heartbeat is back" in why


def test_requests_that_are_no_pings(hub: Hub) -> None:
    path = path_of(hub.admin.made("/heartbeats", DAILY))
    for other, status in (
        (f"/ping/{uuid4()}", 404),
        ("/ping/", 404),
        (f"{path}/256", 400),
        (f"{path}?rid=7", 400),
        (f"{path}/nonsense", 404),
        (f"{path}/a/b/c", 404),
        ("/api/push/x", 404),
    ):
        assert ping(hub, other)[0] == status, other
    assert ping(hub, path, "DELETE")[0] == 405
    assert ping(hub, path, body=b"x" * 2_000_000)[0] == 413


def test_the_forms_of_other_products(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY | {"name": "job"})
    token = made["ping_token"]
    forms = [
        ("GET", f"/api/push/{token}?status=up&msg=fine&ping=12", 200, b'{"ok":true}'),
        ("POST", f"/api/v2/heartbeat/{token}", 200, b""),
        ("POST", f"/v1/api/heartbeat/{token}", 200, b""),
        ("GET", f"/integrations/v1/webhook/{token}/heartbeat/", 200, b""),
        ("GET", f"/api/v2/heartbeat/{token}", 405, b"method not allowed"),
        ("POST", f"/api/v2/heartbeat/{uuid4()}", 404, b"not found"),
        ("GET", f"/api/push/{uuid4()}", 404, b'{"ok":false,"msg":"Monitor not found or not active."}'),
    ]  # fmt: skip
    for method, path, status, said in forms:
        assert ping(hub, path, method)[:2] == (status, said), path
    listed = hub.viewer.get(f"/heartbeats/{made['id']}/pings").json()["items"]
    assert len(listed) == 4
    assert listed[-1]["body"] == "fine"
    assert ping(hub, f"/api/push/{token}?status=down&msg=gone", "GET")[0] == 200
    assert hub.viewer.get(f"/heartbeats/{made['id']}").json()["state"] == "down"


def test_a_ping_key_and_a_slug(hub: Hub) -> None:
    sender = hub.admin.made("/integrations", {"name": "jobs", "type": "heartbeat"})
    key = sender["webhook_secret"]
    body = DAILY | {"integration_id": sender["id"]}
    made = hub.admin.made("/heartbeats", body)
    hub.stranger.made("/heartbeats", DAILY | {"slug": "theirs"})
    assert ping(hub, f"/ping/{key}/nightly-backup/start")[:2] == (200, b"OK")
    assert ping(hub, f"/ping/{key}/theirs")[0] == 404
    assert ping(hub, f"/ping/{key}x/nightly-backup")[0] == 404
    assert ping(hub, f"/ping/{key}")[0] == 404
    assert hub.viewer.get(f"/heartbeats/{made['id']}").json()["started_at"]


def test_a_flood_is_answered_and_not_written(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    url = urlsplit(hub.admin.base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port or 0, timeout=20)
    began = time.monotonic()
    for _ in range(200):
        connection.request("GET", path_of(made))
        assert connection.getresponse().read() == b"OK"
    seconds = time.monotonic() - began
    connection.close()
    count = hub.viewer.get(f"/heartbeats/{made['id']}").json()["ping_count"]
    assert count <= 5 * (seconds + 2)


def test_a_pause_resolves_and_deleting_does(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    path = f"/heartbeats/{made['id']}"
    for end in (
        lambda: hub.responder.post(f"{path}/pause", {"until": "2036-01-01T00:00:00Z"}),
        lambda: hub.admin.delete(path),
    ):
        ping(hub, f"{path_of(made)}/fail")
        eventually(lambda: alerts(hub, "OPEN"))
        assert end().status in (200, 204)
        eventually(lambda: not alerts(hub, "OPEN"))
    assert ping(hub, path_of(made))[0] == 404
    assert hub.viewer.get(path).status == 404
    assert hub.viewer.get("/heartbeats").json()["items"] == []
    actions = [
        item["action"]
        for item in hub.admin.get("/audit-events", object_type="heartbeat").json()["items"]
    ]
    assert actions == ["deleted", "paused", "created"]
    because = hub.sql(
        "SELECT detail->>'because' FROM alert_events WHERE kind = 'resolved' ORDER BY id"
    )
    assert because == [("the heartbeat was paused",), ("the heartbeat was deleted",)]
    hub.admin.made("/heartbeats", DAILY)


def test_a_resumed_one_waits_and_filters_find_it(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    path = f"/heartbeats/{made['id']}"
    ping(hub, path_of(made))
    for action, state in (("pause", "paused"), ("resume", "new"), ("resume", "new")):
        assert hub.responder.post(f"{path}/{action}", {}).json()["state"] == state
        for asked in ("new", "up", "late", "down", "paused", "finished"):
            found = hub.viewer.get("/heartbeats", state=asked).json()["items"]
            assert bool(found) == (asked == state), (asked, state)
    assert hub.viewer.get(path).json()["last_ping_at"] is None


def test_an_edit_is_in_force_at_once_and_one_that_changes_nothing_touches_nothing(
    hub: Hub,
) -> None:
    made = hub.admin.made("/heartbeats", {"name": "x", "period_seconds": 86_400})
    path = f"/heartbeats/{made['id']}"
    ping(hub, path_of(made))
    before = hub.viewer.get(path).json()
    same = hub.admin.patch(path, {"period_seconds": 86_400, "name": "x"}).json()
    assert same == before
    hub.sql("UPDATE heartbeat_statuses SET last_ping_at = now() - interval '2 hours'")
    longer = hub.admin.patch(path, {"severity": "CRITICAL"}).json()
    assert longer["due_at"] == before["due_at"]
    shorter = hub.admin.patch(path, {"period_seconds": 3600}).json()
    assert (shorter["state"], shorter["grace_seconds"]) == ("late", 300)
    assert shorter["due_at"] > before["last_ping_at"]
    refused = hub.admin.patch(path, {"kind": "cron"})
    assert refused.status == 422


def test_a_first_ping_that_is_expected(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY | {"expect_first_within_seconds": 3_600})
    path = f"/heartbeats/{made['id']}"
    assert made["waiting_since"] == made["created_at"]
    assert (made["state"], made["due_at"]) == ("new", made["expected_at"])
    assert made["due_at"] > made["waiting_since"]
    hub.sql(
        "UPDATE heartbeat_statuses SET waiting_since = waiting_since - interval '2 hours',"
        " due_at = due_at - interval '2 hours', look_at = look_at - interval '2 hours'"
    )
    (alert,) = eventually(lambda: alerts(hub, "OPEN"))
    assert alert["title"] == "Nightly backup has never pinged"
    why = hub.viewer.get(f"/alerts/{alert['id']}/explain").body
    assert b"its first ping did not come in time" in why
    later = hub.admin.patch(path, {"expect_first_within_seconds": 86_400}).json()
    assert later["state"] == "new"
    eventually(lambda: alerts(hub, "RESOLVED"))
    ping(hub, path_of(made))
    shown = hub.viewer.get(path).json()
    assert (shown["state"], shown["waiting_since"]) == ("up", None)
    never = hub.admin.patch(path, {"expect_first_within_seconds": None}).json()
    assert never["due_at"] == shown["due_at"]


def test_a_first_ping_is_not_expected_of_what_is_bound_by_labels(hub: Hub) -> None:
    prometheus = hub.admin.made("/integrations", {"name": "p", "type": "prometheus"})
    bound = {"bound_integration_id": prometheus["id"], "expect_first_within_seconds": 3_600}
    hub.admin.made("/heartbeats", DAILY | bound)
    answer = hub.admin.post("/heartbeats", DAILY | bound | {"name": "x", "bound_labels": ["a"]})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/expect_first_within_seconds"]


def test_a_calendar_that_has_run_out_is_finished(hub: Hub) -> None:
    once = {"name": "once", "kind": "calendar", "expressions": ["2036-01-01 00:00"]}
    made = hub.admin.made("/heartbeats", once)
    hub.sql("UPDATE heartbeats SET expressions = ARRAY['2026-01-01 00:00']")
    ping(hub, path_of(made))
    shown = hub.viewer.get(f"/heartbeats/{made['id']}").json()
    assert (shown["state"], shown["due_at"]) == ("finished", None)
    ping(hub, path_of(hub.admin.made("/heartbeats", DAILY)))
    for asked, slug in (("finished", "once"), ("up", "nightly-backup")):
        found = hub.viewer.get("/heartbeats", state=asked).json()["items"]
        assert [each["slug"] for each in found] == [slug]


def test_a_rotated_token_counts_alone(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY)
    new = hub.admin.made(f"/heartbeats/{made['id']}/rotate-token", {})
    assert ping(hub, path_of(made))[0] == 404
    assert ping(hub, path_of(new))[0] == 200


def test_tokens_are_nowhere_in_the_database(hub: Hub) -> None:
    made = hub.admin.made("/heartbeats", DAILY | {"ping_token": "known-by-the-job-0000"})
    ping(hub, path_of(made))
    tables = hub.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    for (table,) in tables:
        assert "known-by-the-job" not in repr(hub.sql(f"SELECT t::text FROM {table} t")), table


def test_what_heartbeats_need_stays(hub: Hub) -> None:
    tenant = hub.admin.made("/tenants", {"slug": "acme", "name": "Acme"})
    made = hub.admin.made("/heartbeats", DAILY | {"tenant_id": tenant["id"]})
    for path in (f"/integrations/{made['integration_id']}", f"/tenants/{tenant['id']}"):
        answer = hub.admin.delete(path)
        assert answer.status == 409, answer
        assert b"Nightly backup" in answer.body
    assert hub.admin.delete(f"/integrations/{made['integration_id']}?purge=true").status == 409
