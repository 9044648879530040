from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Json

from tests.api import past
from tests.api.conftest import Hub
from tests.api.test_escalation_policies import PATH, policy, rule, target
from tocsin.model import uuid7

AT = datetime(2026, 3, 2, 3, tzinfo=UTC)


def member(hub: Hub, name: str, **minutes: float) -> str:
    """Somebody who is paged by these contact methods, so many minutes after a step begins."""
    id = uuid7()
    hub.sql("INSERT INTO users (id, email, name) VALUES (%s, %s, %s)", id, f"{name}@x.org", name)
    hub.sql(
        "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, 'responder')",
        *(id, hub.workspace_id),
    )
    for place, (method, delay) in enumerate(minutes.items()):
        contact = uuid7()
        hub.sql(
            "INSERT INTO alert_destinations (id, workspace_id, name, type, user_id, verified_at)"
            " VALUES (%s, %s, %s, 'email', %s, now())",
            *(contact, hub.workspace_id, method, id),
        )
        hub.sql(
            "INSERT INTO notification_rules (id, workspace_id, user_id, urgency, position,"
            " delay_seconds, contact_method_id) VALUES (%s, %s, %s, 'high', %s, %s, %s)",
            *(uuid7(), hub.workspace_id, id, place, int(delay * 60), contact),
        )
    return str(id)


def daily(hub: Hub, name: str, *people: str) -> str:
    """A schedule that hands over every day at 03:10 in Vienna, 02:10 UTC in winter."""
    id = uuid7()
    layer = {
        "id": str(uuid7()),
        "name": "Nights",
        "rotation": {
            "unit": "daily",
            "length": 1,
            "handoff_time": "04:10",
            "starts_on": "2026-03-01",
        },
        "participants": [[each] for each in people],
    }
    columns = (hub.workspace_id, name, "Europe/Vienna", Json([layer]), AT - timedelta(days=9))
    hub.sql(
        "INSERT INTO schedules (id, workspace_id, name, timezone, layers, effective_from)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        *(id, *columns),
    )
    hub.sql(
        "INSERT INTO schedule_versions (schedule_id, effective_from, timezone, layers)"
        " VALUES (%s, %s, %s, %s)",
        *(id, columns[4], columns[2], columns[3]),
    )
    return str(id)


def to(kind: str, id: str, **more: Any) -> dict[str, Any]:
    return {"targets": [{"type": kind, "id": id}], **more}


def foreseen(hub: Hub, made: dict[str, Any], **query: Any) -> Any:
    answer = hub.viewer.get(f"{PATH}/{made['id']}/preview", at="2026-03-02T03:00:00Z", **query)
    assert answer.status == 200, answer
    return answer.json()


def outline(forecast: Any) -> list[tuple[str, str, list[str]]]:
    """When, who, and by what, in minutes since the beginning."""
    return [
        (
            step["at"][11:16],
            recipient["user"]["name"] if recipient["user"] else recipient["target"]["name"],
            [f"{page['at'][11:16]} {page['name']}" for page in recipient["pages"]],
        )
        for step in forecast["steps"]
        for recipient in step["recipients"]
    ]


def test_names_and_clock_times_of_what_would_happen(hub: Hub) -> None:
    ana, ben = member(hub, "Ana", push=0, sms=3), member(hub, "Ben", call=0)
    schedule = daily(hub, "Primary", ana, ben)
    last = target(hub, "last")
    steps = [to("schedule", schedule), to("user", ben, wait_seconds=600)]
    made = hub.admin.made(
        PATH,
        policy() | {"steps": steps, "repeat": 1, "on_exhausted_destination_id": last["id"]},
    )

    forecast = foreseen(hub, made)

    assert outline(forecast) == [
        ("03:00", "Ana", ["03:00 push", "03:03 sms"]),
        ("03:05", "Ben", ["03:05 call"]),
        # Ben is on call by then, and is not paged twice in one round.
        ("03:15", "Ben", ["03:15 call"]),
        ("03:20", "Ben", []),
    ]
    assert (forecast["timezone"], forecast["warnings"]) == ("Europe/Vienna", [])
    assert forecast["steps"][0]["recipients"][0]["cause"] == "layer Nights, turn 1"
    assert forecast["steps"][0]["recipients"][0]["target"]["name"] == "Primary"
    assert (forecast["exhausted_at"], forecast["last_resort"]["name"]) == (
        "2026-03-02T03:30:00Z",
        "last",
    )
    assert forecast["ack_timeout_minutes"] == 30
    assert foreseen(hub, made, severity="LOW")["ack_timeout_minutes"] is None


def test_who_cannot_be_reached_is_passed_with_the_reason(hub: Hub) -> None:
    ana, silent = member(hub, "Ana", push=0), member(hub, "Silent")
    empty = daily(hub, "Empty")
    steps = [
        to("schedule", empty),
        to("user", silent),
        to("user", ana, condition={"min_severity": "HIGH"}),
        to("user", ana, condition={"matchers": [{"label": "team", "op": "=", "value": "db"}]}),
    ]
    made = hub.admin.made(PATH, policy() | {"steps": steps})

    forecast = foreseen(hub, made)

    assert [step["at"][11:16] for step in forecast["steps"]] == ["03:00"] * 3 + ["03:05"]
    assert [[each["words"] for each in step["skipped"]] for step in forecast["steps"]] == [
        ["nobody is on call in Empty"],
        ["Silent has no contact method that can be used"],
        [],
        ['only where team="db"'],
    ]
    assert any("nobody else is notified" in each for each in forecast["warnings"])
    low = foreseen(hub, made, severity="LOW")
    assert low["reaches_nobody"]
    assert low["warnings"][0] == "It reaches nobody: nobody at all is notified."
    matching = foreseen(hub, made, severity="LOW", labels="team=db")
    assert not matching["reaches_nobody"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [({"severity": "BAD"}, "severity"), ({"labels": "team"}, "labels"), ({"x": "1"}, "x")],
)
def test_what_cannot_be_asked_is_refused(hub: Hub, query: dict[str, str], pointer: str) -> None:
    made = hub.admin.made(PATH, policy(target(hub)))
    answer = hub.viewer.get(f"{PATH}/{made['id']}/preview", **query)
    assert answer.slug == "validation-failed"
    assert pointer in answer.json()["errors"][0]["pointer"]


def test_a_change_counts_at_once(hub: Hub) -> None:
    made = hub.admin.made(PATH, policy(target(hub)))
    assert foreseen(hub, made)["version"] == 1
    hub.admin.patch(f"{PATH}/{made['id']}", {"steps": [to("user", member(hub, "Ana", push=0))]})
    forecast = foreseen(hub, made)
    assert (forecast["version"], outline(forecast)[0][1]) == (2, "Ana")
    assert UUID(forecast["policy"]["id"]) == UUID(made["id"])


def test_readiness_says_who_would_sleep_on(hub: Hub) -> None:
    ana, late = member(hub, "Ana", push=0), member(hub, "Late", call=7)
    silent, gone = member(hub, "Silent"), member(hub, "Gone", push=0)
    hub.sql("UPDATE alert_destinations SET verified_at = NULL WHERE user_id = %s", silent)
    schedule = daily(hub, "Primary", ana, late)
    steps = [to("schedule", schedule), to("user", silent), to("user", gone)]
    made = hub.admin.made(PATH, policy(target(hub)) | {"steps": steps})
    hub.sql("DELETE FROM memberships WHERE user_id = %s", gone)

    found = hub.viewer.get(f"{PATH}/{made['id']}/readiness").json()

    assert not found["is_ready"]
    assert {each["user"]["name"]: each["warning"] for each in found["people"]} == {
        "Ana": None,
        "Late": "Late is paged for the first time after 7 minutes; 5 at most.",
        "Silent": "Silent has no verified contact method.",
        "somebody who has left": "somebody who has left is no member of the workspace any more.",
    }
    by_name = {each["user"]["name"]: each for each in found["people"]}
    assert by_name["Ana"]["reached_by"][0]["target"]["name"] == "Primary"
    assert (by_name["Ana"]["first_page_seconds"], by_name["Late"]["first_page_seconds"]) == (0, 420)
    assert [each["usable_contact_methods"] for each in found["people"]][:2] == [1, 1]
    assert len(found["warnings"]) == 4  # these three, and that there is no last resort
    assert "No alert rule names it, so it never begins." in found["notes"]


def test_a_policy_is_ready_once_all_can_be_woken(hub: Hub) -> None:
    ana = member(hub, "Ana", push=0)
    last, pager = target(hub, "last"), target(hub)
    steps = [to("user", ana), {"targets": [pager]}]
    body = policy() | {"steps": steps, "on_exhausted_destination_id": last["id"]}
    made = hub.admin.made(PATH, body)
    hub.admin.made("/alert-rules", rule(made["id"]))
    path = f"{PATH}/{made['id']}/readiness"

    found = hub.viewer.get(path).json()
    assert (found["is_ready"], found["warnings"]) == (True, [])
    assert found["alert_rules"] == ["Databases"]
    assert found["notes"] == [
        "Ana is the only person it can reach.",
        "No page has reached Ana yet: a test shows whether one would.",
    ]

    sender = past.integration(hub)
    alert = past.alert(hub, sender, fired=datetime.now(UTC))
    ((contact,),) = hub.sql("SELECT id FROM alert_destinations WHERE user_id = %s", ana)
    page = past.alert_delivery(hub, {"id": contact}, alert, status="sent")
    hub.sql("UPDATE alert_deliveries SET sent_at = %s WHERE id = %s", AT, page)
    found = hub.viewer.get(path).json()
    assert found["people"][0]["last_page_at"] == "2026-03-02T03:00:00Z"
    assert len(found["notes"]) == 1

    hub.admin.patch(f"/alert-destinations/{pager['id']}", {"is_enabled": False})
    assert hub.viewer.get(path).json()["warnings"] == ["Step 2 notifies pager, which is off."]


def test_a_gap_of_a_schedule_is_found_ahead(hub: Hub) -> None:
    ana = member(hub, "Ana", push=0)
    made = hub.admin.made(PATH, policy() | {"steps": [to("schedule", daily(hub, "Some", ana))]})
    hub.sql(
        "UPDATE schedule_versions SET layers = jsonb_set(layers, '{0,restrictions}', %s::jsonb)",
        Json([{"days": ["mon", "tue"], "start": "00:00", "end": "00:00"}]),
    )

    found = hub.viewer.get(f"{PATH}/{made['id']}/readiness").json()

    assert 4 <= len(found["gaps"]) <= 5
    assert all(gap["schedule"] == "Some" for gap in found["gaps"])
    assert any(each.startswith("Nobody is on call in Some from ") for each in found["warnings"])
