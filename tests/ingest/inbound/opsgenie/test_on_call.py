"""What senders for Opsgenie ask of escalations and people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import opsgenie_sdk
import pytest

from tests.ingest.inbound.opsgenie.conftest import Genie
from tests.timers.escalations import Paging, paging, to_user


@pytest.fixture
def people(genie: Genie) -> Any:
    """Whom the escalations of the workspace reach."""
    with paging(genie.outside.hub.database.url) as opened:
        yield opened


def test_escalations_go_on_and_people_are_paged(
    genie: Genie, client: opsgenie_sdk.AlertApi, people: Paging
) -> None:
    u, m, h = (people.person(name, push=0) for name in "UMH")
    people.escalating_rule(people.policy(to_user(u), to_user(m, minutes=10), name="Night"))
    genie.create(priority="P1")
    (alert,) = genie.outside.alerts()
    alert_id = UUID(alert["id"])
    by_alias = {"identifier_type": "alias"}
    further = opsgenie_sdk.EscalateAlertToNextPayload(
        escalation=opsgenie_sdk.EscalationRecipient(name="night")
    )
    done = client.escalate_alert("disk", escalate_alert_to_next_payload=further, **by_alias)
    status = genie.status(done.request_id)
    assert (status["action"], status["success"]) == ("EscalateToNext", True), status
    owner = opsgenie_sdk.AssignAlertPayload(
        owner=opsgenie_sdk.UserRecipient(username="m@Example.org")
    )
    done = client.assign_alert("disk", assign_alert_payload=owner, **by_alias)
    assert genie.status(done.request_id)["status"] == "Assigned alert"
    helper = opsgenie_sdk.AddResponderToAlertPayload(
        responder=opsgenie_sdk.UserRecipient(username="h@example.org")
    )
    done = client.add_responder("disk", add_responder_to_alert_payload=helper, **by_alias)
    assert genie.status(done.request_id)["success"] is True
    assert [page[0] for page in people.pages(alert_id)] == [f"push of {name}" for name in "UMMH"]
    found = genie.outside.hub.viewer.get(f"/alerts/{alert_id}/escalation").json()
    assert found["assigned_to"] == str(m)
    assert [each["user_id"] for each in found["responders"]] == [str(h)]


@pytest.mark.parametrize(
    ("verb", "body", "words"),
    [
        ("escalate", {}, "No escalation policy is running"),
        ("escalate", {"escalation": {"name": "Other"}}, "is not the one that runs"),
        ("assign", {"owner": {"username": "nobody@example.org"}}, "No member"),
        ("assign", {"owner": {"id": "0199b4a2-0000-7000-8000-000000000000"}}, "No member"),
        ("assign", {}, "No member"),
        ("responders", {"responder": {"type": "team", "name": "ops"}}, "not teams"),
    ],
)
def test_what_cannot_be_done_about_pages_is_said(
    genie: Genie, verb: str, body: Any, words: str
) -> None:
    genie.create()
    status = genie.act("disk", verb, body)
    assert status["success"] is False
    assert words in status["status"]
    assert genie.statuses() == ["OPEN"]


@pytest.mark.parametrize("verb", ["assign", "responders"])
def test_who_cannot_be_reached_is_said(genie: Genie, people: Paging, verb: str) -> None:
    people.person("Nora")
    genie.create()
    role = "owner" if verb == "assign" else "responder"
    status = genie.act("disk", verb, {role: {"username": "nora@example.org"}})
    assert status["success"] is False
    assert status["status"].startswith("Nora has no contact method that is verified")
