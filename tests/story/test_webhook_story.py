"""Whole stories of alerts over HTTP: repeats, late arrivals, tenants, people, replays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.node import Client, Node
from tests.support.workspace import Sender, Workspace

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minute: int) -> str:
    return (NOON + timedelta(minutes=minute)).isoformat()


def alert(external_id: str | None = "disk-1", **fields: Any) -> dict[str, Any]:
    identified = {} if external_id is None else {"external_id": external_id}
    return {"title": "Disk full", **identified, **fields}


def outcome(client: Client, sender: Sender, payload: Any, **headers: str) -> str:
    answer = client.send(sender, payload, **headers)
    assert answer.status in (200, 201), answer
    status: str = answer.json()["status"]
    assert (answer.status == 201) == (status == "created")
    return status


def statuses(workspace: Workspace, sender: Sender) -> list[str]:
    return [row["status"] for row in workspace.alerts(sender)]


@pytest.fixture
def person(node: Node, workspace: Workspace) -> Iterator[Client]:
    with node.client(workspace.api_key("responder")) as fresh:
        yield fresh


class TestDuplicates:
    def test_the_same_content_is_a_duplicate_that_names_the_alert(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        first = client.send(sender, alert()).json()
        again = client.send(sender, alert()).json()
        assert again["status"] == "duplicate"
        assert again["alert_id"] == first["alert_id"]
        assert again["alerts"] == [{"alert_id": first["alert_id"], "status": "duplicate"}]
        one, two = workspace.deliveries(sender)
        assert (two["duplicate_of_id"], two["alert_id"]) == (one["id"], None)
        (row,) = workspace.alerts(sender)
        assert row["occurrence_count"] == 1

    def test_key_order_white_space_and_spelling_do_not_matter(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, b'{"title":"Caf\xc3\xa9","labels":{"a":"1","b":"2"}}') == (
            "created"
        )
        same = b' { "labels" : {"b":"2", "a":"1"},\n "title": "Caf\\u00e9" } '
        assert outcome(client, sender, same) == "duplicate"

    def test_what_its_source_declares_volatile_does_not_matter(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender("alertmanager")
        group = {"status": "firing", "alerts": [{"labels": {"alertname": "A"}, "startsAt": at(0)}]}
        assert outcome(client, sender, {**group, "externalURL": "http://am-0"}) == "created"
        assert outcome(client, sender, {**group, "externalURL": "http://am-1"}) == "duplicate"

    def test_a_key_with_the_same_content_is_a_duplicate(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, alert(), Idempotency_Key="k1") == "created"
        assert outcome(client, sender, alert(), Idempotency_Key="k1") == "duplicate"
        assert {row["idempotency_key"] for row in workspace.deliveries(sender)} == {"k1"}

    def test_a_known_key_with_other_content_is_accepted_and_flagged(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, alert("a"), X_Request_Id="k1") == "created"
        assert outcome(client, sender, alert("b"), X_Request_Id="k1") == "created"
        assert [row["flags"] for row in workspace.deliveries(sender)] == [
            [],
            ["idempotency_key_reused"],
        ]
        assert len(workspace.alerts(sender)) == 2

    def test_one_integration_s_duplicate_is_another_s_first(
        self, workspace: Workspace, client: Client
    ) -> None:
        for sender in (workspace.sender(), workspace.sender()):
            assert outcome(client, sender, alert(), Idempotency_Key="k1") == "created"

    def test_without_a_window_nothing_is_a_duplicate(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender(deduplication_window_minutes=0)
        assert outcome(client, sender, alert(None)) == "created"
        assert outcome(client, sender, alert(None)) == "created"
        assert outcome(client, sender, alert()) == "created"
        assert outcome(client, sender, alert()) == "updated"

    def test_when_the_window_has_passed_it_is_new(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, alert(None)) == "created"
        workspace.sql(
            "UPDATE webhook_claims SET expires_at = now() WHERE integration_id = %s", sender.id
        )
        assert outcome(client, sender, alert(None)) == "created"
        assert outcome(client, sender, alert(None)) == "duplicate"

    def test_what_was_refused_makes_nothing_a_duplicate(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        body = json.dumps(alert()).encode()
        wrong = {"X-Webhook-Signature": "0" * 64, "Idempotency-Key": "k1"}
        assert client.request("POST", sender.path, body, wrong).status == 401
        assert outcome(client, sender, body, Idempotency_Key="k1") == "created"
        (row,) = (row for row in workspace.deliveries(sender) if row["outcome"] == "created")
        assert row["flags"] == []

    def test_what_did_nothing_makes_nothing_a_duplicate(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        acknowledge = alert(status="acknowledged")
        assert outcome(client, sender, acknowledge) == "ignored"
        assert outcome(client, sender, alert()) == "created"
        assert outcome(client, sender, acknowledge) == "acknowledged"


class TestCorrelation:
    def test_from_trigger_to_resolve_and_anew(self, workspace: Workspace, client: Client) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, alert(severity="low")) == "created"
        assert outcome(client, sender, alert(severity="critical")) == "updated"
        assert outcome(client, sender, alert(status="acknowledged")) == "acknowledged"
        assert outcome(client, sender, alert(status="resolved")) == "resolved"
        assert outcome(client, sender, alert(description="again")) == "created"
        first, second = workspace.alerts(sender)
        assert (first["status"], first["severity"]) == ("RESOLVED", "CRITICAL")
        assert first["occurrence_count"] == 2
        assert first["acknowledged_at"] is not None
        assert first["resolved_at"] is not None
        assert (second["status"], second["occurrence_count"]) == ("OPEN", 1)
        assert workspace.timeline(first["id"]) == [
            "triggered",
            "repeated",
            "severity_changed",
            "acknowledged",
            "resolved",
        ]

    def test_without_an_external_id_each_is_an_alert(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, alert(None, description="1")) == "created"
        assert outcome(client, sender, alert(None, description="2")) == "created"
        assert outcome(client, sender, alert(None, status="resolved")) == "ignored"
        assert statuses(workspace, sender) == ["OPEN", "OPEN"]

    def test_a_resolve_that_comes_first_is_remembered(
        self, workspace: Workspace, client: Client
    ) -> None:
        _, destination_id = workspace.rule(event_types=["alerts.triggered", "alerts.resolved"])
        sender = workspace.sender()
        resolve = alert(status="resolved", resolved_at=at(5))
        assert outcome(client, sender, resolve) == "ignored"
        assert outcome(client, sender, alert(triggered_at=at(1))) == "created"
        (row,) = workspace.alerts(sender)
        assert (row["status"], row["resolved_at"]) == ("RESOLVED", NOON + timedelta(minutes=5))
        assert workspace.timeline(row["id"]) == ["triggered", "resolved"]
        planned = workspace.sql(
            "SELECT event_type FROM alert_deliveries WHERE alert_id = %s", row["id"]
        )
        assert planned == []
        # The same trouble, after that resolve, notifies.
        assert outcome(client, sender, alert(triggered_at=at(9))) == "created"
        assert statuses(workspace, sender) == ["RESOLVED", "OPEN"]
        planned = workspace.sql(
            "SELECT event_type, status::text FROM alert_deliveries WHERE alert_destination_id = %s",
            destination_id,
        )
        assert planned == [("alerts.triggered", "queued")]
        workspace.sql("UPDATE alert_rules SET deleted_at = now(), is_enabled = false")

    def test_a_trigger_that_is_late_belongs_to_the_alert_that_ended(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, alert(triggered_at=at(1))) == "created"
        assert outcome(client, sender, alert(status="resolved", resolved_at=at(5))) == "resolved"
        assert outcome(client, sender, alert(timestamp=at(3))) == "updated"
        (row,) = workspace.alerts(sender)
        assert (row["status"], row["occurrence_count"]) == ("RESOLVED", 2)
        assert workspace.timeline(row["id"])[-1] == "outdated"

    def test_what_is_older_than_the_last_signal_moves_nothing(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        assert outcome(client, sender, alert(triggered_at=at(1), severity="low")) == "created"
        assert outcome(client, sender, alert(timestamp=at(9), severity="medium")) == "updated"
        for payload in (
            alert(status="resolved", resolved_at=at(5)),
            alert(status="acknowledged", acknowledged_at=at(6)),
        ):
            assert outcome(client, sender, payload) == "ignored"
        assert outcome(client, sender, alert(timestamp=at(4), severity="critical")) == "updated"
        (row,) = workspace.alerts(sender)
        assert (row["status"], row["severity"], row["occurrence_count"]) == ("OPEN", "MEDIUM", 3)
        assert workspace.timeline(row["id"]).count("outdated") == 2

    def test_several_alerts_in_one_webhook(self, workspace: Workspace, client: Client) -> None:
        sender = workspace.sender("alertmanager")

        def group(**given: str) -> dict[str, Any]:
            return {
                "alerts": [
                    {"status": status, "labels": {"alertname": name}, "startsAt": at(0)}
                    | ({"endsAt": at(5)} if status == "resolved" else {})
                    for name, status in given.items()
                ]
            }

        first = client.send(sender, group(a="firing", b="firing"))
        assert (first.status, first.json()["status"]) == (201, "created")
        assert first.json()["alert_id"] is None
        a, b = (each["alert_id"] for each in first.json()["alerts"])
        again = client.send(sender, group(a="firing", b="firing")).json()
        assert again["status"] == "duplicate"
        assert [each["alert_id"] for each in again["alerts"]] == [a, b]
        mixed = client.send(sender, group(a="resolved", b="firing", c="firing"))
        assert (mixed.status, mixed.json()["status"]) == (201, "created")
        assert {each["alert_id"]: each["status"] for each in mixed.json()["alerts"]} == {
            a: "resolved",
            b: "updated",
            str(workspace.alerts(sender)[2]["id"]): "created",
        }
        (row,) = (row for row in workspace.deliveries(sender) if row["outcome"] == "duplicate")
        assert row["alert_id"] is None

    def test_what_is_doubtful_is_accepted_and_flagged(
        self, workspace: Workspace, client: Client
    ) -> None:
        sender = workspace.sender()
        doubtful = {
            "title": "x" * 900,
            "severity": "apocalyptic",
            "timestamp": "yesterday-ish",
            "status": "wobbling",
            "external_id": "y" * 3_000,
            "description": "nul \u0000 and \U0001f4a5",
        }
        assert outcome(client, sender, doubtful) == "created"
        (row,) = workspace.deliveries(sender)
        assert set(row["flags"]) == {
            "title_truncated",
            "unknown_severity",
            "unreadable_time",
            "unknown_status",
            "external_id_truncated",
        }
        (made,) = workspace.alerts(sender)
        assert (made["severity"], len(made["title"])) == ("HIGH", 500)


class TestTenants:
    def test_the_payload_may_name_one(self, workspace: Workspace, client: Client) -> None:
        acme = workspace.tenant("acme")
        sender = workspace.sender()
        assert outcome(client, sender, alert("a", tenant="acme")) == "created"
        assert outcome(client, sender, alert("b", tenant="unheard-of")) == "created"
        assert outcome(client, sender, alert("c")) == "created"
        assert [row["tenant_id"] for row in workspace.alerts(sender)] == [
            acme,
            workspace.tenant_id,
            workspace.tenant_id,
        ]
        flags = [row["flags"] for row in workspace.deliveries(sender)]
        assert flags == [[], ["unknown_tenant"], []]


class TestSecrets:
    def test_after_a_rotation_both_are_good_for_a_while(
        self, workspace: Workspace, node: Node, client: Client
    ) -> None:
        sender = workspace.sender(secret="the-first-secret")
        assert outcome(client, sender, alert("a")) == "created"
        with node.client(workspace.api_key()) as admin:
            path = f"/integrations/{sender.id}/rotate-secret"
            rotated = admin.api("POST", path, {"overlap_minutes": 5}).json()
        columns = {"signature_header": "X-Webhook-Signature"}
        renewed = Sender(
            sender.id, workspace.profile("generic", rotated["webhook_secret"], columns)
        )
        assert outcome(client, renewed, alert("b")) == "created"
        assert outcome(client, sender, alert("c")) == "created"
        workspace.sql(
            "UPDATE integrations SET previous_secret_expires_at = now() WHERE id = %s", sender.id
        )
        assert outcome(client, renewed, alert("d")) == "created"
        assert client.send(sender, alert("e")).slug == "invalid-signature"


class TestPeople:
    def made(self, client: Client, sender: Sender, **fields: Any) -> str:
        answer = client.send(sender, alert(**fields)).json()
        assert answer["status"] == "created", answer
        alert_id: str = answer["alert_id"]
        return alert_id

    def test_states_and_what_is_409(
        self, workspace: Workspace, client: Client, person: Client
    ) -> None:
        alert_id = self.made(client, workspace.sender())
        seen = []
        for action in (
            "reopen",
            "acknowledge",
            "acknowledge",
            "resolve",
            "resolve",
            "acknowledge",
            "reopen",
            "resolve",
            "close",
            "reopen",
            "close",
            "resolve",
        ):
            answer = person.api("POST", f"/alerts/{alert_id}/{action}")
            if answer.status != 200:
                assert answer.slug == "transition-not-allowed"
            seen.append((action, answer.json()["status"]))
        assert seen == [
            # Asking for the status that it has changes nothing.
            ("reopen", "OPEN"),
            ("acknowledge", "ACKNOWLEDGED"),
            ("acknowledge", "ACKNOWLEDGED"),
            ("resolve", "RESOLVED"),
            ("resolve", "RESOLVED"),
            ("acknowledge", 409),
            ("reopen", "OPEN"),
            ("resolve", "RESOLVED"),
            ("close", "CLOSED"),
            ("reopen", 409),
            ("close", "CLOSED"),
            ("resolve", 409),
        ]
        assert workspace.timeline(alert_id) == [
            "triggered",
            "acknowledged",
            "resolved",
            "reopened",
            "resolved",
            "closed",
        ]

    def test_what_was_closed_or_resolved_by_a_person_opens_anew(
        self, workspace: Workspace, client: Client, person: Client
    ) -> None:
        sender = workspace.sender()
        for count, action in enumerate(("resolve", "close"), 1):
            alert_id = self.made(client, sender, description=action)
            assert person.api("POST", f"/alerts/{alert_id}/{action}").status == 200
            assert len(workspace.alerts(sender)) == count
        assert outcome(client, sender, alert(description="still")) == "created"

    def test_reopening_waits_for_the_newer_alert(
        self, workspace: Workspace, client: Client, person: Client
    ) -> None:
        sender = workspace.sender()
        first = self.made(client, sender)
        assert outcome(client, sender, alert(status="resolved")) == "resolved"
        second = self.made(client, sender, description="again")
        answer = person.api("POST", f"/alerts/{first}/reopen")
        assert (answer.status, answer.slug) == (409, "open-alert-exists")
        assert person.api("POST", f"/alerts/{second}/close").status == 200
        assert person.api("POST", f"/alerts/{first}/reopen").json()["status"] == "OPEN"
        assert outcome(client, sender, alert(description="once more")) == "updated"
        assert statuses(workspace, sender) == ["OPEN", "CLOSED"]

    def test_the_source_resolves_what_a_person_acknowledged(
        self, workspace: Workspace, client: Client, person: Client
    ) -> None:
        sender = workspace.sender()
        alert_id = self.made(client, sender)
        note = {"note": "on it"}
        assert person.api("POST", f"/alerts/{alert_id}/acknowledge", note).status == 200
        assert outcome(client, sender, alert(description="repeat")) == "updated"
        assert statuses(workspace, sender) == ["ACKNOWLEDGED"]
        assert outcome(client, sender, alert(status="resolved")) == "resolved"

    def test_actions_outlive_the_connection_they_used(
        self, workspace: Workspace, client: Client, person: Client
    ) -> None:
        alert_id = self.made(client, workspace.sender())
        assert person.api("POST", f"/alerts/{alert_id}/acknowledge").status == 200
        workspace.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert person.api("POST", f"/alerts/{alert_id}/resolve").status == 200


class TestReplay:
    def test_dry_run_shows_what_would_differ_and_keeps_nothing(
        self, workspace: Workspace, client: Client, person: Client
    ) -> None:
        sender = workspace.sender(mapping={"title": "name", "external_id": "ref"})
        answer = client.send(sender, {"name": "Disk", "ref": "r1", "better": "Disk of db-1"})
        assert answer.status == 201, answer
        workspace.sql(
            "UPDATE integrations SET mapping = jsonb_set(mapping, '{title}', '\"better\"')"
            " WHERE id = %s",
            sender.id,
        )
        path = f"/webhook-deliveries/{answer.json()['delivery_id']}/replay"
        before = (workspace.alerts(sender), workspace.deliveries(sender))
        shown = person.api("POST", path, {"dry_run": True})
        assert shown.status == 200, shown
        assert shown.json()["status"] == "updated"
        assert (workspace.alerts(sender), workspace.deliveries(sender)) == before
        (difference,) = shown.json()["differences"]
        assert (difference["field"], difference["stored"], difference["now"]) == (
            "title",
            "Disk",
            "Disk of db-1",
        )
        done = person.api("POST", path, {"dry_run": False})
        assert done.status == 200, done
        assert done.json()["status"] == "updated"
        row = workspace.deliveries(sender)[1]
        assert str(row["replay_of_id"]) == answer.json()["delivery_id"]
        assert str(row["id"]) == done.json()["delivery_id"]
        # A rehearsal holds nothing up.
        assert outcome(client, sender, {"name": "x", "better": "y", "ref": "r1"}) == "updated"

    def test_what_was_invalid_may_be_valid_today(
        self, workspace: Workspace, client: Client, person: Client
    ) -> None:
        sender = workspace.sender()
        answer = client.send(sender, {"name": "Disk"})
        assert answer.status == 400
        workspace.sql(
            'UPDATE integrations SET mapping = \'{"title": "name"}\' WHERE id = %s',
            sender.id,
        )
        (row,) = workspace.deliveries(sender)
        done = person.api("POST", f"/webhook-deliveries/{row['id']}/replay", {}).json()
        assert (done["outcome_before"], done["status"]) == ("invalid", "created")
        assert [made["title"] for made in workspace.alerts(sender)] == ["Disk"]
