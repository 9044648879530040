"""Silences and maintenance in the console: changed, tried, and what each holds now."""

from __future__ import annotations

import re
from typing import Any

from tests.console.form_fields import fields_as_shown
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


def test_saving_maintenance_as_it_is_loses_nothing(site: Site) -> None:
    tenant = site.api.made("/tenants", {"slug": "acme", "name": "Acme"})
    made = site.api.made(
        "/maintenance-windows",
        {
            "name": "Patch",
            "comment": "as agreed",
            "matchers": [{"label": "host", "op": "=~", "value": "db-.*"}],
            "tenant_ids": [tenant["id"]],
            "timezone": "Europe/Vienna",
            "starts_at": "2036-01-01T02:00:30",
            "duration_minutes": 90,
            "rrule": "FREQ=WEEKLY;BYDAY=TU",
            "exdates": ["2036-01-08T02:00:30", "2036-02-05T02:00:30"],
            "breakthrough_severity": "CRITICAL",
            "on_end": "nothing",
        },
    )
    path = f"/maintenance/{made['id']}"
    browser = site.browser("Ben")
    fields = fields_as_shown(browser.get(path), "rrule")
    assert ("duration_minutes", "1 h 30 min") in fields
    browser.follow(browser.submit(path, [*fields, ("act", "save")]))
    assert site.api.get(f"/maintenance-windows/{made['id']}").json() == made


def test_maintenance_of_a_tenant_alone_with_days_left_out(site: Site) -> None:
    tenant = site.api.made("/tenants", {"slug": "acme", "name": "Acme"})
    browser = site.browser("Ben")
    fields: dict[str, Any] = dict(fields_as_shown(browser.get("/maintenance/new"), "rrule"))
    fields |= {
        "name": "Acme moves",
        "tenant_ids": tenant["id"],
        "starts_at": "2036-01-01T02:00",
        "duration_minutes": "2 h",
        "rrule": "FREQ=DAILY",
        "exdates": "2036-01-02\n2036-01-04 02:00",
        "on_end": "nothing",
    }
    for field, value in (
        ("exdates", "tomorrow"),
        ("duration_minutes", "soon"),
        ("duration_minutes", "90 s"),
        ("on_end", "party"),
        ("breakthrough_severity", "AWFUL"),
    ):
        answer = browser.submit("/maintenance/new", {**fields, field: value, "act": "save"})
        assert answer.status == 422, field
        assert f'id="{field}-wrong"' in answer.body.decode(), (field, text_of(answer))
    tried = text_of(browser.submit("/maintenance/new", {**fields, "act": "try"}))
    assert "Thu 03 Jan" in tried
    assert "Fri 04 Jan" not in tried, "left out"
    browser.follow(browser.submit("/maintenance/new", {**fields, "act": "save"}))
    (window,) = site.api.get("/maintenance-windows").json()["items"]
    assert window["exdates"] == ["2036-01-02T02:00:00", "2036-01-04T02:00:00"]
    assert window["tenant_ids"] == [tenant["id"]]
    assert window["matchers"] == []


def test_saving_a_silence_as_it_is_moves_nothing(site: Site) -> None:
    for starts_at in ("2035-12-31T23:59:58.25Z", None):
        made = site.api.made(
            "/silences",
            {
                "matchers": [{"label": "host", "op": "=", "value": ' "db 1" '}],
                "starts_at": starts_at,
                "ends_at": "2036-01-01T00:00:59.5Z",
                "comment": "Being replaced",
                "breakthrough_severity": "HIGH",
            },
        )
        path = f"/silences/{made['id']}"
        browser = site.browser("Ben")
        fields = fields_as_shown(browser.get(path), "comment")
        browser.follow(browser.submit(path, [*fields, ("act", "save")]))
        assert site.api.get(path).json() == made


def test_a_silence_is_planned_until_a_time(site: Site) -> None:
    browser = site.browser("Ben")
    browser.get("/silences/new")
    fields = {
        "matchers": "host = db-1",
        "hours": "until",
        "starts_at": "2036-01-01T02:00",
        "ends_at": "",
        "comment": "moves",
        "breakthrough_severity": "CRITICAL",
    }
    missing = browser.submit("/silences/new", fields)
    assert missing.status == 422
    assert 'id="ends_at-wrong"' in missing.body.decode()
    made = browser.follow(
        browser.submit("/silences/new", {**fields, "ends_at": "2036-01-02T03:00"})
    )
    assert "It is planned." in text_of(made)
    browser.submit("/silences/new", {**fields, "hours": "12"})
    found = site.sql(
        "SELECT starts_at::text, ends_at::text, breakthrough_severity::text FROM silences"
        " ORDER BY ends_at"
    )
    assert [str(row[0])[:16] for row in found] == ["2036-01-01 02:00"] * 2
    assert [str(row[1])[:16] for row in found] == ["2036-01-01 14:00", "2036-01-02 03:00"]
    assert {row[2] for row in found} == {"CRITICAL"}
