"""Tags and details that are added to an alert and taken away."""

from __future__ import annotations

from typing import Any

import opsgenie_sdk
import pytest

from tests.ingest.inbound.opsgenie.conftest import Genie


def test_tags_and_details_are_added_and_taken_away(genie: Genie) -> None:
    genie.create(tags=["env:prod", "urgent"], details={"region": "eu"}, entity="db-1")
    added = genie.act("disk", "tags", {"tags": ["db", "urgent"], "note": "why"})
    assert (added["action"], added["status"], added["success"]) == ("AddTags", "Added tags", True)
    assert genie.act("disk", "details", {"details": {"rack": 7, "region": "us"}})["success"]
    (alert,) = genie.outside.alerts()
    assert alert["metadata"]["tags"] == ["env:prod", "urgent", "db"]
    assert alert["metadata"]["details"] == {"region": "us", "rack": 7}
    assert alert["labels"] == {
        "env": "prod",
        "urgent": "true",
        "db": "true",
        "region": "us",
        "rack": "7",
        "entity": "db-1",
    }
    assert (alert["occurrence_count"], alert["title"]) == (1, "Disk full")
    for path, named in (("tags", {"tags": "env:prod,urgent,db"}), ("details", {"keys": "region"})):
        query = {"identifierType": "alias", **named}
        done = genie.call("DELETE", f"/alerts/disk/{path}", query=query)
        assert genie.status(done.json()["requestId"])["action"] == f"Remove{path.title()}"
    (alert,) = genie.outside.alerts()
    assert alert["metadata"]["tags"] == []
    assert alert["labels"] == {"rack": "7", "entity": "db-1"}


def test_the_client_of_opsgenie_marks_an_alert(genie: Genie, client: opsgenie_sdk.AlertApi) -> None:
    genie.create(tags=["a"])
    by_alias = {"identifier_type": "alias"}
    more = opsgenie_sdk.AddTagsToAlertPayload(tags=["b", "c"])
    client.add_tags("disk", add_tags_to_alert_payload=more, **by_alias)
    client.remove_tags("disk", tags=["a"], **by_alias)
    details = opsgenie_sdk.AddDetailsToAlertPayload(details={"rack": "7", "row": "2"})
    client.add_details("disk", add_details_to_alert_payload=details, **by_alias)
    client.remove_details("disk", keys=["row"], **by_alias)
    shown = client.get_alert("disk", **by_alias).data
    assert (shown.tags, shown.details) == (["b", "c"], {"rack": "7"})


def test_the_last_tag_leaves_no_label(genie: Genie) -> None:
    genie.create(tags=["env:prod"])
    query = {"identifierType": "alias", "tags": "env:prod"}
    assert genie.call("DELETE", "/alerts/disk/tags", query=query).status == 202
    (alert,) = genie.outside.alerts()
    assert (alert["labels"], alert["metadata"]["tags"]) == ({"tags": ""}, [])


@pytest.mark.parametrize(
    ("method", "verb", "body", "query", "field"),
    [
        ("POST", "tags", {}, {}, "tags"),
        ("POST", "tags", {"tags": "db"}, {}, "tags"),
        ("DELETE", "tags", None, {}, "tags"),
        ("POST", "details", {"details": []}, {}, "details"),
        ("DELETE", "details", None, {"keys": " ,"}, "keys"),
    ],
)
def test_marks_that_name_nothing(
    genie: Genie, method: str, verb: str, body: Any, query: dict[str, str], field: str
) -> None:
    genie.create()
    query = {"identifierType": "alias", **query}
    answer = genie.call(method, f"/alerts/disk/{verb}", body, query=query)
    assert (answer.status, list(answer.json()["errors"])) == (422, [field])


def test_an_alert_that_is_over_gets_no_tags(genie: Genie) -> None:
    genie.create()
    genie.act("disk", "close")
    assert genie.act("disk", "tags", {"tags": ["late"]})["success"] is False
