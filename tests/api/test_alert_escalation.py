"""Who is paged for an alert, and what people do about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.api import past
from tests.api.conftest import Hub
from tests.timers.escalations import Paging, paging, to_user
from tocsin.model import uuid7


@pytest.fixture
def people(hub: Hub) -> Any:
    """U is reached first, M after five minutes; of one alert that was sent just now."""
    with paging(hub.database.url) as opened:
        yield opened


def _open(people: Paging) -> tuple[UUID, UUID, UUID]:
    u, m = people.person("U", push=0, sms=3), people.person("M", push=0)
    people.escalating_rule(people.policy(to_user(u), to_user(m, minutes=10)))
    return people.send("disk", severity="CRITICAL"), u, m


def test_who_is_paged_and_who_comes_next(hub: Hub, people: Paging) -> None:
    alert, u, _ = _open(people)
    found = hub.viewer.get(f"/alerts/{alert}/escalation").json()
    assert found["state"] == "running"
    (escalation,) = found["escalations"]
    assert (escalation["step"], escalation["policy"]["name"]) == (1, "P")
    (step,) = escalation["steps"]
    assert [each["user_id"] for each in step["reached"]] == [str(u)]
    assert [page["name"] for page in step["reached"][0]["pages"]] == ["push of U", "sms of U"]
    coming = escalation["next"]
    assert coming["at"] == escalation["step_due_at"]
    assert [each["name"] for each in coming["steps"][0]["reached"]] == ["M"]
    words = [
        change["words"]
        for step in hub.viewer.get(f"/alerts/{alert}/explain").json()["steps"]
        for change in step["changes"]
    ]
    assert any("took step 1 of the escalation policy “P”: U is paged by" in each for each in words)
    hub.responder.post(f"/alerts/{alert}/acknowledge")
    found = hub.viewer.get(f"/alerts/{alert}/escalation").json()
    assert (found["state"], found["escalations"][0]["next"]) == ("stopped", None)
    assert found["acknowledged_until"] is not None


def test_an_alert_without_any_has_none(hub: Hub) -> None:
    alert = past.alert(hub, past.integration(hub))
    found = hub.viewer.get(f"/alerts/{alert}/escalation").json()
    assert (found["state"], found["escalations"], found["responders"]) == (None, [], [])


def test_the_next_step_now_and_only_if_it_is_the_one_that_was_seen(
    hub: Hub, people: Paging
) -> None:
    alert, _, _ = _open(people)
    path = f"/alerts/{alert}/escalate"
    assert hub.responder.post(path, {"from_step": 1}).status == 200
    assert people.pages(alert)[-1][0] == "push of M"
    late = hub.responder.post(path, {"from_step": 1})
    assert (late.status, late.slug) == (409, "step-moved-on")
    assert "step 2" in late.json()["detail"]
    assert hub.viewer.post(path).status == 403
    hub.responder.post(f"/alerts/{alert}/acknowledge")
    assert hub.responder.post(path).slug == "transition-not-allowed"
    actions = [
        event["action"]
        for event in hub.admin.get("/audit-events", object_id=str(alert)).json()["items"]
    ]
    assert actions == ["acknowledged", "escalated"]


def test_somebody_else_is_assigned_and_paged(hub: Hub, people: Paging) -> None:
    alert, _, m = _open(people)
    path = f"/alerts/{alert}/assign"
    answer = hub.responder.post(path, {"user_id": str(m), "note": "Yours"})
    assert answer.json()["assigned_to"] == str(m)
    assert people.pages(alert)[-1] == ("push of M", "queued", "escalation")
    assert people.rows(alert)[-1]["payload"]["note"].endswith("has assigned it to you. Yours")
    stranger = hub.responder.post(path, {"user_id": str(uuid7())})
    assert (stranger.status, stranger.slug) == (422, "validation-failed")
    assert "no member" in stranger.json()["errors"][0]["message"]
    assert hub.responder.post(path, {"user_id": None}).json()["assigned_to"] is None


def test_people_are_asked_to_help_though_somebody_has_taken_it_on(hub: Hub, people: Paging) -> None:
    alert, _, m = _open(people)
    hub.responder.post(f"/alerts/{alert}/acknowledge")
    hub.responder.post(f"/alerts/{alert}/responders", {"user_ids": [str(m)]})
    row = people.rows(alert)[-1]
    assert (people.names[row["alert_destination_id"]], row["event_type"]) == (
        "push of M",
        "alerts.reminder",
    )
    (responder,) = hub.viewer.get(f"/alerts/{alert}/escalation").json()["responders"]
    assert responder["name"] == "M"


def test_who_cannot_be_reached_is_named_and_nobody_is_paged(hub: Hub, people: Paging) -> None:
    alert, _, m = _open(people)
    nobody, gone, stranger = people.person("Nora"), people.person("Dora", push=0), uuid7()
    people.sql("UPDATE users SET is_active = false WHERE id = %s", gone)
    before = people.pages(alert)
    asked = [str(each) for each in (m, nobody, gone, stranger)]
    refused = hub.responder.post(f"/alerts/{alert}/responders", {"user_ids": asked})
    assert (refused.status, refused.slug) == (422, "validation-failed")
    faults = refused.json()["errors"]
    assert [(each["pointer"], each["code"]) for each in faults] == [
        ("/user_ids/1", "no-contact"),
        ("/user_ids/2", "user-disabled"),
        ("/user_ids/3", "not-found"),
    ]
    assert faults[0]["message"].startswith("Nora has no contact method that is verified")
    assert "on their own page" in faults[0]["message"]
    assert faults[1]["message"].startswith("Dora is disabled")
    (fault,) = hub.responder.post(f"/alerts/{alert}/assign", {"user_id": asked[1]}).json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/user_id", "no-contact")
    found = hub.viewer.get(f"/alerts/{alert}/escalation").json()
    assert (found["responders"], found["assigned_to"]) == ([], None)
    assert people.pages(alert) == before
    assert hub.admin.get("/audit-events", object_id=str(alert)).json()["items"] == []


def test_who_is_named_twice_is_asked_once(hub: Hub, people: Paging) -> None:
    alert, _, m = _open(people)
    answer = hub.responder.post(f"/alerts/{alert}/responders", {"user_ids": [str(m), str(m)]})
    assert answer.status == 200
    assert [page[0] for page in people.pages(alert)].count("push of M") == 1


def test_a_neighbour_finds_none_of_it(hub: Hub, people: Paging) -> None:
    alert, u, _ = _open(people)
    for path in ("escalate", "assign", "responders"):
        body = {
            "escalate": None,
            "assign": {"user_id": str(u)},
            "responders": {"user_ids": [str(u)]},
        }
        assert hub.stranger.post(f"/alerts/{alert}/{path}", body[path]).status == 404
    assert hub.stranger.get(f"/alerts/{alert}/escalation").status == 404


def test_an_escalation_that_is_held_says_why_nobody_was_paged(hub: Hub, people: Paging) -> None:
    people.silence(3600)
    alert, _, _ = _open(people)
    (answer,) = hub.viewer.get(f"/alerts/{alert}/explain").json()["answers"]
    assert answer["words"].startswith("nobody was notified yet: tocsin waits: ")
    assert "silence" in answer["words"]
    found = hub.viewer.get(f"/alerts/{alert}/escalation").json()
    assert (found["state"], found["escalations"][0]["step"]) == ("held", 0)
    assert found["escalations"][0]["next"]["at"] is None
