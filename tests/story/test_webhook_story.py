"""Whole stories of alerts over HTTP: repeats, late arrivals, tenants, people, replays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.story.server import Client, Node
from tests.story.site import Sender, Site

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


def statuses(site: Site, sender: Sender) -> list[str]:
    return [row["status"] for row in site.alerts(sender)]


@pytest.fixture
def person(node: Node, site: Site) -> Iterator[Client]:
    with node.client(site.api_key("responder")) as fresh:
        yield fresh


class TestDuplicates:
    def test_the_same_content_is_a_duplicate_that_names_the_alert(
        self, site: Site, client: Client
    ) -> None:
        sender = site.sender()
        first = client.send(sender, alert()).json()
        again = client.send(sender, alert()).json()
        assert again["status"] == "duplicate"
        assert again["alert_id"] == first["alert_id"]
        assert again["alerts"] == [{"alert_id": first["alert_id"], "status": "duplicate"}]
        one, two = site.deliveries(sender)
        assert (two["duplicate_of_id"], two["alert_id"]) == (one["id"], None)
        (row,) = site.alerts(sender)
        assert row["occurrence_count"] == 1

    def test_key_order_white_space_and_spelling_do_not_matter(
        self, site: Site, client: Client
    ) -> None:
        sender = site.sender()
        assert outcome(client, sender, b'{"title":"Caf\xc3\xa9","labels":{"a":"1","b":"2"}}') == (
            "created"
        )
        same = b' { "labels" : {"b":"2", "a":"1"},\n "title": "Caf\\u00e9" } '
        assert outcome(client, sender, same) == "duplicate"

    def test_what_its_source_declares_volatile_does_not_matter(
        self, site: Site, client: Client
    ) -> None:
        sender = site.sender("alertmanager")
        group = {"status": "firing", "alerts": [{"labels": {"alertname": "A"}, "startsAt": at(0)}]}
        assert outcome(client, sender, {**group, "externalURL": "http://am-0"}) == "created"
        assert outcome(client, sender, {**group, "externalURL": "http://am-1"}) == "duplicate"

    def test_a_key_with_the_same_content_is_a_duplicate(self, site: Site, client: Client) -> None:
        sender = site.sender()
        assert outcome(client, sender, alert(), Idempotency_Key="k1") == "created"
        assert outcome(client, sender, alert(), Idempotency_Key="k1") == "duplicate"
        assert {row["idempotency_key"] for row in site.deliveries(sender)} == {"k1"}

    def test_a_known_key_with_other_content_is_accepted_and_flagged(
        self, site: Site, client: Client
    ) -> None:
        sender = site.sender()
        assert outcome(client, sender, alert("a"), X_Request_Id="k1") == "created"
        assert outcome(client, sender, alert("b"), X_Request_Id="k1") == "created"
        assert [row["flags"] for row in site.deliveries(sender)] == [[], ["idempotency_key_reused"]]
        assert len(site.alerts(sender)) == 2

    def test_one_integration_s_duplicate_is_another_s_first(
        self, site: Site, client: Client
    ) -> None:
        for sender in (site.sender(), site.sender()):
            assert outcome(client, sender, alert(), Idempotency_Key="k1") == "created"

    def test_without_a_window_nothing_is_a_duplicate(self, site: Site, client: Client) -> None:
        sender = site.sender(deduplication_window_minutes=0)
        assert outcome(client, sender, alert(None)) == "created"
        assert outcome(client, sender, alert(None)) == "created"
        assert outcome(client, sender, alert()) == "created"
        assert outcome(client, sender, alert()) == "updated"

    def test_when_the_window_has_passed_it_is_new(self, site: Site, client: Client) -> None:
        sender = site.sender()
        assert outcome(client, sender, alert(None)) == "created"
        site.sql(
            "UPDATE webhook_claims SET expires_at = now() WHERE integration_id = %s", sender.id
        )
        assert outcome(client, sender, alert(None)) == "created"
        assert outcome(client, sender, alert(None)) == "duplicate"

    def test_what_was_refused_makes_nothing_a_duplicate(self, site: Site, client: Client) -> None:
        sender = site.sender()
        body = json.dumps(alert()).encode()
        wrong = {"X-Webhook-Signature": "0" * 64, "Idempotency-Key": "k1"}
        assert client.request("POST", sender.path, body, wrong).status == 401
        assert outcome(client, sender, body, Idempotency_Key="k1") == "created"
        (row,) = (row for row in site.deliveries(sender) if row["outcome"] == "created")
        assert row["flags"] == []

    def test_what_did_nothing_makes_nothing_a_duplicate(self, site: Site, client: Client) -> None:
        sender = site.sender()
        acknowledge = alert(status="acknowledged")
        assert outcome(client, sender, acknowledge) == "ignored"
        assert outcome(client, sender, alert()) == "created"
        assert outcome(client, sender, acknowledge) == "acknowledged"


class TestCorrelation:
    def test_from_trigger_to_resolve_and_anew(self, site: Site, client: Client) -> None:
        sender = site.sender()
        assert outcome(client, sender, alert(severity="low")) == "created"
        assert outcome(client, sender, alert(severity="critical")) == "updated"
        assert outcome(client, sender, alert(status="acknowledged")) == "acknowledged"
        assert outcome(client, sender, alert(status="resolved")) == "resolved"
        assert outcome(client, sender, alert(description="again")) == "created"
        first, second = site.alerts(sender)
        assert (first["status"], first["severity"]) == ("RESOLVED", "CRITICAL")
        assert first["occurrence_count"] == 2
        assert first["acknowledged_at"] is not None
        assert first["resolved_at"] is not None
        assert (second["status"], second["occurrence_count"]) == ("OPEN", 1)
        assert site.timeline(first["id"]) == [
            "triggered",
            "repeated",
            "severity_changed",
            "acknowledged",
            "resolved",
        ]

    def test_without_an_external_id_each_is_an_alert(self, site: Site, client: Client) -> None:
        sender = site.sender()
        assert outcome(client, sender, alert(None, description="1")) == "created"
        assert outcome(client, sender, alert(None, description="2")) == "created"
        assert outcome(client, sender, alert(None, status="resolved")) == "ignored"
        assert statuses(site, sender) == ["OPEN", "OPEN"]

    def test_a_resolve_that_comes_first_is_remembered(self, site: Site, client: Client) -> None:
        _, destination_id = site.rule(event_types=["alerts.triggered", "alerts.resolved"])
        sender = site.sender()
        resolve = alert(status="resolved", resolved_at=at(5))
        assert outcome(client, sender, resolve) == "ignored"
        assert outcome(client, sender, alert(triggered_at=at(1))) == "created"
        (row,) = site.alerts(sender)
        assert (row["status"], row["resolved_at"]) == ("RESOLVED", NOON + timedelta(minutes=5))
        assert site.timeline(row["id"]) == ["triggered", "resolved"]
        owed = site.sql("SELECT event_type FROM alert_deliveries WHERE alert_id = %s", row["id"])
        assert owed == []
        # The same trouble, after that resolve, is told.
        assert outcome(client, sender, alert(triggered_at=at(9))) == "created"
        assert statuses(site, sender) == ["RESOLVED", "OPEN"]
        owed = site.sql(
            "SELECT event_type, status::text FROM alert_deliveries WHERE alert_destination_id = %s",
            destination_id,
        )
        assert owed == [("alerts.triggered", "queued")]
        site.sql("DELETE FROM alert_rules")

    def test_a_trigger_that_is_late_belongs_to_the_alert_that_ended(
        self, site: Site, client: Client
    ) -> None:
        sender = site.sender()
        assert outcome(client, sender, alert(triggered_at=at(1))) == "created"
        assert outcome(client, sender, alert(status="resolved", resolved_at=at(5))) == "resolved"
        assert outcome(client, sender, alert(timestamp=at(3))) == "updated"
        (row,) = site.alerts(sender)
        assert (row["status"], row["occurrence_count"]) == ("RESOLVED", 2)
        assert site.timeline(row["id"])[-1] == "outdated"

    def test_what_is_older_than_the_last_signal_moves_nothing(
        self, site: Site, client: Client
    ) -> None:
        sender = site.sender()
        assert outcome(client, sender, alert(triggered_at=at(1), severity="low")) == "created"
        assert outcome(client, sender, alert(timestamp=at(9), severity="medium")) == "updated"
        for payload in (
            alert(status="resolved", resolved_at=at(5)),
            alert(status="acknowledged", acknowledged_at=at(6)),
        ):
            assert outcome(client, sender, payload) == "ignored"
        assert outcome(client, sender, alert(timestamp=at(4), severity="critical")) == "updated"
        (row,) = site.alerts(sender)
        assert (row["status"], row["severity"], row["occurrence_count"]) == ("OPEN", "MEDIUM", 3)
        assert site.timeline(row["id"]).count("outdated") == 2

    def test_several_alerts_in_one_webhook(self, site: Site, client: Client) -> None:
        sender = site.sender("alertmanager")

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
            str(site.alerts(sender)[2]["id"]): "created",
        }
        (row,) = (row for row in site.deliveries(sender) if row["outcome"] == "duplicate")
        assert row["alert_id"] is None

    def test_what_is_doubtful_is_accepted_and_flagged(self, site: Site, client: Client) -> None:
        sender = site.sender()
        doubtful = {
            "title": "x" * 900,
            "severity": "apocalyptic",
            "timestamp": "yesterday-ish",
            "status": "wobbling",
            "external_id": "y" * 3_000,
            "description": "nul \u0000 and \U0001f4a5",
        }
        assert outcome(client, sender, doubtful) == "created"
        (row,) = site.deliveries(sender)
        assert set(row["flags"]) == {
            "title_truncated",
            "unknown_severity",
            "unreadable_time",
            "unknown_status",
            "external_id_truncated",
        }
        (made,) = site.alerts(sender)
        assert (made["severity"], len(made["title"])) == ("HIGH", 500)


class TestTenants:
    def test_the_payload_may_name_one(self, site: Site, client: Client) -> None:
        acme = site.tenant("acme")
        sender = site.sender()
        assert outcome(client, sender, alert("a", tenant="acme")) == "created"
        assert outcome(client, sender, alert("b", tenant="unheard-of")) == "created"
        assert outcome(client, sender, alert("c")) == "created"
        assert [row["tenant_id"] for row in site.alerts(sender)] == [
            acme,
            site.tenant_id,
            site.tenant_id,
        ]
        flags = [row["flags"] for row in site.deliveries(sender)]
        assert flags == [[], ["unknown_tenant"], []]


class TestSecrets:
    def test_after_a_rotation_both_are_good_for_a_while(
        self, site: Site, node: Node, client: Client
    ) -> None:
        sender = site.sender(secret="the-first-secret")
        assert outcome(client, sender, alert("a")) == "created"
        with node.client(site.api_key()) as admin:
            path = f"/integrations/{sender.id}/rotate-secret"
            rotated = admin.api("POST", path, {"overlap_minutes": 5}).json()
        columns = {"signature_header": "X-Webhook-Signature"}
        renewed = Sender(sender.id, site.profile("generic", rotated["webhook_secret"], columns))
        assert outcome(client, renewed, alert("b")) == "created"
        assert outcome(client, sender, alert("c")) == "created"
        site.sql(
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

    def test_states_and_what_is_409(self, site: Site, client: Client, person: Client) -> None:
        alert_id = self.made(client, site.sender())
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
            ("reopen", 409),
            ("acknowledge", "ACKNOWLEDGED"),
            ("acknowledge", 409),
            ("resolve", "RESOLVED"),
            ("resolve", 409),
            ("acknowledge", 409),
            ("reopen", "OPEN"),
            ("resolve", "RESOLVED"),
            ("close", "CLOSED"),
            ("reopen", 409),
            ("close", 409),
            ("resolve", 409),
        ]
        assert site.timeline(alert_id) == [
            "triggered",
            "acknowledged",
            "resolved",
            "reopened",
            "resolved",
            "closed",
        ]

    def test_what_was_closed_or_resolved_by_a_person_opens_anew(
        self, site: Site, client: Client, person: Client
    ) -> None:
        sender = site.sender()
        for count, action in enumerate(("resolve", "close"), 1):
            alert_id = self.made(client, sender, description=action)
            assert person.api("POST", f"/alerts/{alert_id}/{action}").status == 200
            assert len(site.alerts(sender)) == count
        assert outcome(client, sender, alert(description="still")) == "created"

    def test_reopening_waits_for_the_newer_alert(
        self, site: Site, client: Client, person: Client
    ) -> None:
        sender = site.sender()
        first = self.made(client, sender)
        assert outcome(client, sender, alert(status="resolved")) == "resolved"
        second = self.made(client, sender, description="again")
        answer = person.api("POST", f"/alerts/{first}/reopen")
        assert (answer.status, answer.slug) == (409, "open-alert-exists")
        assert person.api("POST", f"/alerts/{second}/close").status == 200
        assert person.api("POST", f"/alerts/{first}/reopen").json()["status"] == "OPEN"
        assert outcome(client, sender, alert(description="once more")) == "updated"
        assert statuses(site, sender) == ["OPEN", "CLOSED"]

    def test_the_source_resolves_what_a_person_acknowledged(
        self, site: Site, client: Client, person: Client
    ) -> None:
        sender = site.sender()
        alert_id = self.made(client, sender)
        note = {"note": "on it"}
        assert person.api("POST", f"/alerts/{alert_id}/acknowledge", note).status == 200
        assert outcome(client, sender, alert(description="repeat")) == "updated"
        assert statuses(site, sender) == ["ACKNOWLEDGED"]
        assert outcome(client, sender, alert(status="resolved")) == "resolved"

    def test_actions_outlive_the_connection_they_used(
        self, site: Site, client: Client, person: Client
    ) -> None:
        alert_id = self.made(client, site.sender())
        assert person.api("POST", f"/alerts/{alert_id}/acknowledge").status == 200
        site.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert person.api("POST", f"/alerts/{alert_id}/resolve").status == 200


class TestReplay:
    def test_dry_run_shows_what_would_differ_and_keeps_nothing(
        self, site: Site, client: Client, person: Client
    ) -> None:
        sender = site.sender(mapping={"title": "name", "external_id": "ref"})
        answer = client.send(sender, {"name": "Disk", "ref": "r1", "better": "Disk of db-1"})
        assert answer.status == 201, answer
        site.sql(
            "UPDATE integrations SET mapping = jsonb_set(mapping, '{title}', '\"better\"')"
            " WHERE id = %s",
            sender.id,
        )
        path = f"/webhook-deliveries/{answer.json()['delivery_id']}/replay"
        before = (site.alerts(sender), site.deliveries(sender))
        shown = person.api("POST", path, {"dry_run": True})
        assert shown.status == 200, shown
        assert shown.json()["status"] == "updated"
        assert (site.alerts(sender), site.deliveries(sender)) == before
        (difference,) = shown.json()["differences"]
        assert (difference["field"], difference["stored"], difference["now"]) == (
            "title",
            "Disk",
            "Disk of db-1",
        )
        done = person.api("POST", path, {"dry_run": False})
        assert done.status == 200, done
        assert done.json()["status"] == "updated"
        row = site.deliveries(sender)[1]
        assert str(row["replay_of_id"]) == answer.json()["delivery_id"]
        assert str(row["id"]) == done.json()["delivery_id"]
        # A rehearsal holds nothing up.
        assert outcome(client, sender, {"name": "x", "better": "y", "ref": "r1"}) == "updated"

    def test_what_was_invalid_may_be_valid_today(
        self, site: Site, client: Client, person: Client
    ) -> None:
        sender = site.sender()
        answer = client.send(sender, {"name": "Disk"})
        assert answer.status == 400
        site.sql(
            'UPDATE integrations SET mapping = \'{"title": "name"}\' WHERE id = %s',
            sender.id,
        )
        (row,) = site.deliveries(sender)
        done = person.api("POST", f"/webhook-deliveries/{row['id']}/replay", {}).json()
        assert (done["outcome_before"], done["status"]) == ("invalid", "created")
        assert [made["title"] for made in site.alerts(sender)] == ["Disk"]
