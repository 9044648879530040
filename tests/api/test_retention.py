"""Retention by the API: own numbers for each admin, the installation's for admins of `default`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api import past
from tests.api.conftest import Hub

NOW = datetime.now(UTC)


def of(answer: Any, table: str, where: str = "items") -> dict[str, Any]:
    (found,) = [each for each in answer.json()[where] if each["table"] == table]
    return dict(found)


def test_what_is_kept_for_how_long_and_what_goes_next(hub: Hub) -> None:
    sender = past.integration(hub)
    past.webhook_delivery(hub, sender, created=NOW - timedelta(days=40))
    past.webhook_delivery(hub, sender, created=NOW)
    found = of(hub.admin.get("/retention"), "webhook_deliveries")
    assert found["days"] == 90
    assert found["set_by"] is None
    assert found["rows"] == {"number": 2, "certainty": "exact"}
    assert found["due"] == {"number": 0, "certainty": "exact"}
    assert found["oldest_at"][:10] == (NOW - timedelta(days=40)).strftime("%Y-%m-%d")
    assert found["last_pass_at"] is None

    tried = hub.admin.get("/retention", days=30)
    assert tried.json()["tried_days"] == 30
    assert of(tried, "webhook_deliveries")["due"] == {"number": 1, "certainty": "exact"}
    assert of(tried, "webhook_deliveries")["days"] == 90, "it is only tried"
    longest = hub.admin.get("/retention", days=36_500)
    assert of(longest, "webhook_deliveries")["due"] == {"number": 0, "certainty": "exact"}
    assert hub.sql("SELECT count(*) FROM webhook_deliveries") == [(2,)]


def test_only_admins_ask(hub: Hub) -> None:
    for who in (hub.viewer, hub.responder):
        assert who.get("/retention").slug == "forbidden"
    for days in ("0", "-1", "many", "40000"):
        assert hub.admin.get("/retention", days=days).slug == "validation-failed"


def test_a_workspace_sees_its_own_and_default_sees_all(hub: Hub) -> None:
    sender = past.integration(hub)
    past.webhook_delivery(hub, sender)
    hub.sql(
        "INSERT INTO retention_passes (kind, began_at, ended_at, deleted, last_deleted_at, last_deleted)"
        " VALUES ('webhooks', now(), now(), 3, now(), 3)"
    )
    theirs = hub.stranger.get("/retention")
    assert theirs.json()["installation"] is None
    assert of(theirs, "webhook_deliveries")["rows"]["number"] == 0
    # When it ran is no secret, how much it found in all workspaces is.
    assert of(theirs, "webhook_deliveries")["last_pass_at"] is not None
    assert "deleted" not in of(theirs, "webhook_deliveries")

    whole = of(hub.admin.get("/retention"), "webhook_deliveries", "installation")
    assert whole["rows"] == {"number": 1, "certainty": "exact"}
    assert whole["size"] > 0
    assert (whole["deleted"], whole["last_deleted"], whole["is_under_way"]) == (3, 3, False)
