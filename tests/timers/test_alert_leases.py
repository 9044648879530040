"""Alerts whose senders stopped repeating them end, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.ingest.harness import NOON
from tests.support.postgres import Database
from tests.timers.posting import ONE, OTHER, Posts, posting
from tocsin.timers import alert_leases
from tocsin.timers.alert_leases import end_leases


@pytest.fixture
def posts(database: Database) -> Iterator[Posts]:
    with posting(database.url) as opened:
        yield opened


def test_an_alert_that_is_no_longer_repeated_ends_when_its_sender_said(posts: Posts) -> None:
    posts.post()
    posts.hub.advance(6 * 60 - 1)
    assert posts.lapse() == 0
    assert posts.statuses == ["OPEN"]
    posts.hub.advance(2)
    assert posts.lapse() == 1
    (alert,) = posts.alerts
    assert (alert["status"], alert["resolved_at"]) == ("RESOLVED", NOON + timedelta(minutes=4))
    (detail,) = posts.hub.workspace.sql(
        "SELECT detail->>'because', actor->>'kind' FROM alert_events WHERE kind = 'resolved'"
    )
    assert detail == ("its sender stopped repeating it", "system")
    assert posts.leases() == []
    assert posts.lapse() == 0


def test_one_lost_post_of_two_minutes_ends_nothing(posts: Posts) -> None:
    posts.post()
    posts.hub.advance(245)  # The one at 120 s was lost; this one is late.
    posts.lapse()
    posts.post()
    assert posts.statuses == ["OPEN"]
    posts.hub.advance(245)
    assert posts.lapse() == 0


def test_what_goes_on_after_its_end_is_a_new_alert(posts: Posts) -> None:
    posts.post()
    posts.hub.advance(400)
    posts.lapse()
    posts.post()
    assert posts.statuses == ["RESOLVED", "OPEN"]
    first, second = posts.alerts
    assert first["triggered_at"] == second["triggered_at"]


def test_an_alert_without_an_end_lasts_five_minutes_from_each_repeat(posts: Posts) -> None:
    posts.post(ends=None)
    posts.hub.advance(290)
    posts.post(ends=None)
    posts.hub.advance(440)
    assert (posts.lapse(), posts.statuses) == (0, ["OPEN"])
    posts.hub.advance(20)
    assert (posts.lapse(), posts.statuses) == (1, ["RESOLVED"])


def test_the_lease_of_one_sender_is_enough(posts: Posts) -> None:
    posts.post(origin=ONE)
    posts.hub.advance(180)
    posts.post(origin=OTHER)
    posts.hub.advance(200)
    assert posts.lapse() == 1
    assert posts.statuses == ["OPEN"]
    posts.hub.advance(200)
    assert posts.lapse() == 1
    assert posts.statuses == ["RESOLVED"]


def test_a_repeat_that_comes_meanwhile_counts(posts: Posts, monkeypatch: Any) -> None:
    """Between the look at what is due and the lock."""
    posts.post()
    posts.hub.advance(400)
    begin = alert_leases.AlertTransaction.begin

    async def late(self: Any, *given: Any, **more: Any) -> Any:
        monkeypatch.setattr(alert_leases.AlertTransaction, "begin", begin)
        await asyncio.to_thread(
            posts.hub.workspace.sql,
            "UPDATE alert_leases SET lapses_at = lapses_at + interval '1 hour'",
        )
        return await begin(self, *given, **more)

    monkeypatch.setattr(alert_leases.AlertTransaction, "begin", late)
    assert posts.lapse() == 1
    assert posts.statuses == ["OPEN"]


def test_what_a_person_ended_and_what_is_gone_leaves_no_lease(posts: Posts) -> None:
    posts.post()
    posts.hub.workspace.sql("UPDATE alerts SET status = 'CLOSED', closed_at = now()")
    posts.hub.workspace.sql(
        "INSERT INTO alert_leases VALUES (gen_random_uuid(), gen_random_uuid(), %s, %s)",
        NOON,
        NOON,
    )
    posts.hub.advance(400)
    assert posts.lapse() == 2
    assert posts.statuses == ["CLOSED"]
    assert posts.leases() == []


def test_a_clock_that_has_just_begun_waits_until_all_was_said_once_more(posts: Posts) -> None:
    """Otherwise each restart would end, and begin again, all that fires."""
    posts.post()
    posts.hub.advance(400)

    async def begin(patience: timedelta) -> None:
        work = end_leases(
            posts.hub.workspace.url, posts.hub.feed, patience=patience, now=lambda: posts.hub.now
        )
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await work

    posts.hub.run(begin(timedelta(minutes=4)))
    assert posts.statuses == ["OPEN"]
    posts.hub.run(begin(timedelta(0)))
    assert posts.statuses == ["RESOLVED"]
