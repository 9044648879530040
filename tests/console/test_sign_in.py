"""Getting in and out of the console."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.site import PASSWORD, Browser, Site, running_site, text_of
from tests.support.postgres import Database
from tocsin.access.sessions import LinkPurpose


def sign_in(browser: Browser, email: str, password: str, wanted: str = "") -> object:
    return browser.post("/login", [("email", email), ("password", password), ("next", wanted)])


def test_by_address_and_password(site: Site) -> None:
    browser = site.browser()
    answer = browser.get("/alerts?q=status%3Aopen")
    assert answer.status == 303
    assert answer.headers["location"] == "/login?next=%2Falerts%3Fq%3Dstatus%253Aopen"
    assert "Sign in" in text_of(browser.follow(answer))
    entered = browser.post(
        "/login",
        [("email", "ANA@example.com"), ("password", PASSWORD), ("next", "/alerts?q=status%3Aopen")],
    )
    assert entered.headers["location"] == "/alerts?q=status%3Aopen"
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.follow(entered).status == 200
    ((stored,),) = site.sql("SELECT token_hash FROM sessions")
    assert browser.cookie is not None
    assert browser.cookie.partition("=")[2].encode() not in bytes(stored)


@pytest.mark.parametrize(
    ("email", "password"),
    [("ana@example.com", "wrong wrong wrong"), ("nobody@example.com", PASSWORD), ("", "")],
)
def test_who_is_wrong_is_not_told_what(site: Site, email: str, password: str) -> None:
    browser = site.browser()
    answer = browser.post("/login", [("email", email), ("password", password)])
    assert answer.status == 401
    assert "The address or the password is wrong." in text_of(answer)
    assert "set-cookie" not in answer.headers


def test_tries_are_counted(site: Site) -> None:
    browser = site.browser()
    for _ in range(10):
        answer = browser.post("/login", [("email", "ana@example.com"), ("password", "x" * 12)])
        assert answer.status == 401
    answer = browser.post("/login", [("email", "ana@example.com"), ("password", PASSWORD)])
    assert answer.status == 429
    assert (
        browser.post("/login", [("email", "ben@example.com"), ("password", PASSWORD)]).status == 303
    )


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil", "x"])
def test_signing_in_never_leads_elsewhere(site: Site, elsewhere: str) -> None:
    browser = site.browser()
    entered = browser.post(
        "/login", [("email", "ana@example.com"), ("password", PASSWORD), ("next", elsewhere)]
    )
    assert entered.headers["location"] == "/"


def test_a_form_of_another_site_signs_nobody_in(site: Site) -> None:
    browser = site.browser()
    browser.headers = {"Sec-Fetch-Site": "cross-site"}
    answer = browser.post("/login", [("email", "ana@example.com"), ("password", PASSWORD)])
    assert answer.status == 403
    assert browser.cookie is None


def test_out_again(site: Site) -> None:
    browser = site.browser("Ana")
    browser.get("/")
    assert browser.submit("/logout", {}).headers["location"] == "/login"
    browser.cookie = browser.cookie or ""
    assert site.sql("SELECT count(*) FROM sessions") == [(0,)]


def test_a_disabled_person_is_out_at_once(site: Site) -> None:
    browser = site.browser("Ben")
    assert browser.get("/").status == 200
    site.sql("UPDATE users SET is_active = false WHERE name = 'Ben'")
    assert browser.get("/").status == 303


def test_a_session_that_is_over_opens_nothing(site: Site) -> None:
    browser = site.browser("Ben")
    site.sql("UPDATE sessions SET expires_at = now() - interval '1 second'")
    assert browser.get("/").status == 303


def test_a_link_signs_in_once(site: Site) -> None:
    link = site.sign_in_link(LinkPurpose.SIGN_IN, "Ben")
    browser = site.browser()
    assert "This link works once" in text_of(browser.get(link))
    assert browser.get(link).status == 200  # a preview that opens it spends nothing
    entered = browser.submit(link, {})
    assert "Ben" in text_of(browser.follow(entered))
    assert site.browser().submit(link, {}).status == 410


def test_a_new_password_ends_all_sessions(site: Site) -> None:
    elsewhere = site.browser("Ben")
    link = site.sign_in_link(LinkPurpose.NEW_PASSWORD, "Ben")
    browser = site.browser()
    browser.get(link)
    short = browser.submit(link, {"password": "short"})
    assert short.status == 422
    assert "5 characters" in text_of(short)
    assert browser.follow(browser.submit(link, {"password": "another good one"})).status == 200
    assert elsewhere.get("/").status == 303
    fresh = site.browser()
    answer = fresh.post("/login", [("email", "ben@example.com"), ("password", "another good one")])
    assert answer.status == 303


def test_the_first_start_makes_the_first_account(database: Database, tmp_path: Path) -> None:
    with running_site(database, tmp_path, people=False) as site:
        assert "Nobody can sign in yet" in text_of(site.browser().get("/login"))
        link = site.sign_in_link(LinkPurpose.SET_UP)
        second = site.sign_in_link(LinkPurpose.SET_UP)
        browser = site.browser()
        assert "Set up Tocsin" in text_of(browser.get(link))
        fields = {"name": "Ana", "email": "ana@example.com", "password": PASSWORD}
        home = browser.follow(browser.submit(link, fields))
        assert "Ana" in text_of(home)
        assert site.sql("SELECT role FROM memberships") == [("admin",), ("admin",)]
        assert site.browser().submit(second, fields).status == 410


def test_nothing_of_the_console_is_open_to_nobody(site: Site) -> None:
    browser = site.browser()
    stream = browser.get("/live", Accept="text/event-stream")
    assert (stream.status, stream.body) == (204, b"")
    for path in ("/", "/alerts", "/live", "/alerts/jump", f"/alerts/{site.workspace_id}"):
        assert browser.get(path).status == 303, path
    assert browser.post("/alerts/act", []).status == 401
