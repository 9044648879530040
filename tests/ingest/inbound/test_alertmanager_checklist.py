"""The 22 points by which an API is Alertmanager's, each a test; docs/sources/prometheus.md lists them.

What takes real programs (points 17 to 19) is shown with them in tests/story/test_prometheus.py as well.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.ingest.inbound.alertmanager_client import ZERO, Api, alert, at
from tests.ingest.inbound.conftest import Outside
from tests.support.paths import DOCS
from tests.support.postgres import Database
from tests.timers.posting import ONE, OTHER, Posts, posting
from tocsin.timers.alert_leases import end_leases


@pytest.fixture
def api(outside: Outside) -> Api:
    return Api(outside)


@pytest.fixture
def posts(database: Database) -> Iterator[Posts]:
    with posting(database.url) as opened:
        yield opened


def test_01_an_empty_array_is_taken(api: Api) -> None:
    path = f"{api.base}/api/v2/alerts"
    answer = api.outside.request("POST", path, raw=b"[]", key=api.token)
    assert (answer.status, answer.body) == (200, b"")
    assert api.statuses() == []


def test_02_a_zero_end_counts_as_missing(api: Api) -> None:
    assert api.post({**alert("Zero"), "endsAt": ZERO, "startsAt": ZERO}).status == 200
    (shown,) = api.get("alerts")
    assert at(minutes=4) < shown["endsAt"] < at(minutes=6)
    assert shown["startsAt"] > at(minutes=-1)


def test_03_of_a_bad_and_a_good_one_the_good_is_stored(api: Api) -> None:
    answer = api.post({"labels": {"alertname": ""}}, alert("Good"))
    assert answer.status == 400
    assert "at least one label pair" in answer.json(), "a JSON string"
    assert api.names() == ["Good"]


def test_04_an_alert_without_labels_is_refused_as_the_schema_has_it(api: Api) -> None:
    answer = api.post({"annotations": {"summary": "x"}})
    assert (answer.status, answer.json()["code"]) == (422, 602)
    assert api.statuses() == []


@pytest.mark.parametrize(
    ("labels", "fingerprint"),
    [
        ({"a": "b"}, "d2b371819297f98a"),
        ({"alertname": "Watchdog"}, "003b0a0f7d3fa569"),
        (
            {"alertname": "DiskFull", "instance": "db1:9100", "severity": "critical", "empty": ""},
            "efb0c6c488e007da",
        ),
        ({"alertname": "Grün", "Z": "1"}, "df80fd8ba66cd8c1"),
    ],
)
def test_05_fingerprints_are_prometheus_own(
    api: Api, labels: dict[str, str], fingerprint: str
) -> None:
    api.post({"labels": labels, "endsAt": at(minutes=4)})
    (shown,) = api.get("alerts")
    assert shown["fingerprint"] == fingerprint


def test_06_nothing_is_an_empty_array_and_never_null(api: Api) -> None:
    for path in ("alerts", "alerts/groups", "silences"):
        assert api.read(path).body == b"[]", path
    api.post({"labels": {"alertname": "Bare"}})
    (shown,) = api.get("alerts")
    assert shown["annotations"] == {"summary": "Bare"}
    assert [shown["status"][f"{name}By"] for name in ("silenced", "inhibited", "muted")] == [[]] * 3


def test_07_an_empty_value_matches_a_label_that_is_missing(api: Api) -> None:
    api.post(alert("Down", foo="x"), alert("Up"))
    assert api.names(filter='foo=""') == ["Up"]


def test_08_a_receiver_is_matched_whole(api: Api) -> None:
    hub = api.outside.hub
    hook = {"name": "webhook", "type": "webhook", "config": {"url": "https://example.org/x"}}
    destination = hub.admin.made("/alert-destinations", hook)
    hub.admin.made(
        "/alert-rules",
        {
            "name": "all",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
        },
    )
    api.post(alert("Down"))
    assert api.names(receiver="web") == []
    assert api.names(receiver="webhook") == ["Down"]


def test_09_unprocessed_changes_nothing(api: Api) -> None:
    api.post(alert("Down"))
    assert api.names(unprocessed="false") == api.names(unprocessed="true") == ["Down"]


def test_10_a_silence_of_all_there_is_is_refused(api: Api) -> None:
    answer = api.silence(("a", ".*", True))
    assert answer.status == 400
    assert isinstance(answer.json(), str)
    assert api.get("silences") == []


def test_11_another_start_of_an_active_silence_is_another_silence(api: Api) -> None:
    first = api.silence(("a", "b", False)).json()["silenceID"]
    second = api.silence(("a", "b", False), id=first, startsAt=at(minutes=5)).json()["silenceID"]
    assert second != first
    assert api.get(f"silence/{first}")["status"] == {"state": "expired"}


def test_12_a_silence_may_be_deleted_twice(api: Api) -> None:
    made = api.silence(("a", "b", False)).json()["silenceID"]
    url = f"{api.base}/api/v2/silence/{made}"
    answers = [api.outside.request("DELETE", url, key=api.key) for _ in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"")] * 2


def test_13_a_silence_with_an_id_that_nobody_knows(api: Api) -> None:
    answer = api.silence(("a", "b", False), id=str(uuid4()))
    assert (answer.status, type(answer.json())) == (404, str)
    assert api.get("silences") == []


def test_14_an_id_that_is_none(api: Api) -> None:
    assert api.read("silence/abc").status == 422


def test_15_health_is_answered_to_head_too(api: Api) -> None:
    for path in ("/-/ready", "/-/healthy"):
        for base in ("", api.base):
            head = api.outside.request("HEAD", base + path)
            assert (head.status, head.body) == (200, b"")
            assert api.outside.request("GET", base + path).body == b"OK"


def test_16_grafana_does_not_take_it_for_mimir(api: Api) -> None:
    for base in ("", api.base):
        path = f"{base}/alertmanager/api/v2/status"
        assert api.outside.request("GET", path, key=api.key).status == 404


def test_17_the_configuration_in_the_status_is_one(api: Api) -> None:
    """`amtool config routes` and Grafana read it as a whole."""
    status = api.get("status")
    found = yaml.safe_load(status["config"]["original"])
    assert found["route"]["receiver"] in [each["name"] for each in found["receivers"]]
    assert set(status) == {"cluster", "config", "uptime", "versionInfo"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", status["versionInfo"]["version"])
    assert status["cluster"] == {"name": "", "peers": [], "status": "disabled"}


def test_18_one_lost_post_of_two_minutes_keeps_the_alert_open(posts: Posts) -> None:
    posts.post()
    for _ in range(5):
        # That at 120 s is lost; the one at 240 s is a little late.
        posts.hub.advance(245)
        assert posts.lapse() == 0
        posts.post()
    assert [(row["status"], row["occurrence_count"]) for row in posts.alerts] == [("OPEN", 6)]


def test_19_a_restart_ends_nothing(posts: Posts) -> None:
    posts.post()
    posts.hub.advance(3_600)

    async def restart(patience: timedelta) -> None:
        work = end_leases(
            posts.hub.workspace.url, posts.hub.feed, patience=patience, now=lambda: posts.hub.now
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await work

    posts.hub.run(restart(timedelta(minutes=4)))
    posts.post()
    assert posts.lapse() == 0
    assert [(row["status"], row["occurrence_count"]) for row in posts.alerts] == [("OPEN", 2)]


def test_20_of_two_senders_one_resolves(posts: Posts) -> None:
    for origin in (ONE, OTHER):
        posts.post(origin=origin)
    posts.hub.advance(30)
    posts.post(origin=ONE, ends=timedelta(seconds=-1))
    assert posts.statuses == ["OPEN"]
    posts.hub.advance(30)
    posts.post(origin=OTHER, ends=timedelta(seconds=-1))
    assert posts.statuses == ["RESOLVED"]


def test_21_a_token_in_the_path_may_hold_dots_and_tildes(api: Api) -> None:
    token = "a.b~c-d_e" * 3
    path = f"/integrations/{api.integration['id']}/tokens"
    api.outside.hub.admin.made(path, {"label": "old", "token": token})
    answer = api.outside.request("POST", f"{api.base}/{token}/api/v2/alerts", [alert()])
    assert (answer.status, api.statuses()) == (200, ["OPEN"])


@pytest.mark.parametrize("path", ["/am//{id}/api/v2/alerts", "//am/{id}//api/v2/alerts"])
def test_22_doubled_slashes_which_nobody_sends_are_no_fault(api: Api, path: str) -> None:
    where = path.format(id=api.integration["id"])
    answer = api.outside.request("POST", where, [alert()], key=api.token)
    assert 400 <= answer.status < 500
    assert api.statuses() == []


def test_the_page_lists_each_point_and_each_has_its_test() -> None:
    page = (DOCS / "sources" / "prometheus.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", page, re.MULTILINE)
    names: list[Any] = [name for name in globals() if re.match(r"test_\d\d_", name)]
    assert [int(number) for number, _ in rows] == list(range(1, 23))
    assert sorted(int(name[5:7]) for name in names) == list(range(1, 23))
