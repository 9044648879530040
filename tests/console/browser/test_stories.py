"""What people do with the console, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import OpenPage
from tests.console.site import Site
from tests.console.test_alert_pages import alert

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_an_alert_arrives_while_the_list_is_open(site: Site, open_page: OpenPage) -> None:
    alert(site, "old one", severity="high")
    page = open_page("Ben", "/alerts")
    expect(page.locator(".live")).to_have_text(re.compile(r"live · \d+ s"))
    alert(site, "new one", severity="critical")
    expect(page.locator(".alert-row .title").first).to_have_text("new one")
    expect(page).to_have_title(re.compile(r"^\(2\) Alerts"))


def test_new_rows_wait_while_something_is_ticked(site: Site, open_page: OpenPage) -> None:
    alert(site, "old one", severity="high")
    page = open_page("Ben", "/alerts")
    page.get_by_label("Select old one").check()
    expect(page.locator("[data-bulk]")).to_be_visible()
    alert(site, "new one", severity="critical")
    expect(page.locator("[data-new-bar]")).to_have_text(re.compile("1 new, 1 critical"))
    expect(page.locator(".alert-row")).to_have_count(1)
    expect(page.get_by_label("Select old one")).to_be_checked()
    page.locator("[data-new-bar]").click()
    page.locator("[data-clear-selection]").click()
    page.reload()
    expect(page.locator(".alert-row")).to_have_count(2)


def test_a_row_that_left_stays_greyed_for_a_while(site: Site, open_page: OpenPage) -> None:
    first, _ = alert(site, "goes", severity="critical"), alert(site, "stays", severity="high")
    page = open_page("Ben", "/alerts")
    expect(page.locator(".alert-row")).to_have_count(2)
    site.api.made(f"/alerts/{first}/resolve", {})
    expect(page.locator(".alert-row.left .title")).to_have_text("goes")
    expect(page.locator(".alert-row.left")).to_have_count(0, timeout=15_000)


def test_acknowledge_on_a_phone_is_one_tap(site: Site, open_page: OpenPage) -> None:
    alert_id = alert(site, "disk", severity="critical")
    page = open_page("Ben", f"/alerts/{alert_id}", **PHONE)
    button = page.locator(".thumb .main")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 56
    assert box["y"] > 844 / 2, "within a thumb's reach"
    button.tap()
    expect(page.locator(".thumb")).to_contain_text("Ben has it")
    assert site.sql("SELECT status::text FROM alerts") == [("ACKNOWLEDGED",)]


def test_from_page_to_acknowledge_by_keyboard_only(site: Site, open_page: OpenPage) -> None:
    alert(site, "low one", severity="low")
    alert(site, "disk", severity="critical")
    page = open_page("Ben", "/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/alerts")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("disk")
    page.keyboard.press("a")
    expect(page.locator(".stand .who")).to_have_text("Ben")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("low")
    expect(page.locator("#jump [role=option]").filter(has_text="low one")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("low one")


def test_what_is_open_stays_as_it_is_while_the_page_renews_itself(
    site: Site, open_page: OpenPage
) -> None:
    alert_id = alert(site, "disk", severity="critical")
    page = open_page("Ben", f"/alerts/{alert_id}")
    page.keyboard.press("o")
    page.locator("#people-note").fill("is it the network?")
    site.api.made(f"/alerts/{alert_id}/acknowledge", {"note": "seen"})
    expect(page.locator(".headline")).to_contain_text("Acknowledged")
    expect(page.locator("#people-note")).to_be_visible()
    expect(page.locator("#people-note")).to_have_value("is it the network?")


def test_what_stands_beside_an_alert_renews_itself_as_well(site: Site, open_page: OpenPage) -> None:
    more = {"labels": {"host": "db-1"}, "metadata": {"mount": "/var"}}
    alert_id = alert(site, "disk", severity="critical", **more)
    page = open_page("Ben", f"/alerts/{alert_id}")
    side = page.locator(".alert-side")
    expect(page.locator(".live")).to_contain_text("live")
    expect(side).to_contain_text("Nothing else of the same host")
    side.locator(".raw summary").click()
    alert(site, "load", severity="high", labels={"host": "db-1"})
    expect(side.get_by_role("link", name="load")).to_be_visible()
    expect(side.locator(".raw pre")).to_be_visible()


def test_a_phone_reopens_what_is_over(site: Site, open_page: OpenPage) -> None:
    alert_id = alert(site, "disk", severity="critical")
    page = open_page("Ben", f"/alerts/{alert_id}", **PHONE)
    page.locator(".thumb").get_by_role("button", name="Resolve").click()
    page.get_by_role("button", name="Reopen").click()
    expect(page.locator(".headline")).to_contain_text("Open")


def test_several_are_chosen_by_keys_and_resolved(site: Site, open_page: OpenPage) -> None:
    for title in ("a", "b", "c"):
        alert(site, title)
    page = open_page("Ben", "/alerts")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-bulk-count]")).to_have_text("2")
    page.keyboard.press("r")
    expect(page.locator(".toast")).to_contain_text("2 resolved")
    page.locator(".toast button").click()
    expect(page.locator(".alert-row")).to_have_count(3)


def test_keys_do_nothing_while_one_types_or_when_they_are_off(
    site: Site, open_page: OpenPage
) -> None:
    alert_id = alert(site, "disk")
    page = open_page("Ben", f"/alerts/{alert_id}")
    page.locator("#note").press_sequentially("area")
    assert site.sql("SELECT status::text FROM alerts") == [("OPEN",)]
    site.sql('UPDATE users SET preferences = \'{"keys": "off"}\'')
    page = open_page("Ben", f"/alerts/{alert_id}")
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    assert site.sql("SELECT status::text FROM alerts") == [("OPEN",)]


def test_the_first_webhook_appears_on_the_page_that_waits(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ana", "/integrations/new?type=generic")
    page.locator("#name").fill("probe")
    page.get_by_role("button", name="Add it").click()
    expect(page.locator(".waiting")).to_contain_text("Waiting for the first webhook")
    address = page.locator("#address").inner_text()
    import urllib.error
    import urllib.request

    request = urllib.request.Request(
        site.base_url + address[address.index("/webhooks/") :], b'{"title": "x"}', method="POST"
    )
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=10)
    expect(page.locator(".waiting")).to_contain_text("signature", timeout=30_000)


@pytest.mark.expected_status(401)
def test_signed_out_elsewhere_is_noticed(site: Site, open_page: OpenPage) -> None:
    page = open_page("Ben", "/alerts")
    expect(page.locator(".live")).to_have_text(re.compile(r"live · \d+ s"))
    site.sql("DELETE FROM sessions")
    # Nothing is clicked: the stream ends, and is not given again.
    with site.stopped():
        pass
    expect(page.locator("h1")).to_have_text("Sign in", timeout=40_000)


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440, 1920])
def test_no_page_scrolls_sideways(site: Site, open_page: OpenPage, width: int) -> None:
    alert_id = alert(
        site,
        "A title that goes on and on without any end in sight, " * 3 + "x" * 60,
        severity="critical",
        labels={"a_very_long_label_name_indeed": "v" * 120, "host": "db-1"},
    )
    site.api.made(
        "/alert-destinations",
        {"name": "mail " * 10, "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    ((integration_id,),) = site.sql("SELECT id FROM integrations")
    page = open_page("Ana", "/", viewport={"width": width, "height": 800})
    for path in (
        "/",
        "/alerts",
        f"/alerts/{alert_id}",
        "/integrations",
        "/integrations/new",
        "/destinations",
        "/rules/new",
        "/silences/new",
        "/maintenance",
        "/maintenance/new",
        "/heartbeats",
        "/deliveries",
        f"/integrations/{integration_id}/settings",
        "/admin",
        "/admin/settings",
        "/me",
    ):
        page.goto(path)
        page.evaluate(
            "document.querySelectorAll('details.fold').forEach(each => (each.open = true))"
        )
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, (path, wider)


def test_without_scripts_one_sees_and_acts(site: Site, open_page: OpenPage) -> None:
    alert(site, "disk", severity="critical")
    page: Page = open_page("Ben", "/alerts", java_script_enabled=False)
    page.get_by_label("Select disk").check()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".toast")).to_contain_text("1 acknowledged")
    assert site.sql("SELECT status::text FROM alerts") == [("ACKNOWLEDGED",)]


def test_a_view_is_heard_where_that_is_wished(site: Site, open_page: OpenPage) -> None:
    alert(site, "old one", severity="critical")
    page = open_page("Ben", "/alerts")
    sounded = (
        "document.addEventListener('tocsin:sounded', () => "
        "(window.heard = (window.heard ?? 0) + 1))"
    )
    page.evaluate(sounded)
    control = page.locator("[data-sound]")
    expect(control.locator("summary")).to_have_attribute("aria-label", "Sound of this view: off")
    alert(site, "not heard", severity="critical")
    expect(page.locator(".alert-row")).to_have_count(2)
    assert page.evaluate("window.heard") is None
    control.locator("summary").click()
    control.get_by_role("button", name="Test").click()
    page.wait_for_function("() => window.heard === 1")
    control.get_by_label("A sound for what is new in this view").select_option("HIGH")
    control.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("is heard from now on")
    page.evaluate(sounded)
    page.locator("h1").click(force=True)
    alert(site, "too little", severity="medium")
    expect(page.locator(".alert-row")).to_have_count(3)
    assert page.evaluate("window.heard") is None
    alert(site, "heard", severity="high")
    page.wait_for_function("() => window.heard === 1")
    page.goto("/alerts?q=status%3Aopen")
    expect(control.locator("summary")).to_have_attribute("aria-label", "Sound of this view: off")
    page.goto("/me")
    page.get_by_label("dark", exact=True).check()
    page.locator("button[value=looks]").click()
    page.goto("/alerts")
    expect(control.locator("summary")).to_have_attribute("aria-label", "Sound of this view: on")
