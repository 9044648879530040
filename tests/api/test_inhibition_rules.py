from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api import past
from tests.api.conftest import Hub

PATH = "/inhibition-rules"


def asks(**labels: str) -> list[dict[str, str]]:
    return [{"label": label, "op": "=", "value": value} for label, value in labels.items()]


def rule(name: str, source: list[Any], target: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "source_matchers": source, "target_matchers": target, **more}


DOWN = rule("Host down", asks(check="ping"), asks(check="disk"), equal=["host"])


def test_a_rule_is_made_changed_and_deleted(hub: Hub) -> None:
    made = hub.admin.made(PATH, DOWN)
    assert (made["delay_seconds"], made["grace_seconds"], made["is_enabled"]) == (30, 60, True)
    assert hub.viewer.get(f"{PATH}/{made['id']}").json() == made
    assert hub.viewer.get(PATH).json()["items"] == [made]
    assert hub.admin.post(PATH, DOWN).slug == "name-taken"
    defined = "SELECT defined_at FROM inhibition_rules"
    (before,) = hub.sql(defined)
    hub.admin.patch(f"{PATH}/{made['id']}", {"delay_seconds": 5})
    assert hub.sql(defined) == [before]
    changed = hub.admin.patch(f"{PATH}/{made['id']}", {"equal": ["host", "site"]}).json()
    assert changed["equal"] == ["host", "site"]
    assert hub.sql(defined) != [before]
    assert hub.responder.post(PATH, DOWN).slug == "forbidden"
    assert hub.admin.delete(f"{PATH}/{made['id']}").status == 204
    assert hub.admin.get(f"{PATH}/{made['id']}").status == 404
    found = hub.admin.get("/audit-events", object_type="inhibition_rule").json()["items"]
    assert [item["action"] for item in found] == ["deleted", "updated", "updated", "created"]


@pytest.mark.parametrize(
    ("fault", "pointer"),
    [
        ({"source_matchers": []}, "/source_matchers"),
        ({"target_matchers": asks(host="")}, "/target_matchers"),
        (
            {"source_matchers": [{"label": "a", "op": "=~", "value": "("}]},
            "/source_matchers/0/value",
        ),
        ({"equal": ["a", "a"]}, "/equal"),
        ({"equal": [""]}, "/equal/0"),
        ({"delay_seconds": -1}, "/delay_seconds"),
        ({"grace_seconds": 86_401}, "/grace_seconds"),
        ({"target_matchers": asks(check="ping")}, "/target_matchers"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(
    hub: Hub, fault: dict[str, object], pointer: str
) -> None:
    answer = hub.admin.post(PATH, DOWN | fault)
    assert answer.slug == "validation-failed"
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_rules_that_hold_back_each_other_are_refused_with_the_circle(hub: Hub) -> None:
    hub.admin.made(PATH, rule("a", asks(kind="power"), asks(kind="host")))
    hub.admin.made(PATH, rule("b", asks(kind="host"), asks(kind="disk")))
    closing = rule("c", asks(kind="disk", site="x"), asks(kind="power"))
    answer = hub.admin.post(PATH, closing)
    (fault,) = answer.json()["errors"]
    assert fault["code"] == "circle"
    assert "“c” → “a” → “b” → “c”" in fault["message"]
    # One that is off closes no circle, until it is on.
    made = hub.admin.made(PATH, closing | {"is_enabled": False})
    answer = hub.admin.patch(f"{PATH}/{made['id']}", {"is_enabled": True})
    assert answer.json()["errors"][0]["code"] == "circle"
    assert hub.admin.get(f"{PATH}/{made['id']}").json() == made
    # What looks at other labels, or at other values, is no circle.
    hub.admin.made(PATH, rule("d", asks(kind="disk"), asks(service="shop")))
    hub.admin.made(PATH, rule("e", asks(service="shop"), asks(kind="net")))


def test_an_alert_says_what_it_holds_back_and_by_what_it_is_held(hub: Hub) -> None:
    made = hub.admin.made(PATH, DOWN)
    sender = past.integration(hub)
    ping = past.alert(hub, sender, "Host down", fired=datetime.now(UTC))
    disks = [past.alert(hub, sender, f"Disk {n}", fired=datetime.now(UTC)) for n in range(2)]
    destination = hub.admin.made(
        "/alert-destinations",
        {"name": "x", "type": "webhook", "config": {"url": "https://example.org/"}},
    )
    key, since = uuid4(), datetime.now(UTC)
    hub.sql(
        "INSERT INTO inhibition_sources (key, alert_id, inhibition_rule_id, title, since)"
        " VALUES (%s, %s, %s, 'Host down', %s)",
        *(key, ping, made["id"], since),
    )
    for disk in disks:
        hub.sql("INSERT INTO inhibition_targets VALUES (%s, %s)", key, disk)
    # Held, for a reason that the running clock does not judge anew.
    past.alert_delivery(hub, destination, disks[0], status="deferred", reason="bundled")
    held = hub.viewer.get(f"/alerts/{disks[0]}").json()["inhibition"]
    assert held["inhibited_by"] == [
        {
            "alert_id": str(ping),
            "title": "Host down",
            "rule_id": made["id"],
            "rule_name": "Host down",
            "since": since.isoformat().replace("+00:00", "Z"),
            "ended_at": None,
        }
    ]
    assert (held["inhibits"], held["inhibits_count"]) == ([], 0)
    holding = hub.viewer.get(f"/alerts/{ping}").json()["inhibition"]
    assert [each["title"] for each in holding["inhibits"]] == ["Disk 0"]
    assert (holding["inhibited_by"], holding["inhibits_count"]) == ([], 1)
    assert hub.viewer.get(f"/alerts/{ping}/explain").json()["inhibition"] == holding
    hub.admin.patch(f"{PATH}/{made['id']}", {"is_enabled": False})
    assert hub.viewer.get(f"/alerts/{disks[0]}").json()["inhibition"]["inhibited_by"] == []


def test_a_preview_says_what_would_have_been_held(hub: Hub) -> None:
    sender, start = past.integration(hub), datetime.now(UTC) - timedelta(hours=5)

    def came(
        title: str, minutes: float, check: str, until: float | None = None, **more: Any
    ) -> None:
        alert_id = past.alert(
            hub,
            sender,
            title,
            fired=start + timedelta(minutes=minutes),
            labels={"check": check, "host": more.pop("host", "db-1")},
            **more,
        )
        if until is not None:
            hub.sql(
                "UPDATE alerts SET status = 'RESOLVED', resolved_at = %s WHERE id = %s",
                *(start + timedelta(minutes=until), alert_id),
            )

    came("down", 10, "ping", until=20)
    came("just before", 9.6, "disk")
    came("too early", 9, "disk")
    came("critical before", 9.9, "disk", severity="CRITICAL")
    came("in the middle", 15, "disk", severity="CRITICAL")
    came("in the grace", 20.5, "disk")
    came("after", 21.5, "disk")
    came("elsewhere", 15, "disk", host="db-2")
    body = {name: DOWN[name] for name in ("source_matchers", "target_matchers", "equal")}
    found = hub.viewer.made(f"{PATH}/preview", body)
    titles = {item["title"] for item in found["items"]}
    assert titles == {"just before", "in the middle", "in the grace"}
    assert (found["sources"], found["considered"], found["matched"]) == (1, 8, 3)
    assert hub.admin.get(PATH).json()["items"] == []
    theirs = hub.stranger.made(f"{PATH}/preview", body)
    assert (theirs["items"], theirs["considered"], theirs["sources"]) == ([], 0, 0)
