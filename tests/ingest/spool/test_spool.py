"""The spool over a real database that goes away: what was taken is committed, in order and once, by the
configuration of then; what lies on the disk gives nothing away."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from tests.ingest.harness import Harness, Posted, harness
from tests.support.postgres import Database
from tests.support.proxy import Proxy, proxied
from tests.support.workspace import KEY, Sender
from tocsin.access.vault import Vault
from tocsin.alerts.directory import DirectoryFeed
from tocsin.heartbeats.pings import Pings
from tocsin.ingest.received_webhook import Answer
from tocsin.ingest.refusals import UNAVAILABLE
from tocsin.ingest.spool import segments
from tocsin.ingest.spool import spool as spool_module
from tocsin.ingest.spool.framing import HEAD_BYTES, framed
from tocsin.ingest.spool.spool import SPOOLED, Spool
from tocsin.ingest.spool.spooling import Spooling
from tocsin.model import Secret
from tocsin.rounds import background
from tocsin.settings import Settings


class Node:
    """One node whose way to the database can be cut."""

    def __init__(self, hub: Harness, spool: Spool, url: str) -> None:
        self.hub, self.spool, self.url = hub, spool, url

    def post(self, sender: Sender, *posted: Posted | dict[str, Any]) -> list[Answer]:
        return self.hub.post(sender, *posted)

    def empty(self) -> None:
        """Into the database."""
        settings = Settings(data_dir=self.spool.data_dir)

        async def main() -> None:
            pings = Pings(self.url, queue_limit=100)
            spooling = Spooling(
                settings, self.url, self.spool.vault, self.hub.senders, pings, self.spool
            )
            async with (
                background(pings.run(), "pings"),
                spooling.running(),
                asyncio.timeout(30),
            ):
                while self.spool.is_holding:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)

        self.hub.run(main())


@contextmanager
def node(url: str, folder: Path, *, limit: int = 1_000_000, key: Any = KEY) -> Iterator[Node]:
    spool = Spool(folder, Vault([key]), limit)
    spool.open()
    try:
        with harness(url, spool=spool) as hub:
            yield Node(hub, spool, url)
    finally:
        spool.close()


@pytest.fixture
def way(database: Database) -> Iterator[Proxy]:
    with proxied(database.url) as between:
        yield between


@pytest.fixture
def behind(way: Proxy, tmp_path: Path) -> Iterator[Node]:
    with node(way.url, tmp_path) as fresh:
        yield fresh


@pytest.fixture
def sender(database: Database, behind: Node) -> Sender:
    """Known to the node."""
    made = behind.hub.workspace.sender()
    assert behind.hub.run(behind.hub.senders.find(made.id))
    return made


@pytest.fixture
def beside(database: Database, sender: Sender) -> Iterator[Harness]:
    """Another node, which sees the database all the time."""
    with harness(database.url) as other:
        yield other


async def _begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def _ended(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(30):
        await task


def alerts(database: Database) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute("SELECT title, status FROM alerts ORDER BY id").fetchall()


def deliveries(database: Database) -> list[dict[str, Any]]:
    with database.connect() as connection:
        cursor = connection.execute(
            "SELECT id, outcome, status_code, flags, created_at, processed_at, error_message,"
            " headers, duplicate_of_id FROM webhook_deliveries ORDER BY id"
        )
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def files(spool: Spool) -> list[Path]:
    return sorted(spool.folder.glob(f"*{segments.SUFFIX}"))


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


class TestFull:
    def test_what_has_no_room_is_refused(
        self, way: Proxy, database: Database, tmp_path: Path
    ) -> None:
        with node(way.url, tmp_path, limit=2_500) as small:
            sender = small.hub.workspace.sender()
            assert small.hub.run(small.hub.senders.find(sender.id))
            way.cut()
            answers = small.post(sender, *({"title": f"T{n}"} for n in range(10)))
            kept = answers.count(SPOOLED)
            assert 0 < kept < 10
            assert answers == [SPOOLED] * kept + [UNAVAILABLE] * (10 - kept)
            assert small.spool.filling.size <= 2_500
            assert not small.spool.takes
            way.restore()
            small.empty()
            assert len(alerts(database)) == kept
            assert small.spool.takes

    def test_a_disk_that_takes_nothing(
        self, behind: Node, sender: Sender, way: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        way.cut()

        def full(*_: Any) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(segments.os, "pwrite", full)
            assert behind.post(sender, {"title": "T"}) == [UNAVAILABLE]
            assert not behind.spool.takes
        # Room again.
        assert behind.post(sender, {"title": "T"}) == [SPOOLED]

    def test_a_record_that_was_half_written_is_taken_back(
        self, behind: Node, sender: Sender, way: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        way.cut()
        assert behind.post(sender, {"title": "first"}) == [SPOOLED]

        def unflushed(_: int) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(segments.os, "fsync", unflushed)
            assert behind.post(sender, {"title": "second"}) == [UNAVAILABLE]
        assert behind.post(sender, {"title": "third"}) == [SPOOLED]
        way.restore()
        behind.empty()
        rows = behind.hub.workspace.sql("SELECT title FROM alerts ORDER BY id")
        assert rows == [("first",), ("third",)]


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


class TestOnDisk:
    def test_only_its_owner_reads_it_and_it_says_nothing(
        self, behind: Node, sender: Sender, way: Proxy
    ) -> None:
        way.cut()
        behind.post(sender, Posted({"title": "SECRET-TITLE"}, key="SECRET-KEY"))
        (file,) = files(behind.spool)
        assert stat.S_IMODE(behind.spool.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"SECRET" not in file.read_bytes()

    def test_the_next_process_goes_on(self, way: Proxy, database: Database, tmp_path: Path) -> None:
        with node(way.url, tmp_path) as first:
            sender = first.hub.workspace.sender()
            assert first.hub.run(first.hub.senders.find(sender.id))
            way.cut()
            first.post(sender, {"title": "T"})
            # One that runs beside it leaves its files alone.
            other = Spool(tmp_path, Vault([KEY]), 1_000_000)
            other.open()
            assert not other.is_holding
            other.close()
        way.restore()
        with node(way.url, tmp_path) as second:
            assert second.spool.is_holding
            assert second.post(sender, {"title": "later"}) == [SPOOLED]
            second.empty()
        assert alerts(database) == [("T", "OPEN"), ("later", "OPEN")]

    def test_a_torn_end_is_nothing(self, way: Proxy, database: Database, tmp_path: Path) -> None:
        with node(way.url, tmp_path) as first:
            sender = first.hub.workspace.sender()
            assert first.hub.run(first.hub.senders.find(sender.id))
            way.cut()
            first.post(sender, {"title": "T"})
            (file,) = files(first.spool)
        with file.open("ab") as cut_off:
            cut_off.write(framed(b"x" * 100)[:50])
        way.restore()
        with node(way.url, tmp_path) as second, capture_logs() as log:
            second.empty()
        assert alerts(database) == [("T", "OPEN")]
        assert not [line for line in log if line["log_level"] == "error"]
        assert list(first.spool.folder.glob("*")) == []

    @pytest.mark.parametrize("trouble", ["a bit", "the key"])
    def test_what_cannot_be_read_is_kept_and_loud(
        self, way: Proxy, database: Database, tmp_path: Path, trouble: str
    ) -> None:
        with node(way.url, tmp_path) as first:
            sender = first.hub.workspace.sender()
            assert first.hub.run(first.hub.senders.find(sender.id))
            way.cut()
            first.post(sender, {"title": "T"}, {"title": "U"})
            (file,) = files(first.spool)
        before = file.read_bytes()
        if trouble == "a bit":
            changed = bytearray(before)
            changed[HEAD_BYTES + 40] ^= 4
            file.write_bytes(changed)
        way.restore()
        key = KEY if trouble == "a bit" else Vault.new_key()
        with node(way.url, tmp_path, key=key) as second, capture_logs() as log:
            second.empty()
        errors = [line for line in log if line["log_level"] == "error"]
        assert errors
        assert all("cannot be read" in line["event"] for line in errors)
        assert alerts(database) == ([("U", "OPEN")] if trouble == "a bit" else [])
        kept = file.with_suffix(segments.DAMAGED)
        assert segments.lying_in(tmp_path) == (0, (kept,))
        # With what it was written with it can be done again, once.
        kept.write_bytes(before)
        kept.rename(file)
        with node(way.url, tmp_path) as third:
            third.empty()
        assert sorted(alerts(database)) == [("T", "OPEN"), ("U", "OPEN")]

    def test_many_files(
        self,
        behind: Node,
        sender: Sender,
        way: Proxy,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 500)
        monkeypatch.setattr(spool_module, "CHUNK", 2)
        way.cut()
        for number in range(12):
            behind.post(sender, {"title": f"T{number:02}"})
        assert len(files(behind.spool)) > 3
        way.restore()
        behind.empty()
        assert [title for title, _ in alerts(database)] == [f"T{n:02}" for n in range(12)]
        assert files(behind.spool) == []

    def test_it_gets_empty_whatever_arrives_meanwhile(
        self,
        behind: Node,
        sender: Sender,
        way: Proxy,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(spool_module, "CHUNK", 8)
        way.cut()
        behind.post(sender, *({"title": f"T{n}"} for n in range(80)))
        way.restore()
        webhooks = iter(
            [behind.hub.webhook(sender, Posted({"n": n, "title": "M"})) for n in range(900)]
        )
        answers: list[Answer] = []

        is_emptying, done = asyncio.Event(), Spool.done

        def noted(spool: Spool, chunk: Any) -> None:
            is_emptying.set()
            done(spool, chunk)

        monkeypatch.setattr(Spool, "done", noted)

        async def send_on() -> None:
            await is_emptying.wait()
            for webhook in webhooks:
                answers.append(await behind.hub.batcher.submit(webhook))
                if answers[-1] != SPOOLED:
                    return

        async def send() -> None:
            await asyncio.gather(*(send_on() for _ in range(4)))

        sending = behind.hub.run(_begun(send()))
        behind.empty()
        behind.hub.run(_ended(sending))
        # As many at most as four senders get in for each chunk of eight.
        assert answers.count(SPOOLED) < 4 * 24
        assert len(alerts(database)) == 80 + len(answers)

    def test_the_database_goes_away_again_as_it_is_emptied(
        self,
        behind: Node,
        sender: Sender,
        way: Proxy,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(spool_module, "CHUNK_SPAN", timedelta(0))
        way.cut()
        for number in range(6):
            behind.hub.advance(1)
            behind.post(sender, {"title": f"T{number}"})
        way.restore()
        count, done = 0, Spool.done

        def cut_after_two(spool: Spool, chunk: Any) -> None:
            nonlocal count
            count += 1
            done(spool, chunk)
            if count == 2:
                way.cut()
                asyncio.get_running_loop().call_later(0.2, way.restore)

        monkeypatch.setattr(Spool, "done", cut_after_two)
        behind.empty()
        assert [title for title, _ in alerts(database)] == [f"T{n}" for n in range(6)]
