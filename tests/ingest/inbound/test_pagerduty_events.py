"""What senders for PagerDuty send, and PagerDuty's own client, unchanged but for its URL."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from pagerduty import EventsApiV2Client

from tests.ingest.inbound.conftest import Outside
from tests.support import certificates
from tests.support.tls import behind_tls

EVENT = {
    "event_action": "trigger",
    "dedup_key": "srv01/mysql",
    "payload": {"summary": "DISK at 99%", "source": "db-1", "severity": "error"},
}


@pytest.fixture
def integration(outside: Outside) -> Any:
    return outside.integration("pagerduty_events")


def _post(outside: Outside, key: str | None, **changed: Any) -> tuple[int, Any]:
    event = {**EVENT, **changed} | ({} if key is None else {"routing_key": key})
    answer = outside.request("POST", "/v2/enqueue", event)
    assert answer.headers["content-type"] == "application/json"
    return answer.status, answer.json()


def test_the_client_of_pagerduty_opens_acknowledges_and_resolves(
    outside: Outside, integration: Any
) -> None:
    assert integration["webhook_url"].endswith("/v2/enqueue")
    secret = integration["webhook_secret"]
    with (
        behind_tls(outside.url) as url,
        EventsApiV2Client(secret, base_url=url, verify=certificates.client()) as client,
    ):
        key = client.trigger(
            "DISK at 99%",
            "db-1",
            severity="critical",
            custom_details={"free": "1%"},
            links=[{"href": "https://example.org/run-book", "text": "Run book"}],
            images=[{"src": "https://example.org/graph.png"}],
        )
        (alert,) = outside.alerts()
        assert (alert["title"], alert["severity"], alert["status"]) == (
            "DISK at 99%",
            "CRITICAL",
            "OPEN",
        )
        assert alert["external_id"] == key
        assert alert["labels"]["source"] == "db-1"
        assert alert["metadata"]["custom_details"] == {"free": "1%"}
        assert alert["metadata"]["links"][0]["href"] == "https://example.org/run-book"
        assert alert["metadata"]["images"][0]["src"] == "https://example.org/graph.png"

        assert client.acknowledge(key) == key
        assert [each["status"] for each in outside.alerts()] == ["ACKNOWLEDGED"]
        assert client.resolve(key) == key
        assert [each["status"] for each in outside.alerts()] == ["RESOLVED"]
        client.send_change_event({"summary": "deployed", "source": "ci"})
        assert len(outside.alerts()) == 1


def test_answers_are_those_of_the_api(outside: Outside, integration: Any) -> None:
    key = integration["webhook_secret"]
    success = {"status": "success", "message": "Event processed", "dedup_key": "srv01/mysql"}
    assert _post(outside, key) == (202, success)
    # Neither an acknowledgement nor a resolve of what is not open is an error.
    for action in ("acknowledge", "resolve", "resolve", "acknowledge"):
        assert _post(outside, key, event_action=action, payload=None) == (202, success)
    assert [row[0] for row in outside.records()] == [202] * 5


@pytest.mark.parametrize(
    ("key", "changed", "errors"),
    [
        (None, {}, ["'routing_key' is missing or blank"]),
        (
            "too-short!",
            {},
            [
                "Length of 'routing_key' is incorrect (should be 32 characters)",
                "'routing_key' cannot contain non-alphanumeric characters.",
            ],
        ),
        ("0" * 32, {}, ["Invalid routing key"]),
        ("own", {"event_action": ""}, ["'event_action' is missing or blank"]),
        ("own", {"payload": {"source": "x"}}, ["'payload.summary' is missing or blank"]),
        (
            "own",
            {"event_action": "resolve", "dedup_key": None},
            ["'dedup_key' is missing or blank"],
        ),
    ],
)
def test_faults_are_named_in_its_words(
    outside: Outside,
    integration: Any,
    key: str | None,
    changed: dict[str, Any],
    errors: list[str],
) -> None:
    own = integration["webhook_secret"] if key == "own" else key
    assert _post(outside, own, **changed) == (
        400,
        {"status": "invalid event", "message": "Event object is invalid", "errors": errors},
    )
    assert outside.alerts() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"nonsense"])
def test_what_is_no_event_at_all(outside: Outside, integration: Any, body: bytes) -> None:
    answer = outside.request("POST", "/v2/enqueue", raw=body)
    assert (answer.status, answer.json()["status"]) == (400, "Unrecognized object")


def test_an_event_without_a_key_repeats_itself_and_no_other(
    outside: Outside, integration: Any
) -> None:
    key = integration["webhook_secret"]
    first = _post(outside, key, dedup_key=None)[1]["dedup_key"]
    assert _post(outside, key, dedup_key=None)[1]["dedup_key"] == first
    other = _post(outside, key, dedup_key=None, payload={"summary": "another"})[1]["dedup_key"]
    assert other != first
    assert [each["occurrence_count"] for each in outside.alerts()] == [2, 1]
    assert _post(outside, key, event_action="resolve", dedup_key=first)[0] == 202
    assert [each["status"] for each in outside.alerts()] == ["RESOLVED", "OPEN"]


def test_a_key_that_a_sender_has_already_says_which_integration(
    outside: Outside, integration: Any
) -> None:
    other = outside.integration("pagerduty_events", name="another")
    old = "e93facc04764012d7bfb002500d5d1a6"
    path = f"/integrations/{other['id']}/tokens"
    made = outside.hub.admin.made(path, {"label": "as before", "token": old})
    assert _post(outside, old)[0] == 202
    (alert,) = outside.alerts()
    assert alert["integration_id"] == other["id"]
    wrong = outside.hub.admin.post(path, {"label": "x", "token": "of-another-form-than-32"})
    assert wrong.slug == "validation-failed"
    outside.hub.admin.delete(f"{path}/{made['id']}")
    assert _post(outside, old)[0] == 400


def test_the_same_dedup_key_of_two_services_is_two_alerts(
    outside: Outside, integration: Any
) -> None:
    other = outside.integration("pagerduty_events", name="another")
    for each in (integration, other):
        assert _post(outside, each["webhook_secret"])[0] == 202
    assert {each["integration_id"] for each in outside.alerts()} == {integration["id"], other["id"]}


def test_the_key_is_in_no_record(outside: Outside, integration: Any) -> None:
    key = integration["webhook_secret"]
    _post(outside, key)
    headers = {"X-Routing-Key": key, "X-Original": f"/{key}", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps(EVENT).encode())
    answer = outside.request("POST", "/v2/enqueue", raw=packed, headers=headers)
    assert answer.status == 202
    assert [row[1] for row in outside.records()] == ["created", "updated"]
    assert key not in json.dumps(outside.records())


def test_a_switched_off_service_and_other_methods(outside: Outside, integration: Any) -> None:
    assert outside.request("GET", "/v2/enqueue").status == 405
    outside.hub.admin.patch(f"/integrations/{integration['id']}", {"is_active": False})
    assert _post(outside, integration["webhook_secret"])[0] == 403
    assert outside.alerts() == []


def test_the_key_of_another_kind_opens_nothing(outside: Outside) -> None:
    other = outside.integration("generic")
    path = f"/integrations/{other['id']}"
    changed = {"auth_scheme": "token", "signature_header": "X-Key"}
    outside.hub.admin.patch(path, changed)
    made = outside.hub.admin.made(path + "/tokens", {"label": "x", "token": "a" * 32})
    assert _post(outside, made["token"])[0] == 400
