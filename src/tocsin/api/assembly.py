"""The API: one FastAPI application, mounted at /api/v1.

A caller that passes a request on to it leaves `path` whole and sets `root_path` to `/api/v1`, as ASGI
has it (and as Starlette's `Mount` does).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from tocsin.api import (
    alert_actions,
    alert_deliveries,
    alert_destinations,
    alert_escalation,
    alert_rules,
    alerts,
    api_keys,
    audit_events,
    bulk_actions,
    calendar_feeds,
    contact_methods,
    delivery_control,
    escalation_forecasts,
    escalation_policies,
    explanation,
    heartbeats,
    inhibition_previews,
    inhibition_rules,
    integration_tokens,
    integrations,
    invitations,
    maintenance_windows,
    mapping_previews,
    me,
    my_keys,
    on_call,
    openapi,
    overview,
    policy_readiness,
    previews,
    problem_answers,
    retention,
    saved_views,
    schedule_overrides,
    schedules,
    shift_swaps,
    sign_in_links,
    silences,
    tenant_board,
    tenants,
    users,
    web_push,
    webhook_deliveries,
    webhook_replay,
    window_previews,
    workspaces,
)
from tocsin.api.context import CONTEXT, ApiContext
from tocsin.api.gate import Gate

_ROUTERS: tuple[APIRouter, ...] = (
    workspaces.router,
    tenants.router,
    tenant_board.router,
    integrations.router,
    integration_tokens.router,
    mapping_previews.router,
    heartbeats.router,
    alerts.router,
    alert_escalation.router,
    alert_actions.router,
    bulk_actions.router,
    saved_views.router,
    explanation.router,
    webhook_deliveries.router,
    webhook_replay.router,
    alert_destinations.router,
    web_push.router,
    alert_rules.router,
    silences.router,
    maintenance_windows.router,
    inhibition_rules.router,
    escalation_policies.router,
    escalation_forecasts.router,
    policy_readiness.router,
    inhibition_previews.router,
    previews.router,
    window_previews.router,
    schedules.router,
    schedule_overrides.router,
    shift_swaps.router,
    on_call.router,
    calendar_feeds.router,
    alert_deliveries.router,
    delivery_control.router,
    overview.router,
    retention.router,
    me.router,
    my_keys.router,
    users.router,
    contact_methods.router,
    invitations.router,
    sign_in_links.router,
    api_keys.router,
    audit_events.router,
)

_DESCRIPTION = (
    "Everything a person can do in Tocsin, for programs. Send an API key as a bearer token; it "
    "belongs to one workspace, and what is outside of it does not exist. Lists are newest first "
    "and come in pages: pass `next_cursor` on as `cursor`. Every error is a problem document "
    "(RFC 9457) whose `type` is a page of this server. Times are RFC 3339, in UTC in all answers."
)


@cache
def _routes() -> FastAPI:
    """The same for everybody, and expensive to make: several APIs in one process share them."""
    api = FastAPI(
        title="Tocsin",
        version=version("tocsin"),
        description=_DESCRIPTION,
        openapi_url="/openapi.json",
        # The framework's pages load their scripts from elsewhere; this server must work alone.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        root_path_in_servers=False,
        generate_unique_id_function=lambda route: route.name,
    )
    problem_answers.install(api)
    for router in _ROUTERS:
        api.include_router(router)
    openapi.install(api, _ROUTERS)
    api.add_middleware(Gate, public=frozenset({"/openapi.json", invitations.ACCEPT}))
    return api


@dataclass(frozen=True, slots=True)
class Api:
    """The API of one process: the routes, and what they are given to work with."""

    context: ApiContext
    _app: FastAPI = field(default_factory=_routes, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, CONTEXT: self.context}, receive, send)

    def openapi(self) -> dict[str, Any]:
        return self._app.openapi()
