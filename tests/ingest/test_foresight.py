"""What is most likely news is decided before its transaction is begun, and is void where it is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.ingest.harness import Harness, Posted, harness
from tests.ingest.test_batcher import Interference, codes
from tests.support.postgres import Database
from tests.timers.escalations import Paging, to_schedule, to_user
from tocsin.alerts import opening
from tocsin.alerts.alert_key import AlertKey
from tocsin.ingest import foresight
from tocsin.ingest.foresight import TRUST, Foresight
from tocsin.ingest.received_webhook import Accepted, Answer, Webhook
from tocsin.model import WebhookStatus
from tocsin.store.pipe import Pipe


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


@pytest.fixture
def other(database: Database) -> Iterator[Harness]:
    """Another node on the same database."""
    with harness(database.url) as fresh:
        yield fresh


@pytest.fixture(params=[opening.SENT_AT_ONCE, 0], ids=["one trip", "locks at once"])
def ahead(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Every batch is expected to be news; its locks are taken with all else, or while it is decided."""
    monkeypatch.setattr(foresight, "TRUST", 0)
    monkeypatch.setattr(opening, "SENT_AT_ONCE", request.param)


@pytest.fixture
def interference(monkeypatch: pytest.MonkeyPatch) -> Interference:
    return Interference(monkeypatch)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Pipe]:
    """The pipes that were closed, as one is after any error."""
    found: list[Pipe] = []
    close = Pipe.close

    async def watched(pipe: Pipe) -> None:
        found.append(pipe)
        await close(pipe)

    monkeypatch.setattr(Pipe, "close", watched)
    return found


def statuses(answers: list[Answer]) -> list[WebhookStatus | None]:
    return [each.status if isinstance(each, Accepted) else None for each in answers]


def claims(opened: Harness) -> int:
    count: int = opened.workspace.one("SELECT count(*) FROM webhook_claims")
    return count


def test_trust_is_earned_batch_by_batch_and_lost_at_once() -> None:
    switch = Foresight()
    for _ in range(TRUST):
        assert not switch.expects_news
        switch.learn(was_news=True)
    assert switch.expects_news
    switch.learn(was_news=False)
    assert not switch.expects_news


def test_news_go_in_one_trip_once_batches_have_been_news(
    opened: Harness, interference: Interference
) -> None:
    sender = opened.workspace.sender()
    opened.workspace.rule(event_types=["alerts.triggered"])
    trips = []
    for number in range(TRUST + 1):
        interference.trips.clear()
        assert codes(opened.post(sender, {"title": "T", "external_id": f"{number}"})) == [201]
        trips.append(len(interference.trips))
    assert trips == [2] * TRUST + [1]
    assert len(opened.workspace.alerts(sender)) == TRUST + 1
    assert opened.workspace.one("SELECT count(*) FROM alert_deliveries") == TRUST + 1


@pytest.mark.parametrize("has", ["groups", "windows", "a cooldown", "a policy"])
def test_so_do_those_that_are_gathered_or_page_somebody(
    opened: Harness, interference: Interference, has: str
) -> None:
    hub = Paging(opened)
    columns: dict[str, dict[str, Any]] = {
        "groups": {"group_by": ["host"]},
        "a cooldown": {"cooldown_seconds": 600},
    }
    hub.rule(**columns.get(has, {}))
    hub.silence(600, value="other")
    if has == "windows":
        hub.window(60, value="other")
    if has == "a policy":
        hub.escalating_rule(hub.policy(to_user(hub.person("Ana", mail=0))))
    for number in range(TRUST):
        hub.send(f"{number}")
    interference.trips.clear()
    hub.send("news")
    assert len(interference.trips) == 1
    hub.close()


@pytest.mark.usefixtures("ahead")
def test_nobody_is_paged_of_what_is_void(opened: Harness, closed: list[Pipe]) -> None:
    hub = Paging(opened)
    hub.escalating_rule(hub.policy(to_user(hub.person("Ana", mail=0))))
    alert = hub.send("a")
    assert hub.send("a", title="other words") == alert
    assert len(hub.pages(alert)) == 1
    assert hub.sql("SELECT count(*) FROM escalations") == [(1,)]
    assert hub.sql("SELECT count(*) FROM escalation_steps") == [(1,)]
    assert closed == []
    hub.close()


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("with_policy", [False, True])
def test_a_cooldown_that_runs_is_no_news(opened: Harness, with_policy: bool) -> None:
    hub = Paging(opened)
    hub.rule(cooldown_seconds=600)
    if with_policy:
        person = hub.person("Ana", mail=0)
        hub.escalating_rule(hub.policy(to_schedule(hub.schedule(person))))
    hub.send("a")
    hub.deliver()
    hub.send("a", "resolved")
    hub.sql("DELETE FROM resolutions")
    opened.advance(120)
    again = hub.send("a", title="Again")
    assert ("triggered", "deferred", "cooldown") in hub.states(again)
    hub.close()


def test_many_news_are_locked_while_they_are_decided(
    opened: Harness, interference: Interference, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = opened.workspace.sender()
    for number in range(TRUST):
        opened.post(sender, {"title": "T", "external_id": f"{number}"})
    sent: list[bool] = []
    send_held = Pipe.send_held

    def watched(pipe: Pipe) -> None:
        send_held(pipe)
        sent.append(not pipe.drop_held())

    monkeypatch.setattr(Pipe, "send_held", watched)
    interference.trips.clear()
    many = [{"title": "T", "external_id": f"many {number}"} for number in range(200)]
    assert codes(opened.post(sender, *many)) == [201] * 200
    assert sent == [True]
    assert [names.count("commit") for names in interference.trips] == [1]


def test_a_storm_of_repeats_or_duplicates_is_sent_for_nothing_once(
    opened: Harness, interference: Interference
) -> None:
    sender = opened.workspace.sender()
    for number in range(TRUST):
        opened.post(sender, {"title": "T", "external_id": f"{number}"})
    for repeat in ({"title": "T", "external_id": "0", "n": 1}, {"title": "T", "external_id": "0"}):
        trips = []
        for _ in range(5):
            interference.trips.clear()
            opened.post(sender, repeat)
            trips.append(sum("commit" in names for names in interference.trips))
        assert trips[1:] == [1] * 4
    assert len(opened.workspace.alerts(sender)) == TRUST


@pytest.mark.usefixtures("ahead")
class TestVoid:
    """What was expected is not so."""

    def test_known_alerts_and_duplicates(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        trigger = {"title": "T", "external_id": "a"}
        assert statuses(opened.post(sender, trigger)) == ["created"]
        assert statuses(opened.post(sender, trigger, {"title": "new"})) == ["duplicate", "created"]
        assert statuses(opened.post(sender, {**trigger, "n": 1})) == ["updated"]
        assert statuses(opened.post(sender, {**trigger, "status": "resolved"})) == ["resolved"]
        # The end is remembered for a while, and so is what it ended.
        opened.advance(120)
        assert statuses(opened.post(sender, {**trigger, "n": 2})) == ["created"]
        assert [row["outcome"] for row in opened.workspace.deliveries(sender)] == [
            "created",
            "duplicate",
            "created",
            "updated",
            "resolved",
            "created",
        ]
        assert len(opened.workspace.alerts(sender)) == 3

    def test_a_key_with_other_content_is_flagged_once(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        opened.post(sender, Posted({"title": "one"}, key="k"))
        answers = opened.post(sender, Posted({"title": "two"}, key="k"), Posted({"title": "three"}))
        assert statuses(answers) == ["created", "created"]
        flags = [row["flags"] for row in opened.workspace.deliveries(sender)]
        assert sorted(flags) == [[], [], ["idempotency_key_reused"]]

    def test_a_rule_that_another_node_made_counts(self, opened: Harness) -> None:
        sender = opened.workspace.sender()
        assert codes(opened.post(sender, {"title": "before"})) == [201]
        opened.workspace.rule(event_types=["alerts.triggered"])
        assert codes(opened.post(sender, {"title": "after"})) == [201]
        assert opened.workspace.one("SELECT count(*) FROM alert_deliveries") == 1

    def test_nothing_of_it_stays(self, opened: Harness, interference: Interference) -> None:
        """Neither row nor claim, should the node die before it has decided again."""
        sender = opened.workspace.sender()
        opened.post(sender, {"title": "T", "external_id": "a"})
        before = claims(opened)
        kept: list[tuple[int, int]] = []

        def count(names: list[str]) -> None:
            if "commit" in names:
                deliveries = opened.workspace.deliveries(sender)
                kept.append((claims(opened), len(deliveries)))

        interference.after = count
        batch = [
            Posted({"title": "T", "external_id": "a", "n": 1}, key="k"),
            Posted({"title": "N"}),
        ]
        assert statuses(opened.post(sender, *batch)) == ["updated", "created"]
        assert kept == [(before, 1), (before + 3, 3)]

    def test_no_error_stands_in_the_log_of_the_server(
        self, opened: Harness, closed: list[Pipe]
    ) -> None:
        """There is none: a pipe is closed after any."""
        sender = opened.workspace.sender()
        for n in range(5):
            opened.post(sender, {"title": "T", "external_id": "a", "n": n})
        assert closed == []


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("alike", [True, False], ids=["same content", "same alert"])
def test_two_nodes_decide_the_same_news_at_once(
    opened: Harness, other: Harness, alike: bool
) -> None:
    """Both have decided that it is new, and both wait for the lock of its alert: one is first."""
    sender = opened.workspace.sender()
    for node in (opened, other):
        assert codes(node.post(sender, {"title": "warm", "n": id(node)})) == [201]
    for number in range(10):
        trigger = {"title": "T", "external_id": f"a{number}"}
        first = opened.webhook(sender, Posted(trigger))
        second = other.webhook(sender, Posted(trigger if alike else {**trigger, "n": 2}))
        found: dict[str, list[Answer]] = {}
        with psycopg.connect(opened.workspace.url) as gate:
            key = AlertKey(sender.id.bytes, f"a{number}")
            gate.execute("SELECT pg_advisory_xact_lock(%s)", (key.lock,))
            threads = [
                threading.Thread(target=_commit, args=(found, "one", opened, first)),
                threading.Thread(target=_commit, args=(found, "two", other, second)),
            ]
            for thread in threads:
                thread.start()
            _wait_until_both_wait(opened, gate)
        for thread in threads:
            thread.join()
        outcomes = sorted(str(each) for answers in found.values() for each in statuses(answers))
        assert outcomes == ["created", "duplicate" if alike else "updated"]
        (named,) = {
            each.alerts[0][0]
            for answers in found.values()
            for each in answers
            if isinstance(each, Accepted)
        }
        alert = opened.workspace.alerts(sender)[-1]
        assert alert["id"] == UUID(bytes=named)
        assert alert["occurrence_count"] == (1 if alike else 2)
    assert len(opened.workspace.alerts(sender)) == 12


def _commit(found: dict[str, list[Answer]], name: str, node: Harness, webhook: Webhook) -> None:
    found[name] = node.commit([webhook])


def _wait_until_both_wait(opened: Harness, gate: psycopg.Connection) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        waiting = opened.workspace.one(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if waiting == 2:
            return
        time.sleep(0.01)
    raise AssertionError("they never waited")
