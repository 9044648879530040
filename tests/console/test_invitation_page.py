"""An invitation's link in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.console.site import PASSWORD, Site, text_of

NEW = "dora@example.com"


def _invited(site: Site, email: str = NEW) -> str:
    made: dict[str, Any] = site.api.made("/invitations", {"email": email, "role": "viewer"})
    return f"/invitations/{made['token']}"


def test_a_name_and_a_password_and_one_is_in(site: Site) -> None:
    path, browser = _invited(site), site.browser()
    shown = browser.get(path)
    assert shown.status == 200
    assert f"You were invited as {NEW}." in text_of(shown)
    assert site.sql("SELECT count(*) FROM users WHERE email = %s", NEW) == [(0,)]
    entered = browser.post(path, [("name", "Dora"), ("password", PASSWORD)])
    assert browser.follow(entered).status == 200
    ((role, key_count),) = site.sql(
        "SELECT m.role, (SELECT count(*) FROM api_keys k WHERE k.user_id = u.id)"
        " FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.email = %s",
        NEW,
    )
    assert (role, key_count) == ("viewer", 0)
    assert browser.get(path).status == 410
    again = site.browser()
    signed = again.post("/login", [("email", NEW), ("password", PASSWORD)])
    assert signed.status == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([("name", ""), ("password", PASSWORD)], "Say your name"),
        ([("name", "Dora"), ("password", "hunter2")], "12 characters at least"),
        ([], "Say your name"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(site: Site, fields: Any, words: str) -> None:
    path, browser = _invited(site), site.browser()
    answer = browser.post(path, fields)
    assert answer.status == 422
    assert words in text_of(answer)
    assert b"hunter2" not in answer.body
    assert browser.cookie is None


def test_who_has_an_account_enters_its_password(site: Site) -> None:
    site.sql("DELETE FROM memberships WHERE user_id = %s", site.people["Ana"])
    path, browser = _invited(site, "ana@example.com"), site.browser()
    assert "its password says that it is you" in text_of(browser.get(path))
    wrong = browser.post(path, [("password", "another password")])
    assert (wrong.status, browser.cookie) == (422, None)
    assert browser.post(path, [("password", PASSWORD)]).status == 303


def test_a_form_of_another_site_and_a_link_that_is_none_lead_nowhere(site: Site) -> None:
    path, browser = _invited(site), site.browser()
    browser.headers = {"Sec-Fetch-Site": "cross-site"}
    answer = browser.post(path, [("name", "Dora"), ("password", PASSWORD)])
    assert answer.status == 410
    assert site.browser().get("/invitations/tsi_nonsense").status == 410
    assert site.sql("SELECT count(*) FROM users WHERE email = %s", NEW) == [(0,)]
