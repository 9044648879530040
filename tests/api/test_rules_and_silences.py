from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.api import past
from tests.api.conftest import Hub

RULE = {"name": "All", "event_types": ["alerts.triggered"], "destination_ids": []}
MATCHER = {"label": "host", "op": "=", "value": "db-1"}


def _soon(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_a_rule_is_made_changed_and_deleted(hub: Hub) -> None:
    quiet = {
        "days": ["sat", "sun"],
        "start": "22:00",
        "end": "06:00",
        "timezone": "Europe/Vienna",
        "breakthrough_severity": "CRITICAL",
    }
    weekday = {"start": "22:00", "end": "06:00", "timezone": "UTC", "months": [12]}
    made = hub.admin.made(
        "/alert-rules",
        RULE
        | {
            "matchers": [MATCHER],
            "unless": [[MATCHER], [MATCHER, MATCHER]],
            "quiet_hours": [quiet, weekday],
            "min_severity": "HIGH",
        },
    )
    every_day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert made["quiet_hours"] == [
        quiet | {"months": None, "days_of_month": None},
        weekday | {"days": every_day, "days_of_month": None, "breakthrough_severity": None},
    ]
    assert made["unless"] == [[MATCHER], [MATCHER, MATCHER]]
    assert made["matchers"] == [MATCHER]
    assert made["tenant_ids"] is None
    assert hub.viewer.get(f"/alert-rules/{made['id']}").json() == made
    assert hub.viewer.get("/alert-rules").json()["items"] == [made]
    changed = hub.admin.patch(
        f"/alert-rules/{made['id']}",
        {"quiet_hours": None, "min_severity": None, "position": 3, "unless": []},
    ).json()
    assert (changed["quiet_hours"], changed["min_severity"], changed["position"]) == (None, None, 3)
    assert changed["unless"] == []
    # One window alone, as rules had it before.
    (alone,) = hub.admin.patch(f"/alert-rules/{made['id']}", {"quiet_hours": quiet}).json()[
        "quiet_hours"
    ]
    assert alone == quiet | {"months": None, "days_of_month": None}
    changed = hub.admin.patch(f"/alert-rules/{made['id']}", {"quiet_hours": []}).json()
    assert changed["quiet_hours"] is None
    assert hub.admin.delete(f"/alert-rules/{made['id']}").status == 204
    assert hub.admin.get(f"/alert-rules/{made['id']}").status == 404


@pytest.mark.parametrize(
    ("fault", "pointer"),
    [
        ({"event_types": []}, "/event_types"),
        ({"event_types": ["alerts.test"]}, "/event_types/0"),
        ({"event_types": ["alerts.closed", "alerts.closed"]}, "/event_types"),
        ({"matchers": [{"label": "a", "op": "=~", "value": "("}]}, "/matchers/0/value"),
        ({"matchers": [{"label": "a", "op": "~", "value": ""}]}, "/matchers/0/op"),
        ({"matchers": [{"label": "severity", "op": "=", "value": "BAD"}]}, "/matchers/0/value"),
        ({"unless": [[MATCHER], []]}, "/unless/1"),
        ({"unless": [[{"label": "a", "op": "=~", "value": "("}]]}, "/unless/0/0/value"),
        ({"cooldown_seconds": -1}, "/cooldown_seconds"),
        ({"group_by": ["a", "a"]}, "/group_by"),
        ({"group_by": [""]}, "/group_by/0"),
        ({"group_by": [str(each) for each in range(11)]}, "/group_by"),
        ({"group_wait_seconds": 901}, "/group_wait_seconds"),
        ({"group_interval_seconds": 0}, "/group_interval_seconds"),
        ({"group_linger_seconds": None}, "/group_linger_seconds"),
        ({"cooldown_seconds": True}, "/cooldown_seconds"),
        (
            {
                "quiet_hours": {
                    "days": ["mon"],
                    "start": "24:00",
                    "end": "06:00",
                    "timezone": "UTC",
                }
            },
            "/quiet_hours/0/start",
        ),
        (
            {
                "quiet_hours": {
                    "days": ["mon"],
                    "start": "22:00",
                    "end": "06:00",
                    "timezone": "Moon",
                }
            },
            "/quiet_hours/0/timezone",
        ),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(
    hub: Hub, fault: dict[str, object], pointer: str
) -> None:
    answer = hub.admin.post("/alert-rules", RULE | fault)
    assert answer.slug == "validation-failed"
    assert answer.json()["errors"][0]["pointer"] == pointer, answer


def test_text_that_cannot_be_stored_is_refused_wherever_it_stands(hub: Hub) -> None:
    for value, code in (("a\0b", "nul"), ("\ud800", "surrogate")):
        matcher = {"label": "host", "op": "=", "value": value}
        answer = hub.admin.post("/alert-rules", RULE | {"matchers": [matcher]})
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/matchers/0/value", code)


def test_a_rule_names_only_what_is_there(hub: Hub) -> None:
    theirs = hub.stranger.made("/tenants", {"slug": "acme", "name": "Acme"})
    for fault, pointer in (
        ({"tenant_ids": [theirs["id"]]}, "/tenant_ids/0"),
        ({"destination_ids": [str(uuid4())]}, "/destination_ids/0"),
    ):
        answer = hub.admin.post("/alert-rules", RULE | fault)
        assert (answer.status, answer.slug) == (404, "not-found")
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_preview_says_what_would_have_matched_and_what_spoke_against_the_rest(hub: Hub) -> None:
    sender = past.integration(hub)
    now = datetime.now(UTC)
    past.alert(hub, sender, "Yes", fired=now, labels={"host": "db-1"})
    past.alert(hub, sender, "No host", fired=now)
    past.alert(hub, sender, "Too mild", fired=now, severity="LOW", labels={"host": "db-1"})
    past.alert(hub, sender, "Long ago", fired=now - timedelta(days=8), labels={"host": "db-1"})
    found = hub.viewer.made(
        "/alert-rules/preview", {"matchers": [MATCHER], "min_severity": "MEDIUM"}
    )
    assert [item["title"] for item in found["items"]] == ["Yes"]
    assert (found["considered"], found["matched"]) == (3, 1)
    assert found["refusals"] == {"severity": 1, "matcher": 1}
    miss = next(item for item in found["misses"] if item["title"] == "No host")
    assert miss["matcher"] == MATCHER
    assert "host" in miss["words"]


def test_a_silence_lives_and_is_ended(hub: Hub) -> None:
    body = {"matchers": [MATCHER], "ends_at": _soon(2), "comment": "Being replaced"}
    made = hub.responder.made("/silences", body)
    assert made["state"] == "active"
    assert made["author"] == "test responder"
    later = hub.responder.made("/silences", body | {"starts_at": _soon(1), "author": "Ada"})
    assert (later["state"], later["author"]) == ("pending", "Ada")
    assert hub.responder.delete(f"/silences/{made['id']}").status == 204
    ended = hub.viewer.get(f"/silences/{made['id']}").json()
    assert ended["state"] == "expired"
    assert hub.responder.delete(f"/silences/{made['id']}").status == 204
    assert hub.viewer.get(f"/silences/{made['id']}").json() == ended
    assert hub.responder.delete(f"/silences/{later['id']}").status == 204
    states = [item["state"] for item in hub.viewer.get("/silences").json()["items"]]
    assert states == ["expired", "expired"]
    assert hub.viewer.get("/silences", state="active").json()["items"] == []
    actions = [item["action"] for item in hub.admin.get("/audit-events", limit=9).json()["items"]]
    assert actions[:4] == ["expired", "expired", "created", "created"]


def test_a_silence_is_prolonged_but_not_into_the_past(hub: Hub) -> None:
    made = hub.responder.made(
        "/silences", {"matchers": [MATCHER], "ends_at": _soon(1), "comment": "x"}
    )
    path = f"/silences/{made['id']}"
    assert hub.responder.patch(path, {"ends_at": _soon(5)}).json()["ends_at"] > made["ends_at"]
    refused = hub.responder.patch(path, {"ends_at": "2020-01-01T00:00:00Z"})
    assert refused.json()["errors"][0]["pointer"] == "/ends_at"
    assert hub.responder.patch(path, {"comment": "longer"}).json()["comment"] == "longer"


def test_a_silence_must_ask_for_something(hub: Hub) -> None:
    for matchers in ([], [{"label": "host", "op": "=~", "value": ".*"}]):
        answer = hub.responder.post(
            "/silences", {"matchers": matchers, "ends_at": _soon(1), "comment": "x"}
        )
        assert answer.slug == "validation-failed"
        assert hub.viewer.post("/silences/preview", {"matchers": matchers}).status == 422


def test_a_silence_is_previewed(hub: Hub) -> None:
    sender = past.integration(hub)
    now = datetime.now(UTC)
    past.alert(hub, sender, "Muted", fired=now, labels={"host": "db-1"})
    past.alert(hub, sender, "Loud", fired=now, labels={"host": "db-2"})
    found = hub.viewer.made("/silences/preview", {"matchers": [MATCHER]})
    assert [item["title"] for item in found["items"]] == ["Muted"]
    assert (found["considered"], found["matched"]) == (2, 1)
