"""The spool over a real database that goes away: what was taken is committed, in order and once, by the
configuration of then."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from tests.ingest.harness import Harness, Posted
from tests.ingest.spool.node_behind import Node, alerts, deliveries, files, node
from tests.support.postgres import Database
from tests.support.proxy import Proxy
from tests.support.workspace import KEY, Sender
from tocsin.access.vault import Vault
from tocsin.alerts.directory import DirectoryFeed
from tocsin.ingest.refusals import UNAVAILABLE
from tocsin.ingest.spool.spool import SPOOLED
from tocsin.model import Secret


def test_what_is_taken_while_the_database_is_away_is_committed_when_it_is_back(
    behind: Node, sender: Sender, way: Proxy, database: Database
) -> None:
    way.cut()
    webhooks = [behind.hub.webhook(sender, Posted({"title": f"T{n}"})) for n in range(3)]
    assert behind.hub.commit(webhooks) == [SPOOLED] * 3
    assert SPOOLED.status_code == 202
    assert behind.spool.filling.webhooks == 3
    assert alerts(database) == []
    behind.hub.advance(120)
    way.restore()
    behind.empty()
    assert alerts(database) == [("T0", "OPEN"), ("T1", "OPEN"), ("T2", "OPEN")]
    rows = deliveries(database)
    assert [row["id"] for row in rows] == [UUID(bytes=each.id) for each in webhooks]
    for row in rows:
        assert (row["outcome"], row["status_code"], row["flags"]) == ("created", 202, ["spooled"])
        assert row["processed_at"] > row["created_at"]
    assert files(behind.spool) == []
    assert behind.spool.filling.webhooks == behind.spool.filling.size == 0
    # And all is as before.
    assert behind.post(sender, {"title": "after"})[0].status_code == 201


def test_nothing_overtakes_what_waits(
    behind: Node, sender: Sender, way: Proxy, database: Database
) -> None:
    way.cut()
    same: dict[str, Any] = {"external_id": "disk"}
    behind.post(sender, {"title": "full", **same})
    behind.hub.advance(1)
    behind.post(sender, {"title": "fine", **same, "status": "resolved"})
    behind.hub.advance(1)
    way.restore()
    # The database is back, but they are not in it: this goes behind them.
    assert behind.post(sender, {"title": "full again", **same}) == [SPOOLED]
    behind.empty()
    assert alerts(database) == [("full", "RESOLVED"), ("full again", "OPEN")]


def test_a_refusal_is_what_it_would_have_been(behind: Node, sender: Sender, way: Proxy) -> None:
    forged = behind.hub.workspace.profile("generic", "wrong", {})
    way.cut()
    (webhook,) = [behind.hub.webhook(Sender(sender.id, forged), Posted({"title": "T"}))]
    assert behind.hub.commit([webhook]) == [UNAVAILABLE]
    # Nothing of it is kept: a stranger fills no disk.
    assert behind.spool.filling.webhooks == 0


class TestOnce:
    def test_copies_in_the_spool_are_one(
        self, behind: Node, sender: Sender, way: Proxy, database: Database
    ) -> None:
        way.cut()
        behind.post(sender, Posted({"title": "T", "n": 1}, key="k"))
        behind.hub.advance(60)
        behind.post(sender, Posted({"title": "T", "n": 1}, key="k"))
        behind.hub.advance(3_600)
        way.restore()
        behind.empty()
        assert len(alerts(database)) == 1
        assert [row["outcome"] for row in deliveries(database)] == ["created", "duplicate"]

    def test_two_of_different_windows_are_two(
        self, behind: Node, sender: Sender, way: Proxy, database: Database
    ) -> None:
        way.cut()
        behind.post(sender, {"title": "T"})
        behind.hub.advance(3_600)
        behind.post(sender, {"title": "T"})
        way.restore()
        behind.empty()
        assert len(alerts(database)) == 2

    @pytest.mark.parametrize("key", ["k", None], ids=["by key", "by content"])
    def test_a_retry_that_reached_another_node_meanwhile(
        self,
        behind: Node,
        beside: Harness,
        sender: Sender,
        way: Proxy,
        database: Database,
        key: str | None,
    ) -> None:
        way.cut()
        posted = Posted({"title": "T"}, key=key)
        assert behind.post(sender, posted) == [SPOOLED]
        beside.advance(5)
        (first,) = beside.post(sender, posted)
        assert first.status_code == 201
        # Longer than the window: what says who was first is swept.
        with database.connect() as connection:
            connection.execute("DELETE FROM webhook_claims")
        way.restore()
        behind.empty()
        assert len(alerts(database)) == 1
        spooled, direct = deliveries(database)
        assert (direct["outcome"], spooled["outcome"]) == ("created", "duplicate")
        assert spooled["duplicate_of_id"] == direct["id"]

    def test_a_process_that_died_while_it_emptied(
        self, behind: Node, sender: Sender, way: Proxy, database: Database, tmp_path: Path
    ) -> None:
        way.cut()
        behind.post(sender, *({"title": f"T{n}"} for n in range(5)))
        (file,) = files(behind.spool)
        shutil.copy(file, tmp_path / "copy")
        way.restore()
        behind.empty()
        shutil.copy(tmp_path / "copy", file)
        with node(database.url, tmp_path) as next_one, capture_logs() as log:
            assert next_one.spool.filling.webhooks == 5
            next_one.empty()
        # They are known, and not run into.
        assert not [line for line in log if line["log_level"] == "error"]
        assert len(alerts(database)) == len(deliveries(database)) == 5


class TestRefusedLater:
    @pytest.fixture
    def waiting(self, behind: Node, sender: Sender, way: Proxy) -> Node:
        way.cut()
        assert behind.post(sender, {"title": "T"}) == [SPOOLED]
        return behind

    def emptied(self, waiting: Node, way: Proxy, database: Database) -> dict[str, Any]:
        way.restore()
        waiting.empty()
        assert alerts(database) == []
        (row,) = deliveries(database)
        assert (row["status_code"], row["flags"]) == (202, ["spooled"])
        return row

    def test_an_integration_that_was_switched_off(
        self, waiting: Node, sender: Sender, way: Proxy, database: Database
    ) -> None:
        with database.connect() as connection:
            connection.execute(
                "UPDATE integrations SET is_active = false WHERE id = %s", [sender.id]
            )
        row = self.emptied(waiting, way, database)
        assert (row["outcome"], row["error_message"]) == (
            "rejected",
            "This integration is not active.",
        )

    def test_an_integration_that_was_deleted(
        self, waiting: Node, sender: Sender, way: Proxy, database: Database
    ) -> None:
        with database.connect() as connection:
            connection.execute(
                "UPDATE integrations SET deleted_at = now(), is_active = false,"
                " webhook_secret = '' WHERE id = %s",
                [sender.id],
            )
        row = self.emptied(waiting, way, database)
        assert row["outcome"] == "rejected"
        assert "was deleted while this waited" in row["error_message"]
        assert "signature" not in str(row["headers"]).lower()

    def test_an_integration_that_is_deleted_at_this_moment(
        self,
        waiting: Node,
        sender: Sender,
        way: Proxy,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def sees_nothing(_: Any) -> None:
            return None

        # It is read by what was configured before; the commit knows better.
        monkeypatch.setattr(DirectoryFeed, "look", sees_nothing)
        with database.connect() as connection:
            connection.execute(
                "UPDATE integrations SET deleted_at = now(), is_active = false,"
                " webhook_secret = '' WHERE id = %s",
                [sender.id],
            )
        row = self.emptied(waiting, way, database)
        assert "was deleted while this waited" in row["error_message"]

    def test_a_secret_that_was_changed(
        self, waiting: Node, sender: Sender, way: Proxy, database: Database
    ) -> None:
        with database.connect() as connection:
            connection.execute(
                "UPDATE integrations SET webhook_secret = %s WHERE id = %s",
                [Vault([KEY]).seal(Secret("another")), sender.id],
            )
        assert self.emptied(waiting, way, database)["outcome"] == "rejected"

    def test_a_key_that_came_with_something_else(
        self, behind: Node, beside: Harness, sender: Sender, way: Proxy, database: Database
    ) -> None:
        way.cut()
        behind.post(sender, Posted({"title": "T"}, key="k"))
        beside.post(sender, Posted({"title": "other"}, key="k"))
        way.restore()
        behind.empty()
        assert sorted(alerts(database)) == [("T", "OPEN"), ("other", "OPEN")]
        spooled, _ = deliveries(database)
        assert spooled["flags"] == ["idempotency_key_reused", "spooled"]
