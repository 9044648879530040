"""Acting on many alerts from the list, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.api import past
from tests.console.browser.conftest import OpenPage
from tests.console.browser.test_stories import PHONE
from tests.console.site import Site
from tests.console.test_alert_pages import alert, statuses
from tests.console.test_bulk_pages import sender

COUNT = "SELECT status::text, count(*) FROM alerts GROUP BY 1"


def test_all_that_match_are_taken_on_from_the_ticks_and_undone_by_a_key(
    site: Site, open_page: OpenPage
) -> None:
    past.alerts(site.sql, sender(site), 60)
    page = open_page("Ben", "/alerts?q=status:open")
    page.get_by_label("Select all on this page").check()
    bar = page.locator("[data-bulk]")
    expect(bar).to_contain_text("50 selected")
    bar.get_by_label("all 60 that match").check()
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/alerts/bulk/"))
    expect(page.locator("h1")).to_have_text("60 acknowledged", timeout=30_000)
    assert site.sql(COUNT) == [("ACKNOWLEDGED", 60)]
    page.keyboard.press("u")
    expect(page.locator("h1")).to_have_text("60 open again", timeout=30_000)
    assert site.sql(COUNT) == [("OPEN", 60)]


def test_it_goes_on_when_one_leaves_and_stands_above_the_list(
    site: Site, open_page: OpenPage
) -> None:
    past.alerts(site.sql, sender(site), 5)
    ((first,),) = site.sql("SELECT id FROM alerts ORDER BY severity, id DESC LIMIT 1")
    page = open_page("Ben", "/alerts", **PHONE)
    with past.held(site.database.connect, first):
        page.locator(".whole > summary").tap()
        page.get_by_role("button", name="Resolve", exact=True).tap()
        expect(page.locator("h1")).to_have_text("Resolving 5 alerts")
        page.goto("/alerts")
        expect(page.locator(".under-way")).to_contain_text("0 of 5")
    expect(page.locator(".under-way")).to_have_count(0, timeout=30_000)
    assert site.sql(COUNT) == [("RESOLVED", 5)]


def test_a_key_means_the_row_under_the_cursor_if_none_is_ticked(
    site: Site, open_page: OpenPage
) -> None:
    for title, severity in (("first", "critical"), ("second", "high")):
        alert(site, title, severity=severity)
    page = open_page("Ben", "/alerts")
    expect(page.locator(".alert-row")).to_have_count(2)
    page.keyboard.press("a")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("1 acknowledged.")
    assert statuses(site) == {"first": "OPEN", "second": "ACKNOWLEDGED"}
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("1 open again.")
    assert statuses(site) == {"first": "OPEN", "second": "OPEN"}


def test_an_alert_is_given_away_by_keys(site: Site, open_page: OpenPage) -> None:
    alert(site, "disk", severity="critical")
    page = open_page("Ben", "/alerts")
    expect(page.locator(".alert-row")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("o")
    choice = page.locator("#assign-ticked")
    expect(choice).to_be_focused()
    expect(choice).to_contain_text("Ana: no contact method")
    choice.select_option(label="Nobody any more")
    page.get_by_role("button", name="Assign and page them").click()
    expect(page.locator(".toast")).to_contain_text("1 given to nobody.")
