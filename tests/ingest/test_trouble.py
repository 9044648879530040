"""Trouble of senders is said aloud, with what to do, and not once per webhook."""

from __future__ import annotations

from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from tests.ingest.harness import harness
from tests.support.postgres import Database
from tocsin.access.vault import Vault
from tocsin.ingest import trouble
from tocsin.ingest.senders import Senders


def test_what_goes_on_is_said_once_a_minute_with_its_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(trouble, "_seldom", trouble._AtIntervals(lambda: now))
    one, other = uuid4(), uuid4()
    with capture_logs() as lines:
        for _ in range(50):
            trouble.say_rate_limited(one, "datadog")
        trouble.say_rate_limited(other, "grafana")
        now += trouble.EVERY_SECONDS
        trouble.say_rate_limited(one, "datadog")
    assert [(line["integration"], line["count"]) for line in lines] == [
        ("datadog", 1),
        ("grafana", 1),
        ("datadog", 50),
    ]
    assert all("TOCSIN_RATE_LIMIT_PER_SECOND" in line["remedy"] for line in lines)


def test_a_database_that_goes_and_comes_back_is_two_lines() -> None:
    with capture_logs() as lines:
        trouble.say_database_away(ConnectionError("postgresql://user:hunter2@db/"))
        trouble.say_database_back()
    assert [line["log_level"] for line in lines] == ["error", "warning"]
    assert "hunter2" not in str(lines)


def test_an_integration_whose_secret_cannot_be_opened_is_named(database: Database) -> None:
    with harness(database.url) as opened:
        sender = opened.workspace.sender()
        opened.run(opened.feed.look())
        with capture_logs() as lines:
            senders = Senders(opened.feed, Vault([Vault.new_key()]))
            assert senders.current[sender.id].profile is None
    (line,) = lines
    assert line["integration_id"] == str(sender.id)
    assert "TOCSIN_SECRET_KEY" in line["remedy"]


def test_a_flood_that_cannot_be_stored_is_one_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "_seldom", trouble._AtIntervals())
    with harness(database.url, queue_limit=1) as opened:
        sender = opened.workspace.sender()
        flood = [{"title": f"T{n}"} for n in range(20)]
        with capture_logs() as lines:
            opened.post(sender, *flood)
    said = [line for line in lines if "can be stored" in line["event"]]
    assert [line["count"] for line in said] == [1]
