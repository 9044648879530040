"""Heartbeats in the console: made with their address, changed, paused, rotated and deleted."""

from __future__ import annotations

import re

from tests.console.site import Browser, Site, text_of

FIELDS = {
    "name": "nightly backup",
    "kind": "cron",
    "period": "",
    "expressions": "30 2 * * *",
    "timezone": "Europe/Vienna",
    "grace": "60",
    "max_run": "90",
    "first_within": "1440",
    "severity": "CRITICAL",
}


def address(browser: Browser) -> str:
    assert browser.last is not None
    found = re.search(r'id="address">([^<]+)<', browser.last.body.decode())
    assert found is not None
    return found[1]


def stored(site: Site) -> tuple[object, ...]:
    (row,) = site.sql(
        "SELECT name, kind, expressions, grace_seconds, max_run_seconds,"
        " expect_first_within_seconds, severity::text FROM heartbeats"
    )
    return row


def test_one_is_made_with_an_address_that_is_shown_once(site: Site) -> None:
    browser = site.browser("Ana")
    assert "No heartbeat yet" in text_of(browser.get("/heartbeats"))
    browser.get("/heartbeats/new")
    made = browser.submit("/heartbeats/new", FIELDS)
    assert "shown this once" in text_of(made)
    url = address(browser)
    assert "waiting since" in text_of(browser.get("/heartbeats"))
    assert stored(site) == (
        "nightly backup",
        "cron",
        ["30 2 * * *"],
        3600,
        5400,
        86_400,
        "CRITICAL",
    )
    pinged = type(site.api)(site.base_url, None).request("POST", url.removeprefix(site.base_url))
    assert pinged.status == 200
    ((heartbeat_id,),) = site.sql("SELECT id FROM heartbeats")
    page = browser.get(f"/heartbeats/{heartbeat_id}")
    assert url not in page.body.decode()
    assert "success" in text_of(page)
    assert 'value="90"' in page.body.decode()


def test_it_is_changed_paused_rotated_and_deleted(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/heartbeats/new")
    browser.submit("/heartbeats/new", FIELDS)
    first = address(browser)
    ((heartbeat_id,),) = site.sql("SELECT id FROM heartbeats")
    path = f"/heartbeats/{heartbeat_id}"
    often = {**FIELDS, "kind": "interval", "period": "1.5", "max_run": "", "first_within": ""}
    browser.follow(browser.submit(path, often))
    assert stored(site) == ("nightly backup", "interval", [], 3600, None, None, "CRITICAL")
    assert "Resume" in text_of(
        browser.follow(browser.submit(f"{path}/pause", {"act": "pause", "back": "one"}))
    )
    browser.follow(browser.submit(f"{path}/pause", {"act": "resume"}))
    browser.submit(f"{path}/change", {"act": "rotate"})
    assert address(browser) != first
    gone = browser.follow(browser.submit(f"{path}/change", {"act": "delete"}))
    assert "Deleted." in text_of(gone)


def test_what_is_wrong_is_said_at_the_field(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/heartbeats/new")
    for field, value in (
        ("grace", "soon"),
        ("first_within", "0.5"),
        ("expressions", "x y"),
        ("timezone", "Vienna"),
    ):
        answer = browser.submit("/heartbeats/new", {**FIELDS, field: value})
        assert answer.status == 422, field
        assert f'id="{field}-wrong"' in answer.body.decode(), (field, text_of(answer))
    answer = browser.submit("/heartbeats/new", {**FIELDS, "kind": "interval", "period": "0.1"})
    assert 'id="period-wrong"' in answer.body.decode()
    assert site.sql("SELECT count(*) FROM heartbeats") == [(0,)]


def test_who_may(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/heartbeats/new")
    browser.submit("/heartbeats/new", FIELDS)
    ((heartbeat_id,),) = site.sql("SELECT id FROM heartbeats")
    path = f"/heartbeats/{heartbeat_id}"
    responder = site.browser("Ben")
    assert "New address" not in text_of(responder.get(path))
    assert "This takes the role admin" in text_of(responder.submit(path, FIELDS))
    responder.get(path)
    refused = responder.submit(f"{path}/change", {"act": "delete"})
    assert "This takes the role admin" in text_of(refused)
    responder.get(path)
    assert responder.submit(f"{path}/pause", {"act": "pause"}).status == 303
    viewer = site.browser("Vera")
    viewer.get(path)
    refused = viewer.submit(f"{path}/pause", {"act": "pause"})
    assert "This takes the role responder" in text_of(refused)
    other = site.browser("Otto")
    assert other.get(path).status == 404
    other.get("/heartbeats")
    other.submit(f"{path}/change", {"act": "delete"})
    assert site.sql("SELECT count(*) FROM heartbeats") == [(1,)]
