"""A problem that comes back is a new episode: its webhook is no copy of the one that began the last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.node import Client, Node
from tests.support.workspace import Sender, Workspace

STARTED, ENDED = "2026-03-01T10:00:00Z", "2026-03-01T10:58:00Z"


@pytest.fixture
def person(node: Node, workspace: Workspace) -> Iterator[Client]:
    with node.client(workspace.api_key("responder")) as fresh:
        yield fresh


def group(status: str, summary: str = "Uplink is down") -> dict[str, Any]:
    firing = status == "firing"
    return {
        "version": "4",
        "status": status,
        "groupKey": "{}:{}",
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": "LinkDown", "severity": "critical", "instance": "sw-1"},
                "annotations": {"summary": summary},
                "startsAt": STARTED,
                "endsAt": "0001-01-01T00:00:00Z" if firing else ENDED,
                "fingerprint": "00aa11bb22cc33dd",
            }
        ],
    }


def outcomes(client: Client, sender: Sender, *payloads: Any) -> list[str]:
    return [client.send(sender, payload).json()["status"] for payload in payloads]


def notified(workspace: Workspace, sender: Sender, destination_id: UUID) -> list[dict[str, Any]]:
    """The messages that were planned for it, in order."""
    rows = workspace.sql(
        "SELECT d.payload FROM alert_deliveries d JOIN alerts a ON a.id = d.alert_id"
        " WHERE a.integration_id = %s AND d.alert_destination_id = %s ORDER BY d.sequence",
        sender.id,
        destination_id,
    )
    return [payload for (payload,) in rows]


def events(messages: list[dict[str, Any]]) -> list[str]:
    return [message["event_type"].removeprefix("alerts.") for message in messages]


ALL = ["alerts.triggered", "alerts.acknowledged", "alerts.resolved", "alerts.closed"]


def test_a_lease_that_ran_out_swallows_nothing(workspace: Workspace, client: Client) -> None:
    """What a stopped Prometheus makes of one outage: the third body is the first, to the byte."""
    _, destination_id = workspace.rule(event_types=ALL)
    sender = workspace.sender("alertmanager")
    answers = outcomes(client, sender, group("firing"), group("resolved"), group("firing"))
    assert answers == ["created", "resolved", "created"]
    assert [row["status"] for row in workspace.alerts(sender)] == ["RESOLVED", "OPEN"]
    messages = notified(workspace, sender, destination_id)
    assert events(messages) == ["triggered", "resolved", "triggered"]
    assert workspace.deliveries(sender)[-1]["flags"] == ["old_start"]
    # The second episode ends, too.
    later = group("resolved")
    later["alerts"][0]["endsAt"] = "2026-03-01T12:00:00Z"
    assert outcomes(client, sender, group("firing"), later, later) == [
        "duplicate",
        "resolved",
        "duplicate",
    ]


def test_a_sender_without_times_or_ids_of_events_flaps(
    workspace: Workspace, client: Client
) -> None:
    sender = workspace.sender()
    down = {"title": "orders-db does not answer", "id": "orders-db", "status": "down"}
    up = {"title": "orders-db answers", "id": "orders-db", "status": "up"}
    assert outcomes(client, sender, down, up, down, down, up, up) == [
        "created",
        "resolved",
        "created",
        "duplicate",
        "resolved",
        "duplicate",
    ]


@pytest.mark.parametrize("action", ["resolve", "close"])
def test_what_a_person_ended_and_is_still_wrong_is_notified(
    workspace: Workspace, client: Client, person: Client, action: str
) -> None:
    sender = workspace.sender("alertmanager")
    first = client.send(sender, group("firing")).json()["alert_id"]
    assert person.api("POST", f"/alerts/{first}/{action}").status == 200
    assert outcomes(client, sender, group("firing"), group("firing")) == ["created", "duplicate"]


def test_of_a_sender_not_in_order_it_may_still_be_on_its_way(
    workspace: Workspace, client: Client, person: Client
) -> None:
    sender = workspace.sender()
    down = {"title": "T", "id": "a", "status": "down", "timestamp": STARTED}
    first = client.send(sender, down).json()["alert_id"]
    assert person.api("POST", f"/alerts/{first}/resolve").status == 200
    assert outcomes(client, sender, down) == ["updated"]
    workspace.sql(
        "UPDATE resolutions SET arrived_at = arrived_at - interval '61 s'"
        " WHERE integration_id = %s",
        sender.id,
    )
    assert outcomes(client, sender, down, down) == ["created", "duplicate"]


def test_a_key_stays_known_for_the_whole_window(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender()
    down = {"title": "T", "id": "a", "status": "down"}
    assert client.send(sender, down, Idempotency_Key="one").json()["status"] == "created"
    assert client.send(sender, {**down, "status": "up"}).json()["status"] == "resolved"
    assert client.send(sender, down, Idempotency_Key="one").json()["status"] == "duplicate"
    assert client.send(sender, down, Idempotency_Key="two").json()["status"] == "created"


def test_a_signed_webhook_that_was_overheard_opens_nothing_again(
    workspace: Workspace, client: Client
) -> None:
    """An end frees the fingerprint, but not what was signed with its time: also without a window,
    and for twice as long as that time is tolerated."""
    sender = workspace.sender(
        signed_content="timestamp.body",
        timestamp_header="X-Time",
        timestamp_tolerance_seconds=3_600,
        deduplication_window_minutes=0,
    )
    body = b'{"title": "T", "id": "a", "status": "down"}'
    overheard = sender.headers(body)
    assert client.request("POST", sender.path, body, overheard).json()["status"] == "created"
    assert client.send(sender, {"title": "T", "id": "a", "status": "up"}).status == 200
    again = client.request("POST", sender.path, body, overheard)
    assert again.json()["status"] == "duplicate"
    lifetime = workspace.one(
        "SELECT max(expires_at - now()) FROM webhook_claims WHERE integration_id = %s", sender.id
    )
    assert lifetime > timedelta(seconds=7_190)


def test_an_alert_without_external_id_is_repeated_until_it_has_ended(
    workspace: Workspace, client: Client, person: Client
) -> None:
    sender = workspace.sender()
    first = client.send(sender, {"title": "T"}).json()["alert_id"]
    assert outcomes(client, sender, {"title": "T"}) == ["duplicate"]
    assert person.api("POST", f"/alerts/{first}/close").status == 200
    assert outcomes(client, sender, {"title": "T"}, {"title": "T"}) == ["created", "duplicate"]


def test_a_severity_that_was_taken_back_comes_again(workspace: Workspace, client: Client) -> None:
    """The same body as before is no copy where something else was said meanwhile."""
    sender = workspace.sender()
    bad = {"title": "T", "id": "a", "severity": "critical"}
    better = {**bad, "severity": "low"}
    assert outcomes(client, sender, bad, better, bad) == ["created", "updated", "updated"]
    (row,) = workspace.alerts(sender)
    assert row["severity"] == "CRITICAL"


def test_a_repeat_brings_the_newest_words(workspace: Workspace, client: Client) -> None:
    sender = workspace.sender("alertmanager")
    answers = outcomes(client, sender, group("firing"), group("firing", "Both uplinks are down"))
    assert answers == ["created", "updated"]
    (row,) = workspace.alerts(sender)
    assert row["title"] == "Both uplinks are down"
    assert row["labels"]["instance"] == "sw-1"
    detail = workspace.one(
        "SELECT detail FROM alert_events WHERE alert_id = %s AND kind = 'repeated'", row["id"]
    )
    assert "title" in detail["changed"]
    assert detail["title"] == {"from": "Uplink is down", "to": "Both uplinks are down"}


def test_a_worse_repeat_is_notified_in_its_own_words(workspace: Workspace, client: Client) -> None:
    _, destination_id = workspace.rule(event_types=ALL, min_severity="CRITICAL")
    sender = workspace.sender()
    low = {"title": "Disk 80 % full", "id": "a", "severity": "low", "labels": {"disk": "sda"}}
    bad = {"title": "Disk 99 % full", "id": "a", "severity": "critical"}
    assert outcomes(client, sender, low, bad) == ["created", "updated"]
    (payload,) = notified(workspace, sender, destination_id)
    assert payload["alert"]["title"] == "Disk 99 % full"
    assert payload["alert"]["labels"] == {"disk": "sda"}


def pagerduty(event_type: str, at: str, **data: Any) -> dict[str, Any]:
    incident = {"id": "Q1", "type": "incident", "title": "Lag on db-7", "urgency": "low", **data}
    return {
        "event": {
            "id": f"{event_type}-{at}",
            "event_type": f"incident.{event_type}",
            "occurred_at": f"2026-03-01T{at}Z",
            "data": incident,
        }
    }


def test_an_acknowledgement_that_the_source_takes_back_is_notified(
    workspace: Workspace, client: Client
) -> None:
    _, destination_id = workspace.rule(event_types=ALL)
    sender = workspace.sender("pagerduty")
    answers = outcomes(
        client,
        sender,
        pagerduty("triggered", "10:00:00"),
        pagerduty("acknowledged", "10:01:00"),
        pagerduty("unacknowledged", "10:31:00"),
        pagerduty("priority_updated", "10:32:00", priority={"summary": "P1"}),
        pagerduty("acknowledged", "10:33:00"),
    )
    assert answers == ["created", "acknowledged", "updated", "updated", "acknowledged"]
    (row,) = workspace.alerts(sender)
    assert (row["status"], row["severity"], row["occurrence_count"]) == (
        "ACKNOWLEDGED",
        "CRITICAL",
        1,
    )
    messages = notified(workspace, sender, destination_id)
    assert events(messages)[:3] == ["triggered", "acknowledged", "triggered"]
    assert workspace.timeline(row["id"]) == [
        "triggered",
        "acknowledged",
        "unacknowledged",
        "severity_changed",
        "acknowledged",
    ]


def test_a_worse_alert_takes_its_waiting_messages_to_the_front(
    workspace: Workspace, client: Client
) -> None:
    _, destination_id = workspace.rule(event_types=ALL)
    sender = workspace.sender()
    low = {"title": "Disk 80 % full", "id": "a", "severity": "low"}
    bad = {"title": "Disk 99 % full", "id": "a", "severity": "critical"}
    other = {"title": "Fan is loud", "id": "b", "severity": "low"}
    assert outcomes(client, sender, low, other, bad) == ["created", "created", "updated"]
    rows = workspace.sql(
        "SELECT a.external_id, d.urgency FROM alert_deliveries d JOIN alerts a ON a.id = d.alert_id"
        " WHERE a.integration_id = %s AND d.alert_destination_id = %s ORDER BY d.sequence",
        sender.id,
        destination_id,
    )
    assert rows == [("a", "CRITICAL"), ("b", "LOW")]
