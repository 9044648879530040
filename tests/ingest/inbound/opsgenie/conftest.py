"""One integration for what was made for Opsgenie, requests with its key, and Opsgenie's own client."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import opsgenie_sdk
import pytest

from tests.ingest.inbound.conftest import Outside
from tests.support.answers import Answer


class Genie:
    """One integration, and requests with its key."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.integration = outside.integration("opsgenie")
        self.key: str = self.integration["webhook_secret"]

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        headers = {"Authorization": f"geniekey {self.key}", **more.pop("headers", {})}
        answer = self.outside.request(method, f"/v2{path}", body, headers=headers, **more)
        if answer.status != 404 or answer.body:
            assert {"took", "requestId"} <= answer.json().keys()
            assert answer.headers["x-request-id"] == answer.json()["requestId"]
            assert float(answer.headers["x-response-time"]) > 0
            assert answer.headers["x-ratelimit-state"] == "OK"
        return answer

    def create(self, **body: Any) -> Answer:
        return self.call("POST", "/alerts", {"message": "Disk full", "alias": "disk", **body})

    def act(self, alias: str, verb: str, body: Any = None, method: str = "POST") -> Any:
        """What the status of the request says of it."""
        path = f"/alerts/{quote(alias, safe='')}/{verb}"
        done = self.call(
            method, path, {} if body is None else body, query={"identifierType": "alias"}
        )
        assert (done.status, done.json()["result"]) == (202, "Request will be processed"), done
        return self.status(done.json()["requestId"])

    def status(self, request_id: str) -> Any:
        answer = self.call("GET", f"/alerts/requests/{request_id}")
        assert answer.status == 200, answer
        return answer.json()["data"]

    def statuses(self) -> list[str]:
        return [alert["status"] for alert in self.outside.alerts()]


@pytest.fixture
def genie(outside: Outside) -> Genie:
    return Genie(outside)


@pytest.fixture
def client(genie: Genie) -> opsgenie_sdk.AlertApi:
    configuration = opsgenie_sdk.Configuration()
    assert genie.integration["webhook_url"].endswith("/opsgenie")
    configuration.host = f"{genie.outside.url}/opsgenie"
    configuration.api_key["Authorization"] = genie.key
    configuration.retry_count = 1
    configuration.retry_delay = 0
    configuration.back_off = 0
    return opsgenie_sdk.AlertApi(opsgenie_sdk.ApiClient(configuration))
