"""Heartbeats that are lost together: one alert, and none of them is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.heartbeats.watching import Watching, watching
from tests.support.postgres import Database
from tocsin.heartbeats.beat import PingKind

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
MANY = [f"h{number:02}" for number in range(20)]


@pytest.fixture
def hub(database: Database) -> Iterator[Watching]:
    with watching(database.url) as opened:
        opened.look()
        yield opened


def armed(hub: Watching, names: list[str] = MANY, **columns: Any) -> None:
    for name in names:
        hub.heartbeat(name, **columns)
    pinged(hub, names)


def pinged(hub: Watching, names: list[str]) -> None:
    hub.submit([hub.incoming(name, PingKind.SUCCESS) for name in names])
    hub.look()


def titles(hub: Watching) -> list[tuple[str, str]]:
    return [(alert["title"], alert["status"]) for alert in hub.alerts()]


def lost(hub: Watching) -> int:
    ((count,),) = hub.sql("SELECT count(*) FROM heartbeat_statuses WHERE loss_id IS NOT NULL")
    return int(count)


def test_many_that_are_lost_together_have_one_alert(hub: Watching) -> None:
    armed(hub, MANY[:-1], labels='{"team": "db", "room": "1"}')
    armed(hub, MANY[-1:], labels='{"team": "db", "room": "2"}', severity="CRITICAL")
    began = hub.now
    hub.after(71 * MINUTE)
    (alert,) = hub.alerts()
    assert (alert["title"], alert["severity"]) == ("20 heartbeats are missing", "CRITICAL")
    assert alert["labels"] == {"team": "db", "reason": "lost_together"}
    assert alert["metadata"] == {"lost": 20, "missing": 20}
    assert "Missing: h00, h01, h02" in alert["description"]
    assert began + 70 * MINUTE <= alert["triggered_at"] <= hub.now
    assert hub.told() == ["triggered"]
    assert {hub.state(name) for name in MANY} == {"down"}
    assert lost(hub) == 20


def test_all_are_back(hub: Watching) -> None:
    armed(hub)
    hub.after(71 * MINUTE)
    pinged(hub, MANY[:15])
    assert titles(hub) == [("5 of 20 heartbeats are still missing", "OPEN")]
    hub.after(MINUTE)
    pinged(hub, MANY[15:])
    (alert,) = hub.alerts()
    assert (alert["status"], hub.told()) == ("RESOLVED", ["triggered", "resolved"])
    assert hub.sql("SELECT count(*) FROM heartbeat_losses") == [(0,)]
    hub.after(30 * MINUTE)
    assert len(hub.alerts()) == 1
    assert lost(hub) == 0


def test_what_does_not_come_back_with_the_others_has_its_own_alert(hub: Watching) -> None:
    armed(hub)
    began = hub.now
    hub.after(71 * MINUTE)
    hub.after(20 * MINUTE)
    assert len(hub.alerts()) == 1
    pinged(hub, MANY[2:])
    hub.after(4 * MINUTE)
    assert len(hub.alerts()) == 1
    hub.after(2 * MINUTE)
    together, *own = hub.alerts()
    assert together["status"] == "RESOLVED"
    assert [(each["title"], each["status"]) for each in own] == [
        ("h00 missed its heartbeat", "OPEN"),
        ("h01 missed its heartbeat", "OPEN"),
    ]
    assert {each["triggered_at"] for each in own} == {began + 70 * MINUTE}
    pinged(hub, MANY[:1])
    assert [alert["status"] for alert in hub.alerts()] == ["RESOLVED", "RESOLVED", "OPEN"]


def test_a_cut_is_noticed_by_those_that_are_late(hub: Watching) -> None:
    for name in MANY:
        hub.heartbeat(name, period_seconds=60, grace_seconds=60)
    for name in MANY:
        pinged(hub, [name])
        hub.base.now += 3 * SECOND
    hub.base.now += -3 * SECOND
    end = hub.now + 3 * MINUTE
    while hub.now < end:
        hub.base.now += SECOND
        hub.look()
    assert {hub.state(name) for name in MANY} == {"down"}
    assert titles(hub) == [("20 heartbeats are missing", "OPEN")]
    assert hub.told() == ["triggered"]


@pytest.mark.parametrize(("missing", "of"), [(9, 20), (12, 60)])
def test_few_have_an_alert_each(hub: Watching, missing: int, of: int) -> None:
    names = [f"n{number:02}" for number in range(of)]
    armed(hub, names)
    hub.after(30 * MINUTE)
    pinged(hub, names[missing:])
    hub.after(41 * MINUTE)
    assert len(hub.alerts()) == missing
    assert all(title.endswith("missed its heartbeat") for title, _ in titles(hub))
    assert lost(hub) == 0


def test_daily_ones_that_run_late_are_not_lost(hub: Watching) -> None:
    names = MANY[:15]
    armed(hub, names, period_seconds=24 * 3_600, grace_seconds=3_600)
    hub.after(23 * HOUR + 54 * MINUTE)
    armed(hub, ["often"], period_seconds=60, grace_seconds=60)
    hub.after(10 * MINUTE)
    assert titles(hub) == [("often missed its heartbeat", "OPEN")]


def test_who_reports_a_failure_is_not_missing(hub: Watching) -> None:
    armed(hub)
    hub.after(71 * MINUTE)
    pinged(hub, MANY[:1])
    hub.ping(MANY[0], PingKind.FAIL, exit_code=3)
    hub.look()
    assert [title for title, _ in titles(hub)] == [
        "19 of 20 heartbeats are still missing",
        "h00 reported failure (exit 3)",
    ]
    assert lost(hub) == 19


def test_back_and_failed_between_two_looks(hub: Watching) -> None:
    armed(hub)
    hub.after(71 * MINUTE)
    hub.ping(MANY[0])
    hub.base.now += SECOND
    hub.ping(MANY[0], PingKind.FAIL)
    hub.look()
    assert [title for title, _ in titles(hub)][1:] == ["h00 reported failure"]
    hub.base.now += SECOND
    pinged(hub, MANY[:1])
    assert [status for _, status in titles(hub)] == ["OPEN", "RESOLVED"]


def test_those_that_fall_due_later_join_it(hub: Watching) -> None:
    armed(hub)
    armed(hub, ["late"], period_seconds=2 * 3_600)
    hub.after(71 * MINUTE)
    assert hub.state("late") == "up"
    hub.after(HOUR)
    assert titles(hub) == [("21 heartbeats are missing", "OPEN")]
    assert hub.told() == ["triggered"]


def test_others_heartbeats_are_no_part_of_it(hub: Watching) -> None:
    tenant = hub.workspace.tenant("other")
    armed(hub)
    armed(hub, ["theirs"], tenant_id=tenant)
    hub.after(71 * MINUTE)
    assert sorted(titles(hub)) == [
        ("20 heartbeats are missing", "OPEN"),
        ("theirs missed its heartbeat", "OPEN"),
    ]


def test_a_restart_forgets_nothing(hub: Watching) -> None:
    armed(hub)
    hub.after(71 * MINUTE)
    hub.restart()
    hub.look()
    pinged(hub, MANY[3:])
    hub.restart()
    hub.after(6 * MINUTE)
    assert [status for _, status in titles(hub)] == ["RESOLVED", "OPEN", "OPEN", "OPEN"]


def test_a_hub_that_was_away_says_once_who_is_really_gone(hub: Watching) -> None:
    armed(hub)
    hub.restart(down_for=5 * HOUR)
    hub.look()
    assert hub.alerts() == []
    hub.after(11 * MINUTE)
    assert titles(hub) == [("20 heartbeats are missing", "OPEN")]


def test_more_than_a_batch(database: Database) -> None:
    with watching(database.url, batch=7) as hub:
        hub.look()
        armed(hub)
        hub.after(71 * MINUTE)
        assert titles(hub) == [("20 heartbeats are missing", "OPEN")]
        assert hub.told() == ["triggered"]
        pinged(hub, MANY)
        assert hub.told() == ["triggered", "resolved"]
