"""A real Chromium over a real server, where Debian's package has put one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.console.site import Browser as PlainBrowser
from tests.console.site import Site
from tests.support.chromium import chromium, playwright

__all__ = ["chromium", "playwright"]

# A machine that does much else is slow; what does not come at all is waited for a little longer.
expect.set_options(timeout=15_000)

OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """A page of somebody who has signed in; it fails the test if a script of it fails, or anything else
    is a fault in the browser's console. A server that is away on purpose is none."""
    expected_status = request.node.get_closest_marker("expected_status")
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(name: str | None, path: str = "/", **settings: object) -> Page:
        context = chromium.new_context(
            base_url=site.base_url, **{"viewport": {"width": 1440, "height": 900}, **settings}
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        if name is not None:
            plain: PlainBrowser = site.browser(name)
            assert plain.cookie is not None
            token = plain.cookie.partition("=")[2]
            context.add_cookies(
                [{"name": "tocsin_session", "value": token, "url": site.base_url, "httpOnly": True}]
            )
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda message: faults.append(message.text) if message.type == "error" else None,
        )
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    ours = [each for each in faults if "net::ERR_" not in each]
    if expected_status is not None:
        ours = [each for each in ours if f"status of {expected_status.args[0]} " not in each]
    assert not ours, ours
