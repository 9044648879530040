"""Pictures of every page of the console, from a demo that runs for it: light and dark, 1440 and 390 px,
and those that matter most at 320 px.

    python tools/screenshots.py [FOLDER]

FOLDER is `build/screenshots` unless another is named. Those of the docs are copied to `docs/images`.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, sync_playwright

HERE = Path(__file__).parent.parent
SHOWN = {
    "home-dark-1440.png": "console-home.png",
    "alerts-light-1440.png": "console-alerts.png",
    "alert-dark-1440.png": "console-alert.png",
    "alert-dark-390.png": "console-phone.png",
    "schedule-light-1440.png": "console-schedule.png",
}
"""Those of the docs, under the names that they have there."""
WARM_UP_SECONDS = 50
PAGES = {
    "home": "/",
    "alerts": "/alerts",
    "alerts-by-label": "/alerts?group=host",
    "overview": "/overview",
    "wallboard": "/wallboard",
    "maintenance": "/maintenance",
    "inhibition": "/inhibition",
    "heartbeats": "/heartbeats",
    "deliveries": "/deliveries",
    "admin": "/admin",
    "admin-retention": "/admin/retention",
    "admin-tenants": "/admin/tenants",
    "admin-workspaces": "/admin/workspaces",
    "board": "/board",
    "silences": "/silences",
    "silence-new": "/silences/new",
    "schedules": "/schedules",
    "policies": "/policies",
    "integrations": "/integrations",
    "integration-new": "/integrations/new",
    "rules": "/rules",
    "rule-new": "/rules/new",
    "destinations": "/destinations",
    "destination-new": "/destinations/new",
    "me": "/me",
    "contact-new": "/me/contact",
    "maintenance-new": "/maintenance/new",
    "inhibition-new": "/inhibition/new",
    "heartbeat-new": "/heartbeats/new",
    "schedule-new": "/schedules/new",
    "policy-new": "/policies/new",
    "admin-settings": "/admin/settings",
    "no-such-page": "/alerts/0199b4a2-0000-7000-8000-0000000000aa",
}
FOUND = {
    "alert": ("/alerts?q=severity:critical+status:open", ".alert-row .title"),
    "schedule": ("/schedules", ".on-call a:has-text('platform')"),
    "policy": ("/policies", "main table a"),
    "integration": ("/integrations", "main table a"),
    "integration-generic": ("/integrations", "main table a:has-text('generic')"),
    "rule": ("/rules", "main table a"),
    "destination": ("/destinations", "main table a"),
    "delivery": ("/deliveries", "main table a"),
}
"""Pages of one thing, and where a link to it is found."""
BELOW = {
    "schedule-month": ("schedule", "?view=month"),
    "schedule-agenda": ("schedule", "?view=agenda"),
    "schedule-edit": ("schedule", "/edit"),
    "policy-edit": ("policy", "/edit"),
    "integration-settings": ("integration", "/settings"),
    "mapping": ("integration-generic", "/mapping"),
}
"""Pages that belong to one of these: its name there, and what its address ends with."""
BY_KEYS = {"alerts-assign": ("/alerts", ("j", "x", "o")), "alerts-keys": ("/alerts", ("?",))}
"""What keys open on a page."""
NARROW = frozenset({"home", "alerts", "alert", "schedule"})
"""Those that are looked at on the narrowest of phones as well."""


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is not installed.", file=sys.stderr)
        return 1
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile("w+") as said:
        program = str(Path(sys.executable).parent / "tocsin")
        demo = subprocess.Popen([program, "demo"], stdout=said, stderr=said)  # noqa: S603
        try:
            link = _link(said.fileno())
            time.sleep(WARM_UP_SECONDS)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium,
                    args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
                )
                page = browser.new_page(
                    viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC"
                )
                page.goto(link)
                page.locator("button.primary").click()
                page.wait_for_load_state()
                _shoot_all(page, link.partition("/enter/")[0], folder)
                browser.close()
        finally:
            demo.terminate()
            demo.wait(30)
    for name, shown in SHOWN.items():
        shutil.copyfile(folder / name, HERE / "docs" / "images" / shown)
    print(f"{len(list(folder.glob('*.png')))} pictures are in {folder}")
    return 0


def _link(descriptor: int) -> str:
    for _ in range(600):
        time.sleep(0.2)
        text = Path(f"/proc/self/fd/{descriptor}").read_text("utf-8")
        if found := re.search(r"http://\S+/enter/\S+", text):
            return found[0]
    raise RuntimeError("the demo did not start")


def _shoot_all(page: Page, base: str, folder: Path) -> None:
    # What is found first: an alert of the demo does not stay open for long.
    found: dict[str, str] = {}
    for name, (path, link) in FOUND.items():
        page.goto(base + path)
        found[name] = base + str(page.locator(link).first.get_attribute("href"))
        _shoot(page, found[name], folder, name)
    for name, (of, end) in BELOW.items():
        _shoot(page, found[of] + end, folder, name)
    for name, path in PAGES.items():
        _shoot(page, base + path, folder, name)
    for name, (path, keys) in BY_KEYS.items():
        _shoot(page, base + path, folder, name, keys)


def _shoot(page: Page, address: str, folder: Path, name: str, keys: tuple[str, ...] = ()) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(address)
    page.wait_for_timeout(1_500)
    if page.locator("[data-facets]").count():
        page.locator("[data-facets] h2").first.wait_for()
        # A busy server leaves out what it cannot count at once.
        with contextlib.suppress(TimeoutError):
            page.locator("[data-view] .count").first.wait_for(timeout=5_000)
    for key in keys:
        page.keyboard.press(key)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        for width, height in ((1440, 900), (390, 844), *([(320, 640)] if name in NARROW else [])):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(500)  # colours change gradually
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png")


if __name__ == "__main__":
    sys.exit(main())
