"""Schedules over the API: made, changed without changing the past, previewed, covered and swapped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api import past
from tests.api.conftest import Hub

PATH = "/schedules"


@pytest.fixture
def people(hub: Hub) -> dict[str, str]:
    return {name: past.member(hub, hub.workspace_id, name) for name in ("Ann", "Ben", "Cat")}


@pytest.fixture
def schedule(hub: Hub, people: dict[str, str]) -> dict[str, Any]:
    return hub.admin.made(PATH, past.schedule("Platform", people["Ann"], people["Ben"]))


def _at(days: float) -> str:
    """So many days after the next hand-over at nine."""
    now = datetime.now(UTC)
    nine = now.replace(hour=9, minute=0, second=0, microsecond=0)
    if nine <= now:
        nine += timedelta(days=1)
    return (nine + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def _names(answer: Any) -> list[str]:
    return [each["name"] for each in answer["items"]]


def _shifts(hub: Hub, schedule: dict[str, Any], since: float, until: float) -> Any:
    answer = hub.viewer.get(
        f"{PATH}/{schedule['id']}/shifts", **{"from": _at(since), "to": _at(until)}
    )
    assert answer.status == 200, answer
    return answer.json()


def test_a_schedule_says_who_is_on_call_and_why(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    found = _shifts(hub, schedule, 0, 3)
    names = _names(found)
    assert sorted(names[:2]) == ["Ann", "Ben"]
    assert names[2] == names[0]
    assert (found["gaps"], found["timezone"]) == ([], "UTC")
    first, second = found["items"][:2]
    assert first["ends_at"] == second["starts_at"] == _at(1)
    assert first["cause"]["kind"] == "layer"
    assert first["cause"]["layer"] == "Primary"
    assert second["cause"]["turn"] == first["cause"]["turn"] + 1
    (now,) = hub.viewer.get(f"{PATH}/{schedule['id']}/on-call").json()["items"]
    assert (now["name"], now["ends_at"]) == (second["name"], _at(0))
    everywhere = hub.viewer.get("/on-call", at=_at(0.5)).json()
    assert [each["name"] for each in everywhere["items"]] == ["Platform"]
    assert everywhere["items"][0]["on_call"][0]["name"] == names[0]
    (user,) = everywhere["users"]
    assert user["user_id"] == people[names[0]]
    assert user["schedules"][0]["until"] == _at(1)
    assert hub.viewer.get(PATH, user_id=people["Ann"]).json()["items"] == [schedule]
    assert hub.viewer.get(PATH, user_id=people["Cat"]).json()["items"] == []


def test_a_change_begins_a_version_and_who_is_on_call_stays(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    path = f"{PATH}/{schedule['id']}"
    before = hub.viewer.get(f"{path}/on-call").json()["items"]
    layer = dict(schedule["layers"][0])
    version = layer.pop("version")
    layer["participants"] = [[people[each]] for each in ("Cat", "Ben", "Ann")]
    preview = hub.responder.made(f"{path}/preview", {"change": {"layers": [layer]}})
    assert any(line.startswith("Cat gains") for line in preview["words"])
    assert hub.viewer.get(path).json() == schedule, "a preview changed something"
    changed = hub.admin.patch(path, {"layers": [layer]}).json()
    assert changed["layers"][0]["version"] == version + 1
    assert changed["effective_from"] > schedule["effective_from"]
    after = hub.viewer.get(f"{path}/on-call").json()["items"]
    assert [each["user_id"] for each in after] == [each["user_id"] for each in before]
    assert len(hub.sql("SELECT 1 FROM schedule_versions")) == 2
    renamed = hub.admin.patch(path, {"name": "Other"}).json()
    assert renamed["effective_from"] == changed["effective_from"]
    later = hub.admin.patch(path, {"timezone": "Europe/Vienna", "effective": "next_handoff"}).json()
    assert later["effective_from"] == _at(0)
    sooner = hub.admin.patch(path, {"timezone": "Europe/Paris"}).json()
    assert sooner["effective_from"] < _at(0)
    ends = hub.sql("SELECT effective_until FROM schedule_versions ORDER BY effective_from")
    assert [end is None for (end,) in ends] == [False, False, True]
    events = hub.admin.get("/audit-events").json()["items"]
    assert [each["action"] for each in events if each["object_type"] == "schedule"] == [
        "updated",
        "updated",
        "updated",
        "updated",
        "created",
    ]


@pytest.mark.parametrize(
    ("fault", "pointer"),
    [
        ({"layer": {"rotation": {"unit": "daily", "handoff_time": "9:00"}}}, None),
        ({"timezone": "Moon"}, "/timezone"),
        ({"fallback": {"user_id": "ann", "destination_id": "ann"}}, None),
    ],
)
def test_what_cannot_be_is_refused(hub: Hub, fault: dict[str, Any], pointer: str | None) -> None:
    answer = hub.admin.post(PATH, past.schedule("x", **fault))
    assert (answer.status, answer.slug) == (422, "validation-failed"), answer
    if pointer is not None:
        assert pointer in [each["pointer"] for each in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("rotation", "pointer", "code"),
    [
        ({"handoff_day": "mon"}, "/layers/0/rotation/handoff_day", "not-taken"),
        ({"unit": "weekly", "handoff_day": 3}, "/layers/0/rotation/handoff_day", "not-taken"),
        ({"unit": "monthly", "handoff_day": "mon"}, "/layers/0/rotation/handoff_day", "not-taken"),
        ({"unit": "weekly", "length": 53}, "/layers/0/rotation/length", "too-long"),
        ({"starts_on": "2026-02-30"}, "/layers/0/rotation/starts_on", None),
    ],
)
def test_each_fault_of_a_rotation_has_its_place(
    hub: Hub, rotation: dict[str, Any], pointer: str, code: str | None
) -> None:
    body = past.schedule("x")
    body["layers"][0]["rotation"] |= rotation
    answer = hub.admin.post(PATH, body)
    assert (answer.status, answer.slug) == (422, "validation-failed"), answer
    (found,) = answer.json()["errors"]
    assert found["pointer"] == pointer
    assert code in (None, found["code"])


def test_a_new_schedule_can_be_looked_at_first(hub: Hub, people: dict[str, str]) -> None:
    weekdays = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"}]
    body = past.schedule("x", people["Ann"], layer={"restrictions": weekdays})
    shown = hub.viewer.made(f"{PATH}/preview", body)
    assert shown["words"][0].startswith("Ann gains ")
    assert shown["words"][-1].endswith("nobody is on call.")
    assert shown["gaps"] == shown["new_gaps"] != []
    assert hub.viewer.get(PATH).json()["items"] == []


def test_a_layer_keeps_its_id_by_name_and_strangers_are_no_participants(
    hub: Hub, schedule: dict[str, Any]
) -> None:
    path = f"{PATH}/{schedule['id']}"
    body = past.schedule("x")
    assert (
        hub.admin.patch(path, {"layers": body["layers"]}).json()["layers"][0]["id"]
        == (schedule["layers"][0]["id"])
    )
    stranger = past.member(hub, hub.other_workspace_id, "Eve")
    answer = hub.admin.patch(path, {"layers": past.schedule("x", stranger)["layers"]})
    assert (answer.status, answer.slug) == (404, "not-found"), answer
    assert "/layers/0/participants/0/0" in answer.json()["detail"] + str(answer.json())
    unknown = [body["layers"][0] | {"id": stranger}]
    assert hub.admin.patch(path, {"layers": unknown}).status == 422


def test_a_preview_names_who_would_be_on_call_and_cannot_be_paged(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    path = f"{PATH}/{schedule['id']}/preview"
    past.contact_method(hub, hub.workspace_id, people["Ann"])
    past.contact_method(hub, hub.workspace_id, people["Cat"])
    hub.sql("UPDATE users SET is_active = false WHERE id = %s", people["Cat"])
    body = {"kind": "cover", "starts_at": _at(0.5), "ends_at": _at(1)}
    cat = hub.responder.made(path, {"override": {**body, "substitute_user_id": people["Cat"]}})
    assert cat["notices"] == [
        "Ben has no contact method that is verified and enabled: no page reaches them.",
        "Cat is disabled: nobody is paged in their turns.",
    ]
    past.contact_method(hub, hub.workspace_id, people["Ben"])
    ann = hub.responder.made(path, {"override": {**body, "substitute_user_id": people["Ann"]}})
    assert ann["notices"] == []


def test_overrides_change_a_time_by_hand(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    path = f"{PATH}/{schedule['id']}"
    body = {
        "kind": "cover",
        "starts_at": _at(0.5),
        "ends_at": _at(1),
        "substitute_user_id": people["Cat"],
        "comment": "Birthday",
    }
    preview = hub.responder.made(f"{path}/preview", {"override": body})
    assert preview["words"][0].startswith("Cat gains 12 h: ")
    made = hub.responder.made(f"{path}/overrides", body)
    assert made["author"] == "test responder"
    assert _names(_shifts(hub, schedule, 0, 1))[1] == "Cat"
    assert _shifts(hub, schedule, 0, 1)["items"][1]["cause"]["override_id"] == made["id"]
    assert hub.viewer.get(f"{path}/overrides", is_over="false").json()["items"] == [made]
    assert hub.responder.delete(f"/schedule-overrides/{made['id']}").status == 204
    assert "Cat" not in _names(_shifts(hub, schedule, 0, 1))
    on_second = _names(_shifts(hub, schedule, 1, 2))[0]
    other = next(name for name in people if name != on_second)
    idle = {
        "kind": "replace",
        "starts_at": _at(1),
        "ends_at": _at(2),
        "user_id": people[other],
        "substitute_user_id": people[on_second],
    }
    preview = hub.responder.made(f"{path}/preview", {"override": idle})
    assert preview["has_effect"] is False
    assert preview["words"] == ["No effect: the same people are on call at the same times."]
    lasting = hub.responder.made(
        f"{path}/overrides",
        {"kind": "add", "ends_at": _at(5)} | {"substitute_user_id": people["Cat"]},
    )
    assert hub.responder.delete(f"/schedule-overrides/{lasting['id']}").status == 204
    ended = hub.viewer.get(f"/schedule-overrides/{lasting['id']}").json()
    assert ended["ends_at"] < _at(0)


def test_one_shift_is_taken_over_by_naming_a_moment_of_it(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    (shift,) = _shifts(hub, schedule, 1, 2)["items"]
    made = hub.responder.made(
        f"{PATH}/{schedule['id']}/overrides",
        {
            "kind": "replace",
            "shift_at": _at(1.3),
            "user_id": shift["user_id"],
            "substitute_user_id": people["Cat"],
        },
    )
    assert (made["starts_at"], made["ends_at"]) == (_at(1), _at(2))
    assert _names(_shifts(hub, schedule, 1, 2)) == ["Cat"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "cover"}, "/substitute_user_id"),
        ({"kind": "remove", "substitute_user_id": "Ann"}, "/user_id"),
        ({"kind": "add", "substitute_user_id": "Ann", "starts_at": 2, "ends_at": 2}, "/ends_at"),
        ({"kind": "add", "substitute_user_id": "Ann", "starts_at": -9, "ends_at": -8}, "/ends_at"),
        ({"kind": "add", "substitute_user_id": "Ann", "starts_at": 0, "ends_at": 500}, "/ends_at"),
        ({"kind": "add", "substitute_user_id": "Ann", "starts_at": 0}, "/ends_at"),
        ({"kind": "replace", "user_id": "Ann", "substitute_user_id": "Ann"}, "/substitute_user_id"),
    ],
)
def test_overrides_that_cannot_be_are_refused(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str], body: dict[str, Any], pointer: str
) -> None:
    asked = {
        name: people.get(value, value) if isinstance(value, str) else _at(value)
        for name, value in body.items()
    }
    answer = hub.responder.post(f"{PATH}/{schedule['id']}/overrides", asked)
    assert (answer.status, answer.slug) == (422, "validation-failed"), answer
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


def test_a_swap_is_asked_for_taken_and_undone(
    hub: Hub, schedule: dict[str, Any], people: dict[str, str]
) -> None:
    first, second = _shifts(hub, schedule, 1, 3)["items"]
    body = {"schedule_id": schedule["id"], "user_id": first["user_id"], "kind": "exchange"}
    times = {"starts_at": first["starts_at"], "ends_at": first["ends_at"]}
    swap = hub.responder.made("/shift-swaps", body | times)
    assert swap["state"] == "open"
    assert _names(_shifts(hub, schedule, 1, 2)) == [first["name"]], "nobody has taken it yet"
    take = f"/shift-swaps/{swap['id']}/take"
    in_return = {"return_starts_at": second["starts_at"], "return_ends_at": second["ends_at"]}
    wrong = hub.responder.post(take, {"user_id": first["user_id"]} | in_return)
    assert wrong.json()["errors"][0]["code"] == "same-user"
    idle = hub.responder.post(take, {"user_id": people["Cat"]} | in_return)
    assert idle.json()["errors"][0]["code"] == "not-on-call"
    taken = hub.responder.post(take, {"user_id": second["user_id"]} | in_return)
    assert taken.json()["state"] == "taken"
    found = _shifts(hub, schedule, 1, 3)["items"]
    assert [each["name"] for each in found] == [second["name"], first["name"]]
    assert {each["cause"]["swap_id"] for each in found} == {swap["id"]}
    again = hub.responder.post(take, {"user_id": people["Cat"]} | in_return)
    assert again.json()["errors"][0]["code"] == "not-open"
    override_id = found[0]["cause"]["override_id"]
    of_swap = hub.responder.delete(f"/schedule-overrides/{override_id}")
    assert of_swap.json()["errors"][0]["code"] == "of-a-swap"
    undone = hub.responder.post(f"/shift-swaps/{swap['id']}/cancel", None)
    assert undone.json()["state"] == "canceled"
    assert _names(_shifts(hub, schedule, 1, 3)) == [first["name"], second["name"]]
    assert hub.viewer.get("/shift-swaps", state="canceled").json()["items"] == [undone.json()]
    idle = hub.responder.post("/shift-swaps", body | times | {"user_id": people["Cat"]})
    assert idle.json()["errors"][0]["code"] == "not-on-call"


def test_what_policies_or_schedules_name_cannot_be_deleted(
    hub: Hub, people: dict[str, str]
) -> None:
    destination = hub.admin.made(
        "/alert-destinations",
        {"name": "ops", "type": "webhook", "config": {"url": "https://example.org/hook"}},
    )
    body = past.schedule("Platform", fallback={"destination_id": destination["id"]})
    schedule = hub.admin.made(PATH, body)
    (now,) = hub.viewer.get(f"{PATH}/{schedule['id']}/on-call").json()["items"]
    assert (now["destination_id"], now["name"]) == (destination["id"], "ops")
    assert now["cause"]["kind"] == "fallback"
    refused = hub.admin.delete(f"/alert-destinations/{destination['id']}")
    assert (refused.status, refused.slug) == (409, "in-use")
    assert "Platform" in refused.json()["detail"]
    target = {"type": "schedule", "id": schedule["id"]}
    policy = hub.admin.made(
        "/escalation-policies",
        {"name": "All", "steps": [{"targets": [target], "wait_seconds": 60}]},
    )
    refused = hub.admin.delete(f"{PATH}/{schedule['id']}")
    assert (refused.status, refused.slug) == (409, "in-use")
    assert hub.admin.delete(f"/escalation-policies/{policy['id']}").status == 204
    assert hub.admin.delete(f"{PATH}/{schedule['id']}").status == 204
    assert hub.viewer.get(f"{PATH}/{schedule['id']}").status == 404
    assert hub.viewer.get(f"{PATH}/{schedule['id']}/on-call").status == 404
    assert hub.viewer.get("/on-call").json()["items"] == []


def test_who_is_deleted_leaves_every_schedule_at_once(
    hub: Hub, people: dict[str, str], schedule: dict[str, Any]
) -> None:
    path = f"{PATH}/{schedule['id']}"
    cover = {"kind": "cover", "ends_at": _at(5), "starts_at": _at(4)}
    hub.responder.made(f"{path}/overrides", cover | {"substitute_user_id": people["Ann"]})
    (now,) = hub.viewer.get(f"{path}/on-call").json()["items"]
    other = people["Ben" if now["name"] == "Ann" else "Ann"]
    assert hub.admin.delete(f"/users/{now['user_id']}").status == 204
    (then,) = hub.viewer.get(f"{path}/on-call").json()["items"]
    assert then["user_id"] == other
    assert hub.viewer.get(path).json()["layers"][0]["participants"] == [[other]]
    assert {each["user_id"] for each in _shifts(hub, schedule, 0, 6)["items"]} == {other}
    assert hub.admin.delete(f"/users/{other}").status == 204
    assert hub.viewer.get(f"{path}/on-call").json()["items"] == []
    assert len(_shifts(hub, schedule, 0, 6)["gaps"]) == 1
    actions = [each["action"] for each in hub.admin.get("/audit-events").json()["items"]]
    assert actions.count("user-removed") == 2
