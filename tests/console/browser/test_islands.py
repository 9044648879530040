"""What scripts add: the chart, the preview while one types, the wallboard that says when it is stale."""

from __future__ import annotations

from tests.console.browser.conftest import OpenPage
from tests.console.site import Site
from tests.console.test_alert_pages import alert


def test_a_rule_is_tried_while_one_types(site: Site, open_page: OpenPage) -> None:
    alert(site, "disk", severity="high", labels={"host": "db-1"})
    alert(site, "load", severity="high", labels={"host": "web-1"})
    page = open_page("Ana", "/rules/new")
    page.get_by_text("2 of 2 alerts").wait_for()
    page.fill("#matchers", "host = db-1")
    page.get_by_text("1 of 2 alerts").wait_for()
    assert site.sql("SELECT count(*) FROM alert_rules") == [(0,)]


def test_the_chart_is_drawn_and_the_numbers_stay(site: Site, open_page: OpenPage) -> None:
    alert(site, "disk", severity="high")
    page = open_page("Vera", "/overview")
    page.locator(".plot canvas").wait_for()
    page.get_by_text("The numbers").click()
    page.locator("#times").wait_for()


def test_the_wallboard_says_that_it_is_stale(site: Site, open_page: OpenPage) -> None:
    alert(site, "disk", severity="high")
    page = open_page("Vera", "/wallboard")
    page.get_by_text("disk").wait_for()
    assert page.locator("html[data-stale]").count() == 0
    page.context.set_offline(True)
    # As if a minute had passed: the newest answer is that old. Said again until it is seen, for one that
    # was under way may still come in.
    page.wait_for_function(
        "() => { document.querySelector('[data-as-of]').dataset.asOf ="
        " new Date(Date.now() - 60_000).toISOString();"
        " return document.documentElement.hasAttribute('data-stale') }"
    )
    page.locator("html[data-stale]").wait_for(state="attached")
    page.get_by_text("no news for").wait_for()
