"""Signing in at a company's provider, in a real browser, with what the policies of pages let through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.browser.conftest import OpenPage
from tests.console.openid_site import OpenIdSite, running_openid_site, running_place
from tests.console.site import Site
from tests.support.postgres import Database

# The first one installs the provider.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def openid(database: Database, tmp_path: Path) -> Iterator[OpenIdSite]:
    with (
        running_place(tmp_path) as place,
        running_openid_site(database, tmp_path, place) as running,
    ):
        yield running


@pytest.fixture
def site(openid: OpenIdSite) -> Site:
    return openid.site


@pytest.mark.expected_status(404)  # the provider has no icon
def test_in_by_the_provider_and_out_of_both(openid: OpenIdSite, open_page: OpenPage) -> None:
    claims = {"email": "nina@example.com", "email_verified": True, "name": "Nina"}
    openid.provider.knows("nina", **claims, groups=["ops"])
    page = open_page(None, "/alerts?q=status%3Aopen")
    page.get_by_role("link", name="Sign in with Example ID").click()
    page.locator("[name=login]").fill("nina")
    page.locator("[name=password]").fill("anything")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{openid.site.base_url}/alerts?q=status%3Aopen")
    page.goto("/me")
    expect(page.locator("h1")).to_have_text("Nina")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("h1")).to_have_text("You are signed out of Tocsin")
    page.get_by_role("link", name="Sign out of Example ID, too").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{openid.site.base_url}/login")
    page.get_by_role("link", name="Sign in with Example ID").click()
    expect(page.locator("[name=login]")).to_be_visible()


@pytest.mark.expected_status(404)
def test_who_has_no_role_reads_so(openid: OpenIdSite, open_page: OpenPage) -> None:
    openid.provider.knows("eve", email="eve@example.com", email_verified=True, groups=[])
    page = open_page(None, "/login")
    page.get_by_role("link", name="Sign in with Example ID").click()
    page.locator("[name=login]").fill("eve")
    page.locator("[name=password]").fill("anything")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    expect(
        page.get_by_text("You are known to the provider, and have no role here.")
    ).to_be_visible()
