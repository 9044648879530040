"""What a mapping would make of payloads, before it is in force."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api import past
from tests.api.conftest import Hub

EVENT = {"event": {"name": "Disk full", "level": "high", "state": "done", "id": "e-1"}}
MAPPING = {
    "title": "event.name",
    "severity": "event.level",
    "external_id": "event.id",
    "kind": "event.state",
    "kinds": {"done": "resolve", "note": "ignore"},
}


@pytest.fixture
def sender(hub: Hub) -> Any:
    return past.integration(hub)


def preview(hub: Hub, sender: Any, **body: Any) -> list[Any]:
    items: list[Any] = hub.responder.made(f"/integrations/{sender['id']}/mapping/preview", body)[
        "items"
    ]
    return items


def _counts(hub: Hub) -> list[Any]:
    tables = ("alerts", "alert_events", "webhook_deliveries", "audit_events", "integrations")
    return [hub.sql(f"SELECT count(*) FROM {table}") for table in tables]


def test_payloads_that_are_given(hub: Hub, sender: Any) -> None:
    before = _counts(hub)
    note = {"event": EVENT["event"] | {"state": "note"}}
    done, ignored, text = preview(hub, sender, mapping=MAPPING, payloads=[EVENT, note, "text"])
    (signal,) = done["signals"]
    assert (signal["kind"], signal["title"], signal["severity"], signal["external_id"]) == (
        "resolve",
        "Disk full",
        "HIGH",
        "e-1",
    )
    assert (done["status"], done["delivery_id"], done["flags"]) == ("signals", None, [])
    assert (ignored["status"], ignored["signals"]) == ("ignored", [])
    assert "mapping" in ignored["detail"]
    assert text["status"] == "signals"
    assert "title_missing" in text["flags"]
    assert _counts(hub) == before
    shown = hub.admin.get(f"/integrations/{sender['id']}").json()
    assert shown["mapping"] is None


def test_payloads_on_record_the_rejected_included(hub: Hub, sender: Any) -> None:
    first = past.webhook_delivery(hub, sender, json.dumps(EVENT), outcome="invalid")
    rejected = past.webhook_delivery(hub, sender, json.dumps(EVENT), outcome="rejected")
    cut = past.webhook_delivery(hub, sender, json.dumps(json.dumps(EVENT)[:9]), outcome="rejected")
    hub.sql("UPDATE webhook_deliveries SET flags = '{payload_truncated}' WHERE id = %s", cut)
    found = preview(hub, sender, mapping=MAPPING, delivery_ids=[str(first), str(rejected)], last=9)
    assert {each["delivery_id"]: (each["outcome_before"], each["status"]) for each in found} == {
        str(first): ("invalid", "signals"),
        str(rejected): ("rejected", "signals"),
        str(cut): ("rejected", "truncated"),
    }
    assert len(preview(hub, sender, last=2)) == 2


def test_without_a_mapping_it_is_the_one_in_force(hub: Hub, sender: Any) -> None:
    hub.admin.patch(f"/integrations/{sender['id']}", {"mapping": MAPPING})
    (in_force,) = preview(hub, sender, payloads=[EVENT])
    assert in_force["signals"][0]["title"] == "Disk full"
    (without,) = preview(hub, sender, mapping=None, payloads=[EVENT])
    assert (without["status"], without["errors"][0]["pointer"]) == ("invalid", "/title")


def test_what_fails_on_a_payload_is_named(hub: Hub, sender: Any) -> None:
    (item,) = preview(hub, sender, mapping={"title": "length(event)"}, payloads=[{"event": 5}])
    assert (item["status"], item["errors"][0]["pointer"]) == ("invalid", "/mapping/title")


def test_a_mapping_that_cannot_be_is_refused(hub: Hub, sender: Any) -> None:
    path = f"/integrations/{sender['id']}/mapping/preview"
    answer = hub.responder.post(path, {"mapping": {"title": "a["}, "payloads": [{}]})
    assert (answer.slug, answer.json()["errors"][0]["pointer"]) == (
        "validation-failed",
        "/mapping/title",
    )
    grafana = hub.admin.made("/integrations", {"name": "g", "type": "grafana"})
    path = f"/integrations/{grafana['id']}/mapping/preview"
    answer = hub.responder.post(path, {"mapping": {"title": "a"}})
    assert answer.json()["errors"][0]["code"] == "not-taken"
    assert hub.viewer.post(path, {}).status == 403
    many = hub.responder.post(path, {"payloads": [{}] * 51})
    assert many.slug == "validation-failed"


def test_deliveries_of_other_integrations_are_not_looked_at(hub: Hub, sender: Any) -> None:
    other = past.integration(hub, name="other")
    delivery = past.webhook_delivery(hub, other)
    assert preview(hub, sender, delivery_ids=[str(delivery)], last=50) == []


def suggestion(hub: Hub, sender: Any, **body: Any) -> Any:
    return hub.responder.made(f"/integrations/{sender['id']}/mapping/suggest", body)


def test_a_mapping_is_suggested_from_what_is_on_record(hub: Hub, sender: Any) -> None:
    past.webhook_delivery(hub, sender, json.dumps(EVENT), outcome="invalid")
    past.webhook_delivery(hub, sender, json.dumps(json.dumps(EVENT)), outcome="rejected")
    past.webhook_delivery(hub, sender, json.dumps("no JSON"), outcome="rejected")
    before = _counts(hub)
    found = suggestion(hub, sender, last=50)
    assert found["mapping"] == {
        "title": "event.name",
        "severity": "event.level",
        "external_id": "event.id",
        "kind": "event.state",
    }
    assert (found["alerts"], found["unreadable"]) == (2, 1)
    assert found["unknown_words"] == {"kinds": ["done"]}
    assert found["missing"] == []
    (title,) = (each for each in found["fields"] if each["field"] == "title")
    assert (title["expression"], title["found_in"], title["of"]) == ("event.name", 2, 2)
    assert title["examples"] == ["Disk full"]
    assert _counts(hub) == before
    (item,) = preview(hub, sender, mapping=found["mapping"], payloads=[EVENT])
    assert item["signals"][0]["external_id"] == "e-1"


def test_a_mapping_is_suggested_from_payloads(hub: Hub, sender: Any) -> None:
    events = [{"subject": f"Disk {n}", "id": n} for n in range(3)]
    found = suggestion(hub, sender, payloads=[{"alerts": events}])
    assert found["mapping"]["alerts"] == "alerts"
    assert suggestion(hub, sender)["mapping"] == {}
    grafana = hub.admin.made("/integrations", {"name": "g", "type": "grafana"})
    path = f"/integrations/{grafana['id']}/mapping/suggest"
    assert hub.responder.post(path, {}).json()["errors"][0]["code"] == "not-taken"
    assert hub.viewer.post(path, {}).status == 403
