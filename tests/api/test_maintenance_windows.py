from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api import past
from tests.api.conftest import Hub

PATH = "/maintenance-windows"
MATCHER = {"label": "host", "op": "=", "value": "db-1"}
WINDOW: dict[str, Any] = {"name": "Patch", "matchers": [MATCHER], "duration_minutes": 60}
WEEKLY = WINDOW | {
    "starts_at": "2035-12-25T02:00:00",
    "timezone": "Europe/Berlin",
    "rrule": "FREQ=WEEKLY;BYDAY=TU",
}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_window_begins_now_is_ended_and_stays_ended(hub: Hub) -> None:
    made = hub.responder.made(PATH, WINDOW)
    assert (made["state"], made["author"], made["timezone"]) == ("active", "test responder", "UTC")
    lasting = made["current"]
    assert _moment(lasting["ends_at"]) - _moment(lasting["starts_at"]) == timedelta(hours=1)
    assert hub.viewer.get(f"{PATH}/{made['id']}").json() == made
    ended = hub.responder.post(f"{PATH}/{made['id']}/end", None).json()
    assert (ended["state"], ended["current"], ended["next"]) == ("expired", None, None)
    again = hub.responder.post(f"{PATH}/{made['id']}/end", None).json()
    assert again == ended
    assert hub.viewer.get(PATH, is_over="false").json()["items"] == []
    assert hub.viewer.get(PATH, is_over="true").json()["items"] == [ended]
    actions = [item["action"] for item in hub.admin.get("/audit-events").json()["items"]]
    assert actions.count("ended") == 1


def test_windows_are_listed_by_their_state(hub: Hub) -> None:
    made = {
        state: hub.responder.made(PATH, body | {"name": state})["id"]
        for state, body in (
            ("active", WINDOW),
            ("pending", WEEKLY),
            ("disabled", WINDOW | {"is_enabled": False}),
            ("expired", WINDOW),
        )
    }
    hub.responder.post(f"{PATH}/{made['expired']}/end", None)

    def listed(**query: Any) -> list[str]:
        return [each["name"] for each in hub.viewer.get(PATH, **query).json()["items"]]

    for state in made:
        assert listed(state=state) == [state]
    assert listed(state=["pending", "active"]) == ["pending", "active"]
    assert listed(state=["pending", "active"], is_over="true") == []
    # Page by page, too.
    page = hub.viewer.get(PATH, state=["expired", "active"], limit=1).json()
    assert [each["name"] for each in page["items"]] == ["expired"]
    rest = hub.viewer.get(PATH, state=["expired", "active"], cursor=page["next_cursor"]).json()
    assert ([each["name"] for each in rest["items"]], rest["next_cursor"]) == (["active"], None)
    assert hub.viewer.get(PATH, state="gone").status == 422


def test_a_window_that_recurs_says_when_in_its_zone_and_in_utc(hub: Hub) -> None:
    made = hub.responder.made(PATH, WEEKLY)
    assert (made["state"], made["current"]) == ("pending", None)
    assert made["next"] == {
        "starts_at": "2035-12-25T01:00:00Z",
        "ends_at": "2035-12-25T02:00:00Z",
        "local_starts_at": "2035-12-25T02:00:00",
        "local_ends_at": "2035-12-25T03:00:00",
    }
    changed = hub.responder.patch(
        f"{PATH}/{made['id']}",
        {"exdates": ["2035-12-25T02:00:00"], "breakthrough_severity": "CRITICAL"},
    ).json()
    assert changed["next"]["local_starts_at"] == "2036-01-01T02:00:00"
    assert changed["breakthrough_severity"] == "CRITICAL"
    off = hub.responder.patch(f"{PATH}/{made['id']}", {"is_enabled": False}).json()
    assert off["state"] == "disabled"
    assert hub.responder.delete(f"{PATH}/{made['id']}").status == 204
    assert hub.viewer.get(f"{PATH}/{made['id']}").status == 404


@pytest.mark.parametrize(
    ("fault", "pointer", "code"),
    [
        ({"matchers": []}, "/matchers", "matches-everything"),
        ({"matchers": [MATCHER | {"op": "!="}]}, "/matchers", "matches-everything"),
        ({"timezone": "Moon"}, "/timezone", None),
        ({"starts_at": "2035-12-25T02:00:00Z"}, "/starts_at", None),
        ({"starts_at": "2035-02-30T02:00:00"}, "/starts_at", None),
        ({"starts_at": "2020-12-25T02:00:00", "rrule": None}, "/starts_at", "in-the-past"),
        ({"rrule": "FREQ=YEARLY"}, "/rrule", "bad-rule"),
        ({"rrule": "FREQ=DAILY;UNTIL=20350101"}, "/rrule", "never-occurs"),
        ({"rrule": "FREQ=DAILY;INTERVAL=14;BYDAY=MO"}, "/rrule", "never-occurs"),
        ({"rrule": None, "exdates": ["2035-12-25T02:00:00"]}, "/exdates", "never-occurs"),
        ({"rrule": "FREQ=DAILY", "duration_minutes": 1440}, "/duration_minutes", "never-ends"),
        ({"duration_minutes": 0}, "/duration_minutes", None),
        ({"duration_minutes": 43_201}, "/duration_minutes", None),
        ({"on_end": "shout"}, "/on_end", None),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(
    hub: Hub, fault: dict[str, object], pointer: str, code: str | None
) -> None:
    answer = hub.responder.post(PATH, WEEKLY | fault)
    assert answer.slug == "validation-failed"
    (found,) = answer.json()["errors"]
    assert found["pointer"] == pointer
    assert code is None or found["code"] == code


def test_a_weekend_is_two_days_that_touch(hub: Hub) -> None:
    body = {"rrule": "FREQ=WEEKLY;BYDAY=SA,SU", "duration_minutes": 1440}
    assert hub.responder.post(PATH, WEEKLY | body).status == 201


def test_a_whole_tenant_can_be_worked_on_but_not_a_strangers(hub: Hub) -> None:
    own = hub.admin.made("/tenants", {"slug": "acme", "name": "Acme"})
    body = WEEKLY | {"matchers": []}
    made = hub.responder.made(PATH, body | {"tenant_ids": [own["id"]]})
    assert made["tenant_ids"] == [own["id"]]
    for tenant_id in (
        str(uuid4()),
        hub.stranger.made("/tenants", {"slug": "x", "name": "X"})["id"],
    ):
        answer = hub.responder.post(PATH, body | {"tenant_ids": [tenant_id]})
        assert (answer.status, answer.json()["errors"][0]["pointer"]) == (404, "/tenant_ids/0")
        answer = hub.responder.patch(f"{PATH}/{made['id']}", {"tenant_ids": [tenant_id]})
        assert answer.status == 404
    assert hub.responder.patch(f"{PATH}/{made['id']}", {"tenant_ids": None}).status == 422


def test_who_only_looks_makes_none(hub: Hub) -> None:
    made = hub.responder.made(PATH, WEEKLY)
    assert hub.viewer.post(PATH, WEEKLY).slug == "forbidden"
    assert hub.viewer.post(f"{PATH}/{made['id']}/end", None).slug == "forbidden"


def test_a_preview_says_when_and_what(hub: Hub) -> None:
    sender, now = past.integration(hub), datetime.now(UTC)
    for hours, status in ((0, "OPEN"), (30, "RESOLVED"), (31, "OPEN")):
        past.alert(
            hub, sender, f"{hours}", fired=now - timedelta(hours=hours),
            labels={"host": "db-1"}, status=status,
        )  # fmt: skip
    past.alert(hub, sender, "Other", fired=now)
    begun = (now - timedelta(days=3, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S")
    body = WINDOW | {"starts_at": begun, "rrule": "FREQ=DAILY", "days": 2}
    found = hub.viewer.made(f"{PATH}/preview", body)
    assert (found["considered"], found["matched"], found["within"]) == (4, 3, 1)
    assert found["live"]["matched"] == 2
    assert len(found["occurrences"]) == 5
    assert _moment(found["occurrences"][0]["starts_at"]) <= now
    assert hub.admin.get(PATH).json()["items"] == []
    made = hub.responder.made(PATH, {key: body[key] for key in body if key != "days"})
    same = hub.responder.get(f"{PATH}/{made['id']}/preview", days=2).json()
    assert same["occurrences"] == found["occurrences"]
    assert same["within"] == 1
