"""axe finds nothing on any page, in both themes (WCAG 2.2 AA)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.console.browser.conftest import OpenPage
from tests.console.site import Site
from tests.console.test_alert_pages import alert
from tocsin.console import assets_found

AXE = Path(str(assets_found.folder())).parent / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds on a page."""
    # By the debugging protocol, not as a script of the page: its policy allows none but ours.
    page.evaluate(AXE.read_text("utf-8"))
    result = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(found => found.violations)", _RULES
    )
    return [
        (each["id"], node["html"][:160], node["failureSummary"][:200])
        for each in result
        for node in each["nodes"][:2]
    ]


@pytest.mark.expected_status(404)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(site: Site, open_page: OpenPage, scheme: str) -> None:
    alert_id = alert(site, "disk", severity="critical", labels={"host": "db-1", "team": "db"})
    for severity in ("high", "medium", "low", "info"):
        alert(site, f"one of {severity}", severity=severity, labels={"team": "web"})
    held = alert(site, "taken on", severity="high")
    site.api.made(f"/alerts/{held}/acknowledge", {})
    destination = site.api.made(
        "/alert-destinations",
        {"name": "mail", "type": "email", "config": {"recipients": ["a@example.com"]}},
    )
    rule = site.api.made(
        "/alert-rules",
        {
            "name": "all of it",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
            "unless": [[{"label": "env", "op": "=", "value": "test"}]],
            "group_by": ["team"],
            "quiet_hours": [{"start": "22:00", "end": "06:00", "timezone": "UTC"}],
        },
    )
    ((integration_id,),) = site.sql("SELECT id FROM integrations")
    page = open_page("Ana", "/", color_scheme=scheme)
    found = []
    for path in (
        "/",
        "/alerts",
        "/alerts?group=team",
        "/alerts?q=severity:awful",
        f"/alerts/{alert_id}",
        "/schedules/new",
        "/policies/new",
        f"/integrations/{integration_id}/mapping",
        "/overview",
        "/wallboard",
        "/inhibition",
        "/inhibition/new",
        "/integrations",
        "/integrations/new",
        "/integrations/new?type=grafana",
        f"/integrations/{integration_id}",
        f"/integrations/{integration_id}/settings",
        "/destinations",
        f"/destinations/{destination['id']}",
        "/rules",
        "/rules/new",
        f"/rules/{rule['id']}",
        "/silences",
        "/silences/new",
        "/maintenance",
        "/maintenance/new",
        "/heartbeats",
        "/heartbeats/new",
        "/deliveries",
        "/admin",
        "/admin/settings",
        "/me",
        "/me/contact",
        "/nothing-here",
    ):
        page.goto(path)
        found += [(path, *each) for each in violations(page)]
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("path", ["/login", "/offline"])
def test_signing_in_too(site: Site, open_page: OpenPage, path: str) -> None:
    page = open_page(None, path)
    assert violations(page) == []
