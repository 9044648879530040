"""Signing in by a provider of OpenID Connect: a real one, and everything that may go wrong between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.console.openid_site import (
    OpenIdSite,
    Person,
    Place,
    running_openid_site,
    running_place,
)
from tests.console.site import running_site
from tests.support.ports import free_port
from tests.support.postgres import Database

# The first one installs the provider.
pytestmark = pytest.mark.timeout(300)

ANA = {"email": "ana@example.com", "email_verified": True, "name": "Ana"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running_place(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def openid(database: Database, tmp_path: Path, place: Place) -> Iterator[OpenIdSite]:
    with running_openid_site(database, tmp_path, place) as running:
        yield running


def person(openid: OpenIdSite) -> Person:
    return Person(openid.site.base_url)


def roles(openid: OpenIdSite, email: str) -> dict[str, str]:
    return dict(
        openid.site.sql(
            "SELECT w.slug, m.role FROM memberships m JOIN users u ON u.id = m.user_id "
            "JOIN workspaces w ON w.id = m.workspace_id WHERE u.email = %s",
            email,
        )
    )


def test_somebody_new_is_made_with_the_roles_of_their_groups(openid: OpenIdSite) -> None:
    openid.provider.knows(
        "nina",
        email="nina@example.com",
        email_verified=True,
        name="Nina",
        zoneinfo="Europe/Vienna",
        groups=["ops", "guests", "choir"],
    )
    nina = person(openid)
    assert "Sign in with Example ID" in nina.opens("/login")
    words = nina.signs_in_as("nina", "/login/openid?next=/alerts%3Fq%3Dstatus%253Aopen")
    assert "Nina" in words
    assert nina.url == f"{openid.site.base_url}/alerts?q=status%3Aopen"
    assert roles(openid, "nina@example.com") == {"default": "responder", "other": "viewer"}
    assert openid.site.sql(
        "SELECT name, timezone, password_hash FROM users WHERE email = 'nina@example.com'"
    ) == [("Nina", "Europe/Vienna", None)]
    made = openid.site.sql("SELECT after->>'role' FROM audit_events WHERE object_type = 'user'")
    assert sorted(made) == [("responder",), ("viewer",)]


def test_what_goes_to_the_provider(openid: OpenIdSite) -> None:
    browser = openid.site.browser()
    first, second = (browser.get("/login/openid") for _ in range(2))
    asked = [parse_qs(urlsplit(each.headers["location"]).query) for each in (first, second)]
    assert first.headers["location"].startswith(f"{openid.provider.issuer}/auth?")
    assert asked[0]["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name][0]) >= 43
        assert asked[0][name] != asked[1][name]
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert asked[0]["state"][0] not in cookie


def test_who_is_there_is_matched_by_address_in_any_case(openid: OpenIdSite) -> None:
    openid.provider.knows("ana", **{**ANA, "email": "ANA@Example.com", "groups": ["sre"]})
    before = openid.site.sql("SELECT count(*) FROM users")
    assert "Ana" in person(openid).signs_in_as("ana")
    assert openid.site.sql("SELECT count(*) FROM users") == before


def test_roles_follow_the_groups_up_down_and_out(openid: OpenIdSite) -> None:
    for groups, expected in (
        (["ops"], {"default": "responder"}),
        (["ops", "guests"], {"default": "responder", "other": "viewer"}),
        (["guests"], {"other": "viewer"}),
        (["sre", "ops", "guests"], {"default": "admin", "other": "viewer"}),
    ):
        openid.provider.knows("ana", **ANA, groups=groups)
        assert "Ana" in person(openid).signs_in_as("ana")
        assert roles(openid, "ana@example.com") == expected


def test_groups_of_which_nothing_is_said_take_nothing_away(openid: OpenIdSite) -> None:
    openid.provider.knows("ana", **ANA)
    assert "Ana" in person(openid).signs_in_as("ana")
    assert roles(openid, "ana@example.com") == {"default": "admin"}


def test_who_is_not_let_in_reads_why(openid: OpenIdSite) -> None:
    for claims, words in (
        ({**ANA, "email_verified": False}, "has not verified your mail address"),
        ({"email": "ana@example.com"}, "has not verified your mail address"),
        ({"name": "Ana"}, "does not say your mail address"),
        ({**ANA, "groups": ["choir"]}, "have no role here"),
        ({"email": "new@example.com", "email_verified": True, "groups": []}, "have no role here"),
    ):
        openid.provider.knows("somebody", **claims)
        assert words in person(openid).signs_in_as("somebody")
    assert roles(openid, "ana@example.com") == {"default": "admin"}, "nothing was changed"
    assert openid.site.sql("SELECT count(*) FROM sessions") == [(0,)]
    assert openid.site.sql("SELECT count(*) FROM users") == [(4,)]


def test_who_is_disabled_stays_out(openid: OpenIdSite) -> None:
    openid.site.sql("UPDATE users SET is_active = false WHERE name = 'Ana'")
    openid.provider.knows("ana", **ANA, groups=["sre"])
    assert "disabled" in person(openid).signs_in_as("ana")


def test_an_answer_that_comes_to_another_browser_is_worth_nothing(openid: OpenIdSite) -> None:
    """Somebody sends their own way back to Ana, so that she works in their account."""
    theirs, ana = person(openid), person(openid)
    callback = f"/login/openid/callback?code=x&state={theirs.begins()}"
    assert "began in another browser" in ana.opens(callback)
    ana.begins()
    assert "began in another browser" in ana.opens(callback)
    assert openid.site.sql("SELECT count(*) FROM sessions") == [(0,)]


def test_answers_that_are_worth_nothing(openid: OpenIdSite) -> None:
    issuer = openid.provider.issuer
    for answer, words in (
        (f"code=invented&iss={issuer}", "did not take what it was asked"),
        ("code=x", "could not be verified"),
        ("code=x&iss=https://elsewhere.example", "could not be verified"),
        ("error=access_denied&error_description=call+555-1234", "You were not let in"),
    ):
        somebody = person(openid)
        state = somebody.begins()
        address = f"/login/openid/callback?state={state}&{answer}"
        assert words in somebody.opens(address), answer
        assert "555-1234" not in somebody.page, "a link can say anything"
        assert "began in another browser" in somebody.opens(address), "a flow ends with its answer"


def test_out_of_both(openid: OpenIdSite) -> None:
    openid.provider.knows("ana", **ANA, groups=["sre"])
    ana = person(openid)
    ana.signs_in_as("ana")
    stored = openid.site.sql("SELECT provider_token FROM sessions")
    assert not bytes(stored[0][0]).startswith(b"eyJ"), "it is sealed"
    (token,) = re.findall(r'name="csrf-token" content="([0-9a-f]+)"', ana.page)
    words = ana.opens(f"{ana.base_url}/logout", {"csrf_token": token})
    assert "You are signed out of Tocsin" in words
    assert openid.site.sql("SELECT count(*) FROM sessions") == [(0,)]
    (there,) = re.findall(r'href="(http[^"]+/session/end[^"]+)"', ana.page)
    ana.opens(there.replace("&amp;", "&"))
    assert 'action="' in ana.page
    ana._submits(logout="yes")
    assert ana.url == f"{ana.base_url}/login"
    assert 'name="login"' in (ana.opens("/login/openid") and ana.page), "asked again who they are"


def test_a_provider_that_is_away(database: Database, tmp_path: Path) -> None:
    settings = {"oidc_issuer": f"http://127.0.0.1:{free_port()}", "oidc_client_id": "tocsin"}
    with running_site(database, tmp_path, settings=settings) as site:
        words = Person(site.base_url).opens("/login/openid")
        assert "cannot be reached just now" in words
        assert "Forgotten" in words, "a password still does"


def test_a_provider_with_another_name(database: Database, tmp_path: Path, place: Place) -> None:
    issuer = place.provider.issuer.replace("127.0.0.1", "localhost")
    settings = {"oidc_issuer": issuer, "oidc_client_id": "tocsin"}
    with running_site(database, tmp_path, people=False, settings=settings) as site:
        assert "does not call itself" in Person(site.base_url).opens("/login/openid")


def test_a_secret_in_the_form_instead(database: Database, tmp_path: Path) -> None:
    with (
        running_place(tmp_path, "client_secret_post") as place,
        running_openid_site(database, tmp_path, place) as openid,
    ):
        openid.provider.knows("ana", **ANA, groups=["sre"])
        words = person(openid).signs_in_as("ana")
        assert "Ana" in words


def test_an_address_of_which_nothing_is_said_where_the_operator_trusts_it(
    database: Database, tmp_path: Path, place: Place
) -> None:
    with running_openid_site(database, tmp_path, place, oidc_unverified_email="yes") as openid:
        openid.provider.knows("ana", email="ana@example.com", groups=["sre"])
        assert "Ana" in person(openid).signs_in_as("ana")
        openid.provider.knows("eve", email="ana@example.com", email_verified=False, groups=["sre"])
        assert "has not verified" in person(openid).signs_in_as("eve")
