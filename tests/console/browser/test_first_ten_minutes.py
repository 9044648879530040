"""From the link that the first start prints to the first alert at one's own receiver, in one go."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import OpenPage
from tests.console.browser.test_team_stories import Receiver, running_receiver
from tests.console.site import PASSWORD, Site, running_site
from tests.support.postgres import Database
from tocsin.access.sessions import LinkPurpose
from tocsin.app import ProcessRole

Seen = Callable[[str], None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    """Nobody is there yet; what is owed is sent."""
    allowed = (ip_network("127.0.0.0/8"),)
    with running_site(
        database,
        tmp_path,
        people=False,
        settings={"outbound_allow": allowed},
        role=ProcessRole.ALL,
    ) as running:
        yield running


def send(site: Site, address: str, body: dict[str, object], secret: str) -> int:
    """As the tool would, signed with this secret; the status of the answer."""
    raw = json.dumps(body).encode()
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        site.base_url + urlsplit(address).path,
        raw,
        {"Content-Type": "application/json", "X-Webhook-Signature": signature},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def go_through(site: Site, receiver: Receiver, page: Page, seen: Seen) -> None:
    """Without a look into the docs: each page offers what comes next. `seen` is told where it is."""
    expect(page.get_by_role("heading", name="Set up Tocsin")).to_be_visible()
    seen("link")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    steps = page.get_by_label("To the first message")
    expect(steps).to_contain_text("0 of 3 done")
    seen("home")

    steps.get_by_role("link", name="Add a tool that sends").click()
    seen("tools")
    page.get_by_role("link", name="Generic").last.click()
    seen("tool")
    page.get_by_label("Name").fill("shop")
    page.get_by_role("button", name="Add it").click()
    secret = page.locator("#secret").inner_text()
    address = page.locator("#address").inner_text()
    assert "/webhooks/" in address
    waiting = page.locator(".waiting")
    expect(waiting).to_contain_text("Waiting for the first webhook")
    expect(page.get_by_label("Set up in")).to_contain_text("X-Webhook-Signature")
    expect(page.get_by_label("Set up in")).to_contain_text(f"WEBHOOK_SECRET='{secret}'")
    seen("waiting")

    alert = {"title": "Disk full on db-1", "severity": "critical", "labels": {"host": "db-1"}}
    assert send(site, address, alert, "not the secret") == 401
    expect(waiting).to_contain_text("its signature is wrong", timeout=20_000)
    expect(waiting).to_contain_text("Paste the secret once more")
    expect(page.locator("#secret")).to_have_text(secret)
    seen("wrong")
    assert send(site, address, alert, secret) == 201
    expect(waiting).to_contain_text("It works", timeout=20_000)
    seen("works")

    waiting.get_by_role("link", name="Next: say where messages go").click()
    seen("kinds")
    page.get_by_role("link", name="Webhook").click()
    page.get_by_label("Name").fill("my receiver")
    page.locator("#config-url").fill(f"{receiver.url}/alerts")
    seen("destination")
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("button", name="Send a test").click()
    test = page.get_by_label("Last test")
    expect(test).to_contain_text("The test was sent", timeout=30_000)
    assert receiver.paths == ["/alerts"]
    seen("tested")

    test.get_by_role("link", name="Next: add a rule").click()
    expect(page.get_by_label("Which alerts")).to_have_value("host = db-1")
    expect(page.get_by_label("my receiver")).to_be_checked()
    expect(page.locator("[data-preview]")).to_contain_text("1 of 1 alerts would have gone out")
    seen("rule")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.locator(".toast")).to_contain_text("is in force")
    seen("rules")

    assert send(site, address, {**alert, "title": "Disk full again"}, secret) == 201
    page.goto("/alerts")
    row = page.locator(".alert-row").filter(has_text="Disk full again")
    expect(row).to_contain_text("told my receiver", timeout=30_000)
    assert receiver.paths == ["/alerts", "/alerts"]
    assert b"Disk full again" in receiver.bodies[-1]
    seen("told")
    page.goto("/")
    expect(page.get_by_label("To the first message")).to_have_count(0)
    seen("done")


def test_from_the_printed_link_to_the_first_alert_at_ones_own_receiver(
    site: Site, receiver: Receiver, open_page: OpenPage
) -> None:
    page = open_page(None, site.sign_in_link(LinkPurpose.SET_UP))
    go_through(site, receiver, page, lambda name: None)
