"""The wallboard: what is open and with whom, for a room."""

from __future__ import annotations

from tests.console.site import Site, text_of
from tests.console.test_alert_pages import alert


def test_what_is_open_with_whom_and_what_does_not_work(site: Site) -> None:
    browser = site.browser("Vera")
    assert "All quiet" in text_of(browser.get("/wallboard"))
    alert(site, "disk", severity="critical")
    taken = alert(site, "load", severity="high")
    site.api.made(f"/alerts/{taken}/acknowledge", {})
    page = browser.get("/wallboard")
    words = text_of(page)
    assert words.index("disk") < words.index("load")
    assert "1 unowned" in words
    assert "all in hand" in words
    assert "No destination yet" in words
    assert 'http-equiv="refresh"' in page.body.decode(), "it renews itself without scripts"
    assert "disk" not in text_of(site.browser("Otto").get("/wallboard"))
