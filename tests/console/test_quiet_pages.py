"""Silences and maintenance in the console: changed, tried, and what each holds now."""

from __future__ import annotations

import re

from tests.console.site import Site, text_of
from tests.console.test_alert_pages import alert


def rule(site: Site) -> None:
    destination = site.api.made(
        "/alert-destinations",
        {"name": "m", "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    site.api.made(
        "/alert-rules",
        {
            "name": "all",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
        },
    )


def silence(site: Site) -> str:
    made = site.api.made(
        "/silences",
        {
            "matchers": [{"label": "host", "op": "=", "value": "db-1"}],
            "ends_at": "2036-01-01T00:00:00Z",
            "comment": "Being replaced",
        },
    )
    return str(made["id"])


def window(site: Site) -> str:
    made = site.api.made(
        "/maintenance-windows",
        {
            "name": "Patch",
            "matchers": [{"label": "host", "op": "=", "value": "db-2"}],
            "duration_minutes": 60,
        },
    )
    return str(made["id"])


def holds_now(page: str) -> list[str]:
    return re.findall(r'data-label="Holds now">(\d+)<', page)


def test_each_says_what_it_holds_now(site: Site) -> None:
    rule(site)
    silence(site)
    window(site)
    for number in range(3):
        alert(site, f"disk {number}", severity="low", labels={"host": "db-1"})
    alert(site, "load", severity="low", labels={"host": "db-2"})
    browser = site.browser("Vera")
    assert holds_now(browser.get("/silences").body.decode()) == ["3"]
    assert holds_now(browser.get("/maintenance").body.decode()) == ["1"]


def test_a_silence_is_changed_after_looking(site: Site) -> None:
    silence_id = silence(site)
    alert(site, "load", labels={"host": "db-9"})
    browser = site.browser("Ben")
    page = browser.get(f"/silences/{silence_id}").body.decode()
    assert 'value="2036-01-01T00:00"' in page
    fields = {
        "matchers": "host =~ db-.*",
        "ends_at": "2036-02-03T04:05",
        "comment": "Both are replaced",
    }
    tried = browser.submit(f"/silences/{silence_id}", {**fields, "act": "try"})
    assert "1 open now" in text_of(tried)
    past = {**fields, "ends_at": "2020-01-01T00:00", "act": "save"}
    assert browser.submit(f"/silences/{silence_id}", past).status == 422
    done = browser.follow(browser.submit(f"/silences/{silence_id}", {**fields, "act": "save"}))
    assert "Saved, and in force at once." in text_of(done)
    ((value, ends_at, comment),) = site.sql(
        "SELECT matchers -> 0 ->> 'value', ends_at::text, comment FROM silences"
    )
    assert (value, comment) == ("db-.*", "Both are replaced")
    assert str(ends_at).startswith("2036-02-03 04:05")
    viewer = site.browser("Vera")
    viewer.get("/silences")
    assert viewer.submit(f"/silences/{silence_id}", fields).status == 403
    assert site.browser("Otto").get(f"/silences/{silence_id}").status == 404


def test_maintenance_is_tried_changed_and_switched_off(site: Site) -> None:
    window_id = window(site)
    alert(site, "load", labels={"host": "db-3"})
    browser = site.browser("Ben")
    browser.get(f"/maintenance/{window_id}")
    fields = {
        "name": "Patch all",
        "comment": "",
        "matchers": "host =~ db-.*",
        "starts_at": "2036-01-01T02:00",
        "duration_minutes": "120",
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "timezone": "Europe/Berlin",
    }
    tried = text_of(browser.submit(f"/maintenance/{window_id}", {**fields, "act": "try"}))
    assert tried.count("02:00 to 04:00") == 5, "the next five, by its own clock"
    assert "01:00" in tried, "and by the reader's"
    assert "1 of 1." in tried
    nothing = browser.submit(f"/maintenance/{window_id}", {**fields, "rrule": "X", "act": "save"})
    assert nothing.status == 422
    done = browser.follow(browser.submit(f"/maintenance/{window_id}", {**fields, "act": "save"}))
    assert "“Patch all” is saved." in text_of(done)
    assert site.sql("SELECT name, rrule FROM maintenance_windows") == [
        ("Patch all", "FREQ=WEEKLY;BYDAY=TU")
    ]
    browser.follow(browser.submit(f"/maintenance/{window_id}/change", {"act": "disable"}))
    assert site.sql("SELECT is_enabled FROM maintenance_windows") == [(False,)]
    assert site.browser("Otto").get(f"/maintenance/{window_id}").status == 404
