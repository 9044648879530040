from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests.api import past
from tests.api.conftest import Hub


def _titles(hub: Hub, **query: object) -> list[str]:
    answer = hub.viewer.get("/alerts", **query)
    assert answer.status == 200, answer
    return [item["title"] for item in answer.json()["items"]]


def test_an_alert_is_read_with_every_column(hub: Hub) -> None:
    sender = past.integration(hub)
    alert_id = past.alert(hub, sender, labels={"host": "db-1"}, external_id="e-1")
    found = hub.viewer.get(f"/alerts/{alert_id}").json()
    columns = hub.sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'alerts'"
    )
    # The digest only spares a repeat from reading the words, and the penalty of flapping is a number of
    # an algorithm; they say nothing to anybody.
    unseen = {"words_digest", "flaps"}
    assert set(found) == {name for (name,) in columns} - unseen | {"inhibition", "flapping_since"}
    assert found["labels"] == {"host": "db-1"}
    assert found["metadata"] == {"page": 1}
    assert found["triggered_at"] == "2026-03-01T12:00:00Z"
    assert found["acknowledged_at"] is None
    del found["inhibition"]
    assert hub.viewer.get("/alerts").json()["items"] == [found]


def test_alerts_are_filtered(hub: Hub) -> None:
    shop, bank = past.integration(hub, "shop"), past.integration(hub, "bank")
    past.alert(hub, shop, "Disk full", severity="HIGH")
    past.alert(hub, shop, "CPU 100%", severity="LOW", status="RESOLVED")
    past.alert(hub, bank, "disk_slow", severity="CRITICAL", fired=past.FIRED + timedelta(hours=1))
    assert _titles(hub) == ["disk_slow", "CPU 100%", "Disk full"]
    assert _titles(hub, status="OPEN") == ["disk_slow", "Disk full"]
    assert _titles(hub, status=["OPEN", "RESOLVED"], severity="LOW") == ["CPU 100%"]
    assert _titles(hub, severity=["LOW", "HIGH"]) == ["CPU 100%", "Disk full"]
    assert _titles(hub, integration_id=bank["id"]) == ["disk_slow"]
    assert _titles(hub, tenant_id=shop["tenant_id"]) == _titles(hub)
    assert _titles(hub, q="DISK") == ["disk_slow", "Disk full"]
    assert _titles(hub, q="bank") == ["disk_slow"]
    assert _titles(hub, since="2026-03-01T12:30:00Z") == ["disk_slow"]
    assert _titles(hub, until="2026-03-01T13:30:00+01:00") == ["CPU 100%", "Disk full"]
    assert _titles(hub, status="open", severity=["high", "Critical"]) == ["disk_slow", "Disk full"]
    assert hub.viewer.get("/alerts", status="opened").slug == "validation-failed"


def test_alerts_are_found_by_what_a_list_of_them_shows(hub: Hub) -> None:
    shop, bank = past.integration(hub, "shop"), past.integration(hub, "bank")
    past.alert(hub, shop, "a", external_id="e-1", labels={"host": "db-1", "team": "red"})
    past.alert(hub, bank, "b", external_id="e-2", labels={"host": "db-1", "team": "blue"})
    assert _titles(hub, external_id="e-2") == ["b"]
    assert _titles(hub, source="shop") == ["a"]
    assert _titles(hub, label="host=db-1") == ["b", "a"]
    assert _titles(hub, label=["host=db-1", "team=blue"]) == ["b"]
    assert _titles(hub, label="team=green") == []
    assert hub.viewer.get("/alerts", label="team").slug == "validation-failed"


def test_what_flaps_says_since_when_and_is_found(hub: Hub) -> None:
    sender = past.integration(hub)
    flaps = past.alert(hub, sender, "flaps")
    past.alert(hub, sender, "has flapped")
    closed = past.alert(hub, sender, "is closed", status="CLOSED")
    past.alert(hub, sender, "never did")
    known = (
        '{"penalty": 3, "changed_at": "2026-03-01T12:06:00Z", "first_at": "2026-03-01T12:00:00Z"%s}'
    )
    since = known % ', "since": "2026-03-01T12:06:00Z"'
    for title, found in (("flaps", since), ("has flapped", known % ""), ("is closed", since)):
        hub.sql("UPDATE alerts SET flaps = %s WHERE title = %s", found, title)
    hub.sql(
        "INSERT INTO alert_timers (alert_id, kind, due_at, alert_destination_id, workspace_id)"
        " VALUES (%s, 'flapping', now() + interval '1 day', %s, %s)",
        flaps,
        UUID(int=0),
        hub.workspace_id,
    )
    assert _titles(hub, is_flapping="true") == ["flaps"]
    assert _titles(hub, is_flapping="false") == ["never did", "is closed", "has flapped"]
    assert hub.viewer.get(f"/alerts/{flaps}").json()["flapping_since"] == "2026-03-01T12:06:00Z"
    assert hub.viewer.get(f"/alerts/{closed}").json()["flapping_since"] is None


def test_a_search_text_stands_for_itself(hub: Hub) -> None:
    sender = past.integration(hub)
    past.alert(hub, sender, "CPU 100%")
    past.alert(hub, sender, "CPU 1000")
    past.alert(hub, sender, "a_b")
    past.alert(hub, sender, "a\\b")
    assert _titles(hub, q="100%") == ["CPU 100%"]
    assert _titles(hub, q="a_b") == ["a_b"]
    assert _titles(hub, q="a\\b") == ["a\\b"]


def test_the_timeline_is_in_order(hub: Hub) -> None:
    alert_id = past.alert(hub, past.integration(hub))
    past.event(hub, alert_id, "acknowledged")
    past.event(hub, alert_id, "resolved")
    first = hub.viewer.get(f"/alerts/{alert_id}/timeline", limit=2).json()
    assert [item["kind"] for item in first["items"]] == ["triggered", "acknowledged"]
    assert first["items"][0]["actor"] == {"kind": "source", "name": "shop"}
    rest = hub.viewer.get(
        f"/alerts/{alert_id}/timeline", limit=2, cursor=first["next_cursor"]
    ).json()
    assert [item["kind"] for item in rest["items"]] == ["resolved"]
    assert rest["next_cursor"] is None


def test_doubtful_filters_are_refused(hub: Hub) -> None:
    for query in (
        {"status": "opened"},
        {"status": ""},
        {"severity": "WORST"},
        {"integration_id": "12"},
        {"since": "yesterday"},
        {"since": "2026-03-01T12:00:00"},
        {"q": ""},
        {"q": "a\0b"},
        {"stauts": "OPEN"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "9" * 40},
    ):
        answer = hub.viewer.get("/alerts", **query)
        assert (answer.status, answer.slug) == (422, "validation-failed"), query
        pointer = answer.json()["errors"][0]["pointer"]
        assert pointer.startswith("/query/" + next(iter(query))), pointer
