"""Oneself: profile, password, sessions, how one is reached."""

from __future__ import annotations

import re

import pytest

from tests.console.site import PASSWORD, Site, text_of


def test_name_and_zone(site: Site) -> None:
    browser = site.browser("Vera")
    browser.get("/me")
    wrong = browser.submit("/me", {"act": "profile", "name": "Vera K", "timezone": "Mars/Base"})
    assert wrong.status == 422
    assert "Vera K" in wrong.body.decode(), "what was entered is still there"
    fields = {"act": "profile", "name": "Vera K", "timezone": "Europe/Vienna"}
    saved = browser.follow(browser.submit("/me", fields))
    assert "Saved." in text_of(saved)
    assert site.sql("SELECT name, timezone FROM users WHERE email LIKE 'vera%%'") == [
        ("Vera K", "Europe/Vienna")
    ]
    assert "Saved." not in text_of(browser.get("/me")), "said once"


def test_the_password_takes_the_one_before_and_ends_all_sessions(site: Site) -> None:
    browser, elsewhere = site.browser("Ben"), site.browser("Ben")
    browser.get("/me")
    fields = {"act": "password", "current_password": "x", "password": "a whole new one"}
    wrong = browser.submit("/me", fields)
    assert "That is not your password." in text_of(wrong)
    changed = browser.submit("/me", {**fields, "current_password": PASSWORD})
    assert changed.headers["location"] == "/login"
    assert elsewhere.get("/").status == 303
    entered = site.browser().post(
        "/login", [("email", "ben@example.com"), ("password", "a whole new one")]
    )
    assert entered.status == 303


def test_a_session_elsewhere_is_ended_and_nobody_elses(site: Site) -> None:
    browser, elsewhere, ana = site.browser("Ben"), site.browser("Ben"), site.browser("Ana")
    page = browser.get("/me").body.decode()
    (other,) = re.findall(r'name="session" value="([0-9a-f-]+)"', page)
    ((foreign,),) = site.sql("SELECT id FROM sessions WHERE user_id = %s", site.people["Ana"])
    browser.submit("/me", {"act": "end-session", "session": str(foreign)})
    assert ana.get("/").status == 200
    browser.get("/me")
    browser.submit("/me", {"act": "end-session", "session": other})
    assert elsewhere.get("/").status == 303
    assert browser.get("/").status == 200


@pytest.mark.parametrize("theme", ["light", "dark", ""])
def test_the_theme_is_kept(site: Site, theme: str) -> None:
    browser = site.browser("Vera")
    browser.get("/me")
    browser.submit("/me", {"act": "looks", "theme": theme, "keys": "off"})
    page = browser.get("/alerts").body.decode()
    assert ('data-theme="tocsin-' + theme in page) if theme else ("data-theme" not in page)
    assert 'data-keys="off"' in page


def test_a_way_to_be_reached_is_verified_by_its_code(site: Site) -> None:
    browser = site.browser("Ana")
    assert "You cannot be paged" in text_of(browser.get("/me"))
    browser.get("/me/contact?type=email")
    added = browser.submit(
        "/me/contact", {"type": "email", "config.recipients": "ana@example.com", "label": "mail"}
    )
    words = text_of(browser.follow(added))
    assert "A code is on its way" in words
    assert "not verified" in words
    ((method_id,),) = site.sql("SELECT id FROM alert_destinations WHERE user_id IS NOT NULL")
    act = f"/me/contact/{method_id}"
    wrong = browser.follow(browser.submit(act, {"act": "verify", "code": "000000"}))
    assert "That is not the code" in text_of(wrong) or "Verified" in text_of(wrong)
    again = browser.follow(browser.submit(act, {"act": "code"}))
    assert "One code a minute" in text_of(again)
    stranger = site.browser("Otto")
    stranger.get("/me")
    stranger.submit(act, {"act": "delete"})
    assert site.sql("SELECT count(*) FROM alert_destinations WHERE deleted_at IS NULL") == [(1,)]
    browser.get("/me")
    gone = browser.follow(browser.submit(act, {"act": "delete"}))
    assert "You cannot be paged" in text_of(gone)


def contact(site: Site, name: str, label: str) -> str:
    """A verified contact method of theirs."""
    made = site.api.made(
        f"/users/{site.people[name]}/contact-methods",
        {"type": "email", "config": {"recipients": [f"{label}@example.com"]}, "label": label},
    )
    site.sql("UPDATE alert_destinations SET verified_at = now() WHERE id = %s", made["id"])
    return str(made["id"])


def test_by_what_one_is_paged_and_how_soon(site: Site) -> None:
    phone, mail = contact(site, "Ben", "phone"), contact(site, "Ben", "mail")
    browser = site.browser("Ben")
    assert "no lines yet" in text_of(browser.get("/me"))
    lines = [
        ("high-minutes", "5"),
        ("high-method", mail),
        ("high-end", "no"),
        ("high-minutes", ""),
        ("high-method", phone),
        ("high-minutes", "7"),
        ("high-method", ""),
        ("low-minutes", "1,5"),
        ("low-method", mail),
    ]
    assert browser.submit("/me/rules", lines).status == 303
    stored = (
        "SELECT urgency, delay_seconds, contact_method_id::text, says_end FROM notification_rules"
        " ORDER BY urgency, position"
    )
    expected = [("high", 0, phone, None), ("high", 300, mail, False), ("low", 90, mail, None)]
    assert site.sql(stored) == expected
    shown = browser.get("/me").body.decode()
    assert 'value="1.5"' in shown
    assert '<option value="no" selected>' in shown
    wrong = browser.submit("/me/rules", [("high-minutes", "soon"), ("high-method", mail)])
    assert wrong.status == 422
    assert 'value="soon"' in wrong.body.decode()
    theirs = contact(site, "Ana", "hers")
    foreign = browser.submit("/me/rules", [("high-minutes", "0"), ("high-method", theirs)])
    assert foreign.status == 422
    assert site.sql(stored) == expected
    assert browser.submit("/me/rules", []).status == 303
    assert site.sql(stored) == []


def test_quiet_hours(site: Site) -> None:
    contact(site, "Ben", "phone")
    browser = site.browser("Ben")
    browser.get("/me")
    window = [("quiet", "1"), ("start-1", "22:00"), ("end-1", "07:00")]
    days = [("day-1", "mon"), ("day-1", "tue"), ("quiet", "2"), ("start-2", ""), ("end-2", "")]
    assert browser.submit("/me/quiet-hours", window + days).status == 303
    stored = "SELECT quiet_hours FROM users WHERE name = 'Ben'"
    expected = {"days": ["mon", "tue"], "start": "22:00", "end": "07:00", "timezone": None}
    assert site.sql(stored) == [([expected],)]
    assert 'value="22:00"' in browser.get("/me").body.decode()
    assert browser.submit("/me/quiet-hours", window).status == 422, "on no day at all"
    assert site.sql(stored) == [([expected],)]
    assert browser.submit("/me/quiet-hours", []).status == 303
    assert site.sql(stored) == [(None,)]


def test_a_test_is_sent_to_ones_own(site: Site) -> None:
    phone = contact(site, "Ben", "phone")
    # Of which the code that was sent to it is the last message so far.
    site.sql("UPDATE alert_deliveries SET created_at = created_at - interval '2 minutes'")
    browser, ana = site.browser("Ben"), site.browser("Ana")
    ana.get("/me")
    ana.submit(f"/me/contact/{phone}", {"act": "test"})
    tests = "SELECT count(*) FROM alert_deliveries WHERE event_type = 'alerts.test'"
    before = site.sql(tests)
    browser.get("/me")
    sent = browser.follow(browser.submit(f"/me/contact/{phone}", {"act": "test"}))
    assert "A test is on its way" in text_of(sent)
    assert "test on its way" in text_of(sent)
    assert site.sql(tests)[0][0] == before[0][0] + 1
    again = browser.follow(browser.submit(f"/me/contact/{phone}", {"act": "test"}))
    assert "One test a minute" in text_of(again)


def test_keys_of_ones_own_are_shown_once(site: Site) -> None:
    browser = site.browser("Ben")
    browser.get("/me")
    made = browser.submit("/me/keys", {"act": "make", "key-name": "laptop", "role": "viewer"})
    found = re.search(r"tsn_\w+", made.body.decode())
    assert found is not None
    assert found[0] not in browser.get("/me").body.decode()
    client = type(site.api)(site.api.base_url, found[0])
    assert client.get("/me").json()["user"]["name"] == "Ben"
    more = browser.submit("/me/keys", {"act": "make", "key-name": "more", "role": "admin"})
    assert "has no more" in text_of(more)
    ((key_id,),) = site.sql("SELECT id::text FROM api_keys WHERE name = 'laptop'")
    ana = site.browser("Ana")
    ana.get("/me")
    ana.submit("/me/keys", {"act": "revoke", "id": key_id})
    assert client.get("/me").status == 200
    browser.submit("/me/keys", {"act": "revoke", "id": key_id})
    assert client.get("/me").status == 401


def test_the_calendar_of_ones_shifts(site: Site) -> None:
    browser = site.browser("Ben")
    assert "None within two months." in text_of(browser.get("/me"))
    layer = {
        "name": "all day",
        "rotation": {"unit": "weekly", "handoff_time": "09:00", "starts_on": "2026-01-05"},
        "participants": [[str(site.people["Ben"])]],
    }
    site.api.made("/schedules", {"name": "Ops", "timezone": "Europe/Vienna", "layers": [layer]})
    assert "Ops now until" in text_of(browser.get("/me"))
    made = browser.submit("/me/calendar", {"act": "make"})
    found = re.search(r"/calendars/[\w-]+\.ics", made.body.decode())
    assert found is not None
    assert b"BEGIN:VEVENT" in site.browser().get(found[0]).body
    assert found[0] not in browser.get("/me").body.decode()
    ((feed_id,),) = site.sql("SELECT id::text FROM calendar_feeds")
    ana = site.browser("Ana")
    ana.get("/me")
    ana.submit("/me/calendar", {"act": "delete", "id": feed_id})
    assert site.browser().get(found[0]).status == 200
    browser.submit("/me/calendar", {"act": "delete", "id": feed_id})
    assert site.browser().get(found[0]).status == 404


def test_being_told_of_ones_shifts(site: Site) -> None:
    browser = site.browser("Ben")
    words = text_of(browser.get("/me"))
    assert "Remind me of my shifts" in words
    browser.follow(browser.submit("/me", {"act": "notices", "notice-60": "on", "notice-end": "on"}))
    assert browser.last is not None
    page = browser.last.body.decode()
    assert 'name="notice-60" checked' in page
    assert 'name="notice-end" checked' in page
    assert 'name="notice-1440">' in page
    ((stored,),) = site.sql("SELECT shift_notices FROM users WHERE name = 'Ben'")
    assert stored == {"before_minutes": [60], "at_end": True}

    too_far = browser.submit("/me", {"act": "notices", "notice-99999999": "on"})
    assert too_far.status == 422

    browser.follow(browser.submit("/me", {"act": "notices"}))
    ((stored,),) = site.sql("SELECT shift_notices FROM users WHERE name = 'Ben'")
    assert stored is None
