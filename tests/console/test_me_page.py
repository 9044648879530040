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
