"""A real Chromium, where Debian's package has put one; a conftest imports the fixtures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# Per module: while it runs, its thread has a running event loop, and no other test may start one.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    if CHROMIUM is None:
        missing("Chromium")
    # Without a desktop's bus: whether there is one, and what answers there, is the machine's affair.
    alone = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET), env=alone)
    yield browser
    browser.close()


def missing(what: str) -> None:
    """Skip for want of it; where a browser must be, fail."""
    if os.environ.get("CHROMIUM_REQUIRED"):
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"{what} is not installed")
