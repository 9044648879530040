"""Where the cursor and the focus are, for whoever has no mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import OpenPage
from tests.console.site import Site
from tests.console.test_alert_pages import alert
from tests.console.test_board_page import tenant


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_keys_lead_wherever_the_navigation_does(site: Site, open_page: OpenPage) -> None:
    tenant(site, "acme", "Acme")
    page = open_page("Ben", "/")
    for link in page.locator(".side nav a[data-go]:not([data-go=''])").all():
        letter, place = link.get_attribute("data-go"), link.get_attribute("href")
        page.keyboard.press("g")
        page.keyboard.press(str(letter))
        page.wait_for_url(f"**{place}")


def test_what_has_the_focus_takes_the_key_itself(site: Site, open_page: OpenPage) -> None:
    alert(site, "disk")
    page = open_page("Ben", "/alerts")
    expect(page.locator(".live")).to_contain_text("live")
    page.keyboard.press("j")
    assert focused(page) == "disk"
    expect(page.locator(".alert-row.cursor")).to_have_count(1)
    page.get_by_role("link", name="Rules").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/rules")


def test_the_cursor_stays_through_renewals_and_actions(site: Site, open_page: OpenPage) -> None:
    for title in ("c", "b", "a"):
        alert(site, title)
    page = open_page("Ben", "/alerts")
    page.keyboard.press("j")
    page.keyboard.press("j")
    alert(site, "new one", severity="critical")
    expect(page.locator(".alert-row .title").first).to_have_text("new one")
    expect(page.locator(".alert-row.cursor .title")).to_have_text("b")
    page.keyboard.press("j")
    expect(page.locator(".alert-row.cursor .title")).to_have_text("c")
    page.keyboard.press("k")
    page.keyboard.press("r")
    expect(page.locator(".toast")).to_contain_text("1 resolved")
    expect(page.locator(".alert-row.cursor .title")).to_have_text("c")
    assert focused(page) == "c"
    page.keyboard.press("Space")
    expect(page.locator("[data-bulk-count]")).to_have_text("1")
    page.keyboard.press("Space")
    expect(page.locator("[data-bulk]")).to_be_hidden()


def test_whoever_acts_stays_in_the_content(site: Site, open_page: OpenPage) -> None:
    alert_id = alert(site, "disk")
    page = open_page("Ben", f"/alerts/{alert_id}")
    page.get_by_role("button", name="Acknowledge").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".stand .who")).to_have_text("Ben")
    page.keyboard.press("Tab")
    assert focused(page).startswith("Resolve")


@pytest.mark.expected_status(422)
def test_a_form_that_is_refused_has_the_focus_at_what_is_wrong(
    site: Site, open_page: OpenPage
) -> None:
    page = open_page("Ben", "/alerts")
    expect(page.locator(".live")).to_contain_text("live")
    page.keyboard.press("Control+k")
    page.keyboard.type("add a sil")
    page.keyboard.press("Enter")
    page.wait_for_url("**/silences/new")
    page.locator("#matchers").fill("nonsense")
    page.locator("#comment").fill("known")
    page.keyboard.press("Enter")
    expect(page.locator("#matchers-wrong")).to_be_visible()
    expect(page.locator("#matchers")).to_be_focused()
    expect(page.locator("#comment")).to_have_value("known")


def test_what_opens_below_a_button_closes_by_escape_and_by_a_click_elsewhere(
    site: Site, open_page: OpenPage
) -> None:
    alert_id = alert(site, "disk")
    page = open_page("Ben", f"/alerts/{alert_id}")
    page.keyboard.press("o")
    note = page.locator("#people-note")
    expect(note).to_be_visible()
    note.focus()
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    assert focused(page).startswith("Assign")
    page.keyboard.press("s")
    half_an_hour = page.get_by_role("button", name="30 min")
    expect(half_an_hour).to_be_visible()
    page.locator("h1").click()
    expect(half_an_hour).to_be_hidden()


def test_a_facet_is_chosen_by_the_space_bar_and_keeps_the_focus(
    site: Site, open_page: OpenPage
) -> None:
    for title, severity in (("disk", "critical"), ("load", "low")):
        alert(site, title, severity=severity)
    page = open_page("Ben", "/alerts")
    critical = page.get_by_role("checkbox", name="Critical")
    expect(critical).to_be_visible()
    critical.focus()
    page.keyboard.press("Space")
    expect(page.locator(".alert-row")).to_have_count(1)
    expect(critical).to_be_checked()
    expect(critical).to_be_focused()


def test_what_left_a_group_says_so_below_its_own_head(site: Site, open_page: OpenPage) -> None:
    gone = alert(site, "goes", severity="critical", labels={"host": "b"})
    alert(site, "stays", severity="high", labels={"host": "a"})
    alert(site, "is with it", severity="high", labels={"host": "b"})
    page = open_page("Ben", "/alerts?group=host")
    expect(page.locator(".live")).to_contain_text("live")
    site.api.made(f"/alerts/{gone}/resolve", {})
    left = page.locator(".alert-row.left")
    expect(left).to_contain_text("left this view")
    expect(page.locator("[data-group=b] .alert-row.left .title")).to_have_text("goes")


def test_an_alert_of_a_tenant_arrives_while_the_board_is_open(
    site: Site, open_page: OpenPage
) -> None:
    tenant(site, "acme", "Acme")
    alert(site, "load", severity="low")
    page = open_page("Vera", "/board")
    expect(page.locator(".live")).to_contain_text("live")
    expect(page.locator("h1")).not_to_contain_text("critical")
    alert(site, "disk is full", severity="critical", tenant="acme")
    expect(page.locator("h1")).to_have_text("One tenant has something critical")
    first = page.locator(".board tbody tr").first
    expect(first).to_contain_text("Acme")
    expect(first.get_by_role("link", name="1 critical, Acme")).to_be_visible()
    first.locator(".tenant-oldest").click()
    expect(page.locator("h1")).to_have_text("disk is full")
