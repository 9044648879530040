"""Forms with scripts, by keyboard: what is folded is opened, parts are put in, the preview keeps up."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.browser.conftest import OpenPage
from tests.console.site import Site
from tests.console.test_alert_pages import alert
from tests.console.test_delivery_pages import failed, statuses


def test_a_rule_by_keyboard_alone(site: Site, open_page: OpenPage) -> None:
    alert(site, "disk", labels={"env": "live"})
    alert(site, "probe", labels={"env": "test"})
    page = open_page("Ana", "/rules/new")
    preview = page.locator("[data-preview]")
    expect(preview).to_contain_text("2 of 2 alerts")
    page.locator("#name").fill("Night")
    page.locator("#unless > summary").press("Enter")
    page.get_by_role("button", name="Add an exception").press("Enter")
    # Where one goes on is where the page is after it.
    expect(page.locator("#unless-0-matchers")).to_be_focused()
    page.keyboard.type("env = test")
    expect(preview).to_contain_text("1 of 2 alerts")
    expect(preview).to_contain_text("1 more is excepted.")
    expect(page.locator("#unless-0-matchers")).to_be_focused()
    expect(page.locator("#name")).to_have_value("Night")
    page.locator("#quiet_hours > summary").press("Enter")
    page.get_by_role("button", name="Add quiet hours").press("Enter")
    expect(page.locator("#quiet_hours-0-start")).to_be_focused()
    page.get_by_role("button", name="Add the rule").press("Enter")
    expect(page.locator(".toast")).to_contain_text("“Night” is in force.")
    ((unless, windows),) = site.sql(
        "SELECT unless, jsonb_array_length(quiet_hours) FROM alert_rules"
    )
    assert unless == [[{"label": "env", "op": "=", "value": "test"}]]
    assert windows == 1


def test_failed_messages_are_ticked_and_sent_again(site: Site, open_page: OpenPage) -> None:
    failed(site)
    page = open_page("Ben", "/deliveries?status=failed")
    bar = page.locator("[data-bulk]")
    expect(bar).to_be_hidden()
    page.locator("[data-row] input[name=id]").first.press("Space")
    expect(bar).to_contain_text("1 selected")
    page.get_by_role("button", name="Send again").press("Enter")
    expect(page.locator(".toast")).to_contain_text("1 queued again.")
    assert statuses(site) == {"queued": 1, "failed": 2}
    page.locator("summary", has_text="Send failed ones again").press("Enter")
    page.get_by_role("button", name="Send it again").press("Enter")
    expect(page.locator(".toast")).to_contain_text("2 queued again.")
    assert statuses(site) == {"queued": 3}
