"""The hub of the demo: a whole Tocsin in this process, set up as a newcomer would set it up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import uvicorn

from tocsin.app import application
from tocsin.cli.calling.client import ApiClient
from tocsin.cli.calling.socket_server import answering_owner
from tocsin.cli.demo.inboxes import Receivers
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.runtime import Installation
from tocsin.cli.server import serving
from tocsin.hub import Hub
from tocsin.model import Secret, iso, utc_now
from tocsin.settings import Settings, SmtpServer

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_SILENCED = "growth"
CACHE_TEAM = "cache"
ON_CALL = "on-call@example.com"
TOOLS = (
    "generic",
    "alertmanager",
    "datadog",
    "github",
    "grafana",
    "pagerduty",
    "standard_webhooks",
)
"""The sources on show; all that there are would hide what happens to each alert."""
_CUSTOMERS = {
    "datadog": ("harbour-bank", "Harbour Bank"),
    "grafana": ("owl-games", "Owl Games"),
    "pagerduty": ("mill-lane-clinic", "Mill Lane Clinic"),
}
"""Whose tools these are; the others are one's own."""


def settings(data_dir: Path, port: int, receivers: Receivers) -> Settings:
    """Those of the demo, whatever the environment says: it must touch nothing of anybody's."""
    smtp = None
    if receivers.mail_port is not None:
        smtp = SmtpServer(
            "127.0.0.1",
            receivers.mail_port,
            implicit_tls=False,
            plaintext=True,
            username=None,
            password=None,
        )
    return Settings(
        data_dir=data_dir,
        host="127.0.0.1",
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        outbound_allow=(ip_network("127.0.0.1/32"),),
        smtp=smtp,
        mail_from="Tocsin <tocsin@example.com>" if smtp else None,
        log_level="error",
    )


def tool_name(source: str) -> str:
    """What the integration of a source is called; short, as it stands in every line on show."""
    return {"standard_webhooks": "std-webhooks"}.get(source, source)


@dataclass(frozen=True)
class Scenery:
    """What was set up."""

    api_key: Secret
    destinations: Mapping[str, str]
    """Ids by name."""


def set_up(api: ApiClient, receivers: Receivers) -> Scenery:
    """One integration per tool, three tenants, four destinations, their rules, a silence and a
    maintenance window; what a former demo left in a kept data folder is used again."""
    have = {each["name"] for each in api.items("/integrations", limit=1_000)}
    tenants = _tenants(api)
    for source in TOOLS:
        if (name := tool_name(source)) not in have:
            owner = {"tenant_id": tenants[source]} if source in tenants else {}
            api.post("/integrations", {"name": name, "type": source, **owner})
    destinations: dict[str, tuple[str, dict[str, Any]]] = {
        "operations-log": ("webhook", {"url": receivers.webhook_url, "secret": receivers.secret}),
        "teams-checkout": ("teams", {"url": receivers.teams_url}),
        "teams-cache": ("teams", {"url": receivers.teams_url}),
    }
    if receivers.mail_port is not None:
        destinations["on-call-mail"] = ("email", {"recipients": [ON_CALL]})
    ids = {
        name: _ensure(api, "/alert-destinations", name, {"type": kind, "config": config})
        for name, (kind, config) in destinations.items()
    }
    for name, rule in _rules(ids).items():
        _ensure(api, "/alert-rules", name, rule)
    if not api.items("/silences", limit=1, state="active"):
        api.post(
            "/silences",
            {
                "matchers": [{"label": "team", "op": "=", "value": _SILENCED}],
                "ends_at": iso(utc_now() + timedelta(hours=2)),
                "comment": "The mail provider throttles us until tonight; known",
            },
        )
    # A minute from now on; what is still open then comes in one message.
    if not api.items("/maintenance-windows", limit=1):
        api.post(
            "/maintenance-windows",
            {
                "name": "Upgrade of the agents",
                "matchers": [{"label": "source", "op": "=", "value": "datadog"}],
                "timezone": "UTC",
                "starts_at": utc_now().replace(tzinfo=None, microsecond=0).isoformat(),
                "duration_minutes": 1,
            },
        )
    key = api.post("/api-keys", {"name": "demo", "role": "admin"})["key"]
    return Scenery(Secret(key), ids)


def _tenants(api: ApiClient) -> dict[str, str]:
    """The ids of the tenants that tools belong to, by source."""
    have = {each["slug"]: each["id"] for each in api.items("/tenants", limit=1_000)}
    return {
        source: have.get(slug) or api.post("/tenants", {"slug": slug, "name": name})["id"]
        for source, (slug, name) in _CUSTOMERS.items()
    }


def _rules(destinations: Mapping[str, str]) -> dict[str, Any]:
    both = ["alerts.triggered", "alerts.resolved"]
    rules: dict[str, Any] = {
        "everything to the log": {
            "event_types": ["alerts.triggered", "alerts.acknowledged", "alerts.resolved"],
            "destination_ids": [destinations["operations-log"]],
        },
        # Teams takes ninety messages an hour; the checkout fails less often than that.
        "checkout to its team": {
            "event_types": ["alerts.triggered"],
            "min_severity": "CRITICAL",
            "matchers": [{"label": "title", "op": "=~", "value": "Checkout .* on checkout-.*"}],
            "destination_ids": [destinations["teams-checkout"]],
            "position": 1,
        },
    }
    # Far more than Teams takes at once: a digest says it.
    rules["cache to its team"] = {
        "event_types": ["alerts.triggered"],
        "matchers": [{"label": "team", "op": "=", "value": CACHE_TEAM}],
        "destination_ids": [destinations["teams-cache"]],
        "position": 3,
    }
    if "on-call-mail" in destinations:
        rules["wake somebody"] = {
            "event_types": both,
            "min_severity": "CRITICAL",
            "destination_ids": [destinations["on-call-mail"]],
            "position": 2,
        }
        # What else is serious comes together, in one mail now and then.
        rules["what else is serious"] = {
            "event_types": both,
            "min_severity": "HIGH",
            "unless": [[{"label": "severity", "op": "=", "value": "CRITICAL"}]],
            "group_by": [],
            "group_wait_seconds": 5,
            "group_interval_seconds": 15,
            "destination_ids": [destinations["on-call-mail"]],
            "position": 4,
        }
    return rules


def _ensure(api: ApiClient, path: str, name: str, document: dict[str, Any]) -> str:
    """The id of what is called `name`, made or brought to what `document` says."""
    found = next((each for each in api.items(path, limit=1_000) if each["name"] == name), None)
    if found is None:
        return str(api.post(path, {"name": name, **document})["id"])
    changed = {key: value for key, value in document.items() if key != "type"}
    api.patch(f"{path}/{found['id']}", changed)
    return str(found["id"])


@contextmanager
def serving_hub(
    installation: Installation,
    listener: serving.Listener,
    owner_listener: serving.Listener | None,
) -> Iterator[None]:
    """The server, in a thread of this process, from ready to drained.

    Raises:
        Failure: if it does not start.
    """
    hub = Hub.build(installation.settings, installation.url, installation.keys)
    app = answering_owner(application(hub), installation, owner_listener)
    server = uvicorn.Server(serving.config(app))
    thread = threading.Thread(target=_run, args=(server, listener), name="server", daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise Failure("the server did not start; the log above says why", code=Exit.FAILED)
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS)


def _run(server: uvicorn.Server, listener: serving.Listener) -> None:
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # uvicorn's way to say that it could not start; whoever waits sees the thread gone.
        return
