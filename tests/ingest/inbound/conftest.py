"""A running server, and requests to it below its root, as other products' clients make them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.api.conftest import Hub
from tests.api.conftest import hub as hub
from tests.api.server import Client
from tests.support.answers import Answer


@dataclass(frozen=True)
class Outside:
    """What a sender sees of a server."""

    hub: Hub
    url: str

    def request(
        self, method: str, path: str, document: Any = None, *, key: str | None = None, **more: Any
    ) -> Answer:
        client = Client(self.url, key)
        if document is None:
            return client.request(method, path, **more)
        return client.request(method, path, document, **more)

    def integration(self, type: str, **more: Any) -> Any:
        return self.hub.admin.made("/integrations", {"name": f"a {type}", "type": type, **more})

    def alerts(self) -> list[Any]:
        """In the order in which they were made."""
        shown: list[Any] = self.hub.admin.get("/alerts").json()["items"]
        return shown[::-1]

    def records(self) -> list[Any]:
        return self.hub.sql(
            "SELECT status_code, outcome, raw_payload::text, headers::text, flags"
            " FROM webhook_deliveries ORDER BY id"
        )

    def other_workspace(self) -> Outside:
        return replace(self, hub=replace(self.hub, admin=self.hub.stranger))


@pytest.fixture
def outside(hub: Hub) -> Outside:
    return Outside(hub, hub.admin.base_url.removesuffix("/api/v1"))
