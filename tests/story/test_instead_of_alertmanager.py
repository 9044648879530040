"""Debian's Prometheus and amtool with a running server instead of Alertmanager: only a URL and a key
differ from what they are told otherwise."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.story.fake_services import fake_services
from tests.story.operator import fresh
from tests.story.test_prometheus import Site
from tests.support.node import eventually
from tests.support.postgres import Server
from tests.support.programs import program_of
from tests.support.prometheus import Outages, Running, exporter, prometheus
from tests.support.workspace import Workspace


@dataclass
class Watched:
    site: Site
    outages: Outages
    prometheus: Running
    key: str

    @property
    def path(self) -> str:
        return f"/am/{self.site.sender.id}"

    def amtool(self, *arguments: str) -> str:
        url = f"http://me:{self.key}@127.0.0.1:{self.site.port}{self.path}"
        done = subprocess.run(
            [program_of("amtool"), f"--alertmanager.url={url}", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout

    def repeats(self) -> int:
        """Posts that have been taken."""
        return len(self.site.workspace.deliveries(self.site.sender))


@pytest.fixture(scope="module")
def watched(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        exporter() as outages,
        postgres_server.database() as database,
        fake_services() as services,
    ):
        site = Site(Workspace(database.url), services, folder, source="prometheus")
        kind, _, secret = site.sender.headers(b"")["Authorization"].partition(" ")
        block: dict[str, Any] = {
            "path_prefix": f"/am/{site.sender.id}",
            "authorization": {"type": kind, "credentials": secret},
            "static_configs": [{"targets": [f"127.0.0.1:{site.port}"]}],
        }
        try:
            with prometheus(folder / "prometheus", outages, also=block, resend=5) as running:
                yield Watched(site, outages, running, site.workspace.api_key("responder"))
        finally:
            site.node.stop()


def test_prometheus_fires_and_resolves_into_it(watched: Watched) -> None:
    site, outage = watched.site, fresh("direct")
    watched.outages.begin(outage)
    (alert,) = site.await_alerts(outage, "OPEN")
    assert (alert["title"], str(alert["severity"])) == (f"{outage} is down", "CRITICAL")
    before = watched.repeats()
    eventually(lambda: watched.repeats() > before, "it repeats itself")
    assert len(site.alerts(outage)) == 1
    watched.outages.end(outage)
    site.await_alerts(outage, "RESOLVED")
    site.await_messages(outage, "triggered", "resolved")


def test_a_restart_and_lost_posts_end_nothing_and_repeat_nothing(watched: Watched) -> None:
    """The leases may be over when the server is there again; nobody could renew them meanwhile."""
    site, lasting, begun = watched.site, fresh("lasting"), fresh("begun")
    watched.outages.begin(lasting)
    site.await_alerts(lasting, "OPEN")
    assert site.node.stop() == 0
    dropped = watched.prometheus.metric
    name = "prometheus_notifications_dropped_total"
    before = dropped(name)
    watched.outages.begin(begun)
    eventually(lambda: dropped(name) > before + 2, "posts are lost")
    site.start()
    site.await_alerts(begun, "OPEN")
    site.await_alerts(lasting, "OPEN")
    for outage in (lasting, begun):
        watched.outages.end(outage)
        site.await_alerts(outage, "RESOLVED")
        site.await_messages(outage, "triggered", "resolved")


def test_what_ends_while_it_is_dead_ends_when_it_is_back(watched: Watched) -> None:
    site, outage = watched.site, fresh("ends")
    watched.outages.begin(outage)
    site.await_alerts(outage, "OPEN")
    site.node.kill()
    watched.outages.end(outage)
    site.start()
    site.await_alerts(outage, "RESOLVED")
    site.await_messages(outage, "triggered", "resolved")


def test_amtool_adds_silences_and_reads(watched: Watched) -> None:
    site, name = watched.site, fresh("by-amtool")
    watched.amtool("alert", "add", "alertname=Outage", f"name={name}", "severity=page")
    site.await_alerts(name, "OPEN")
    shown = json.loads(watched.amtool("-o", "json", "alert", "query", f"name={name}"))
    assert [each["labels"]["severity"] for each in shown] == ["page"]

    silence_id = watched.amtool(
        "silence", "add", "-a", "ada", "-c", "patching", "-d", "1h", f"name={name}"
    ).strip()
    assert watched.amtool("-o", "simple", "alert", "query", f"name={name}").count(name) == 0
    quiet = watched.amtool("-o", "json", "alert", "query", "--silenced", f"name={name}")
    assert [each["status"]["silencedBy"] for each in json.loads(quiet)] == [[silence_id]]
    (listed,) = json.loads(watched.amtool("-o", "json", "silence", "query", f"name={name}"))
    assert (listed["createdBy"], listed["comment"]) == ("ada", "patching")

    watched.amtool("silence", "update", silence_id, "-d", "2h")
    watched.amtool("silence", "expire", silence_id)
    shown = json.loads(watched.amtool("-o", "json", "alert", "query", f"name={name}"))
    assert len(shown) == 1
    assert "tocsin" in watched.amtool("config", "routes")
    assert watched.amtool("cluster", "show")


def test_amtool_moves_silences_from_one_to_another(watched: Watched, tmp_path: Path) -> None:
    name = fresh("moved")
    watched.amtool("silence", "add", "-a", "ada", "-c", "x", "-d", "1h", f"name={name}")
    exported = watched.amtool("-o", "json", "silence", "query", f"name={name}")
    (silence,) = json.loads(exported)
    # As another Alertmanager has it: an id that nobody here knows.
    silence["id"] = "4a5c0f7e-0000-4000-8000-000000000000"
    file = tmp_path / "silences.json"
    file.write_text(json.dumps([silence]))
    watched.amtool("silence", "import", str(file))
    found = json.loads(watched.amtool("-o", "json", "silence", "query", f"name={name}"))
    assert len(found) == 2
