"""Every row of the table of answers, over HTTP, from a real server process."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.node import Client, Node, nodes, speak
from tests.support.proxy import proxied
from tests.support.workspace import Sender, Workspace

ALERT = {"title": "Disk full", "external_id": "disk-1"}


def recorded(workspace: Workspace, sender: Sender) -> list[tuple[int, str]]:
    return [(row["status_code"], row["outcome"]) for row in workspace.deliveries(sender)]


def test_a_new_alert_is_created_and_named(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender()
    answer = client.send(sender, ALERT)
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    (alert,), (delivery,) = workspace.alerts(sender), workspace.deliveries(sender)
    assert answer.json() == {
        "delivery_id": str(delivery["id"]),
        "status": "created",
        "alert_id": str(alert["id"]),
        "alerts": [{"alert_id": str(alert["id"]), "status": "created"}],
    }
    assert (alert["status"], alert["severity"], alert["occurrence_count"]) == ("OPEN", "HIGH", 1)
    assert (delivery["status_code"], delivery["outcome"]) == (201, "created")
    assert delivery["alert_id"] == alert["id"]
    assert delivery["raw_payload"] == ALERT
    assert workspace.timeline(alert["id"]) == ["triggered"]


@pytest.mark.parametrize("scheme", ["hmac", "token", "basic", "url"])
def test_without_proof_401_missing_and_with_the_wrong_one_401_invalid(
    workspace: Workspace, client: Client, scheme: str
) -> None:
    sender = workspace.sender(auth_scheme=scheme)
    assert client.send(sender, ALERT).status == 201
    body = json.dumps(ALERT).encode()
    bare = client.request("POST", f"/webhooks/{sender.id}", body)
    assert (bare.status, bare.slug) == (401, "missing-signature")
    assert "www-authenticate" in bare.headers
    wrong = {
        "hmac": {"X-Webhook-Signature": "0" * 64},
        "token": {"X-Webhook-Signature": "guess"},
        "basic": {"Authorization": "Basic " + base64.b64encode(b"tocsin:guess").decode()},
        "url": {},
    }[scheme]
    path = f"/webhooks/{sender.id}" + ("/guess" if scheme == "url" else "")
    refused = client.request("POST", path, body, wrong)
    assert (refused.status, refused.slug) == (401, "invalid-signature")
    assert len(workspace.alerts(sender)) == 1
    assert recorded(workspace, sender) == [(201, "created"), (401, "rejected"), (401, "rejected")]


def test_a_signature_too_old_is_401_stale(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender("standard_webhooks", timestamp_tolerance_seconds=0)
    body = json.dumps({"type": "alert.triggered", "data": ALERT}).encode()
    headers = sender.headers(body)
    time.sleep(1.1)
    answer = client.request("POST", sender.path, body, headers)
    assert (answer.status, answer.slug) == (401, "stale-timestamp")
    assert workspace.alerts(sender) == []


def test_the_answer_to_a_stranger_does_not_depend_on_the_body(
    workspace: Workspace, client: Client
) -> None:
    sender = workspace.sender()
    answers = {
        client.request("POST", sender.path, body, {"X-Webhook-Signature": "0" * 64}).body
        for body in (b"{}", b"not json", json.dumps(ALERT).encode(), b"")
    }
    assert len(answers) == 1


def test_an_unknown_integration_is_404(client: Client) -> None:
    for name in (uuid4(), "nobody", "", "x" * 5_000, "%00", "%C3%28"):
        answer = client.request("POST", f"/webhooks/{name}", b"{}")
        assert (answer.status, answer.slug) == (404, "integration-not-found"), name


def test_an_inactive_integration_is_403_and_on_record(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender(is_active=False)
    answer = client.send(sender, ALERT)
    assert (answer.status, answer.slug) == (403, "integration-inactive")
    assert recorded(workspace, sender) == [(403, "rejected")]


def test_only_what_carries_something(workspace: Workspace, client: Client) -> None:
    for method in ("GET", "DELETE", "OPTIONS"):
        answer = client.request(method, workspace.sender().path)
        assert (answer.status, answer.slug) == (405, "method-not-allowed")
        assert answer.headers["allow"] == "POST, PUT, PATCH"


def test_fields_in_the_address_are_taken_by_either_road(
    workspace: Workspace, client: Client
) -> None:
    sender = workspace.sender("uptimerobot", auth_scheme="url")
    down = f"{sender.path}?monitorID=7&monitorFriendlyName=Shop&alertType=1"
    assert client.request("GET", down).status == 201
    answer = client.request("POST", down.replace("alertType=1", "alertType=2"))
    assert (answer.status, answer.json()["status"]) == (200, "resolved")
    [alert] = workspace.alerts(sender)
    assert alert["title"] == "Shop"


def test_too_large_is_413_without_reading_it_all(workspace: Workspace, node: Node) -> None:
    sender = workspace.sender()
    head = f"POST {sender.path} HTTP/1.1\r\nHost: x\r\n"
    # It says how large it is: answered before a byte of it was sent.
    answer = speak(node.port, f"{head}Content-Length: 1048577\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/payload-too-large" in answer
    # It does not say: answered as soon as it is too much, with no end in sight.
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    endless = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 20
    answer = speak(node.port, endless)
    assert answer.startswith(b"HTTP/1.1 413 ")
    rows = workspace.deliveries(sender)
    assert [(row["status_code"], row["outcome"]) for row in rows] == [(413, "rejected")] * 2


def test_exactly_the_limit_is_taken(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender()
    body = json.dumps(ALERT).encode().ljust(1_048_576)
    assert client.send(sender, body).status == 201
    assert client.send(sender, body + b" ").status == 413


def test_a_slow_body_is_408(workspace: Workspace, node: Node) -> None:
    sender = workspace.sender()
    said = f"POST {sender.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n" + "{"
    answer = speak(node.port, said.encode())
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/request-timeout" in answer


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"", [""]),
        (b"{", [""]),
        (b"\xff\xfe", [""]),
        (b"[" * 200 + b"]" * 200, [""]),
        (b"[]", [""]),
        (b"{}", ["/title"]),
        (b'{"title": 1, "labels": [], "severity": {}}', ["/labels", "/severity", "/title"]),
    ],
)
def test_what_is_wrong_is_400_with_every_fault(
    workspace: Workspace, client: Client, body: bytes, pointers: list[str]
) -> None:
    sender = workspace.sender()
    answer = client.send(sender, body)
    assert (answer.status, answer.slug) == (400, "invalid-payload")
    errors = answer.json()["errors"]
    assert sorted(error["pointer"] for error in errors) == pointers
    assert all(error["code"] and error["message"] for error in errors)
    assert recorded(workspace, sender) == [(400, "invalid")]


def test_what_is_no_alert_is_200_ignored(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender("github")
    body = json.dumps({"zen": "Keep it simple.", "hook_id": 1, "hook": {}}).encode()
    headers = {**sender.headers(body), "X-GitHub-Event": "ping"}
    answer = client.request("POST", sender.path, body, headers)
    assert answer.status == 200
    assert answer.json()["status"] == "ignored"
    assert (answer.json()["alert_id"], answer.json()["alerts"]) == (None, [])
    (row,) = workspace.deliveries(sender)
    assert (row["outcome"], row["alert_id"]) == ("ignored", None)
    assert row["error_message"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("webhook_secret", b"sealed with a key that nobody has any more"),
        ("mapping", '{"title": "cut ["}'),
        ("type", "a source of the next version"),
        ("timezone", "Europe/Atlantis"),
    ],
)
def test_an_integration_that_cannot_be_used_is_500_and_no_other_is(
    workspace: Workspace, client: Client, column: str, value: Any
) -> None:
    sender, other = workspace.sender(), workspace.sender()
    workspace.sql(f"UPDATE integrations SET {column} = %s WHERE id = %s", value, sender.id)
    answer = client.send(sender, ALERT)
    assert (answer.status, answer.slug) == (500, "internal-error")
    assert b"Traceback" not in answer.body
    assert recorded(workspace, sender) == [(500, "failed")]
    assert client.send(other, ALERT).status == 201


def test_strangers_cannot_fill_the_record(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender()
    body = json.dumps({"title": "x" * 100_000}).encode()
    for _ in range(20):
        client.request("POST", sender.path, body, {"X-Webhook-Signature": "0" * 64})
    rows = workspace.deliveries(sender)
    assert len(rows) == 5  # TOCSIN_REJECTED_KEEP of this node
    assert all(len(json.dumps(row["raw_payload"])) < 9_000 for row in rows)
    assert all(row["flags"] == ["payload_truncated"] for row in rows)


def test_large_headers_of_strangers_are_cut(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender()
    headers = {f"X-Fill-{number}": "y" * 8_000 for number in range(8)}
    assert client.request("POST", sender.path, b"{}", headers).status == 401
    (row,) = workspace.deliveries(sender)
    assert len(json.dumps(row["headers"])) < 20_000


def test_a_database_that_is_away_is_503_with_retry_after_and_comes_back(
    workspace: Workspace,
) -> None:
    sender = workspace.sender()
    with (
        proxied(workspace.url) as way,
        nodes(way.url, is_forked=True) as (node,),
        node.client() as client,
    ):
        assert client.send(sender, ALERT).status == 201
        way.cut()
        for payload in (ALERT, {"title": "Meanwhile"}, b"not json"):
            answer = client.send(sender, payload)
            assert (answer.status, answer.slug) == (
                (400, "invalid-payload")
                if payload == b"not json"
                else (503, "database-unavailable")
            )
            assert answer.status == 400 or int(answer.headers["retry-after"]) > 0
        unsigned = client.request("POST", sender.path, b"{}")
        assert (unsigned.status, unsigned.slug) == (401, "missing-signature")
        unknown = client.request("POST", f"/webhooks/{uuid4()}", b"{}")
        assert (unknown.status, unknown.slug) == (503, "database-unavailable")
        way.restore()
        assert client.send(sender, ALERT).json()["status"] == "duplicate"
        assert client.send(sender, {"title": "Meanwhile"}).status == 201
        assert client.request("POST", f"/webhooks/{uuid4()}", b"{}").status == 404
    assert len(workspace.alerts(sender)) == 2


def test_every_answer_is_a_delivery_on_record_under_the_id_it_names(
    workspace: Workspace, client: Client
) -> None:
    sender = workspace.sender()
    for payload in (ALERT, ALERT, {**ALERT, "status": "resolved"}):
        answer = client.send(sender, payload).json()
        assert (
            workspace.one(
                "SELECT outcome FROM webhook_deliveries WHERE id = %s", UUID(answer["delivery_id"])
            )
            == answer["status"]
        )
