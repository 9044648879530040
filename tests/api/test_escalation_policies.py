from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Hub

PATH = "/escalation-policies"
EVERYONE = {"mode": "everyone", "condition": None}
CONDITION = {"min_severity": None, "matchers": [], "hours": []}


def target(hub: Hub, name: str = "pager") -> dict[str, str]:
    made = hub.admin.made(
        "/alert-destinations",
        {"name": name, "type": "webhook", "config": {"url": "https://example.org/"}},
    )
    return {"type": "destination", "id": made["id"]}


def policy(*targets: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"name": "Database", "steps": [{"targets": [*targets]}], **more}


def rule(policy_id: str | None, **more: Any) -> dict[str, Any]:
    return {
        "name": "Databases",
        "event_types": ["alerts.triggered"],
        "destination_ids": [],
        "escalation_policy_id": policy_id,
        **more,
    }


def test_a_policy_is_made_changed_and_deleted(hub: Hub) -> None:
    pager = target(hub)
    made = hub.admin.made(PATH, policy(pager))
    assert made["steps"] == [{"targets": [pager], "wait_seconds": 300, **EVERYONE}]
    assert (made["version"], made["repeat"], made["ack_timeout_minutes"]) == (1, 0, None)
    assert hub.viewer.get(f"{PATH}/{made['id']}").json() == made
    assert hub.viewer.get(PATH).json()["items"] == [made]
    assert hub.admin.post(PATH, policy(pager)).slug == "name-taken"
    assert hub.responder.post(PATH, policy(pager)).slug == "forbidden"
    changed = hub.admin.patch(f"{PATH}/{made['id']}", {"repeat": 9}).json()
    assert (changed["version"], changed["repeat"], changed["steps"]) == (2, 9, made["steps"])
    assert hub.admin.patch(f"{PATH}/{made['id']}", {"repeat": 9}).json() == changed
    assert hub.admin.delete(f"{PATH}/{made['id']}").status == 204
    assert hub.admin.get(f"{PATH}/{made['id']}").status == 404
    found = hub.admin.get("/audit-events", object_type="escalation_policy").json()["items"]
    assert [item["action"] for item in found] == ["deleted", "updated", "created"]
    assert found[1]["after"] == {"version": 2, "repeat": 9}


def test_every_version_is_kept_as_it_was_and_every_node_hears_of_it(hub: Hub) -> None:
    first, second = target(hub, "first"), target(hub, "second")
    made = hub.admin.made(PATH, policy(first))
    ((before,),) = hub.sql("SELECT version FROM configuration")
    hub.admin.patch(f"{PATH}/{made['id']}", policy(second, repeat=2))
    assert hub.sql("SELECT version > %s FROM configuration", before) == [(True,)]
    versions = hub.sql(
        "SELECT version, steps #>> '{0,targets,0,id}', repeat FROM escalation_policy_versions"
        " ORDER BY version"
    )
    assert versions == [(1, first["id"], 0), (2, second["id"], 2)]


@pytest.mark.parametrize(
    ("fault", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"repeat": 10}, "/repeat"),
        ({"ack_timeout_minutes": -1}, "/ack_timeout_minutes"),
        ({"steps": [{"targets": []}]}, "/steps/0/targets"),
        (
            {"steps": [{"targets": [{"type": "team", "id": str(uuid4())}]}]},
            "/steps/0/targets/0/type",
        ),
        ({"steps": [{"wait_seconds": 9}]}, "/steps/0/wait_seconds"),
        ({"steps": [{"mode": "random"}]}, "/steps/0/mode"),
        (
            {"steps": [{"condition": {"matchers": [{"label": "a", "op": "=~", "value": "("}]}}]},
            "/steps/0/condition/matchers/0/value",
        ),
        (
            {"steps": [{"condition": {"hours": [{"start": "9:00"}]}}]},
            "/steps/0/condition/hours/0/start",
        ),
        ({"steps": ["twice"]}, "/steps/0/targets"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(
    hub: Hub, fault: dict[str, Any], pointer: str
) -> None:
    pager = target(hub)
    body = policy(pager) | fault
    body["steps"] = [
        {"targets": [pager, pager]} if step == "twice" else {"targets": [pager]} | step
        for step in body["steps"]
    ]
    for hours in body["steps"][:1]:
        for each in (hours.get("condition") or {}).get("hours", ()):
            each |= {"end": "17:00", "timezone": "Europe/Vienna"}
    answer = hub.admin.post(PATH, body)
    assert answer.slug == "validation-failed"
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("kind", ["user", "schedule", "destination"])
def test_a_policy_names_only_what_is_there(hub: Hub, kind: str) -> None:
    pager = target(hub)
    body = policy(pager, {"type": kind, "id": str(uuid4())})
    answer = hub.admin.post(PATH, body)
    assert (answer.status, answer.slug) == (404, "not-found")
    assert kind in answer.json()["detail"]
    made = hub.admin.made(PATH, policy(pager))
    assert hub.admin.patch(f"{PATH}/{made['id']}", {"steps": body["steps"]}).status == 404
    assert hub.admin.get(f"{PATH}/{made['id']}").json() == made
    assert (
        hub.admin.post(PATH, policy(pager, on_exhausted_destination_id=str(uuid4()))).status == 404
    )


def test_a_step_may_be_for_some_alerts_and_hours_only(hub: Hub) -> None:
    hours = {"start": "09:00", "end": "17:00", "timezone": "Europe/Vienna"}
    matchers = [{"label": "team", "op": "=", "value": "db"}]
    step = {"targets": [target(hub)], "condition": {"matchers": matchers, "hours": [hours]}}
    made = hub.admin.made(PATH, policy() | {"steps": [step]})
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert made["steps"][0]["condition"] == CONDITION | {
        "matchers": matchers,
        "hours": [{"days": week, **hours}],
    }


def test_a_rule_pages_by_a_policy(hub: Hub) -> None:
    made = hub.admin.made(PATH, policy(target(hub)))
    paging = hub.admin.made("/alert-rules", rule(made["id"]))
    assert paging["escalation_policy_id"] == made["id"]
    path = f"/alert-rules/{paging['id']}"
    assert hub.admin.post("/alert-rules", rule(str(uuid4()), name="x")).status == 404
    never = hub.admin.patch(path, {"event_types": ["alerts.resolved"]})
    assert [fault["code"] for fault in never.json()["errors"]] == ["never-escalates"]
    refused = hub.admin.delete(f"{PATH}/{made['id']}")
    assert (refused.status, refused.slug) == (409, "in-use")
    assert "Databases" in refused.json()["detail"]
    assert (
        hub.admin.patch(path, {"escalation_policy_id": None}).json()["escalation_policy_id"] is None
    )
    assert hub.admin.patch(path, {"event_types": ["alerts.resolved"]}).status == 200
    assert hub.admin.delete(f"{PATH}/{made['id']}").status == 204


def test_what_a_policy_names_is_not_deleted(hub: Hub) -> None:
    pager, last = target(hub), target(hub, "last")
    made = hub.admin.made(PATH, policy(pager, on_exhausted_destination_id=last["id"]))
    for each in (pager, last):
        refused = hub.admin.delete(f"/alert-destinations/{each['id']}")
        assert (refused.status, refused.slug) == (409, "in-use")
        assert "Database" in refused.json()["detail"]
    hub.admin.delete(f"{PATH}/{made['id']}")
    assert hub.admin.delete(f"/alert-destinations/{last['id']}").status == 204
