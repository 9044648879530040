"""Real Prometheus and Alertmanager in front of a real server: one alert for each outage that they see,
and nobody misses one, whichever of the programs stands still or dies in between."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.story.fake_services import FakeServices, fake_services
from tests.story.operator import EVERY_EVENT, Operator, fresh
from tests.support.lossy_way import LossyWay, lossy_way
from tests.support.node import Node, eventually
from tests.support.ports import free_port
from tests.support.postgres import Server
from tests.support.prometheus import Outages, Running, alertmanager, exporter, prometheus
from tests.support.workspace import Sender, Workspace

HOOK = "/hook/on-call"


class Site:
    """A server that delivers what Alertmanager posts, and that can be away for a while."""

    def __init__(
        self,
        workspace: Workspace,
        services: FakeServices,
        folder: Path,
        source: str = "alertmanager",
    ) -> None:
        self.workspace, self.services, self.folder = workspace, services, folder
        self.sender: Sender = workspace.sender(source)
        self.node = self._start(0)
        self.port, self.base_url = self.node.port, self.node.base_url
        operator = Operator(self.node, workspace, workspace.api_key())
        destination = operator.destination("webhook", url=services.url + HOOK)
        operator.made(
            "/alert-rules",
            {"name": "all", "event_types": EVERY_EVENT, "destination_ids": [destination["id"]]},
        )

    @property
    def url(self) -> str:
        return self.base_url + self.sender.path

    def _start(self, port: int) -> Node:
        return Node(
            self.workspace.url,
            self.folder,
            port=port,
            role="all",
            outbound_allow="127.0.0.0/8",
        )

    def start(self) -> None:
        self.node = self._start(self.port)
        assert self.node.base_url == self.base_url

    def alerts(self, outage: str) -> list[dict[str, Any]]:
        found = self.workspace.alerts(self.sender)
        return [row for row in found if row["labels"]["name"] == outage]

    def await_alerts(self, outage: str, *statuses: str) -> list[dict[str, Any]]:
        """Wait until the alerts of the outage have these statuses, the oldest first."""
        eventually(
            lambda: [row["status"] for row in self.alerts(outage)] == list(statuses),
            f"alerts {', '.join(statuses)}",
        )
        return self.alerts(outage)

    def messages(self, outage: str) -> list[str]:
        """What the receiver was notified of; a message that came twice counts once."""
        events = {
            body["id"]: body["event_type"].removeprefix("alerts.")
            for body in self.services.bodies(HOOK)
            if body["alert"]["labels"]["name"] == outage
        }
        return list(events.values())

    def await_messages(self, outage: str, *events: str) -> None:
        eventually(lambda: len(self.messages(outage)) >= len(events), f"messages {events}")
        assert self.messages(outage) == list(events)


@contextmanager
def site(postgres_server: Server, folder: Path) -> Iterator[Site]:
    with postgres_server.database() as fresh_database, fake_services() as services:
        ready = Site(Workspace(fresh_database.url), services, folder)
        try:
            yield ready
        finally:
            ready.node.stop()


class Watch:
    """Prometheus and Alertmanager, watching for outages on behalf of a site."""

    def __init__(
        self, site: Site, outages: Outages, prometheus: Running, *alertmanagers: Running
    ) -> None:
        self.site, self.outages, self.prometheus = site, outages, prometheus
        self.alertmanagers = alertmanagers

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Prometheus stands still, so that the leases of what it fired run out."""
        self.prometheus.freeze()
        try:
            yield
        finally:
            self.prometheus.thaw()

    def await_failure(self, since: float) -> None:
        """Wait until Alertmanager has failed to notify, more than `since` times."""
        eventually(lambda: self.failures() > since, "a notification failed")

    def failures(self) -> float:
        return sum(
            each.metric('alertmanager_notification_requests_failed_total{integration="webhook"}')
            for each in self.alertmanagers
        )


@pytest.fixture(scope="module")
def watch(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        exporter() as outages,
        site(postgres_server, folder) as ready,
        alertmanager(folder / "alertmanager", ready.url, ready.sender) as notifier,
        prometheus(folder / "prometheus", outages, notifier) as watching,
    ):
        yield Watch(ready, outages, watching, notifier)


def test_an_outage_whose_lease_ran_out_is_notified_again(watch: Watch) -> None:
    site, outage = watch.site, fresh("frozen")
    watch.outages.begin(outage)
    site.await_alerts(outage, "OPEN")
    with watch.frozen():
        site.await_alerts(outage, "RESOLVED")
    first, second = site.await_alerts(outage, "RESOLVED", "OPEN")
    assert first["triggered_at"] == second["triggered_at"]
    site.await_messages(outage, "triggered", "resolved", "triggered")
    watch.outages.end(outage)
    site.await_alerts(outage, "RESOLVED", "RESOLVED")
    site.await_messages(outage, "triggered", "resolved", "triggered", "resolved")


def test_an_outage_after_a_recovery_is_a_new_alert(watch: Watch) -> None:
    site, outage = watch.site, fresh("flaps")
    watch.outages.begin(outage)
    site.await_alerts(outage, "OPEN")
    watch.outages.end(outage)
    site.await_alerts(outage, "RESOLVED")
    watch.outages.begin(outage)
    first, second = site.await_alerts(outage, "RESOLVED", "OPEN")
    assert first["resolved_at"] < second["triggered_at"]
    site.await_messages(outage, "triggered", "resolved", "triggered")
    watch.outages.end(outage)
    site.await_alerts(outage, "RESOLVED", "RESOLVED")


def test_what_begins_while_the_server_is_away_is_not_lost(watch: Watch) -> None:
    site, outage = watch.site, fresh("away")
    assert site.node.stop() == 0
    before = watch.failures()
    watch.outages.begin(outage)
    watch.await_failure(before)
    site.start()
    site.await_alerts(outage, "OPEN")
    site.await_messages(outage, "triggered")
    watch.outages.end(outage)
    site.await_alerts(outage, "RESOLVED")
    site.await_messages(outage, "triggered", "resolved")


def test_what_ends_while_the_server_is_dead_is_not_lost(watch: Watch) -> None:
    site, outage = watch.site, fresh("killed")
    watch.outages.begin(outage)
    site.await_alerts(outage, "OPEN")
    site.node.kill()
    before = watch.failures()
    watch.outages.end(outage)
    watch.await_failure(before)
    site.start()
    site.await_alerts(outage, "RESOLVED")
    site.await_messages(outage, "triggered", "resolved")


@pytest.fixture(scope="module")
def lossy(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Watch, LossyWay]]:
    """The same, but that answers of the server can get lost on their way to Alertmanager."""
    folder = tmp_path_factory.mktemp("lossy")
    with (
        exporter() as outages,
        site(postgres_server, folder) as ready,
        lossy_way(ready.base_url) as way,
        alertmanager(
            folder / "alertmanager", way.url + ready.sender.path, ready.sender
        ) as notifier,
        prometheus(folder / "prometheus", outages, notifier) as watching,
    ):
        yield Watch(ready, outages, watching, notifier), way


def test_a_repeat_mends_what_alertmanager_does_not_know_to_be_stored(
    lossy: tuple[Watch, LossyWay],
) -> None:
    """It gives up on what was committed; its next try is a duplicate, and then it says the end."""
    watch, way = lossy
    site, outage = watch.site, fresh("unheard")
    way.loses_answers, way.lost = True, 0
    watch.outages.begin(outage)
    eventually(lambda: way.lost >= 2, "an answer got lost, and that of its repeat")
    site.await_alerts(outage, "OPEN")
    way.loses_answers = False
    eventually(lambda: "duplicate" in outcomes(site, outage), "a repeat was answered")
    watch.outages.end(outage)
    site.await_alerts(outage, "RESOLVED")
    site.await_messages(outage, "triggered", "resolved")
    assert set(outcomes(site, outage)) == {"created", "duplicate", "resolved"}


def test_an_end_that_alertmanager_never_says_is_found_by_the_next_episode(
    lossy: tuple[Watch, LossyWay],
) -> None:
    """An outage that ends before any answer came through: Alertmanager believes that it said nothing
    of it, and says nothing of its end. The alert stays open until it fires again, or until
    `auto_resolve_minutes`."""
    watch, way = lossy
    site, marker = watch.site, fresh("marker")
    outage = unheard(watch, way)
    # What comes later is said.
    watch.outages.begin(marker)
    site.await_alerts(marker, "OPEN")
    watch.outages.end(marker)
    site.await_alerts(marker, "RESOLVED")
    (stays,) = site.await_alerts(outage, "OPEN")
    watch.outages.begin(outage)
    eventually(lambda: site.alerts(outage)[0]["occurrence_count"] > 1, "it has fired again")
    watch.outages.end(outage)
    (over,) = site.await_alerts(outage, "RESOLVED")
    assert over["id"] == stays["id"]
    site.await_messages(outage, "triggered", "resolved")


def unheard(watch: Watch, way: LossyWay) -> str:
    """An outage that is over before Alertmanager gives up to say that it has begun."""
    (notifier,) = watch.alertmanagers

    def given_up() -> float:
        return notifier.metric('alertmanager_notifications_failed_total{integration="webhook"}')

    while True:
        outage, before = fresh("unsaid"), given_up()
        way.loses_answers, way.lost = True, 0
        watch.outages.begin(outage)
        eventually(lambda: way.lost >= 1, "an answer got lost")
        watch.outages.end(outage)
        eventually(lambda: outage not in notifier.get("/api/v2/alerts"), "it is over")  # noqa: B023
        is_early = given_up() == before
        eventually(lambda: given_up() > before, "Alertmanager gave up")  # noqa: B023
        way.loses_answers = False
        # On a slow machine it may have begun to say it again meanwhile.
        if is_early:
            return outage


def outcomes(site: Site, outage: str) -> list[str]:
    return [
        row["outcome"]
        for row in site.workspace.deliveries(site.sender)
        if row["raw_payload"]["groupLabels"]["name"] == outage
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_that_is_killed_at_any_moment_loses_nothing(watch: Watch) -> None:
    site, outage, episodes = watch.site, fresh("kills"), 10

    def die_soon() -> None:
        time.sleep(random.uniform(0, 1.5))
        site.node.kill()
        site.start()

    for number in range(episodes):
        before = ["RESOLVED"] * number
        watch.outages.begin(outage)
        die_soon()
        site.await_alerts(outage, *before, "OPEN")
        watch.outages.end(outage)
        die_soon()
        site.await_alerts(outage, *before, "RESOLVED")
    site.await_messages(outage, *["triggered", "resolved"] * episodes)


@contextmanager
def replicas(
    postgres_server: Server, folder: Path, *, peer_timeout: str, repeat: str = "1h"
) -> Iterator[Watch]:
    """Two Alertmanagers that gossip, each of which Prometheus notifies."""
    ports = (free_port(), free_port())
    with ExitStack() as stack:
        outages = stack.enter_context(exporter())
        ready = stack.enter_context(site(postgres_server, folder))
        notifiers = [
            stack.enter_context(
                alertmanager(
                    folder / f"alertmanager-{port}",
                    ready.url,
                    ready.sender,
                    repeat=repeat,
                    cluster_port=port,
                    peers=ports,
                    peer_timeout=peer_timeout,
                )
            )
            for port in ports
        ]
        for each in notifiers:
            assert len(json.loads(each.get("/api/v2/status"))["cluster"]["peers"]) == 2
        watching = stack.enter_context(prometheus(folder / "prometheus", outages, *notifiers))
        yield Watch(ready, outages, watching, *notifiers)


@pytest.mark.slow
def test_two_replicas_that_both_notify_make_one_alert_of_an_episode(
    postgres_server: Server, tmp_path: Path
) -> None:
    """They wait for nobody and repeat what goes on every second, so that all comes twice."""
    with replicas(postgres_server, tmp_path, peer_timeout="0s", repeat="1s") as watch:
        site = watch.site
        watch.outages.begin("twice")
        site.await_alerts("twice", "OPEN")
        with watch.frozen():
            site.await_alerts("twice", "RESOLVED")
        site.await_alerts("twice", "RESOLVED", "OPEN")
        watch.outages.end("twice")
        site.await_alerts("twice", "RESOLVED", "RESOLVED")
        site.await_messages("twice", "triggered", "resolved", "triggered", "resolved")
        webhooks = site.workspace.deliveries(site.sender)
    senders = [row["raw_payload"]["externalURL"] for row in webhooks]
    assert min(senders.count(each) for each in set(senders)) >= 4
    assert len(set(senders)) == 2
    outcomes = [row["outcome"] for row in webhooks]
    assert (outcomes.count("created"), outcomes.count("resolved")) == (2, 2)
    assert outcomes.count("duplicate") >= 4


@pytest.mark.slow
def test_what_a_replica_says_too_late_does_not_last(
    postgres_server: Server, tmp_path: Path
) -> None:
    """A replica waits for the other and then says what was so before. What it said wrong is said
    right again by the next notification, and that must count."""
    with replicas(postgres_server, tmp_path, peer_timeout="5s") as watch:
        site = watch.site
        # The second says that it fires when the first has said that it is over.
        watch.outages.begin("short")
        site.await_alerts("short", "OPEN")
        watch.outages.end("short")
        site.await_alerts("short", "RESOLVED", "RESOLVED")
        # The second says that it is over when the first has said that it fires again.
        watch.outages.begin("long")
        site.await_alerts("long", "OPEN")
        time.sleep(6)
        with watch.frozen():
            site.await_alerts("long", "RESOLVED")
        site.await_alerts("long", "RESOLVED", "RESOLVED", "OPEN")
        site.await_messages("long", *["triggered", "resolved"] * 2, "triggered")
