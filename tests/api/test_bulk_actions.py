"""One wish for all alerts of a filter: each by itself, on record, bounded, canceled, undone."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api import past
from tests.api.conftest import Hub
from tests.api.server import Client
from tocsin.resources import bulk_actions

BULK = "/bulk-actions"
HALT_SECONDS = 20


def over(client: Client, bulk_action: dict[str, Any]) -> dict[str, Any]:
    """The same, once nothing is left to do."""
    until = time.monotonic() + HALT_SECONDS
    while time.monotonic() < until:
        found: dict[str, Any] = client.get(f"{BULK}/{bulk_action['id']}").json()
        if found["state"] in ("done", "canceled"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"still at it: {found}")


def statuses(hub: Hub) -> dict[str, int]:
    return dict(hub.sql("SELECT status::text, count(*) FROM alerts GROUP BY 1"))


def test_all_that_match_are_acted_on_and_nothing_else(hub: Hub) -> None:
    sender = past.integration(hub)
    past.alerts(hub.sql, sender, 45)
    past.alerts(hub.sql, sender, 3, host="web-1")
    asked = {"kind": "acknowledge", "query": "status:open host:db*", "note": "The storage is down"}
    made = hub.responder.made(BULK, asked)
    assert (made["alert_count"], made["has_more"]) == (45, False)
    done = over(hub.viewer, made)
    assert done["state"] == "done"
    counts = (done["changed_count"], done["unchanged_count"], done["refused_count"])
    assert counts == (45, 0, 0)
    assert done["actor"]["name"] == "test responder"
    assert statuses(hub) == {"ACKNOWLEDGED": 45, "OPEN": 3}
    events = hub.sql("SELECT DISTINCT actor ->> 'name', detail FROM alert_events")
    assert events == [("test responder", {"note": "The storage is down"})]
    ((audited,),) = hub.sql("SELECT count(*) FROM audit_events WHERE action = 'acknowledged'")
    assert audited == 45
    (asking,) = hub.admin.get("/audit-events", object_id=made["id"]).json()["items"]
    assert (asking["action"], asking["after"]["alert_count"]) == ("created", 45)
    assert [each["id"] for each in hub.viewer.get(BULK).json()["items"]] == [made["id"]]


def test_what_became_of_each_is_kept(hub: Hub) -> None:
    sender = past.integration(hub)
    states = ("OPEN", "ACKNOWLEDGED", "RESOLVED", "CLOSED")
    ids = {status: str(past.alert(hub, sender, status, status=status)) for status in states}
    done = over(hub.viewer, hub.responder.made(BULK, {"kind": "resolve", "query": "source:shop"}))
    counts = (done["changed_count"], done["unchanged_count"], done["refused_count"])
    assert counts == (2, 1, 1)
    path = f"{BULK}/{done['id']}/alerts"
    (refused,) = hub.viewer.get(path, outcome="refused").json()["items"]
    assert refused == {
        "alert_id": ids["CLOSED"],
        "title": "CLOSED",
        "severity": "HIGH",
        "status": "CLOSED",
        "outcome": "refused",
        "reason": "it is closed",
    }
    first = hub.viewer.get(path, limit=3).json()
    rest = hub.viewer.get(path, limit=3, cursor=first["next_cursor"]).json()
    found = [each["alert_id"] for each in (*first["items"], *rest["items"])]
    assert sorted(found) == sorted(ids.values())


@pytest.mark.parametrize(
    ("wish", "between", "after"),
    [
        ({"kind": "acknowledge"}, "ACKNOWLEDGED", "OPEN"),
        ({"kind": "resolve"}, "RESOLVED", "OPEN"),
        ({"kind": "snooze", "minutes": 30}, "OPEN", "OPEN"),
    ],
    ids=["acknowledge", "resolve", "snooze"],
)
def test_what_was_done_by_mistake_is_undone_once(
    hub: Hub, wish: dict[str, Any], between: str, after: str
) -> None:
    sender = past.integration(hub)
    past.alerts(hub.sql, sender, 4)
    past.alert(hub, sender, status="RESOLVED")
    done = over(hub.viewer, hub.responder.made(BULK, {**wish, "query": "status:open"}))
    assert statuses(hub).get(between) == 4 + (between == "RESOLVED")
    snoozed = "SELECT count(*) FROM alerts WHERE snoozed_until > now()"
    assert hub.sql(snoozed) == [(4 if wish["kind"] == "snooze" else 0,)]
    undo = hub.responder.made(f"{BULK}/{done['id']}/undo", {})
    assert undo["undo_of"] == done["id"]
    assert over(hub.viewer, undo)["changed_count"] == 4
    assert statuses(hub) == {after: 4, "RESOLVED": 1}
    assert hub.sql(snoozed) == [(0,)]
    for each in (done, undo):
        again = hub.responder.post(f"{BULK}/{each['id']}/undo")
        assert (again.status, again.slug) == (409, "not-undoable")


def test_what_somebody_took_over_since_is_not_undone(hub: Hub) -> None:
    sender = past.integration(hub)
    past.alerts(hub.sql, sender, 2)
    ben = past.member(hub, hub.workspace_id, "Ben")
    asked = {"kind": "acknowledge", "query": "status:open"}
    done = over(hub.viewer, hub.responder.made(BULK, asked))
    hub.sql("UPDATE alerts SET acknowledged_by = %s WHERE external_id = 'db-11'", ben)
    undo = hub.responder.made(f"{BULK}/{done['id']}/undo", {})
    assert undo["alert_count"] == 1
    over(hub.viewer, undo)
    kept = hub.sql("SELECT external_id FROM alerts WHERE status = 'ACKNOWLEDGED'")
    assert kept == [("db-11",)]


def test_what_cannot_be_taken_back_says_so(hub: Hub) -> None:
    past.alerts(hub.sql, past.integration(hub), 1)
    done = over(hub.viewer, hub.responder.made(BULK, {"kind": "close", "query": "status:open"}))
    answer = hub.responder.post(f"{BULK}/{done['id']}/undo")
    assert (answer.status, answer.slug) == (409, "not-undoable")


def test_one_that_is_canceled_stops_and_what_comes_later_is_left_alone(hub: Hub) -> None:
    sender = past.integration(hub)
    past.alerts(hub.sql, sender, 30)
    ((first,),) = hub.sql("SELECT id FROM alerts ORDER BY severity, id DESC LIMIT 1")
    with past.held(hub.connect, first):
        made = hub.responder.made(BULK, {"kind": "resolve", "query": "status:open"})
        past.alert(hub, sender, "came in later")
        running = hub.responder.post(f"{BULK}/{made['id']}/undo")
        assert (running.status, running.slug) == (409, "bulk-action-running")
        canceled = hub.responder.made(f"{BULK}/{made['id']}/cancel", {})
        assert canceled["state"] == "canceling"
    done = over(hub.viewer, made)
    assert done["state"] == "canceled"
    assert done["changed_count"] <= 20
    assert statuses(hub)["OPEN"] == 31 - done["changed_count"]
    assert hub.sql("SELECT status::text FROM alerts WHERE title = 'came in later'") == [("OPEN",)]
    assert hub.responder.made(f"{BULK}/{made['id']}/cancel", {})["state"] == "canceled"
    actions = [
        each["action"]
        for each in hub.admin.get("/audit-events", object_id=made["id"]).json()["items"]
    ]
    assert actions == ["canceled", "created"]


def test_a_workspace_has_so_many_at_once(hub: Hub) -> None:
    sender = past.integration(hub)
    alert_id = past.alert(hub, sender)
    asked = {"kind": "snooze", "query": "status:open", "minutes": 60}
    with past.held(hub.connect, alert_id):
        made = [hub.responder.made(BULK, asked) for _ in range(bulk_actions.MOST_AT_ONCE)]
        answer = hub.responder.post(BULK, asked)
        assert (answer.status, answer.slug) == (422, "validation-failed")
        assert hub.stranger.post(BULK, asked).status == 201
    for each in made:
        over(hub.viewer, each)
    assert hub.responder.post(BULK, asked).status == 201


def test_only_the_newest_are_kept(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "MOST_KEPT", 2)
    asked = {"kind": "resolve", "query": "host:nobody"}
    made = [hub.responder.made(BULK, asked)["id"] for _ in range(4)]
    kept = [each["id"] for each in hub.viewer.get(BULK).json()["items"]]
    assert kept == made[:0:-1]


def test_more_than_one_takes_is_left_alone_and_said(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "MOST_ALERTS", 3)
    sender = past.integration(hub)
    past.alerts(hub.sql, sender, 4)
    past.alert(hub, sender, "the worst", severity="CRITICAL")
    made = hub.responder.made(BULK, {"kind": "close", "query": "status:open"})
    assert (made["alert_count"], made["has_more"]) == (3, True)
    over(hub.viewer, made)
    assert statuses(hub) == {"CLOSED": 3, "OPEN": 2}
    assert hub.sql("SELECT status::text FROM alerts WHERE title = 'the worst'") == [("CLOSED",)]


def test_a_workspace_with_many_hardly_delays_another(hub: Hub) -> None:
    ours = past.integration(hub)
    theirs = hub.stranger.made("/integrations", {"name": "theirs", "type": "generic"})
    past.alerts(hub.sql, ours, 150)
    past.alerts(hub.sql, theirs, 3)
    asked = {"kind": "resolve", "query": "status:open"}
    many, few = hub.responder.made(BULK, asked), hub.stranger.made(BULK, asked)
    assert few["alert_count"] == 3, "they see theirs only"
    ended = over(hub.stranger, few)["finished_at"]
    assert ended < over(hub.viewer, many)["finished_at"]


def test_another_workspace_neither_sees_nor_steers_it(hub: Hub) -> None:
    sender = past.integration(hub)
    alert_id = past.alert(hub, sender)
    with past.held(hub.connect, alert_id):
        made = hub.responder.made(BULK, {"kind": "resolve", "query": "status:open"})
        path = f"{BULK}/{made['id']}"
        for method, address in (
            ("GET", path),
            ("GET", f"{path}/alerts"),
            ("POST", f"{path}/cancel"),
            ("POST", f"{path}/undo"),
        ):
            answer = hub.stranger.request(method, address)
            assert (answer.status, answer.slug) == (404, "not-found"), address
        assert hub.stranger.get(BULK).json()["items"] == []
    assert over(hub.viewer, made)["state"] == "done"


def test_acting_takes_a_responder(hub: Hub) -> None:
    past.alerts(hub.sql, past.integration(hub), 1)
    asked = {"kind": "acknowledge", "query": "status:open"}
    assert hub.viewer.post(BULK, asked).slug == "forbidden"
    done = over(hub.viewer, hub.responder.made(BULK, asked))
    for act in ("cancel", "undo"):
        assert hub.viewer.post(f"{BULK}/{done['id']}/{act}").slug == "forbidden"
    assert statuses(hub) == {"ACKNOWLEDGED": 1}


def test_all_are_given_to_somebody_whom_a_page_reaches(hub: Hub) -> None:
    past.alerts(hub.sql, past.integration(hub), 2)
    ben = past.member(hub, hub.workspace_id, "Ben")
    hub.sql("UPDATE configuration SET version = version + 1")
    asked = {"kind": "assign", "query": "status:open", "user_id": ben}
    refused = over(hub.viewer, hub.responder.made(BULK, asked))
    (why, _) = hub.viewer.get(f"{BULK}/{refused['id']}/alerts").json()["items"]
    assert "Ben has no contact method" in why["reason"]
    past.contact_method(hub, hub.workspace_id, ben)
    hub.sql("UPDATE configuration SET version = version + 1")
    over(hub.viewer, hub.responder.made(BULK, asked))
    assert hub.sql("SELECT DISTINCT assigned_to::text FROM alerts") == [(ben,)]


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"kind": "acknowledge", "query": "severity:awful"}, "/query"),
        ({"kind": "acknowledge", "query": ""}, "/query"),
        ({"kind": "paint", "query": "status:open"}, "/kind"),
        ({"kind": "note", "query": "status:open"}, "/note"),
        ({"kind": "snooze", "query": "status:open"}, ""),
        ({"kind": "snooze", "query": "status:open", "until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"kind": "resolve", "query": "status:open", "minutes": 5}, "/minutes"),
        ({"kind": "resolve", "query": "status:open", "until": "2036-01-01T00:00:00Z"}, "/until"),
        ({"kind": "resolve", "query": "status:open", "user_id": None}, "/user_id"),
    ],
)
def test_a_wish_says_what_it_needs_and_no_more(
    hub: Hub, wish: dict[str, Any], pointer: str
) -> None:
    answer = hub.responder.post(BULK, wish)
    assert (answer.status, answer.slug) == (422, "validation-failed")
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def test_it_is_given_to_members_only(hub: Hub) -> None:
    stranger = past.member(hub, hub.other_workspace_id, "Otto")
    asked = {"kind": "assign", "query": "status:open", "user_id": stranger}
    answer = hub.responder.post(BULK, asked)
    assert (answer.status, answer.slug) == (404, "not-found")
