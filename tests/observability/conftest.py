from __future__ import annotations

import pytest

from tests.observability.metrics import Metric, exposed_in
from tests.support.node import eventually, nodes
from tests.support.postgres import Server
from tests.support.workspace import Workspace
from tocsin.model import AuthScheme


@pytest.fixture(scope="session")
def exposed(postgres_server: Server) -> dict[str, Metric]:
    """What a hub shows that has sent a message, here to itself, and was pinged."""
    with postgres_server.database() as database:
        workspace = Workspace(database.url)
        sender = workspace.sender(auth_scheme=AuthScheme.URL, mapping={"title": "event_type"})
        key = workspace.api_key()
        allowed = {"outbound_allow": "127.0.0.0/8"}
        with nodes(database.url, role="all", is_forked=True, **allowed) as (node,):
            client = node.client(key)
            config = {"url": f"{node.base_url}{sender.path}"}
            made = client.api(
                "POST", "/alert-destinations", {"name": "here", "type": "webhook", "config": config}
            )
            client.api("POST", f"/alert-destinations/{made.json()['id']}/test")
            client.request("GET", "/ping/00000000-0000-0000-0000-000000000000")

            def text() -> str:
                return client.request("GET", "/metrics").body.decode()

            eventually(lambda: "tocsin_delivery_latency_seconds_count{" in text(), "it is sent")
            shown = exposed_in(text())
            client.close()
    return shown
