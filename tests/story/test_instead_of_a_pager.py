"""Debian's Alertmanager, set up to notify PagerDuty or Opsgenie, with a running server in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story.fake_services import fake_services
from tests.story.operator import fresh
from tests.story.test_prometheus import Site
from tests.support.node import eventually
from tests.support.postgres import Server
from tests.support.prometheus import alertmanager, exporter, prometheus
from tests.support.workspace import Workspace


@pytest.fixture(params=["pagerduty_events", "opsgenie"])
def site(request: Any, postgres_server: Server, tmp_path: Path) -> Iterator[Site]:
    with postgres_server.database() as database, fake_services() as services:
        site = Site(Workspace(database.url), services, tmp_path, source=request.param)
        try:
            yield site
        finally:
            site.node.stop()


def _receiver(site: Site) -> dict[str, Any]:
    secret = site.sender.profile.secrets[0].secret.reveal_text()
    if site.sender.profile.secret_encoding == "routing_key":
        block = {"routing_key": secret, "url": f"{site.base_url}/v2/enqueue"}
        return {"name": "tocsin", "pagerduty_configs": [block]}
    url = f"{site.base_url}/opsgenie/"
    block = {"api_key": secret, "api_url": url, "update_alerts": True, "priority": "P1"}
    return {"name": "tocsin", "opsgenie_configs": [block]}


def test_an_outage_opens_and_ends_an_alert(site: Site, tmp_path: Path) -> None:
    def statuses() -> list[str]:
        return [row["status"] for row in site.workspace.alerts(site.sender)]

    with (
        exporter() as outages,
        alertmanager(
            tmp_path / "alertmanager", "", site.sender, receiver=_receiver(site)
        ) as notifier,
        prometheus(tmp_path / "prometheus", outages, notifier),
    ):
        outage = fresh("paged")
        outages.begin(outage)
        eventually(lambda: statuses() == ["OPEN"], "it is open")
        (alert,) = site.workspace.alerts(site.sender)
        assert outage in alert["title"]
        # Without the server, both are tried again until it is back.
        assert site.node.stop() == 0
        outages.end(outage)
        site.start()
        eventually(lambda: statuses() == ["RESOLVED"], "it is over")
