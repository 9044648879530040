"""axe finds nothing on any page, in both themes (WCAG 2.2 AA); and no page is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page
from starlette.routing import Route

from tests.api import everything, past
from tests.api.conftest import Hub
from tests.console.browser.conftest import OpenPage
from tests.console.site import Site, running_site
from tests.support.postgres import Server
from tocsin.access.sessions import LinkPurpose
from tocsin.console.context import ConsoleContext
from tocsin.console.frame import assets_found
from tocsin.console.site import create_console
from tocsin.model import Severity, utc_now
from tocsin.settings import Settings, SmtpServer

AXE = Path(str(assets_found.folder())).parent / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

SECTIONS: dict[str, tuple[str, ...]] = {
    "alerts": (
        "/",
        "/alerts",
        "/alerts?group=team",
        "/alerts?q=severity:awful",
        "/alerts?q=status:closed",
        "/alerts?facets=1",
        "/alerts/{alert_id}",
        "/alerts/bulk/{bulk_action_id}",
        "/board",
        "/overview",
        "/wallboard",
        "/nothing-here",
    ),
    "quiet": (
        "/silences",
        "/silences/new",
        "/silences/{silence_id}",
        "/maintenance",
        "/maintenance/new",
        "/maintenance/{maintenance_window_id}",
        "/inhibition",
        "/inhibition/new",
        "/inhibition/{inhibition_rule_id}",
    ),
    "on call": (
        "/schedules",
        "/schedules/new",
        "/schedules/{schedule_id}",
        "/schedules/{schedule_id}/edit",
        "/policies",
        "/policies/new",
        "/policies/{escalation_policy_id}",
        "/policies/{escalation_policy_id}/edit",
    ),
    "in": (
        "/integrations",
        "/integrations/new",
        "/integrations/new?type=grafana",
        "/integrations/{integration_id}",
        "/integrations/{integration_id}/attempts/{webhook_delivery_id}",
        "/integrations/{generic_id}",
        "/integrations/{generic_id}/mapping",
        "/integrations/{generic_id}/settings",
        "/heartbeats",
        "/heartbeats/new",
        "/heartbeats/{heartbeat_id}",
    ),
    "out": (
        "/destinations",
        "/destinations/new",
        "/destinations/new?type=slack",
        "/destinations/{alert_destination_id}",
        "/rules",
        "/rules/new",
        "/rules/{alert_rule_id}",
        "/deliveries",
        "/deliveries/{alert_delivery_id}",
    ),
    "people": (
        "/admin",
        "/admin/retention",
        "/admin/retention?days=30",
        "/admin/settings",
        "/admin/tenants",
        "/admin/tenants/new",
        "/admin/tenants/{tenant_id}",
        "/admin/workspaces",
        "/me",
        "/me/contact",
    ),
}
STRANGERS = ("/login", "/login/reset", "/offline", "{invitation}", "{set_up}")

MAILS: dict[str, Any] = {
    "smtp": SmtpServer("127.0.0.1", 1, False, True, None, None),
    "mail_from": "tocsin@example.org",
}
"""Where a forgotten password can be replaced by mail; none is sent here."""

NO_PAGES = re.compile(
    r"/(static|live|favicon|manifest|app-icon|service-worker|scripts-on)"
    r"|/alerts/(facets|complete|jump|views|\{id:uuid\}\.md)"
)
"""What is asked for by a page, or is no page."""


@pytest.fixture(scope="module")
def site(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        postgres_server.database() as database,
        running_site(database, tmp_path_factory.mktemp("axe"), settings=MAILS) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def ids(site: Site) -> dict[str, str]:
    """One of everything, by the names that addresses give it, and alerts of every kind."""
    hub = cast(Hub, site)
    made = everything.make(hub, site.api)
    sender = site.api.made("/integrations", {"name": "probe", "type": "generic"})
    now = utc_now()
    for severity in Severity:
        labels = {"team": "web", "host": "web-1"}
        past.alert(hub, sender, severity.value, severity=severity.value, fired=now, labels=labels)
    taken = past.alert(hub, sender, "taken on", fired=now, labels={"team": "db"})
    site.api.made(f"/alerts/{taken}/acknowledge", {})
    past.alert(hub, sender, "closed", status="CLOSED", fired=now)
    rule = {
        "unless": [[{"label": "env", "op": "=", "value": "test"}]],
        "group_by": ["team"],
        "quiet_hours": [{"start": "22:00", "end": "06:00", "timezone": "UTC"}],
    }
    assert site.api.patch(f"/alert-rules/{made['alert_rule_id']}", rule).status == 200
    bulk = site.api.made("/bulk-actions", {"kind": "resolve", "query": "title:closed"})
    invitation = site.api.made("/invitations", {"email": "new@example.org"})
    return made | {
        "bulk_action_id": bulk["id"],
        "generic_id": sender["id"],
        "invitation": urlsplit(invitation["url"]).path,
        "set_up": site.sign_in_link(LinkPurpose.NEW_PASSWORD, "Ben"),
    }


def violations(page: Page) -> list[tuple[str, str, str]]:
    """What axe finds on a page, with its folded parts open."""
    page.evaluate("document.querySelectorAll('details.fold').forEach(each => (each.open = true))")
    # By the debugging protocol, not as a script of the page: its policy allows none but ours.
    page.evaluate(AXE.read_text("utf-8"))
    result: list[Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(found => found.violations)", _RULES
    )
    return [
        (each["id"], node["html"][:160], node["failureSummary"][:200])
        for each in result
        for node in each["nodes"][:2]
    ]


@pytest.mark.expected_status(404)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("section", SECTIONS)
def test_axe_finds_nothing(
    open_page: OpenPage, ids: dict[str, str], section: str, scheme: str
) -> None:
    page = open_page("Ana", "/login", color_scheme=scheme)
    found = []
    for path in SECTIONS[section]:
        page.goto(path.format(**ids))
        found += [(path, *each) for each in violations(page)]
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("path", STRANGERS)
def test_nor_before_somebody_has_signed_in(
    open_page: OpenPage, ids: dict[str, str], path: str
) -> None:
    assert violations(open_page(None, path.format(**ids))) == []


def test_every_page_is_looked_at(ids: dict[str, str], tmp_path: Path) -> None:
    """A page that is new is among them, or is said to be none."""
    settings = Settings(data_dir=tmp_path, **MAILS)
    console = create_console(
        cast(ConsoleContext, SimpleNamespace(openid=None, settings=settings, engine=None))
    )
    tried = [
        path.partition("?")[0].format(**ids)
        for path in (*STRANGERS, *(path for paths in SECTIONS.values() for path in paths))
    ]
    forgotten = [
        route.path
        for route in console.routes
        if isinstance(route, Route)
        and "GET" in (route.methods or ())
        and not NO_PAGES.match(route.path)
        and not any(route.path_regex.match(path) for path in tried)
    ]
    assert not forgotten
