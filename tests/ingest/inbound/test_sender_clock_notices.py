"""A Prometheus whose clock is wrong: on record, and in the health of its integration."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.inbound.alertmanager_client import Api, alert, at
from tests.ingest.inbound.conftest import Outside


@pytest.fixture
def api(outside: Outside) -> Api:
    return Api(outside)


def health(api: Api) -> Any:
    return api.outside.hub.viewer.get(f"/integrations/{api.integration['id']}/health").json()


def test_a_clock_that_is_minutes_behind_is_noticed(api: Api) -> None:
    began = at(minutes=-20)
    over = {**alert("Over", ends=at(minutes=-9)), "startsAt": began}
    for minutes in (8, 6, 4, 2):
        fires = {**alert("Down", ends=at(minutes=-minutes)), "startsAt": began}
        assert api.post(fires).status == 200
        assert api.post(over).status == 200
    flagged = [row[4] for row in api.outside.records() if row[4]]
    assert flagged == [["sender_clock_behind"]]
    found = health(api)
    assert found["webhooks"] == 8
    (notice,) = found["notices"]
    assert (notice["code"], notice["count"]) == ("sender_clock_behind", 1)
    assert "NTP" in notice["detail"]


def test_a_clock_that_is_ahead_is_noticed(api: Api) -> None:
    api.post(alert("Down"))
    assert health(api)["notices"] == []
    api.post({**alert("Early"), "startsAt": at(minutes=2), "endsAt": at(minutes=6)})
    assert api.outside.records()[-1][4] == ["sender_clock_ahead"]
    assert [each["code"] for each in health(api)["notices"]] == ["sender_clock_ahead"]
    assert api.statuses() == ["OPEN", "OPEN"]


def test_what_was_refused_is_counted(api: Api) -> None:
    for _ in range(2):
        api.post(alert(), key="wrong")
    api.post(alert())
    (notice,) = health(api)["notices"]
    assert (notice["code"], notice["count"]) == ("refused", 2)
    assert "answered 401" in notice["detail"]
    stranger = api.outside.hub.stranger
    assert stranger.get(f"/integrations/{api.integration['id']}/health").status == 404


def test_an_integration_that_sent_nothing_is_well(api: Api) -> None:
    assert health(api) == {"webhooks": 0, "last_at": None, "notices": []}
