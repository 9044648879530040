"""Missed heartbeats and their alerts, by a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from tests.heartbeats.watching import Watching, watching
from tests.support.postgres import Database
from tocsin.alerts.actions import Action
from tocsin.heartbeats.beat import PingKind
from tocsin.timers import heartbeats
from tocsin.timers.heartbeats import HeartbeatWork
from tocsin.timers.timezone_data import timezone_data

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
START, SUCCESS, FAIL, LOG = PingKind


@pytest.fixture
def hub(database: Database) -> Iterator[Watching]:
    with watching(database.url) as opened:
        opened.look()
        yield opened


def test_a_missed_heartbeat_opens_an_alert_and_a_returned_one_resolves_it(hub: Watching) -> None:
    heartbeat = hub.heartbeat(severity="CRITICAL")
    hub.sql("""UPDATE heartbeats SET labels = '{"team": "db"}'""")
    hub.ping()
    began = hub.now
    hub.after(70 * MINUTE - SECOND)
    assert hub.alerts() == []
    hub.after(3 * MINUTE)
    (alert,) = hub.alerts()
    assert (alert["title"], alert["severity"]) == ("backup missed its heartbeat", "CRITICAL")
    assert alert["external_id"] == f"heartbeat:{heartbeat}"
    assert alert["triggered_at"] == began + 70 * MINUTE
    assert alert["labels"] == {"team": "db", "heartbeat": "backup", "reason": "timeout"}
    assert alert["metadata"]["heartbeat_id"] == str(heartbeat)
    assert "every 1h" in alert["description"]
    assert "with a grace of 10m" in alert["description"]
    assert hub.told() == ["triggered"]
    hub.after(HOUR)
    hub.ping()
    hub.look()
    (alert,) = hub.alerts()
    assert (alert["status"], alert["resolved_at"]) == ("RESOLVED", hub.now)
    details = hub.sql("SELECT kind, detail->>'because' FROM alert_events ORDER BY id")
    assert details == [
        ("triggered", "no ping came in time"),
        ("resolved", "the heartbeat is back"),
    ]
    hub.after(2 * HOUR)
    assert [alert["status"] for alert in hub.alerts()] == ["RESOLVED", "OPEN"]


def test_its_alert_says_what_it_is_for(hub: Watching) -> None:
    hub.heartbeat(alert_title="No backup tonight", description="See the runbook")
    hub.ping()
    hub.after(3 * HOUR)
    (alert,) = hub.alerts()
    assert alert["title"] == "No backup tonight"
    assert alert["description"].endswith("\n\nSee the runbook")


def test_what_never_pinged_or_is_paused_opens_nothing(hub: Watching) -> None:
    hub.heartbeat("new")
    hub.heartbeat("paused")
    hub.ping("paused")
    hub.sql(
        "UPDATE heartbeat_statuses SET state = 'paused', due_at = NULL WHERE last_ping_at IS NOT NULL"
    )
    hub.after(5 * HOUR)
    assert hub.alerts() == []
    assert hub.sql("SELECT count(*) FROM heartbeat_statuses WHERE look_at IS NOT NULL") == [(0,)]


def test_a_fail_opens_at_once_and_says_what_it_said(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping(kind=FAIL, exit_code=3, body="disk full")
    hub.look()
    (alert,) = hub.alerts()
    assert alert["title"] == "backup reported failure (exit 3)"
    assert "disk full" in alert["description"]
    assert (alert["labels"]["reason"], alert["metadata"]["exit_code"]) == ("fail", 3)
    hub.ping(kind=FAIL, exit_code=4)
    hub.look()
    assert len(hub.alerts()) == 1


def test_a_run_that_does_not_end(hub: Watching) -> None:
    hub.heartbeat(max_run_seconds=120)
    hub.ping(kind=START)
    hub.after(3 * MINUTE)
    (alert,) = hub.alerts()
    assert (alert["title"], alert["labels"]["reason"]) == (
        "backup did not finish in time",
        "overrun",
    )


def test_all_that_happened_between_two_looks_counts_in_its_order(hub: Watching) -> None:
    hub.heartbeat()
    for kind in (FAIL, SUCCESS, FAIL, SUCCESS, FAIL):
        hub.base.now += SECOND
        hub.ping(kind=kind)
    hub.look()
    assert [alert["status"] for alert in hub.alerts()] == ["RESOLVED", "RESOLVED", "OPEN"]


def test_an_alert_that_a_person_closed_stays_closed_until_the_next_episode(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping(kind=FAIL)
    hub.look()
    hub.base.act(hub.alerts()[0]["id"], Action.CLOSE)
    hub.after(HOUR)
    hub.ping()
    hub.look()
    assert [alert["status"] for alert in hub.alerts()] == ["CLOSED"]
    hub.ping(kind=FAIL)
    hub.look()
    assert [alert["status"] for alert in hub.alerts()] == ["CLOSED", "OPEN"]


def test_the_alert_is_of_the_tenant_of_its_heartbeat(hub: Watching) -> None:
    tenant = hub.workspace.tenant("acme")
    hub.heartbeat(tenant_id=tenant)
    hub.ping(kind=FAIL)
    hub.look()
    assert hub.alerts()[0]["tenant_id"] == tenant


def test_a_restart_at_any_moment_loses_nothing_and_repeats_nothing(
    hub: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leader dies before and after each of its transactions."""
    for name in ("a", "b"):
        hub.heartbeat(name)
        hub.ping(name)
    hub.base.now += 71 * MINUTE
    hub.base.now -= 71 * MINUTE
    hub.after(69 * MINUTE)
    hub.base.now += 2 * MINUTE
    # It put them down, and died before it opened anything.
    hub.base.run(hub.work._look(hub.now))
    assert hub.sql("SELECT count(*) FROM heartbeat_changes WHERE processed_at IS NULL") == [(2,)]
    hub.restart(SECOND)

    async def dies(self: HeartbeatWork, *_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("tocsin.alerts.transaction.AlertTransaction.commit", dies)
        hub.look()
    assert hub.alerts() == []
    hub.restart(SECOND)
    hub.look()
    assert sorted(alert["title"] for alert in hub.alerts()) == [
        "a missed its heartbeat",
        "b missed its heartbeat",
    ]
    hub.restart(SECOND)
    hub.look()
    assert len(hub.alerts()) == 2
    assert hub.told() == ["triggered"] * 2


def test_two_leaders_at_once_open_one_alert(hub: Watching) -> None:
    import asyncio

    for n in range(20):
        hub.heartbeat(f"n{n}")
    hub.submit([hub.incoming(f"n{n}", FAIL) for n in range(20)])
    other = HeartbeatWork(hub.workspace.url, hub.base.feed)

    async def both() -> None:
        await asyncio.gather(hub.work.work(hub.now), other.work(hub.now))
        await other.close()

    hub.base.run(both())
    hub.look()
    assert len(hub.alerts()) == 20
    assert {alert["occurrence_count"] for alert in hub.alerts()} == {1}


def test_a_ping_at_the_last_moment_wins_against_the_clock(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping()
    hub.after(70 * MINUTE - SECOND)
    hub.ping()
    hub.base.now += 2 * SECOND
    hub.look()
    assert (hub.state(), hub.alerts()) == ("up", [])


def test_a_hub_that_was_away_does_not_find_everybody_missing(hub: Watching) -> None:
    for name, period in (("short", 60), ("hourly", 3600), ("later", 86_400)):
        hub.heartbeat(name, period_seconds=period, grace_seconds=60)
        hub.ping(name)
    later = hub.status("due_at", "later")
    hub.restart(down_for=2 * HOUR)
    hub.look()
    assert hub.alerts() == []
    assert hub.status("due_at", "short") == hub.now + MINUTE
    assert hub.status("due_at", "hourly") == hub.now + 5 * MINUTE
    assert hub.status("due_at", "later") == later
    hub.ping("short")
    hub.after(4 * MINUTE)
    assert [alert["title"] for alert in hub.alerts()] == ["short missed its heartbeat"]
    hub.after(2 * MINUTE)
    assert len(hub.alerts()) == 2


def test_who_was_expected_while_the_hub_was_away_has_its_grace(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping()
    hub.after(59 * MINUTE)
    hub.restart(down_for=5 * MINUTE)
    hub.look()
    assert hub.status("due_at") == hub.now + 10 * MINUTE


def test_a_quick_restart_gives_nobody_more_time(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping()
    hub.after(70 * MINUTE - SECOND)
    hub.restart(down_for=5 * SECOND)
    hub.look()
    assert len(hub.alerts()) == 1


def test_a_stalled_clock_or_one_that_jumps_ahead_is_like_having_been_away(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping()
    hub.after(MINUTE)
    hub.base.now += 3 * HOUR
    hub.look()
    assert (hub.state(), hub.alerts()) == ("up", [])
    assert hub.status("due_at") == hub.now + 10 * MINUTE
    hub.after(11 * MINUTE)
    assert len(hub.alerts()) == 1


def test_a_clock_that_jumps_less_than_a_minute_ahead_finds_nobody_missing(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping()
    hub.after(70 * MINUTE - 5 * SECOND)
    hub.put(forward=30 * SECOND)
    hub.look()
    assert (hub.state(), hub.alerts()) == ("up", [])
    assert hub.status("due_at") == hub.now + 10 * MINUTE
    # As much time that everybody saw is another matter.
    hub.ping()
    hub.after(70 * MINUTE - 5 * SECOND)
    hub.after(30 * SECOND)
    assert len(hub.alerts()) == 1


def test_a_look_that_the_database_did_not_see_is_made_up_for(
    hub: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.heartbeat()
    hub.ping()
    hub.after(69 * MINUTE)
    hub.restart(down_for=5 * MINUTE)

    async def dies(self: HeartbeatWork, *_: object) -> None:
        raise psycopg.OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(HeartbeatWork, "_give_time", dies)
        with pytest.raises(psycopg.OperationalError):
            hub.look()
    hub.base.now += SECOND
    hub.look()
    assert (hub.state(), hub.alerts()) == ("up", [])
    assert hub.status("due_at") == hub.now + 10 * MINUTE


def test_a_heartbeat_that_never_gets_its_first_ping(hub: Watching) -> None:
    waiting = hub.heartbeat(expect_first_within_seconds=3_600)
    hub.heartbeat("patient")
    began = hub.now
    hub.sql(
        "UPDATE heartbeat_statuses SET waiting_since = %s, due_at = %s, look_at = %s,"
        " due_reason = 'never_pinged' WHERE heartbeat_id = %s",
        began,
        began + HOUR,
        began + HOUR,
        waiting,
    )
    hub.after(HOUR - SECOND)
    assert hub.alerts() == []
    hub.after(MINUTE)
    (alert,) = hub.alerts()
    assert (alert["title"], alert["labels"]["reason"]) == (
        "backup has never pinged",
        "never_pinged",
    )
    assert f"within 1h of {began:%Y-%m-%dT%H:%M}" in alert["description"]
    assert alert["triggered_at"] == began + HOUR
    hub.ping()
    hub.look()
    assert [alert["status"] for alert in hub.alerts()] == ["RESOLVED"]
    assert (hub.state(), hub.state("patient")) == ("up", "new")


def test_a_hub_that_was_away_gives_the_first_ping_time_too(hub: Watching) -> None:
    hub.heartbeat(expect_first_within_seconds=3_600)
    hub.sql(
        "UPDATE heartbeat_statuses SET waiting_since = %s, due_at = %s, look_at = %s,"
        " due_reason = 'never_pinged'",
        hub.now,
        hub.now + HOUR,
        hub.now + HOUR,
    )
    hub.restart(down_for=2 * HOUR)
    hub.look()
    assert (hub.state(), hub.status("due_at")) == ("new", hub.now + 10 * MINUTE)


def test_a_clock_that_goes_back_finds_nobody_missing_twice(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping()
    hub.after(71 * MINUTE)
    hub.base.now -= 30 * MINUTE
    hub.look()
    hub.after(HOUR)
    assert len(hub.alerts()) == 1
    hub.base.now -= 2 * HOUR
    hub.ping()
    hub.look()
    assert [alert["status"] for alert in hub.alerts()] == ["RESOLVED"]


def test_a_pause_ends_by_itself_where_it_says_when(hub: Watching) -> None:
    hub.heartbeat(expect_first_within_seconds=3_600)
    hub.sql(
        "UPDATE heartbeat_statuses SET state = 'paused', paused_until = %s, look_at = %s",
        hub.now + HOUR,
        hub.now + HOUR,
    )
    hub.after(59 * MINUTE)
    assert hub.state() == "paused"
    hub.after(2 * MINUTE)
    assert (hub.state(), hub.status("paused_until"), hub.alerts()) == ("new", None, [])
    assert hub.status("due_at") == hub.status("waiting_since") + HOUR


def test_a_faulty_one_does_not_hold_the_others(
    hub: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "bad", "c"):
        hub.heartbeat(name)
    real = heartbeats.signal_of

    def breaks(waiting: heartbeats.WaitingChange, tenant: str | None) -> object:
        if waiting.row.name == "bad":
            raise ValueError("cannot be said")
        return real(waiting, tenant)

    monkeypatch.setattr(heartbeats, "signal_of", breaks)
    hub.submit([hub.incoming(name, FAIL) for name in ("a", "bad", "c")])
    hub.look()
    assert sorted(alert["labels"]["heartbeat"] for alert in hub.alerts()) == ["a", "c"]
    monkeypatch.setattr(heartbeats, "signal_of", real)
    hub.look()
    assert len(hub.alerts()) == 2, "it is left alone for a while"
    hub.restart(SECOND)
    hub.look()
    assert len(hub.alerts()) == 3


def test_many_are_looked_at_in_batches(database: Database) -> None:
    # Fewer than are lost together.
    with watching(database.url, batch=4) as hub:
        hub.look()
        names = [f"n{n}" for n in range(9)]
        for name in names:
            hub.heartbeat(name)
        hub.submit([hub.incoming(name, SUCCESS) for name in names])
        hub.after(71 * MINUTE)
        assert len(hub.alerts()) == 9
        hub.submit([hub.incoming(name, SUCCESS) for name in names])
        hub.look()
        assert {alert["status"] for alert in hub.alerts()} == {"RESOLVED"}


def test_the_look_moves_on_only_when_it_is_due(hub: Watching) -> None:
    heartbeat: UUID = hub.heartbeat()
    hub.ping()
    hub.after(HOUR)
    hub.ping()
    due = hub.status("due_at")
    hub.after(11 * MINUTE)
    assert (hub.status("due_at"), hub.status("look_at")) == (due, due)
    assert heartbeat


def test_new_rules_of_time_zones_move_what_goes_by_them(
    hub: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the rules of before had put the time two hours later."""
    daily = {"kind": "cron", "period_seconds": None, "timezone": "Europe/Vienna"}
    for name in ("night", "noon", "paused"):
        hub.heartbeat(name, expressions=["30 2 * * *"], **daily)
        hub.ping(name)
    hub.heartbeat("hourly")
    hub.ping("hourly")
    hub.sql("UPDATE heartbeat_statuses SET state = 'paused', due_at = NULL WHERE heartbeat_id = "
            "(SELECT id FROM heartbeats WHERE name = 'paused')")  # fmt: skip
    due = "SELECT name, due_at FROM heartbeat_statuses JOIN heartbeats ON id = heartbeat_id"
    right = dict(hub.sql(due))
    hub.sql(
        "UPDATE heartbeat_statuses SET due_at = due_at + '2 hours', look_at = due_at + '2 hours'"
    )
    wrong = dict(hub.sql(due))
    hub.restart()
    hub.look()
    assert dict(hub.sql(due)) == wrong
    monkeypatch.setattr(heartbeats, "timezone_data", lambda: "version 2036z")
    hub.restart()
    hub.look()
    assert dict(hub.sql(due)) == {**right, "hourly": wrong["hourly"]}
    looks = hub.sql("SELECT count(*) FROM heartbeat_statuses WHERE look_at > due_at")
    assert looks == [(0,)]
    hub.sql("UPDATE heartbeat_statuses SET due_at = due_at + '2 hours'")
    hub.restart()
    hub.look()
    assert dict(hub.sql(due))["night"] == wrong["night"]


def test_more_than_a_batch_goes_by_the_new_rules(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watching(database.url) as hub:
        hub.batch = 3
        for n in range(8):
            hub.heartbeat(f"n{n}", kind="cron", period_seconds=None, expressions=["0 * * * *"])
        hub.submit([hub.incoming(f"n{n}", SUCCESS) for n in range(8)])
        hub.look()
        due = "SELECT heartbeat_id, due_at FROM heartbeat_statuses"
        right = dict(hub.sql(due))
        hub.sql("UPDATE heartbeat_statuses SET due_at = due_at + '2 hours'")
        monkeypatch.setattr(heartbeats, "timezone_data", lambda: "version 2036z")
        hub.restart()
        hub.look()
        assert dict(hub.sql(due)) == right


def test_the_rules_of_time_zones_have_a_name() -> None:
    assert timezone_data() == timezone_data() != "unknown"
