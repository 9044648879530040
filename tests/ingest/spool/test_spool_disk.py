"""What the spool has on the disk: bounded, its owner's only, there for the next process."""

from __future__ import annotations

import asyncio
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.ingest.harness import Posted
from tests.ingest.spool.node_behind import Node, alerts, begun, ended, files, node
from tests.support.postgres import Database
from tests.support.proxy import Proxy
from tests.support.workspace import KEY, Sender
from tocsin.access.vault import Vault
from tocsin.ingest.received_webhook import Answer
from tocsin.ingest.refusals import UNAVAILABLE
from tocsin.ingest.spool import segments
from tocsin.ingest.spool import spool as spool_module
from tocsin.ingest.spool.framing import HEAD_BYTES, framed
from tocsin.ingest.spool.spool import SPOOLED, Spool


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

        sending = behind.hub.run(begun(send()))
        behind.empty()
        behind.hub.run(ended(sending))
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
