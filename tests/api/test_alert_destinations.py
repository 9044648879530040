from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest

from tests.api import past
from tests.api.conftest import Hub
from tocsin.delivery.channels.registry import CHANNELS
from tocsin.model import REDACTED

HOOK = "https://example.org/hook/secret-part"


def _webhook(hub: Hub, name: str = "hook", **columns: Any) -> dict[str, Any]:
    body = {"name": name, "type": "webhook", "config": {"url": HOOK}}
    return hub.admin.made("/alert-destinations", body | columns)


def _rule(hub: Hub, destination: dict[str, Any]) -> dict[str, Any]:
    return hub.admin.made(
        "/alert-rules",
        {
            "name": "All",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
        },
    )


def _stored(hub: Hub, destination: dict[str, Any]) -> bytes:
    ((sealed,),) = hub.sql(
        "SELECT secret_config FROM alert_destinations WHERE id = %s", destination["id"]
    )
    return hub.vault.open(sealed).reveal()


def test_the_secret_parts_are_masked_and_encrypted(hub: Hub) -> None:
    made = _webhook(hub)
    assert made["config"]["secret"] == REDACTED
    assert "secret-part" not in made["config"]["url"]
    assert made["signing_secret"].startswith("whsec_")
    assert made["last_test"] == {
        "status": "Never",
        "at": None,
        "alert_delivery_id": None,
        "error_code": None,
        "error_message": None,
        "confirmed": None,
    }
    read = hub.viewer.get(f"/alert-destinations/{made['id']}").json()
    assert read == {name: value for name, value in made.items() if name != "signing_secret"}
    assert hub.viewer.get("/alert-destinations").json()["items"] == [read]
    assert HOOK.encode() in _stored(hub, made)
    assert made["signing_secret"].encode() in _stored(hub, made)


def test_a_given_secret_is_not_shown_even_once(hub: Hub) -> None:
    secret = "whsec_" + "A" * 43 + "="
    made = _webhook(hub, config={"url": HOOK, "secret": secret})
    assert made["signing_secret"] is None
    assert secret.encode() in _stored(hub, made)


def test_what_is_sent_back_masked_keeps_its_value(hub: Hub) -> None:
    made = _webhook(hub)
    path = f"/alert-destinations/{made['id']}"
    before = _stored(hub, made)
    for config in (made["config"], {"url": made["config"]["url"]}, {}):
        assert hub.admin.patch(path, {"config": config | {"timezone": "Asia/Tokyo"}}).status == 200
        assert _stored(hub, made) == before
        assert hub.viewer.get(path).json()["config"]["timezone"] == "Asia/Tokyo"
    hub.admin.patch(path, {"config": {"url": "https://example.org/another"}})
    assert b"another" in _stored(hub, made)
    events = hub.admin.get("/audit-events", object_id=made["id"]).json()["items"]
    assert [event["action"] for event in events] == ["updated", "updated", "created"]


@pytest.mark.parametrize(
    ("kind", "config", "pointer"),
    [
        ("webhook", {"url": "ftp://example.org"}, "/config/url"),
        ("webhook", {"url": "http://127.0.0.1/"}, "/config/url"),
        ("webhook", {"url": "http://169.254.169.254/latest"}, "/config/url"),
        ("webhook", {}, "/config/url"),
        ("webhook", {"url": HOOK, "secret": "short"}, "/config/secret"),
        ("webhook", {"url": HOOK, "colour": "red"}, "/config/colour"),
        ("webhook", {"url": HOOK, "timezone": "Moon"}, "/config/timezone"),
        ("email", {"recipients": []}, "/config/recipients"),
        ("email", {"recipients": ["a@example.org", "no address"]}, "/config/recipients/1"),
        ("email", {"recipients": ["a@example.org\r\nBcc: b@example.org"]}, "/config/recipients/0"),
        ("slack", {"url": "hooks.slack.com"}, "/config/url"),
        ("teams", {"url": HOOK, "payload": "poster"}, "/config/payload"),
        ("pagerduty", {"routing_key": "x"}, "/config/routing_key"),
        ("pigeon", {}, "/type"),
    ],
)
def test_a_config_is_checked_on_entry(
    hub: Hub, kind: str, config: dict[str, Any], pointer: str
) -> None:
    answer = hub.admin.post("/alert-destinations", {"name": "x", "type": kind, "config": config})
    assert (answer.status, answer.slug) == (422, "validation-failed")
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_document_knows_every_channel(hub: Hub) -> None:
    schemas = hub.nobody.get("/openapi.json").json()["components"]["schemas"]

    def named(reference: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = schemas[reference["$ref"].rpartition("/")[2]]
        return found["properties"]

    variants = [named(each) for each in schemas["AlertDestinationIn"]["oneOf"]]
    configs = {each["type"]["const"]: named(each["config"]) for each in variants}
    assert configs.keys() == set(CHANNELS)
    assert "recipients" in configs["email"]


def test_one_that_is_named_elsewhere_stays(hub: Hub) -> None:
    made = _webhook(hub)
    rule = _rule(hub, made)
    refused = hub.admin.delete(f"/alert-destinations/{made['id']}")
    assert (refused.status, refused.slug) == (409, "in-use")
    assert "All" in refused.json()["detail"]
    hub.admin.delete(f"/alert-rules/{rule['id']}")
    path = f"/workspaces/{hub.workspace_id}"
    workspace = hub.admin.patch(path, {"fallback_destination_id": made["id"]}).json()
    assert workspace["fallback_destination_id"] == made["id"]
    assert hub.admin.delete(f"/alert-destinations/{made['id']}").slug == "in-use"
    hub.admin.patch(path, {"fallback_destination_id": None})
    assert hub.admin.delete(f"/alert-destinations/{made['id']}").status == 204
    unknown = hub.admin.patch(path, {"fallback_destination_id": str(uuid4())})
    assert (unknown.status, unknown.slug) == (404, "not-found")


def test_names_are_unique(hub: Hub) -> None:
    _webhook(hub)
    other = _webhook(hub, "other")
    body = {"name": "hook", "type": "webhook", "config": {"url": HOOK}}
    assert hub.admin.post("/alert-destinations", body).slug == "name-taken"
    path = f"/alert-destinations/{other['id']}"
    assert hub.admin.patch(path, {"name": "hook"}).slug == "name-taken"


def test_the_last_test_is_that_of_the_newest_test(hub: Hub) -> None:
    made = _webhook(hub)
    path = f"/alert-destinations/{made['id']}"
    sent = hub.responder.post(f"{path}/test")
    assert sent.status == 202
    delivery = sent.json()
    assert delivery["event_type"] == "alerts.test"
    assert delivery["tenant_id"] is delivery["alert_rule_id"] is delivery["alert_id"] is None
    pending = hub.viewer.get(path).json()["last_test"]
    assert (pending["status"], pending["alert_delivery_id"]) == ("Pending", delivery["id"])
    assert pending["at"] == delivery["created_at"]
    hub.sql(
        "UPDATE alert_deliveries SET status = 'failed', last_error_code = 'timeout',"
        " last_error_message = 'no answer'"
    )
    failed = hub.viewer.get(path).json()["last_test"]
    assert (failed["status"], failed["error_code"]) == ("Failed", "timeout")
    assert failed["error_message"] == "no answer"
    hub.sql("UPDATE alert_deliveries SET status = 'sent', sent_at = '2026-03-01T12:00:00Z'")
    sent_test = hub.viewer.get("/alert-destinations").json()["items"][0]["last_test"]
    assert (sent_test["status"], sent_test["at"]) == ("Sent", "2026-03-01T12:00:00Z")


def test_one_test_a_minute_also_of_many_at_once(hub: Hub) -> None:
    made = _webhook(hub)
    answers: list[Any] = []

    def ask() -> None:
        answers.append(hub.responder.post(f"/alert-destinations/{made['id']}/test"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [202] + [429] * 7
    limited = next(answer for answer in answers if answer.status == 429)
    assert limited.slug == "test-rate-limited"
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert hub.sql("SELECT count(*) FROM alert_deliveries") == [(1,)]
    hub.sql("UPDATE alert_deliveries SET created_at = created_at - interval '61 seconds'")
    assert hub.responder.post(f"/alert-destinations/{made['id']}/test").status == 202


def test_a_test_needs_a_destination_that_is_on_and_a_responder(hub: Hub) -> None:
    made = _webhook(hub, is_enabled=False)
    path = f"/alert-destinations/{made['id']}/test"
    refused = hub.responder.post(path)
    assert (refused.status, refused.slug) == (409, "destination-disabled")
    assert hub.viewer.post(path).slug == "forbidden"
    assert hub.responder.post(f"/alert-destinations/{uuid4()}/test").slug == "not-found"


def test_destinations_are_filtered(hub: Hub) -> None:
    _webhook(hub)
    _webhook(hub, "off", is_enabled=False)
    body = {"name": "mail", "type": "email", "config": {"recipients": ["a@example.org"]}}
    hub.admin.made("/alert-destinations", body)

    def names(**query: str) -> list[str]:
        answer = hub.viewer.get("/alert-destinations", **query)
        return [item["name"] for item in answer.json()["items"]]

    assert names(type="email") == ["mail"]
    assert names(is_enabled="false") == ["off"]
    assert names() == ["mail", "off", "hook"]


def test_a_purged_integration_takes_its_messages_along(hub: Hub) -> None:
    sender, destination = past.integration(hub), _webhook(hub)
    past.alert_delivery(hub, destination, past.alert(hub, sender))
    hub.admin.delete(f"/integrations/{sender['id']}", purge="true")
    assert hub.sql("SELECT count(*) FROM alert_deliveries") == [(0,)]
    assert hub.sql("SELECT count(*) FROM alert_delivery_attempts") == [(0,)]


def test_a_type_of_a_later_version_is_shown_and_says_what_is_missing(hub: Hub) -> None:
    made = _webhook(hub)
    path = f"/alert-destinations/{made['id']}"
    hub.sql("UPDATE alert_destinations SET type = 'pigeon' WHERE id = %s RETURNING id", made["id"])

    assert hub.viewer.get(path).json()["type"] == "pigeon"
    answer = hub.admin.patch(path, {"config": {"url": HOOK}})
    assert answer.status == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/config", "unknown-type")
    assert hub.admin.patch(path, {"is_enabled": False}).json()["is_enabled"] is False


def test_a_lone_recipient_need_not_be_a_list(hub: Hub) -> None:
    made = hub.admin.made(
        "/alert-destinations",
        {"name": "mail", "type": "email", "config": {"recipients": "ada@example.org"}},
    )
    assert made["config"]["recipients"] == ["ada@example.org"]
    assert made["signing_secret"] is None
