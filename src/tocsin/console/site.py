"""The console: every page of it, as one ASGI application."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from tocsin.console.admin import (
    admin_page,
    admin_retention_page,
    admin_settings_page,
    admin_tenants_page,
    admin_workspaces_page,
)
from tocsin.console.alerts import alert_list_page, alert_view_page, bulk_pages, sounds, view_pages
from tocsin.console.context import ConsoleContext
from tocsin.console.frame import live, static_files
from tocsin.console.frame.render import page
from tocsin.console.getting_in import invitation_page, openid_door, reset_page, sign_in, sign_out
from tocsin.console.integrations import (
    attempt_page,
    heartbeat_pages,
    integration_pages,
    integration_settings,
    mapping_page,
)
from tocsin.console.me import me_page, my_contacts, my_keys, my_rules
from tocsin.console.notifying import delivery_pages, destination_pages, rule_pages
from tocsin.console.on_call import policy_editor, policy_pages, schedule_editor, schedule_pages
from tocsin.console.overview import board_page, home_page, overview_page, wallboard_page
from tocsin.console.quiet import inhibition_pages, maintenance_pages, silence_pages

_PLACES = frozenset(
    {
        "admin",
        "alerts",
        "app-icon.png",
        "board",
        "deliveries",
        "heartbeats",
        "maintenance",
        "destinations",
        "enter",
        "favicon.ico",
        "favicon.svg",
        "inhibition",
        "integrations",
        "invitations",
        "live",
        "login",
        "logout",
        "manifest.webmanifest",
        "me",
        "overview",
        "offline",
        "policies",
        "rules",
        "schedules",
        "scripts-on.js",
        "service-worker.js",
        "silences",
        "static",
        "wallboard",
    }
)


def is_page(path: str) -> bool:
    """Whether an address is one of the console's."""
    return path == "/" or path[1:].partition("/")[0] in _PLACES


def wants_page(scope: Scope) -> bool:
    """Whether whoever asks for an address that is nobody's is a browser."""
    accepted = (value for name, value in scope["headers"] if name == b"accept")
    return scope["method"] == "GET" and any(b"text/html" in value for value in accepted)


def create_console(context: ConsoleContext) -> Starlette:
    return Starlette(
        routes=[
            *static_files.routes(),
            *sign_in.routes(context),
            *reset_page.routes(context),
            *sign_out.routes(context),
            *openid_door.routes(context),
            *invitation_page.routes(context),
            *home_page.routes(context),
            *live.routes(context),
            *alert_list_page.routes(context),
            *view_pages.routes(context),
            *bulk_pages.routes(context),
            *sounds.routes(context),
            *alert_view_page.routes(context),
            *overview_page.routes(context),
            *board_page.routes(context),
            *wallboard_page.routes(context),
            *me_page.routes(context),
            *my_contacts.routes(context),
            *my_rules.routes(context),
            *my_keys.routes(context),
            *maintenance_pages.routes(context),
            *heartbeat_pages.routes(context),
            *delivery_pages.routes(context),
            *admin_page.routes(context),
            *admin_tenants_page.routes(context),
            *admin_workspaces_page.routes(context),
            *admin_retention_page.routes(context),
            *admin_settings_page.routes(context),
            *schedule_pages.routes(context),
            *schedule_editor.routes(context),
            *policy_pages.routes(context),
            *policy_editor.routes(context),
            *silence_pages.routes(context),
            *inhibition_pages.routes(context),
            *integration_pages.routes(context),
            *attempt_page.routes(context),
            *integration_settings.routes(context),
            *mapping_page.routes(context),
            *rule_pages.routes(context),
            *destination_pages.routes(context),
        ],
        exception_handlers={HTTPStatus.NOT_FOUND.value: _nothing_here},
    )


async def _nothing_here(request: Request, error: Exception) -> Response:
    return page(
        "trouble.html",
        status=HTTPStatus.NOT_FOUND,
        heading="There is nothing at this address",
        words="It may have been mistyped, or what was here is gone.",
        link=("/", "Home"),
    )
