"""What people do together with the console, in a real browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser.conftest import OpenPage
from tests.console.site import Site, running_site
from tests.console.test_alert_pages import alert, statuses
from tests.console.test_me_page import contact
from tests.support.postgres import Database
from tocsin.hub import ProcessRole
from tocsin.model import utc_now


@dataclass
class Receiver:
    """Somebody's chat."""

    url: str
    status: int = 200
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            receiver.paths.append(self.path)
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.expected_status(403)
def test_a_viewer_sees_and_cannot_change_anything(site: Site, open_page: OpenPage) -> None:
    alert_id = alert(site, "disk", severity="critical")
    page = open_page("Vera", "/alerts")
    expect(page.locator(".alert-row .title")).to_have_text("disk")
    for path in ("/", "/alerts", f"/alerts/{alert_id}"):
        page.goto(path)
        names = ("Acknowledge", "Resolve", "Snooze", "Escalate", "Close", "Assign")
        for name in names:
            assert page.get_by_role("button", name=name).count() == 0, (path, name)
        for key in ("j", "a", "r", "s", "e"):
            page.keyboard.press(key)
    for path in ("/integrations/new", "/destinations/new", "/rules/new", "/admin"):
        page.goto(path)
        assert page.get_by_role("button", name=re.compile("Make|Save|Add")).count() == 0, path
    refused = page.evaluate(
        """async address => (await fetch(address, {
             method: 'POST',
             headers: {'X-CSRF-Token': document.querySelector('[name=csrf-token]').content},
             body: new URLSearchParams({act: 'acknowledge'}),
           })).status""",
        f"/alerts/{alert_id}/act",
    )
    assert refused == 403
    assert statuses(site) == {"disk": "OPEN"}


def test_two_acknowledge_at_once(site: Site, open_page: OpenPage) -> None:
    """Who is second reads who has it, and no error."""
    alert_id = alert(site, "disk", severity="critical")
    ana, ben = (open_page(name, f"/alerts/{alert_id}") for name in ("Ana", "Ben"))
    # Ben's page does not hear of it.
    ben.evaluate("document.querySelector('[data-live]').removeAttribute('data-live')")
    button = ben.get_by_role("button", name="Acknowledge").first
    expect(button).to_be_visible()
    ana.get_by_role("button", name="Acknowledge").first.click()
    expect(ana.locator(".stand .who")).to_have_text("Ana")
    expect(ana.locator(".toast")).to_contain_text("Acknowledged.")
    button.click()
    expect(ben.locator(".stand .who")).to_have_text("Ana")
    expect(ben.locator(".toast")).to_contain_text("Ana has it already")
    assert site.sql("SELECT actor->>'name' FROM alert_events WHERE kind = 'acknowledged'") == [
        ("Ana",)
    ]


def test_an_override_is_made_and_the_escalation_pages_by_it(
    site: Site, open_page: OpenPage
) -> None:
    layer = {
        "name": "all day",
        "rotation": {"unit": "weekly", "handoff_time": "09:00", "starts_on": "2026-01-05"},
        "participants": [[str(site.people["Ana"])]],
    }
    made = site.api.made("/schedules", {"name": "Primary", "timezone": "UTC", "layers": [layer]})
    page = open_page("Ben", f"/schedules/{made['id']}")
    expect(page.locator(".agenda li").first).to_contain_text("Ana")
    page.get_by_label("Who takes over").select_option(label="Ben")
    now = utc_now()
    for label, at in (("From", now - timedelta(minutes=1)), ("Until", now + timedelta(hours=4))):
        page.get_by_label(label, exact=True).fill(f"{at:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="See what it changes").click()
    expect(page.get_by_text("What it would change")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".agenda li").first).to_contain_text("Ben")
    for name in ("Ana", "Ben"):
        contact(site, name, f"phone-of-{name}".lower())
    step = {"targets": [{"type": "schedule", "id": made["id"]}], "wait_seconds": 300}
    policy_id = site.api.made("/escalation-policies", {"name": "Ops", "steps": [step]})["id"]
    site.api.made(
        "/alert-rules",
        {
            "name": "page",
            "event_types": ["alerts.triggered"],
            "destination_ids": [],
            "escalation_policy_id": policy_id,
        },
    )
    page.goto(f"/policies/{policy_id}")
    expect(page.locator("main")).to_contain_text("Ben")
    alert_id = alert(site, "disk", severity="critical")
    paged = (
        "SELECT u.name FROM alert_deliveries d JOIN alert_destinations a"
        " ON a.id = d.alert_destination_id JOIN users u ON u.id = a.user_id"
        " WHERE d.alert_id = %s"
    )
    for _ in range(100):
        if found := site.sql(paged, alert_id):
            break
        page.wait_for_timeout(100)
    assert found == [("Ben",)]
    page.goto(f"/alerts/{alert_id}")
    expect(page.locator("main")).to_contain_text("Ben")


def test_a_restart_of_the_server_is_noticed_and_healed(site: Site, open_page: OpenPage) -> None:
    alert(site, "before", severity="high")
    page = open_page("Ben", "/alerts")
    chip = page.locator(".live")
    expect(chip).to_have_text(re.compile(r"live · \d+ s"))
    with site.stopped():
        expect(chip).to_have_text("reconnecting")
        expect(page.locator(".alert-row .title")).to_have_text("before")
    alert(site, "after", severity="critical")
    expect(page.locator(".alert-row .title").first).to_have_text("after", timeout=40_000)
    expect(chip).to_have_text(re.compile(r"live · \d+ s"))
    page.get_by_label("Select after").check()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def sending(database: Database, tmp_path: Path) -> Iterator[Site]:
    """A console that sends what it owes."""
    allowed = (ip_network("127.0.0.0/8"),)
    with running_site(
        database, tmp_path, settings={"outbound_allow": allowed}, role=ProcessRole.ALL
    ) as running:
        yield running


class TestSending:
    @pytest.fixture
    def site(self, sending: Site) -> Site:
        return sending

    def test_a_destination_that_fails_is_found_and_mended(
        self, site: Site, receiver: Receiver, open_page: OpenPage
    ) -> None:
        receiver.status = 410
        made = site.api.made(
            "/alert-destinations",
            {"name": "chat", "type": "webhook", "config": {"url": f"{receiver.url}/old"}},
        )
        page = open_page("Ana", f"/destinations/{made['id']}")
        page.get_by_role("button", name="Send a test").click()
        panel = page.get_by_label("Last test")
        expect(panel).to_contain_text("The test failed", timeout=30_000)
        expect(panel).to_contain_text("410")
        page.goto("/destinations")
        expect(page.locator("main")).to_contain_text("chat")
        page.goto(f"/destinations/{made['id']}")
        receiver.status = 200
        if page.get_by_role("button", name="Switch on").count():
            page.get_by_role("button", name="Switch on").click()
        page.locator("#config-url").fill(f"{receiver.url}/new")
        page.get_by_role("button", name="Save").click()
        # One test a minute is enough for a person; a story does not wait for it.
        site.sql("UPDATE alert_deliveries SET created_at = created_at - interval '2 minutes'")
        page.goto(f"/destinations/{made['id']}")
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_label("Last test")).to_contain_text("The test was sent", timeout=30_000)
        assert receiver.paths[-1] == "/new"
