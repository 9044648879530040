"""The group commit under trouble: poison, pressure, lost connections, a stalled or changing database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Json

from tests.ingest.harness import Harness, Posted, harness
from tests.support.postgres import Database
from tests.support.proxy import Proxy, proxied
from tests.support.workspace import Sender
from tocsin.alerts.actions import Acted
from tocsin.ingest import connection as connecting
from tocsin.ingest import reread as reread_module
from tocsin.ingest.batcher import BATCH_LIMIT
from tocsin.ingest.received_webhook import Accepted, Answer, Declined, Webhook
from tocsin.ingest.refusals import FAULT, OVERLOADED, UNAVAILABLE
from tocsin.model import Action
from tocsin.store.pipe import Pipe


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


@pytest.fixture
def way(database: Database) -> Iterator[Proxy]:
    with proxied(database.url) as between:
        yield between


@pytest.fixture
def behind(way: Proxy) -> Iterator[Harness]:
    """A harness whose way to the database can be cut."""
    with harness(way.url) as fresh:
        yield fresh


def webhooks(harness: Harness, sender: Sender, count: int) -> list[Webhook]:
    return [harness.webhook(sender, Posted({"title": "T", "n": n})) for n in range(count)]


def codes(answers: list[Answer]) -> list[int]:
    return [answer.status_code for answer in answers]


class Interference:
    """Stands where the pipe is opened, and sees every trip to the database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trips: list[list[str]] = []
        self.before: Callable[[list[str]], Any] | None = None
        self.after: Callable[[list[str]], Any] | None = None
        run = Pipe.run

        async def watched(pipe: Pipe, *calls: Any) -> Any:
            names = [call.name for call, _ in calls]
            self.trips.append(names)
            if self.before is not None:
                self.before(names)
            rows = await run(pipe, *calls)
            if self.after is not None:
                self.after(names)
            return rows

        monkeypatch.setattr(Pipe, "run", watched)

    def commits(self) -> int:
        return sum("commit" in names for names in self.trips)


@pytest.fixture
def interference(monkeypatch: pytest.MonkeyPatch) -> Interference:
    return Interference(monkeypatch)


def test_what_waits_is_committed_together(opened: Harness, interference: Interference) -> None:
    sender = opened.workspace.sender()
    answers = opened.commit(webhooks(opened, sender, BATCH_LIMIT + 1))
    assert codes(answers) == [201] * (BATCH_LIMIT + 1)
    assert interference.commits() == 2


class TestPoison:
    def poisoned(self, harness: Harness, sender: Sender) -> Webhook:
        webhook = harness.webhook(sender, Posted({"title": "Poison"}))
        # Nothing of the kind gets past the sources; should it once, this is what it comes to.
        webhook.signals[0].title = "nul \0"
        return webhook

    def test_it_fails_alone_and_is_on_record(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        batch = webhooks(opened, sender, 40)
        batch[13] = bad = self.poisoned(opened, sender)
        batch[29] = worse = self.poisoned(opened, sender)
        answers = opened.commit(batch)
        assert codes(answers) == [500 if n in (13, 29) else 201 for n in range(40)]
        assert answers[13] == FAULT
        rows = {row["id"]: row for row in opened.workspace.deliveries(sender)}
        assert len(rows) == 40
        for poison in (bad, worse):
            row = rows[UUID(bytes=poison.id)]
            assert (row["status_code"], row["outcome"]) == (500, "failed")
            assert row["raw_payload"] == {"title": "Poison"}
            assert row["alert_id"] is None
        assert len(opened.workspace.alerts(sender)) == 38

    def test_it_makes_nothing_a_duplicate(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        assert codes(opened.commit([self.poisoned(opened, sender)])) == [500]
        assert codes(opened.post(sender, {"title": "Poison"})) == [201]

    def test_it_is_on_record_even_if_its_body_is_the_poison(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        (webhook,) = webhooks(opened, sender, 1)
        webhook.raw_payload, webhook.headers = b"{ not json", {"x": "nul \0"}
        assert codes(opened.commit([webhook])) == [500]
        (row,) = opened.workspace.deliveries(sender)
        assert row["outcome"] == "failed"
        assert row["raw_payload"] == '{"title": "T", "n": 0}'


class TestPressure:
    def test_beyond_the_limit_it_is_refused_and_nothing_is_kept(self, database: Database) -> None:
        with harness(database.url, queue_limit=30) as small:
            sender = small.workspace.sender()
            answers = small.commit(webhooks(small, sender, 100))
            assert answers.count(OVERLOADED) == 70
            assert OVERLOADED.status_code == 503
            assert sum(isinstance(answer, Accepted) for answer in answers) == 30
            assert len(small.workspace.deliveries(sender)) == 30
            # Afterwards there is room again.
            assert codes(small.post(sender, {"title": "later"})) == [201]

    def test_who_is_not_waited_for_is_not_stored(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        one, two = webhooks(opened, sender, 2)

        async def main() -> Answer:
            first = asyncio.create_task(opened.batcher.submit(one))
            second = asyncio.create_task(opened.batcher.submit(two))
            await asyncio.sleep(0)
            first.cancel()
            return await second

        assert opened.run(main()).status_code == 201
        assert [row["id"].bytes for row in opened.workspace.deliveries(sender)] == [two.id]

    def test_what_was_taken_is_answered_before_the_end(self, database: Database) -> None:
        with harness(database.url) as ending:
            sender = ending.workspace.sender()
            batch = webhooks(ending, sender, BATCH_LIMIT + 50)

            async def main() -> list[Answer]:
                waiting = [asyncio.create_task(ending.batcher.submit(each)) for each in batch]
                await asyncio.sleep(0)
                ending.batcher.close()
                refused = await ending.batcher.submit(batch[0])
                assert refused is OVERLOADED
                return list(await asyncio.gather(*waiting))

            assert codes(ending.run(main())) == [201] * len(batch)
        assert len(ending.workspace.deliveries(sender)) == len(batch)


class TestConnection:
    def test_one_that_died_while_idle_costs_nothing(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        for number in range(3):
            assert codes(opened.post(sender, {"title": "T", "n": number})) == [201]
            opened.workspace.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def test_away_and_back(self, behind: Harness, way: Proxy) -> None:
        sender = behind.workspace.sender()
        assert codes(behind.post(sender, {"title": "before"})) == [201]
        batch = webhooks(behind, sender, 5)
        way.cut()
        assert behind.commit(batch) == [UNAVAILABLE] * 5
        assert not behind.batcher.is_available
        assert behind.post(sender, {"title": "meanwhile"}) == [UNAVAILABLE]
        way.restore()
        assert codes(behind.post(sender, {"title": "meanwhile"})) == [201]
        assert behind.batcher.is_available
        # The very same ones, as their senders repeat them.
        assert codes(behind.commit(webhooks(behind, sender, 5))) == [201] * 5

    def test_while_it_is_away_the_queue_stays_short(self, behind: Harness, way: Proxy) -> None:
        sender = behind.workspace.sender()
        batch = webhooks(behind, sender, 900)
        way.cut()
        assert behind.commit(batch[:1]) == [UNAVAILABLE]
        assert set(behind.commit(batch)) == {UNAVAILABLE}

    def test_a_stall_is_not_waited_out(
        self, behind: Harness, way: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sender = behind.workspace.sender()
        batch = webhooks(behind, sender, 2)
        monkeypatch.setattr(connecting, "PATIENCE_SECONDS", 0.2)
        way.stall()
        assert behind.commit(batch) == [UNAVAILABLE] * 2
        way.restore()
        way.sever()
        monkeypatch.setattr(connecting, "PATIENCE_SECONDS", 8.0)
        assert set(codes(behind.commit(webhooks(behind, sender, 2)))) <= {200, 201}
        assert len(behind.workspace.alerts(sender)) == 2

    @pytest.mark.parametrize("window", [15, 0])
    def test_lost_after_the_commit_it_is_not_done_twice(
        self, behind: Harness, way: Proxy, interference: Interference, window: int
    ) -> None:
        """The commit came through, its answer did not: the first answer is found again."""
        sender = behind.workspace.sender(deduplication_window_minutes=window)
        batch = webhooks(behind, sender, 3)

        def lose(names: list[str]) -> None:
            if "commit" in names:
                interference.after = None
                way.sever()
                raise psycopg.OperationalError("lost")

        interference.after = lose
        answers = behind.commit(batch)
        assert codes(answers) == [201] * 3
        alerts = behind.workspace.alerts(sender)
        assert [answer.alert_id for answer in answers if isinstance(answer, Accepted)] == [
            alert["id"].bytes for alert in alerts
        ]
        assert len(behind.workspace.deliveries(sender)) == 3

    def test_lost_before_the_commit_it_is_done_again(
        self, behind: Harness, way: Proxy, interference: Interference
    ) -> None:
        sender = behind.workspace.sender()
        batch = webhooks(behind, sender, 3)

        def lose(names: list[str]) -> None:
            if "commit" in names:
                interference.before = None
                way.sever()

        interference.before = lose
        assert codes(behind.commit(batch)) == [201] * 3
        assert len(behind.workspace.alerts(sender)) == 3

    def test_a_person_s_next_action_does_not_inherit_a_broken_one(
        self, opened: Harness, interference: Interference
    ) -> None:
        """What went wrong between two statements must not leave its locks behind."""
        sender = opened.workspace.sender()
        (answer,) = opened.post(sender, {"title": "T", "external_id": "a"})
        assert isinstance(answer, Accepted)
        assert answer.alert_id is not None
        alert_id = UUID(bytes=answer.alert_id)

        def break_off(names: list[str]) -> None:
            if "lock_alert_keys" in names:
                raise RuntimeError("a fault of ours")

        interference.after = break_off
        with pytest.raises(RuntimeError):
            opened.act(alert_id, Action.ACKNOWLEDGE)
        interference.after = None
        resolve = {"title": "T", "external_id": "a", "n": 1}
        assert codes(opened.post(sender, resolve)) == [200]
        assert isinstance(opened.act(alert_id, Action.ACKNOWLEDGE), Acted)


class TestConfiguration:
    """Nobody follows notifications here: a harness knows what it loaded last."""

    def test_what_was_switched_off_meanwhile_is_refused(self, opened: Harness) -> None:
        sender, other = opened.workspace.sender(), opened.workspace.sender()
        batch = [*webhooks(opened, sender, 2), *webhooks(opened, other, 2)]
        opened.workspace.sql("UPDATE integrations SET is_active = false WHERE id = %s", sender.id)
        assert codes(opened.commit(batch)) == [403, 403, 201, 201]
        assert opened.workspace.alerts(sender) == []
        # Nor has it claimed anything: switched on again, the retry is the first.
        opened.workspace.sql("UPDATE integrations SET is_active = true WHERE id = %s", sender.id)
        assert codes(opened.commit(webhooks(opened, sender, 2))) == [201, 201]

    def test_what_was_switched_on_meanwhile_is_taken(self, opened: Harness) -> None:
        sender = opened.workspace.sender(is_active=False)
        batch = webhooks(opened, sender, 2)
        assert all(isinstance(webhook.settled, Declined) for webhook in batch)
        opened.workspace.sql("UPDATE integrations SET is_active = true WHERE id = %s", sender.id)
        assert codes(opened.commit(batch)) == [201, 201]
        assert [row["outcome"] for row in opened.workspace.deliveries(sender)] == ["created"] * 2

    def test_after_a_rotation_the_new_secret_counts_and_not_the_old(self, opened: Harness) -> None:
        sender = opened.workspace.sender(secret="the-first-secret")
        renewed = Sender(sender.id, opened.workspace.profile("generic", "the-second-secret", {}))
        by_old, by_new = webhooks(opened, sender, 1), webhooks(opened, renewed, 1)
        assert by_old[0].settled is None
        assert isinstance(by_new[0].settled, Declined)
        opened.workspace.sql(
            "UPDATE integrations SET webhook_secret = %s WHERE id = %s",
            opened.workspace.vault.seal(renewed.profile.secrets[0].secret),
            sender.id,
        )
        # The same content: what is refused must not make the other a duplicate.
        assert codes(opened.commit([*by_old, *by_new])) == [401, 201]

    def test_what_was_deleted_meanwhile_leaves_nothing(self, opened: Harness) -> None:
        sender, other = opened.workspace.sender(), opened.workspace.sender()
        batch = [*webhooks(opened, sender, 1), *webhooks(opened, other, 1)]
        opened.workspace.sql(
            "UPDATE integrations SET deleted_at = now(), is_active = false,"
            " webhook_secret = '', previous_webhook_secret = NULL,"
            " previous_secret_expires_at = NULL WHERE id = %s",
            sender.id,
        )
        assert codes(opened.commit(batch)) == [404, 201]
        assert opened.workspace.deliveries(sender) == []

    def test_a_mapping_that_has_become_costly_holds_up_its_workspace_only(
        self, opened: Harness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        neighbour = opened.workspace.other_workspace("neighbour")
        sender, other = opened.workspace.sender(mapping={"title": "title"}), neighbour.sender()
        payload = {"title": "T", "external_id": "e", "list": list(range(4_000))}
        mine, theirs = opened.webhook(sender, Posted(payload)), webhooks(opened, other, 1)
        opened.workspace.sql(
            "UPDATE integrations SET mapping = %s WHERE id = %s",
            Json({"title": "list[?contains(to_string(@), 'x')]"}),
            sender.id,
        )
        before = threading.current_thread()
        readers: list[bool] = []
        again = reread_module._again

        def watched(*given: Any, **named: Any) -> Webhook:
            readers.append(threading.current_thread() is before)
            return again(*given, **named)

        monkeypatch.setattr(reread_module, "_again", watched)
        assert codes(opened.commit([mine, *theirs])) == [201, 201]
        # Given up on the loop after a moment, and read whole beside it.
        assert readers == [True, True, False]
        assert [row["title"] for row in opened.workspace.alerts(sender)] == ["[]"]

    def test_a_rule_made_meanwhile_is_in_force(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        batch = webhooks(opened, sender, 1)
        opened.workspace.rule(event_types=["alerts.triggered"])
        assert codes(opened.commit(batch)) == [201]
        assert opened.workspace.one("SELECT count(*) FROM alert_deliveries") == 1

    def test_a_database_lost_in_a_refresh_is_away_and_no_fault(
        self, behind: Harness, way: Proxy, interference: Interference
    ) -> None:
        sender = behind.workspace.sender()
        batch = webhooks(behind, sender, 3)
        behind.workspace.sender()

        def lose(names: list[str]) -> None:
            if "claim_webhooks" in names:
                way.cut()

        interference.after = lose
        assert behind.commit(batch) == [UNAVAILABLE] * 3
        interference.after = None
        way.restore()
        assert codes(behind.commit(webhooks(behind, sender, 3))) == [201] * 3


def test_a_new_trigger_and_the_resolve_before_it_share_a_batch(
    opened: Harness, interference: Interference
) -> None:
    sender = opened.workspace.sender()
    alert = {"title": "T", "external_id": "a"}
    opened.post(sender, alert)
    interference.trips.clear()
    batch = []
    for fields in ({"status": "resolved"}, {"n": 2}):
        opened.advance(1)
        batch.append(opened.webhook(sender, Posted({**alert, **fields})))
    answers = opened.commit(batch)
    assert codes(answers) == [200, 201]
    assert interference.commits() == 1
    assert [row["status"] for row in opened.workspace.alerts(sender)] == ["RESOLVED", "OPEN"]


def test_texts_that_a_sender_put_into_our_words_are_storable(opened: Harness) -> None:
    sender = opened.workspace.sender("standard_webhooks")
    (answer,) = opened.post(sender, {"type": "nul \0 and more", "data": {}})
    assert answer.status_code == 200
    (row,) = opened.workspace.deliveries(sender)
    assert (row["outcome"], "nul \ufffd" in row["error_message"]) == ("ignored", True)
